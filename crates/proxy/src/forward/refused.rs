//! Answers of our own: the few that the upstream does not give.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use protocols::answers;
use protocols::table::Protocol;
use tokio::task::JoinError;

use super::{Answer, Recording};
use crate::audit::Refusal;
use crate::listener::HEAD_BYTES_MAX;
use crate::upstream::Failure;

const S3: &str = "s3.amazonaws.com";

/// In whose form an answer is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    protocol: Option<Protocol>,
    is_s3: bool,
}

impl From<(Option<Protocol>, &str)> for Form {
    /// S3's, where the protocol is not known.
    fn from((protocol, event_source): (Option<Protocol>, &str)) -> Self {
        Self { protocol, is_s3: protocol.is_none() || event_source == S3 }
    }
}

/// An answer of our own, in the form of the service that was asked.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    form: Form,
    retry_after_s: Option<u32>,
    closing: bool,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), form: (None, S3).into(), retry_after_s: None, closing: false }
    }

    pub(super) fn of(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// The connection ends with it.
    pub(super) fn closing(mut self) -> Self {
        self.closing = true;
        self
    }

    /// A request that is not well formed.
    pub(super) fn bad(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message).closing()
    }

    /// A request that says two things of who signed it, or of what it calls.
    pub(super) fn contradictory(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidArgument", message).closing()
    }

    /// A request for what a proxy cannot do.
    pub(super) fn not_implemented(message: &str) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message).closing()
    }

    /// A head that is too large.
    pub(super) fn head_too_large() -> Self {
        let message = format!("The head of the request is larger than {HEAD_BYTES_MAX} bytes.");
        Self::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "RequestHeaderSectionTooLarge", message).closing()
    }

    /// The call cannot be recorded.
    pub(super) fn unrecorded(refusal: &Refusal) -> Self {
        let message = "The call cannot be recorded at this time. Please try again.";
        let form = (refusal.protocol, refusal.event_source.as_str()).into();
        tracing::debug!(reason = refusal.reason, service = refusal.event_source, "a call was refused");
        let mut refused = Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message).of(form);
        refused.retry_after_s = Some(refusal.retry_after_s);
        refused
    }

    /// The upstream gave no answer.
    pub(super) fn failed(failure: &Failure, form: Form) -> Self {
        let (code, message) = match failure {
            Failure::TimedOut(_) => ("GatewayTimeout", "The service behind the proxy did not answer in time."),
            Failure::Unreachable(_) => ("BadGateway", "The service behind the proxy cannot be reached."),
            Failure::Broken(_) => ("BadGateway", "The service behind the proxy broke off before it had answered."),
            Failure::Malformed(_) => ("BadGateway", "The service behind the proxy gave an answer that cannot be passed on."),
        };
        Self::new(failure.status(), code, message).of(form)
    }

    /// Recording panicked, which is a bug of ours.
    pub(super) fn internal(error: &JoinError) -> Self {
        tracing::error!(%error, "recording a call panicked");
        metrics::counter!("trailkeep_internal_failures_total").increment(1);
        let message = "The call cannot be recorded because of an internal failure.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    }

    /// The answer; `number` tells it from others.
    pub(super) fn response<R: Recording>(self, number: u64) -> Response<Answer<R>> {
        let Form { protocol, is_s3 } = self.form;
        let id = format!("{number:016X}");
        let said = answers::refusal(protocol, is_s3, self.status, self.code, &self.message, &id);
        let mut response = Response::new(Answer::empty());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(said.content_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(said.body.len()));
        for (name, value) in said.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
                headers.insert(name, value);
            }
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.closing {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        *response.body_mut() = Answer::ours(said.body.into());
        response
    }
}
