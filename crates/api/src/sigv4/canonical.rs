//! The canonical request: the one text that both sides compute and sign.

use std::borrow::Cow;

use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same within a path.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// How a service reads paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathRule {
    /// Dot segments and empty segments go, and what was encoded on the wire is encoded once more.
    Normalised,
    /// S3: keys may hold `//` and `..`; encoded once.
    AsSent,
}

/// The canonical request. `signed_headers` are lower-case and sorted, `payload` is the hash or what stands for it.
pub(super) fn request(parts: &Parts, signed_headers: &[String], payload: &str, rule: PathRule, presigned: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let mut line = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        out.push(b'\n');
    };
    line(parts.method.as_str().as_bytes());
    line(path(parts.uri.path(), rule).as_bytes());
    line(query(parts.uri.query().unwrap_or_default(), presigned).as_bytes());
    for name in signed_headers {
        line(&header(parts, name));
    }
    line(b"");
    line(signed_headers.join(";").as_bytes());
    out.extend_from_slice(payload.as_bytes());
    out
}

pub(super) fn path(wire: &str, rule: PathRule) -> String {
    match rule {
        PathRule::Normalised => percent_encode(normalised(wire).as_bytes(), RESERVED_IN_PATH).to_string(),
        PathRule::AsSent => {
            let decoded: Cow<[u8]> = percent_decode(wire.as_bytes()).into();
            percent_encode(&decoded, RESERVED_IN_PATH).to_string()
        }
    }
}

/// RFC 3986 5.2.4, and empty segments go too.
fn normalised(wire: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in wire.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let is_folder = ["/", "/.", "/.."].iter().any(|end| wire.ends_with(end));
    let slash = if is_folder && !kept.is_empty() { "/" } else { "" };
    format!("/{}{slash}", kept.join("/"))
}

/// Each name and value encoded anew, sorted by name, then by value. A presigned request's signature is left out.
pub(super) fn query(wire: &str, presigned: bool) -> String {
    let mut pairs: Vec<(String, String)> = wire
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encoded_anew(name), encoded_anew(value)))
        .filter(|(name, _)| !(presigned && name == "X-Amz-Signature"))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn encoded_anew(wire: &str) -> String {
    let spaced = wire.replace('+', " ");
    let decoded: Cow<[u8]> = percent_decode(spaced.as_bytes()).into();
    percent_encode(&decoded, RESERVED).to_string()
}

/// `name:value,value`, each value trimmed and with runs of spaces folded into one.
fn header(parts: &Parts, name: &str) -> Vec<u8> {
    let mut line = Vec::with_capacity(64);
    line.extend_from_slice(name.as_bytes());
    line.push(b':');
    let mut first = true;
    for value in parts.headers.get_all(name) {
        if !first {
            line.push(b',');
        }
        first = false;
        line.extend(folded(value.as_bytes()));
    }
    if let (true, "host", Some(authority)) = (first, name, parts.uri.authority()) {
        line.extend_from_slice(authority.as_str().as_bytes());
    }
    line
}

fn folded(value: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(value.len());
    for &byte in value.trim_ascii() {
        if byte != b' ' || out.last() != Some(&b' ') {
            out.push(byte);
        }
    }
    out
}
