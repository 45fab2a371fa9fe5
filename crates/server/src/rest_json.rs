//! CloudTrail's data API over rest-json: PutAuditEvents.
//!
//! A call is a data event on its channel, of the caller's account and of the channel's: it is recorded when something
//! selects it. What comes in through a channel is never recorded into that channel's stores again: they hold other events.

use std::sync::Arc;

use api::{ErrorCode, Operation};
use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::audit_event::REQUEST_BYTES_MAX;
use cloudtrail::channel;
use cloudtrail::record::{ApiCall, CallerIdentity, Resource, ResourceArn};
use cloudtrail::region::Region;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::control::{self, Call, Failure, violations};
use crate::front::{self, BodyError};
use crate::gate;
use crate::listener::{Body, Connection};
use crate::own_calls::Caller;
use crate::service::Service;

/// The name of the API in records.
const EVENT_SOURCE: &str = "cloudtrail-data.amazonaws.com";

/// Answers a request of the data API.
pub async fn answer(service: &Arc<Service>, connection: &Connection, request: Request<Incoming>) -> Response<Body> {
    let request_id = service.random_uuid();
    let (parts, body) = request.into_parts();
    let answered = match front::read_body(body, REQUEST_BYTES_MAX).await {
        Ok(body) => call(service, connection, &parts, &body, &request_id).await,
        Err(BodyError::TooLarge(max)) => {
            Err(Failure::new(ErrorCode::ValidationException, format!("The request is larger than {max} bytes.")))
        }
        Err(error) => Err(Failure::new(ErrorCode::SerializationException, error.to_string())),
    };
    let mut response = match answered {
        Ok(output) => api::rest_json::success(&output, &request_id),
        Err(failure) => api::rest_json::failure(failure.code, &failure.message, &request_id),
    }
    .map(front::full);
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

async fn call(
    service: &Arc<Service>,
    connection: &Connection,
    parts: &Parts,
    body: &Bytes,
    request_id: &str,
) -> Result<Value, Failure> {
    let now_us = service.clock.now_us();
    let (principal, region) = gate::signed(service, parts, body, "cloudtrail-data", now_us)?;
    let operation = api::rest_json::operation(&parts.method, parts.uri.path())
        .ok_or_else(|| Failure::new(ErrorCode::UnknownOperationException, "Unknown operation"))?;
    service.own_calls.ready().map_err(|error| {
        tracing::warn!(%error, "audit events were refused because they cannot be kept");
        Failure::new(ErrorCode::ServiceUnavailableException, "Events cannot be kept at the moment. Try again later.")
    })?;
    let caller = Caller::new(&principal, connection, parts, request_id);
    let document = api::rest_json::document(operation, parts.uri.query(), body);
    let parameters = document.as_ref().ok().map(summary);
    let outcome = match document.and_then(|document| service.constraints.input(operation, document)) {
        Ok(input) => {
            let mut call = Call::new(service, &principal, region.clone(), operation, now_us);
            control::dispatch(&mut call, input).await
        }
        Err(error) => Err(violations::failure(operation, error)),
    };
    if service.recorder.keeps_data_events() {
        record(service, &Called { caller, operation, region, parameters, outcome: &outcome }).await;
    }
    outcome
}

/// A call that is over.
struct Called<'a> {
    caller: Caller,
    operation: Operation,
    region: Region,
    parameters: Option<Value>,
    outcome: &'a Result<Value, Failure>,
}

/// What a record tells of the input: who sent what where, not what was in it.
fn summary(document: &Value) -> Value {
    let events = document.get("auditEvents").and_then(Value::as_array);
    let ids: Option<Vec<Value>> = events.map(|events| events.iter().map(|event| json!({ "id": event.get("id") })).collect());
    let mut summary = json!({ "channelArn": document.get("channelArn"), "auditEvents": ids });
    if let (Some(summary), Some(id)) = (summary.as_object_mut(), document.get("externalId")) {
        summary.insert("externalId".to_owned(), id.clone());
    }
    summary
}

/// Has the call recorded for the caller and, if the channel is another account's and was reached, for that one too.
async fn record(service: &Service, called: &Called<'_>) {
    let channel = called.parameters.as_ref().and_then(|parameters| parameters.get("channelArn")?.as_str());
    let arn = channel.and_then(|text| channel::parse_arn(text).ok());
    let owner: Option<AccountId> = arn.as_ref().and_then(|arn| arn.account.parse().ok());
    let reached = match called.outcome {
        Ok(_) => true,
        Err(failure) => failure.code == ErrorCode::ChannelInsufficientPermission,
    };
    let other = owner.filter(|owner| reached && *owner != called.caller.account && service.accounts.is_registered(*owner));
    let shared_event_id = other.map(|_| service.random_uuid());
    let resource = arn.zip(owner).map(|(arn, owner)| Resource {
        account: Some(owner),
        type_: Some("AWS::CloudTrail::Channel".to_owned()),
        arn: ResourceArn::Whole(arn.to_string()),
    });
    let mut callers = vec![called.caller.clone()];
    callers.extend(other.map(|owner| Caller {
        account: owner,
        identity: CallerIdentity::Account { account: called.caller.account },
        ..called.caller.clone()
    }));
    for caller in callers {
        let call = ApiCall {
            event_source: EVENT_SOURCE.to_owned(),
            event_name: called.operation.name().to_owned(),
            region: called.region.clone(),
            error: called.outcome.as_ref().err().map(|failure| (failure.code.name().to_owned(), failure.message.clone())),
            request_parameters: called.parameters.as_ref().and_then(raw),
            response_elements: called.outcome.as_ref().ok().and_then(raw),
            read_only: called.operation.is_read_only(),
            resources: resource.iter().cloned().collect(),
            management: false,
            api_version: Some(called.operation.service().api_version().to_owned()),
            shared_event_id: shared_event_id.clone(),
            ..service.own_calls.blank(&caller)
        };
        let kept = service.own_calls.keep(caller.account, service.own_calls.render_call(&caller, call), service.config.strict);
        if let Err(error) = kept.await {
            tracing::error!(%error, "a call of the data API is not recorded");
        }
    }
}

fn raw(value: &Value) -> Option<Box<RawValue>> {
    RawValue::from_string(value.to_string()).ok()
}
