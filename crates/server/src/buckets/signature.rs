//! What a request must show before s3s looks at its signature.
//!
//! s3s verifies signatures; it does not look at Region, service and session token, lets x-amz headers pass that nobody
//! signed, and still takes Signature Version 2. That is mended here.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Request};

use super::error::Error;
use super::{limits, query};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Headers that count although they are not in SignedHeaders: the hash is part of what is signed, or, with a presigned
/// URL, only makes the server check more.
const EXEMPT: [&str; 1] = ["x-amz-content-sha256"];
/// What a presigned URL's query says of the signature itself; all else that begins with x-amz- stands for a header.
const QUERY_AUTH: [&str; 8] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-content-sha256",
];

/// How a request was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// In the Authorization header.
    AuthHeader,
    /// In the query of a presigned URL.
    QueryString,
}

/// Who claims to have signed a request, and for which Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) access_key: String,
    pub(super) region: String,
    pub(super) method: Method,
}

/// Checks everything about a signature but whether it is right, and turns what a presigned URL carries in its query
/// instead of headers into headers.
pub(super) fn inspect<B>(request: &mut Request<B>, regions: &[String]) -> Result<Claim, Error> {
    let query = query::pairs(request.uri());
    let header = request.headers().get(AUTHORIZATION).cloned();
    let in_query = query.iter().any(|(name, _)| name == "X-Amz-Signature" || name == "X-Amz-Algorithm");
    if query.iter().any(|(name, _)| name == "AWSAccessKeyId" || name == "Signature") {
        return Err(unsupported_mechanism());
    }
    let (claim, signed) = match (header, in_query) {
        (Some(_), true) => {
            let message = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
                           parameter or the Authorization header should be specified";
            return Err(Error::refused("InvalidArgument", message));
        }
        (None, false) => return Err(Error::access_denied()),
        (Some(header), false) => from_header(&header, regions)?,
        (None, true) => from_query(&query, regions)?,
    };
    let mut unsigned: Vec<&str> = request.headers().keys().map(HeaderName::as_str).filter(|name| must_be_signed(name)).collect();
    unsigned.retain(|name| !signed.iter().any(|signed| signed == name));
    if !signed.iter().any(|name| name == "host") {
        unsigned.push("host");
    }
    if !unsigned.is_empty() {
        let message = format!("There were headers present in the request which were not signed: {}", unsigned.join(", "));
        return Err(Error::refused("AccessDenied", message));
    }
    if claim.method == Method::QueryString {
        hoist(&query, request.headers_mut())?;
    }
    Ok(claim)
}

/// Whether a header's value must be covered by the signature.
fn must_be_signed(name: &str) -> bool {
    name.starts_with("x-amz-") && !EXEMPT.contains(&name)
}

fn from_header(header: &HeaderValue, regions: &[String]) -> Result<(Claim, Vec<String>), Error> {
    let malformed =
        |what: &str| Error::refused("AuthorizationHeaderMalformed", format!("The authorization header is malformed; {what}"));
    let text = header.to_str().map_err(|_| malformed("it is not ASCII"))?;
    let (algorithm, fields) = text.split_once(' ').unwrap_or((text, ""));
    if algorithm != ALGORITHM {
        return Err(unsupported_mechanism());
    }
    let field = |name: &str| {
        let mut values = fields.split(',').filter_map(|field| field.trim().split_once('=')).filter(|(n, _)| *n == name);
        values.next().map(|(_, value)| value).ok_or_else(|| malformed(&format!("it lacks {name}")))
    };
    let claim = claim(field("Credential")?, Method::AuthHeader, regions, malformed)?;
    field("Signature")?;
    Ok((claim, signed_headers(field("SignedHeaders")?)))
}

fn from_query(query: &[(String, String)], regions: &[String]) -> Result<(Claim, Vec<String>), Error> {
    let malformed =
        |what: &str| Error::refused("AuthorizationQueryParametersError", format!("Error parsing the query parameters; {what}"));
    let value = |name: &str| {
        let mut values = query.iter().filter(|(n, _)| n == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value.as_str()),
            _ => Err(malformed(&format!("{name} must be given once"))),
        }
    };
    if value("X-Amz-Algorithm")? != ALGORITHM {
        return Err(unsupported_mechanism());
    }
    let expires = value("X-Amz-Expires")?.parse::<u64>();
    if !expires.is_ok_and(|expires| (1..=limits::PRESIGNED_S_MAX).contains(&expires)) {
        return Err(malformed("X-Amz-Expires must be a number of seconds less than a week (604800)"));
    }
    let claim = claim(value("X-Amz-Credential")?, Method::QueryString, regions, malformed)?;
    value("X-Amz-Signature")?;
    Ok((claim, signed_headers(value("X-Amz-SignedHeaders")?)))
}

fn claim(credential: &str, method: Method, regions: &[String], malformed: impl Fn(&str) -> Error) -> Result<Claim, Error> {
    let parts: Vec<&str> = credential.rsplitn(5, '/').collect();
    let [terminator, service, region, _date, access_key] = parts[..] else {
        return Err(malformed("the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\""));
    };
    if terminator != "aws4_request" {
        return Err(malformed("incorrect terminal. This endpoint uses \"aws4_request\""));
    }
    if service != "s3" {
        return Err(malformed(&format!("incorrect service \"{service}\". This endpoint belongs to \"s3\"")));
    }
    if !regions.iter().any(|known| known == region) {
        let expecting = regions.first().map_or("us-east-1", String::as_str);
        return Err(malformed(&format!("the region '{region}' is wrong; expecting '{expecting}'")));
    }
    Ok(Claim { access_key: access_key.to_owned(), region: region.to_owned(), method })
}

fn signed_headers(list: &str) -> Vec<String> {
    list.split(';').map(str::to_ascii_lowercase).collect()
}

/// Roots have no session tokens, so whoever sends one is not who it claims to be; keys made for a while have one, and it
/// must come with them.
pub(super) fn check_session_token<B>(request: &Request<B>, expected: Option<&str>) -> Result<(), Error> {
    const TOKEN: &str = "x-amz-security-token";
    let query = query::pairs(request.uri());
    let in_header = request.headers().get_all(TOKEN).iter().map(|token| token.to_str().unwrap_or_default());
    let in_query = query.iter().filter(|(name, _)| name.eq_ignore_ascii_case(TOKEN)).map(|(_, token)| token.as_str());
    let presented: Vec<&str> = in_header.chain(in_query).collect();
    let right = match expected {
        None => presented.is_empty(),
        // The key's secret is what must not be known; the token only says of what kind the key is.
        Some(expected) => !presented.is_empty() && presented.iter().all(|token| *token == expected),
    };
    if right { Ok(()) } else { Err(Error::refused("InvalidToken", "The provided token is malformed or otherwise invalid.")) }
}

/// The signature of a presigned URL covers its query: SDKs put there what else would be headers.
fn hoist(query: &[(String, String)], headers: &mut HeaderMap) -> Result<(), Error> {
    for (name, value) in query {
        let lower = name.to_ascii_lowercase();
        if !lower.starts_with("x-amz-") || QUERY_AUTH.contains(&lower.as_str()) {
            continue;
        }
        let invalid = || Error::refused("InvalidArgument", format!("the query parameter {name} cannot stand for a header"));
        let header = HeaderName::from_bytes(lower.as_bytes()).map_err(|_| invalid())?;
        let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        // A signed header of the same name was signed too, and stays.
        headers.entry(header).or_insert(value);
    }
    Ok(())
}

fn unsupported_mechanism() -> Error {
    let message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
    Error::refused("InvalidRequest", message)
}

#[cfg(test)]
mod tests;
