use bytes::Bytes;
use http::Request;
use http::request::Parts;

use super::{Addressing, Protocols, Recognised};
use crate::call::{Body, Surroundings, Wanted};
use crate::table::Protocol;

const FORM: &str = "content-type: application/x-www-form-urlencoded";

/// `METHOD URL`, then a header a line.
fn head(text: &str) -> Parts {
    let mut lines = text.lines().map(str::trim);
    let (method, url) = lines.next().unwrap().split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(url);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    request.body(()).unwrap().into_parts().0
}

fn signed_for(service: &str) -> String {
    format!(
        "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261130/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn recognised_in(surroundings: &Surroundings, request: &str, body: &str) -> Recognised {
    let parts = head(request);
    let recognised = Protocols::new().unwrap().recognise(surroundings, &parts);
    recognised.with_body(surroundings, &parts, &Body { whole: Some(Bytes::copy_from_slice(body.as_bytes())) })
}

fn recognised(request: &str, body: &str) -> Recognised {
    let surroundings = Surroundings { bucket_domains: vec!["buckets.example.org".to_owned()], ..Surroundings::default() };
    recognised_in(&surroundings, request, body)
}

/// `service operation`, or `event source: event name` of what is not recognised.
fn shown(recognised: &Recognised) -> String {
    match (&recognised.service, recognised.operation()) {
        (Some(service), Some(operation)) => format!("{} {}", service.heading.name, operation.name),
        _ => format!("{}: {}", recognised.event_source, recognised.event_name),
    }
}

fn check(request: &str, body: &str, expected: &str) {
    assert_eq!(shown(&recognised(request, body)), expected, "{request}");
}

fn check_s3(request: &str, expected: &str) {
    let found = recognised(request, "");
    let place = found.bucket.as_deref().map(|bucket| format!("{bucket} {}", found.key.as_deref().unwrap_or("-")));
    assert_eq!(format!("{}, {}", shown(&found), place.unwrap_or_default()), expected, "{request}");
}

#[test]
fn a_target_names_service_and_operation() {
    let dynamodb = signed_for("dynamodb");
    check(&format!("POST /\nx-amz-target: DynamoDB_20120810.PutItem\n{dynamodb}"), "{}", "dynamodb PutItem");
    check(&format!("POST /\nx-amz-target: DynamoDBStreams_20120810.GetRecords\n{dynamodb}"), "{}", "dynamodbstreams GetRecords");
    check("POST /\nx-amz-target: AWSCognitoIdentityProviderService.SignUp", "{}", "cognito-idp SignUp");
    check(&format!("POST /\nx-amz-target: Unheard_1.PutItem\n{dynamodb}"), "{}", "dynamodb PutItem");
    check(&format!("POST /\nx-amz-target: DynamoDB_20120810.Frob\n{dynamodb}"), "{}", "dynamodb.amazonaws.com: Frob");
    check("POST /\nx-amz-target: Unheard_1.Frob", "{}", "unheard.amazonaws.com: Frob");
}

#[test]
fn an_action_names_the_operation_and_its_version_the_service() {
    let (iam, elb, sqs) = (signed_for("iam"), signed_for("elasticloadbalancing"), signed_for("sqs"));
    check(&format!("POST /\n{FORM}\n{iam}"), "Action=CreateUser&UserName=a&Version=2010-05-08", "iam CreateUser");
    check(&format!("GET /?Action=ListUsers&Version=2010-05-08\n{iam}"), "", "iam ListUsers");
    check(&format!("POST /\n{FORM}\n{elb}"), "Action=DescribeLoadBalancers&Version=2012-06-01", "elb DescribeLoadBalancers");
    check(&format!("POST /\n{FORM}\n{elb}"), "Action=DescribeLoadBalancers&Version=2015-12-01", "elbv2 DescribeLoadBalancers");
    check(&format!("POST /1/queue\n{FORM}\n{sqs}"), "Action=SendMessage&Version=2012-11-05", "sqs SendMessage");
    check(&format!("POST /\n{FORM}"), "Action=AssumeRoleWithSAML&Version=2011-06-15", "sts AssumeRoleWithSAML");
    check(
        "GET /?Action=GetCallerIdentity&Version=2011-06-15&AWSAccessKeyId=A&SignatureVersion=2&Signature=x",
        "",
        "sts GetCallerIdentity",
    );
    check(&format!("POST /\n{FORM}\n{iam}"), "Action=Frob&Version=2010-05-08", "iam.amazonaws.com: Frob");
    check(&format!("POST /\n{FORM}\n{iam}"), "nothing of use", "iam.amazonaws.com: POST /");
    check(
        &format!("POST /\n{FORM}\n{}", signed_for("rds")),
        "Action=DescribeDBClusters&Version=2014-10-31",
        "rds DescribeDBClusters",
    );
    let ec2 = recognised(&format!("POST /\n{FORM}\n{}", signed_for("ec2")), "Action=RunInstances&Version=2016-11-15");
    assert_eq!((ec2.protocol, ec2.region.as_deref()), (Some(Protocol::Ec2), Some("eu-west-1")));
}

#[test]
fn a_path_names_the_operation() {
    let lambda = signed_for("lambda");
    check(&format!("POST /2015-03-31/functions/f/invocations\n{lambda}"), "", "lambda Invoke");
    let found = recognised(&format!("GET /2015-03-31/functions/arn%3Aaws%3Alambda%3Af?Qualifier=1\n{lambda}"), "");
    assert_eq!(shown(&found), "lambda GetFunction");
    assert_eq!(found.labels, [("FunctionName".to_owned(), "arn:aws:lambda:f".to_owned())]);
    check(&format!("GET /2015-03-31/functions/\n{lambda}"), "", "lambda ListFunctions");
    check(&format!("GET /1999-01-01/frobs\n{lambda}"), "", "lambda.amazonaws.com: GET /1999-01-01/frobs");
    check(&format!("GET /2014-05-31/distribution/E1\n{}", signed_for("cloudfront")), "", "cloudfront GetDistribution");
    check(&format!("GET /portals/arn:aws:w/1/networkSettings\n{}", signed_for("workspaces-web")), "", "workspaces-web GetPortal");
    check(
        &format!("PUT /portals/arn:aws:w/1/networkSettings?networkSettingsArn=a\n{}", signed_for("workspaces-web")),
        "",
        "workspaces-web AssociateNetworkSettings",
    );
    check(&format!("POST /v2/email/outbound-emails\n{}", signed_for("ses")), "", "sesv2 SendEmail");
    check(&format!("POST /\n{FORM}\n{}", signed_for("ses")), "Action=SendEmail&Version=2010-12-01", "ses SendEmail");
    check("GET /v1/spaces/a\nhost: codecatalyst.global.api.aws\nauthorization: Bearer x", "", "codecatalyst GetSpace");
}

#[test]
fn rpc_v2_names_both_in_its_path() {
    let request = "POST /service/GraniteServiceVersion20100801/operation/ListMetrics\nsmithy-protocol: rpc-v2-cbor";
    let found = recognised(&format!("{request}\n{}", signed_for("monitoring")), "");
    assert_eq!((shown(&found).as_str(), found.protocol), ("cloudwatch ListMetrics", Some(Protocol::RpcV2Cbor)));
    check("POST /service/Unheard/operation/Frob\nsmithy-protocol: rpc-v2-cbor", "", "unheard.amazonaws.com: Frob");
}

#[test]
fn the_operations_of_s3_are_told_apart() {
    check_s3("GET /", "s3 ListBuckets, ");
    check_s3(&format!("GET /\n{}", signed_for("s3express")), "s3 ListDirectoryBuckets, ");
    check_s3("GET /b", "s3 ListObjects, b -");
    check_s3("GET /b/?list-type=2&prefix=x", "s3 ListObjectsV2, b -");
    check_s3("GET /b/?list-type=1", "s3 ListObjects, b -");
    check_s3("PUT /b", "s3 CreateBucket, b -");
    check_s3("GET /b?acl=", "s3 GetBucketAcl, b -");
    check_s3("GET /b?analytics&id=1", "s3 GetBucketAnalyticsConfiguration, b -");
    check_s3("GET /b?analytics", "s3 ListBucketAnalyticsConfigurations, b -");
    check_s3("GET /b?lifecycle", "s3 GetBucketLifecycleConfiguration, b -");
    check_s3("GET /b/a%20b/c+d//", "s3 GetObject, b a b/c+d//");
    check_s3("GET /b//k", "s3 GetObject, b /k");
    check_s3("GET /b/k?uploadId=1", "s3 ListParts, b k");
    check_s3("GET /b/k?attributes\nx-amz-object-attributes: ETag", "s3 GetObjectAttributes, b k");
    check_s3("HEAD /b/k", "s3 HeadObject, b k");
    check_s3("PUT /b/k", "s3 PutObject, b k");
    check_s3("PUT /b/k\nx-amz-copy-source: /a/k", "s3 CopyObject, b k");
    check_s3("PUT /b/k?x-amz-copy-source=a%2Fk&X-Amz-Signature=1", "s3 CopyObject, b k");
    check_s3("PUT /b/k?partNumber=1&uploadId=2", "s3 UploadPart, b k");
    check_s3("PUT /b/k?partNumber=1&uploadId=2\nx-amz-copy-source: /a/k", "s3 UploadPartCopy, b k");
    check_s3("POST /b/k?uploads", "s3 CreateMultipartUpload, b k");
    check_s3("POST /b/k?uploadId=2", "s3 CompleteMultipartUpload, b k");
    check_s3("POST /b/k?select&select-type=2", "s3 SelectObjectContent, b k");
    check_s3("DELETE /b/k?uploadId=2", "s3 AbortMultipartUpload, b k");
    check_s3("POST /b?delete", "s3 DeleteObjects, b -");
    check_s3("POST /b/k", "s3.amazonaws.com: REST.POST.OBJECT, b k");
    check_s3("PATCH /b/k", "s3.amazonaws.com: REST.PATCH.OBJECT, b k");
    check_s3("OPTIONS /b/k", "s3.amazonaws.com: REST.OPTIONS.PREFLIGHT, b k");
    check_s3("POST /b\ncontent-type: multipart/form-data; boundary=x", "s3.amazonaws.com: PostObject, b -");
    check_s3("GET /b/k\nauthorization: AWS AKIDEXAMPLE:c2lnbmF0dXJl", "s3 GetObject, b k");
    check_s3("GET /b/k?AWSAccessKeyId=A&Expires=1&Signature=x&response-content-type=a", "s3 GetObject, b k");
}

#[test]
fn s3_and_s3_control_share_a_signing_name() {
    let s3 = signed_for("s3");
    check_s3(&format!("GET /v20180820/jobs\n{s3}"), "s3 GetObject, v20180820 jobs");
    check(&format!("GET /v20180820/jobs\nx-amz-account-id: 123456789012\n{s3}"), "", "s3control ListJobs");
}

#[test]
fn a_virtual_host_is_a_bucket() {
    let check_host = |host: &str, expected: &str| {
        let found = recognised(&format!("GET /k\nhost: {host}"), "");
        assert_eq!(found.addressing, Some(Addressing::VirtualHost), "{host}");
        check_s3(&format!("GET /k\nhost: {host}"), &format!("s3 GetObject, {expected} k"));
        check_s3(&format!("GET /\nhost: {host}"), &format!("s3 ListObjects, {expected} -"));
    };
    check_host("b.localhost:9000", "b");
    check_host("b.s3.localhost", "b");
    check_host("my.own.BUCKETS.example.org", "my.own");
    check_host("b.s3.amazonaws.com", "b");
    check_host("b.c.s3.eu-west-1.amazonaws.com", "b.c");
    check_host("b.s3.dualstack.eu-west-1.amazonaws.com", "b");
    check_host("b.s3-eu-west-1.amazonaws.com:443", "b");
    check_host("b.s3.cn-north-1.amazonaws.com.cn", "b");
    check_host("b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com", "b--use1-az4--x-s3");
}

#[test]
fn the_service_behind_is_believed_against_all_else() {
    let only = |service: &str| Surroundings { service: Some(service.to_owned()), ..Surroundings::default() };
    let found = recognised_in(&only("s3"), "POST /b?delete\nx-amz-target: DynamoDB_20120810.PutItem", "");
    assert_eq!(shown(&found), "s3 DeleteObjects");
    let found = recognised_in(
        &only("docdb"),
        &format!("POST /\n{FORM}\n{}", signed_for("rds")),
        "Action=DescribeDBClusters&Version=2014-10-31",
    );
    assert_eq!(shown(&found), "docdb DescribeDBClusters");
    let found = recognised_in(&only("sso"), "GET /federation/credentials?role_name=r&account_id=1", "");
    assert_eq!(shown(&found), "sso GetRoleCredentials");
}

#[test]
fn bodies_are_wanted_for_parameters_and_not_for_content() {
    let wanted = |request: &str| {
        let recognised = Protocols::new().unwrap().recognise(&Surroundings::default(), &head(request));
        recognised.wanted() != Wanted::Nothing
    };
    let lambda = signed_for("lambda");
    assert!(!wanted("PUT /b/k"));
    assert!(!wanted("PUT /b/k?partNumber=1&uploadId=2"));
    assert!(!wanted("GET /b/k"));
    assert!(wanted("PUT /b?policy"));
    assert!(wanted("PUT /b?versioning"));
    assert!(wanted("POST /b?delete"));
    assert!(wanted("POST /b\ncontent-type: multipart/form-data; boundary=x"));
    assert!(wanted(&format!("POST /2015-03-31/functions\n{lambda}")));
    assert!(!wanted(&format!("POST /2015-03-31/functions/f/invocations\n{lambda}")));
    assert!(wanted(&format!("POST /\n{FORM}\n{}", signed_for("iam"))));
    assert!(wanted("POST /\nx-amz-target: DynamoDB_20120810.PutItem"));
}

#[test]
fn nonsense_is_bounded_and_named() {
    let long = "x".repeat(60_000);
    for request in [
        format!("GET /{long}"),
        format!("POST /?Action={long}&Version=2010-05-08\n{}", signed_for("iam")),
        format!("POST /\nx-amz-target: {long}.{long}"),
        format!("GET /{}", "a/".repeat(8_000)),
        format!("GET /?{}", "a&".repeat(20_000)),
        "GET /%ff%00%zz/%".to_owned(),
        format!("FROB /\nhost: {long}"),
        "GET /\nhost: .\nauthorization: AWS4-ECDSA-P256-SHA256 Credential=a/b/aws4_request".to_owned(),
    ] {
        let found = recognised(&request, &long);
        assert!(!found.event_name.is_empty() && found.event_name.len() <= 128, "{}", found.event_name);
        assert!(found.event_source.ends_with(".amazonaws.com"));
    }
}

#[test]
fn services_are_let_go_of_when_there_are_too_many() {
    let protocols = Protocols::new().unwrap();
    let names: Vec<String> = protocols.headings().iter().map(|heading| heading.name.clone()).collect();
    assert!(names.iter().all(|name| protocols.service(name).is_some()));
    assert!(protocols.bytes_kept() <= super::known::KEPT_BYTES_MAX);
    assert!(protocols.service("s3").is_some());
}

#[test]
fn a_signature_weighs_more_than_a_header_that_its_service_does_not_look_at() {
    let s3 = signed_for("s3");
    check(&format!("PUT /b/k\nx-amz-target: TrentService.Decrypt\n{s3}"), "", "s3 PutObject");
    check(&format!("POST /b/k?uploads\nx-amz-target: TrentService.Decrypt\n{s3}"), "", "s3 CreateMultipartUpload");
    let rpc = "/b/service/GraniteServiceVersion20100801/operation/ListMetrics";
    check(&format!("PUT {rpc}\nsmithy-protocol: rpc-v2-cbor\n{s3}"), "", "s3 PutObject");
    check(&format!("POST {rpc}?uploads\nsmithy-protocol: rpc-v2-cbor\n{s3}"), "", "s3 CreateMultipartUpload");
    check("DELETE /b/k?Action=ListUsers&Version=2010-05-08", "", "s3 DeleteObject");
    check("DELETE /b/k\nx-amz-target: TrentService.Decrypt", "", "s3 DeleteObject");
    let dynamodb = signed_for("dynamodb");
    check(&format!("POST /\nx-amz-target: AmazonSQS.TagResource\n{dynamodb}"), "{}", "dynamodb TagResource");
}

#[test]
fn what_decides_may_stand_at_the_end_of_a_query() {
    let junk = "a&".repeat(2_000);
    check_s3(&format!("PUT /b?{junk}policy"), "s3 PutBucketPolicy, b -");
    check_s3(&format!("GET /b/{}", "k".repeat(20_000)), &format!("s3 GetObject, b {}", "k".repeat(20_000)));
}

#[test]
fn a_form_that_names_several_actions_is_for_none_of_them() {
    let iam = signed_for("iam");
    let version = "Version=2010-05-08";
    let both = "iam.amazonaws.com: ListUsers|DeleteUser";
    check(&format!("POST /\n{FORM}\n{iam}"), &format!("Action=ListUsers&Action=DeleteUser&{version}"), both);
    check(&format!("POST /?Action=ListUsers&{version}\n{FORM}\n{iam}"), "Action=DeleteUser&UserName=a", both);
    check(&format!("POST /\n{FORM}\n{iam}"), &format!("Action=ListUsers&Action=ListUsers&{version}"), "iam ListUsers");
    let found = recognised(&format!("GET /?Action=ListUsers&Action=DeleteUser&{version}\n{iam}"), "");
    assert!(!crate::nature::Nature::of(&found, &http::Method::GET).read_only, "it may be any of them");
    let parts = head(&format!("POST /?Action=GetCallerIdentity&Version=2011-06-15\n{}", signed_for("sts")));
    let wanted = Protocols::new().unwrap().recognise(&Surroundings::default(), &parts).wanted();
    assert!(matches!(wanted, Wanted::Whole { .. }), "its form may name another one");
}
