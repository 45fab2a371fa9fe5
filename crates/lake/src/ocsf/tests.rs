use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::json::ReaderBuilder;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use serde_json::{Value, json};

use super::activity::Activity;
use super::*;

#[test]
fn the_verb_says_what_an_operation_does() {
    let check = |operation: &str, expected: Activity| assert_eq!(Activity::of(operation), expected, "{operation}");
    check("CreateUser", Activity::Create);
    check("RunInstances", Activity::Create);
    check("GetObject", Activity::Read);
    check("BatchGetItem", Activity::Read);
    check("ListBuckets", Activity::Read);
    check("DescribeInstances20150331", Activity::Read);
    check("PutBucketPolicy", Activity::Update);
    check("DetachRolePolicy", Activity::Update);
    check("DeleteTrail", Activity::Delete);
    check("TerminateInstances", Activity::Delete);
    check("ConsoleLogin", Activity::Other);
    check("AssumeRole", Activity::Other);
    check("Getaway", Activity::Other);
    check("Batch", Activity::Other);
    check("Delete", Activity::Delete);
    check("", Activity::Other);
}

#[test]
fn what_has_no_place_is_kept_flat() {
    let record = json!({
        "eventName": "GetObject", "recipientAccountId": "123456789012", "readOnly": true, "managementEvent": false,
        "requestParameters": {"bucketName": "b"}, "sharedEventID": null,
        "additionalEventData": {"x-amz-id-2": "z", "bytesTransferredOut": 12, "list": [1, {"a": 2}]},
        "userIdentity": {"type": "AssumedRole", "sessionContext": {"attributes": {"mfaAuthenticated": "false"},
            "sessionIssuer": {"arn": "a", "type": "Role"}, "sourceIdentity": "alice"}},
    });
    let rest: Value = serde_json::from_str(&unmapped::of(&record.to_string()).unwrap()).unwrap();
    assert_eq!(
        rest,
        json!({
            "additionalEventData.bytesTransferredOut": "12",
            "additionalEventData.list": r#"[1,{"a":2}]"#,
            "additionalEventData.x-amz-id-2": "z",
            "managementEvent": "false",
            "readOnly": "true",
            "recipientAccountId": "123456789012",
            "userIdentity.sessionContext.sessionIssuer.type": "Role",
            "userIdentity.sessionContext.sourceIdentity": "alice",
        })
    );
    assert_eq!(unmapped::of(r#"{"eventName":"GetObject"}"#), None);
    assert_eq!(unmapped::of("no JSON"), None);
}

/// The columns of files, none of them mandatory: the rows here have only what matters.
fn columns_of_events() -> SchemaRef {
    let fields = schema::file_schema(Family::Events)
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect::<Vec<_>>();
    Arc::new(Schema::new(fields))
}

/// A store's rows, from objects by column name.
fn rows(rows: &[Value]) -> RecordBatch {
    let mut reader = ReaderBuilder::new(columns_of_events()).build_decoder().unwrap();
    reader.serialize(rows).unwrap();
    reader.flush().unwrap().unwrap()
}

async fn ocsf(events: RecordBatch) -> Vec<Value> {
    let table = MemTable::try_new(events.schema(), vec![vec![events]]).unwrap();
    let context = SessionContext::new();
    let batches = context.read_table(provider(Arc::new(table)).unwrap()).unwrap().collect().await.unwrap();
    let lines: Vec<u8> = batches.iter().flat_map(|batch| Lines::of(batch).unwrap()).collect();
    lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[tokio::test]
async fn a_call_is_api_activity() {
    let event = json!({
        "eventversion": "1.11", "eventtime": "2026-11-20T10:00:01.5", "eventsource": "s3.amazonaws.com", "eventname": "GetObject",
        "awsregion": "eu-west-1", "sourceipaddress": "203.0.113.7", "useragent": "aws-cli/2", "requestid": "R", "eventid": "E",
        "eventtype": "AwsApiCall", "eventcategory": "Data", "apiversion": "2006-03-01", "vpcendpointid": "vpce-1",
        "requestparameters": r#"{"bucketName":"b","n":1}"#, "errorcode": "AccessDenied", "errormessage": "no",
        "_useridentity.type": "AssumedRole", "_useridentity.arn": "arn:aws:sts::1:assumed-role/r/s", "_useridentity.principalid": "P",
        "_useridentity.accountid": "123456789012", "_useridentity.accesskeyid": "ASIA1",
        "_useridentity.sessioncontext.attributes.mfaauthenticated": "true",
        "_useridentity.sessioncontext.sessionissuer.arn": "arn:aws:iam::1:role/r",
        "useridentity": {"sessioncontext": {"attributes": {"creationdate": "2026-11-20T09:00:00"}}},
        "resources": [{"arn": "arn:aws:s3:::b/k", "type": "AWS::S3::Object"},
                      {"arn": "arn:aws:s3:::b", "type": "AWS::S3::Bucket", "accountid": "123456789012"}],
        "eventjson": r#"{"eventName":"GetObject","recipientAccountId":"123456789012"}"#,
    });
    let found = ocsf(rows(&[event])).await;
    let expected = json!({
        "activity_id": 2, "activity_name": "Read", "category_uid": 6, "category_name": "Application Activity",
        "class_uid": 6003, "class_name": "API Activity", "type_uid": 600_302, "type_name": "API Activity: Read",
        "severity_id": 1, "severity": "Informational", "status_id": 2, "status": "Failure",
        "time": 1_795_168_801_500_i64, "time_dt": "2026-11-20T10:00:01.500Z",
        "metadata": {"uid": "E", "event_code": "AwsApiCall", "version": "1.1.0", "profiles": ["cloud", "datetime"],
            "product": {"name": "CloudTrail", "vendor_name": "AWS", "version": "1.11", "feature": {"name": "Data"}}},
        "api": {"operation": "GetObject", "version": "2006-03-01", "service": {"name": "s3.amazonaws.com"},
            "request": {"uid": "R", "data": {"bucketName": "b", "n": 1}}, "response": {"error": "AccessDenied", "message": "no"}},
        "actor": {"user": {"type": "AssumedRole", "uid": "arn:aws:sts::1:assumed-role/r/s", "uid_alt": "P",
                "account": {"uid": "123456789012"}, "credential_uid": "ASIA1"},
            "session": {"created_time_dt": "2026-11-20T09:00:00.000Z", "is_mfa": true, "issuer": "arn:aws:iam::1:role/r"}},
        "src_endpoint": {"ip": "203.0.113.7", "uid": "vpce-1"},
        "http_request": {"user_agent": "aws-cli/2"},
        "cloud": {"provider": "AWS", "region": "eu-west-1"},
        "resources": [{"uid": "arn:aws:s3:::b/k", "type": "AWS::S3::Object"},
            {"uid": "arn:aws:s3:::b", "type": "AWS::S3::Bucket", "owner": {"account": {"uid": "123456789012"}}}],
        "observables": [
            {"name": "src_endpoint.ip", "type": "IP Address", "type_id": 2, "value": "203.0.113.7"},
            {"name": "actor.user.uid", "type": "Resource UID", "type_id": 10, "value": "arn:aws:sts::1:assumed-role/r/s"},
            {"name": "resources[].uid", "type": "Resource UID", "type_id": 10, "value": "arn:aws:s3:::b/k"},
            {"name": "resources[].uid", "type": "Resource UID", "type_id": 10, "value": "arn:aws:s3:::b"}],
        "unmapped": {"recipientAccountId": "123456789012"},
    });
    assert_eq!(found, [expected]);
}

#[tokio::test]
async fn a_sign_in_and_a_service_are_told_by_what_they_have() {
    let sign_in = json!({
        "eventtime": "2026-11-20T10:00:00", "eventname": "ConsoleLogin", "additionaleventdata.MFAUsed": "No",
        "additionaleventdata": r#"{"MFAUsed":"No","UserName":"alice"}"#, "eventjson": "{}",
    });
    let service = json!({
        "eventtime": "2026-11-20T10:00:00", "eventname": "Decrypt", "sourceipaddress": "cloudformation.amazonaws.com",
        "_useridentity.username": "bob", "additionaleventdata": r#"{"UserName":"alice"}"#, "eventjson": "{}",
    });
    let found = ocsf(rows(&[sign_in, service])).await;
    assert_eq!(found[0]["actor"], json!({"user": {"name": "alice"}, "session": {"is_mfa": false}}));
    assert_eq!((&found[0]["status"], &found[0]["activity_id"]), (&json!("Success"), &json!(99)));
    assert_eq!(found[0].get("src_endpoint"), None);
    assert_eq!(found[1]["actor"]["user"]["name"], "bob");
    assert_eq!(found[1]["src_endpoint"], json!({"domain": "cloudformation.amazonaws.com"}));
    assert_eq!(found[1]["observables"][0]["type"], "Hostname");
}

#[tokio::test]
async fn a_filter_on_the_view_reaches_the_store() {
    let events = rows(&[
        json!({"eventtime": "2026-11-20T10:00:00", "eventname": "GetObject"}),
        json!({"eventtime": "2026-11-21T10:00:00", "eventname": "PutObject"}),
    ]);
    let table = MemTable::try_new(events.schema(), vec![vec![events]]).unwrap();
    let context = SessionContext::new();
    context.register_table("ocsf", provider(Arc::new(table)).unwrap()).unwrap();
    let query = "SELECT ocsf.api['operation'] FROM ocsf WHERE time_dt >= TIMESTAMP '2026-11-21 00:00:00' AND class_uid = 6003";
    let frame = context.sql(query).await.unwrap();
    let plan = frame.clone().into_optimized_plan().unwrap().display_indent().to_string();
    assert!(plan.contains("eventtime >= "), "{plan}");
    assert!(!plan.contains("ocsf_unmapped"), "what is not asked for is not computed: {plan}");
    let found = arrow::util::pretty::pretty_format_batches(&frame.collect().await.unwrap()).unwrap().to_string();
    assert!(found.contains("PutObject") && !found.contains("GetObject"), "{found}");
}

#[test]
fn the_view_has_real_structs() {
    let schema = schema().unwrap();
    assert!(matches!(schema.field_with_name("actor").unwrap().data_type(), DataType::Struct(_)));
    assert!(matches!(schema.field_with_name("resources").unwrap().data_type(), DataType::List(_)));
    assert_eq!(schema.field_with_name("time").unwrap().data_type(), &DataType::Int64);
}
