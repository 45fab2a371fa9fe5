//! What became of every file.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};

use super::names::Skip;

/// Files that are named in the summary, damaged ones and ones with rejected records each; more are named on stderr when
/// they are met, so that memory stays bounded.
pub(super) const NAMED_MAX: usize = 10_000;

/// Why nothing was read from a file: the server's words, or ours where it could not be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Damage {
    pub(super) code: String,
    pub(super) message: String,
}

impl Damage {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// A file nothing was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Damaged {
    pub(super) file: String,
    #[serde(flatten)]
    pub(super) damage: Damage,
}

/// A file with records that were rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Rejecting {
    pub(super) file: String,
    /// How many.
    pub(super) records: u64,
    /// The first of them.
    pub(super) first: Rejected,
}

/// A record that was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rejected {
    pub(super) index: u64,
    pub(super) code: String,
    pub(super) message: String,
}

/// The server's word on a file.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Outcome {
    pub(super) file: String,
    #[serde(default)]
    pub(super) accepted: u64,
    #[serde(default)]
    pub(super) duplicates: u64,
    #[serde(default)]
    pub(super) conflicts: u64,
    #[serde(default)]
    pub(super) expired: u64,
    #[serde(default)]
    pub(super) rejected: Vec<Rejected>,
    #[serde(default)]
    pub(super) error: Option<Damage>,
}

/// The numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) files_read: u64,
    pub(super) bytes_read: u64,
    pub(super) files_damaged: u64,
    pub(super) files_rejecting: u64,
    pub(super) files_done_before: u64,
    pub(super) files_skipped: BTreeMap<Skip, u64>,
    pub(super) new: u64,
    pub(super) duplicates: u64,
    pub(super) conflicts: u64,
    pub(super) expired: u64,
    pub(super) rejected: BTreeMap<String, u64>,
}

impl Counts {
    /// Files of which it is known what became of them, those passed over aside.
    pub(super) fn files(&self) -> u64 {
        self.files_read + self.files_damaged + self.files_done_before
    }

    /// Records of which it is known what became of them.
    pub(super) fn records(&self) -> u64 {
        self.new + self.duplicates + self.expired + self.rejected.values().sum::<u64>()
    }
}

/// The numbers, and the files that need attention.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) counts: Counts,
    pub(super) damaged: Vec<Damaged>,
    pub(super) rejecting: Vec<Rejecting>,
}

/// The account, kept by everyone who handles files.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Account>);

impl Tally {
    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().expect("nothing panics while it counts")
    }

    /// Files that were passed over.
    pub(super) fn skipped(&self, skip: Skip, files: u64) {
        *self.account().counts.files_skipped.entry(skip).or_default() += files;
    }

    /// Files that an earlier import has finished.
    pub(super) fn done_before(&self, files: u64) {
        self.account().counts.files_done_before += files;
    }

    /// A file nothing can be read from.
    pub(super) fn damaged(&self, file: String, damage: Damage) {
        let mut account = self.account();
        account.counts.files_damaged += 1;
        if account.damaged.len() < NAMED_MAX {
            account.damaged.push(Damaged { file, damage });
        } else {
            eprintln!("damaged: {file}: {}: {}", damage.code, damage.message);
        }
    }

    /// What the server says of a file of that name and size. Answers whether it is finished.
    pub(super) fn answered(&self, file: String, bytes: u64, outcome: Outcome) -> bool {
        if let Some(damage) = outcome.error {
            self.damaged(file, damage);
            return false;
        }
        let mut account = self.account();
        let counts = &mut account.counts;
        counts.files_read += 1;
        counts.bytes_read += bytes;
        counts.new += outcome.accepted;
        counts.duplicates += outcome.duplicates;
        counts.conflicts += outcome.conflicts;
        counts.expired += outcome.expired;
        let records = outcome.rejected.len() as u64;
        for rejected in &outcome.rejected {
            *counts.rejected.entry(rejected.code.clone()).or_default() += 1;
        }
        let Some(first) = outcome.rejected.into_iter().next() else { return true };
        counts.files_rejecting += 1;
        if account.rejecting.len() < NAMED_MAX {
            account.rejecting.push(Rejecting { file, records, first });
        } else {
            eprintln!("rejected: {file}: {records} records, the first {}: {}", first.code, first.message);
        }
        false
    }

    /// The numbers so far.
    pub(super) fn counts(&self) -> Counts {
        self.account().counts.clone()
    }

    /// Everything so far.
    pub(super) fn snapshot(&self) -> Account {
        self.account().clone()
    }

    /// Whether no file was damaged and no record rejected.
    pub(super) fn is_clean(&self) -> bool {
        let counts = self.counts();
        counts.files_damaged == 0 && counts.rejected.is_empty()
    }
}
