//! What a request claims about its signature, before anything is verified.

use http::header::AUTHORIZATION;
use http::request::Parts;

use super::error::AuthError;
use super::presented::{ALGORITHM, parameters};

/// Longest access key id: IAM's limit (`GetAccessKeyInfo`, 128 characters).
const ACCESS_KEY_ID_BYTES_MAX: usize = 128;
/// Longest Region or service name in a scope (ours).
const SCOPE_PART_BYTES_MAX: usize = 64;

/// For which service and Region a request says it is signed, and by which key. Good for choosing who answers, and for
/// nothing else: it is not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The access key.
    pub access_key_id: String,
    /// The Region.
    pub region: String,
    /// The service, by its signing name.
    pub service: String,
}

impl Claim {
    /// The claim of a request in either form; none if it is not signed with SigV4.
    pub fn of(parts: &Parts) -> Option<Self> {
        let credential = in_header(parts).or_else(|| in_query(parts))?;
        let scope = Scope::parse(&credential).ok()?;
        Some(Self { access_key_id: scope.access_key_id, region: scope.region, service: scope.service })
    }
}

fn in_header(parts: &Parts) -> Option<String> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.trim_start().strip_prefix(ALGORITHM)?;
    let credential = header.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
    Some(credential.to_owned())
}

fn in_query(parts: &Parts) -> Option<String> {
    parameters(parts).find(|(name, _)| name == "X-Amz-Credential").map(|(_, value)| value)
}

/// A credential: `AKIDEXAMPLE/20150830/us-east-1/cloudtrail/aws4_request`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) access_key_id: String,
    pub(super) date: String,
    pub(super) region: String,
    pub(super) service: String,
}

impl Scope {
    pub(super) fn parse(credential: &str) -> Result<Self, AuthError> {
        let parts: Vec<&str> = credential.split('/').collect();
        let [key, date, region, service, terminator] = parts.as_slice() else {
            return Err(AuthError::Incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.".to_owned(),
            ));
        };
        let name = |text: &str| {
            (1..=SCOPE_PART_BYTES_MAX).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let refuse = |what: &str| Err(AuthError::Incomplete(format!("Credential should be scoped {what}.")));
        if !(1..=ACCESS_KEY_ID_BYTES_MAX).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return refuse("to a valid access key id");
        }
        if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
            return refuse("with a valid date: YYYYMMDD");
        }
        if !name(region) {
            return refuse("to a valid region");
        }
        if !name(service) {
            return refuse("to a valid service");
        }
        if *terminator != "aws4_request" {
            return refuse("with a valid terminator: 'aws4_request'");
        }
        let [access_key_id, date, region, service] = [key, date, region, service].map(|part| (*part).to_owned());
        Ok(Self { access_key_id, date, region, service })
    }
}
