//! Who is let in: signatures and bearer tokens, checked before anything else is looked at.

use api::ErrorCode;
use api::sigv4::{AuthError, Claim, Credential, Payload, Presented};
use catalog::tokens::Kind;
use cloudtrail::region::Region;
use http::request::Parts;
use http::{HeaderMap, header};

use crate::control::Failure;
use crate::principals::{Principal, Proof};
use crate::service::Service;
use crate::v1::Refusal;

/// The caller of a request that must be signed for `name`, and the Region it is signed for.
pub fn signed(service: &Service, parts: &Parts, body: &[u8], name: &str, now_us: i64) -> Result<(Principal, Region), Failure> {
    verify(service, parts, body, name, now_us).map_err(|error| failure(&error))
}

fn failure(error: &AuthError) -> Failure {
    metrics::counter!("trailkeep_authentication_failures_total", "code" => error.code().name()).increment(1);
    Failure::new(error.code(), error.to_string())
}

fn verify(service: &Service, parts: &Parts, body: &[u8], name: &str, now_us: i64) -> Result<(Principal, Region), AuthError> {
    let Claimed { presented, secret, principal } = claimed(service, parts, name)?;
    presented.verify(&Credential { secret, session: None }, parts, Payload::Signed(body), now_us.div_euclid(1_000_000))?;
    let region = presented
        .region()
        .parse()
        .map_err(|_| AuthError::Incomplete("Credential should be scoped to a valid region.".to_owned()))?;
    Ok((principal, region))
}

/// A signature that is still to be verified, and whose it would be.
struct Claimed<'a> {
    presented: Presented,
    secret: &'a str,
    principal: Principal,
}

fn claimed<'a>(service: &'a Service, parts: &Parts, name: &str) -> Result<Claimed<'a>, AuthError> {
    let presented = Presented::parse(parts)?.ok_or(AuthError::Missing)?;
    if presented.service() != name {
        return Err(AuthError::Service { expected: name.to_owned() });
    }
    let (secret, principal) = service.principals.by_access_key(presented.access_key_id()).ok_or(AuthError::Unrecognized)?;
    Ok(Claimed { presented, secret, principal })
}

/// A sender of events as far as the head of the request tells.
pub enum Announced {
    /// The holder of an ingest token.
    Token(Principal),
    /// Someone whose signature, for `cloudtrail`, has to be verified with the body.
    Signature,
}

/// Who sends events; refuses who could not be let in whatever the body is.
pub async fn announced(service: &Service, parts: &Parts) -> Result<Announced, Refusal> {
    if let Some(token) = bearer(&parts.headers) {
        return Ok(Announced::Token(with_token(service, token, Kind::Ingest).await?));
    }
    claimed(service, parts, "cloudtrail").map_err(|error| failure(&error))?;
    Ok(Announced::Signature)
}

impl Announced {
    /// The sender, and the Region of records that name none.
    pub fn verified(self, service: &Service, parts: &Parts, body: &[u8]) -> Result<(Principal, Region), Refusal> {
        match self {
            Self::Token(principal) => Ok((principal, crate::service::default_region())),
            Self::Signature => Ok(signed(service, parts, body, "cloudtrail", service.clock.now_us())?),
        }
    }
}

/// Names of services that clients of the Iceberg catalog sign for: ours, and what its Java and Python libraries take when
/// they are told none (`rest.signing-name`).
const CATALOG_SERVICES: [&str; 2] = ["cloudtrail", "execute-api"];

/// Who reads tables, and the Region it is done from: the holder of a read token, or someone who signs.
pub async fn reader(service: &Service, parts: &Parts, body: &[u8]) -> Result<(Principal, Region), Refusal> {
    if let Some(token) = bearer(&parts.headers) {
        let principal = with_token(service, token, Kind::Read).await?;
        return Ok((principal, crate::service::default_region()));
    }
    let claimed = Claim::of(parts);
    let named = CATALOG_SERVICES.iter().find(|name| claimed.as_ref().is_some_and(|claim| claim.service == **name));
    Ok(signed(service, parts, body, named.unwrap_or(&CATALOG_SERVICES[0]), service.clock.now_us())?)
}

/// Whether a request may read the metrics.
pub async fn metrics(service: &Service, headers: &HeaderMap) -> Result<(), Refusal> {
    let token = bearer(headers).ok_or_else(|| Refusal::forbidden("Metrics are for loopback or a metrics token."))?;
    with_token(service, token, Kind::Metrics).await.map(drop)
}

async fn with_token(service: &Service, secret: &str, kind: Kind) -> Result<Principal, Refusal> {
    let unknown = || Refusal::from(Failure::new(ErrorCode::UnrecognizedClientException, "The token is not valid."));
    let principal = service.principals.by_token(&service.catalog, secret).await?.ok_or_else(unknown)?;
    match &principal.proof {
        Proof::Token(token) if token.kind == kind => Ok(principal),
        _ => Err(Refusal::forbidden(format!("This takes a token of kind {}.", kind.as_str()))),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
