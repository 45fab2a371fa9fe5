//! Who hands events in, and what they are told.

use cloudtrail::account::AccountId;
use journal::{Position, Ticket};
use smol_str::SmolStr;

use super::sift;
use crate::capture::parcel::Rejected;
use crate::capture::seen::Verdict;

/// When who is refused for want of room may come back.
const RETRY_AFTER_S: u32 = 1;

/// Who hands events in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Its account, the only registered one whose events it may send.
    pub account: AccountId,
    /// Whether it may send events of unregistered accounts: the installation's root, and tokens made for it.
    pub adopt: bool,
    /// Whether it may put events of any account into event data stores that it names: imports for a store's owner, which
    /// take whatever the bucket holds.
    pub any_account: bool,
    /// What to call it: an ARN or the id of a token.
    pub principal: SmolStr,
}

impl Sender {
    /// The program itself, recording a call of `account`.
    pub fn own(account: AccountId) -> Self {
        Self { account, adopt: false, any_account: false, principal: SmolStr::new_static("trailkeep") }
    }
}

/// What became of the events of a parcel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Events kept, conflicts among them.
    pub accepted: u64,
    /// Events that had been kept before.
    pub duplicates: u64,
    /// Events whose identity had been kept with other content.
    pub conflicts: u64,
    /// Events that nothing keeps.
    pub expired: u64,
    /// Records refused, in the order of index.
    pub rejected: Vec<Rejected>,
    /// A journal position before which everything acknowledged here lies.
    pub end: Position,
}

/// Why events, or a control record, were not recorded. They may have been nevertheless, in part: sending them again is
/// safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// There is no room at the moment.
    #[error("no room for more events at the moment")]
    Busy {
        /// When to try again.
        retry_after_s: u32,
    },
    /// The journal does not take anything.
    #[error("events cannot be kept: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
}

impl RecordError {
    pub(super) const BUSY: Self = Self::Busy { retry_after_s: RETRY_AFTER_S };

    pub(super) fn unavailable(reason: &impl ToString) -> Self {
        Self::Unavailable { reason: reason.to_string() }
    }
}

impl From<journal::Error> for RecordError {
    fn from(error: journal::Error) -> Self {
        match error {
            journal::Error::Busy => Self::BUSY,
            other => Self::unavailable(&other),
        }
    }
}

/// Events that are in line for the journal, in the order of enqueueing. Dropping this takes nothing back.
#[must_use = "nothing may be acknowledged before it is durable"]
pub struct Pending {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) tickets: Vec<Ticket>,
    conflict: Option<String>,
}

impl Pending {
    pub(super) fn new(parcels: usize) -> Self {
        Self { outcomes: vec![Outcome::default(); parcels], tickets: Vec::new(), conflict: None }
    }

    /// Waits until everything is on disk, the originals of duplicates too, and says what became of each parcel.
    pub async fn durable(self) -> Result<Vec<Outcome>, RecordError> {
        for ticket in self.tickets {
            ticket.await?;
        }
        let total = |of: fn(&Outcome) -> u64| self.outcomes.iter().map(of).sum::<u64>();
        metrics::counter!("trailkeep_recorder_accepted_total").increment(total(|o| o.accepted));
        metrics::counter!("trailkeep_recorder_duplicates_total").increment(total(|o| o.duplicates));
        metrics::counter!("trailkeep_recorder_conflicts_total").increment(total(|o| o.conflicts));
        metrics::counter!("trailkeep_recorder_expired_total").increment(total(|o| o.expired));
        for rejected in self.outcomes.iter().flat_map(|outcome| &outcome.rejected) {
            metrics::counter!("trailkeep_recorder_rejected_total", "code" => rejected.code.to_string()).increment(1);
        }
        if let Some(first) = self.conflict {
            let conflicts = total(|o| o.conflicts);
            tracing::warn!(conflicts, %first, "events came again with other content; both are kept");
        }
        Ok(self.outcomes)
    }

    pub(super) fn count(&mut self, parcel: usize, verdict: Verdict, entry: &journal::Entry) {
        let outcome = &mut self.outcomes[parcel];
        match verdict {
            Verdict::Duplicate => outcome.duplicates += 1,
            Verdict::New => outcome.accepted += 1,
            Verdict::Conflict => {
                outcome.accepted += 1;
                outcome.conflicts += 1;
                self.conflict.get_or_insert_with(|| sift::describe(entry));
            }
        }
    }
}
