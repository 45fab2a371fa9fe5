//! The body of an answer on its way to the client.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, response};
use http_body::{Body, Frame, SizeHint};
use protocols::call::Wanted;
use tokio::sync::OwnedSemaphorePermit;

use super::call::Call;
use super::held::Held;
use super::reading::joined;
use super::{Recording, counts};
use crate::audit::Ending;
use crate::upstream::{Download, Failure};

/// The body of an answer: what is at hand of it, then what still comes.
pub(crate) struct Answer<R: Recording> {
    ahead: VecDeque<Bytes>,
    /// The room that what is ahead takes, until it is sent.
    room: Option<OwnedSemaphorePermit>,
    trailers: Option<HeaderMap>,
    coming: Option<Box<Coming<R>>>,
    /// There is no body, but a length stands in the head, and is to stay there: that of what HEAD does not send.
    claims_length: bool,
}

struct Coming<R: Recording> {
    download: Download,
    /// The record, where it is made at the end; there is none, or it is made already, where the answer waited for it.
    streamed: Option<Streamed<R>>,
}

/// What the record of an answer needs that is passed on as it comes.
pub(super) struct Streamed<R: Recording> {
    pub(super) call: Call<R>,
    pub(super) head: response::Parts,
    pub(super) copy: Copy,
    pub(super) bytes_out: u64,
}

impl<R: Recording> Answer<R> {
    /// No body.
    pub(super) fn empty() -> Self {
        Self { ahead: VecDeque::new(), room: None, trailers: None, coming: None, claims_length: false }
    }

    /// One of our own.
    pub(super) fn ours(bytes: Bytes) -> Self {
        Self { ahead: VecDeque::from([bytes]), ..Self::empty() }
    }

    /// One that is passed on as it comes.
    pub(super) fn streamed(download: Download, streamed: Streamed<R>) -> Self {
        Self { coming: Some(Box::new(Coming { download, streamed: Some(streamed) })), ..Self::empty() }
    }

    /// One that is passed on as it comes, and has no record.
    pub(super) fn unrecorded(download: Download) -> Self {
        Self { coming: Some(Box::new(Coming { download, streamed: None })), ..Self::empty() }
    }

    /// The same, with the length in its head left there although nothing comes.
    pub(super) fn claiming_length(self) -> Self {
        Self { claims_length: true, ..self }
    }

    fn poll_coming(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let Some(coming) = &mut self.coming else { return Poll::Ready(None) };
        let polled = ready!(coming.download.poll(context));
        if let Some(Err(failure)) = &polled {
            counts::failed(failure);
        }
        if let Some(streamed) = &mut coming.streamed {
            match &polled {
                Some(Ok(frame)) => frame.data_ref().into_iter().for_each(|data| streamed.went(data)),
                Some(Err(failure)) => streamed.broke(failure),
                None => {}
            }
            if coming.download.has_ended() {
                streamed.end();
            }
        }
        if coming.download.has_ended() {
            self.coming = None;
        }
        Poll::Ready(polled)
    }
}

impl<R: Recording> From<Held> for Answer<R> {
    fn from(held: Held) -> Self {
        let Held { ahead, trailers, rest, room, .. } = held;
        let coming = rest.map(|download| Box::new(Coming { download, streamed: None }));
        Self { ahead: ahead.into(), room, trailers, coming, claims_length: false }
    }
}

impl<R: Recording> Body for Answer<R> {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = self.get_mut();
        if let Some(data) = this.ahead.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        this.room = None;
        if let Some(trailers) = this.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        this.poll_coming(context)
    }

    fn is_end_stream(&self) -> bool {
        !self.claims_length && self.ahead.is_empty() && self.trailers.is_none() && self.coming.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // Framing is what the head says.
        SizeHint::default()
    }
}

impl<R: Recording> Streamed<R> {
    fn went(&mut self, data: &Bytes) {
        self.bytes_out += data.len() as u64;
        self.copy.add(data);
    }

    fn broke(&mut self, failure: &Failure) {
        drop(self.call.record(Ending::Failed { status: None, reason: failure.to_string() }, self.bytes_out));
    }

    /// It came whole.
    pub(super) fn end(&mut self) {
        self.record(true);
    }

    fn record(&mut self, is_whole: bool) {
        let body = protocols::call::Body { whole: is_whole.then(|| self.copy.whole()).flatten() };
        let head = std::mem::replace(&mut self.head, http::Response::new(()).into_parts().0);
        drop(self.call.record(Ending::Answered { head, body }, self.bytes_out));
    }
}

impl<R: Recording> Drop for Streamed<R> {
    /// The client has taken as much as it wanted. The upstream's answer stands.
    fn drop(&mut self) {
        if self.call.is_open() {
            self.record(false);
        }
    }
}

/// A copy of a body, as far as it is wanted.
pub(super) struct Copy {
    bytes_max: Option<usize>,
    pieces: Vec<Bytes>,
    length: usize,
}

impl Copy {
    pub(super) fn new(wanted: Wanted) -> Self {
        let bytes_max = match wanted {
            Wanted::Nothing | Wanted::Fields { .. } => None,
            Wanted::Whole { bytes_max } => Some(bytes_max),
        };
        Self { bytes_max, pieces: Vec::new(), length: 0 }
    }

    pub(super) fn add(&mut self, data: &Bytes) {
        let Some(bytes_max) = self.bytes_max else { return };
        self.length += data.len();
        if self.length > bytes_max {
            *self = Self::new(Wanted::Nothing);
            return;
        }
        self.pieces.push(data.clone());
    }

    /// All that was added, unless it was too much, or not wanted.
    pub(super) fn whole(&self) -> Option<Bytes> {
        self.bytes_max.map(|_| joined(self.pieces.iter(), self.length))
    }
}
