//! Whether a call may go, and the record of it: the seam between carrying calls and recording them.
//!
//! For each request [`forward`](crate::forward) calls [`Audit::begin`] with the head; reads as much of the body as
//! [`Begun::wanted`] says; asks for [`Begun::admit`]; carries the call; and ends it with [`Admitted::end`], whose future
//! the answer waits for where [`Admitted::answer_waits`] says so.

use std::net::IpAddr;
use std::sync::Arc;

use cloudtrail::record::TlsDetails;
use http::{HeaderMap, StatusCode, request, response};
use protocols::call::{Body, Wanted};
use protocols::table::Protocol;

/// Who is at the other end of the connection, proxies that are trusted taken into account.
#[derive(Clone, Debug)]
pub struct Client {
    /// The address.
    pub source_ip: IpAddr,
    /// How the connection is secured, if it is.
    pub tls: Option<TlsDetails>,
}

/// Decides and records; clones are the same one.
#[derive(Clone)]
pub struct Audit {
    inner: Arc<Inner>,
}

struct Inner {}

impl Audit {
    /// Admits every call and records none.
    pub fn silent() -> Self {
        Self { inner: Arc::new(Inner {}) }
    }

    /// Looks at the head of a request.
    pub fn begin(&self, _client: &Client, _head: &request::Parts) -> Begun {
        Begun { _inner: Arc::clone(&self.inner) }
    }
}

/// A request whose head was looked at.
pub struct Begun {
    _inner: Arc<Inner>,
}

impl Begun {
    /// How much of its body is to be read before [`Begun::admit`].
    pub fn wanted(&self) -> Wanted {
        Wanted::Nothing
    }

    /// Whether the call may go on: there is room for its record, and of a write the intent is on disk.
    pub async fn admit(self, _body: Body) -> Result<Admitted, Refusal> {
        std::future::ready(Ok(Admitted {})).await
    }
}

/// A call that may go on. Dropped without [`Admitted::end`], its outcome is recorded as unknown.
pub struct Admitted {}

impl Admitted {
    /// Whether the answer may only go out when [`Admitted::end`] has returned.
    pub fn answer_waits(&self) -> bool {
        false
    }

    /// How much of the answer's body the record needs.
    pub fn wanted(&self, _status: StatusCode, _headers: &HeaderMap) -> Wanted {
        Wanted::Nothing
    }

    /// The call is over. Returns when its record is on disk if the answer waits for it, at once if not.
    pub async fn end(self, _outcome: Outcome) -> Result<(), Refusal> {
        std::future::ready(Ok(())).await
    }
}

/// How a call ended.
#[derive(Debug)]
pub struct Outcome {
    /// What came of it.
    pub ending: Ending,
    /// Bytes of the request's body that went to the upstream.
    pub bytes_in: u64,
    /// Bytes of the answer's body; as announced where the answer waits and is too large to be held back.
    pub bytes_out: u64,
}

/// What came of a call.
#[derive(Debug)]
pub enum Ending {
    /// The upstream answered.
    Answered {
        /// The head of the answer.
        head: response::Parts,
        /// Its body, as far as it was wanted.
        body: Body,
    },
    /// The upstream did not answer, or not whole: the client saw this status (502, 504) or a broken connection.
    Failed {
        /// The status that the client saw, if any.
        status: Option<StatusCode>,
        /// What happened.
        reason: String,
    },
    /// The client went away before the request was whole, or before the answer.
    ClientGone,
}

/// Why a call may not go on, or its answer not out.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// For the log and the client.
    pub reason: String,
    /// When the client may come back.
    pub retry_after_s: u32,
    /// In whose form it is said; S3's without one known.
    pub protocol: Option<Protocol>,
    /// The service: `s3.amazonaws.com`.
    pub event_source: String,
}
