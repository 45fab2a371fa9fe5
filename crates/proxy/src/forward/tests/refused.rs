use super::Proxy;
use crate::listener::HEAD_BYTES_MAX;

/// How a request is refused that does not reach the upstream.
async fn check(request: &[u8], expected: &str) {
    let mut proxy = Proxy::new().await;
    let answer = proxy.refused(request).await;
    assert!(answer.starts_with(expected), "{}: {answer}", request[..request.len().min(200)].escape_ascii());
    assert!(proxy.no_record());
}

const BAD: &str = "HTTP/1.1 400 ";

#[tokio::test]
async fn bodies_of_two_lengths_are_refused() {
    check(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET", BAD).await;
    check(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\nGET", BAD).await;
    check(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", BAD).await;
    check(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 4\r\n\r\nabcd", BAD).await;
    check(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", BAD).await;
    check(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc", BAD).await;
    check(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", BAD).await;
}

#[tokio::test]
async fn codings_that_are_not_understood_are_refused() {
    check(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", BAD).await;
    check(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", BAD).await;
    check(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", BAD).await;
    check(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 501 ").await;
    check(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", BAD).await;
    check(b"PUT / HTTP/1.1\r\nHost: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD).await;
    check(b"PUT / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD).await;
}

#[tokio::test]
async fn heads_that_are_not_well_formed_are_refused() {
    check(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", BAD).await;
    check(b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", BAD).await;
    check(b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n", BAD).await;
    check(b"GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n", BAD).await;
    check(b"GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n", BAD).await;
    check(b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", BAD).await;
    check(b"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", BAD).await;
    check(b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", BAD).await;
    check(b"\0\x01\x02\r\n\r\n", BAD).await;
    check(b"G\xe9T / HTTP/1.1\r\nHost: a\r\n\r\n", BAD).await;
}

#[tokio::test]
async fn what_a_proxy_cannot_do_is_refused() {
    let websocket = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    check(websocket, "HTTP/1.1 501 Not Implemented\r\ncontent-type: application/xml\r\n").await;
    check(b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 501 ").await;
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let with = |length: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "x".repeat(length)).into_bytes();
    let large = "HTTP/1.1 431 ";
    check(&with(HEAD_BYTES_MAX), &format!("{large}Request Header Fields Too Large\r\ncontent-type: application/xml\r\n")).await;
    check(&with(HEAD_BYTES_MAX * 4), large).await;
    let target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(HEAD_BYTES_MAX));
    check(target.as_bytes(), "HTTP/1.1 4").await;
    let lines = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: y\r\n".repeat(2000));
    check(lines.as_bytes(), large).await;
}

#[tokio::test]
async fn what_follows_a_refusal_is_not_a_request() {
    let mut proxy = Proxy::new().await;
    let smuggled = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = proxy.refused(smuggled).await;
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    assert!(proxy.no_record());
}

#[tokio::test]
async fn targets_with_what_no_target_has_are_refused() {
    check(b"GET /<a> HTTP/1.1\r\nHost: a\r\n\r\n", BAD).await;
    check(b"GET /`a HTTP/1.1\r\nHost: a\r\n\r\n", BAD).await;
}

#[tokio::test]
async fn refusals_are_in_the_form_of_the_service() {
    let proxy = Proxy::told(|told| told.refuses_calls = true).await;
    let request =
        b"POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: TrentService.Encrypt\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let answer = proxy.refused(request).await;
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/x-amz-json-1.1\r\n"), "{answer}");
    assert!(answer.contains("\r\nx-amzn-requestid: "), "{answer}");
    assert!(answer.contains("\"__type\":\"ServiceUnavailable\""), "{answer}");
    let answer = proxy.refused(b"HEAD /k HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn two_claims_of_who_signed_are_refused() {
    let get = |target: &str, lines: &str| format!("GET {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n").into_bytes();
    let (mary, bob) = ("Authorization: AWS mary:c2ln\r\n", "Authorization: AWS bob:c2ln\r\n");
    check(&get("/b/k", &format!("{mary}{bob}")), "HTTP/1.1 400 Bad Request\r\ncontent-type: application/xml\r\n").await;
    check(&get("/b/k?AWSAccessKeyId=bob&Signature=c2ln&Expires=1", mary), BAD).await;
    check(&get("/b/k?x-amz-credential=bob%2F20261120%2Fr%2Fs3%2Faws4_request", mary), BAD).await;
    check(&get("/b/k?X-Amz-Credential=a&X-Amz-Credential=b", ""), BAD).await;
    check(&get("/b/k", "Authorization: AWS4-HMAC-SHA256 Credential=a/1/r/s3/x, Credential=b/1/r/s3/x\r\n"), BAD).await;
    check(&get("/", "X-Amz-Target: a.b\r\nx-amz-target: a.c\r\n"), BAD).await;
}
