//! Heads: what of them belongs to one connection and is not passed on, and what of them is not passed on at all.
//!
//! What must stay true: how long a body is, is said once, and in one way. The host that a request is for is said once.

#[cfg(test)]
mod tests;

use http::header::{self, HeaderName};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, request, response};

use super::refused::Refused;
use crate::upstream::Failure;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Makes a request as it goes to the upstream: in the form of HTTP/1.1, and without what is the connection's.
pub(super) fn request(head: &mut request::Parts, has_body: bool) -> Result<(), Refused> {
    if head.method == Method::CONNECT {
        return Err(Refused::not_implemented("CONNECT is not implemented."));
    }
    check_upgrade(&head.headers)?;
    check_coding(&head.headers)?;
    if head.headers.get_all(header::HOST).iter().count() > 1 {
        return Err(Refused::bad("The request has more than one Host header."));
    }
    let version = std::mem::replace(&mut head.version, Version::HTTP_11);
    take_authority(head)?;
    strip(&mut head.headers);
    if version == Version::HTTP_2 {
        frame(head, has_body);
        join_cookies(&mut head.headers);
    }
    Ok(())
}

/// Makes an answer as it goes to the client. The protocol's version is the connection's matter.
pub(super) fn response(mut head: response::Parts) -> Result<response::Parts, Failure> {
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Failure::Malformed("it switches protocols".to_owned()));
    }
    if head.headers.contains_key(header::TRANSFER_ENCODING) && head.headers.contains_key(header::CONTENT_LENGTH) {
        return Err(Failure::Malformed("it has both Content-Length and Transfer-Encoding".to_owned()));
    }
    strip(&mut head.headers);
    head.version = Version::HTTP_11;
    Ok(head)
}

/// Whether the client waits to be asked for its body.
pub(super) fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// HTTP/2 in the clear may be offered, and is not taken up; nothing else that is asked for can be ignored.
fn check_upgrade(headers: &HeaderMap) -> Result<(), Refused> {
    let wished = headers.get_all(header::UPGRADE).iter().flat_map(tokens);
    if wished.into_iter().all(|token| token.eq_ignore_ascii_case(b"h2c")) {
        return Ok(());
    }
    Err(Refused::not_implemented("Upgrade is not implemented."))
}

/// How a body is framed is between two ends of a connection; only `chunked` is understood.
fn check_coding(headers: &HeaderMap) -> Result<(), Refused> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if one.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(Refused::not_implemented("Only chunked is implemented of transfer codings.")),
    }
}

/// The host is said in Host, and what is asked for has none.
fn take_authority(head: &mut request::Parts) -> Result<(), Refused> {
    let Some(authority) = head.uri.authority() else { return Ok(()) };
    if authority.as_str().contains('@') {
        return Err(Refused::bad("The request names a user where it names its host."));
    }
    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Refused::bad("The host is not one."))?;
    head.headers.insert(header::HOST, host);
    let target = head.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    head.uri = Uri::from(target);
    Ok(())
}

/// Takes off what is meant for the next connection only (RFC 9110, 7.6.1), in its place and order.
fn strip(headers: &mut HeaderMap) {
    let own = [header::CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, header::UPGRADE];
    let te = headers.contains_key(header::TE);
    if !te && !own.iter().any(|name| headers.contains_key(name)) {
        return;
    }
    let named: Vec<HeaderName> = headers.get_all(header::CONNECTION).iter().flat_map(tokens).filter_map(removable).collect();
    let mut name_of_line = None;
    let mut left = HeaderMap::with_capacity(headers.keys_len());
    for (name, value) in std::mem::take(headers) {
        name_of_line = name.or(name_of_line);
        let Some(name) = &name_of_line else { continue };
        let passes = match *name {
            header::TE => value.as_bytes().eq_ignore_ascii_case(b"trailers"),
            _ => !own.contains(name) && !named.contains(name),
        };
        if passes {
            left.append(name.clone(), value);
        }
    }
    *headers = left;
}

/// A header that Connection may take off. Those that say what is asked for, of whom, by whom, and how long it is, stay.
fn removable(token: &[u8]) -> Option<HeaderName> {
    let stays = [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::TE, header::TRAILER, X_FORWARDED_FOR];
    HeaderName::from_bytes(token).ok().filter(|name| !stays.contains(name))
}

/// How long the body is, said as HTTP/1.1 says it.
fn frame(head: &mut request::Parts, has_body: bool) {
    if head.headers.contains_key(header::CONTENT_LENGTH) {
        return;
    }
    let sends = matches!(head.method, Method::POST | Method::PUT | Method::PATCH);
    match has_body {
        true => drop(head.headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"))),
        false if sends => drop(head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"))),
        false => {}
    }
}

/// HTTP/2 may send cookies apart, HTTP/1.1 may not (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, joined);
    }
}

fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}
