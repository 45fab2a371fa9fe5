//! Event data stores: what one may be called, what it is set to, what it keeps and for how long, and which state it is in.
//!
//! Pure: which error code an answer bears is the control plane's to choose (reference: CloudTrail user guide, "Working
//! with CloudTrail Lake"; API reference, CreateEventDataStore).

mod configuration;
mod settings;
mod status;

use serde::{Deserialize, Serialize};

use crate::account::AccountId;
use crate::arn::Arn;
use crate::event::Event;
use crate::region::Region;
use crate::selectors::SelectorError;

pub use configuration::{
    CONTEXT_KEY_CHARS_MAX, CONTEXT_KEYS_MAX, ConfigurationChange, ContextKeySelector, ContextKeyType, EventConfiguration,
    EventSize, REQUEST_CONTEXT_KEYS, SIZE_LARGE_MAX,
};
pub use settings::{BillingMode, Change, DEFAULT_SELECTOR_NAME, Settings};
pub use status::Status;

/// The shortest name of a store (CloudTrail API reference, CreateEventDataStore).
pub const NAME_CHARS_MIN: usize = 3;
/// The longest name of a store (same page).
pub const NAME_CHARS_MAX: usize = 128;
/// Stores whose home is one Region of an account; those pending deletion do not count (CloudTrail quotas).
pub const PER_REGION_MAX: usize = 10;
/// Advanced event selectors of a store (CloudTrail quotas).
pub const SELECTORS_MAX: usize = 5;
/// The shortest time a store can keep events (CloudTrail API reference, CreateEventDataStore).
pub const RETENTION_DAYS_MIN: u16 = 7;
/// The highest number a store can have. Own choice: it is part of a journal entry's flags.
pub const NUMBER_MAX: u16 = u16::MAX;

/// What kind of events a store holds. A store is of one family for ever: a family is one schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Family {
    /// CloudTrail events: management, data and network activity events, which a store may combine.
    Events,
    /// Insights events.
    Insight,
    /// AWS Config configuration items.
    ConfigurationItem,
    /// AWS Audit Manager evidence.
    Evidence,
    /// Events of integrations, put in through channels.
    Activity,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Events, Self::Insight, Self::ConfigurationItem, Self::Evidence, Self::Activity];

    /// The family to which events of this `eventCategory` belong.
    pub fn of_category(category: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.categories().contains(&category))
    }

    /// The `eventCategory` values of its events.
    pub fn categories(self) -> &'static [&'static str] {
        match self {
            Self::Events => &["Management", "Data", "NetworkActivity"],
            Self::Insight => &["Insight"],
            Self::ConfigurationItem => &["ConfigurationItem"],
            Self::Evidence => &["Evidence"],
            Self::Activity => &["ActivityAuditLog"],
        }
    }

    /// Whether a store of this family can hold the event at all. A store of CloudTrail events can hold whatever stands in
    /// a trail's log files.
    pub fn holds(self, event: &Event) -> bool {
        match event.text("eventCategory").and_then(|category| Self::of_category(&category)) {
            Some(Self::Insight) => matches!(self, Self::Events | Self::Insight),
            Some(family) => self == family,
            None => self == Self::Events,
        }
    }

    /// Whether ingestion of live events can be stopped and started (CloudTrail API reference,
    /// StopEventDataStoreIngestion).
    pub fn can_stop(self) -> bool {
        matches!(self, Self::Events | Self::ConfigurationItem)
    }

    /// Whether a store of this family can take the events of all Regions (CloudTrail user guide, "Create an event data
    /// store for events outside of AWS").
    pub fn can_be_multi_region(self) -> bool {
        self != Self::Activity
    }
}

/// What is wrong with a request about a store. The text is the message of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// An argument has a value it cannot have.
    #[error("{0}")]
    Parameter(String),
    /// Arguments that do not go together.
    #[error("{0}")]
    Combination(String),
    /// The ARN of a store.
    #[error("{0}")]
    Arn(String),
    /// Event selectors.
    #[error(transparent)]
    Selectors(#[from] SelectorError),
}

/// Checks the name of a store.
pub fn check_name(name: &str) -> Result<(), Invalid> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let length = name.chars().count();
    if !(NAME_CHARS_MIN..=NAME_CHARS_MAX).contains(&length) {
        let message =
            format!("The name of an event data store has {NAME_CHARS_MIN} to {NAME_CHARS_MAX} characters, this one {length}.");
        return Err(Invalid::Parameter(message));
    }
    if !name.bytes().all(legal) {
        return Err(Invalid::Parameter(
            "The name of an event data store can only contain letters, numbers, periods (.), hyphens (-), and underscores (_)."
                .to_owned(),
        ));
    }
    Ok(())
}

/// How a request names a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdOrArn {
    /// What should be the last part of its ARN.
    Id(String),
    /// The ARN of a store that may exist.
    Arn(Arn),
}

impl IdOrArn {
    /// Reads an `EventDataStore` argument. Only what begins like an ARN can be a bad one.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if !text.starts_with("arn:") {
            return Ok(Self::Id(text.to_owned()));
        }
        let arn: Option<Arn> = text.parse().ok();
        arn.filter(is_store).map(Self::Arn).ok_or_else(|| Invalid::Arn(format!("The event data store ARN {text} is not valid.")))
    }

    /// The store's id.
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Arn(arn) => arn.event_data_store_id().unwrap_or_default(),
        }
    }
}

fn is_store(arn: &Arn) -> bool {
    arn.event_data_store_id().is_some_and(is_uuid)
        && arn.region.parse::<Region>().is_ok()
        && arn.account.parse::<AccountId>().is_ok()
}

/// Whether the text has the form of a store's id: a UUID in lower case.
pub fn is_uuid(text: &str) -> bool {
    let groups = [8, 4, 4, 4, 12];
    text.split('-').map(str::len).eq(groups) && text.bytes().all(|b| b == b'-' || matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
