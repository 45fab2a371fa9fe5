use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt as _;

use super::super::{Front, Trusted};
use super::OK;
use super::secured::acceptor;
use crate::forward::tests::{Proxy, expect_end, soon};

/// A proxy that does not wait long for clients.
async fn impatient(front: Front) -> Proxy {
    Proxy::with_front(Front { head_timeout: Duration::from_millis(500), ..front }, |_| {}).await
}

#[tokio::test]
async fn a_client_that_does_not_finish_a_head_is_let_go() {
    let trusting = Front { trusted: Trusted::new(&["127.0.0.1".parse().unwrap()]), ..Front::default() };
    for (front, sent) in [
        (Front::default(), b"".as_slice()),
        (Front::default(), b"GET"),
        (Front::default(), b"GET /k HTTP/1.1\r\nHost: a\r\n"),
        (trusting, b"PROXY TCP4 198.51.100.7"),
        (Front { tls: Some(acceptor(&["http/1.1"])), ..Front::default() }, b"\x16\x03\x01"),
    ] {
        let mut proxy = impatient(front).await;
        let mut client = proxy.connect().await;
        client.write_all(sent).await.unwrap();
        expect_end(&mut client).await;
        assert!(proxy.no_record(), "nothing was asked for: {}", sent.escape_ascii());
    }
}

#[tokio::test]
async fn a_client_that_asks_for_nothing_more_is_let_go() {
    let mut proxy = impatient(Front::default()).await;
    let (mut client, _upstream) = proxy.unchanged(b"GET /k HTTP/1.1\r\nHost: a\r\n\r\n", OK).await;
    expect_end(&mut client).await;
    proxy.record().await;
    assert!(proxy.no_record());
}

#[tokio::test]
async fn a_client_of_http2_that_asks_for_nothing_is_let_go() {
    let mut proxy = impatient(Front::default()).await;
    let stream = TokioIo::new(proxy.connect().await);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
    let (sender, connection) = handshake.await.unwrap();
    let sender: hyper::client::conn::http2::SendRequest<http_body_util::Empty<bytes::Bytes>> = sender;
    soon(connection).await.unwrap();
    assert!(sender.is_closed() && proxy.no_record());
}
