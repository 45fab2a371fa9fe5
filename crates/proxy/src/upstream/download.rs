//! The body of an answer as it comes from the upstream.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::link::Link;
use super::{Failure, Upstream};
use crate::forward::Progress;

/// The body of an answer. When it ended whole, and the request went whole, its connection is kept.
pub(crate) struct Download {
    body: Incoming,
    link: Option<Link>,
    /// Whether the connection may be kept.
    keeping: bool,
    upstream: Arc<Upstream>,
    progress: Option<Arc<Progress>>,
    ended: bool,
    idle: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl Download {
    /// The body of an answer that comes over `link`, which may be kept or not.
    pub(super) fn new(
        body: Incoming,
        link: Option<(Link, bool)>,
        upstream: Arc<Upstream>,
        progress: Option<Arc<Progress>>,
    ) -> Self {
        let (link, keeping) = link.map_or((None, false), |(link, keeping)| (Some(link), keeping));
        Self { body, link, keeping, upstream, progress, ended: false, idle: None, waiting: false }
    }

    /// Whether all of it came.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    /// The next piece.
    pub(crate) async fn frame(&mut self) -> Option<Result<Frame<Bytes>, Failure>> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The next piece.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_pending()
            && let Some(link) = &mut self.link
        {
            link.drive(context);
            polled = Pin::new(&mut self.body).poll_frame(context);
        }
        match polled {
            Poll::Pending => self.wait(context),
            Poll::Ready(Some(Ok(frame))) => {
                self.waiting = false;
                if frame.is_trailers() || self.body.is_end_stream() {
                    self.end(context);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.ended = true;
                self.link = None;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                self.end(context);
                Poll::Ready(None)
            }
        }
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let timeout = self.upstream.timeouts.idle;
        let idle = self.idle.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        if !self.waiting {
            self.waiting = true;
            idle.as_mut().reset(Instant::now() + timeout);
        }
        if idle.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.ended = true;
        self.link = None;
        Poll::Ready(Some(Err(Failure::TimedOut("to go on with its answer"))))
    }

    /// Lets the connection go, to be kept if it is clean.
    pub(crate) fn end(&mut self, context: &mut Context<'_>) {
        self.ended = true;
        let sent = self.progress.as_deref().is_none_or(Progress::is_whole);
        if let Some(mut link) = self.link.take()
            && self.keeping
            && sent
        {
            // What came after the end of the answer is found here; such a connection is not idle any more.
            link.drive(context);
            if link.is_idle() {
                self.upstream.keep(link);
            }
        }
    }
}
