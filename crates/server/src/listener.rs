//! The one listener: connections, TLS, and their orderly end.
//!
//! What must stay true: a request that was read is carried out to its end, even if its client does not wait; a change is
//! never left between its commit and what follows from it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use proxy::listener::{linger, tls};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Tls;
use crate::front;

/// Connections served at a time; further ones wait in the kernel's queue.
pub const CONNECTIONS_MAX: usize = 4_096;
/// How long a client may take to send the head of a request, or to shake hands.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of a request's head; AWS services allow about as much.
pub const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long requests under way may take to finish after a stop was asked for.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// What an answer's body may be: bytes at hand or a stream.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// What is known of the connection a request came over.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The other side's address.
    pub peer: SocketAddr,
    /// Protocol version and cipher suite, over TLS.
    pub tls: Option<(String, String)>,
}

/// A listener that is bound but does not serve yet.
pub struct Listener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Binds `address`; reads certificate and key.
    pub async fn bind(address: SocketAddr, tls: Option<&Tls>) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        let tls = tls.map(|files| tls::acceptor(&files.cert, &files.key)).transpose()?;
        let socket = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        Ok(Self { socket, tls })
    }

    /// The address in use; tells the port when 0 was asked for.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Serves until `shutdown`, then lets requests under way finish.
    pub async fn serve<F, A>(self, shutdown: CancellationToken, answer: F)
    where
        F: Fn(Connection, Request<Incoming>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response<Body>> + Send + 'static,
    {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let connections = TaskTracker::new();
        loop {
            let permit = tokio::select! {
                permit = Arc::clone(&room).acquire_owned() => permit.expect("the semaphore is never closed"),
                () = shutdown.cancelled() => break,
            };
            let (stream, peer) = tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        // Out of file descriptors, or the client is already gone; neither ends the listener.
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
                () = shutdown.cancelled() => break,
            };
            let host = Host { requests: connections.clone(), shutdown: shutdown.clone(), answer: answer.clone() };
            let tls = self.tls.clone();
            connections.spawn(async move {
                host.serve(stream, peer, tls).await;
                drop(permit);
            });
        }
        connections.close();
        if tokio::time::timeout(DRAIN_TIMEOUT, connections.wait()).await.is_err() {
            tracing::warn!("requests were still under way {}s after the stop", DRAIN_TIMEOUT.as_secs());
        }
    }
}

/// What serves the requests of one connection.
struct Host<F> {
    requests: TaskTracker,
    shutdown: CancellationToken,
    answer: F,
}

/// The two versions of HTTP. Without TLS only the first is spoken: telling them apart by their first bytes would wait
/// for those for as long as the client likes.
#[derive(Clone, Copy)]
enum Version {
    Http1,
    Http2,
}

impl<F, A> Host<F>
where
    F: Fn(Connection, Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    async fn serve(self, stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
        }
        let shutdown = self.shutdown.clone();
        let (stream, returned) = linger::Lent::new(stream, Bytes::new());
        match tls {
            None => self.speak(TokioIo::new(stream), Connection { peer, tls: None }, Version::Http1).await,
            Some(acceptor) => Box::pin(self.speak_secured(stream, peer, &acceptor)).await,
        }
        if let Ok(stream) = returned.await {
            shutdown.run_until_cancelled(linger::close(stream)).await;
        }
    }

    async fn speak_secured(self, stream: linger::Lent, peer: SocketAddr, acceptor: &TlsAcceptor) {
        match tokio::time::timeout(HEAD_TIMEOUT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                let session = stream.get_ref().1;
                let version = if session.alpn_protocol() == Some(b"h2") { Version::Http2 } else { Version::Http1 };
                let tls = tls::details(session).map(|details| (details.version, details.cipher_suite));
                self.speak(TokioIo::new(stream), Connection { peer, tls }, version).await;
            }
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS session"),
            Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
        }
    }

    async fn speak<I>(self, io: I, connection: Connection, version: Version)
    where
        I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let Self { requests, shutdown, answer } = self;
        let peer = connection.peer;
        let builder = builder(version);
        let service = service_fn(move |request| {
            let answering = (head_bytes(&request) <= HEAD_BYTES_MAX).then(|| requests.spawn(answer(connection.clone(), request)));
            async move {
                let Some(answering) = answering else { return Ok(head_too_large()) };
                Ok::<_, Infallible>(answering.await.unwrap_or_else(|error| failed(&error)))
            }
        });
        let serving = builder.serve_connection(io, service);
        tokio::pin!(serving);
        let ended = tokio::select! {
            ended = serving.as_mut() => ended,
            () = shutdown.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "the connection broke");
        }
    }
}

fn builder(version: Version) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .keep_alive_interval(Duration::from_secs(30));
    match version {
        Version::Http1 => builder.http1_only(),
        Version::Http2 => builder.http2_only(),
    }
}

/// About how many bytes the head of a request has. The protocol's own bound is the size of a buffer, and rough.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let line = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
    target + request.headers().iter().map(line).sum::<usize>()
}

fn head_too_large() -> Response<Body> {
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    let message = format!("The head of the request is larger than {HEAD_BYTES_MAX} bytes.");
    let mut response = front::refused(status, "RequestHeaderFieldsTooLarge", &message);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The answer when answering panicked, which is a bug of ours.
fn failed(error: &tokio::task::JoinError) -> Response<Body> {
    tracing::error!(%error, "answering a request panicked");
    metrics::counter!("trailkeep_internal_failures_total").increment(1);
    front::refused(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalFailure",
        "The request processing has failed because of an unknown error.",
    )
}
