use tokio::io::AsyncWriteExt as _;

use super::{Proxy, answered, expect, expect_end, head};
use crate::audit::Ending;

const GET: &[u8] = b"GET /k HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// What the client sees when the upstream answers this, and closes the connection.
async fn check(answer: &[u8], expected: &str) {
    let mut proxy = Proxy::new().await;
    let mut client = proxy.connect().await;
    client.write_all(GET).await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    upstream.write_all(answer).await.unwrap();
    drop(upstream);
    let seen = head(&mut client).await;
    assert!(seen.starts_with(expected), "{seen}");
    match proxy.record().await.outcome.ending {
        Ending::Failed { status, .. } => assert_eq!(status.unwrap().as_u16().to_string(), expected[9..12]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn no_answer_and_no_http_are_a_bad_gateway() {
    check(b"", "HTTP/1.1 502 ").await;
    check(b"HTTP/1.1 200", "HTTP/1.1 502 ").await;
    check(b"HTTP/1.1 200 OK\r\nContent-Length: 2", "HTTP/1.1 502 ").await;
    check(b"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 502 ").await;
    check(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "HTTP/1.1 502 ").await;
    check(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nok", "HTTP/1.1 502 ").await;
    check(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 502 ").await;
    let both = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    check(both, "HTTP/1.1 502 ").await;
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_bad_gateway() {
    let mut proxy = Proxy::new().await;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = proxy.upstream.local_addr().unwrap();
    drop(std::mem::replace(&mut proxy.upstream, gone));
    let _ = address;
    let mut client = proxy.connect().await;
    client.write_all(GET).await.unwrap();
    let seen = head(&mut client).await;
    assert!(seen.starts_with("HTTP/1.1 502 Bad Gateway\r\ncontent-type: application/xml\r\n"), "{seen}");
    assert!(matches!(proxy.record().await.outcome.ending, Ending::Failed { status: Some(_), .. }));
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_for_the_client() {
    for answer in [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok".as_slice(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    ] {
        let mut proxy = Proxy::new().await;
        let (mut client, upstream) = proxy.unchanged(GET, answer).await;
        assert!(proxy.no_record());
        drop(upstream);
        expect_end(&mut client).await;
        let record = proxy.record().await;
        assert!(matches!(record.outcome.ending, Ending::Failed { status: None, .. }), "{record:?}");
        assert_eq!(record.outcome.bytes_out, 2);
    }
}

#[tokio::test]
async fn nonsense_in_a_body_breaks_the_answer_off() {
    let mut proxy = Proxy::new().await;
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n";
    let (mut client, mut upstream) = proxy.unchanged(GET, answer).await;
    upstream.write_all(b"zz\r\n").await.unwrap();
    expect_end(&mut client).await;
    assert!(matches!(proxy.record().await.outcome.ending, Ending::Failed { status: None, .. }));
}

#[tokio::test]
async fn a_held_answer_that_breaks_off_is_a_bad_gateway() {
    let mut proxy = Proxy::told(|told| told.waits = true).await;
    let mut client = proxy.connect().await;
    client.write_all(GET).await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok").await.unwrap();
    drop(upstream);
    let seen = head(&mut client).await;
    assert!(seen.starts_with("HTTP/1.1 502 "), "{seen}");
    assert!(matches!(proxy.record().await.outcome.ending, Ending::Failed { status: Some(_), .. }));
}

#[tokio::test]
async fn what_comes_after_an_answer_is_nobodys() {
    let proxy = Proxy::new().await;
    let long = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad";
    let (mut client, mut first) = proxy.exchange(GET, GET, long, OK).await;
    expect_end(&mut first).await;
    client.write_all(GET).await.unwrap();
    let mut second = proxy.accept().await;
    expect(&mut second, GET).await;
    second.write_all(OK).await.unwrap();
    expect(&mut client, OK).await;
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_not_used() {
    let mut proxy = Proxy::new().await;
    let (mut client, upstream) = proxy.unchanged(GET, OK).await;
    drop(upstream);
    tokio::task::yield_now().await;
    client.write_all(b"PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    expect(&mut upstream, b"hello").await;
    upstream.write_all(OK).await.unwrap();
    expect(&mut client, OK).await;
    proxy.record().await;
    assert_eq!(answered(proxy.record().await), (200, None, 5, 2));
}

#[tokio::test]
async fn a_client_that_leaves_in_its_body_takes_the_call_with_it() {
    let mut proxy = Proxy::new().await;
    let mut client = proxy.connect().await;
    client.write_all(b"PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello").await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    expect(&mut upstream, b"hello").await;
    drop(client);
    expect_end(&mut upstream).await;
    let record = proxy.record().await;
    assert!(matches!(record.outcome.ending, Ending::ClientGone), "{record:?}");
    assert_eq!(record.outcome.bytes_in, 5);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_takes_the_call_with_it() {
    let mut proxy = Proxy::new().await;
    let mut client = proxy.connect().await;
    client.write_all(GET).await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    drop(client);
    expect_end(&mut upstream).await;
    assert!(matches!(proxy.record().await.outcome.ending, Ending::ClientGone));
}

#[tokio::test]
async fn a_client_that_leaves_in_the_answer_was_answered() {
    let mut proxy = Proxy::new().await;
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok";
    let (client, mut upstream) = proxy.unchanged(GET, answer).await;
    drop(client);
    expect_end(&mut upstream).await;
    assert_eq!(answered(proxy.record().await), (200, None, 0, 2));
}

#[tokio::test]
async fn an_early_answer_ends_the_upload() {
    let mut proxy = Proxy::new().await;
    let mut client = proxy.connect().await;
    client.write_all(b"PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello").await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    expect(&mut upstream, b"hello").await;
    upstream.write_all(OK).await.unwrap();
    expect(&mut client, OK).await;
    expect_end(&mut upstream).await;
    expect_end(&mut client).await;
    assert_eq!(answered(proxy.record().await), (200, None, 5, 2));
}

#[tokio::test]
async fn a_body_with_nonsense_in_it_ends_the_call() {
    let mut proxy = Proxy::new().await;
    let mut client = proxy.connect().await;
    client.write_all(b"PUT /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    expect(&mut upstream, b"5\r\nhello\r\n").await;
    client.write_all(b"-1\r\nx").await.unwrap();
    let seen = head(&mut client).await;
    assert!(seen.starts_with("HTTP/1.1 400 "), "{seen}");
    expect_end(&mut upstream).await;
    assert!(matches!(proxy.record().await.outcome.ending, Ending::ClientGone));
}
