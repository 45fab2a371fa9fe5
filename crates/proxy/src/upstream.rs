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
use std::sync::atomic::{AtomicU8, Ordering};
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

/// How long is waited for the upstream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// For a connection.
    pub(crate) connect: Duration,
    /// For the head of an answer.
    pub(crate) answer: Duration,
    /// For the next piece of an answer's body.
    pub(crate) idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: CONNECT_TIMEOUT, answer: ANSWER_TIMEOUT, idle: IDLE_TIMEOUT }
    }
}

/// The one service behind a proxy.
pub(crate) struct Upstream {
    timeouts: Timeouts,
    connector: Connector,
    kept: Mutex<Vec<(Link, Instant)>>,
    shared: tokio::sync::Mutex<Option<http2::SendRequest<Sending>>>,
    /// What it was found to speak.
    spoken: AtomicU8,
}

/// The head of an answer, and its body.
pub(crate) type Answered = (Response<()>, Download);

/// It was not asked yet for HTTP/2, or takes it.
const EITHER: u8 = 0;
/// It was asked for HTTP/2 and chose HTTP/1.1.
const ONLY_HTTP1: u8 = 1;
/// It does not take HTTP/1.1.
const ONLY_HTTP2: u8 = 2;

impl Upstream {
    /// Connects to nobody yet; reads the certificates to trust.
    pub(crate) fn new(url: &Uri, ca: Option<&Path>, timeouts: Timeouts) -> anyhow::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            timeouts,
            connector: Connector::new(url, ca, timeouts.connect)?,
            kept: Mutex::default(),
            shared: tokio::sync::Mutex::default(),
            spoken: AtomicU8::new(EITHER),
        }))
    }

    /// Sends a request in the form of HTTP/1.1, over HTTP/2 where that is wished and spoken, or nothing else is.
    pub(crate) async fn send(self: &Arc<Self>, request: Request<Sending>, http2_wished: bool) -> Result<Answered, Failure> {
        let spoken = self.spoken.load(Ordering::Relaxed);
        let shares = self.connector.is_secured() && (spoken == ONLY_HTTP2 || http2_wished && spoken != ONLY_HTTP1);
        if shares {
            return Box::pin(self.send_shared(request)).await;
        }
        let mut request = request;
        while let Some(link) = self.take().await {
            match self.send_on(link, request).await {
                Err((_, Some(unsent))) => request = unsent,
                answered => return answered.map_err(|(failure, _)| failure),
            }
        }
        match Box::pin(self.connector.connect(false)).await? {
            Connected::Http1(link) => self.send_on(link, request).await.map_err(|(failure, _)| failure),
            Connected::Http2(sender) => {
                self.spoken.store(ONLY_HTTP2, Ordering::Relaxed);
                *self.shared.lock().await = Some(sender);
                Box::pin(self.send_shared(request)).await
            }
        }
    }

    /// Sends on a connection; gives the request back if nothing of it was written.
    async fn send_on(
        self: &Arc<Self>,
        mut link: Link,
        request: Request<Sending>,
    ) -> Result<Answered, (Failure, Option<Request<Sending>>)> {
        let progress = request.body().progress();
        match link.send(request, progress.as_deref(), self.timeouts.answer).await {
            Ok(response) => Ok(self.received(response, Some(link), progress)),
            Err(Unanswered { failure, unsent }) => Err((failure, unsent)),
        }
    }

    /// Sends over the connection that calls share; once more if it was about to end.
    async fn send_shared(self: &Arc<Self>, mut request: Request<Sending>) -> Result<Answered, Failure> {
        let mut again = true;
        loop {
            let mut sender = match self.shared().await? {
                Shared::Http2(sender) => sender,
                Shared::Http1(link) => return self.send_on(link, request).await.map_err(|(failure, _)| failure),
            };
            self.in_form_of_http2(&mut request)?;
            let progress = request.body().progress();
            let answering = sender.try_send_request(request);
            match link::answer(answering, None, progress.as_deref(), self.timeouts.answer).await {
                Ok(response) => return Ok(self.received(response, None, progress)),
                Err(Unanswered { unsent: Some(unsent), .. }) if again => (request, again) = (unsent, false),
                Err(Unanswered { failure, .. }) => return Err(failure),
            }
        }
    }

    /// Over HTTP/2 the host is part of what is asked for.
    fn in_form_of_http2(&self, request: &mut Request<Sending>) -> Result<(), Failure> {
        if request.uri().authority().is_some() {
            return Ok(());
        }
        let host = request.headers_mut().remove(header::HOST);
        let authority = host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_else(|| self.connector.authority());
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let uri = Uri::builder().scheme(self.connector.scheme()).authority(authority).path_and_query(target).build();
        *request.uri_mut() =
            uri.map_err(|error| Failure::Malformed(format!("cannot ask for {authority:?} over HTTP/2: {error}")))?;
        *request.version_mut() = http::Version::HTTP_2;
        Ok(())
    }

    fn received(
        self: &Arc<Self>,
        response: Response<Incoming>,
        link: Option<Link>,
        progress: Option<Arc<crate::forward::Progress>>,
    ) -> Answered {
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
                self.spoken.store(ONLY_HTTP1, Ordering::Relaxed);
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
