//! Whether a presented signature is that of the secret.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::request::Parts;

use super::canonical::{self, PathRule};
use super::error::AuthError;
use super::presented::{CONTENT_SHA256, Presented, single};
use super::{instant, key};

/// How far the clocks of client and server may differ: AWS's 5 minutes.
pub const SKEW_S_MAX: i64 = 5 * 60;
/// The same for S3: 15 minutes.
pub const S3_SKEW_S_MAX: i64 = 15 * 60;

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// What the server knows about an access key.
#[derive(Clone, Copy)]
pub struct Credential<'a> {
    /// The secret.
    pub secret: &'a str,
    /// The session of a temporary key; none for a long-lived one.
    pub session: Option<Session<'a>>,
}

/// The session of a temporary key.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// The token that must come along.
    pub token: &'a str,
    /// When the key ends.
    pub expires_at_s: i64,
}

/// The body of a request, as far as its signature is concerned.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// The body, which must be signed.
    Signed(&'a [u8]),
    /// The body, which may also go unsigned (`UNSIGNED-PAYLOAD`).
    SignedOrNot(&'a [u8]),
    /// Whatever `x-amz-content-sha256` says, or nothing in a presigned request: the caller holds the body to it.
    Declared,
}

impl Presented {
    /// Verifies the signature of the request that it was parsed from.
    pub fn verify(&self, credential: &Credential, parts: &Parts, payload: Payload, now_s: i64) -> Result<(), AuthError> {
        let (rule, skew_s) =
            if self.service() == "s3" { (PathRule::AsSent, S3_SKEW_S_MAX) } else { (PathRule::Normalised, SKEW_S_MAX) };
        self.check_time(now_s, skew_s)?;
        self.check_token(credential)?;
        let payload = self.payload_hash(parts, payload)?;
        let canonical = canonical::request(parts, &self.signed_headers, &payload, rule, self.is_presigned());
        let expected = key::signature(credential.secret, &self.scope, &instant::text(self.signed_at_s), &canonical);
        verify_slices_are_equal(expected.as_ref(), &self.signature).map_err(|_| AuthError::Mismatch)?;
        match credential.session {
            Some(session) if session.expires_at_s <= now_s => Err(AuthError::TokenExpired),
            _ => Ok(()),
        }
    }

    fn check_time(&self, now_s: i64, skew_s: i64) -> Result<(), AuthError> {
        let signed = || instant::text(self.signed_at_s);
        let now = || instant::text(now_s);
        let skew_min = skew_s / 60;
        if self.signed_at_s > now_s + skew_s {
            return Err(AuthError::NotYetCurrent {
                signed: signed(),
                bound: instant::text(now_s + skew_s),
                now: now(),
                skew_min,
            });
        }
        match self.expires_s {
            Some(expires_s) if self.signed_at_s + expires_s < now_s => {
                let until = instant::text(self.signed_at_s + expires_s);
                Err(AuthError::LinkExpired { signed: signed(), expires_s, until, now: now() })
            }
            None if self.signed_at_s < now_s - skew_s => {
                Err(AuthError::Expired { signed: signed(), bound: instant::text(now_s - skew_s), now: now(), skew_min })
            }
            _ => Ok(()),
        }
    }

    /// A temporary key comes with its own token, a long-lived one with none.
    fn check_token(&self, credential: &Credential) -> Result<(), AuthError> {
        match (credential.session, self.session_token()) {
            (None, None) => Ok(()),
            (Some(session), Some(token)) => {
                verify_slices_are_equal(session.token.as_bytes(), token.as_bytes()).map_err(|_| AuthError::Unrecognized)
            }
            _ => Err(AuthError::Unrecognized),
        }
    }

    /// What stands for the payload in the canonical request.
    fn payload_hash(&self, parts: &Parts, payload: Payload) -> Result<String, AuthError> {
        let declared = single(parts, &CONTENT_SHA256)?;
        let (body, unsigned_allowed) = match payload {
            Payload::Signed(body) => (body, false),
            Payload::SignedOrNot(body) => (body, true),
            Payload::Declared => return self.declared_hash(declared),
        };
        let hash = key::sha256_hex(body);
        match declared {
            None => Ok(hash),
            Some(declared) if declared == hash => Ok(hash),
            Some(UNSIGNED) if unsigned_allowed => Ok(UNSIGNED.to_owned()),
            Some(declared) if declared == UNSIGNED || declared.starts_with("STREAMING-") => {
                Err(AuthError::PayloadForm(declared.to_owned()))
            }
            Some(_) => Err(AuthError::PayloadHash),
        }
    }

    fn declared_hash(&self, declared: Option<&str>) -> Result<String, AuthError> {
        match declared {
            Some(declared) => Ok(declared.to_owned()),
            None if self.is_presigned() => Ok(UNSIGNED.to_owned()),
            None => Err(AuthError::HeaderNotSigned(CONTENT_SHA256.to_string())),
        }
    }
}
