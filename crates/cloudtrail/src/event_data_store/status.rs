//! The states of a store, and which change leads from one to another.

use serde::{Deserialize, Serialize};

/// The state of a store, as answers name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Made, and not at work yet: seconds.
    Created,
    /// Takes live events.
    Enabled,
    /// Told to take live events again.
    StartingIngestion,
    /// Told to take no more live events; those acknowledged before still come in.
    StoppingIngestion,
    /// Takes no live events; queries, imports and retention go on.
    StoppedIngestion,
    /// Deleted, and not yet gone: it can be restored.
    PendingDeletion,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Created,
        Self::Enabled,
        Self::StartingIngestion,
        Self::StoppingIngestion,
        Self::StoppedIngestion,
        Self::PendingDeletion,
    ];

    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Enabled => "ENABLED",
            Self::StartingIngestion => "STARTING_INGESTION",
            Self::StoppingIngestion => "STOPPING_INGESTION",
            Self::StoppedIngestion => "STOPPED_INGESTION",
            Self::PendingDeletion => "PENDING_DELETION",
        }
    }

    /// The state of that word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether the store can be used for anything but being restored.
    pub fn is_active(self) -> bool {
        self != Self::PendingDeletion
    }

    /// Whether it is on its way to another state by itself.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Created | Self::StartingIngestion | Self::StoppingIngestion)
    }
}
