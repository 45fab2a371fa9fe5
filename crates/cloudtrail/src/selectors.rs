//! Event selectors: which of the events it covers a trail logs. Basic ones choose by read or write, by management
//! event source and by three types of resource; advanced ones test fields of the record.
//!
//! What must stay true: what [`Selectors::validate`] accepts, [`Matcher`] decides, without panicking, for any record;
//! a record member that is absent can select nothing and veto nothing (trails.md §9.2).

mod advanced;
mod basic;
mod legality;
mod matcher;
mod resource_types;
mod subject;

use serde::{Deserialize, Serialize};

pub use advanced::{AdvancedEventSelector, AdvancedFieldSelector};
pub use basic::{DataResource, EventSelector, ReadWriteType};
pub use legality::check_store as check_store_selectors;
pub use matcher::Matcher;
pub use resource_types::is_known as is_known_resource_type;
pub use subject::Subject;

use crate::event::Event;

/// Basic selectors of a trail (CloudTrail quotas).
pub const BASIC_MAX: usize = 5;
/// Values of DataResources over all basic selectors of a trail (same page).
pub const DATA_RESOURCES_MAX: usize = 250;
/// Values of conditions over all advanced selectors of a trail (same page).
pub const ADVANCED_VALUES_MAX: usize = 500;
/// The longest name of an advanced selector (CloudTrail API reference, AdvancedEventSelector).
pub const NAME_CHARS_MAX: usize = 1000;
/// The longest value of a condition (CloudTrail API reference, AdvancedFieldSelector).
pub const VALUE_CHARS_MAX: usize = 2048;

/// What a trail may exclude from its management events: sources of very many of them.
pub const EXCLUDABLE_SOURCES: [&str; 2] = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];

/// The selectors of a trail: of one kind or of the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selectors {
    /// Basic ones.
    #[serde(rename = "EventSelectors")]
    Basic(Vec<EventSelector>),
    /// Advanced ones.
    #[serde(rename = "AdvancedEventSelectors")]
    Advanced(Vec<AdvancedEventSelector>),
}

/// Selectors that cannot be. The text is the message of the answer (`InvalidEventSelectorsException`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SelectorError {
    /// What is wrong.
    pub message: String,
}

impl SelectorError {
    /// An error with that message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl Selectors {
    /// Basic ones, if they obey the rules.
    pub fn basic(selectors: Vec<EventSelector>) -> Result<Self, SelectorError> {
        Self::Basic(selectors).validated()
    }

    /// Advanced ones, if they obey the rules.
    pub fn advanced(selectors: Vec<AdvancedEventSelector>) -> Result<Self, SelectorError> {
        Self::Advanced(selectors).validated()
    }

    /// What a trail logs that has never been told: all management events.
    pub fn default_for_new_trail() -> Self {
        Self::Basic(vec![EventSelector::default()])
    }

    /// Whether these are other than a new trail's (`HasCustomEventSelectors`).
    pub fn has_custom(&self) -> bool {
        *self != Self::default_for_new_trail()
    }

    /// Whether they obey the rules for trails.
    pub fn validate(&self) -> Result<(), SelectorError> {
        match self {
            Self::Basic(selectors) => basic::check(selectors),
            Self::Advanced(selectors) => legality::check_trail(selectors),
        }
    }

    fn validated(self) -> Result<Self, SelectorError> {
        self.validate().map(|()| self)
    }

    /// As GetEventSelectors shows them: the fields of advanced selectors sorted by name.
    #[must_use]
    pub fn in_get_order(&self) -> Self {
        let mut selectors = self.clone();
        if let Self::Advanced(selectors) = &mut selectors {
            for selector in selectors {
                selector.field_selectors.sort_by(|a, b| a.field.cmp(&b.field));
            }
        }
        selectors
    }

    /// Makes them ready to decide about many events.
    pub fn compile(&self) -> Matcher {
        Matcher::of(self)
    }

    /// Whether they choose this one event. For many events, [`compile`](Self::compile) them.
    pub fn matches(&self, event: &Event) -> bool {
        self.compile().matches(event)
    }
}

#[cfg(test)]
mod tests;
