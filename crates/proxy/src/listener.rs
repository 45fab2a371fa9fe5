//! The listener of a proxy: connections, TLS, the first bytes that tell who and how, and an orderly end.
//!
//! HTTP/1.1 and HTTP/2 are spoken, in the clear, too: a client's first bytes tell which. Neither Upgrade nor CONNECT is:
//! the former's `h2c` is ignored, all else is refused. Interim answers but 100 Continue are not passed on.

pub mod linger;
mod opening;
mod proxy_protocol;
mod source;
#[cfg(test)]
mod tests;
pub mod tls;
mod watched;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::Audit;
use crate::forward::{Forwarder, Recording};
use crate::settings::Settings;
use crate::upstream::{Timeouts, Upstream};
pub(crate) use source::{Connection, Trusted};

/// Connections served at a time; further ones wait in the kernel's queue.
pub const CONNECTIONS_MAX: usize = 4_096;
/// How long a client may take for its first bytes, to shake hands, and for the head of a request; also how long it may
/// be silent between requests.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of a request's head; AWS services allow about as much.
pub const HEAD_BYTES_MAX: usize = 64 << 10;
/// Lines of a head. Own choice: room for what an S3 object can have of its own; every call pays for it.
pub(crate) const HEADERS_MAX: usize = 160;
/// Bytes that are read from a connection, and written to it, at once.
pub(crate) const BUFFER_BYTES_MAX: usize = 2 * HEAD_BYTES_MAX;
/// Calls at a time on a connection of HTTP/2.
const STREAMS_MAX: u32 = 128;
/// How long calls under way may take to finish after a stop was asked for.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// A proxy's listener that is bound but does not serve yet.
pub struct Listener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    trusted: Trusted,
    forwarder: Forwarder<Audit>,
}

impl Listener {
    /// Binds the address, reads certificates; the upstream is not connected to yet.
    pub async fn bind(settings: &Settings, audit: Audit) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        let tls = settings.tls.as_ref().map(|(cert, key)| tls::acceptor(cert, key)).transpose()?;
        let upstream = Upstream::new(&settings.upstream, settings.upstream_ca.as_deref(), Timeouts::default())?;
        let address = settings.listen;
        let socket = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let forwarder = Forwarder::new(audit, upstream);
        Ok(Self { socket, tls, trusted: Trusted::new(&settings.trusted_proxies), forwarder })
    }

    /// The address in use; tells the port when 0 was asked for.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Serves until `shutdown`, then lets calls under way finish and their records be made.
    pub async fn serve(self, shutdown: CancellationToken) {
        let Self { socket, tls, trusted, forwarder } = self;
        serve(socket, Front { tls, trusted, ..Front::default() }, forwarder, shutdown).await;
    }
}

/// How connections are taken.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) trusted: Trusted,
    /// [`HEAD_TIMEOUT`].
    pub(crate) head_timeout: Duration,
}

impl Default for Front {
    fn default() -> Self {
        Self { tls: None, trusted: Trusted::default(), head_timeout: HEAD_TIMEOUT }
    }
}

/// Takes connections until `shutdown`, then lets calls under way finish.
pub(crate) async fn serve<R: Recording>(socket: TcpListener, front: Front, forwarder: Forwarder<R>, shutdown: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = TaskTracker::new();
    let pruning = tokio::spawn(shutdown.clone().run_until_cancelled_owned(forwarder.upstream().prune()));
    while let Some((stream, peer, permit)) = shutdown.run_until_cancelled(accept(&socket, &room)).await {
        let host = Host { front: front.clone(), forwarder: forwarder.clone(), shutdown: shutdown.clone() };
        connections.spawn(async move {
            let open = metrics::gauge!("trailkeep_proxy_connections");
            open.increment(1);
            host.serve(stream, peer).await;
            open.decrement(1);
            drop(permit);
        });
    }
    drop(socket);
    connections.close();
    let ended = async {
        connections.wait().await;
        forwarder.ended().await;
    };
    if tokio::time::timeout(DRAIN_TIMEOUT, ended).await.is_err() {
        tracing::warn!("calls through the proxy were still under way {}s after the stop", DRAIN_TIMEOUT.as_secs());
    }
    drop(pruning.await);
}

async fn accept(socket: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit) {
    let permit = Arc::clone(room).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) => {
                // Out of file descriptors, or the client is already gone; neither ends the listener.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// What serves the calls of one connection.
struct Host<R: Recording> {
    front: Front,
    forwarder: Forwarder<R>,
    shutdown: CancellationToken,
}

impl<R: Recording> Host<R> {
    async fn serve(self, mut stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
        }
        let nearest = peer.ip().to_canonical();
        let expected = opening::Expected { proxied: self.front.trusted.contains(nearest), cleartext: self.front.tls.is_none() };
        let reading = tokio::time::timeout(self.front.head_timeout, opening::read(&mut stream, expected));
        let opening = match self.shutdown.run_until_cancelled(reading).await {
            Some(Ok(Ok(Some(opening)))) => opening,
            Some(Ok(Err(error))) => return tracing::debug!(%peer, %error, "the connection did not begin"),
            _ => return,
        };
        let connection = Connection {
            nearest: opening.source.map_or(nearest, |source| source.to_canonical()),
            tls: None,
            trusted: self.front.trusted.clone(),
        };
        let shutdown = self.shutdown.clone();
        let (stream, returned) = linger::Lent::new(stream, opening.read);
        match self.front.tls.clone() {
            None if opening.http2 => Box::pin(self.speak_2(stream, connection)).await,
            None => Box::pin(self.speak_1(stream, connection)).await,
            Some(acceptor) => Box::pin(self.speak_secured(stream, connection, &acceptor)).await,
        }
        if let Ok(stream) = returned.await {
            shutdown.run_until_cancelled(linger::close(stream)).await;
        }
    }

    async fn speak_secured(self, stream: linger::Lent, mut connection: Connection, acceptor: &TlsAcceptor) {
        let peer = connection.nearest;
        match tokio::time::timeout(self.front.head_timeout, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                let session = stream.get_ref().1;
                let http2 = session.alpn_protocol() == Some(b"h2");
                connection.tls = tls::details(session);
                if http2 {
                    Box::pin(self.speak_2(stream, connection)).await;
                } else {
                    Box::pin(self.speak_1(stream, connection)).await;
                }
            }
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS session"),
            Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
        }
    }

    async fn speak_1<S>(self, stream: S, connection: Connection)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { front, forwarder, shutdown } = self;
        let peer = connection.nearest;
        let connection = Arc::new(connection);
        let heads = watched::Heads::default();
        let io = TokioIo::new(watched::Watched::new(stream, Some(heads.clone())));
        let service = service_fn(move |request: Request<Incoming>| {
            let ambiguous = heads.next_is_ambiguous(request.headers(), !request.body().is_end_stream());
            let (forwarder, connection) = (forwarder.clone(), Arc::clone(&connection));
            async move { Ok::<_, Infallible>(forwarder.answer(&connection, request, ambiguous).await) }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(front.head_timeout).max_buf_size(BUFFER_BYTES_MAX);
        builder.max_headers(HEADERS_MAX).preserve_header_case(true).auto_date_header(false);
        let mut serving = std::pin::pin!(builder.serve_connection(io, service));
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

    async fn speak_2<S>(self, stream: S, connection: Connection)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { front, forwarder, shutdown } = self;
        let peer = connection.nearest;
        let connection = Arc::new(connection);
        let io = TokioIo::new(watched::Watched::new(stream, None));
        let calls = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&calls);
        let service = service_fn(move |request: Request<Incoming>| {
            counted.fetch_add(1, Ordering::Relaxed);
            let (forwarder, connection) = (forwarder.clone(), Arc::clone(&connection));
            async move { Ok::<_, Infallible>(forwarder.answer(&connection, request, false).await) }
        });
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).max_header_list_size(BUFFER_BYTES_MAX as u32).auto_date_header(false);
        builder.keep_alive_interval(Duration::from_secs(30)).max_concurrent_streams(STREAMS_MAX);
        let mut serving = std::pin::pin!(builder.serve_connection(io, service));
        let mut before = 0;
        let ended = loop {
            tokio::select! {
                ended = serving.as_mut() => break ended,
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(front.head_timeout) => {
                    let made = calls.load(Ordering::Relaxed);
                    if std::mem::replace(&mut before, made) != made {
                        continue;
                    }
                }
            }
            // Calls under way go on to their end; a client that only answers pings is let go.
            serving.as_mut().graceful_shutdown();
            break serving.await;
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "the connection broke");
        }
    }
}
