use tokio::io::AsyncWriteExt as _;

use super::{Proxy, answered, expect, expect_end, head};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn what_is_asked_for_is_not_touched() {
    let mut proxy = Proxy::new().await;
    for target in [
        "/",
        "//",
        "//bucket//key",
        "/a/../b/./c",
        "/a%2Fb%2f%00%zz",
        "/a+b%20c",
        "/?",
        "/?a",
        "/?a=",
        "/?a=&a&&b=%3D&=c",
        "/?X-Amz-Signature=00&versions&list-type=2",
        "/~a!$&'()*,;:@\"{}|^[]",
        "/\u{e9}",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        proxy.unchanged(request.as_bytes(), OK).await;
        assert_eq!(proxy.record().await.target, target);
    }
}

#[tokio::test]
async fn headers_keep_their_case_order_and_values() {
    let mut proxy = Proxy::new().await;
    let (_client, _upstream) = proxy
        .unchanged(
            b"GET /key HTTP/1.1\r\nhost: a.b:90\r\nX-Amz-Date: 20261130T000000Z\r\nACCEPT-encoding: identity\r\n\
              x-amz-meta-A: 1,  2\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AK/x, Signature=00\r\nRange: bytes=0-1\r\n\
              If-None-Match: \"e\"\r\nx-odd: \xe9\xff\r\n\r\n",
            b"HTTP/1.1 206 Partially\r\nx-amz-ID-2: q/+=\r\nETag: \"e\"\r\nContent-Range: bytes 0-1/9\r\nSet-Cookie: a\r\n\
              SET-cookie: b\r\nContent-LENGTH: 2\r\nServer: MinIO\r\n\r\nab",
        )
        .await;
    let (status, _, bytes_in, bytes_out) = answered(proxy.record().await);
    assert_eq!((status, bytes_in, bytes_out), (206, 0, 2));
}

#[tokio::test]
async fn what_belongs_to_one_connection_is_left_out() {
    let proxy = Proxy::new().await;
    proxy
        .exchange(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Mine, host\r\nA: 1\r\nx-mine: 2\r\nKeep-Alive: 5\r\n\
              TE: trailers\r\nTE: gzip\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nB: 3\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nTE: trailers\r\nB: 3\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: 1\r\nConnection: Keep-Alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\nB: 2\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 0\r\nB: 2\r\n\r\n",
        )
        .await;
}

#[tokio::test]
async fn an_absolute_target_is_the_host() {
    let proxy = Proxy::new().await;
    proxy
        .exchange(
            b"GET http://b.example:80/k?x HTTP/1.1\r\nA: 1\r\nHost: other\r\nB: 2\r\n\r\n",
            b"GET /k?x HTTP/1.1\r\nA: 1\r\nHost: b.example:80\r\nB: 2\r\n\r\n",
            OK,
            OK,
        )
        .await;
}

#[tokio::test]
async fn bodies_keep_their_framing() {
    let mut proxy = Proxy::new().await;
    proxy.unchanged(b"PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", OK).await;
    assert_eq!(answered(proxy.record().await), (200, None, 5, 2));
    proxy.unchanged(b"PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", OK).await;
    assert_eq!(answered(proxy.record().await), (200, None, 0, 2));
    proxy
        .unchanged(
            b"PUT /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        )
        .await;
    assert_eq!(answered(proxy.record().await), (200, None, 5, 2));
    proxy.unchanged(b"GET /k HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", OK).await;
    assert_eq!(answered(proxy.record().await), (200, None, 3, 2));
    proxy.unchanged(b"GET /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", OK).await;
    assert_eq!(answered(proxy.record().await), (200, None, 3, 2));
}

#[tokio::test]
async fn signed_chunks_are_bytes_like_others() {
    let proxy = Proxy::new().await;
    let body = "5;chunk-signature=00\r\nhello\r\n0;chunk-signature=11\r\nx-amz-checksum-crc32:AA==\r\n\r\n";
    let request = format!(
        "PUT /k HTTP/1.1\r\nHost: a\r\nContent-Encoding: aws-chunked\r\nx-amz-trailer: x-amz-checksum-crc32\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    proxy.unchanged(request.as_bytes(), OK).await;
}

#[tokio::test]
async fn trailers_go_both_ways() {
    let proxy = Proxy::new().await;
    proxy
        .unchanged(
            b"PUT /k HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n\
              5\r\nhello\r\n0\r\nx-sum: 9\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 8\r\n\r\n",
        )
        .await;
}

#[tokio::test]
async fn answers_without_a_body_keep_the_length_they_claim() {
    let mut proxy = Proxy::new().await;
    proxy
        .unchanged(b"HEAD /k HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 12345\r\nB: 2\r\n\r\n")
        .await;
    assert_eq!(answered(proxy.record().await), (200, None, 0, 0));
    proxy
        .unchanged(
            b"GET /k HTTP/1.1\r\nHost: a\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 12345\r\nETag: \"e\"\r\n\r\n",
        )
        .await;
    proxy.unchanged(b"DELETE /k HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 204 No Content\r\nA: 1\r\n\r\n").await;
    proxy.unchanged(b"HEAD /k HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 404 Not Found\r\nA: 1\r\n\r\n").await;
}

#[tokio::test]
async fn a_reason_of_the_upstream_is_kept() {
    let proxy = Proxy::new().await;
    proxy.unchanged(b"GET /k HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 503 Slow Down Please\r\nContent-Length: 0\r\n\r\n").await;
    proxy.unchanged(b"GET /k HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 418 \r\nContent-Length: 0\r\n\r\n").await;
}

#[tokio::test]
async fn connections_are_used_again_on_both_sides() {
    let proxy = Proxy::new().await;
    let (mut client, mut upstream) = proxy.unchanged(b"PUT /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", OK).await;
    for target in ["/2", "/3"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        expect(&mut upstream, request.as_bytes()).await;
        upstream.write_all(OK).await.unwrap();
        expect(&mut client, OK).await;
    }
}

#[tokio::test]
async fn an_older_client_gets_what_it_understands() {
    let proxy = Proxy::new().await;
    let (mut client, _upstream) = proxy
        .exchange(
            b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"HTTP/1.0 200 OK\r\n\r\nok",
        )
        .await;
    expect_end(&mut client).await;
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_is_whole() {
    let proxy = Proxy::new().await;
    let mut client = proxy.connect().await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    upstream.write_all(b"HTTP/1.0 200 OK\r\nA: 1\r\n\r\nok").await.unwrap();
    drop(upstream);
    expect(&mut client, b"HTTP/1.1 200 OK\r\nA: 1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn requests_that_come_together_are_answered_in_order() {
    let proxy = Proxy::new().await;
    let mut client = proxy.connect().await;
    client.write_all(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut upstream = proxy.accept().await;
    for target in ["/1", "/2"] {
        expect(&mut upstream, format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await;
        upstream.write_all(OK).await.unwrap();
        expect(&mut client, OK).await;
    }
}
