//! Where an import reads: `s3://bucket/prefix`.

use crate::bucket;

/// The scheme of an S3 location.
const SCHEME: &str = "s3://";

/// A bucket, and what the keys that are looked at begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The bucket.
    pub bucket: String,
    /// The prefix; empty for the whole bucket.
    pub prefix: String,
}

/// Why a text is no location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It does not begin with `s3://`.
    #[error("an S3 location begins with s3://")]
    Scheme,
    /// The bucket's name cannot be one.
    #[error(transparent)]
    Bucket(bucket::Invalid),
    /// No key can begin with that prefix.
    #[error("a prefix has at most {} bytes and no control characters", bucket::KEY_BYTES_MAX)]
    Prefix,
}

impl Location {
    /// Reads `s3://bucket`, `s3://bucket/` or `s3://bucket/prefix`.
    pub fn parse(uri: &str) -> Result<Self, Invalid> {
        let rest = uri.strip_prefix(SCHEME).ok_or(Invalid::Scheme)?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        bucket::check_name(name).map_err(Invalid::Bucket)?;
        if prefix.len() > bucket::KEY_BYTES_MAX || prefix.chars().any(char::is_control) {
            return Err(Invalid::Prefix);
        }
        Ok(Self { bucket: name.to_owned(), prefix: prefix.to_owned() })
    }

    /// The URI of an object in the bucket.
    pub fn of_key(&self, key: &str) -> String {
        format!("{SCHEME}{}/{key}", self.bucket)
    }

    /// The URI of the location itself.
    pub fn uri(&self) -> String {
        self.of_key(&self.prefix)
    }
}
