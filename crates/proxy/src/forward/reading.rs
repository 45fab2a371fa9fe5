//! The body of a request, as far as it is read before the call may go.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use protocols::call::Wanted;
use protocols::upload;

use super::announced;
use super::refused::{Form, Refused};
use super::room::Share;

/// How long a client may be silent in the middle of a body.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of bodies that are read before their calls go, of all calls of a proxy together; no client has more of them than
/// are left to others. Own choice: sixty-four of the largest whose parameters are told.
pub(super) const BYTES_MAX: usize = 256 << 20;

/// A body of which some may have been read.
pub(super) struct Upload {
    /// What was read.
    pub(super) ahead: VecDeque<Bytes>,
    /// The trailers, if they were read.
    pub(super) trailers: Option<HeaderMap>,
    /// The rest.
    pub(super) rest: Option<Incoming>,
    /// All of it, where it was wanted and not too large; of a form what was read.
    pub(super) whole: Option<Bytes>,
    /// The room that what was read takes.
    pub(super) room: Option<Share>,
}

/// Why a body does not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The client went away, or what it sends is no body.
    Gone,
    /// The client is silent.
    Silent,
    /// Too much is being read of other calls.
    Crowded,
}

impl Fault {
    pub(super) fn refused(self, form: Form) -> Refused {
        let (status, code, message) = match self {
            Self::Gone => (StatusCode::BAD_REQUEST, "IncompleteBody", "The body of the request did not come whole."),
            Self::Silent => (StatusCode::REQUEST_TIMEOUT, "RequestTimeout", "The body of the request did not come in time."),
            Self::Crowded => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate."),
        };
        Refused::new(status, code, message).of(form).closing()
    }
}

/// How far a body is read.
enum Extent {
    /// To its end, if that is no farther than so many bytes.
    Whole(usize),
    /// To where the file of a form begins, or not much farther than so many bytes.
    Fields(upload::Form, usize),
}

impl Extent {
    /// None of it; what is announced as too large is not begun.
    fn of(wanted: Wanted, headers: &HeaderMap, body: &Incoming) -> Option<Self> {
        match wanted {
            Wanted::Nothing => None,
            Wanted::Whole { bytes_max } if body.is_end_stream() => (bytes_max > 0).then_some(Self::Whole(bytes_max)),
            Wanted::Whole { bytes_max } => {
                announced(headers).is_none_or(|length| length <= bytes_max as u64).then_some(Self::Whole(bytes_max))
            }
            Wanted::Fields { bytes_max } => Some(Self::Fields(upload::Form::of(headers)?, bytes_max)),
        }
    }
}

/// Reads a body as far as it is wanted, and there is room for it. One that is too large goes on unread.
pub(super) async fn read(wanted: Wanted, headers: &HeaderMap, body: Incoming, share: Share) -> Result<Upload, Fault> {
    let mut read = Upload { ahead: VecDeque::new(), trailers: None, rest: None, whole: None, room: None };
    match Extent::of(wanted, headers, &body) {
        None => read.rest = Some(body).filter(|body| !body.is_end_stream()),
        Some(extent) => {
            read.room = Some(share);
            read.fill(extent, body).await?;
        }
    }
    Ok(read)
}

impl Upload {
    async fn fill(&mut self, mut extent: Extent, mut body: Incoming) -> Result<(), Fault> {
        let mut length = 0;
        while !body.is_end_stream() {
            let frame = match tokio::time::timeout(IDLE_TIMEOUT, body.frame()).await {
                Ok(Some(frame)) => frame.map_err(|_| Fault::Gone)?,
                Ok(None) => break,
                Err(_) => return Err(Fault::Silent),
            };
            let over = match frame.into_data() {
                Ok(data) => {
                    length += data.len();
                    self.take_room(data.len())?;
                    let over = match &mut extent {
                        Extent::Whole(bytes_max) => length > *bytes_max,
                        Extent::Fields(form, bytes_max) => form.read(&data) || length > *bytes_max,
                    };
                    self.ahead.push_back(data);
                    over
                }
                Err(frame) => {
                    self.trailers = frame.into_trailers().ok();
                    break;
                }
            };
            if over {
                self.rest = Some(body).filter(|body| !body.is_end_stream());
                break;
            }
        }
        // Too large.
        if matches!(extent, Extent::Whole(bytes_max) if length > bytes_max) {
            return Ok(());
        }
        self.whole = Some(joined(self.ahead.iter(), length));
        Ok(())
    }

    fn take_room(&mut self, bytes: usize) -> Result<(), Fault> {
        if self.room.as_mut().is_some_and(|share| share.take(bytes)) { Ok(()) } else { Err(Fault::Crowded) }
    }
}

/// Pieces as one.
pub(super) fn joined<'a>(mut pieces: impl ExactSizeIterator<Item = &'a Bytes>, length: usize) -> Bytes {
    if pieces.len() <= 1 {
        return pieces.next().cloned().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(length);
    pieces.for_each(|piece| whole.extend_from_slice(piece));
    whole.freeze()
}
