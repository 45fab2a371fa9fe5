use std::time::Duration;

use protocols::call::Wanted;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Proxy, answered, expect, head, soon};
use crate::listener::BUFFER_BYTES_MAX;

/// Bytes that may be under way: in buffers of the kernel on both connections, and in ours.
const UNDER_WAY_MAX: usize = 32 << 20;

/// Writes until nothing is taken any more; how much was.
async fn fill(stream: &mut TcpStream) -> usize {
    let piece = vec![b'x'; 1 << 20];
    let mut taken = 0;
    while taken < UNDER_WAY_MAX * 4 {
        match tokio::time::timeout(Duration::from_millis(300), stream.write(&piece)).await {
            Ok(written) => taken += written.unwrap(),
            Err(_) => break,
        }
    }
    taken
}

async fn drain(stream: &mut TcpStream, mut length: usize) {
    let mut piece = vec![0; 1 << 20];
    while length > 0 {
        let fitting = length.min(piece.len());
        let read = soon(stream.read(&mut piece[..fitting])).await.unwrap();
        assert!(read > 0 && piece[..read].iter().all(|byte| *byte == b'x'));
        length -= read;
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_read_stops_the_client() {
    let proxy = Proxy::new().await;
    let mut client = proxy.connect().await;
    let length = UNDER_WAY_MAX * 4;
    let request = format!("PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut upstream = proxy.accept().await;
    expect(&mut upstream, request.as_bytes()).await;
    let taken = fill(&mut client).await;
    assert!(taken < UNDER_WAY_MAX, "{taken} bytes are under way");
    drain(&mut upstream, taken).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_upstream() {
    let proxy = Proxy::told(|told| told.answer_wanted = Wanted::Whole { bytes_max: BUFFER_BYTES_MAX }).await;
    let mut client = proxy.connect().await;
    client.write_all(b"GET /k HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", UNDER_WAY_MAX * 4);
    upstream.write_all(answer.as_bytes()).await.unwrap();
    let taken = fill(&mut upstream).await;
    assert!(taken < UNDER_WAY_MAX, "{taken} bytes are under way");
    expect(&mut client, answer.as_bytes()).await;
    drain(&mut client, taken).await;
}

#[tokio::test]
async fn large_bodies_come_whole_on_both_ways() {
    let mut proxy = Proxy::new().await;
    let length = 24 << 20;
    let body = vec![b'x'; length];
    let mut client = proxy.connect().await;
    client.write_all(format!("PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").as_bytes()).await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    let (sent, ()) = tokio::join!(client.write_all(&body), drain(&mut upstream, length));
    sent.unwrap();
    upstream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes()).await.unwrap();
    head(&mut client).await;
    let (sent, ()) = tokio::join!(upstream.write_all(&body), drain(&mut client, length));
    sent.unwrap();
    assert_eq!(answered(proxy.record().await), (200, None, length as u64, length as u64));
}
