use proptest::prelude::*;

use super::*;
use crate::event::{Admission, SIZE_MAX};

/// A record with a few usual members and these; those given come first and so replace the usual ones.
fn event(members: &str) -> Event {
    let admission = Admission {
        account: "123456789012".parse().expect("an account"),
        region: &"us-east-1".parse().expect("a Region"),
        ordinal: 0,
        size_max: SIZE_MAX,
    };
    let mut raw = format!(r#"{{"eventTime":"2026-01-02T03:04:05Z",{members}"#);
    for (key, value) in [("eventSource", "s3.amazonaws.com"), ("eventName", "GetObject")] {
        if !members.contains(key) {
            raw.extend([",\"", key, "\":\"", value, "\""]);
        }
    }
    raw.push('}');
    Event::admit(raw.as_bytes(), &admission).expect("an event")
}

fn basic(json: &str) -> Selectors {
    Selectors::Basic(serde_json::from_str(json).expect("basic selectors"))
}

/// One advanced selector of these fields.
fn advanced(fields: &str) -> Selectors {
    let json = format!(r#"[{{"FieldSelectors":[{fields}]}}]"#);
    Selectors::Advanced(serde_json::from_str(&json).expect("advanced selectors"))
}

/// Which of the events, by their members, legal selectors choose.
fn check<const N: usize>(selectors: &Selectors, events: [(&str, bool); N]) {
    assert_eq!(selectors.validate(), Ok(()));
    let matcher = selectors.compile();
    for (members, expected) in events {
        let event = event(members);
        assert_eq!(matcher.matches(&event), expected, "{members} by {selectors:?}");
        assert_eq!(selectors.matches(&event), expected);
    }
}

/// The selectors are refused with a message that has this in it.
fn check_refused(selectors: &Selectors, expected: &str) {
    let message = selectors.validate().expect_err("illegal selectors").message;
    assert!(message.contains(expected), "{message}");
}

const MANAGEMENT_READ: &str = r#""eventCategory":"Management","readOnly":true"#;
const MANAGEMENT_WRITE: &str = r#""eventCategory":"Management","readOnly":false"#;
const MANAGEMENT_UNSAID: &str = r#""eventCategory":"Management""#;

fn data(resources: &str) -> String {
    format!(r#""eventCategory":"Data","managementEvent":false,"readOnly":true,"resources":[{resources}]"#)
}

fn object(arn: &str) -> String {
    data(&format!(
        r#"{{"type":"AWS::S3::Object","ARN":"{arn}"}},{{"accountId":"1","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"}}"#
    ))
}

#[test]
fn a_new_trail_logs_management_events_alone() {
    let default = Selectors::default_for_new_trail();
    check(
        &default,
        [
            (MANAGEMENT_READ, true),
            (MANAGEMENT_WRITE, true),
            (r#""eventType":"AwsApiCall""#, true),
            (&object("arn:aws:s3:::b/k"), false),
            (r#""eventCategory":"NetworkActivity""#, false),
            (r#""eventCategory":"Insight","insightDetails":{}"#, false),
            (r#""eventCategory":"Aggregated""#, false),
        ],
    );
    assert!(!default.has_custom());
    assert!(basic(r#"[{"ReadWriteType":"WriteOnly"}]"#).has_custom());
    assert!(advanced(r#"{"Field":"eventCategory","Equals":["Management"]}"#).has_custom());
    let json = r#"{"EventSelectors":[{"ReadWriteType":"All","IncludeManagementEvents":true,"DataResources":[],"ExcludeManagementEventSources":[]}]}"#;
    assert_eq!(serde_json::to_string(&default).expect("JSON"), json);
    assert_eq!(serde_json::from_str::<Selectors>(json).expect("selectors"), default);
    assert_eq!(basic("[{}]"), default);
}

#[test]
fn an_event_without_read_only_counts_as_a_write() {
    let kinds = |kind: &str| basic(&format!(r#"[{{"ReadWriteType":"{kind}"}}]"#));
    check(&kinds("ReadOnly"), [(MANAGEMENT_READ, true), (MANAGEMENT_WRITE, false), (MANAGEMENT_UNSAID, false)]);
    check(&kinds("WriteOnly"), [(MANAGEMENT_READ, false), (MANAGEMENT_WRITE, true), (MANAGEMENT_UNSAID, true)]);
    check(&kinds("All"), [(MANAGEMENT_READ, true), (MANAGEMENT_WRITE, true), (MANAGEMENT_UNSAID, true)]);
    check(&kinds("ReadOnly"), [(r#""readOnly":"true""#, true), (r#""readOnly":"false""#, false)]);
    assert_eq!("WriteOnly".parse(), Ok(ReadWriteType::WriteOnly));
    assert!("writeonly".parse::<ReadWriteType>().is_err());
}

#[test]
fn sources_of_many_events_can_be_excluded() {
    check(
        &basic(r#"[{"ExcludeManagementEventSources":["kms.amazonaws.com"]}]"#),
        [
            (r#""eventSource":"kms.amazonaws.com""#, false),
            (r#""eventSource":"rdsdata.amazonaws.com""#, true),
            (r#""eventSource":"ec2.amazonaws.com""#, true),
        ],
    );
    check(
        &basic(r#"[{"ExcludeManagementEventSources":["kms.amazonaws.com"]},{"ReadWriteType":"WriteOnly"}]"#),
        [(r#""eventSource":"kms.amazonaws.com""#, true), (r#""eventSource":"kms.amazonaws.com","readOnly":true"#, false)],
    );
}

#[test]
fn basic_s3_values_are_beginnings_of_arns() {
    let of = |values: &str| {
        basic(&format!(
            r#"[{{"IncludeManagementEvents":false,"DataResources":[{{"Type":"AWS::S3::Object","Values":[{values}]}}]}}]"#
        ))
    };
    let listing = data(r#"{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::b/"}"#);
    check(
        &of(r#""arn:aws:s3:::b/","arn:aws:s3:::c/pre/fix""#),
        [
            (&object("arn:aws:s3:::b/k"), true),
            (&object("arn:aws:s3:::b/"), true),
            (&object("arn:aws:s3:::bb/k"), false),
            (&object("arn:aws:s3:::c/pre/fix-1"), true),
            (&object("arn:aws:s3:::c/pre"), false),
            (&object("arn:aws:s3:::B/k"), false),
            (&listing, true),
            (MANAGEMENT_READ, false),
            (&data(r#"{"type":"AWS::S3::AccessPoint","ARN":"arn:aws:s3:::b/k"}"#), false),
            (&data(r#"{"ARN":"arn:aws:s3:::b/k"}"#), false),
            (&data(""), false),
            (r#""eventCategory":"Data","resources":"arn:aws:s3:::b/k""#, false),
            (r#""eventCategory":"Data","resources":null"#, false),
            (r#""eventCategory":"Data""#, false),
        ],
    );
    for all in [r#""arn:aws:s3""#, r#""arn:aws:s3:::""#, r#""arn:aws:s3:::z/","arn:aws:s3""#] {
        check(
            &of(all),
            [(&object("arn:aws:s3:::any/k"), true), (&listing, true), (&data(r#"{"type":"AWS::SQS::Queue"}"#), false)],
        );
    }
}

#[test]
fn basic_lambda_values_are_exact_and_dynamodb_values_cover_streams() {
    let of = |type_: &str, value: &str| {
        basic(&format!(r#"[{{"ReadWriteType":"ReadOnly","DataResources":[{{"Type":"{type_}","Values":["{value}"]}}]}}]"#))
    };
    let resource = |type_: &str, arn: &str| data(&format!(r#"{{"type":"{type_}","ARN":"{arn}"}}"#));
    let function = "arn:aws:lambda:us-west-2:111111111111:function:hello";
    check(
        &of("AWS::Lambda::Function", function),
        [
            (&resource("AWS::Lambda::Function", function), true),
            (&resource("AWS::Lambda::Function", &format!("{function}2")), false),
            (&resource("AWS::Lambda::Function", function).replace("true", "false"), false),
            (&resource("AWS::S3::Object", function), false),
        ],
    );
    check(&of("AWS::Lambda::Function", "arn:aws:lambda"), [(&resource("AWS::Lambda::Function", function), true)]);
    let table = "arn:aws:dynamodb:us-west-2:111111111111:table/t";
    let stream = format!("{table}/stream/2026-01-01T00:00:00.000");
    check(
        &of("AWS::DynamoDB::Table", table),
        [
            (&resource("AWS::DynamoDB::Table", table), true),
            (&resource("AWS::DynamoDB::Table", &format!("{table}2")), false),
            (&resource("AWS::DynamoDB::Stream", &stream), true),
            (&resource("AWS::DynamoDB::Stream", &stream.replace("table/t", "table/u")), false),
        ],
    );
    check(&of("AWS::DynamoDB::Table", "arn:aws:dynamodb"), [(&resource("AWS::DynamoDB::Stream", &stream), true)]);
}

#[test]
fn basic_selectors_obey_the_rules() {
    let value =
        |type_: &str, value: &str| basic(&format!(r#"[{{"DataResources":[{{"Type":"{type_}","Values":["{value}"]}}]}}]"#));
    for (type_, values) in [
        (
            "AWS::S3::Object",
            &[
                "arn:aws:s3:::*",
                "arn:aws:s3:::b",
                "arn:aws:s3:::b/*",
                "arn:aws:s3:us-east-1::b/",
                "arn:x:s3",
                "b/",
                "",
                "*",
                "arn:aws:lambda",
            ][..],
        ),
        (
            "AWS::Lambda::Function",
            &[
                "arn:aws:lambda:*",
                "arn:aws:lambda:us-east-1:1:function:f:2",
                "arn:aws:lambda:::function:f",
                "arn:aws:s3",
                "arn:aws:lambda:::",
            ],
        ),
        ("AWS::DynamoDB::Table", &["arn:aws:dynamodb:us-east-1:1:table/t/stream/x", "arn:aws:dynamodb:us-east-1:1:table/", "t"]),
    ] {
        for v in values {
            check_refused(&value(type_, v), &format!("Value {v} for DataResources.Values is invalid."));
        }
    }
    for legal in ["arn:aws-cn:s3", "arn:aws-us-gov:s3:::Old_Bucket/", "arn:aws:s3:::b/k with spaces/ü"] {
        assert_eq!(value("AWS::S3::Object", legal).validate(), Ok(()), "{legal}");
    }
    check_refused(&value("AWS::SQS::Queue", "arn:aws:sqs"), "Value AWS::SQS::Queue for DataResources.Type is invalid.");
    check_refused(&basic(r#"[{"ExcludeManagementEventSources":["ec2.amazonaws.com"]}]"#), "Value ec2.amazonaws.com for");
    check_refused(
        &basic(r#"[{"IncludeManagementEvents":false,"ExcludeManagementEventSources":["kms.amazonaws.com"]}]"#),
        "only when IncludeManagementEvents",
    );
    check_refused(&basic("[]"), "Specify a valid number of selectors (1 to 5) for your trail.");
    assert_eq!(basic("[{},{},{},{},{}]").validate(), Ok(()));
    check_refused(&basic("[{},{},{},{},{},{}]"), "(1 to 5)");
}

#[test]
fn values_of_basic_selectors_are_counted_over_all_of_them() {
    let many = |first: usize, second: usize| {
        let resource = |count: usize| DataResource {
            type_: "AWS::S3::Object".to_owned(),
            values: (0..count).map(|n| format!("arn:aws:s3:::b/{n}")).chain(["arn:aws:s3".to_owned()]).collect(),
        };
        let selector = |count| EventSelector { data_resources: vec![resource(count)], ..EventSelector::default() };
        Selectors::Basic(vec![selector(first), selector(second)])
    };
    assert_eq!(many(125, 125).validate(), Ok(()), "those that mean all do not count");
    check_refused(&many(125, 126), "Specify a valid number of DataResources.Values (0 to 250) for all your selectors");
}

#[test]
fn selectors_are_made_when_they_are_legal() {
    assert_eq!(Selectors::basic(vec![EventSelector::default()]), Ok(Selectors::default_for_new_trail()));
    assert!(Selectors::basic(vec![]).is_err());
    assert!(Selectors::advanced(vec![AdvancedEventSelector::default()]).is_err());
}

const DATA_S3: &str = r#"{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]}"#;

/// Advanced data selectors for S3 objects with one more field.
fn s3_and(field: &str) -> Selectors {
    advanced(&format!("{DATA_S3},{field}"))
}

#[test]
fn the_worked_example_of_the_reference_holds() {
    check(
        &s3_and(
            r#"{"Field":"resources.ARN","StartsWith":["arn:aws:s3:::pay-"],"EndsWith":[".pdf"],"NotStartsWith":["arn:aws:s3:::pay-tmp"]}"#,
        ),
        [
            (&object("arn:aws:s3:::pay-eu/x.txt"), true),
            (&object("arn:aws:s3:::other/y.pdf"), true),
            (&object("arn:aws:s3:::pay-tmp/z.pdf"), false),
            (&object("arn:aws:s3:::other/y.txt"), false),
        ],
    );
}

#[test]
fn every_operator_selects_or_vetoes() {
    let named = |name: &str| format!(r#"{},"eventName":"{name}""#, object("arn:aws:s3:::b/k"));
    let (get, put, copy) = (named("GetObject"), named("PutObject"), named("CopyObjectAcl"));
    for (operators, expected) in [
        (r#""Equals":["PutObject","GetObject"]"#, [true, true, false]),
        (r#""StartsWith":["Get","Copy"]"#, [true, false, true]),
        (r#""EndsWith":["Object"]"#, [true, true, false]),
        (r#""NotEquals":["GetObject"]"#, [false, true, true]),
        (r#""NotStartsWith":["Get","Put"]"#, [false, false, true]),
        (r#""NotEndsWith":["Acl"]"#, [true, true, false]),
        (r#""Equals":["CopyObjectAcl"],"StartsWith":["Get"]"#, [true, false, true]),
        (r#""StartsWith":["G","P"],"NotEquals":["GetObject"]"#, [false, true, false]),
        (r#""Equals":["getobject"]"#, [false, false, false]),
        (r#""Equals":["Get*"]"#, [false, false, false]),
    ] {
        let selectors = s3_and(&format!(r#"{{"Field":"eventName",{operators}}}"#));
        let [a, b, c] = expected;
        check(&selectors, [(&get, a), (&put, b), (&copy, c)]);
    }
}

#[test]
fn what_is_absent_selects_nothing_and_vetoes_nothing() {
    let plain = object("arn:aws:s3:::b/k");
    let with = |member: &str| format!("{plain},{member}");
    let arn = with(r#""userIdentity":{"arn":"arn:aws:iam::1:user/eve"}"#);
    check(&s3_and(r#"{"Field":"userIdentity.arn","EndsWith":["/eve"]}"#), [(&plain, false), (&arn, true)]);
    check(&s3_and(r#"{"Field":"userIdentity.arn","NotEndsWith":["/eve"]}"#), [(&plain, true), (&arn, false)]);
    check(&s3_and(r#"{"Field":"userIdentity.arn","NotEndsWith":["x"]}"#), [(&with(r#""userIdentity":null"#), true)]);
    let console = with(r#""sessionCredentialFromConsole":"true""#);
    check(&s3_and(r#"{"Field":"sessionCredentialFromConsole","Equals":["true"]}"#), [(&plain, false), (&console, true)]);
    check(&s3_and(r#"{"Field":"sessionCredentialFromConsole","NotEquals":["true"]}"#), [(&plain, true), (&console, false)]);
    check(&s3_and(r#"{"Field":"readOnly","Equals":["false"]}"#), [(&plain, false), (&plain.replace("true", "\"false\""), true)]);
    check(
        &s3_and(r#"{"Field":"readOnly","Equals":["true"]}"#),
        [(&plain, true), (&plain.replace(r#""readOnly":true,"#, ""), false)],
    );
    check(&s3_and(r#"{"Field":"eventType","NotEquals":["AwsServiceEvent"]}"#), [(&plain, true)]);
    check(
        &s3_and(r#"{"Field":"resources.ARN","NotStartsWith":["arn:aws:s3:::x"]}"#),
        [(&data(r#"{"type":"AWS::S3::Object"}"#), true), (&data(""), false)],
    );
    check(
        &s3_and(r#"{"Field":"eventSource","Equals":["s3.amazonaws.com"]}"#),
        [(&plain, true), (&with(r#""eventSource":"x""#), false)],
    );
}

#[test]
fn type_and_arn_are_those_of_one_resource() {
    let selectors = s3_and(r#"{"Field":"resources.ARN","StartsWith":["arn:aws:s3:::b/"]}"#);
    let two = |first: &str, second: &str| {
        data(&format!(r#"{{"type":"AWS::S3::Object","ARN":"{first}"}},{{"type":"AWS::S3::AccessPoint","ARN":"{second}"}}"#))
    };
    check(
        &selectors,
        [
            (&two("arn:aws:s3:::b/k", "arn:aws:s3:::c/k"), true),
            (&two("arn:aws:s3:::c/k", "arn:aws:s3:::b/k"), false),
            (&data(r#"{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::b/"}"#), true),
            (&data(r#"{"type":"AWS::S3::Object","arn":"arn:aws:s3:::b/x"}"#), true),
            (&data(r#"7,null,[],"x",{"type":7},{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/x"}"#), true),
        ],
    );
    let table =
        advanced(r#"{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::DynamoDB::Table"]}"#);
    check(&table, [(&data(r#"{"type":"AWS::DynamoDB::Stream","ARN":"arn:aws:dynamodb:r:1:table/t/stream/1"}"#), true)]);
}

#[test]
fn categories_keep_to_themselves() {
    let management = advanced(
        r#"{"Field":"eventCategory","Equals":["Management"]},{"Field":"readOnly","Equals":["false"]},{"Field":"eventSource","NotEquals":["kms.amazonaws.com"]}"#,
    );
    check(
        &management,
        [
            (MANAGEMENT_WRITE, true),
            (MANAGEMENT_READ, false),
            (MANAGEMENT_UNSAID, false),
            (r#""readOnly":false,"eventSource":"kms.amazonaws.com""#, false),
            (&object("arn:aws:s3:::b/k"), false),
        ],
    );
    let network = advanced(
        r#"{"Field":"eventCategory","Equals":["NetworkActivity"]},{"Field":"eventSource","Equals":["kms.amazonaws.com"]},{"Field":"errorCode","Equals":["VpceAccessDenied"]},{"Field":"vpcEndpointId","NotEquals":["vpce-1"]}"#,
    );
    let event = r#""eventCategory":"NetworkActivity","eventSource":"kms.amazonaws.com","errorCode":"VpceAccessDenied","vpcEndpointId":"vpce-2""#;
    check(
        &network,
        [
            (event, true),
            (&event.replace("vpce-2", "vpce-1"), false),
            (&event.replace("VpceA", "A"), false),
            (&event.replace("NetworkActivity", "Data"), false),
        ],
    );
    let only_data = advanced(DATA_S3);
    check(&only_data, [(MANAGEMENT_WRITE, false), (&object("arn:aws:s3:::b/k"), true)]);
}

#[test]
fn advanced_selectors_obey_the_rules() {
    let management = r#"{"Field":"eventCategory","Equals":["Management"]}"#;
    let network = r#"{"Field":"eventCategory","Equals":["NetworkActivity"]}"#;
    let of_type = |type_: &str, field: &str| {
        advanced(&format!(
            r#"{{"Field":"eventCategory","Equals":["Data"]}},{{"Field":"resources.type","Equals":["{type_}"]}},{field}"#
        ))
    };
    for (fields, expected) in [
        ("", "at least one field selector"),
        (r#"{"Field":"readOnly","Equals":["true"]}"#, "eventCategory is required"),
        (r#"{"Field":"eventCategory"}"#, "at least one operator"),
        (r#"{"Field":"eventCategory","Equals":[""]}"#, "1 to 2048"),
        (r#"{"Field":"eventCategory","Equals":["Insight"]}"#, "Value Insight"),
        (r#"{"Field":"eventCategory","NotEquals":["Data"]}"#, "Operator NotEquals is invalid for the field eventCategory"),
        (r#"{"Field":"eventCategory","Equals":["Management","Data"]}"#, "exactly one value for the field eventCategory"),
        (r#"{"Field":"eventCategory","Equals":["Data"]}"#, "resources.type is required"),
        (network, "eventSource is required"),
    ] {
        check_refused(&advanced(fields), expected);
    }
    for (field, expected) in [
        (management, "twice"),
        (r#"{"Field":"eventName","Equals":["X"]}"#, "Field eventName is invalid for the event category Management of a trail"),
        (r#"{"Field":"f","Equals":["X"]}"#, "Field f is invalid"),
        (r#"{"Field":"readOnly","Equals":["yes"]}"#, "Value yes"),
        (r#"{"Field":"readOnly","Equals":["true","false"]}"#, "exactly one value"),
        (r#"{"Field":"readOnly","NotEquals":["true"]}"#, "Operator NotEquals"),
        (r#"{"Field":"eventSource","Equals":["kms.amazonaws.com"]}"#, "Operator Equals"),
        (r#"{"Field":"eventSource","NotEquals":["ec2.amazonaws.com"]}"#, "Value ec2.amazonaws.com"),
    ] {
        check_refused(&advanced(&format!("{management},{field}")), expected);
    }
    for (field, expected) in [
        (r#"{"Field":"eventSource","Equals":["kms.amazonaws.com","s3.amazonaws.com"]}"#, "exactly one value"),
        (r#"{"Field":"eventSource","StartsWith":["kms"]}"#, "Operator StartsWith"),
        (r#"{"Field":"eventSource","Equals":["kms"]}"#, "Value kms"),
        (r#"{"Field":"readOnly","Equals":["true"]}"#, "Field readOnly is invalid"),
        (r#"{"Field":"errorCode","Equals":["AccessDenied"]}"#, "Value AccessDenied"),
    ] {
        check_refused(&advanced(&format!("{network},{field}")), expected);
    }
    for (type_, field, expected) in [
        ("S3", r#"{"Field":"eventName","Equals":["X"]}"#, "Value S3"),
        ("AWS::S3::", r#"{"Field":"eventName","Equals":["X"]}"#, "Value AWS::S3::"),
        ("AWS::S3::Object", r#"{"Field":"resources.ARN","Equals":["b/k"]}"#, "Value b/k"),
        ("AWS::S3::Object", r#"{"Field":"resources.ARN","NotEquals":["arn:aws:s3:::b"]}"#, "Value arn:aws:s3:::b"),
        ("AWS::S3::Object", r#"{"Field":"resources.ARN","Equals":["arn:aws:sqs:r:1:q"]}"#, "Value arn:aws:sqs"),
        (
            "AWS::Lambda::Function",
            r#"{"Field":"resources.ARN","Equals":["arn:aws:lambda:r:1:function:f:1"]}"#,
            "Value arn:aws:lambda",
        ),
        ("AWS::CloudWatch::Metric", r#"{"Field":"resources.ARN","StartsWith":["arn"]}"#, "has no ARNs"),
        ("AWS::S3::Object", r#"{"Field":"sessionCredentialFromConsole","Equals":["false"]}"#, "Value false"),
        ("AWS::S3::Object", r#"{"Field":"vpcEndpointId","Equals":["x"]}"#, "Field vpcEndpointId is invalid"),
    ] {
        check_refused(&of_type(type_, field), expected);
    }
    for (type_, field) in [
        ("AWS::SQS::Queue", r#"{"Field":"resources.ARN","Equals":["arn:aws:sqs:r:1:q"]}"#),
        ("AWS::Brand::New", r#"{"Field":"resources.ARN","NotEquals":["arn:aws:brand:r:1:q"]}"#),
        ("AWS::S3::Object", r#"{"Field":"resources.ARN","StartsWith":["arn:aws:s3:::b/"],"NotEndsWith":[".tmp"]}"#),
    ] {
        assert_eq!(of_type(type_, field).validate(), Ok(()), "{field}");
    }
    let named = |name: &str| {
        Selectors::Advanced(vec![AdvancedEventSelector {
            name: Some(name.to_owned()),
            field_selectors: serde_json::from_str(&format!("[{management}]")).expect("fields"),
        }])
    };
    assert_eq!(named(&"n".repeat(1000)).validate(), Ok(()));
    check_refused(&named(&"n".repeat(1001)), "at most 1000");
    check_refused(&Selectors::Advanced(vec![]), "at least one advanced event selector");
}

#[test]
fn values_of_advanced_selectors_are_counted_over_all_of_them() {
    let many = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!(r#""N{n}""#)).collect();
        s3_and(&format!(r#"{{"Field":"eventName","Equals":[{}],"NotEndsWith":["x"]}}"#, names.join(",")))
    };
    assert_eq!(many(497).validate(), Ok(()), "with the category, the type and the veto these are 500");
    check_refused(&many(498), "(1 to 500)");
}

#[test]
fn get_event_selectors_sorts_fields_and_keeps_selectors_in_order() {
    let selectors: Selectors = serde_json::from_str(
        r#"{"AdvancedEventSelectors":[{"Name":"b","FieldSelectors":[{"Field":"resources.type","Equals":["AWS::S3::Object"]},{"Field":"eventCategory","Equals":["Data"]}]},{"Name":"a","FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]}]}]}"#,
    )
    .expect("selectors");
    assert_eq!(
        serde_json::to_string(&selectors.in_get_order()).expect("JSON"),
        r#"{"AdvancedEventSelectors":[{"Name":"b","FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]}]},{"Name":"a","FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]}]}]}"#
    );
}

#[test]
fn known_types_are_found() {
    assert!(resource_types::is_sorted());
    assert!(is_known_resource_type("AWS::S3::Object") && is_known_resource_type("AWS::XRay::Trace"));
    assert!(!is_known_resource_type("AWS::Brand::New"));
}

#[test]
fn every_event_of_the_corpus_is_decided() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/events");
    let Ok(files) = std::fs::read_dir(folder) else {
        println!("skipped: no corpus at {folder}");
        return;
    };
    let all = basic(r#"[{"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3"]}]}]"#).compile();
    let home = "us-east-1".parse().expect("a Region");
    let admission =
        Admission { account: "123456789012".parse().expect("an account"), region: &home, ordinal: 0, size_max: SIZE_MAX };
    let (mut logged, mut seen) = (0, 0);
    for file in files {
        let file = std::fs::File::open(file.expect("an entry").path()).expect("a file");
        let text = std::io::read_to_string(flate2::read::GzDecoder::new(file)).expect("UTF-8");
        for event in text.lines().filter_map(|line| Event::admit(line.as_bytes(), &admission).ok()) {
            logged += usize::from(all.matches(&event));
            seen += 1;
        }
    }
    println!("{logged} of {seen} events chosen");
    assert!(logged > seen * 9 / 10);
}

proptest! {
    #[test]
    fn any_selectors_decide_any_event(
        fields in prop::collection::vec((field(), prop::collection::vec(value(), 0..4), prop::collection::vec(value(), 0..4)), 0..5),
        record in record(),
        values in prop::collection::vec(value(), 0..3),
        type_ in value(),
    ) {
        let field_selectors = fields.into_iter().map(|(field, equals, not_starts_with)| {
            AdvancedFieldSelector { field, ends_with: equals.clone(), equals, not_starts_with, ..AdvancedFieldSelector::default() }
        });
        let advanced = Selectors::Advanced(vec![AdvancedEventSelector { name: None, field_selectors: field_selectors.collect() }]);
        let resources = vec![DataResource { type_, values }];
        let basic = Selectors::Basic(vec![EventSelector { data_resources: resources, ..EventSelector::default() }]);
        let event = event(&record);
        let subject = Subject::of(&event);
        for selectors in [advanced, basic] {
            let _ = selectors.validate();
            prop_assert_eq!(selectors.compile().takes(&subject), selectors.in_get_order().matches(&event));
            let json = serde_json::to_string(&selectors).expect("JSON");
            prop_assert_eq!(serde_json::from_str::<Selectors>(&json).expect("selectors"), selectors);
        }
    }
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("eventCategory".to_owned()),
        Just("resources.type".to_owned()),
        Just("resources.ARN".to_owned()),
        Just("userIdentity.arn".to_owned()),
        Just("readOnly".to_owned()),
        "\\PC{0,9}",
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Data".to_owned()),
        Just("AWS::S3::Object".to_owned()),
        Just("arn:aws:s3".to_owned()),
        "arn:aws:(s3|lambda|dynamodb):[a-z:/*]{0,9}",
        "\\PC{0,9}",
    ]
}

fn record() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("\"Data\"".to_owned()),
        Just("{\"arn\":[]}".to_owned()),
        Just("[{\"type\":\"AWS::S3::Object\",\"ARN\":\"arn:aws:s3:::b/\\ud83d\"},{},[],1]".to_owned()),
        Just("[[[\"x\"]],{\"type\":{\"type\":1}}]".to_owned()),
    ];
    let key = prop_oneof![Just("eventCategory"), Just("resources"), Just("userIdentity"), Just("readOnly")];
    (key, value).prop_map(|(key, value)| format!("\"{key}\":{value}"))
}
