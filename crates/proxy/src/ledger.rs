//! Where the records of proxies go: into the journal of this installation, or into a journal of their own, from which
//! they are [shipped](shipping) to another one.
//!
//! In both, a record is kept once the journal has it on disk. What a call is about to do can be put down before it does
//! it: an [`Intent`] is the record of a call whose outcome is unknown, and becomes one at the next start if no record of
//! the call followed it. The journal is kept from the oldest intent that is still open, by a cursor in the catalog.

mod aside;
mod intents;
mod open;
pub mod shipping;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use catalog::Catalog;
use cloudtrail::event::{Admission, Event, SIZE_MAX};
use journal::{Journal, Kind, Permit};
use pipeline::capture::origin::{Origin, Route};
use pipeline::capture::recorder::{RecordError, Recorder, Room, Sender};
use smol_str::SmolStr;

pub use intents::Intent;
use intents::Intents;
pub use open::{Away, Here, OpenError, refuse_away};
pub use upkeep::Upkeep;

/// The name of the cursor that keeps the journal for intents, and the ledger that they stand in.
pub(crate) const INTENTS: &str = "proxy";
/// How long a call waits for room for its record before it is refused.
pub const WAIT: Duration = Duration::from_secs(1);

/// Where records go; clones are the same one. All proxies that record into one journal share one.
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

struct Inner {
    door: Door,
    journal: Journal,
    catalog: Catalog,
    intents: Intents,
    wait: Duration,
}

/// The two forms.
enum Door {
    /// The journal of this installation, behind its recorder.
    Here(Recorder),
    /// A journal of the proxy's own.
    Away,
}

/// Room for a record, taken before there is one.
#[derive(Debug)]
pub enum Reserved {
    /// In the journal of this installation.
    Here(Room),
    /// In the proxy's own.
    Away(Permit),
}

impl Reserved {
    /// Nobody waits for the record.
    #[must_use]
    pub fn unhurried(self) -> Self {
        match self {
            Self::Here(room) => Self::Here(room.unhurried()),
            Self::Away(permit) => Self::Away(permit.unhurried()),
        }
    }
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is on disk.
    Yes,
    /// Nothing that is configured keeps it.
    No,
}

impl Ledger {
    /// Whether anything keeps data events at all.
    pub fn keeps_data_events(&self) -> bool {
        match &self.inner.door {
            Door::Here(recorder) => recorder.keeps_data_events(),
            Door::Away => true,
        }
    }

    /// Whether records would be taken at the moment.
    pub fn ready(&self) -> Result<(), RecordError> {
        let status = self.inner.journal.status();
        let full = || status.disk_full.then(|| "the disk is full".to_owned());
        match status.poisoned.clone().or_else(full) {
            Some(reason) => Err(RecordError::Unavailable { reason }),
            None => Ok(()),
        }
    }

    /// Room for a record of about `bytes`, waiting a moment for it.
    pub async fn reserve(&self, bytes: usize) -> Result<Reserved, RecordError> {
        self.reserve_within(bytes, self.inner.wait).await
    }

    /// Room for a record of about `bytes`, if there is any this moment.
    pub async fn reserve_now(&self, bytes: usize) -> Result<Reserved, RecordError> {
        self.reserve_within(bytes, Duration::ZERO).await
    }

    async fn reserve_within(&self, bytes: usize, wait: Duration) -> Result<Reserved, RecordError> {
        match &self.inner.door {
            Door::Here(recorder) => recorder.admit_room(bytes, wait).await.map(Reserved::Here),
            Door::Away => Ok(Reserved::Away(self.inner.journal.reserve(bytes, Kind::Event, wait).await?)),
        }
    }

    /// Puts down what a call is about to do, as the record it has if nothing more is heard of it. Returns when that is on
    /// disk.
    pub async fn intend(&self, record: &Event) -> Result<Intent, RecordError> {
        // In a task of its own, for who asked may go away while it is written: then the intent has to be taken back.
        let (ledger, record) = (self.clone(), record.clone());
        let written = tokio::spawn(async move { Intents::open(&ledger, &record).await });
        written.await.map_err(|error| RecordError::Unavailable { reason: error.to_string() })?
    }

    /// Records `event`, in the room that was taken for it if there is any. Returns when it is on disk.
    pub async fn record(&self, room: Option<Reserved>, event: Event, sender: &SmolStr) -> Result<Kept, RecordError> {
        let room = match room {
            Some(room) => room,
            None => self.reserve(event.bytes().len()).await?,
        };
        match (&self.inner.door, room) {
            (Door::Here(recorder), Reserved::Here(room)) => {
                let sender = Sender { account: event.account(), adopt: true, any_account: false, principal: sender.clone() };
                let placed = recorder.record_in(room, event, Origin::Proxy, &sender).await?;
                let outcomes = placed.durable().await?;
                let kept = outcomes.iter().any(|outcome| outcome.accepted + outcome.duplicates > 0);
                Ok(if kept { Kept::Yes } else { Kept::No })
            }
            (_, Reserved::Away(permit)) => {
                self.inner.journal.enqueue(permit, vec![entry(&event, sender)]).await?;
                Ok(Kept::Yes)
            }
            (Door::Away, Reserved::Here(_)) => Err(RecordError::Unavailable { reason: "room of another journal".to_owned() }),
        }
    }
}

impl Inner {
    /// Appends a control entry; returns when it is on disk.
    async fn control(&self, payload: Bytes) -> Result<(), RecordError> {
        match &self.door {
            Door::Here(recorder) => recorder.control(INTENTS, payload).await.map(drop),
            Door::Away => {
                let entry = journal::Entry {
                    kind: Kind::Control,
                    ledger: Bytes::from_static(INTENTS.as_bytes()),
                    origin: Origin::Own as u8,
                    flags: Route::NONE.bits(),
                    principal: Bytes::new(),
                    payload,
                };
                let permit = self.journal.reserve(entry.bytes(), Kind::Control, self.wait).await?;
                self.journal.enqueue(permit, vec![entry]).await?;
                Ok(())
            }
        }
    }
}

fn entry(event: &Event, sender: &SmolStr) -> journal::Entry {
    journal::Entry {
        kind: Kind::Event,
        ledger: Bytes::from(format!("{}/{}", event.account(), event.region())),
        origin: Origin::Proxy as u8,
        flags: Route::LIVE.bits(),
        principal: Bytes::copy_from_slice(sender.as_bytes()),
        payload: event.bytes().clone(),
    }
}

/// A record of ours as an event. One that is refused is a bug of ours: it is logged and counted, and nothing waits for it
/// for ever.
pub(crate) fn event(
    record: &[u8],
    account: cloudtrail::account::AccountId,
    region: &cloudtrail::region::Region,
) -> Option<Event> {
    let admission = Admission { account, region, ordinal: 0, size_max: SIZE_MAX };
    match Event::admit(record, &admission) {
        Ok(event) => Some(event),
        Err(rejection) => {
            tracing::error!(?rejection, "a record of a call is not a record");
            metrics::counter!("trailkeep_proxy_malformed_total").increment(1);
            None
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
