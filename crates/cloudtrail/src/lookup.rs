//! What a lookup finds an event by (event-history.md, sections 4 and 5).

mod resources;
mod table;

use std::fmt;
use std::str::FromStr;

pub use resources::{NAME_CHARS_MAX, RESOURCES_MAX};

use crate::event::Event;
use crate::identity::Identity;

/// The answers LookupEvents gives about an event beside the event itself, and the values it is found by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// eventID.
    pub event_id: String,
    /// eventName.
    pub event_name: String,
    /// eventSource.
    pub event_source: String,
    /// readOnly, if the record says.
    pub read_only: Option<bool>,
    /// The user name, if the kind of identity has one.
    pub username: Option<String>,
    /// The access key, if the identity has one.
    pub access_key_id: Option<String>,
    /// What the call was about.
    pub resources: Vec<Resource>,
}

/// Something a call was about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// A type such as `AWS::S3::Bucket`, if it can be told.
    pub type_: Option<String>,
    /// The native id or ARN, as it stands in the request.
    pub name: String,
}

/// The attributes LookupEvents filters by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttributeKey {
    /// eventID.
    EventId,
    /// eventName.
    EventName,
    /// `true` or `false`.
    ReadOnly,
    /// The extracted user name.
    Username,
    /// The type of any resource.
    ResourceType,
    /// The name of any resource.
    ResourceName,
    /// eventSource.
    EventSource,
    /// userIdentity.accessKeyId.
    AccessKeyId,
}

/// The text names no attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no lookup attribute has that name")]
pub struct UnknownAttribute;

impl AttributeKey {
    /// Every attribute.
    pub const ALL: [Self; 8] = [
        Self::EventId,
        Self::EventName,
        Self::ReadOnly,
        Self::Username,
        Self::ResourceType,
        Self::ResourceName,
        Self::EventSource,
        Self::AccessKeyId,
    ];
}

impl fmt::Display for AttributeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for AttributeKey {
    type Err = UnknownAttribute;

    fn from_str(text: &str) -> Result<Self, UnknownAttribute> {
        Self::ALL.into_iter().find(|key| key.to_string() == text).ok_or(UnknownAttribute)
    }
}

/// What an event is found by.
pub fn facts(event: &Event) -> Facts {
    let identity = event.identity();
    Facts {
        event_id: event.event_id().into_owned(),
        event_name: event.event_name().into_owned(),
        event_source: event.event_source().into_owned(),
        read_only: event.read_only(),
        username: username(&identity),
        access_key_id: identity.access_key_id.filter(|key| !key.is_empty()).map(Into::into),
        resources: resources::resources(event),
    }
}

/// The user name, by the kind of identity (event-history.md, section 4).
pub fn username(identity: &Identity<'_>) -> Option<String> {
    let user_name = || identity.user_name.as_deref();
    let name = match identity.type_.as_deref()? {
        "Root" => Some("root"),
        "IAMUser" | "SAMLUser" | "WebIdentityUser" => user_name(),
        "AssumedRole" => session_name(identity),
        "FederatedUser" => identity.arn.as_deref().and_then(last_segment).or_else(|| after_colon(identity)),
        _ => user_name().filter(|name| *name == HIDDEN),
    };
    name.filter(|name| !name.is_empty()).map(str::to_owned)
}

/// What CloudTrail writes in place of a user name that was typed wrong, since it may be a password.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

fn session_name<'a>(identity: &'a Identity<'_>) -> Option<&'a str> {
    after_colon(identity).or_else(|| identity.arn.as_deref().and_then(last_segment))
}

/// The name behind the unique id, in `AROA…:session` and `123456789012:name`.
fn after_colon<'a>(identity: &'a Identity<'_>) -> Option<&'a str> {
    Some(identity.principal_id.as_deref()?.split_once(':')?.1)
}

fn last_segment(arn: &str) -> Option<&str> {
    Some(arn.rsplit_once('/')?.1)
}

#[cfg(test)]
mod tests;
