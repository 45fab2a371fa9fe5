//! STS over the AWS query protocol: GetCallerIdentity, which clients ask to learn who they are.

use std::sync::Arc;

use api::ErrorCode;
use cloudtrail::record::ApiCall;
use cloudtrail::region::Region;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use crate::front::{self, BodyError};
use crate::gate;
use crate::listener::{Body, Connection};
use crate::own_calls::Caller;
use crate::principals::Principal;
use crate::service::Service;

/// Bytes of a request's body.
const BODY_BYTES_MAX: usize = 64 << 10;
/// The version of STS's API.
const API_VERSION: &str = "2011-06-15";

/// Answers a request of STS.
pub async fn answer(service: &Arc<Service>, connection: &Connection, request: Request<Incoming>) -> Response<Body> {
    let request_id = service.random_uuid();
    let (parts, body) = request.into_parts();
    let body = match front::read_body(body, BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(BodyError::TooLarge(max)) => return error(413, "RequestEntityTooLarge", &format!("over {max} bytes"), &request_id),
        Err(broken) => return error(400, "MalformedInput", &broken.to_string(), &request_id),
    };
    let signed = gate::signed(service, &parts, &body, "sts", service.clock.now_us());
    let (principal, region) = match signed {
        Ok(signed) => signed,
        Err(failure) => {
            return error(403, query_code(failure.code), &failure.message, &request_id);
        }
    };
    let form = [parts.uri.query().unwrap_or_default().as_bytes(), b"&", &body].concat();
    match action(&form).as_deref() {
        Some("GetCallerIdentity") => {
            let caller = Caller::new(&principal, connection, &parts, &request_id);
            match record(service, &caller, region).await {
                Ok(()) => caller_identity(&principal, &request_id),
                Err(reason) => error(503, "ServiceUnavailable", &reason, &request_id),
            }
        }
        Some(other) => error(
            400,
            "UnsupportedOperation",
            &format!("{other:.128} is not supported by this version of Trailkeep."),
            &request_id,
        ),
        None => error(400, "MissingAction", "The request names no Action.", &request_id),
    }
}

/// The query protocol has names of its own for two failures, and writes the others without the suffix.
fn query_code(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::UnrecognizedClientException => "InvalidClientTokenId",
        ErrorCode::InvalidSignatureException => "SignatureDoesNotMatch",
        other => other.name().trim_end_matches("Exception"),
    }
}

fn action(form: &[u8]) -> Option<String> {
    let form = String::from_utf8_lossy(form);
    let value = form.split('&').find_map(|pair| pair.strip_prefix("Action="))?;
    percent_encoding::percent_decode_str(value).decode_utf8().ok().map(Into::into)
}

async fn record(service: &Arc<Service>, caller: &Caller, region: Region) -> Result<(), String> {
    let call = ApiCall {
        event_source: "sts.amazonaws.com".to_owned(),
        event_name: "GetCallerIdentity".to_owned(),
        region,
        api_version: Some(API_VERSION.to_owned()),
        ..service.own_calls.blank(caller)
    };
    let record = service.own_calls.render_call(caller, call);
    service.own_calls.keep(caller.account, record, service.config.strict).await.map_err(|error| error.to_string())
}

fn caller_identity(principal: &Principal, request_id: &str) -> Response<Body> {
    let (account, arn) = (principal.account, principal.arn());
    xml(
        200,
        format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/{API_VERSION}/\"><GetCallerIdentityResult>\
             <Arn>{arn}</Arn><UserId>{account}</UserId><Account>{account}</Account></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        ),
        request_id,
    )
}

fn error(status: u16, code: &str, message: &str, request_id: &str) -> Response<Body> {
    let side = if status < 500 { "Sender" } else { "Receiver" };
    let message = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    xml(
        status,
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/{API_VERSION}/\"><Error><Type>{side}</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        ),
        request_id,
    )
}

fn xml(status: u16, body: String, request_id: &str) -> Response<Body> {
    let mut response = Response::new(front::full(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("these are statuses");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(api::json::REQUEST_ID, id);
    }
    response
}
