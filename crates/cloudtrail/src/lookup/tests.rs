use serde_json::{Value, json};

use super::{AttributeKey, Facts, NAME_CHARS_MAX, RESOURCES_MAX, facts};
use crate::event::{Admission, Event, SIZE_MAX};
use crate::region::LEADER;

fn facts_of(record: &Value) -> Facts {
    let region = LEADER.parse().unwrap();
    let admission = Admission { account: "123456789012".parse().unwrap(), region: &region, ordinal: 0, size_max: SIZE_MAX };
    facts(&Event::admit(record.to_string().as_bytes(), &admission).unwrap())
}

fn call(source: &str, name: &str, request: Value, response: Value) -> Value {
    let source = format!("{source}.amazonaws.com");
    let mut call = json!({"eventTime": "2026-01-31T09:30:00Z", "eventID": "e-1", "eventName": name, "eventSource": source});
    call["requestParameters"] = request;
    call["responseElements"] = response;
    call
}

/// The resources of a call, as `type name` or the name alone.
fn check(record: &Value, expected: &[&str]) {
    let found = facts_of(record).resources;
    let found: Vec<_> = found.into_iter().map(|found| format!("{} {}", found.type_.unwrap_or_default(), found.name)).collect();
    let found: Vec<_> = found.iter().map(|found| found.trim_start().trim_start_matches("AWS::")).collect();
    assert_eq!(found, expected);
}

#[track_caller]
fn check_username(identity: &Value, expected: Option<&str>) {
    let mut record = call("s3", "ListBuckets", Value::Null, Value::Null);
    record.as_object_mut().unwrap().insert("userIdentity".to_owned(), identity.clone());
    assert_eq!(facts_of(&record).username.as_deref(), expected, "{identity}");
}

#[test]
fn the_user_name_depends_on_the_kind_of_identity() {
    check_username(&json!({"type": "Root", "userName": "alias", "arn": "arn:aws:iam::1:root"}), Some("root"));
    check_username(&json!({"type": "IAMUser", "userName": "dana"}), Some("dana"));
    check_username(&json!({"type": "IAMUser", "userName": ""}), None);
    check_username(&json!({"type": "IAMUser"}), None);
    check_username(
        &json!({"type": "IAMUser", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}),
        Some("HIDDEN_DUE_TO_SECURITY_REASONS"),
    );
    check_username(
        &json!({"type": "Unknown", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}),
        Some("HIDDEN_DUE_TO_SECURITY_REASONS"),
    );
    check_username(
        &json!({"type": "AssumedRole", "principalId": "AROA1:dana@x", "arn": "arn:aws:sts::1:assumed-role/r/dana@x", "sessionContext": {"sessionIssuer": {"userName": "r"}}}),
        Some("dana@x"),
    );
    check_username(&json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/r/s"}), Some("s"));
    check_username(&json!({"type": "AssumedRole", "principalId": "AROA1"}), None);
    check_username(&json!({"type": "FederatedUser", "principalId": "1:f", "arn": "arn:aws:sts::1:federated-user/f"}), Some("f"));
    check_username(&json!({"type": "FederatedUser", "principalId": "1:f"}), Some("f"));
    check_username(&json!({"type": "SAMLUser", "userName": "s@x"}), Some("s@x"));
    check_username(&json!({"type": "WebIdentityUser", "userName": "w"}), Some("w"));
    check_username(&json!({"type": "Role", "userName": "r"}), None);
    check_username(&json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}), None);
    check_username(&json!({"type": "AWSAccount", "principalId": "AROA1:s", "accountId": "1"}), None);
    check_username(&json!({"accountId": "1", "invokedBy": "AWS Internal"}), None);
    check_username(&json!("dana"), None);
    check_username(&Value::Null, None);
}

#[test]
fn facts_are_what_lookup_answers() {
    let mut record = call(
        "iam",
        "AttachRolePolicy",
        json!({"roleName": "deployer", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        Value::Null,
    );
    record.as_object_mut().unwrap().extend([
        ("readOnly".to_owned(), json!(false)),
        ("userIdentity".to_owned(), json!({"type": "IAMUser", "userName": "dana", "accessKeyId": "AKIA1"})),
    ]);
    let facts = facts_of(&record);
    assert_eq!((facts.event_id.as_str(), facts.event_name.as_str()), ("e-1", "AttachRolePolicy"));
    assert_eq!((facts.event_source.as_str(), facts.read_only), ("iam.amazonaws.com", Some(false)));
    assert_eq!((facts.username.as_deref(), facts.access_key_id.as_deref()), (Some("dana"), Some("AKIA1")));
    check(&record, &["IAM::Policy arn:aws:iam::aws:policy/ReadOnlyAccess", "IAM::Role deployer"]);
    record["userIdentity"]["accessKeyId"] = json!("");
    assert_eq!(facts_of(&record).access_key_id, None);
}

#[test]
fn resources_are_named_by_the_table() {
    let check = |source, name, request, response, expected: &[&str]| check(&call(source, name, request, response), expected);
    check("s3", "CreateBucket", json!({"bucketName": "b", "Host": "h"}), Value::Null, &["S3::Bucket b"]);
    check("cloudtrail", "StopLogging", json!({"name": "t"}), Value::Null, &["CloudTrail::Trail t"]);
    check(
        "cloudtrail",
        "CreateTrail",
        json!({"name": "t", "s3BucketName": "b"}),
        json!({"name": "t", "s3BucketName": "b", "trailARN": "arn:aws:cloudtrail:us-east-1:1:trail/t"}),
        &["CloudTrail::Trail t", "S3::Bucket b", "CloudTrail::Trail arn:aws:cloudtrail:us-east-1:1:trail/t"],
    );
    check(
        "sts",
        "AssumeRole",
        json!({"roleArn": "arn:aws:iam::1:role/r", "roleSessionName": "s"}),
        json!({"credentials": {"accessKeyId": "ASIA1", "expiration": "x"}, "assumedRoleUser": {"assumedRoleId": "AROA1:s", "arn": "arn:aws:sts::1:assumed-role/r/s"}}),
        &[
            "IAM::Role arn:aws:iam::1:role/r",
            "STS::AssumedRole arn:aws:sts::1:assumed-role/r/s",
            "STS::AssumedRole AROA1:s",
            "IAM::AccessKey ASIA1",
        ],
    );
    check("ssm", "GetParameters", json!({"names": ["/a", "/b"]}), Value::Null, &["SSM::Parameter /a", "SSM::Parameter /b"]);
    check(
        "ec2",
        "DeleteFlowLogs",
        json!({"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": "fl-1"}}}),
        Value::Null,
        &["EC2::FlowLog fl-1"],
    );
    check("ec2", "DescribeInstances", json!({"filterSet": {"items": [{"name": "vpc-id"}]}}), Value::Null, &[]);
    check("rds", "DeleteDBInstance", json!({"dBInstanceIdentifier": "db"}), Value::Null, &["RDS::DBInstance db"]);
}

/// As AWS answered for this call (plaso's test data), in another order.
#[test]
fn run_instances_names_what_aws_names() {
    let request = json!({"instancesSet": {"items": [{"imageId": "ami-1", "minCount": 1, "keyName": "aws-testing"}]}, "networkInterfaceSet": {"items": [{"subnetId": "subnet-1", "groupSet": {"items": [{"groupId": "sg-1"}]}}]}});
    let response = json!({"instancesSet": {"items": [{"instanceId": "i-1", "imageId": "ami-1", "keyName": "aws-testing", "subnetId": "subnet-1", "vpcId": "vpc-1", "networkInterfaceSet": {"items": [{"networkInterfaceId": "eni-1", "groupSet": {"items": [{"groupId": "sg-1", "groupName": "no-access"}]}}]}}]}});
    check(
        &call("ec2", "RunInstances", request, response),
        &[
            "EC2::Ami ami-1",
            "EC2::KeyPair aws-testing",
            "EC2::SecurityGroup sg-1",
            "EC2::Subnet subnet-1",
            "EC2::Instance i-1",
            "EC2::SecurityGroup no-access",
            "EC2::NetworkInterface eni-1",
            "EC2::VPC vpc-1",
        ],
    );
}

#[test]
fn else_resources_are_those_the_record_lists_or_its_arns() {
    let mut record = call("kms", "Decrypt", json!({"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}), Value::Null);
    record.as_object_mut().unwrap().insert(
        "resources".to_owned(),
        json!([{"accountId": "1", "type": "AWS::KMS::Key", "ARN": "arn:aws:kms:::key/1"}, {"ARN": "arn:x"}, {"arn": "arn:y", "type": "T"}, {"ARNPrefix": "arn:z/"}, {"type": "AWS::S3::Object"}, 7]),
    );
    check(&record, &["KMS::Key arn:aws:kms:::key/1", "arn:x", "T arn:y", "arn:z/"]);
    record["resources"] = json!("arn:aws:s3:::b");
    check(&record, &[]);
    let request = json!({"a": {"thing": "arn:aws:new:::thing/1"}, "b": ["arn:aws-cn:new:::t", "no arn"]});
    check(&call("new", "Do", request, Value::Null), &["arn:aws:new:::thing/1", "arn:aws-cn:new:::t"]);
}

#[test]
fn resources_are_bounded_and_named_once() {
    let names = |n: usize| -> Vec<_> { (0..n).map(|n| format!("/{n}")).collect() };
    let found = |request| facts_of(&call("ssm", "GetParameters", request, Value::Null)).resources;
    assert_eq!(found(json!({"names": names(5), "name": "/0"})).len(), 5);
    assert_eq!(found(json!({"names": names(RESOURCES_MAX + 1)})).len(), RESOURCES_MAX);
    assert!(found(json!({"names": ["", "HIDDEN_DUE_TO_SECURITY_REASONS", "x".repeat(NAME_CHARS_MAX + 1)]})).is_empty());
    assert_eq!(found(json!({"names": "é".repeat(NAME_CHARS_MAX)})).len(), 1);
}

#[test]
fn an_insight_event_is_found_by_the_names_in_its_details() {
    let insight = json!({
        "eventTime": "2026-01-31T09:30:00Z", "eventType": "AwsCloudTrailInsight", "eventCategory": "Insight",
        "insightDetails": {"eventSource": "iam.amazonaws.com", "eventName": "CreateUser"},
    });
    let facts = facts_of(&insight);
    assert_eq!((facts.event_source.as_str(), facts.event_name.as_str()), ("iam.amazonaws.com", "CreateUser"));
    assert!(facts.resources.is_empty());
}

#[test]
fn attribute_keys_have_the_api_s_names() {
    let names = ["EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName", "EventSource", "AccessKeyId"];
    for (key, name) in AttributeKey::ALL.into_iter().zip(names) {
        assert_eq!(key.to_string(), name);
        assert_eq!(name.parse(), Ok(key));
    }
    assert!("eventId".parse::<AttributeKey>().is_err());
}
