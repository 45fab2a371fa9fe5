//! CloudTrail's data API over rest-json: PutAuditEvents.

use std::sync::Arc;

use api::{ErrorCode, Operation};
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use serde_json::Value;

use crate::control::{self, Call, Failure, missing, violations};
use crate::front::{self, BodyError};
use crate::gate;
use crate::listener::{Body, Connection};
use crate::service::Service;

/// Answers a request of the data API.
pub async fn answer(service: &Arc<Service>, _connection: &Connection, request: Request<Incoming>) -> Response<Body> {
    let request_id = service.random_uuid();
    let (parts, body) = request.into_parts();
    let answered = match front::read_body(body, api::json::BODY_BYTES_MAX).await {
        Ok(body) => call(service, &parts, &body).await,
        Err(BodyError::TooLarge(max)) => {
            Err(Failure::new(ErrorCode::RequestEntityTooLargeException, format!("The request is larger than {max} bytes.")))
        }
        Err(error) => Err(Failure::new(ErrorCode::SerializationException, error.to_string())),
    };
    match answered {
        Ok(output) => api::rest_json::success(&output, &request_id),
        Err(failure) => api::rest_json::failure(failure.code, &failure.message, &request_id),
    }
    .map(front::full)
}

async fn call(service: &Arc<Service>, parts: &http::request::Parts, body: &Bytes) -> Result<Value, Failure> {
    let now_us = service.clock.now_us();
    let (principal, region) = gate::signed(service, parts, body, "cloudtrail-data", now_us)?;
    let operation = api::rest_json::operation(&parts.method, parts.uri.path())
        .ok_or_else(|| Failure::new(ErrorCode::UnknownOperationException, "Unknown operation"))?;
    missing::refuse_operation(operation)?;
    let input = parse(service, operation, parts, body).map_err(|error| violations::failure(operation, error))?;
    let mut call = Call::new(service, &principal, region, operation, now_us);
    control::dispatch(&mut call, input).await
}

fn parse(
    service: &Service,
    operation: Operation,
    parts: &http::request::Parts,
    body: &Bytes,
) -> Result<api::Input, api::InputError> {
    service.constraints.input(operation, api::rest_json::document(operation, parts.uri.query(), body)?)
}
