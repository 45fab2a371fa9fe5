//! For which service and Region a request says it is signed.

use api::sigv4::Claim;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::form::pairs;

/// The asymmetric variant, whose scope has no Region.
const ASYMMETRIC: &str = "AWS4-ECDSA-P256-SHA256";
/// The longest service name in a scope (ours).
const NAME_BYTES_MAX: usize = 64;

/// A signature's scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// The signing name of the service.
    pub(super) service: String,
    /// None where the signature is good in every Region.
    pub(super) region: Option<String>,
}

impl Scope {
    /// The scope of a request signed with SigV4 or SigV4A, in its header or query.
    pub(super) fn of(parts: &Parts) -> Option<Self> {
        if let Some(Claim { region, service, .. }) = Claim::of(parts) {
            // SigV4A in a query has a credential of another form, and no claim.
            return Some(Self { service, region: Some(region) });
        }
        let credential = in_header(parts).or_else(|| in_query(parts))?;
        let mut from_end = credential.rsplit('/');
        let (Some("aws4_request"), Some(service)) = (from_end.next(), from_end.next()) else { return None };
        let is_name = service.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let fits = is_name && (1..=NAME_BYTES_MAX).contains(&service.len());
        fits.then(|| Self { service: service.to_owned(), region: None })
    }
}

fn in_header(parts: &Parts) -> Option<String> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.trim_start().strip_prefix(ASYMMETRIC)?;
    header.split(',').find_map(|part| part.trim().strip_prefix("Credential=")).map(str::to_owned)
}

fn in_query(parts: &Parts) -> Option<String> {
    let query = parts.uri.query()?;
    pairs(query).find(|(name, _)| name == "X-Amz-Credential").map(|(_, value)| value.into_owned())
}
