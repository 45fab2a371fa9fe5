use http::Request;
use http::request::Parts;

use super::canonical::{self, PathRule};
use super::{AuthError, Claim, Credential, Payload, Presented, Session, instant};
use crate::ErrorCode;

mod vectors;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const VANILLA: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
    SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
/// 20150830T123600Z.
const SIGNED_AT_S: i64 = 1_440_938_160;

fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn vanilla(authorization: &str) -> Parts {
    parts("GET", "/", &[("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z"), ("Authorization", authorization)])
}

fn verify(parts: &Parts, body: &[u8], session: Option<&str>, now_s: i64) -> Result<(), AuthError> {
    let session = session.map(|token| Session { token, expires_at_s: now_s + 60 });
    let presented = Presented::parse(parts)?.ok_or(AuthError::Missing)?;
    presented.verify(&Credential { secret: SECRET, session }, parts, Payload::Signed(body), now_s)
}

#[track_caller]
fn refused(parts: &Parts, now_s: i64, code: ErrorCode, message: &str) {
    let error = verify(parts, b"", None, now_s).unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (code, message));
}

#[test]
fn the_published_vectors_are_verified_in_both_forms() {
    for vector in vectors::VECTORS {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={}, Signature={}",
            vector.signed_headers, vector.signature
        );
        let mut headers = vector.headers.to_vec();
        headers.push(("Authorization", &authorization));
        let signed = parts(vector.method, vector.uri, &headers);
        let token = signed.headers.get("x-amz-security-token").map(|token| token.to_str().unwrap().to_owned());
        assert_eq!(verify(&signed, vector.body.as_bytes(), token.as_deref(), SIGNED_AT_S), Ok(()), "{}", vector.name);

        let presigned = parts(vector.method, vector.presigned_uri, vector.presigned_headers);
        let verdict = verify(&presigned, vector.body.as_bytes(), token.as_deref(), SIGNED_AT_S + 3600);
        assert_eq!(verdict, Ok(()), "{} presigned", vector.name);
    }
}

#[test]
fn a_path_is_normalised_and_encoded_twice_but_for_s3() {
    for (wire, normalised, as_sent) in [
        ("/", "/", "/"),
        ("//", "/", "//"),
        ("/a/./b/../c", "/a/c", "/a/./b/../c"),
        ("/..", "/", "/.."),
        ("/a/", "/a/", "/a/"),
        ("/a/.", "/a/", "/a/."),
        ("/a%20b%2Fc", "/a%2520b%252Fc", "/a%20b/c"),
        ("/a%7eb~", "/a%257eb~", "/a~b~"),
        ("/arn:aws:x*", "/arn%3Aaws%3Ax%2A", "/arn%3Aaws%3Ax%2A"),
    ] {
        assert_eq!(canonical::path(wire, PathRule::Normalised), normalised);
        assert_eq!(canonical::path(wire, PathRule::AsSent), as_sent);
    }
}

#[test]
fn a_query_is_decoded_sorted_and_encoded_anew() {
    for (wire, expected) in [
        ("", ""),
        ("b=2&a=3&a=1", "a=1&a=3&b=2"),
        ("a&b=&&c", "a=&b=&c="),
        ("a=%2f&b=/&c=%41&d=+", "a=%2F&b=%2F&c=A&d=%20"),
        ("a=b=c", "a=b%3Dc"),
        ("a-=1&a=2", "a=2&a-=1"),
        ("X-Amz-Signature=1&B=1", "B=1"),
    ] {
        assert_eq!(canonical::query(wire, true), expected);
    }
    assert_eq!(canonical::query("X-Amz-Signature=1", false), "X-Amz-Signature=1");
}

#[test]
fn times_are_read_as_clients_write_them() {
    assert_eq!(instant::basic("20150830T123600Z"), Some(SIGNED_AT_S));
    assert_eq!(instant::http("Sun, 30 Aug 2015 12:36:00 GMT"), Some(SIGNED_AT_S));
    assert_eq!(instant::text(SIGNED_AT_S), "20150830T123600Z");
    for wrong in ["", "20150830T123600", "20150830T123660Z", "20151330T123600Z", "2015-08-30T12:36:00Z", "+0150830T123600Z"] {
        assert_eq!(instant::basic(wrong), None, "{wrong}");
    }
}

#[test]
fn clocks_may_differ_by_five_minutes() {
    let request = vanilla(VANILLA);
    assert_eq!(verify(&request, b"", None, SIGNED_AT_S + 300), Ok(()));
    assert_eq!(verify(&request, b"", None, SIGNED_AT_S - 300), Ok(()));
    refused(
        &request,
        SIGNED_AT_S + 301,
        ErrorCode::InvalidSignatureException,
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)",
    );
    refused(
        &request,
        SIGNED_AT_S - 301,
        ErrorCode::InvalidSignatureException,
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)",
    );
}

#[test]
fn a_presigned_request_lives_as_long_as_it_says() {
    let vector = &vectors::VECTORS[0];
    let request = parts(vector.method, vector.presigned_uri, vector.presigned_headers);
    assert_eq!(verify(&request, b"", None, SIGNED_AT_S + 3600), Ok(()));
    let error = verify(&request, b"", None, SIGNED_AT_S + 3601).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidSignatureException);
    assert!(error.to_string().contains("20150830T133600Z is now earlier than 20150830T133601Z"), "{error}");
    assert!(verify(&request, b"", None, SIGNED_AT_S - 301).is_err());
    for expires in ["0", "604801", "-1", "x", ""] {
        let uri = vector.presigned_uri.replace("X-Amz-Expires=3600", &format!("X-Amz-Expires={expires}"));
        let error = Presented::parse(&parts(vector.method, &uri, vector.presigned_headers)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::IncompleteSignatureException, "{expires}");
    }
}

#[test]
fn what_is_not_signed_is_told_from_what_is_signed_badly() {
    let unsigned = parts("GET", "/", &[("Host", "example.amazonaws.com")]);
    assert!(Presented::parse(&unsigned).unwrap().is_none());
    refused(&unsigned, SIGNED_AT_S, ErrorCode::MissingAuthenticationTokenException, "Missing Authentication Token");
    assert!(Presented::parse(&vanilla("Bearer abc")).unwrap().is_none());

    for (from, to) in [
        ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256"),
        ("AWS4-HMAC-SHA256 ", "AWS4-ECDSA-P256-SHA256 "),
        ("AWS4-HMAC-SHA256 ", "AWS AKIDEXAMPLE:c2ln, "),
        ("Credential=", "credential="),
        ("Credential=", "Credential"),
        ("Credential=AKIDEXAMPLE/", "Credential="),
        ("AKIDEXAMPLE/", "/"),
        ("/20150830/", "/2015083/"),
        ("/us-east-1/", "/us_east_1/"),
        ("/service/", "//"),
        ("aws4_request", "aws5_request"),
        ("aws4_request", "aws4_request/x"),
        ("host;x-amz-date", "x-amz-date;host"),
        ("host;x-amz-date", "Host;x-amz-date"),
        ("host;x-amz-date", "host;host;x-amz-date"),
        ("host;x-amz-date", "accept;host;x-amz-date"),
        ("host;x-amz-date", ""),
        ("Signature=5f", "Signature=5F"),
        ("Signature=5f", "Signature=5"),
        ("Signature=5f", "Signature=zz"),
        (", Signature=5f", ", Signature=5f, Signature=5f"),
        ("SignedHeaders", "Other=1, SignedHeaders"),
    ] {
        let authorization = VANILLA.replace(from, to);
        let error = Presented::parse(&vanilla(&authorization)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::IncompleteSignatureException, "{authorization}: {error}");
    }
    let error = Presented::parse(&vanilla("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter."
    );
}

#[test]
fn headers_that_decide_must_be_signed() {
    for list in ["host", "x-amz-date"] {
        let error = Presented::parse(&vanilla(&VANILLA.replace("host;x-amz-date", list))).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidSignatureException, "{list}");
    }
    let mut added = vanilla(VANILLA);
    added.headers.insert("x-amz-target", "CloudTrail_20131101.DeleteTrail".parse().unwrap());
    refused(
        &added,
        SIGNED_AT_S,
        ErrorCode::InvalidSignatureException,
        "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.",
    );
    for name in ["host", "x-amz-date", "authorization"] {
        let mut twice = vanilla(VANILLA);
        let value = twice.headers[name].clone();
        twice.headers.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
        assert_eq!(Presented::parse(&twice).unwrap_err().code(), ErrorCode::IncompleteSignatureException, "{name}");
    }
}

#[test]
fn the_scope_has_the_date_of_the_request() {
    let error = Presented::parse(&vanilla(&VANILLA.replace("/20150830/", "/20150831/"))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidSignatureException);
    assert!(error.to_string().contains("'20150831' != '20150830', from '20150830T123600Z'"), "{error}");
}

#[test]
fn one_request_has_one_signature() {
    let vector = &vectors::VECTORS[0];
    let mut both = parts(vector.method, vector.presigned_uri, vector.presigned_headers);
    both.headers.insert("authorization", VANILLA.parse().unwrap());
    assert_eq!(Presented::parse(&both).unwrap_err().code(), ErrorCode::IncompleteSignatureException);
    let twice = format!("{}&X-Amz-Expires=604800", vector.presigned_uri);
    let error = Presented::parse(&parts(vector.method, &twice, vector.presigned_headers)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::IncompleteSignatureException);
}

#[test]
fn a_wrong_secret_or_body_does_not_match() {
    let request = vanilla(VANILLA);
    let presented = Presented::parse(&request).unwrap().unwrap();
    let other = Credential { secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEX", session: None };
    assert_eq!(presented.verify(&other, &request, Payload::Signed(b""), SIGNED_AT_S), Err(AuthError::Mismatch));
    assert_eq!(verify(&request, b"x", None, SIGNED_AT_S), Err(AuthError::Mismatch));
}

#[test]
fn tokens_belong_to_temporary_keys() {
    let vector = vectors::VECTORS.iter().find(|vector| vector.name == "get-vanilla-with-session-token").unwrap();
    let request = parts(vector.method, vector.presigned_uri, vector.presigned_headers);
    let presented = Presented::parse(&request).unwrap().unwrap();
    let token = presented.session_token().unwrap();
    let verify = |session| presented.verify(&Credential { secret: SECRET, session }, &request, Payload::Signed(b""), SIGNED_AT_S);
    assert_eq!(verify(Some(Session { token, expires_at_s: SIGNED_AT_S + 1 })), Ok(()));
    assert_eq!(verify(Some(Session { token, expires_at_s: SIGNED_AT_S })), Err(AuthError::TokenExpired));
    assert_eq!(verify(Some(Session { token: "other", expires_at_s: SIGNED_AT_S + 1 })), Err(AuthError::Unrecognized));
    assert_eq!(verify(None), Err(AuthError::Unrecognized), "a token with a long-lived key");

    let bare = vanilla(VANILLA);
    let presented = Presented::parse(&bare).unwrap().unwrap();
    let session = Some(Session { token, expires_at_s: SIGNED_AT_S + 1 });
    let verdict = presented.verify(&Credential { secret: SECRET, session }, &bare, Payload::Signed(b""), SIGNED_AT_S);
    assert_eq!(verdict, Err(AuthError::Unrecognized), "a temporary key without its token");
}

#[test]
fn a_declared_payload_hash_must_be_that_of_the_body() {
    let declared = |value: &str| {
        let mut request = vanilla(&VANILLA.replace("host;x-amz-date", "host;x-amz-content-sha256;x-amz-date"));
        request.headers.insert("x-amz-content-sha256", value.parse().unwrap());
        verify(&request, b"body", None, SIGNED_AT_S).unwrap_err()
    };
    assert_eq!(declared("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), AuthError::PayloadHash);
    assert_eq!(declared("UNSIGNED-PAYLOAD"), AuthError::PayloadForm("UNSIGNED-PAYLOAD".to_owned()));
    let streaming = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    assert_eq!(declared(streaming), AuthError::PayloadForm(streaming.to_owned()));
}

#[test]
fn a_claim_tells_service_and_region_in_both_forms() {
    let claim = Claim { access_key_id: "AKIDEXAMPLE".into(), region: "us-east-1".into(), service: "service".into() };
    assert_eq!(Claim::of(&vanilla(VANILLA)), Some(claim.clone()));
    let vector = &vectors::VECTORS[0];
    assert_eq!(Claim::of(&parts("GET", vector.presigned_uri, &[])), Some(claim));
    assert_eq!(Claim::of(&parts("GET", "/", &[])), None);
    assert_eq!(Claim::of(&vanilla("Bearer abc")), None);
}
