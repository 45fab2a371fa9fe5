//! The front door: tells requests apart, in a fixed order, and hands each to the part that answers it.
//!
//! First come reserved paths (`/console/`, `/healthz`, `/metrics`, `/v1/`, `/iceberg/`), then an `X-Amz-Target`, then the
//! service that a SigV4 signature names; anything else is 403.

use std::sync::Arc;
use std::time::Duration;

use api::sigv4::Claim;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};

use crate::listener::{Body, Connection};
use crate::service::Service;
use crate::{aws_json, iceberg, rest_json, sts, v1};

/// First segments of paths that are not S3's; no bucket may bear such a name (`cloudtrail::bucket` refuses them).
pub const RESERVED: [&str; 5] = ["console", "healthz", "metrics", "v1", "iceberg"];

/// Answers any request.
pub async fn answer(service: Arc<Service>, connection: Connection, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let kind = Kind::of(&parts);
    let request = Request::from_parts(parts, body);
    metrics::counter!("trailkeep_http_requests_total", "kind" => kind.name()).increment(1);
    let response = match kind {
        Kind::Reserved => reserved(&service, &connection, request).await,
        Kind::AwsJson => aws_json::answer(&service, &connection, request).await,
        Kind::CloudTrailData => rest_json::answer(&service, &connection, request).await,
        Kind::S3 => service.buckets.call(&connection, request).await,
        Kind::Sts => sts::answer(&service, &connection, request).await,
        Kind::NotBuilt(name) => refused(
            StatusCode::BAD_REQUEST,
            "UnsupportedOperationException",
            &format!("The service {name} is not supported by this version of Trailkeep."),
        ),
        Kind::Nobody => refused(StatusCode::FORBIDDEN, "MissingAuthenticationTokenException", "Missing Authentication Token"),
    };
    metrics::counter!("trailkeep_http_responses_total", "status" => response.status().as_str().to_owned()).increment(1);
    response
}

/// What kind of request it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Reserved,
    AwsJson,
    CloudTrailData,
    S3,
    Sts,
    /// A service Trailkeep will answer for, but does not yet.
    NotBuilt(&'static str),
    Nobody,
}

impl Kind {
    fn of(parts: &Parts) -> Self {
        let first = parts.uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
        if RESERVED.contains(&first) {
            return Self::Reserved;
        }
        if parts.headers.contains_key(api::json::TARGET) {
            return Self::AwsJson;
        }
        match Claim::of(parts).as_ref().map(|claim| claim.service.as_str()) {
            Some("cloudtrail") => Self::AwsJson,
            Some("cloudtrail-data") => Self::CloudTrailData,
            Some("s3") => Self::S3,
            Some("sts") => Self::Sts,
            Some("organizations") => Self::NotBuilt("organizations"),
            Some("iam") => Self::NotBuilt("iam"),
            // Only clients of S3 still sign so; S3 tells them what to do instead.
            None if is_signed_by_version_2(parts) => Self::S3,
            _ => Self::Nobody,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::AwsJson => "cloudtrail",
            Self::CloudTrailData => "cloudtrail-data",
            Self::S3 => "s3",
            Self::Sts => "sts",
            Self::NotBuilt(name) => name,
            Self::Nobody => "none",
        }
    }
}

fn is_signed_by_version_2(parts: &Parts) -> bool {
    let header = parts.headers.get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
    let in_query = |pair: &str| pair.starts_with("AWSAccessKeyId=");
    header.is_some_and(|value| value.starts_with(b"AWS "))
        || parts.uri.query().is_some_and(|query| query.split('&').any(in_query))
}

async fn reserved(service: &Arc<Service>, connection: &Connection, request: Request<Incoming>) -> Response<Body> {
    match request.uri().path() {
        "/healthz" => text(StatusCode::OK, "live\n"),
        "/healthz/ready" => match service.unready() {
            None => text(StatusCode::OK, "ready\n"),
            Some(reason) => text(StatusCode::SERVICE_UNAVAILABLE, &format!("{reason}\n")),
        },
        "/metrics" => v1::metrics(service, connection, &request).await,
        path if path.starts_with("/v1/") => v1::answer(service, connection, request).await,
        path if path.starts_with("/iceberg/") => iceberg::answer(service, connection, request).await,
        _ => text(StatusCode::NOT_FOUND, "This version of Trailkeep has nothing here.\n"),
    }
}

/// How long a body may stop coming.
const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// How fast it has to come in the end: a megabit a second.
const BODY_BYTES_PER_SECOND_MIN: u64 = 128 << 10;

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is larger than it may be.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// The connection broke.
    #[error("the body did not arrive whole: {0}")]
    Broken(String),
    /// It does not come, or too slowly.
    #[error("the body came too slowly")]
    Slow,
}

/// Reads a body of at most `bytes_max`. One that stops coming, or comes too slowly for its size, is given up: it takes
/// room that others need.
pub async fn read_body(mut body: Incoming, bytes_max: usize) -> Result<Bytes, BodyError> {
    let declared = body.size_hint();
    if declared.lower() > bytes_max as u64 {
        return Err(BodyError::TooLarge(bytes_max));
    }
    let patience = BODY_IDLE_TIMEOUT + Duration::from_secs(bytes_max as u64 / BODY_BYTES_PER_SECOND_MIN);
    let mut bytes = Vec::with_capacity(declared.exact().unwrap_or(0) as usize);
    let reading = async {
        while let Some(frame) = tokio::time::timeout(BODY_IDLE_TIMEOUT, body.frame()).await.map_err(|_| BodyError::Slow)? {
            let Ok(data) = frame.map_err(|error| BodyError::Broken(error.to_string()))?.into_data() else { continue };
            if bytes.len() + data.len() > bytes_max {
                return Err(BodyError::TooLarge(bytes_max));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(())
    };
    tokio::time::timeout(patience, reading).await.unwrap_or(Err(BodyError::Slow))?;
    Ok(bytes.into())
}

/// A body of bytes at hand.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer in plain text.
pub fn text(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(full(text.to_owned()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A refusal as AWS's JSON services write it.
pub fn refused(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    let mut response = Response::new(full(api::json::failure_body(code, message)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests;
