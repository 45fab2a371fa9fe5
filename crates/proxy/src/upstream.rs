//! The service behind a proxy: connections to it, kept for further calls, and calls on them.
//!
//! A connection is not driven by a task of its own: whoever waits for an answer on it drives it, so that a call needs no
//! change of tasks on its way. Only connections of HTTP/2, which calls share, have a task.
//!
//! What must stay true: a connection serves a further call only if the call before ended whole on both ways. A request is
//! sent twice only if nothing of it was written the first time.

mod connect;
mod download;
mod failure;
mod link;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response, Uri, header};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use tokio::time::Instant;

use crate::forward::Sending;
use connect::{Connected, Connector};
pub(crate) use download::Download;
pub(crate) use failure::Failure;
use link::{Link, Unanswered};

/// How long a connection may take to be made, TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the head of an answer may take after the last byte of the request went.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// How long nothing may come of an answer's body.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How long a connection is kept without a call.
pub const KEEP_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections that are kept without a call.
pub const KEPT_MAX: usize = 256;
/// How often connections kept for too long are looked for.
const PRUNE_INTERVAL: Duration = Duration::from_secs(10);

/// The one service behind a proxy.
pub(crate) struct Upstream {
    connector: Connector,
    kept: Mutex<Vec<(Link, Instant)>>,
    shared: tokio::sync::Mutex<Option<http2::SendRequest<Sending>>>,
    /// It was asked for HTTP/2 and chose HTTP/1.1.
    no_http2: AtomicBool,
}

impl Upstream {
    /// Connects to nobody yet; reads the certificates to trust.
    pub(crate) fn new(url: &Uri, ca: Option<&Path>) -> anyhow::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            connector: Connector::new(url, ca)?,
            kept: Mutex::default(),
            shared: tokio::sync::Mutex::default(),
            no_http2: AtomicBool::new(false),
        }))
    }

    /// Sends a request in the form of HTTP/1.1, over HTTP/2 where that is wished and spoken.
    pub(crate) async fn send(
        self: &Arc<Self>,
        request: Request<Sending>,
        http2_wished: bool,
    ) -> Result<(Response<()>, Download), Failure> {
        if http2_wished && self.connector.is_secured() && !self.no_http2.load(Ordering::Relaxed) {
            match Box::pin(self.shared()).await? {
                Shared::Http2(sender) => return Box::pin(self.send_shared(sender, request)).await,
                Shared::Http1(link) => return self.send_on(link, request).await.map_err(|(failure, _)| failure),
            }
        }
        let mut request = request;
        loop {
            let Some(link) = self.take().await else { break };
            match self.send_on(link, request).await {
                Err((_, Some(unsent))) => request = unsent,
                answered => return answered.map_err(|(failure, _)| failure),
            }
        }
        match Box::pin(self.connector.connect(false)).await? {
            Connected::Http1(link) => self.send_on(link, request).await.map_err(|(failure, _)| failure),
            Connected::Http2(sender) => Box::pin(self.send_shared(sender, request)).await,
        }
    }

    /// Sends on a connection; gives the request back if nothing of it was written.
    async fn send_on(
        self: &Arc<Self>,
        mut link: Link,
        request: Request<Sending>,
    ) -> Result<(Response<()>, Download), (Failure, Option<Request<Sending>>)> {
        let progress = request.body().progress();
        match link.send(request, progress.as_deref()).await {
            Ok(response) => Ok(self.received(response, Some(link), progress)),
            Err(Unanswered { failure, unsent }) => Err((failure, unsent)),
        }
    }

    async fn send_shared(
        self: &Arc<Self>,
        mut sender: http2::SendRequest<Sending>,
        mut request: Request<Sending>,
    ) -> Result<(Response<()>, Download), Failure> {
        // Over HTTP/2 the host is part of what is asked for.
        let host = request.headers_mut().remove(header::HOST);
        let authority = host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or(self.connector.authority());
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let uri = Uri::builder().scheme(self.connector.scheme()).authority(authority).path_and_query(target).build();
        *request.uri_mut() =
            uri.map_err(|error| Failure::Malformed(format!("cannot ask for {authority:?} over HTTP/2: {error}")))?;
        *request.version_mut() = http::Version::HTTP_2;
        let progress = request.body().progress();
        let answering = sender.try_send_request(request);
        let answered = link::answer(answering, None, progress.as_deref()).await;
        answered.map(|response| self.received(response, None, progress)).map_err(|unanswered| unanswered.failure)
    }

    fn received(
        self: &Arc<Self>,
        response: Response<Incoming>,
        link: Option<Link>,
        progress: Option<Arc<crate::forward::Progress>>,
    ) -> (Response<()>, Download) {
        let (head, body) = response.into_parts();
        let link = link.map(|link| (link, head.version == http::Version::HTTP_11));
        (Response::from_parts(head, ()), Download::new(body, link, Arc::clone(self), progress))
    }

    /// The connection that calls over HTTP/2 share.
    async fn shared(&self) -> Result<Shared, Failure> {
        let mut shared = self.shared.lock().await;
        if let Some(sender) = shared.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(Shared::Http2(sender.clone()));
        }
        match self.connector.connect(true).await? {
            Connected::Http2(sender) => {
                *shared = Some(sender.clone());
                Ok(Shared::Http2(sender))
            }
            Connected::Http1(link) => {
                self.no_http2.store(true, Ordering::Relaxed);
                Ok(Shared::Http1(link))
            }
        }
    }

    /// A kept connection that is still good.
    async fn take(&self) -> Option<Link> {
        loop {
            let (mut link, since) = self.kept().pop()?;
            if since.elapsed() < KEEP_TIMEOUT && link.is_good().await {
                return Some(link);
            }
        }
    }

    /// Keeps a connection for a further call.
    fn keep(&self, link: Link) {
        let mut kept = self.kept();
        if kept.len() < KEPT_MAX {
            kept.push((link, Instant::now()));
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<(Link, Instant)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes connections that were kept for too long, for ever.
    pub(crate) async fn prune(self: Arc<Self>) {
        loop {
            tokio::time::sleep(PRUNE_INTERVAL).await;
            let mut kept = self.kept();
            let old = kept.partition_point(|(_, since)| since.elapsed() >= KEEP_TIMEOUT);
            let closed: Vec<_> = kept.drain(..old).collect();
            drop(kept);
            drop(closed);
        }
    }
}

/// What a wish for HTTP/2 came to.
enum Shared {
    Http2(http2::SendRequest<Sending>),
    Http1(Link),
}
