mod corpus;

use std::sync::Arc;

use http::Method;

use super::{Nature, data};
use crate::recognition::Recognised;
use crate::table::{Heading, Operation, Protocol, Service};

/// A call of an operation that a model has.
fn recognised(service: &str, version: &str, operation: &str, method: &str, uri: &str) -> Recognised {
    let heading = Heading {
        name: service.to_owned(),
        api_version: version.to_owned(),
        service_id: service.to_owned(),
        protocols: vec![Protocol::Json11],
        endpoint_prefix: service.to_owned(),
        signing_name: service.to_owned(),
        target_prefix: None,
        event_source: format!("{service}.amazonaws.com"),
    };
    let operation = Operation {
        name: operation.to_owned(),
        method: method.to_owned(),
        uri: uri.to_owned(),
        input: None,
        output: None,
        result_wrapper: None,
        read_only: None,
        unsigned: false,
        deprecated: false,
        host_prefix: None,
    };
    let service = Service { heading, operations: vec![operation], shapes: Vec::new() };
    let mut recognised = Recognised::default();
    (recognised.service, recognised.operation) = (Some(Arc::new(service)), Some(0));
    recognised
}

/// Reads and writes are told apart by R and W, management and data events by M and D.
fn check(recognised: &Recognised, source: &str, name: &str, version: Option<&str>, kind: &str) {
    let nature = Nature::of(recognised, &Method::POST);
    let told = format!("{}{}", if nature.read_only { "R" } else { "W" }, if nature.management { "M" } else { "D" });
    let found = (nature.event_source.as_str(), nature.event_name.as_str(), nature.api_version.as_deref(), told.as_str());
    assert_eq!(found, (source, name, version, kind));
}

#[test]
fn lambdas_names_bear_the_date_of_their_path() {
    let check = |operation: &str, uri: &str, name: &str, kind: &str| {
        check(&recognised("lambda", "2015-03-31", operation, "POST", uri), "lambda.amazonaws.com", name, None, kind);
    };
    check("CreateFunction", "/2015-03-31/functions", "CreateFunction20150331", "WM");
    check("UpdateFunctionCode", "/2015-03-31/functions/{FunctionName}/code", "UpdateFunctionCode20150331v2", "WM");
    check("GetFunction", "/2015-03-31/functions/{FunctionName}", "GetFunction20150331v2", "RM");
    check("TagResource", "/2017-03-31/tags/{Resource}", "TagResource20170331v2", "WM");
    check("GetAccountSettings", "/2016-08-19/account-settings", "GetAccountSettings20160819", "RM");
    check("CreateFunctionUrlConfig", "/2021-10-31/functions/{FunctionName}/url", "CreateFunctionUrlConfig", "WM");
    check("Invoke", "/2015-03-31/functions/{FunctionName}/invocations", "Invoke", "WD");
}

#[test]
fn services_have_ways_of_their_own() {
    let check = |service: &str, api: &str, operation: &str, source: &str, name: &str, version: Option<&str>, kind: &str| {
        check(&recognised(service, api, operation, "POST", "/"), source, name, version, kind);
    };
    let distribution = "CreateDistribution";
    check("cloudfront", "2020-05-31", distribution, "cloudfront.amazonaws.com", distribution, Some("2020_05_31"), "WM");
    let function = "CreateFunction2020_05_31";
    check("cloudfront", "2020-05-31", "CreateFunction", "cloudfront.amazonaws.com", function, None, "WM");
    check("logs", "2014-03-28", "PutLogEvents", "logs.amazonaws.com", "PutLogEvents", Some("20140328"), "WD");
    check("logs", "2014-03-28", "CreateLogGroup", "logs.amazonaws.com", "CreateLogGroup", Some("20140328"), "WM");
    check("dynamodb", "2012-08-10", "PutItem", "dynamodb.amazonaws.com", "PutItem", Some("2012-08-10"), "WD");
    check("dynamodb", "2012-08-10", "TransactGetItems", "dynamodb.amazonaws.com", "TransactGetItems", Some("2012-08-10"), "RD");
    check("dynamodb", "2012-08-10", "CreateTable", "dynamodb.amazonaws.com", "CreateTable", Some("2012-08-10"), "WM");
    check("mq", "2017-11-27", "ListBrokers", "amazonmq.amazonaws.com", "ListBrokers", None, "RM");
    check("s3control", "1", "PutPublicAccessBlock", "s3control.amazonaws.com", "PutAccountPublicAccessBlock", None, "WM");
}

#[test]
fn reads_and_writes_are_told_apart_as_aws_tells_them() {
    let check = |service: &str, operation: &str, kind: &str| {
        check(&recognised(service, "1", operation, "POST", "/"), &format!("{service}.amazonaws.com"), operation, None, kind);
    };
    for operation in ["Encrypt", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "Sign", "DescribeKey"] {
        check("kms", operation, "RM");
    }
    for operation in ["CreateKey", "ScheduleKeyDeletion", "DisableKey"] {
        check("kms", operation, "WM");
    }
    for operation in ["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetCallerIdentity"] {
        check("sts", operation, "RM");
    }
    for operation in ["GetSessionToken", "GetFederationToken", "AssumeRoot"] {
        check("sts", operation, "WM");
    }
    check("iam", "SimulatePrincipalPolicy", "RM");
    check("iam", "GetUser", "RM");
    check("iam", "CreateUser", "WM");
    check("secretsmanager", "GetSecretValue", "RM");
    check("sqs", "ReceiveMessage", "RD");
    check("sqs", "SendMessage", "WD");
    check("sqs", "SetQueueAttributes", "WM");
    check("sns", "Publish", "WD");
    check("ec2", "DescribeInstances", "RM");
    check("ec2", "RunInstances", "WM");
    check("ec2", "Getaway", "WM");
}

#[test]
fn of_what_is_in_no_table_the_name_and_the_method_tell() {
    let check = |name: &str, method: Method, read_only: bool| {
        let mut recognised = Recognised::default();
        (recognised.event_source, recognised.event_name, recognised.api_version) =
            ("thing.amazonaws.com".to_owned(), name.to_owned(), Some("2030-01-01".to_owned()));
        let nature = Nature::of(&recognised, &method);
        let expected = Nature {
            event_source: "thing.amazonaws.com".to_owned(),
            event_name: name.to_owned(),
            api_version: Some("2030-01-01".to_owned()),
            read_only,
            management: true,
        };
        assert_eq!(nature, expected, "{name} {method}");
    };
    check("ListThings", Method::POST, true);
    check("MakeThing", Method::POST, false);
    check("MakeThing", Method::GET, false);
    check("GET /thing", Method::GET, true);
    check("POST /thing", Method::POST, false);
    check("", Method::DELETE, false);
}

#[test]
fn the_table_of_data_events_is_sorted() {
    assert!(data::rows().is_sorted_by(|a, b| a.0 < b.0));
    assert!(data::is_data("ebs", "PutSnapshotBlock") && !data::is_data("ebs", "StartSnapshot"));
    assert!(data::is_data("geo-maps", "GetTile") && !data::is_data("nothing", "GetTile"));
}
