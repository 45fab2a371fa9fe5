//! Event data stores: what one may be called, what it is set to, what it keeps and for how long, and which state it is in.
//!
//! Pure: which error code an answer bears is the control plane's to choose (reference: CloudTrail user guide, "Working
//! with CloudTrail Lake"; API reference, CreateEventDataStore).

use serde::{Deserialize, Serialize};

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
}
