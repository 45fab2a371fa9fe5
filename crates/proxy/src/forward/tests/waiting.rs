use std::time::Duration;

use protocols::call::Wanted;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::held::BYTES_MAX;
use super::{Proxy, answered, expect, expect_end, head, soon};
use crate::audit::Ending;

const EXPECTING: &[u8] = b"PUT /k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Nothing comes now. It is no proof, but it would be seen sooner or later.
async fn nothing(stream: &mut tokio::net::TcpStream) {
    let mut byte = [0];
    let read = tokio::time::timeout(Duration::from_millis(100), stream.read(&mut byte)).await;
    assert!(read.is_err(), "{} comes too early", byte.escape_ascii());
}

#[tokio::test]
async fn a_body_is_asked_for_when_the_upstream_asks() {
    let mut proxy = Proxy::new().await;
    let mut client = proxy.connect().await;
    client.write_all(EXPECTING).await.unwrap();
    let mut upstream = proxy.accept().await;
    expect(&mut upstream, EXPECTING).await;
    nothing(&mut client).await;
    upstream.write_all(CONTINUE).await.unwrap();
    expect(&mut client, CONTINUE).await;
    client.write_all(b"hello").await.unwrap();
    expect(&mut upstream, b"hello").await;
    upstream.write_all(OK).await.unwrap();
    expect(&mut client, OK).await;
    assert_eq!(answered(proxy.record().await), (200, None, 5, 2));
}

#[tokio::test]
async fn a_body_is_asked_for_when_the_upstream_says_nothing() {
    let proxy = Proxy::new().await;
    let mut client = proxy.connect().await;
    client.write_all(EXPECTING).await.unwrap();
    let mut upstream = proxy.accept().await;
    expect(&mut upstream, EXPECTING).await;
    expect(&mut client, CONTINUE).await;
    client.write_all(b"hello").await.unwrap();
    expect(&mut upstream, b"hello").await;
    upstream.write_all(OK).await.unwrap();
    expect(&mut client, OK).await;
}

#[tokio::test]
async fn a_body_is_not_asked_for_when_the_upstream_has_answered() {
    let mut proxy = Proxy::new().await;
    let mut client = proxy.connect().await;
    client.write_all(EXPECTING).await.unwrap();
    let mut upstream = proxy.accept().await;
    expect(&mut upstream, EXPECTING).await;
    upstream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nn").await.unwrap();
    expect(&mut client, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nconnection: close\r\n\r\nn").await;
    // Not even by and by.
    tokio::time::sleep(super::super::sending::PATIENCE).await;
    nothing(&mut client).await;
    upstream.write_all(b"o").await.unwrap();
    expect(&mut client, b"o").await;
    expect_end(&mut client).await;
    expect_end(&mut upstream).await;
    assert_eq!(answered(proxy.record().await), (403, None, 0, 2));
}

#[tokio::test]
async fn a_body_that_is_wanted_is_read_before_the_call_goes() {
    let mut proxy = Proxy::told(|told| told.wanted = Wanted::Whole { bytes_max: 10 }).await;
    for body in ["", "hello", "0123456789"] {
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        proxy.unchanged(request.as_bytes(), OK).await;
        let record = proxy.record().await;
        assert_eq!(record.body.as_deref(), Some(body.as_bytes()));
        assert_eq!(record.outcome.bytes_in, body.len() as u64);
    }
    let mut client = proxy.connect().await;
    client.write_all(EXPECTING).await.unwrap();
    expect(&mut client, CONTINUE).await;
    client.write_all(b"hello").await.unwrap();
    let mut upstream = proxy.accept().await;
    expect(&mut upstream, EXPECTING).await;
    expect(&mut upstream, b"hello").await;
}

#[tokio::test]
async fn a_body_that_is_too_large_to_be_read_goes_on_whole() {
    let mut proxy = Proxy::told(|told| told.wanted = Wanted::Whole { bytes_max: 4 }).await;
    proxy.unchanged(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", OK).await;
    assert_eq!(proxy.record().await.body, None);
    proxy
        .unchanged(
            b"POST / HTTP/1.1\r\nHost: a\r\nTrailer: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n3\r\nghi\r\n0\r\nt: 1\r\n\r\n",
            OK,
        )
        .await;
    let record = proxy.record().await;
    assert_eq!(record.body, None);
    assert_eq!(record.outcome.bytes_in, 9);
}

#[tokio::test]
async fn a_form_is_read_up_to_its_file() {
    let mut proxy = Proxy::told(|told| told.wanted = Wanted::Fields { bytes_max: 1_000 }).await;
    let field = "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n";
    let file = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
    let end = "\r\n--x--\r\n";
    let fields = [field, file].concat();
    for (fields, file_bytes) in [(fields.clone(), 20 << 20), (fields, 0), (field.repeat(30), 5)] {
        let length = fields.len() + file_bytes + end.len();
        let head = format!(
            "POST /b HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: {length}\r\n\r\n"
        );
        let mut client = proxy.connect().await;
        client.write_all((head.clone() + &fields).as_bytes()).await.unwrap();
        let mut upstream = proxy.accept().await;
        expect(&mut upstream, (head + &fields).as_bytes()).await;
        let rest = [vec![b'x'; file_bytes], end.as_bytes().to_vec()].concat();
        let (sent, ()) = tokio::join!(client.write_all(&rest), expect(&mut upstream, &rest));
        sent.unwrap();
        upstream.write_all(OK).await.unwrap();
        expect(&mut client, OK).await;
        let record = proxy.record().await;
        assert_eq!(record.outcome.bytes_in, length as u64);
        let read = record.body.unwrap();
        assert!(fields.as_bytes().starts_with(&read) && read.len() >= fields.len().min(1_000), "{}", read.escape_ascii());
    }
}

#[tokio::test]
async fn a_form_without_a_boundary_goes_on_unread() {
    let mut proxy = Proxy::told(|told| told.wanted = Wanted::Fields { bytes_max: 1_000 }).await;
    proxy.unchanged(b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", OK).await;
    assert_eq!(proxy.record().await.body, None);
}

#[tokio::test]
async fn an_answer_that_is_wanted_is_copied() {
    for waits in [false, true] {
        let mut proxy = Proxy::told(|told| {
            told.answer_wanted = Wanted::Whole { bytes_max: 4 };
            told.waits = waits;
        })
        .await;
        proxy.unchanged(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", OK).await;
        assert_eq!(answered(proxy.record().await), (200, Some("ok".into()), 0, 2));
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n";
        proxy.unchanged(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", chunked).await;
        assert_eq!(answered(proxy.record().await), (200, Some("abcd".into()), 0, 4));
        proxy.unchanged(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde").await;
        assert_eq!(answered(proxy.record().await), (200, None, 0, 5));
    }
}

#[tokio::test]
async fn an_answer_waits_for_its_record() {
    let mut proxy = Proxy::told(|told| told.waits = true).await;
    proxy.recorded.send_replace(false);
    let mut client = proxy.connect().await;
    client.write_all(b"PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    expect(&mut upstream, b"hello").await;
    upstream.write_all(OK).await.unwrap();
    assert_eq!(answered(proxy.record().await), (200, None, 5, 2));
    nothing(&mut client).await;
    proxy.recorded.send_replace(true);
    expect(&mut client, OK).await;
}

#[tokio::test]
async fn an_answer_whose_record_fails_does_not_go_out() {
    let mut proxy = Proxy::told(|told| (told.waits, told.refuses_ends) = (true, true)).await;
    let mut client = proxy.connect().await;
    client.write_all(b"PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    expect(&mut upstream, b"hello").await;
    upstream.write_all(OK).await.unwrap();
    let answer = head(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: 7\r\n"), "{answer}");
    proxy.record().await;
}

#[tokio::test]
async fn a_call_that_cannot_be_recorded_does_not_reach_the_upstream() {
    let proxy = Proxy::told(|told| told.refuses_calls = true).await;
    let mut client = proxy.connect().await;
    client.write_all(b"GET /k HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let answer = head(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: 7\r\n"), "{answer}");
}

#[tokio::test]
async fn a_large_answer_waits_for_its_record_and_is_not_kept_whole() {
    let mut proxy = Proxy::told(|told| told.waits = true).await;
    proxy.recorded.send_replace(false);
    let mut client = proxy.connect().await;
    client.write_all(b"PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    let length = BYTES_MAX * 3;
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    upstream.write_all(answer.as_bytes()).await.unwrap();
    assert_eq!(answered(proxy.record().await), (200, None, 0, length as u64));
    nothing(&mut client).await;
    proxy.recorded.send_replace(true);
    expect(&mut client, answer.as_bytes()).await;
    let body = vec![b'x'; length];
    let (sent, ()) = tokio::join!(upstream.write_all(&body), expect(&mut client, &body));
    sent.unwrap();
    assert!(proxy.no_record());
}

#[tokio::test]
async fn an_answer_of_unknown_length_is_held_back_up_to_a_bound() {
    let mut proxy = Proxy::told(|told| told.waits = true).await;
    let mut client = proxy.connect().await;
    client.write_all(b"GET /k HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    upstream.write_all(answer).await.unwrap();
    let chunk = [b"10000\r\n".as_slice(), &vec![b'x'; 0x10000], b"\r\n"].concat();
    for _ in 0..=BYTES_MAX / 0x10000 {
        upstream.write_all(&chunk).await.unwrap();
    }
    let (status, body, _, bytes_out) = answered(proxy.record().await);
    assert_eq!((status, body), (200, None));
    assert!(bytes_out > BYTES_MAX as u64 && bytes_out < BYTES_MAX as u64 * 2, "{bytes_out}");
    expect(&mut client, answer).await;
    upstream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    while !rest.ends_with(b"\r\n0\r\n\r\n") {
        assert!(soon(client.read_buf(&mut rest)).await.unwrap() > 0);
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_its_answer_waits_is_recorded_as_answered() {
    let mut proxy = Proxy::told(|told| told.waits = true).await;
    proxy.recorded.send_replace(false);
    let mut client = proxy.connect().await;
    client.write_all(b"PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    upstream.write_all(OK).await.unwrap();
    let record = proxy.record().await;
    drop(client);
    assert!(matches!(record.outcome.ending, Ending::Answered { .. }));
}
