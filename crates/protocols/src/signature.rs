//! By which key a request says it is signed. Nothing is verified: the upstream judges signatures.
//!
//! Sources: AWS General Reference, "Signature Version 4"; S3 user guide, "Signing and authenticating REST requests"
//! (Version 2), "Browser-based uploads using POST".

use std::borrow::Cow;

use api::sigv4::Claim;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;

use crate::call::Body;
use crate::recognition::form;
use crate::upload;

/// The longest access key id that is believed: IAM's limit (`GetAccessKeyInfo`, 128 characters).
const ACCESS_KEY_ID_BYTES_MAX: usize = 128;
/// What stands before a key in the Authorization header, once.
const CREDENTIAL: &[u8] = b"Credential=";
/// What may stand once in a request, for what it says of who signed and what is called.
const ONCE: [HeaderName; 3] = [AUTHORIZATION, CONTENT_TYPE, HeaderName::from_static("x-amz-target")];

/// Who signed a request, as far as the request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The access key.
    pub access_key_id: String,
    /// How it was signed.
    pub version: Version,
    /// Where the signature stands.
    pub method: Method,
    /// The Region of the scope; Version 2 has none, and asymmetric signatures name a set.
    pub region: Option<String>,
    /// The service of the scope.
    pub service: Option<String>,
    /// Whether a session token came along, which temporary credentials need.
    pub session_token_present: bool,
}

/// How a request was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HMAC with SHA-1.
    SigV2,
    /// HMAC with SHA-256 and a scope.
    SigV4,
    /// Asymmetric, for many Regions.
    SigV4A,
}

/// Where a signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// In the Authorization header.
    AuthHeader,
    /// In the query: a presigned URL.
    QueryString,
    /// In a form that was posted.
    PostPolicy,
}

impl Version {
    /// SignatureVersion of S3's records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SigV2 => "SigV2",
            Self::SigV4 => "SigV4",
            Self::SigV4A => "SigV4A",
        }
    }
}

impl Method {
    /// AuthenticationMethod of S3's records. A form's has no name in AWS's documents; it is a query's in all but place.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthHeader => "AuthHeader",
            Self::QueryString => "QueryString",
            Self::PostPolicy => "PostPolicy",
        }
    }
}

impl Signer {
    /// The signer of a request; none if it is not signed, or in no way known. The body is needed for forms only.
    pub fn of(parts: &Parts, body: &Body) -> Option<Self> {
        in_header(parts).or_else(|| in_query(parts)).or_else(|| in_form(parts, body))
    }
}

/// Why it cannot be told who signed a request or what it calls, for it says so twice: the service behind may go by the
/// other one than the record.
pub fn contradiction(parts: &Parts) -> Option<&'static str> {
    if ONCE.iter().any(|name| parts.headers.get_all(name).iter().nth(1).is_some()) {
        return Some("Authorization, Content-Type and X-Amz-Target may each be there once.");
    }
    let signs = |name: &str| ["x-amz-credential", "awsaccesskeyid"].iter().any(|known| name.eq_ignore_ascii_case(known));
    let in_query = query(parts).filter(|(name, _)| signs(name)).take(2).count();
    let signatures = in_query + usize::from(parts.headers.contains_key(AUTHORIZATION));
    let authorization = parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let credentials = authorization.windows(CREDENTIAL.len()).filter(|window| window.eq_ignore_ascii_case(CREDENTIAL)).take(2);
    (signatures > 1 || credentials.count() > 1).then_some("Only one auth mechanism allowed.")
}

/// All of the query: who signed may stand at its end.
fn query(parts: &Parts) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form::pairs(parts.uri.query().unwrap_or_default())
}

fn in_header(parts: &Parts) -> Option<Signer> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let session_token_present = parts.headers.contains_key("x-amz-security-token");
    let blank = Signer { session_token_present, ..blank(Version::SigV4, Method::AuthHeader) };
    if header.starts_with("AWS4-HMAC-SHA256") {
        return Some(scoped(Claim::of(parts)?, &blank));
    }
    if let Some(rest) = header.strip_prefix("AWS4-ECDSA-P256-SHA256") {
        let credential = rest.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
        return asymmetric(credential, blank);
    }
    let (key, _) = header.strip_prefix("AWS ")?.split_once(':')?;
    checked(Signer { access_key_id: key.trim().to_owned(), version: Version::SigV2, ..blank })
}

fn in_query(parts: &Parts) -> Option<Signer> {
    let query: Vec<_> = query(parts).collect();
    let value = |name: &str| query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| &**value);
    let session_token_present = value("X-Amz-Security-Token").is_some();
    let blank = Signer { session_token_present, ..blank(Version::SigV4, Method::QueryString) };
    if let Some(credential) = value("X-Amz-Credential") {
        return match value("X-Amz-Algorithm") {
            Some("AWS4-ECDSA-P256-SHA256") => asymmetric(credential, blank),
            _ => Some(scoped(Claim::of(parts)?, &blank)),
        };
    }
    value("Signature")?;
    checked(Signer { access_key_id: value("AWSAccessKeyId")?.to_owned(), version: Version::SigV2, ..blank })
}

fn in_form(parts: &Parts, body: &Body) -> Option<Signer> {
    let whole = body.whole.as_ref()?;
    let fields = upload::read(&parts.headers, whole).map(upload::Form::into_fields).or_else(|| plain_fields(parts, whole))?;
    let value = |name: &str| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
    let session_token_present = value("x-amz-security-token").is_some();
    let blank = Signer { session_token_present, ..blank(Version::SigV4, Method::PostPolicy) };
    match value("x-amz-credential") {
        Some(credential) => {
            let [key, _, region, service, _] = pieces(credential)?;
            checked(Signer { access_key_id: key, region: Some(region), service: Some(service), ..blank })
        }
        None => checked(Signer { access_key_id: value("AWSAccessKeyId")?.to_owned(), version: Version::SigV2, ..blank }),
    }
}

/// The fields of a form without files, where Version 2 of the query protocol has its signature.
fn plain_fields(parts: &Parts, body: &[u8]) -> Option<Vec<(String, String)>> {
    let content_type = parts.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    if !content_type.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let of_signature = |name: &str| name.eq_ignore_ascii_case("AWSAccessKeyId");
    let fields = form::pairs(std::str::from_utf8(body).ok()?).filter(|(name, _)| of_signature(name));
    Some(fields.take(1).map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
}

fn blank(version: Version, method: Method) -> Signer {
    Signer { access_key_id: String::new(), version, method, region: None, service: None, session_token_present: false }
}

fn scoped(claim: Claim, blank: &Signer) -> Signer {
    let Claim { access_key_id, region, service } = claim;
    Signer { access_key_id, region: Some(region), service: Some(service), ..*blank }
}

/// A credential without a Region: `AKIDEXAMPLE/20150830/s3/aws4_request`.
fn asymmetric(credential: &str, blank: Signer) -> Option<Signer> {
    let [key, _, service, _] = pieces(credential)?;
    checked(Signer { access_key_id: key, service: Some(service), version: Version::SigV4A, ..blank })
}

fn pieces<const N: usize>(credential: &str) -> Option<[String; N]> {
    let pieces: Vec<String> = credential.split('/').take(N + 1).map(str::to_owned).collect();
    pieces.try_into().ok()
}

fn checked(signer: Signer) -> Option<Signer> {
    let key = &signer.access_key_id;
    let fits = (1..=ACCESS_KEY_ID_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(signer)
}

#[cfg(test)]
mod tests;
