//! Trailkeep's own HTTP interface under `/v1/`: sending events, lookups with several filters, the live stream, tokens.

mod events;
mod export;
mod import;
mod lookup;
mod room;
mod tail;
mod tokens;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde::Serialize;

use crate::control::Failure;
use crate::front::{self, BodyError};
use crate::gate;
use crate::listener::{Body, Connection};
use crate::service::Service;
pub use room::Room;

/// Bytes of the body of a lookup or of a new token.
const SMALL_BODY_BYTES_MAX: usize = 64 << 10;

/// Answers a request below `/v1/`.
pub async fn answer(service: &Arc<Service>, connection: &Connection, request: Request<Incoming>) -> Response<Body> {
    let answered = match (request.method(), request.uri().path()) {
        (&Method::POST, "/v1/events") => events::post(service, request).await,
        (&Method::POST, "/v1/export") => export::post(service, connection, request).await,
        (&Method::POST, "/v1/import") => import::post(service, request).await,
        (&Method::POST, "/v1/lookup") => lookup::post(service, connection, request).await,
        (&Method::GET, "/v1/tail") => tail::get(service, connection, request).await,
        (&Method::POST, "/v1/tokens") => tokens::post(service, connection, request).await,
        (_, "/v1/events" | "/v1/export" | "/v1/import" | "/v1/lookup" | "/v1/tail" | "/v1/tokens") => {
            Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "This path does not take that method."))
        }
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "NotFound", "There is nothing at this path.")),
    };
    answered.unwrap_or_else(Refusal::into_response)
}

/// The metrics: open on loopback, else for a `--metrics` token.
pub async fn metrics(service: &Arc<Service>, connection: &Connection, request: &Request<Incoming>) -> Response<Body> {
    if !connection.peer.ip().to_canonical().is_loopback()
        && let Err(refusal) = gate::metrics(service, request.headers()).await
    {
        return refusal.into_response();
    }
    service.refresh_metrics();
    front::text(StatusCode::OK, &service.metrics.render())
}

/// Why a request under `/v1/` is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    code: String,
    message: String,
}

impl Refusal {
    /// A refusal with that status, code and message.
    pub fn new(status: StatusCode, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    /// Who calls may not do this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDeniedException", message)
    }

    /// The request is not as it should be.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MalformedRequest", message)
    }

    /// Events cannot be kept at the moment.
    pub fn unavailable(reason: &dyn std::fmt::Display) -> Self {
        tracing::warn!(%reason, "a request was refused because events cannot be kept");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "Events cannot be kept at the moment. Send them again later.",
        )
    }

    /// The error's code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What the caller reads.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn into_response(self) -> Response<Body> {
        let mut response = front::refused(self.status, &self.code, &self.message);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::new(failure.code.status(), failure.code.name(), failure.message)
    }
}

impl From<catalog::Error> for Refusal {
    fn from(error: catalog::Error) -> Self {
        Failure::from(error).into()
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", error.to_string()),
            BodyError::Broken(_) => Self::malformed(error.to_string()),
            BodyError::Slow => Self::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", error.to_string()),
        }
    }
}

/// An answer in JSON.
fn json<T: Serialize>(answer: &T) -> Result<Response<Body>, Refusal> {
    let body = serde_json::to_vec(answer).map_err(|error| Refusal::from(Failure::internal(error)))?;
    Ok(typed(body, "application/json"))
}

fn typed(body: impl Into<Bytes>, media_type: &'static str) -> Response<Body> {
    let mut response = Response::new(front::full(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// How many exports may be under way.
pub fn exports_max() -> usize {
    export::EXPORTS_MAX
}

/// How many live streams may be open.
pub fn tail_streams_max() -> usize {
    tail::STREAMS_MAX
}
