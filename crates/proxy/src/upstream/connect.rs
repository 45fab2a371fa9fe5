//! Connections to the upstream.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use http::Uri;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::failure::with_causes;
use super::{Failure, Link};
use crate::forward::Sending;
use crate::listener::{BUFFER_BYTES_MAX, HEADERS_MAX};

/// Makes connections to one upstream.
pub(super) struct Connector {
    authority: String,
    host: String,
    port: u16,
    tls: Option<Tls>,
    timeout: Duration,
}

struct Tls {
    name: ServerName<'static>,
    /// Offers HTTP/1.1.
    one: TlsConnector,
    /// Offers HTTP/2 and HTTP/1.1.
    both: TlsConnector,
}

/// A connection, and what is spoken on it.
pub(super) enum Connected {
    Http1(Link),
    Http2(http2::SendRequest<Sending>),
}

impl Connector {
    pub(super) fn new(url: &Uri, ca: Option<&Path>, timeout: Duration) -> anyhow::Result<Self> {
        let authority = url.authority().context("the upstream has no host")?;
        let secured = url.scheme_str() == Some("https");
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = secured.then(|| Tls::new(&host, ca)).transpose()?;
        let port = authority.port_u16().unwrap_or(if secured { 443 } else { 80 });
        Ok(Self { authority: authority.as_str().to_owned(), host, port, tls, timeout })
    }

    pub(super) fn is_secured(&self) -> bool {
        self.tls.is_some()
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.is_secured() { "https" } else { "http" }
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Connects. HTTP/2 is offered if it is wished, or if the upstream speaks nothing else.
    pub(super) async fn connect(&self, http2_wished: bool) -> Result<Connected, Failure> {
        let connecting = async {
            let Some(tls) = &self.tls else { return self.http1(Wire::Plain(self.dial().await?)).await };
            let connector = if http2_wished { &tls.both } else { &tls.one };
            let shaken = match tls.shake(connector, self.dial().await?).await {
                Err(error) if !http2_wished && is_no_protocol(&error) => tls.shake(&tls.both, self.dial().await?).await,
                shaken => shaken,
            };
            let stream = shaken.map_err(|error| Failure::Unreachable(with_causes(&error)))?;
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let wire = Wire::Secured(Box::new(stream));
            if http2 { self.http2(wire).await } else { self.http1(wire).await }
        };
        tokio::time::timeout(self.timeout, connecting).await.unwrap_or(Err(Failure::TimedOut("to connect to")))
    }

    async fn dial(&self) -> Result<TcpStream, Failure> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|error| Failure::Unreachable(with_causes(&error)))?;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        Ok(stream)
    }

    async fn http1(&self, wire: Wire) -> Result<Connected, Failure> {
        let mut builder = http1::Builder::new();
        builder.preserve_header_case(true).max_headers(HEADERS_MAX).max_buf_size(BUFFER_BYTES_MAX);
        let (sender, connection) = builder.handshake(TokioIo::new(wire)).await?;
        Ok(Connected::Http1(Link::new(sender, connection)))
    }

    async fn http2(&self, wire: Wire) -> Result<Connected, Failure> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30)).adaptive_window(true);
        let (sender, connection) = builder.handshake(TokioIo::new(wire)).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = with_causes(&error), "the shared connection to the upstream broke");
            }
        });
        Ok(Connected::Http2(sender))
    }
}

impl Tls {
    fn new(host: &str, ca: Option<&Path>) -> anyhow::Result<Self> {
        let name = ServerName::try_from(host.to_owned()).with_context(|| format!("{host:?} can be in no certificate"))?;
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!(%error, "cannot read all certificates that the system trusts");
        }
        roots.add_parsable_certificates(system.certs);
        if let Some(ca) = ca {
            let read = CertificateDer::pem_file_iter(ca).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            for certificate in read.with_context(|| format!("upstream_ca: cannot read {}", ca.display()))? {
                roots.add(certificate).with_context(|| format!("upstream_ca: {}", ca.display()))?;
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().context("TLS versions")?;
        let mut one = config.with_root_certificates(roots).with_no_client_auth();
        let mut both = one.clone();
        one.alpn_protocols = vec![b"http/1.1".to_vec()];
        both.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { name, one: Arc::new(one).into(), both: Arc::new(both).into() })
    }

    async fn shake(&self, connector: &TlsConnector, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        connector.connect(self.name.clone(), stream).await
    }
}

/// Whether the upstream speaks none of the protocols that were offered.
fn is_no_protocol(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)))
}

/// The bytes of a connection.
pub(crate) enum Wire {
    Plain(TcpStream),
    Secured(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Secured(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Secured(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Secured(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Secured(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
            Self::Secured(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Secured(stream) => stream.is_write_vectored(),
        }
    }
}
