//! Digests: signed lists of the log files that were delivered, each naming the one before it.
//!
//! What must stay true: a digest is written as JSON once, and those bytes are hashed, signed and delivered; the
//! fields stand in AWS's order; a chain has one digest after another without a gap in time, and a digest without a
//! predecessor only where logging began. The formats are in log-files.md §3–§6.

mod chain;
mod interval;
mod key;
mod signature;

use serde::{Deserialize, Serialize};

pub use chain::{Chain, Link, Series, Unsigned};
pub use interval::Interval;
pub use key::{Name, key};
pub use signature::{KEY_BITS, fingerprint, public_key_der, sign, verify};

/// The metadata of a digest object that holds its signature (`x-amz-meta-signature`).
pub const SIGNATURE_METADATA: &str = "signature";
/// The metadata that names the algorithm (`x-amz-meta-signature-algorithm`).
pub const ALGORITHM_METADATA: &str = "signature-algorithm";
/// The metadata of a backfill digest that says when it was made. We write none, and verify others'.
pub const BACKFILL_METADATA: &str = "backfill-generation-timestamp";
/// RSASSA-PKCS1-v1_5 with SHA-256, as digests call it.
pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
/// SHA-256, as digests call it.
pub const HASH_ALGORITHM: &str = "SHA-256";

/// A digest's content. The fields are written in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Whose events.
    pub aws_account_id: String,
    /// When the interval begins, inclusive.
    pub digest_start_time: String,
    /// When it ends, exclusive.
    pub digest_end_time: String,
    /// Where this digest is written.
    pub digest_s3_bucket: String,
    /// Its key there.
    pub digest_s3_object: String,
    /// Which key signs it.
    pub digest_public_key_fingerprint: String,
    /// [`SIGNATURE_ALGORITHM`].
    pub digest_signature_algorithm: String,
    /// The newest eventTime in all its log files.
    pub newest_event_time: Option<String>,
    /// The oldest.
    pub oldest_event_time: Option<String>,
    /// Where the digest before it is.
    pub previous_digest_s3_bucket: Option<String>,
    /// Its key there.
    pub previous_digest_s3_object: Option<String>,
    /// The SHA-256 of its content, in hex.
    pub previous_digest_hash_value: Option<String>,
    /// [`HASH_ALGORITHM`].
    pub previous_digest_hash_algorithm: Option<String>,
    /// Its signature, in hex.
    pub previous_digest_signature: Option<String>,
    /// The log files delivered in the interval.
    pub log_files: Vec<LogFile>,
}

/// A log file in a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogFile {
    /// Where it is.
    pub s3_bucket: String,
    /// Its key there.
    pub s3_object: String,
    /// The SHA-256 of its content before compression, in hex.
    pub hash_value: String,
    /// [`HASH_ALGORITHM`].
    pub hash_algorithm: String,
    /// The newest eventTime in it.
    pub newest_event_time: Option<String>,
    /// The oldest.
    pub oldest_event_time: Option<String>,
}

impl Document {
    /// Reads a digest's content.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

/// The text a digest's signature is over: end, place, hash and predecessor's signature, a line each; `null` where
/// there is no predecessor. `sha256_hex` is of the digest's content as it is stored, before compression.
pub fn string_to_sign(document: &Document, sha256_hex: &str) -> String {
    let Document { digest_end_time, digest_s3_bucket, digest_s3_object, previous_digest_signature, .. } = document;
    let previous = previous_digest_signature.as_deref().unwrap_or("null");
    format!("{digest_end_time}\n{digest_s3_bucket}/{digest_s3_object}\n{sha256_hex}\n{previous}")
}

#[cfg(test)]
mod tests;
