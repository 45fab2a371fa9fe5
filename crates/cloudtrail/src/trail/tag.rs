//! Tags: what they may be, and how AddTags and RemoveTags change them.

use serde::{Deserialize, Serialize};

use super::Invalid;

/// Tags on one resource (CloudTrail API reference, AddTags).
pub const TAGS_MAX: usize = 50;
/// The longest key of a tag (CloudTrail API reference, Tag).
pub const TAG_KEY_CHARS_MAX: usize = 128;
/// The longest value of a tag (same page).
pub const TAG_VALUE_CHARS_MAX: usize = 256;

/// A tag. It may lack a value, and is then answered without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// The key: unique on its resource, in its exact case.
    pub key: String,
    /// The value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// The tags a resource has once `added` are put on it; those with the same key are overwritten in their place.
pub fn add_tags(present: &[Tag], added: &[Tag]) -> Result<Vec<Tag>, Invalid> {
    let mut tags = present.to_vec();
    for (nth, tag) in added.iter().enumerate() {
        check(tag)?;
        if added.iter().take(nth).any(|other| other.key == tag.key) {
            return Err(Invalid::Tag(format!("The tag key {} is given twice.", tag.key)));
        }
        let count = tags.len();
        match tags.iter_mut().find(|other| other.key == tag.key) {
            Some(other) => other.value.clone_from(&tag.value),
            None if count < TAGS_MAX => tags.push(tag.clone()),
            None => return Err(Invalid::TooManyTags(format!("A resource can have at most {TAGS_MAX} tags."))),
        }
    }
    Ok(tags)
}

/// The tags a resource has once those are removed that have the key of one in `removed`, whatever their value.
pub fn remove_tags(present: &[Tag], removed: &[Tag]) -> Vec<Tag> {
    let stays = |tag: &&Tag| !removed.iter().any(|other| other.key == tag.key);
    present.iter().filter(stays).cloned().collect()
}

/// The characters are those of AWS's tagging guide ("Tag naming limits and requirements"), `aws:` is its own prefix.
fn check(Tag { key, value }: &Tag) -> Result<(), Invalid> {
    let legal = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    let value = value.as_deref().unwrap_or_default();
    let message = if !(1..=TAG_KEY_CHARS_MAX).contains(&key.chars().count()) {
        format!("A tag key has 1 to {TAG_KEY_CHARS_MAX} characters.")
    } else if value.chars().count() > TAG_VALUE_CHARS_MAX {
        format!("A tag value has at most {TAG_VALUE_CHARS_MAX} characters.")
    } else if key.to_ascii_lowercase().starts_with("aws:") {
        format!("The tag key {key} begins with aws:, which is reserved.")
    } else if !key.chars().chain(value.chars()).all(legal) {
        format!("The tag {key} has characters other than letters, digits, spaces and _ . : / = + - @.")
    } else {
        return Ok(());
    };
    Err(Invalid::Tag(message))
}
