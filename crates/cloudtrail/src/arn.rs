//! Amazon Resource Names: taken apart, put together, bounded.
//!
//! What must stay true: an ARN that was parsed prints as the same text again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

use crate::account::AccountId;
use crate::region::Region;

/// The longest ARN there is (IAM API reference, `arnType`).
pub const CHARS_MAX: usize = 2048;

/// What stands before a trail's name in the last part of its ARN.
const TRAIL: &str = "trail/";
/// What stands before an event data store's id in the last part of its ARN.
const EVENT_DATA_STORE: &str = "eventdatastore/";

/// `arn:partition:service:region:account:resource`. The Region and the account may be empty; the resource is
/// everything behind the fifth colon.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: SmolStr,
    /// The service's name space, such as `s3`.
    pub service: SmolStr,
    /// The Region, or nothing.
    pub region: SmolStr,
    /// The account, or nothing. Some resources have a word here (`aws`, `cloudfront`).
    pub account: SmolStr,
    /// The rest, colons included.
    pub resource: SmolStr,
}

/// Why a text is no ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Longer than [`CHARS_MAX`].
    #[error("an ARN has at most {CHARS_MAX} characters")]
    TooLong,
    /// Not six parts between colons, the first of them `arn`.
    #[error("an ARN has the form arn:partition:service:region:account:resource")]
    Shape,
    /// A part that must not be empty is, or has characters it cannot have.
    #[error("the {0} of this ARN is not valid")]
    Part(&'static str),
}

impl Arn {
    /// The trail's name, when this is the ARN of a trail.
    pub fn trail_name(&self) -> Option<&str> {
        if self.service == "cloudtrail" { self.resource.strip_prefix(TRAIL) } else { None }
    }

    /// The event data store's id, when this is the ARN of one.
    pub fn event_data_store_id(&self) -> Option<&str> {
        if self.service == "cloudtrail" { self.resource.strip_prefix(EVENT_DATA_STORE) } else { None }
    }
}

/// The ARN of a trail: `arn:{partition}:cloudtrail:{home Region}:{owner}:trail/{name}`.
pub fn trail_arn(partition: &str, home: &Region, owner: AccountId, name: &str) -> Arn {
    cloudtrail_arn(partition, home, owner, smol_str::format_smolstr!("{TRAIL}{name}"))
}

/// The ARN of an event data store: `arn:{partition}:cloudtrail:{home Region}:{owner}:eventdatastore/{id}`.
pub fn event_data_store_arn(partition: &str, home: &Region, owner: AccountId, id: &str) -> Arn {
    cloudtrail_arn(partition, home, owner, smol_str::format_smolstr!("{EVENT_DATA_STORE}{id}"))
}

fn cloudtrail_arn(partition: &str, home: &Region, owner: AccountId, resource: SmolStr) -> Arn {
    Arn {
        partition: SmolStr::new(partition),
        service: SmolStr::new_static("cloudtrail"),
        region: SmolStr::new(home.as_str()),
        account: SmolStr::new(owner.as_str()),
        resource,
    }
}

impl FromStr for Arn {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() > CHARS_MAX && text.chars().nth(CHARS_MAX).is_some() {
            return Err(Invalid::TooLong);
        }
        let mut parts = text.splitn(6, ':');
        let mut part = || parts.next().ok_or(Invalid::Shape);
        if part()? != "arn" {
            return Err(Invalid::Shape);
        }
        let arn = Self {
            partition: SmolStr::new(part()?),
            service: SmolStr::new(part()?),
            region: SmolStr::new(part()?),
            account: SmolStr::new(part()?),
            resource: SmolStr::new(part()?),
        };
        arn.check().map(|()| arn)
    }
}

impl Arn {
    fn check(&self) -> Result<(), Invalid> {
        let word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let parts = [
            ("partition", &self.partition, true),
            ("service", &self.service, true),
            ("region", &self.region, false),
            ("account", &self.account, false),
        ];
        for (name, part, mandatory) in parts {
            if !word(part) || (mandatory && part.is_empty()) {
                return Err(Invalid::Part(name));
            }
        }
        if self.resource.is_empty() || self.resource.chars().any(char::is_control) {
            return Err(Invalid::Part("resource"));
        }
        Ok(())
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

impl Serialize for Arn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Arn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
