//! Imports: which log files of a bucket one takes, by where they lie, what they are called and what time they bear.
//!
//! What must stay true: a file is taken, passed over by a rule written here, or a failure that is listed; never
//! forgotten (lake.md, section 13).

mod folders;
mod location;
mod range;
mod walk;

pub use folders::Folders;
pub use location::{Invalid, Location};
pub use range::{DELIVERY_LAG_S_MAX, NAME_ROUNDING_S, Range, Span};
pub use walk::{FILE_BYTES_MAX, Foreign, Step, Walk, delivered, untimely};

/// Where an import stands (API reference, GetImport).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Asked for, and not begun.
    Initializing,
    /// Under way.
    InProgress,
    /// Every file is in.
    Completed,
    /// At an end, and at least one file is not in.
    Failed,
    /// Stopped before its end.
    Stopped,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Initializing, Self::InProgress, Self::Completed, Self::Failed, Self::Stopped];

    /// The word of the API, which is also the one that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "INITIALIZING",
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Stopped => "STOPPED",
        }
    }

    /// The status of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether it is at work, or about to be.
    pub const fn is_ongoing(self) -> bool {
        matches!(self, Self::Initializing | Self::InProgress)
    }

    /// Whether it can be started again where it was: `StartImport` with an ImportId.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Failed | Self::Stopped)
    }
}

/// What became of a file that failed once (API reference, ListImportFailures).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureStatus {
    /// It is not in.
    Failed,
    /// It is about to be tried again.
    Retry,
    /// It is in after all.
    Succeeded,
}

impl FailureStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Failed, Self::Retry, Self::Succeeded];

    /// The word of the API, which is also the one that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::Retry => "RETRY",
            Self::Succeeded => "SUCCEEDED",
        }
    }

    /// The status of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

#[cfg(test)]
mod tests;
