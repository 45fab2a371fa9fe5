//! rest-json, the protocol of `cloudtrail-data`: the operation is in the path, some members are in the query.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;

use crate::constraints::{InputError, Location, Shape};
use crate::{ErrorCode, Operation, json};

/// The header that carries the code of an error.
pub const ERROR_TYPE: &str = "x-amzn-errortype";
/// The content type of requests and answers.
pub const MEDIA_TYPE: &str = "application/json";

/// The operation that a request line names.
pub fn operation(method: &Method, path: &str) -> Option<Operation> {
    (method == Method::POST && path == "/PutAuditEvents").then_some(Operation::PutAuditEvents)
}

/// Reads a body, and puts the members that the operation has in the query into it. A body cannot give those.
pub fn document(operation: Operation, query: Option<&str>, body: &[u8]) -> Result<Value, InputError> {
    let mut document = json::document(body)?;
    let (Value::Object(object), Shape::Structure(members)) = (&mut document, operation.shape()) else {
        return Ok(document);
    };
    for member in *members {
        let Location::Query(name) = member.location else { continue };
        object.remove(member.name);
        if let Some(value) = parameter(query.unwrap_or_default(), name)? {
            object.insert(member.name.to_owned(), Value::String(value));
        }
    }
    Ok(document)
}

/// A successful answer.
pub fn success<T: Serialize>(output: &T, request_id: &str) -> Response<Bytes> {
    json::response(StatusCode::OK, MEDIA_TYPE, request_id, json::body(output))
}

/// An error answer: its code is in a header and, for clients that look there, in the body.
pub fn failure(code: ErrorCode, message: &str, request_id: &str) -> Response<Bytes> {
    let body = json::failure_body(code.name(), message);
    let mut response = json::response(code.status(), MEDIA_TYPE, request_id, body);
    response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(code.name()));
    response
}

/// The value of a query parameter; to give it twice is refused.
fn parameter(query: &str, name: &str) -> Result<Option<String>, InputError> {
    let refuse = |what: &str| InputError::Serialization(format!("query parameter '{name}' {what}"));
    let mut found = None;
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decode(key).as_deref() != Some(name) {
            continue;
        }
        let value = decode(value).ok_or_else(|| refuse("is not UTF-8"))?;
        if found.replace(value).is_some() {
            return Err(refuse("comes twice"));
        }
    }
    Ok(found)
}

/// Undoes percent-encoding, with `+` as a space, exactly as signatures are computed over it.
fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests;
