use serde_json::json;

use super::{DEPTH_MAX, document, failure, success};
use crate::ErrorCode;
use crate::cloudtrail::{DeleteTrailResponse, GetTrailStatusResponse};
use crate::timestamp::Timestamp;

#[track_caller]
fn refused(body: &str, because: &str) {
    let error = document(body.as_bytes()).unwrap_err().to_string();
    assert!(error.contains(because), "{error}");
}

#[test]
fn a_body_is_an_object_or_nothing() {
    assert_eq!(document(b"").unwrap(), json!({}));
    assert_eq!(document(br#" {"Name":"a","N":1.5,"L":[null,true]} "#).unwrap(), json!({"Name":"a","N":1.5,"L":[null,true]}));
    refused("[]", "not a JSON object");
    refused("{", "EOF");
    refused("{}x", "trailing");
    refused("{\"a\":\"\u{1}\"}", "control character");
    refused(r#"{"a":"\ud800"}"#, "escape");
    assert!(document(b"{\"a\":\"\xff\"}").is_err());
}

#[test]
fn a_member_that_comes_twice_is_refused() {
    refused(r#"{"Name":"a","Name":"b"}"#, "member \"Name\" comes twice");
    refused(r#"{"Name":"a","N\u0061me":"b"}"#, "comes twice");
    refused(r#"{"T":[{"Key":"a","Key":null}]}"#, "comes twice");
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(document(nested(DEPTH_MAX - 1).as_bytes()).is_ok());
    refused(&nested(DEPTH_MAX), "nested deeper");
    refused(&nested(100_000), "nested deeper");
}

#[test]
fn answers_carry_type_id_and_body() {
    let answer = success(&DeleteTrailResponse {}, "7d0ea4d4");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-amz-json-1.1");
    assert_eq!(answer.headers()["x-amzn-requestid"], "7d0ea4d4");
    assert_eq!(answer.body().as_ref(), b"{}");

    let status = GetTrailStatusResponse {
        is_logging: Some(true),
        latest_delivery_time: Some(Timestamp::from_s(5)),
        ..GetTrailStatusResponse::default()
    };
    assert_eq!(success(&status, "1").body().as_ref(), br#"{"IsLogging":true,"LatestDeliveryTime":5}"#);
}

#[test]
fn errors_carry_type_and_message() {
    let answer = failure(ErrorCode::TrailNotFoundException, "Unknown trail: \"x\"", "1");
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.body().as_ref(), br#"{"__type":"TrailNotFoundException","message":"Unknown trail: \"x\""}"#);
    assert_eq!(failure(ErrorCode::InternalFailure, "", "1").status(), 500);
}
