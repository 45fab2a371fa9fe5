use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::tls;
use super::{Front, OK};
use crate::forward::tests::{Proxy, expect, head, soon};

// Made for these tests, and good for nothing else.
const CERTIFICATE: &str = include_str!("cert.pem");
const KEY: &str = include_str!("key.pem");

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

pub(super) fn acceptor(protocols: &[&str]) -> tokio_rustls::TlsAcceptor {
    let (cert, key) = (file(CERTIFICATE), file(KEY));
    let acceptor = tls::acceptor(cert.path(), key.path()).unwrap();
    let mut config = rustls::ServerConfig::clone(acceptor.config());
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Arc::new(config).into()
}

async fn connect(proxy: &Proxy, protocol: &str) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    soon(TlsConnector::from(Arc::new(config)).connect(name, proxy.connect().await)).await.unwrap()
}

async fn secured(upstream: Option<&Path>) -> Proxy {
    let front = Front { tls: Some(acceptor(&["h2", "http/1.1"])), ..Front::default() };
    Proxy::before(if upstream.is_some() { "https" } else { "http" }, upstream, front, |_| {}).await
}

const GET: &[u8] = b"GET /k HTTP/1.1\r\nHost: bucket.example\r\n\r\n";

#[tokio::test]
async fn a_secured_connection_is_recorded_as_such() {
    let mut proxy = secured(None).await;
    let mut client = connect(&proxy, "http/1.1").await;
    client.write_all(GET).await.unwrap();
    let mut upstream = proxy.accept().await;
    expect(&mut upstream, GET).await;
    upstream.write_all(OK).await.unwrap();
    expect(&mut client, OK).await;
    let tls = proxy.record().await.client.tls.unwrap();
    assert_eq!(tls.version, "TLSv1.3");
    assert!(tls.cipher_suite.starts_with("TLS_AES_"), "{}", tls.cipher_suite);
    assert_eq!(tls.client_provided_host_header.as_deref(), Some("bucket.example"));
}

#[tokio::test]
async fn an_upstream_may_be_secured() {
    let ca = file(CERTIFICATE);
    let proxy = secured(Some(ca.path())).await;
    let mut client = connect(&proxy, "http/1.1").await;
    client.write_all(GET).await.unwrap();
    let mut upstream = soon(acceptor(&["h2", "http/1.1"]).accept(proxy.accept().await)).await.unwrap();
    assert_eq!(upstream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
    expect(&mut upstream, GET).await;
    upstream.write_all(OK).await.unwrap();
    expect(&mut client, OK).await;
}

#[tokio::test]
async fn an_upstream_with_a_certificate_of_nobody_is_not_spoken_to() {
    let nobody = file("");
    let proxy = secured(Some(nobody.path())).await;
    let mut client = connect(&proxy, "http/1.1").await;
    client.write_all(GET).await.unwrap();
    assert!(acceptor(&[]).accept(proxy.accept().await).await.is_err());
    let seen = head(&mut client).await;
    assert!(seen.starts_with("HTTP/1.1 502 "), "{seen}");
}

/// An upstream of HTTP/2 that says what it was asked.
async fn telling(stream: TcpStream) {
    let stream = acceptor(&["h2"]).accept(stream).await.unwrap();
    let service = service_fn(async |request: Request<Incoming>| {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let told = format!("{} {} {:?} {body:?}", head.method, head.uri, head.headers.get("host"));
        Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(told))))
    });
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    drop(builder.auto_date_header(false).serve_connection(TokioIo::new(stream), service).await);
}

#[tokio::test]
async fn http2_goes_on_as_http2_over_one_connection() {
    let ca = file(CERTIFICATE);
    let proxy = secured(Some(ca.path())).await;
    let stream = TokioIo::new(connect(&proxy, "h2").await);
    let (mut client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let request = |body: &'static str| Request::put("https://b.example/a%2Fb?x=").body(Full::new(Bytes::from(body))).unwrap();
    let first = tokio::spawn(client.send_request(request("one")));
    tokio::spawn(telling(proxy.accept().await));
    for (answering, body) in [(first, "one"), (tokio::spawn(client.send_request(request("two"))), "two")] {
        let response = soon(answering).await.unwrap().unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        let told = soon(response.into_body().collect()).await.unwrap().to_bytes();
        assert_eq!(told, format!("PUT https://b.example/a%2Fb?x= None b\"{body}\""));
    }
}

#[tokio::test]
async fn an_upstream_that_speaks_http2_only_is_spoken_to() {
    let ca = file(CERTIFICATE);
    let proxy = secured(Some(ca.path())).await;
    let mut client = connect(&proxy, "http/1.1").await;
    client
        .write_all(b"POST /k HTTP/1.1\r\nHost: b.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
        .await
        .unwrap();
    assert!(acceptor(&["h2"]).accept(proxy.accept().await).await.is_err());
    tokio::spawn(telling(proxy.accept().await));
    expect(&mut client, b"HTTP/1.1 200 OK\r\ncontent-length: 35\r\n\r\nPOST https://b.example/k None b\"hi\"").await;
}
