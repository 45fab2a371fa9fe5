//! requestParameters of S3's records: the bucket, the Host header and the key, then query parameters and x-amz headers
//! by their names on the wire, then the document of the body.

use http::request::Parts;

use super::operations::Holds;
use super::{document, query};
use crate::call::Body;
use crate::parameters::{HIDDEN, Value, compact};
use crate::recognition::Recognised;
use crate::upload;

/// The most parameters that are told. Own choice: no operation of S3 has half as many.
const PARAMETERS_MAX: usize = 100;
/// From how many bytes of JSON on a document is told by its size alone. Own choice: what is left of the 100 KB of
/// requestParameters holds the rest, the bucket's name first.
const DOCUMENT_BYTES_MAX: usize = 80 * 1024;
/// The name of a bucket policy among the parameters.
const POLICY: &str = "bucketPolicy";

/// Credentials and signatures, wherever they stand.
const NEVER_TOLD: [&str; 8] = [
    "authorization",
    "awsaccesskeyid",
    "signature",
    "x-amz-credential",
    "x-amz-copy-source-session-token",
    "x-amz-s3session-token",
    "x-amz-security-token",
    "x-amz-signature",
];

/// Headers that say how a request was sent, and not what it asks for.
const HEADERS_LEFT_OUT: [&str; 9] = [
    "x-amz-cf-id",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-te",
    "x-amz-trailer",
    "x-amz-user-agent",
    "x-amz-crc32",
];

/// Fields of a form that hold its signature or its content.
const FIELDS_LEFT_OUT: [&str; 3] = ["file", "policy", "x-amz-date"];

/// Checksums of the content, which these begin with, are left out; but not which kind of checksum is asked for.
const CHECKSUM: &str = "x-amz-checksum-";
const CHECKSUMS_TOLD: [&str; 3] = ["x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"];

/// What goes with an object as its own is its content.
const METADATA: &str = "x-amz-meta-";

/// What is part of the name of every key that a customer encrypts with.
const CUSTOMER_KEY: &str = "-customer-key";

/// Names that are not the caller's to give.
const OURS: [&str; 3] = ["bucketName", "Host", "key"];

/// The parameters of a call, in order, each name once; what is said twice, and otherwise, is told as a list.
pub(super) fn read(recognised: &Recognised, holds: Holds, parts: &Parts, body: &Body) -> Value {
    let mut parameters = Parameters(Vec::new());
    let fields = form(holds, parts, body);
    let posted = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("key")).map(|(_, value)| value);
    let host = host(parts);
    let known =
        [("bucketName", recognised.bucket.as_ref()), ("Host", host.as_ref()), ("key", recognised.key.as_ref().or(posted))];
    for (name, value) in known {
        if let Some(value) = value {
            parameters.add(name, Value::text(value));
        }
    }
    for (name, value) in query(&parts.uri) {
        parameters.add_text(&name, &value);
    }
    for (name, value) in &parts.headers {
        if name.as_str().starts_with("x-amz-") && !HEADERS_LEFT_OUT.contains(&name.as_str()) {
            parameters.add_text(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        }
    }
    for (name, value) in fields.iter().filter(|(name, _)| !FIELDS_LEFT_OUT.contains(&name.to_ascii_lowercase().as_str())) {
        parameters.add_text(name, value);
    }
    if let Some((name, document)) = document_of(holds, body) {
        parameters.add(&name, bounded(document, &name));
    }
    Value::Object(parameters.0)
}

/// The Host header, or what stands for it in HTTP/2.
fn host(parts: &Parts) -> Option<String> {
    let header = parts.headers.get(http::header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    header.or_else(|| parts.uri.authority().map(ToString::to_string))
}

/// The fields of the form, where the body is one.
fn form(holds: Holds, parts: &Parts, body: &Body) -> Vec<(String, String)> {
    let whole = body.whole.as_ref().filter(|_| holds == Holds::Form);
    whole.and_then(|whole| upload::read(&parts.headers, whole)).map(upload::Form::into_fields).unwrap_or_default()
}

fn document_of(holds: Holds, body: &Body) -> Option<(String, Value)> {
    let whole = body.whole.as_ref().filter(|whole| !whole.is_empty())?;
    match holds {
        Holds::Document => document::read(whole),
        Holds::Policy => Some((POLICY.to_owned(), policy(whole))),
        Holds::Nothing | Holds::Content | Holds::Form => None,
    }
}

/// A policy as JSON; what is none, as text.
fn policy(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(_) => Value::Json(compact(&text)),
        Err(_) => Value::text(text),
    }
}

/// A document, or how large it was, as CloudTrail marks what is too large.
fn bounded(document: Value, name: &str) -> Value {
    let size = document.render().get().len();
    if size <= DOCUMENT_BYTES_MAX {
        return document;
    }
    Value::Object(vec![
        ("omitted".to_owned(), Value::Boolean(true)),
        ("originalSize".to_owned(), Value::Number(size.to_string())),
        ("reason".to_owned(), Value::text(format!("{name} too large"))),
    ])
}

struct Parameters(Vec<(String, Value)>);

impl Parameters {
    fn add(&mut self, name: &str, value: Value) {
        if self.0.len() < PARAMETERS_MAX && !self.0.iter().any(|(known, _)| known == name) {
            self.0.push((name.to_owned(), value));
        }
    }

    fn add_text(&mut self, name: &str, value: &str) {
        let Some(value) = told(name, value) else { return };
        match self.0.iter_mut().find(|(known, _)| known == name) {
            _ if OURS.contains(&name) => {}
            Some((_, known)) => known.again(value, false),
            None => self.add(name, value),
        }
    }
}

/// What a record tells of a parameter or a header; none where it is none of its business.
pub(super) fn told(name: &str, value: &str) -> Option<Value> {
    let lower = name.to_ascii_lowercase();
    let checksum = lower.starts_with(CHECKSUM) && !CHECKSUMS_TOLD.contains(&lower.as_str());
    if NEVER_TOLD.contains(&lower.as_str()) || checksum || lower.starts_with(METADATA) {
        return None;
    }
    Some(Value::text(if lower.contains(CUSTOMER_KEY) { HIDDEN } else { value }))
}
