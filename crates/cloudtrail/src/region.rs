//! Regions. Any name that is safe inside an object key is a Region: events of Regions unknown to us are kept and
//! found, only the partition's own ones are delivered.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use smol_str::SmolStr;

/// The longest Region name we take; AWS's longest is 14 characters. Own choice: it becomes part of object keys.
pub const CHARS_MAX: usize = 32;

/// The Region in which the `aws` partition records global services.
pub const LEADER: &str = "us-east-1";

/// The name of a Region: 1 to 32 ASCII letters, digits or `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Region(SmolStr);

/// The text cannot be the name of a Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a Region is 1 to {CHARS_MAX} ASCII letters, digits or hyphens")]
pub struct InvalidRegion;

impl Region {
    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The Regions of a partition, its leader first; none for a partition that is unknown.
/// From AWS General Reference, "AWS Regions and endpoints".
pub fn partition_regions(partition: &str) -> &'static [&'static str] {
    match partition {
        "aws" => &[
            LEADER,
            "us-east-2",
            "us-west-1",
            "us-west-2",
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-central-1",
            "ca-west-1",
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "mx-central-1",
            "sa-east-1",
        ],
        "aws-cn" => &["cn-north-1", "cn-northwest-1"],
        "aws-us-gov" => &["us-gov-west-1", "us-gov-east-1"],
        _ => &[],
    }
}

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(text: &str) -> Result<Self, InvalidRegion> {
        let safe = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if (1..=CHARS_MAX).contains(&text.len()) && text.bytes().all(safe) {
            Ok(Self(SmolStr::new(text)))
        } else {
            Err(InvalidRegion)
        }
    }
}

impl AsRef<str> for Region {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Region {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = SmolStr::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
