//! An answer that is held back until its record is made.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use protocols::call::{Body, Wanted};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::announced;
use super::answer::Copy;
use crate::upstream::{Download, Failure};

/// Bytes that are held back of an answer.
pub(super) const BYTES_MAX: usize = 1 << 20;
/// Bytes that are held back of all answers of a proxy. What finds no room is not held back further: its record is made
/// first, and the rest is passed on as it comes.
pub(super) const ALL_BYTES_MAX: usize = 256 << 20;
/// How long an answer is held back whose end does not come. Its record is made then, and the rest is passed on as it comes.
const TIME_MAX: Duration = Duration::from_secs(30);
/// An answer that is an endless sequence of messages, which are not held back.
const EVENT_STREAM: &[u8] = b"application/vnd.amazon.eventstream";

/// An answer's body as far as it is held back.
pub(super) struct Held {
    pub(super) ahead: Vec<Bytes>,
    pub(super) trailers: Option<HeaderMap>,
    /// What is not held back; none: all of it came.
    pub(super) rest: Option<Download>,
    /// The room that what is held back takes, until the client has it.
    pub(super) room: Option<OwnedSemaphorePermit>,
    length: usize,
}

impl Held {
    /// Reads all of a body, or as much as is held back.
    pub(super) async fn read(headers: &HeaderMap, download: Download, room: &Arc<Semaphore>) -> Result<Self, Failure> {
        let mut held = Self { ahead: Vec::new(), trailers: None, rest: Some(download), room: None, length: 0 };
        let large = announced(headers).is_some_and(|length| length > BYTES_MAX as u64);
        let endless = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM));
        if large || endless {
            return Ok(held);
        }
        match tokio::time::timeout(TIME_MAX, held.fill(room)).await {
            Ok(filled) => filled.map(|()| held),
            Err(_) => Ok(held),
        }
    }

    async fn fill(&mut self, room: &Arc<Semaphore>) -> Result<(), Failure> {
        while let Some(download) = &mut self.rest {
            if self.length > BYTES_MAX {
                return Ok(());
            }
            let frame = if download.has_ended() { None } else { download.frame().await.transpose()? };
            match frame.map(http_body::Frame::into_data) {
                None => self.rest = None,
                Some(Ok(data)) => {
                    self.length += data.len();
                    let found = self.take_room(data.len(), room);
                    self.ahead.push(data);
                    if !found {
                        return Ok(());
                    }
                }
                Some(Err(other)) => {
                    self.trailers = other.into_trailers().ok();
                    self.rest = None;
                }
            }
        }
        Ok(())
    }

    fn take_room(&mut self, bytes: usize, room: &Arc<Semaphore>) -> bool {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let Ok(taken) = Arc::clone(room).try_acquire_many_owned(bytes) else { return false };
        match &mut self.room {
            Some(room) => room.merge(taken),
            None => self.room = Some(taken),
        }
        true
    }

    /// The body for the record.
    pub(super) fn body(&self, wanted: Wanted) -> Body {
        let mut copy = Copy::new(wanted);
        self.ahead.iter().for_each(|data| copy.add(data));
        Body { whole: if self.rest.is_none() { copy.whole() } else { None } }
    }

    /// Bytes of the body; as announced, or as far as they came, where not all of it is held back.
    pub(super) fn bytes_out(&self, headers: &HeaderMap) -> u64 {
        let came = self.length as u64;
        if self.rest.is_none() { came } else { announced(headers).unwrap_or(came) }
    }
}
