use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt as _;

use super::{Proxy, answered, expect, head, soon};

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, std::convert::Infallible>;

async fn client(proxy: &Proxy) -> SendRequest<Body> {
    let stream = TokioIo::new(proxy.connect().await);
    let (sender, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn full(text: &'static str) -> Body {
    Full::new(Bytes::from_static(text.as_bytes())).boxed_unsync()
}

async fn collected(response: Response<hyper::body::Incoming>) -> (Bytes, Option<HeaderMap>) {
    let body = soon(response.into_body().collect()).await.unwrap();
    let trailers = body.trailers().cloned();
    (body.to_bytes(), trailers)
}

#[tokio::test]
async fn http2_in_the_clear_becomes_http_1() {
    let mut proxy = Proxy::new().await;
    let mut client = client(&proxy).await;
    let request = Request::get("http://bucket.example:9000/a%2Fb?x=&y")
        .header("cookie", "a=1")
        .header("x-amz-date", "now")
        .header("cookie", "b=2")
        .body(full(""))
        .unwrap();
    let answering = tokio::spawn(client.send_request(request));
    let mut upstream = proxy.accept().await;
    let seen = head(&mut upstream).await;
    assert!(seen.starts_with("GET /a%2Fb?x=&y HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("host: bucket.example:9000\r\n"), "{seen}");
    assert!(seen.contains("cookie: a=1; b=2\r\n"), "{seen}");
    assert_eq!(seen.matches("\r\n").count(), 5, "{seen}");
    upstream.write_all(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nETag: \"e\"\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    let response = soon(answering).await.unwrap().unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(response.headers().len(), 2, "{:?}", response.headers());
    assert_eq!(collected(response).await.0, "ok");
    let record = proxy.record().await;
    assert_eq!(record.headers["host"], "bucket.example:9000");
    assert_eq!(record.target, "/a%2Fb?x=&y");
    assert_eq!(answered(record), (200, None, 0, 2));
}

#[tokio::test]
async fn bodies_of_http2_are_framed_anew() {
    let mut proxy = Proxy::new().await;
    let mut client = client(&proxy).await;
    for (method, length, framing, body) in [
        ("PUT", Some("5"), "content-length: 5\r\n", "hello"),
        ("PUT", None, "transfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ("GET", None, "transfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
    ] {
        let mut request = Request::builder().method(method).uri("http://a/k");
        if let Some(length) = length {
            request = request.header("content-length", length);
        }
        let frames = futures_util::stream::iter([Ok(Frame::data(Bytes::from_static(b"hello")))]);
        let answering = tokio::spawn(client.send_request(request.body(StreamBody::new(frames).boxed_unsync()).unwrap()));
        let mut upstream = proxy.accept().await;
        let seen = head(&mut upstream).await;
        assert!(seen.contains(framing), "{seen}");
        expect(&mut upstream, body.as_bytes()).await;
        upstream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        assert_eq!(collected(soon(answering).await.unwrap().unwrap()).await.0, "");
        assert_eq!(answered(proxy.record().await), (200, None, 5, 0));
    }
}

#[tokio::test]
async fn a_request_of_http2_without_a_body_says_so() {
    let proxy = Proxy::new().await;
    let mut client = client(&proxy).await;
    let body = http_body_util::Empty::new().boxed_unsync();
    tokio::spawn(client.send_request(Request::delete("http://a/k").body(body).unwrap()));
    let mut upstream = proxy.accept().await;
    expect(&mut upstream, b"DELETE /k HTTP/1.1\r\nhost: a\r\n\r\n").await;
}

#[tokio::test]
async fn trailers_of_the_upstream_reach_a_client_of_http2() {
    let proxy = Proxy::new().await;
    let mut client = client(&proxy).await;
    let answering = tokio::spawn(client.send_request(Request::get("http://a/k").body(full("")).unwrap()));
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    upstream
        .write_all(b"HTTP/1.1 200 OK\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 8\r\n\r\n")
        .await
        .unwrap();
    let (body, trailers) = collected(soon(answering).await.unwrap().unwrap()).await;
    assert_eq!(body, "ok");
    assert_eq!(trailers.unwrap()["x-sum"], "8");
}

#[tokio::test]
async fn an_answer_without_a_body_claims_its_length_over_http2() {
    let proxy = Proxy::new().await;
    let mut client = client(&proxy).await;
    let answering = tokio::spawn(client.send_request(Request::head("http://a/k").body(full("")).unwrap()));
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n").await.unwrap();
    let response = soon(answering).await.unwrap().unwrap();
    assert_eq!(response.headers()["content-length"], "12345");
}

#[tokio::test]
async fn an_answer_that_breaks_off_resets_its_stream_only() {
    let mut proxy = Proxy::new().await;
    let mut client = client(&proxy).await;
    let answering = tokio::spawn(client.send_request(Request::get("http://a/k").body(full("")).unwrap()));
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok").await.unwrap();
    let response = soon(answering).await.unwrap().unwrap();
    drop(upstream);
    assert!(soon(response.into_body().collect()).await.is_err());
    proxy.record().await;
    let answering = tokio::spawn(client.send_request(Request::get("http://a/k").body(full("")).unwrap()));
    let mut upstream = proxy.accept().await;
    head(&mut upstream).await;
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    assert_eq!(collected(soon(answering).await.unwrap().unwrap()).await.0, "ok");
}
