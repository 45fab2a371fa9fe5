//! Answers of our own: the few that the upstream does not give.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use protocols::table::Protocol;
use tokio::task::JoinError;

use super::{Answer, Recording};
use crate::audit::Refusal;
use crate::listener::HEAD_BYTES_MAX;
use crate::upstream::Failure;

/// An answer of our own, in the form of the service that was asked.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    protocol: Option<Protocol>,
    retry_after_s: Option<u32>,
    closing: bool,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Box<Self> {
        Box::new(Self { status, code, message: message.into(), protocol: None, retry_after_s: None, closing: false })
    }

    /// In the form of a protocol; S3's without one known.
    pub(super) fn of(mut self: Box<Self>, protocol: Option<Protocol>) -> Box<Self> {
        self.protocol = protocol;
        self
    }

    /// The connection ends with it.
    pub(super) fn closing(mut self: Box<Self>) -> Box<Self> {
        self.closing = true;
        self
    }

    /// A request that is not well formed.
    pub(super) fn bad(message: &str) -> Box<Self> {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message).closing()
    }

    /// A request for what a proxy cannot do.
    pub(super) fn not_implemented(message: &str) -> Box<Self> {
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message).closing()
    }

    /// A head that is too large.
    pub(super) fn head_too_large() -> Box<Self> {
        let message = format!("The head of the request is larger than {HEAD_BYTES_MAX} bytes.");
        Self::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "RequestHeaderSectionTooLarge", message).closing()
    }

    /// The call cannot be recorded.
    pub(super) fn unrecorded(refusal: &Refusal) -> Box<Self> {
        let message = "The call cannot be recorded at this time. Please try again.";
        tracing::debug!(reason = refusal.reason, service = refusal.event_source, "a call was refused");
        let mut refused = Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message).of(refusal.protocol);
        refused.retry_after_s = Some(refusal.retry_after_s);
        refused
    }

    /// The upstream gave no answer.
    pub(super) fn failed(failure: &Failure, protocol: Option<Protocol>) -> Box<Self> {
        let (code, message) = match failure {
            Failure::TimedOut(_) => ("GatewayTimeout", "The service behind the proxy did not answer in time."),
            Failure::Unreachable(_) => ("BadGateway", "The service behind the proxy cannot be reached."),
            Failure::Broken(_) => ("BadGateway", "The service behind the proxy broke off before it had answered."),
            Failure::Malformed(_) => ("BadGateway", "The service behind the proxy gave an answer that cannot be passed on."),
        };
        Self::new(failure.status(), code, message).of(protocol)
    }

    /// Recording panicked, which is a bug of ours.
    pub(super) fn internal(error: &JoinError) -> Box<Self> {
        tracing::error!(%error, "recording a call panicked");
        metrics::counter!("trailkeep_internal_failures_total").increment(1);
        let message = "The call cannot be recorded because of an internal failure.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    }

    pub(super) fn response<R: Recording>(self) -> Response<Answer<R>> {
        let (content_type, body) = body(self.protocol, self.status, self.code, &self.message);
        let mut response = Response::new(Answer::empty());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.closing {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        *response.body_mut() = Answer::ours(body);
        response
    }
}

fn body(_protocol: Option<Protocol>, _status: StatusCode, code: &str, message: &str) -> (&'static str, Bytes) {
    let text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    ("application/xml", text.into())
}
