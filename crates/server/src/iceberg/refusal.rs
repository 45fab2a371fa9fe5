//! Errors in the words of the Iceberg REST catalog.

use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

use crate::control::Failure;
use crate::front::{self, BodyError};
use crate::listener::Body;
use crate::v1;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    pub(super) fn nothing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFoundException", "There is nothing at this path.")
    }

    pub(super) fn no_such_namespace(name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchNamespaceException", format!("Namespace does not exist: {name:.256}"))
    }

    pub(super) fn no_such_table(namespace: &str, name: &str) -> Self {
        let message = format!("Table does not exist: {namespace:.256}.{name:.256}");
        Self::new(StatusCode::NOT_FOUND, "NoSuchTableException", message)
    }

    pub(super) fn no_such_view(name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchViewException", format!("View does not exist: {name:.256}"))
    }

    pub(super) fn read_only() -> Self {
        let message = "The tables of event data stores can only be read. Trailkeep alone writes them.";
        Self::new(StatusCode::NOT_ACCEPTABLE, "UnsupportedOperationException", message)
    }

    pub(super) fn no_tokens() -> Self {
        let message = "Tokens are not exchanged. `trailkeep token create --read` makes one; give it to the client as its token.";
        Self::new(StatusCode::BAD_REQUEST, "UnsupportedOperationException", message)
    }

    pub(super) fn not_yet() -> Self {
        let message = "The table is about to be published. Please try again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableException", message)
    }

    pub(super) fn internal(reason: &dyn std::fmt::Display) -> Self {
        Failure::internal(reason).into()
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let error = json!({ "message": self.message, "type": self.kind, "code": self.status.as_u16() });
        let mut response = Response::new(front::full(json!({ "error": error }).to_string()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let status = failure.code.status();
        if status.is_server_error() {
            return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", failure.message);
        }
        // A failure here is one of authentication: the caller is not known.
        Self::new(StatusCode::UNAUTHORIZED, "NotAuthorizedException", failure.message)
    }
}

impl From<v1::Refusal> for Refusal {
    fn from(refusal: v1::Refusal) -> Self {
        let message = refusal.message().to_owned();
        if refusal.status().is_server_error() {
            return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", message);
        }
        // The token of another kind proves who calls, but allows something else.
        if refusal.code() == "AccessDeniedException" {
            return Self::new(StatusCode::FORBIDDEN, "ForbiddenException", message);
        }
        Self::new(StatusCode::UNAUTHORIZED, "NotAuthorizedException", message)
    }
}

impl From<catalog::Error> for Refusal {
    fn from(error: catalog::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::Broken(_) => StatusCode::BAD_REQUEST,
            BodyError::Slow => StatusCode::REQUEST_TIMEOUT,
        };
        Self::new(status, "BadRequestException", error.to_string())
    }
}
