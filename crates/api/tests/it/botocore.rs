//! Requests as botocore signs them, from `tests/botocore_requests.py`.

use std::collections::BTreeMap;

use api::sigv4::{AuthError, Claim, Credential, Payload, Presented, Session};
use api::{Constraints, Input, Operation, json, rest_json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::parts;

#[derive(Deserialize)]
struct Fixture {
    secret: String,
    now_s: i64,
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Request {
    name: String,
    service: String,
    method: String,
    uri: String,
    headers: BTreeMap<String, String>,
    body: String,
    token: Option<String>,
}

impl Request {
    fn parts(&self) -> http::request::Parts {
        parts(&self.method, &self.uri, self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    fn body(&self) -> Vec<u8> {
        STANDARD.decode(&self.body).unwrap()
    }

    fn verify(&self, parts: &http::request::Parts, body: &[u8], fixture: &Fixture, now_s: i64) -> Result<(), AuthError> {
        let session = self.token.as_deref().map(|token| Session { token, expires_at_s: i64::MAX });
        let payload =
            if self.service == "s3" && self.name.contains("presigned") { Payload::Declared } else { Payload::Signed(body) };
        let presented = Presented::parse(parts)?.ok_or(AuthError::Missing)?;
        presented.verify(&Credential { secret: &fixture.secret, session }, parts, payload, now_s)
    }
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../botocore_requests.json")).unwrap()
}

#[test]
fn what_botocore_signs_is_verified() {
    let fixture = fixture();
    assert!(fixture.requests.len() >= 20);
    for request in &fixture.requests {
        let parts = request.parts();
        assert_eq!(request.verify(&parts, &request.body(), &fixture, fixture.now_s), Ok(()), "{}", request.name);
    }
}

#[test]
fn what_botocore_signs_and_someone_changes_is_refused() {
    let fixture = fixture();
    for request in &fixture.requests {
        let parts = request.parts();
        let mut other_body = request.body();
        other_body.push(b' ');
        let presigned = request.service == "s3" && request.name.contains("presigned");
        assert!(presigned || request.verify(&parts, &other_body, &fixture, fixture.now_s).is_err(), "{}", request.name);
        assert!(request.verify(&parts, &request.body(), &fixture, fixture.now_s + 8 * 24 * 3600).is_err(), "{}", request.name);

        let mut moved = request.parts();
        moved.headers.insert("host", "127.0.0.1:4751".parse().unwrap());
        assert_eq!(
            request.verify(&moved, &request.body(), &fixture, fixture.now_s),
            Err(AuthError::Mismatch),
            "{}",
            request.name
        );
    }
}

#[test]
fn what_botocore_sends_is_dispatched_and_typed() {
    let fixture = fixture();
    let constraints = Constraints::new();
    let mut operations = Vec::new();
    for request in fixture.requests.iter().filter(|request| request.service.starts_with("cloudtrail")) {
        let parts = request.parts();
        let claim = Claim::of(&parts).unwrap();
        assert_eq!(claim.service, request.service);
        let input = if let Some(target) = parts.headers.get(json::TARGET) {
            constraints.parse(Operation::from_target(target.to_str().unwrap()).unwrap(), &request.body())
        } else {
            let operation = rest_json::operation(&parts.method, parts.uri.path()).unwrap();
            rest_json::document(operation, parts.uri.query(), &request.body())
                .and_then(|document| constraints.input(operation, document))
        };
        let input = input.unwrap_or_else(|error| panic!("{}: {error}", request.name));
        if let Input::PutAuditEvents(input) = &input {
            assert!(input.channel_arn.starts_with("arn:aws:cloudtrail:eu-west-1:123456789012:channel/"));
        }
        operations.push(input.operation());
    }
    assert_eq!(operations.len(), 6);
}
