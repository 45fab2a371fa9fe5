use http::HeaderValue;

use super::*;

fn check(protocol: Protocol, status: u16, headers: &[(&'static str, &'static str)], body: &[u8], expected: (&str, Option<&str>)) {
    let failure = failure(Some(protocol), StatusCode::from_u16(status).unwrap(), &headers_of(headers), Some(body));
    let told = failure.as_ref().map(|(code, message)| (code.as_str(), message.as_deref()));
    assert_eq!(told, Some(expected), "{:?}", String::from_utf8_lossy(body));
}

fn headers_of(headers: &[(&'static str, &'static str)]) -> HeaderMap {
    headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
}

#[test]
fn refusals_are_read_in_every_protocol() {
    let typed = br#"{"__type":"com.amazonaws.kms#NotFoundException","message":"no key"}"#;
    check(Protocol::Json11, 400, &[], typed, ("NotFoundException", Some("no key")));
    check(Protocol::Json10, 400, &[], br#"{"__type":"A#B:http://x","Message":"m"}"#, ("B", Some("m")));
    check(
        Protocol::RestJson,
        404,
        &[("x-amzn-errortype", "ResourceNotFoundException:http://x")],
        br#"{"Message":"m","Type":"User"}"#,
        ("ResourceNotFoundException", Some("m")),
    );
    check(Protocol::RestJson, 400, &[], br#"{"code":"Bad","message":"m"}"#, ("Bad", Some("m")));
    check(Protocol::RestJson, 400, &[], br#"{"code":7,"message":["m"]}"#, ("BadRequest", None));
    let query = b"<ErrorResponse xmlns='u'><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no &amp; user</Message></Error><RequestId>r</RequestId></ErrorResponse>";
    check(Protocol::Query, 404, &[], query, ("NoSuchEntity", Some("no & user")));
    let ec2 = b"<?xml version='1.0'?>\n<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>m</Message></Error></Errors><RequestID>r</RequestID></Response>";
    check(Protocol::Ec2, 403, &[], ec2, ("Client.UnauthorizedOperation", Some("m")));
    check(Protocol::Ec2, 503, &[], b"", ("Server.ServiceUnavailable", None));
    check(Protocol::RestXml, 404, &[], b"<Error><Code>NoSuchKey</Code><Message>m</Message></Error>", ("NoSuchKey", Some("m")));
    check(
        Protocol::Json10,
        400,
        &[("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")],
        typed,
        ("AWS.SimpleQueueService.NonExistentQueue", Some("no key")),
    );
}

#[test]
fn a_refusal_without_a_body_is_told_by_its_status() {
    check(Protocol::RestXml, 404, &[("x-amz-request-id", "r")], b"", ("NoSuchKey", None));
    check(Protocol::RestXml, 403, &[("x-amz-request-id", "r")], b"", ("AccessDenied", None));
    check(Protocol::Json11, 502, &[("content-type", "text/html")], b"<html><body>Bad</body></html>", ("BadGateway", None));
    check(Protocol::RpcV2Cbor, 400, &[("content-type", "application/cbor")], b"\xff\xff", ("BadRequest", None));
}

#[test]
fn what_does_not_refuse_is_no_failure() {
    for status in [100, 200, 204, 206, 304] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(failure(None, status, &HeaderMap::new(), Some(b"{\"__type\":\"X\"}")), None);
    }
}

#[test]
fn ids_are_found_in_headers_and_bodies() {
    let check = |headers: &[(&'static str, &'static str)], body: &str, expected: Option<&str>| {
        assert_eq!(request_id(None, &headers_of(headers), Some(body.as_bytes())).as_deref(), expected);
    };
    check(&[("x-amzn-requestid", "a")], "", Some("a"));
    check(&[("x-amz-request-id", "b")], "<R><RequestId>c</RequestId></R>", Some("b"));
    check(&[], "<R><ResponseMetadata><RequestId>c</RequestId></ResponseMetadata></R>", Some("c"));
    check(&[], "<R><requestId>d</requestId></R>", Some("d"));
    check(&[], "{\"RequestId\":\"e\"}", None);
}
