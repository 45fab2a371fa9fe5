//! Trails: what one may be called, what it is set to, and how a request names it.
//!
//! The messages are AWS's where it is known what AWS says (reference: trails.md §2, api.md §4); a client that reads
//! them finds what it expects. Which error code an answer bears is the control plane's to choose.

mod settings;
mod tag;

use crate::arn::Arn;
use crate::bucket;

pub use settings::{Change, Settings};
pub use tag::{TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX, TAGS_MAX, Tag, add_tags, remove_tags};

/// The shortest name of a trail (CloudTrail API reference, CreateTrail).
pub const NAME_CHARS_MIN: usize = 3;
/// The longest name of a trail (same page).
pub const NAME_CHARS_MAX: usize = 128;
/// The longest prefix of a trail's object keys (same page).
pub const KEY_PREFIX_CHARS_MAX: usize = 200;
/// Trails in one Region of an account; a multi-Region trail counts in every Region (CloudTrail quotas).
pub const PER_REGION_MAX: usize = 5;
/// ARNs that one ListTags call takes (CloudTrail API reference, ListTags).
pub const LIST_TAGS_IDS_MAX: usize = 20;

/// What is wrong with a request about a trail. The text is the message of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The name of a trail.
    #[error("{0}")]
    Name(String),
    /// The ARN of a trail.
    #[error("{0}")]
    Arn(String),
    /// The name of the bucket.
    #[error("{0}")]
    BucketName(String),
    /// The prefix of object keys.
    #[error("{0}")]
    KeyPrefix(String),
    /// Two arguments that do not go together.
    #[error("{0}")]
    Combination(String),
    /// A tag.
    #[error("{0}")]
    Tag(String),
    /// More than [`TAGS_MAX`] tags.
    #[error("{0}")]
    TooManyTags(String),
}

/// Checks the name of a trail. The order of the checks is AWS's: `trail!` has a bad last character, not a bad
/// character.
pub fn check_name(name: &str) -> Result<(), Invalid> {
    let length = name.chars().count();
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let message = if length < NAME_CHARS_MIN {
        format!(
            "Trail name too short. Minimum allowed length: {NAME_CHARS_MIN} characters. Specified name length: {length} characters."
        )
    } else if length > NAME_CHARS_MAX {
        format!(
            "Trail name too long. Maximum allowed length: {NAME_CHARS_MAX} characters. Specified name length: {length} characters."
        )
    } else if !edge(name.chars().next()) {
        "Trail name must starts with a letter or number.".to_owned()
    } else if !edge(name.chars().next_back()) {
        "Trail name must ends with a letter or number.".to_owned()
    } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || is_mark(b)) {
        "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).".to_owned()
    } else if name.as_bytes().windows(2).any(|pair| pair.iter().copied().all(is_mark)) {
        "Trail name cannot have adjacent periods (.), hyphens (-), or underscores (_).".to_owned()
    } else if bucket::looks_like_ipv4(name) {
        "Trail name cannot be formatted as an IP address.".to_owned()
    } else {
        return Ok(());
    };
    Err(Invalid::Name(message))
}

/// Checks the prefix of a trail's object keys. AWS documents the length alone; control characters and the segments
/// `.` and `..`, which HTTP clients fold away, are refused because what is below them could not be fetched.
pub fn check_key_prefix(prefix: &str) -> Result<(), Invalid> {
    let length = prefix.chars().count();
    let message = if length > KEY_PREFIX_CHARS_MAX {
        format!(
            "S3 key prefix too long. Maximum allowed length: {KEY_PREFIX_CHARS_MAX} characters. Specified length: {length} characters."
        )
    } else if prefix.chars().any(char::is_control) {
        "S3 key prefix must not contain control characters.".to_owned()
    } else if prefix.split('/').any(|segment| matches!(segment, "." | "..")) {
        "S3 key prefix must not contain the path segments . and ...".to_owned()
    } else {
        return Ok(());
    };
    Err(Invalid::KeyPrefix(message))
}

/// Checks the name of the bucket a trail is to deliver to; whether there is such a bucket is another question.
pub fn check_bucket_name(name: &str) -> Result<(), Invalid> {
    bucket::check_name(name).map_err(|reason| Invalid::BucketName(format!("Bucket name {name} is not valid: {reason}.")))
}

/// How a request names a trail. A name means a trail of the caller's account in the Region that was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameOrArn {
    /// A name that may exist.
    Name(String),
    /// The ARN of a trail that may exist.
    Arn(Arn),
}

impl NameOrArn {
    /// Reads a `Name`, `TrailName` or `ResourceId`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.starts_with("arn:") {
            return check_arn(text).map(Self::Arn);
        }
        check_name(text).map(|()| Self::Name(text.to_owned()))
    }

    /// The trail's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Arn(arn) => arn.trail_name().unwrap_or_default(),
        }
    }
}

fn check_arn(text: &str) -> Result<Arn, Invalid> {
    let invalid = || Invalid::Arn(format!("The trail ARN {text} is not valid."));
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    let named = arn.trail_name().is_some_and(|name| check_name(name).is_ok());
    let placed = arn.region.parse::<crate::region::Region>().is_ok();
    let owned = arn.account.parse::<crate::account::AccountId>().is_ok();
    if named && placed && owned { Ok(arn) } else { Err(invalid()) }
}

/// The characters that may stand between letters and digits, never two side by side.
fn is_mark(b: u8) -> bool {
    matches!(b, b'.' | b'-' | b'_')
}

#[cfg(test)]
mod tests;
