//! What is S3's own: the names of its operations in records, parameters by their names on the wire, objects and buckets
//! as resources, and the headers that stand for an output.

mod document;
mod operations;
mod parameters;

use std::borrow::Cow;

use cloudtrail::record::s3::{EVENT_SOURCE, Target, Transfer};
use cloudtrail::record::{Resource, ResourceArn};
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::value::RawValue;

use crate::call::{Body, Surroundings};
use crate::nature::Nature;
use crate::parameters::Value;
use crate::recognition::{Recognised, form};
use crate::signature::Signer;
use operations::{About, Holds};

/// The name of S3's model.
pub const SERVICE: &str = "s3";

/// The most query parameters that are looked at. Own choice.
const QUERY_PARAMETERS_MAX: usize = 100;

/// The most headers of an answer that are told. Own choice.
const HEADERS_MAX: usize = 50;

/// What the names of directory buckets end with (S3 user guide, "Directory bucket naming rules").
const DIRECTORY_BUCKET: &str = "--x-s3";
/// eventSource of calls on directory buckets.
const EXPRESS_SOURCE: &str = "s3express.amazonaws.com";
/// eventSource of the answers that Lambda functions give in place of objects.
const OBJECT_LAMBDA_SOURCE: &str = "s3-object-lambda.amazonaws.com";

/// How a call was made and what it moved, for additionalEventData.
#[derive(Clone, Copy, Debug)]
pub struct Moved<'a> {
    /// Who signed, if anybody did.
    pub signer: Option<&'a Signer>,
    /// Of the connection, if it was secured.
    pub cipher_suite: Option<&'a str>,
    /// The x-amz-id-2 header of the answer.
    pub id_2: Option<&'a str>,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
}

/// Whether records of this event source are written as S3 writes them, with additionalEventData.
pub fn is_source(event_source: &str) -> bool {
    [EVENT_SOURCE, EXPRESS_SOURCE].contains(&event_source)
}

/// additionalEventData of a call.
pub fn additional_event_data(moved: &Moved<'_>) -> Box<RawValue> {
    let transfer = Transfer {
        signature_version: moved.signer.map(|signer| signer.version.as_str()),
        authentication_method: moved.signer.map(|signer| signer.method.as_str()),
        cipher_suite: moved.cipher_suite,
        id_2: moved.id_2,
        bytes_in: moved.bytes_in,
        bytes_out: moved.bytes_out,
    };
    transfer.additional_event_data()
}

/// userAgent as S3 writes it: in brackets.
pub fn user_agent(agent: &str) -> String {
    format!("[{agent}]")
}

/// Names and values of a query, decoded, in order.
pub(crate) fn query(uri: &Uri) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form::pairs(uri.query().unwrap_or_default()).take(QUERY_PARAMETERS_MAX)
}

/// Whether S3 has an operation of this name.
pub(crate) fn is_named(operation: &str) -> bool {
    operations::find(operation).is_some()
}

/// The nature of an operation on a bucket. Of one that is not in our table its name tells.
pub(crate) fn nature(operation: &str, bucket: Option<&str>) -> Nature {
    let source = match bucket {
        _ if operation == "WriteGetObjectResponse" => OBJECT_LAMBDA_SOURCE,
        Some(bucket) if is_directory(bucket) => EXPRESS_SOURCE,
        _ => EVENT_SOURCE,
    };
    let known = operations::find(operation);
    Nature {
        event_source: source.to_owned(),
        event_name: known.map_or(operation, |known| known.event_name).to_owned(),
        api_version: None,
        read_only: known.map_or_else(|| crate::nature::reads_by_name(operation), |known| known.read_only),
        management: known.is_none_or(|known| known.management),
    }
}

/// requestParameters of a call.
pub(crate) fn parameters(operation: &str, recognised: &Recognised, parts: &Parts, body: &Body) -> Value {
    let holds = operations::find(operation).map_or(Holds::Nothing, |operation| operation.holds);
    parameters::read(recognised, holds, parts, body)
}

/// The objects and the bucket that a call is about. Calls on the account, and those that make a bucket, name none.
pub(crate) fn resources(operation: &str, parameters: &Value, surroundings: &Surroundings, region: &str) -> Vec<Resource> {
    let Some(bucket) = parameters.text_at(&["bucketName"]) else { return Vec::new() };
    let about = operations::find(operation).map_or(About::Bucket, |operation| operation.about);
    let key = match about {
        About::Account => return Vec::new(),
        About::Bucket => None,
        About::Objects => Some(parameters.text_at(&["prefix"]).unwrap_or_default()),
        // An object whose key is not told is one of the bucket's all the same.
        About::Object => Some(parameters.text_at(&["key"]).unwrap_or_default()),
    };
    let key_is_prefix = about == About::Objects || key == Some("");
    let owner = surroundings.account.parse().ok();
    let target = Target { bucket, key, key_is_prefix, owner, ..Target::default() };
    let plain = target.resources();
    if is_directory(bucket) {
        let arn = format!("arn:aws:s3express:{region}:{}:bucket/", surroundings.account);
        return plain.into_iter().map(|resource| renamed(resource, "S3Express", &arn)).collect();
    }
    if bucket.starts_with("arn:") {
        return plain.into_iter().map(|resource| renamed(resource, "S3", "")).collect();
    }
    plain
}

/// responseElements: the x-amz headers of an answer, without those that the record tells elsewhere. None without any,
/// which is so for calls on buckets.
pub(crate) fn response_elements(operation: &str, headers: &HeaderMap) -> Option<Value> {
    const ELSEWHERE: [&str; 2] = ["x-amz-request-id", "x-amz-id-2"];
    let known = operations::find(operation)?;
    if known.management || known.read_only || known.about != About::Object {
        return None;
    }
    let member = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = parameters::told(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))?;
        Some((name.to_string(), value))
    };
    let told =
        |(name, _): &(&HeaderName, &HeaderValue)| name.as_str().starts_with("x-amz-") && !ELSEWHERE.contains(&name.as_str());
    let members: Vec<_> = headers.iter().filter(told).take(HEADERS_MAX).filter_map(member).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

/// Whether an answer that begins with 200 may still tell of a failure in its body (S3 API reference, CopyObject).
pub(crate) fn fails_late(operation: &str) -> bool {
    ["CompleteMultipartUpload", "CopyObject", "UploadPartCopy"].contains(&operation)
}

/// The failure that an answer which began well tells of in its body.
pub(crate) fn late_failure(body: &[u8]) -> Option<(String, Option<String>)> {
    let (root, error) = document::read(body)?;
    let code = error.text_at(&["Code"]).filter(|_| root == "Error")?;
    Some((code.to_owned(), error.text_at(&["Message"]).map(str::to_owned)))
}

/// The failure of a call whose answer has no body: what S3 says of the same call with one.
pub(crate) fn failure(status: StatusCode, key: bool) -> Option<(String, Option<String>)> {
    let (code, message) = match status.as_u16() {
        400 => ("BadRequest", "Bad Request"),
        403 => ("AccessDenied", "Access Denied"),
        404 if key => ("NoSuchKey", "The specified key does not exist."),
        404 => ("NoSuchBucket", "The specified bucket does not exist"),
        405 => ("MethodNotAllowed", "The specified method is not allowed against this resource."),
        412 => ("PreconditionFailed", "At least one of the pre-conditions you specified did not hold"),
        416 => ("InvalidRange", "The requested range is not satisfiable"),
        _ => return None,
    };
    Some((code.to_owned(), Some(message.to_owned())))
}

fn is_directory(bucket: &str) -> bool {
    bucket.ends_with(DIRECTORY_BUCKET)
}

/// A resource of S3's among those of another kind of bucket.
fn renamed(resource: Resource, service: &str, before: &str) -> Resource {
    let bucket = if service == "S3Express" { "DirectoryBucket" } else { "AccessPoint" };
    let type_ = resource.type_.map(|type_| type_.replace("::S3::", &format!("::{service}::")).replace("Bucket", bucket));
    let arn = |arn: String| format!("{before}{}", arn.strip_prefix("arn:aws:s3:::").unwrap_or(&arn));
    let arn = match resource.arn {
        ResourceArn::Whole(text) => ResourceArn::Whole(arn(text)),
        ResourceArn::Prefix(text) => ResourceArn::Prefix(arn(text)),
        ResourceArn::Untold => ResourceArn::Untold,
    };
    Resource { type_, arn, ..resource }
}

#[cfg(test)]
mod tests;
