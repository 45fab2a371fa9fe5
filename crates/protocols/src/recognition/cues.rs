//! What the head of a request says about what it calls.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::scope::Scope;
use super::{form, host};

/// The longest path that is looked at (ours: no longer one gets through the proxy).
const PATH_BYTES_MAX: usize = 64 << 10;
/// How many pairs of a query are looked at (ours: as many as the longest request line has; what decides may be the last).
const QUERY_PAIRS_MAX: usize = 32 << 10;
/// The longest X-Amz-Target (ours).
const TARGET_BYTES_MAX: usize = 512;

/// The cues in a head.
pub(super) struct Cues<'a> {
    pub(super) method: &'a str,
    /// As it stands there; `/` if it is too long to be looked at.
    pub(super) path: &'a str,
    /// Decoded, without what belongs to a signature.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: &'a HeaderMap,
    pub(super) scope: Option<Scope>,
    pub(super) host: Option<String>,
    /// Lower case, without parameters.
    pub(super) media_type: String,
}

impl<'a> Cues<'a> {
    pub(super) fn of(parts: &'a Parts) -> Self {
        let path = parts.uri.path();
        Self {
            method: parts.method.as_str(),
            path: if path.len() <= PATH_BYTES_MAX { path } else { "/" },
            query: query(parts),
            headers: &parts.headers,
            scope: Scope::of(parts),
            host: host::of(parts),
            media_type: media_type(&parts.headers),
        }
    }

    /// The service and the operation of Smithy's RPC v2: `/service/Name/operation/Name` at the end of the path.
    pub(super) fn rpc(&self) -> Option<(&'a str, &'a str)> {
        let (before, operation) = self.path.rsplit_once("/operation/")?;
        let (_, service) = before.rsplit_once("/service/")?;
        let named = |name: &str| !name.is_empty() && !name.contains('/');
        (named(service) && named(operation)).then_some((service, operation))
    }

    /// Whether the request says that it speaks RPC v2 with CBOR.
    pub(super) fn says_cbor(&self) -> bool {
        let protocol = self.headers.get("smithy-protocol").and_then(|value| value.to_str().ok());
        protocol.map_or(self.media_type == "application/cbor", |protocol| protocol == "rpc-v2-cbor")
    }

    /// What stands before and behind the last dot of X-Amz-Target.
    pub(super) fn target(&self) -> Option<(&'a str, &'a str)> {
        let target = self.headers.get("x-amz-target")?.to_str().ok()?;
        (target.len() <= TARGET_BYTES_MAX).then(|| target.rsplit_once('.').unwrap_or(("", target)))
    }

    /// Action and Version in the query.
    pub(super) fn action(&self) -> Option<(&str, Option<&str>)> {
        let of = |wanted: &str| {
            self.query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        Some((of("Action")?, of("Version")))
    }

    /// The operation that the request claims to be; S3 signs lists of directory buckets with a name of their own.
    pub(super) fn hint(&self) -> Option<&str> {
        let express = self.scope.as_ref().is_some_and(|scope| scope.service == "s3express");
        let said = self.query.iter().find(|(name, _)| name == "x-id").map(|(_, value)| value.as_str());
        said.or_else(|| express.then_some("ListDirectoryBuckets"))
    }

    pub(super) fn is_form(&self) -> bool {
        self.media_type == "application/x-www-form-urlencoded"
    }
}

/// The pairs that are not a signature's, nor name headers of the answer.
fn query(parts: &Parts) -> Vec<(String, String)> {
    let of_signature = |name: &str| {
        let version_4 = name.get(..6).is_some_and(|start| start == "X-Amz-")
            && ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token", "Content-Sha256"]
                .contains(&name.get(6..).unwrap_or_default());
        version_4 || ["AWSAccessKeyId", "Signature", "Expires"].contains(&name) || name.starts_with("response-")
    };
    let pairs = form::pairs(parts.uri.query().unwrap_or_default()).take(QUERY_PAIRS_MAX);
    pairs.filter(|(name, _)| !of_signature(name)).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
