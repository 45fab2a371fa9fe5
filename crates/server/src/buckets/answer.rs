//! What every answer bears, and the form of errors.

use std::fmt::Write as _;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Response, StatusCode};
use s3s::{Body, S3Error};

use super::error::{Error, usual_message};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const ID_2: HeaderName = HeaderName::from_static("x-amz-id-2");

/// The names of a request, as its answer bears them.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) request_id: String,
    pub(super) id2: String,
}

/// The answer of a call that was refused before s3s saw it.
pub(super) fn refused(error: Error) -> Response<Body> {
    let (code, message) = (error.code(), error.message().into_owned());
    let status = S3Error::from(error).status_code().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Body::from(error_document(code, &message, "", None)));
    *response.status_mut() = status;
    response
}

/// Gives an answer its ids, and an error all that S3 says of it; returns the error's code and message.
pub(super) fn finish(mut response: Response<Body>, ids: &Ids, resource: &str) -> (Response<Body>, Option<(String, String)>) {
    let error = error_of(&response);
    if response.status() == StatusCode::NOT_MODIFIED {
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
    } else if let Some((code, message)) = &error {
        *response.body_mut() = Body::from(error_document(code, message, resource, Some(ids)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    for (name, value) in [(REQUEST_ID, &ids.request_id), (ID_2, &ids.id2)] {
        response.headers_mut().insert(name, HeaderValue::from_str(value).expect("ids are ASCII"));
    }
    (response, error)
}

/// Code and message of an error, from the document s3s made of it.
fn error_of(response: &Response<Body>) -> Option<(String, String)> {
    if response.status().as_u16() < 300 {
        return None;
    }
    let body = response.body().bytes().unwrap_or_default();
    let document = std::str::from_utf8(&body).unwrap_or_default();
    let code = element(document, "Code").unwrap_or_else(|| "InternalError".to_owned());
    let message = element(document, "Message").unwrap_or_else(|| usual_message(&code).to_owned());
    Some((code, message))
}

fn element(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    Some(plain.replace("&amp;", "&"))
}

fn error_document(code: &str, message: &str, resource: &str, ids: Option<&Ids>) -> String {
    let mut document = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    let mut add = |name: &str, text: &str| {
        write!(document, "<{name}>{}</{name}>", escaped(text)).expect("writing to a text never fails");
    };
    add("Code", code);
    add("Message", message);
    if let Some(ids) = ids {
        add("Resource", resource);
        add("RequestId", &ids.request_id);
        add("HostId", &ids.id2);
    }
    document.push_str("</Error>");
    document
}

fn escaped(text: &str) -> String {
    // What XML 1.0 cannot say is left out; a key may hold it.
    let sayable = |c: &char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().filter(sayable) {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
