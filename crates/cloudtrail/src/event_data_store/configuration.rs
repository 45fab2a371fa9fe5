//! The event configuration of a store: how large its events may be and what they are enriched with
//! (CloudTrail API reference, PutEventConfiguration).

use serde::{Deserialize, Serialize};

use super::Invalid;
use crate::event::SIZE_MAX;

/// The size of an event in stores that take large ones: 1 MB (CloudTrail API reference, PutEventConfiguration).
pub const SIZE_LARGE_MAX: usize = 1 << 20;
/// Keys of one context key selector (CloudTrail API reference, ContextKeySelector).
pub const CONTEXT_KEYS_MAX: usize = 50;
/// The longest context key (same page).
pub const CONTEXT_KEY_CHARS_MAX: usize = 128;

/// The keys of requests that events can be enriched with (CloudTrail user guide, "Enrich CloudTrail events by adding
/// resource tag keys and IAM global condition keys").
pub const REQUEST_CONTEXT_KEYS: [&str; 22] = [
    "aws:FederatedProvider",
    "aws:TokenIssueTime",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:SourceIdentity",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalType",
    "aws:userid",
    "aws:username",
    "aws:RequestedRegion",
    "aws:SecureTransport",
    "aws:ViaAWSService",
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:SourceAccount",
    "aws:SourceOrgID",
];

/// How large the events of a store may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventSize {
    /// 256 KB.
    #[default]
    Standard,
    /// 1 MB.
    Large,
}

impl EventSize {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Large => "Large",
        }
    }

    /// The size of that word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Standard, Self::Large].into_iter().find(|size| size.as_str() == word)
    }

    /// The most bytes of an event.
    pub fn bytes_max(self) -> usize {
        match self {
            Self::Standard => SIZE_MAX,
            Self::Large => SIZE_LARGE_MAX,
        }
    }
}

/// What context keys are keys of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContextKeyType {
    /// Tags of resources and principals.
    TagContext,
    /// The request.
    RequestContext,
}

/// Keys that events of a store are enriched with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContextKeySelector {
    /// What they are keys of.
    #[serde(rename = "Type")]
    pub type_: ContextKeyType,
    /// The keys.
    pub equals: Vec<String>,
}

/// The event configuration of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventConfiguration {
    /// How large its events may be.
    pub size: EventSize,
    /// What they are enriched with: at most one selector of each type.
    pub context_keys: Vec<ContextKeySelector>,
}

/// The arguments of PutEventConfiguration: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigurationChange {
    /// MaxEventSize.
    pub size: Option<EventSize>,
    /// ContextKeySelectors.
    pub context_keys: Option<Vec<ContextKeySelector>>,
}

impl EventConfiguration {
    /// The configuration PutEventConfiguration makes of this one.
    pub fn update(&self, change: &ConfigurationChange) -> Result<Self, Invalid> {
        if *change == ConfigurationChange::default() {
            return Err(Invalid::Parameter("Specify MaxEventSize or ContextKeySelectors.".to_owned()));
        }
        let configuration = Self {
            size: change.size.unwrap_or(self.size),
            context_keys: change.context_keys.as_ref().unwrap_or(&self.context_keys).clone(),
        };
        configuration.check().map(|()| configuration)
    }

    fn check(&self) -> Result<(), Invalid> {
        for (nth, selector) in self.context_keys.iter().enumerate() {
            selector.check()?;
            if self.context_keys.iter().take(nth).any(|other| other.type_ == selector.type_) {
                return Err(Invalid::Parameter("Specify at most one context key selector of each type.".to_owned()));
            }
        }
        if !self.context_keys.is_empty() && self.size != EventSize::Large {
            return Err(Invalid::Combination("Context key selectors require the MaxEventSize Large.".to_owned()));
        }
        Ok(())
    }
}

impl ContextKeySelector {
    fn check(&self) -> Result<(), Invalid> {
        if !(1..=CONTEXT_KEYS_MAX).contains(&self.equals.len()) {
            return Err(Invalid::Parameter(format!("A context key selector has 1 to {CONTEXT_KEYS_MAX} keys.")));
        }
        for key in &self.equals {
            if !(1..=CONTEXT_KEY_CHARS_MAX).contains(&key.chars().count()) {
                return Err(Invalid::Parameter(format!("A context key has 1 to {CONTEXT_KEY_CHARS_MAX} characters.")));
            }
            if self.type_ == ContextKeyType::RequestContext && !is_request_key(key) {
                return Err(Invalid::Parameter(format!("{key} is not a key of the request context.")));
            }
        }
        Ok(())
    }
}

/// The names of condition keys are not case-sensitive (IAM user guide, "AWS global condition context keys").
fn is_request_key(key: &str) -> bool {
    REQUEST_CONTEXT_KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
}
