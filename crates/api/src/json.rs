//! AWS JSON 1.1: documents in, answers and errors out.

use std::fmt;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::ErrorCode;
use crate::constraints::InputError;

/// The header that names the operation.
pub const TARGET: &str = "x-amz-target";
/// The header that carries the id of a request in its answer.
pub const REQUEST_ID: &str = "x-amzn-requestid";
/// The content type of requests and answers.
pub const MEDIA_TYPE: &str = "application/x-amz-json-1.1";
/// The largest body of a request to the control plane (ours). The model bounds few lists, so AWS's own limit is unknown.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How deep a document may nest (ours). The deepest inputs of the model, event selectors, have 6 levels.
pub const DEPTH_MAX: usize = 32;

/// Reads a body. An empty one is `{}`; a member that comes twice is refused, lest what is recorded of a call
/// differ from what was done.
pub fn document(body: &[u8]) -> Result<Value, InputError> {
    let refuse = |error: serde_json::Error| InputError::Serialization(error.to_string());
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Nested { depth_left: DEPTH_MAX }.deserialize(&mut deserializer).map_err(refuse)?;
    deserializer.end().map_err(refuse)?;
    if value.is_object() { Ok(value) } else { Err(InputError::Serialization("the body is not a JSON object".to_owned())) }
}

/// A successful answer.
pub fn success<T: Serialize>(output: &T, request_id: &str) -> Response<Bytes> {
    response(StatusCode::OK, MEDIA_TYPE, request_id, body(output))
}

/// An error answer, `{"__type":…,"message":…}`.
pub fn failure(code: ErrorCode, message: &str, request_id: &str) -> Response<Bytes> {
    response(code.status(), MEDIA_TYPE, request_id, failure_body(code.name(), message))
}

/// The body of an error.
pub fn failure_body(code: &str, message: &str) -> Bytes {
    #[derive(Serialize)]
    struct Failure<'a> {
        #[serde(rename = "__type")]
        code: &'a str,
        message: &'a str,
    }
    body(&Failure { code, message })
}

/// An output as the text to send.
pub fn body<T: Serialize>(output: &T) -> Bytes {
    serde_json::to_vec(output).expect("output shapes have string keys and finite numbers").into()
}

pub(crate) fn response(status: StatusCode, media_type: &'static str, request_id: &str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// A value that may nest `depth_left` levels more and has no member twice.
struct Nested {
    depth_left: usize,
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Nested {
    fn inside<E: serde::de::Error>(&self) -> Result<usize, E> {
        self.depth_left.checked_sub(1).ok_or_else(|| E::custom(format_args!("nested deeper than {DEPTH_MAX} levels")))
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let depth_left = self.inside()?;
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(Self { depth_left })? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let depth_left = self.inside()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Self { depth_left })?;
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("member {name:?} comes twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests;
