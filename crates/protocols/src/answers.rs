//! What an answer says besides its output: a refusal and the service's own ids; and refusals of our own in the form that
//! the service's clients read.

mod refusal;

use http::{HeaderMap, StatusCode};

pub use refusal::{Refusal, refusal};

use crate::parameters::cbor::{self, Item};
use crate::parameters::xml::{self, Element};
use crate::table::Protocol;

/// Where the ids of calls stand in answers, the first that is there counting.
const REQUEST_ID_HEADERS: &[&str] = &["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id", "x-amz-requestid"];

/// S3's second id, which tells its answers from others.
const ID_2_HEADER: &str = "x-amz-id-2";

/// Where JSON and CBOR answers name their error, besides their bodies.
const ERROR_TYPE_HEADER: &str = "x-amzn-errortype";

/// Where answers of services that once spoke the query protocol name the error as it was called there.
const QUERY_ERROR_HEADER: &str = "x-amzn-query-error";

/// Code and message of an answer that refuses, as errorCode and errorMessage have them; `None`: it does not. EC2's codes
/// begin with `Client.` or `Server.`.
///
/// What names no code is told by its status: S3 answers HEAD without a body, and what stands before a service answers
/// in no service's form.
pub fn failure(
    protocol: Option<Protocol>,
    status: StatusCode,
    headers: &HeaderMap,
    body: Option<&[u8]>,
) -> Option<(String, Option<String>)> {
    if status.is_success() || status.is_informational() || status == StatusCode::NOT_MODIFIED {
        return None;
    }
    let (code, message) = told(headers, body.unwrap_or_default());
    let code = code.or_else(|| header(headers, ERROR_TYPE_HEADER).map(|code| bare(&code)));
    let code = match (code, query_code(headers)) {
        (code, None) => code,
        (_, query) => query,
    };
    let code = code.unwrap_or_else(|| by_status(status, headers).to_owned());
    let code = match protocol {
        Some(Protocol::Ec2) if !is_sided(&code) => sided(&code, status),
        _ => code,
    };
    Some((code, message))
}

/// The id that the service gave the call.
pub fn request_id(protocol: Option<Protocol>, headers: &HeaderMap, body: Option<&[u8]>) -> Option<String> {
    let named = REQUEST_ID_HEADERS.iter().find_map(|name| header(headers, name));
    named.or_else(|| {
        let in_xml = matches!(protocol, None | Some(Protocol::Query | Protocol::Ec2 | Protocol::RestXml));
        let root = body.filter(|body| in_xml && is_xml(body)).and_then(|body| xml::document(body).ok())?;
        let metadata = root.element("ResponseMetadata");
        let inner = metadata.and_then(|metadata| metadata.text_of("RequestId"));
        let id = inner.or_else(|| ["RequestId", "RequestID", "requestId"].iter().find_map(|name| root.text_of(name)));
        id.map(str::to_owned)
    })
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// `AWS.SimpleQueueService.NonExistentQueue;Sender`.
fn query_code(headers: &HeaderMap) -> Option<String> {
    let text = header(headers, QUERY_ERROR_HEADER)?;
    let code = text.split(';').next().unwrap_or_default().trim();
    (!code.is_empty()).then(|| code.to_owned())
}

/// Code and message, in whichever of the protocols the body is written: what refuses a request may stand before the
/// service, and speak another one.
fn told(headers: &HeaderMap, body: &[u8]) -> (Option<String>, Option<String>) {
    if is_xml(body) {
        return xml::document(body).map_or((None, None), |root| told_in_xml(&root));
    }
    let is_cbor = header(headers, "content-type").is_some_and(|kind| kind.contains("cbor"));
    if is_cbor {
        return cbor::item(body).map_or((None, None), |item| told_in_cbor(&item));
    }
    told_in_json(body)
}

fn is_xml(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.trim_ascii_start().first() == Some(&b'<')
}

/// `<ErrorResponse><Error>`, `<Response><Errors><Error>`, `<Error>`.
fn told_in_xml(root: &Element) -> (Option<String>, Option<String>) {
    let errors = root.element("Errors").and_then(|errors| errors.element("Error"));
    let error = errors.or_else(|| root.element("Error")).unwrap_or(root);
    let text = |names: [&str; 2]| names.iter().find_map(|name| error.text_of(name)).map(str::to_owned);
    (text(["Code", "code"]), text(["Message", "message"]))
}

fn told_in_cbor(item: &Item) -> (Option<String>, Option<String>) {
    let text = |names: &[&str]| names.iter().find_map(|name| item.member(name)?.as_text()).map(str::to_owned);
    (text(&["__type", "code", "Code"]).map(|code| bare(&code)), text(&["message", "Message"]))
}

fn told_in_json(body: &[u8]) -> (Option<String>, Option<String>) {
    /// Any text, whatever else may stand there.
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Said {
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    #[derive(serde::Deserialize)]
    struct Body {
        #[serde(rename = "__type")]
        kind: Option<Said>,
        code: Option<Said>,
        #[serde(rename = "Code")]
        upper_code: Option<Said>,
        message: Option<Said>,
        #[serde(rename = "Message")]
        upper_message: Option<Said>,
        #[serde(rename = "errorMessage")]
        error_message: Option<Said>,
    }
    let text = |said: Option<Said>| match said {
        Some(Said::Text(text)) => Some(text),
        Some(Said::Other(_)) | None => None,
    };
    let Ok(body) = serde_json::from_slice::<Body>(body) else { return (None, None) };
    let code = text(body.kind).or_else(|| text(body.code)).or_else(|| text(body.upper_code));
    let message = text(body.message).or_else(|| text(body.upper_message)).or_else(|| text(body.error_message));
    (code.map(|code| bare(&code)).filter(|code| !code.is_empty()), message)
}

/// `com.amazonaws.kms#NotFoundException:http://…` is `NotFoundException`.
fn bare(code: &str) -> String {
    let code = code.rsplit_once('#').map_or(code, |(_, name)| name);
    code.split(':').next().unwrap_or_default().trim().to_owned()
}

/// What S3's own records say where HEAD was refused, and the plainest word elsewhere.
fn by_status(status: StatusCode, headers: &HeaderMap) -> &'static str {
    let is_s3 = headers.contains_key(ID_2_HEADER) || headers.contains_key("x-amz-request-id");
    match status.as_u16() {
        301 | 307 | 308 if is_s3 => "PermanentRedirect",
        400 => "BadRequest",
        401 | 403 => "AccessDenied",
        404 if is_s3 => "NoSuchKey",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        412 => "PreconditionFailed",
        413 => "EntityTooLarge",
        416 => "InvalidRange",
        429 => "TooManyRequests",
        500 => "InternalError",
        501 => "NotImplemented",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        502 => "BadGateway",
        _ if status.is_redirection() => "Redirect",
        _ if status.is_client_error() => "ClientError",
        _ => "ServerError",
    }
}

fn is_sided(code: &str) -> bool {
    code.starts_with("Client.") || code.starts_with("Server.")
}

/// EC2's records say whose fault it was.
fn sided(code: &str, status: StatusCode) -> String {
    format!("{}.{code}", if status.is_server_error() { "Server" } else { "Client" })
}

#[cfg(test)]
mod tests;
