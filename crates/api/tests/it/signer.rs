//! AWS's own signer (`aws-sigv4`) against our verification.

use std::time::{Duration, UNIX_EPOCH};

use api::sigv4::{AuthError, Credential, Payload, Presented, Session};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::parts;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const NOW_S: i64 = 1_795_217_400;
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request before it is signed.
#[derive(Clone, Debug)]
struct Draft {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    token: Option<String>,
    presigned: bool,
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9._~-]{0,8}",
        "[ -~]{0,8}",
        vec(prop_oneof![Just('é'), Just('日'), Just('😀'), Just('/'), Just('%'), Just('+')], 0..4)
            .prop_map(|letters| letters.into_iter().collect::<String>()),
    ]
}

fn escaped(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    text.prop_map(|text| utf8_percent_encode(&text, ESCAPED).to_string())
}

fn path() -> impl Strategy<Value = String> {
    let segment =
        prop_oneof![6 => escaped(text()), 1 => Just(String::new()), 1 => Just(".".to_owned()), 1 => Just("..".to_owned())];
    vec(segment, 0..5).prop_map(|segments| format!("/{}", segments.join("/")))
}

fn query() -> impl Strategy<Value = String> {
    let pair = (escaped("[a-zA-Z0-9 é/+._-]{1,4}"), escaped(text())).prop_map(|(name, value)| format!("{name}={value}"));
    vec(pair, 0..6).prop_map(|pairs| pairs.join("&"))
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    vec(("x-amz-[a-c]{1}|my-[a-c]{1}", "[!-~]{1,5}( {1,3}[!-~]{1,5}){0,2}"), 0..5)
}

fn drafts() -> impl Strategy<Value = Draft> {
    (
        prop_oneof![Just("GET"), Just("POST"), Just("PUT"), Just("DELETE")],
        path(),
        query(),
        headers(),
        vec(any::<u8>(), 0..64),
        proptest::option::of("[A-Za-z0-9/+=]{1,40}"),
        any::<bool>(),
    )
        .prop_map(|(method, path, query, headers, body, token, presigned)| Draft {
            method: method.to_owned(),
            path,
            query,
            headers,
            body,
            token,
            presigned,
        })
}

fn signed(draft: &Draft) -> Parts {
    let uri = if draft.query.is_empty() { draft.path.clone() } else { format!("{}?{}", draft.path, draft.query) };
    let all = [("host", "trailkeep.example:4750")].into_iter();
    let headers: Vec<(&str, &str)> =
        all.chain(draft.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))).collect();
    let identity = Credentials::new("AKIDEXAMPLE", SECRET, draft.token.clone(), None, "test").into();
    let mut settings = SigningSettings::default();
    if draft.presigned {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_mins(10));
    }
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name("cloudtrail")
        .time(UNIX_EPOCH + Duration::from_secs(NOW_S.unsigned_abs()))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let absolute = format!("http://trailkeep.example:4750{uri}");
    let signable =
        SignableRequest::new(&draft.method, absolute, headers.iter().copied(), SignableBody::Bytes(&draft.body)).unwrap();
    let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
    let mut request = http::Request::from_parts(parts(&draft.method, &uri, headers), ());
    instructions.apply_to_request_http1x(&mut request);
    request.into_parts().0
}

fn verify(parts: &Parts, draft: &Draft, body: &[u8]) -> Result<(), AuthError> {
    let session = draft.token.as_deref().map(|token| Session { token, expires_at_s: NOW_S + 1 });
    let presented = Presented::parse(parts)?.ok_or(AuthError::Missing)?;
    if presented.access_key_id() != "AKIDEXAMPLE" {
        return Err(AuthError::Unrecognized);
    }
    presented.verify(&Credential { secret: SECRET, session }, parts, Payload::Signed(body), NOW_S)
}

/// Where a request is changed after it was signed.
#[derive(Clone, Copy, Debug)]
enum Change {
    Method,
    PathByte(Index, u8),
    QueryByte(Index, u8),
    QueryPair,
    HeaderByte(Index, Index, u8),
    HeaderTwice(Index),
    BodyByte(Index, u8),
    BodyLonger,
}

fn changes() -> impl Strategy<Value = Change> {
    let letter = || prop_oneof![b'a'..=b'z', b'0'..=b'9', Just(b'/'), Just(b'.')];
    prop_oneof![
        Just(Change::Method),
        (any::<Index>(), letter()).prop_map(|(at, byte)| Change::PathByte(at, byte)),
        (any::<Index>(), letter()).prop_map(|(at, byte)| Change::QueryByte(at, byte)),
        Just(Change::QueryPair),
        (any::<Index>(), any::<Index>(), letter()).prop_map(|(header, at, byte)| Change::HeaderByte(header, at, byte)),
        any::<Index>().prop_map(Change::HeaderTwice),
        (any::<Index>(), 1..=255u8).prop_map(|(at, byte)| Change::BodyByte(at, byte)),
        Just(Change::BodyLonger),
    ]
}

/// Applies a change; false if it does not apply or means the same request.
fn apply(change: Change, parts: &mut Parts, body: &mut Vec<u8>) -> bool {
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
    match change {
        Change::Method => parts.method = http::Method::PATCH,
        Change::PathByte(at, byte) => {
            let changed = with_byte(&path, at, byte);
            return normal_path(&changed) != normal_path(&path) && set_uri(parts, &changed, &query);
        }
        Change::QueryByte(at, byte) => {
            if query.is_empty() {
                return false;
            }
            let changed = with_byte(&query, at, byte);
            return pairs(&changed) != pairs(&query) && set_uri(parts, &path, &changed);
        }
        Change::QueryPair => {
            let longer = if query.is_empty() { "added=1".to_owned() } else { format!("{query}&added=1") };
            return set_uri(parts, &path, &longer);
        }
        Change::HeaderByte(header, at, byte) => {
            let names: Vec<http::HeaderName> = parts.headers.keys().cloned().collect();
            let name = &names[header.index(names.len())];
            let value = parts.headers[name].to_str().unwrap().to_owned();
            let changed = with_byte(&value, at, byte);
            if folded(&changed) == folded(&value) {
                return false;
            }
            parts.headers.insert(name, changed.parse().unwrap());
        }
        Change::HeaderTwice(header) => {
            let names: Vec<http::HeaderName> = parts.headers.keys().cloned().collect();
            let name = names[header.index(names.len())].clone();
            parts.headers.append(name, "again".parse().unwrap());
        }
        Change::BodyByte(at, byte) => match body.len() {
            0 => return false,
            length => body[at.index(length)] ^= byte,
        },
        Change::BodyLonger => body.push(0),
    }
    true
}

fn with_byte(text: &str, at: Index, byte: u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = at.index(bytes.len());
    bytes[at] = byte;
    String::from_utf8_lossy(&bytes).into_owned()
}

fn set_uri(parts: &mut Parts, path: &str, query: &str) -> bool {
    let uri = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    uri.starts_with('/') && uri.parse().map(|uri| parts.uri = uri).is_ok()
}

fn normal_path(path: &str) -> (Vec<&str>, bool) {
    let mut kept = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
        if segment == ".." {
            kept.pop();
        } else {
            kept.push(segment);
        }
    }
    let folder = !kept.is_empty() && (path.ends_with('/') || path.ends_with("/.") || path.ends_with("/.."));
    (kept, folder)
}

fn pairs(query: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).collect::<Vec<u8>>();
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect();
    pairs.sort();
    pairs
}

fn folded(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_aws_signs_is_verified(draft in drafts()) {
        let parts = signed(&draft);
        prop_assert_eq!(verify(&parts, &draft, &draft.body), Ok(()), "{:?}", parts);
    }

    #[test]
    fn what_is_changed_after_signing_is_refused(draft in drafts(), change in changes()) {
        let mut parts = signed(&draft);
        let mut body = draft.body.clone();
        prop_assume!(apply(change, &mut parts, &mut body));
        prop_assert!(verify(&parts, &draft, &body).is_err(), "{:?}", parts);
    }

    #[test]
    fn no_authorization_makes_the_parser_panic(authorization in "AWS4-HMAC-SHA256 [ -~]{0,80}", query in "(X-Amz-[A-Za-z]{0,12}=[!-~&&[^#]]{0,12}&){0,6}") {
        let parts = http::Request::builder()
            .uri(format!("/?{}", query.replace(['<', '>', '"', '\\', '^', '`', '{', '|', '}'], "_")))
            .header("authorization", authorization)
            .header("x-amz-date", "20261120T233000Z");
        if let Ok(request) = parts.body(()) {
            let parts = request.into_parts().0;
            let _ = Presented::parse(&parts);
            let _ = api::sigv4::Claim::of(&parts);
        }
    }
}
