use http::Method;
use serde_json::json;

use super::{document, failure, operation};
use crate::{Constraints, ErrorCode, Input, Operation};

const ARN: &str = "arn:aws:cloudtrail:us-east-1:123456789012:channel/EXAMPLE8-0558-4f7e-a06a-43969EXAMPLE";

#[test]
fn the_path_names_the_operation() {
    assert_eq!(operation(&Method::POST, "/PutAuditEvents"), Some(Operation::PutAuditEvents));
    assert_eq!(operation(&Method::GET, "/PutAuditEvents"), None);
    assert_eq!(operation(&Method::POST, "/putauditevents"), None);
}

#[test]
fn query_members_come_from_the_query_alone() {
    let query = format!("channelArn={}&externalId=a%2Bb", ARN.replace(':', "%3A"));
    let body = br#"{"auditEvents":[{"id":"1","eventData":"{}"}],"externalId":"forged"}"#;
    let document = document(Operation::PutAuditEvents, Some(&query), body).unwrap();
    let Input::PutAuditEvents(input) = Constraints::new().input(Operation::PutAuditEvents, document).unwrap() else {
        panic!("another operation's input");
    };
    assert_eq!(input.channel_arn, ARN);
    assert_eq!(input.external_id.as_deref(), Some("a+b"));
    assert_eq!(input.audit_events.len(), 1);
}

#[test]
fn a_parameter_given_twice_is_refused() {
    assert!(document(Operation::PutAuditEvents, Some("channelArn=a&channelArn=b"), b"").is_err());
    assert_eq!(document(Operation::PutAuditEvents, Some("x=1&&other"), b"").unwrap(), json!({}));
}

#[test]
fn an_error_is_named_in_header_and_body() {
    let answer = failure(ErrorCode::ChannelNotFound, "no such channel", "1");
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.headers()["x-amzn-errortype"], "ChannelNotFound");
    assert_eq!(answer.body().as_ref(), br#"{"__type":"ChannelNotFound","message":"no such channel"}"#);
}
