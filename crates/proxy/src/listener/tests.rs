mod late;
mod secured;

use tokio::io::AsyncWriteExt as _;

use super::{Front, Trusted};
use crate::forward::tests::{Proxy, expect, expect_end, head};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Whose a call is recorded as that comes over a connection with these first bytes.
async fn check(trusted: &str, before: &[u8], forwarded: &str, expected: &str) {
    let front = Front { trusted: Trusted::new(&[trusted.parse().unwrap()]), ..Front::default() };
    let mut proxy = Proxy::with_front(front, |_| {}).await;
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {forwarded}\r\n\r\n");
    let mut client = proxy.connect().await;
    client.write_all(before).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    let mut upstream = proxy.accept().await;
    expect(&mut upstream, request.as_bytes()).await;
    upstream.write_all(OK).await.unwrap();
    expect(&mut client, OK).await;
    assert_eq!(proxy.record().await.client.source_ip.to_string(), expected);
}

const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc6\x33\x64\x07\x0a\0\0\x01\0\x50\0\x51";

#[tokio::test]
async fn a_trusted_proxy_says_for_whom_it_asks() {
    check("127.0.0.0/8", b"", "198.51.100.1", "198.51.100.1").await;
    check("127.0.0.0/8", b"PROXY TCP4 198.51.100.7 10.0.0.1 80 81\r\n", "203.0.113.1", "198.51.100.7").await;
    check("127.0.0.0/8", VERSION_2, "203.0.113.1", "198.51.100.7").await;
    check("127.0.0.0/8", b"PROXY UNKNOWN\r\n", "198.51.100.1", "198.51.100.1").await;
    check("10.0.0.0/8", b"", "198.51.100.1", "127.0.0.1").await;
}

#[tokio::test]
async fn the_proxy_protocol_of_anybody_else_is_no_request() {
    let proxy = Proxy::new().await;
    for header in [b"PROXY TCP4 198.51.100.7 10.0.0.1 80 81\r\n".as_slice(), VERSION_2] {
        let answer = proxy.refused(&[header, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"].concat()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
}

#[tokio::test]
async fn a_malformed_proxy_header_ends_the_connection() {
    let front = Front { trusted: Trusted::new(&["127.0.0.1".parse().unwrap()]), ..Front::default() };
    let proxy = Proxy::with_front(front, |_| {}).await;
    let mut client = proxy.connect().await;
    client.write_all(b"PROXY TCP4 nobody\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    expect_end(&mut client).await;
}

#[tokio::test]
async fn first_bytes_may_come_one_by_one() {
    let front = Front { trusted: Trusted::new(&["127.0.0.1".parse().unwrap()]), ..Front::default() };
    let mut proxy = Proxy::with_front(front, |_| {}).await;
    let mut client = proxy.connect().await;
    for byte in b"PROXY TCP4 198.51.100.7 10.0.0.1 80 81\r\nPRI /k HTTP/1.1\r\nHost: a\r\n\r\n" {
        client.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut upstream = proxy.accept().await;
    assert_eq!(head(&mut upstream).await, "PRI /k HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.write_all(OK).await.unwrap();
    assert_eq!(proxy.record().await.client.source_ip.to_string(), "198.51.100.7");
}

#[tokio::test]
async fn calls_under_way_are_finished_after_a_stop() {
    let mut proxy = Proxy::new().await;
    let mut idle = proxy.connect().await;
    let mut client = proxy.connect().await;
    let request = b"GET /k HTTP/1.1\r\nHost: a\r\n\r\n";
    client.write_all(request).await.unwrap();
    let mut upstream = proxy.accept().await;
    expect(&mut upstream, request).await;
    proxy.stop();
    expect_end(&mut idle).await;
    upstream.write_all(OK).await.unwrap();
    expect(&mut client, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nconnection: close\r\n\r\nok").await;
    expect_end(&mut client).await;
    proxy.record().await;
    proxy.stopped().await;
}
