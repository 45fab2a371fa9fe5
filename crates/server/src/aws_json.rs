//! CloudTrail's API over AWS JSON 1.1: one request from the signature to the answer.
//!
//! Every call is recorded (architecture, "Own calls"). A change commits together with its record, which is in the
//! journal before the answer goes out. A read is answered and recorded with the next group commit; with `strict` it
//! waits too.

use std::sync::Arc;

use api::{ErrorCode, Operation};
use cloudtrail::region::Region;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use pipeline::capture::recorder::RecordError;
use serde_json::Value;

use crate::control::{self, Call, Failure, missing, violations};
use crate::front::{self, BodyError};
use crate::gate;
use crate::listener::{Body, Connection};
use crate::own_calls::{Caller, Finished};
use crate::principals::Principal;
use crate::service::Service;

/// Answers a request of AWS JSON 1.1.
pub async fn answer(service: &Arc<Service>, connection: &Connection, request: Request<Incoming>) -> Response<Body> {
    let request_id = service.random_uuid();
    let (parts, body) = request.into_parts();
    let answered = match front::read_body(body, api::json::BODY_BYTES_MAX).await {
        Ok(body) => call(service, connection, &parts, &body, &request_id).await,
        Err(BodyError::TooLarge(max)) => {
            Err(Failure::new(ErrorCode::RequestEntityTooLargeException, format!("The request is larger than {max} bytes.")))
        }
        Err(error) => Err(Failure::new(ErrorCode::SerializationException, error.to_string())),
    };
    let mut response = match answered {
        Ok(output) => api::json::success(&output, &request_id),
        Err(failure) => api::json::failure(failure.code, &failure.message, &request_id),
    }
    .map(front::full);
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// What is asked, by whom, where and when.
struct Asked<'a> {
    service: &'a Service,
    principal: Principal,
    caller: Caller,
    region: Region,
    operation: Operation,
    now_us: i64,
}

async fn call(
    service: &Service,
    connection: &Connection,
    parts: &Parts,
    body: &[u8],
    request_id: &str,
) -> Result<Value, Failure> {
    let now_us = service.clock.now_us();
    let (principal, region) = gate::signed(service, parts, body, "cloudtrail", now_us)?;
    let operation = target(parts)?;
    if !operation.is_read_only() || service.config.strict {
        service.own_calls.ready().map_err(|error| unavailable(&error))?;
    }
    let caller = Caller::new(&principal, connection, parts, request_id);
    let asked = Asked { service, principal, caller, region, operation, now_us };
    let document = api::json::document(body);
    let parameters = document.as_ref().ok().cloned();
    let outcome = match document {
        Ok(document) => asked.run(document).await,
        Err(error) => Err(violations::failure(operation, error)),
    };
    if let Ok(Done { output, recorded: true }) = outcome {
        return Ok(output);
    }
    let told = match &outcome {
        Ok(done) => Ok(&done.output),
        Err(failure) => Err((failure.code.name(), failure.message.as_str())),
    };
    let finished = Finished { operation, region: &asked.region, parameters: parameters.as_ref(), outcome: told };
    let recorded = service.own_calls.record(&asked.caller, &finished, service.config.strict).await;
    recorded.map_err(|error| unavailable(&error))?;
    outcome.map(|done| done.output)
}

/// A call that worked; one that changed something is recorded already.
struct Done {
    output: Value,
    recorded: bool,
}

impl Asked<'_> {
    /// Does what is asked. A change commits together with its record, and the record is in the journal afterwards.
    async fn run(&self, document: Value) -> Result<Done, Failure> {
        let Self { service, operation, .. } = *self;
        missing::refuse_operation(operation)?;
        let input = service.constraints.input(operation, document.clone());
        let input = input.map_err(|error| violations::failure(operation, error))?;
        let mut call = Call::new(service, &self.principal, self.region.clone(), operation, self.now_us);
        let output = control::dispatch(&mut call, input).await?;
        let (tx, effects) = call.finish();
        let Some(mut tx) = tx else { return Ok(Done { output, recorded: false }) };
        let finished = Finished { operation, region: &self.region, parameters: Some(&document), outcome: Ok(&output) };
        let record = service.own_calls.render(&self.caller, &finished);
        catalog::outbox::push(&mut tx, &record).await?;
        tx.commit().await?;
        let end = service.own_calls.drain().await.map_err(|error| unavailable(&error))?;
        service.after_commit(effects, end).await?;
        Ok(Done { output, recorded: true })
    }
}

fn target(parts: &Parts) -> Result<Operation, Failure> {
    let target = parts.headers.get(api::json::TARGET).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Operation::from_target(target)
        .filter(|_| parts.method == http::Method::POST)
        .ok_or_else(|| Failure::new(ErrorCode::UnknownOperationException, format!("Unknown operation: {target:.128}")))
}

fn unavailable(error: &RecordError) -> Failure {
    tracing::warn!(%error, "a call was refused because it cannot be recorded");
    Failure::new(ErrorCode::ServiceUnavailableException, "The request cannot be recorded at the moment. Try again later.")
}
