//! What the host's name says: the bucket, or the service.

use http::header::HOST;
use http::request::Parts;

use super::known::Protocols;
use crate::call::Surroundings;

/// The longest host name that is looked at: DNS's limit, and a port.
const HOST_BYTES_MAX: usize = 260;
/// The domains of AWS's endpoints.
const AWS_DOMAINS: [&str; 5] =
    [".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn", ".aws.amazon.com"];
/// First labels of S3's host names after which no bucket was named, but an account.
const OF_ACCOUNTS: [&str; 3] = ["s3-control", "s3express-control", "s3-object-lambda"];

/// The host that a request names, lower case, without a port.
pub(super) fn of(parts: &Parts) -> Option<String> {
    let said = match parts.uri.authority() {
        Some(authority) => authority.as_str(),
        None => parts.headers.get(HOST)?.to_str().ok()?,
    };
    let host = said.rsplit_once('@').map_or(said, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    let host = host.trim_end_matches('.');
    (!host.is_empty() && host.len() <= HOST_BYTES_MAX).then(|| host.to_ascii_lowercase())
}

/// The bucket in front of a domain of buckets; if not only these name any, of S3's own domains, or of `localhost`.
pub(super) fn bucket<'a>(host: &'a str, surroundings: &Surroundings) -> Option<&'a str> {
    let before = |domain: &str| host.strip_suffix(domain)?.strip_suffix('.').filter(|bucket| !bucket.is_empty());
    let of_domains = surroundings.bucket_domains.iter().find_map(|domain| before(domain));
    if of_domains.is_some() || surroundings.only_bucket_domains {
        return of_domains;
    }
    if let Some(domain) = AWS_DOMAINS.iter().find(|domain| host.ends_with(**domain)) {
        return in_aws(host.strip_suffix(domain)?);
    }
    let bucket = before("localhost")?;
    let bucket = bucket.strip_suffix(".s3").unwrap_or(bucket);
    (bucket != "s3").then_some(bucket)
}

/// Whether it is a host of AWS's.
pub fn is_of_aws(host: &str) -> bool {
    AWS_DOMAINS.iter().any(|domain| host.to_ascii_lowercase().ends_with(domain))
}

/// `bucket.s3.eu-west-1`, `bucket.s3-eu-west-1`, `bucket--zone--x-s3.s3express-zone.eu-west-1`: what is before the last
/// label that S3's host names begin with. Buckets may have dots.
fn in_aws(host: &str) -> Option<&str> {
    let ours = |label: &str| label == "s3" || label.starts_with("s3-") || label.starts_with("s3express-");
    let mut end = host.len();
    for label in host.rsplit('.') {
        let start = end - label.len();
        if ours(label) {
            let bucket = host.get(..start)?.strip_suffix('.')?;
            return (!OF_ACCOUNTS.contains(&label) && !bucket.is_empty()).then_some(bucket);
        }
        end = start.saturating_sub(1);
    }
    None
}

/// The services whose endpoint a host of AWS's is, by the most labels that name one.
pub(super) fn services(host: &str, protocols: &Protocols) -> Vec<usize> {
    let Some(name) = AWS_DOMAINS.iter().find_map(|domain| host.strip_suffix(domain)) else { return Vec::new() };
    let starts = std::iter::once(0).chain(name.match_indices('.').map(|(at, _)| at + 1));
    for start in starts {
        let Some(mut prefix) = name.get(start..) else { continue };
        loop {
            let found = protocols.ending(prefix);
            if !found.is_empty() {
                return found.to_vec();
            }
            match prefix.rsplit_once('.') {
                Some((shorter, _)) => prefix = shorter,
                None => break,
            }
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests;
