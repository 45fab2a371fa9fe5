//! The body of a request on its way to the upstream.
//!
//! A client that expects 100 Continue is not asked for its body before the upstream said it, or a short while has passed
//! without a word: hyper says it to the client when the body is asked for.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::reading::{Fault, IDLE_TIMEOUT, Upload};
use super::room::Share;

/// How long the upstream's 100 Continue is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// The body of a request, as it is sent.
pub(crate) struct Sending {
    ahead: VecDeque<Bytes>,
    /// The room that what is ahead takes, until it is sent.
    room: Option<Share>,
    trailers: Option<HeaderMap>,
    rest: Option<Incoming>,
    /// None where there is no body.
    progress: Option<Arc<Progress>>,
    patience: Option<Pin<Box<Sleep>>>,
    idle: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

/// How far a body is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bytes: AtomicU64,
    state: AtomicU8,
    gate: AtomicU8,
    opened: AtomicWaker,
}

const UNDER_WAY: u8 = 0;
const WHOLE: u8 = 1;
const GONE: u8 = 2;
const SILENT: u8 = 3;

const OPEN: u8 = 0;
const WAITING: u8 = 1;
const SHUT: u8 = 2;

impl Sending {
    /// Sends what was read, and the rest; where the client `expects` to be asked for it, only then.
    pub(super) fn new(upload: Upload, expects: bool) -> Self {
        let Upload { ahead, trailers, rest, room, whole: _ } = upload;
        let some = !ahead.is_empty() || trailers.is_some() || rest.is_some();
        let waits = expects && ahead.is_empty() && rest.is_some();
        let gate = AtomicU8::new(if waits { WAITING } else { OPEN });
        let progress = some.then(|| Arc::new(Progress { gate, ..Progress::default() }));
        let patience = waits.then(|| Box::pin(tokio::time::sleep(PATIENCE)));
        Self { ahead, room, trailers, rest, progress, patience, idle: None, waiting: false }
    }

    /// How far it is; none where there is no body.
    pub(crate) fn progress(&self) -> Option<Arc<Progress>> {
        self.progress.clone()
    }

    fn state(&self, state: u8) {
        if let Some(progress) = &self.progress {
            progress.state.store(state, Ordering::Release);
        }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if let Some(data) = self.ahead.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        self.room = None;
        if let Some(rest) = &mut self.rest {
            match Pin::new(rest).poll_frame(context) {
                Poll::Ready(frame) => {
                    self.waiting = false;
                    return Poll::Ready(frame.map(|frame| frame.map_err(|_| Fault::Gone)));
                }
                Poll::Pending => return self.wait(context).map(|()| Some(Err(Fault::Silent))),
            }
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    /// Ready when the client is silent for too long.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let idle = self.idle.get_or_insert_with(|| Box::pin(tokio::time::sleep(IDLE_TIMEOUT)));
        if !self.waiting {
            self.waiting = true;
            idle.as_mut().reset(Instant::now() + IDLE_TIMEOUT);
        }
        idle.as_mut().poll(context)
    }

    /// Ready when the body may be asked for.
    fn poll_gate(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let (Some(patience), Some(progress)) = (&mut self.patience, &self.progress) else { return Poll::Ready(()) };
        progress.opened.register(context.waker());
        match progress.gate.load(Ordering::Acquire) {
            OPEN => {}
            SHUT => return Poll::Pending,
            _ => {
                ready!(patience.as_mut().poll(context));
                progress.go_on();
            }
        }
        self.patience = None;
        Poll::Ready(())
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        ready!(self.poll_gate(context));
        let polled = ready!(self.poll_next(context));
        match &polled {
            Some(Ok(frame)) => {
                if let (Some(data), Some(progress)) = (frame.data_ref(), &self.progress) {
                    progress.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
                }
                if frame.is_trailers() || self.is_end_stream() {
                    self.state(WHOLE);
                }
            }
            Some(Err(Fault::Gone)) => self.state(GONE),
            Some(Err(Fault::Silent)) => self.state(SILENT),
            // Of what was read already.
            Some(Err(Fault::Crowded)) => {}
            None => self.state(WHOLE),
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.trailers.is_none() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        // Framing is what the head says.
        SizeHint::default()
    }
}

impl Progress {
    /// Bytes that went.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether all of it went.
    pub(crate) fn is_whole(&self) -> bool {
        self.state.load(Ordering::Acquire) == WHOLE
    }

    /// Why it does not come, if it does not.
    pub(super) fn fault(&self) -> Option<Fault> {
        match self.state.load(Ordering::Acquire) {
            GONE => Some(Fault::Gone),
            SILENT => Some(Fault::Silent),
            UNDER_WAY | WHOLE => None,
            _ => unreachable!("there are four states"),
        }
    }

    /// Whether the client waits to be asked for it.
    pub(super) fn is_waiting(&self) -> bool {
        self.gate.load(Ordering::Acquire) == WAITING
    }

    /// The upstream wants it.
    pub(super) fn go_on(&self) {
        if self.gate.compare_exchange(WAITING, OPEN, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.opened.wake();
        }
    }

    /// The upstream has answered: a body that was not asked for will not be. Whether it was not.
    pub(super) fn answered(&self) -> bool {
        self.gate.compare_exchange(WAITING, SHUT, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Gone => "the body of the request did not come whole",
            Self::Silent => "the body of the request did not come in time",
            Self::Crowded => "the body of the request finds no room",
        })
    }
}

impl std::error::Error for Fault {}
