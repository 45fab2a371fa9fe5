//! The recorder: the one door through which events come in. Nothing is acknowledged before the journal has it on disk.
//!
//! An event is asked whose it is and what would keep it, gets room in the journal's queue, and is then, under one short
//! lock, judged by what was [seen](super::seen) and given its place in the journal. The lock makes the order of judging the
//! order of the journal. A duplicate is answered only when all that came before it is on disk: what it repeats may have
//! been in flight. Room is taken before the lock, so that nothing judged has to be undone for want of it. An event for an
//! event data store that is named is not judged: the store makes its own unique.
//!
//! All that goes into the journal goes through here, control records too: that is how the recorder notices that the
//! journal, its disk full, took entries back (see [`Turn::end`](super::seen::Turn::end)).

mod outcome;
mod recovery;
mod room;
mod sift;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloudtrail::event::Event;
use journal::{Commit, Journal, Kind, Permit, Position};

use super::origin::{Origin, Route};
use super::parcel::Parcel;
use super::seen::{self, Placed, Probe, Seen, Upkeep, Verdict};
use crate::accounts::Accounts;
use crate::clock::SharedClock;
use crate::route::recent::Recent;
use crate::route::table::SharedTable;
pub use outcome::{Outcome, Pending, RecordError, Sender};
pub use room::Room;
use sift::{Candidate, Sifted};

/// Bytes of events that are judged and enqueued at once: a sixteenth of the journal's queue.
pub const GROUP_BYTES_MAX: usize = 4 << 20;
/// Events that are judged at once: keeps the lock short when they are small.
pub const GROUP_EVENTS_MAX: usize = 8192;
/// How long a request waits for room before it is told to come back.
pub const WAIT: Duration = Duration::from_secs(5);
/// Up to so many events are prepared in place; more are on a thread where they may take their time.
const IN_PLACE_EVENTS_MAX: usize = 16;
/// How often a group is probed anew because a table was sealed in between, before it is probed under the lock.
const PROBES_MAX: usize = 3;

/// What a recorder is made of besides the journal.
pub struct Parts {
    /// What keeps events, asked at the door.
    pub routes: SharedTable,
    /// Which accounts are walls.
    pub accounts: Accounts,
    /// The time.
    pub clock: SharedClock,
    /// The bounds of what is remembered.
    pub seen: seen::Options,
    /// How long a request waits for room; see [`WAIT`].
    pub wait: Duration,
}

/// Why there is no recorder.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The record of events seen cannot be kept.
    #[error(transparent)]
    Seen(#[from] seen::Error),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] journal::Error),
}

/// How the door fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Why events are refused, if they are.
    pub refusing: Option<String>,
    /// How the journal fares.
    pub journal: journal::Status,
    /// How much is remembered.
    pub seen: seen::Stats,
}

/// The door; clones are the same one.
#[derive(Clone)]
pub struct Recorder {
    inner: Arc<Inner>,
}

struct Inner {
    journal: Journal,
    seen: Seen,
    routes: SharedTable,
    accounts: Accounts,
    clock: SharedClock,
    wait: Duration,
    recent: Recent,
    /// Held by the one who reads tables back.
    healing: tokio::sync::Mutex<()>,
}

impl Recorder {
    /// Opens the door to `journal`, with what was seen in `seen_dir`, which is first completed from the journal. Blocks.
    ///
    /// The [`Upkeep`] has to run beside it.
    pub fn open(journal: Journal, seen_dir: &Path, parts: Parts) -> Result<(Self, Upkeep), OpenError> {
        let Parts { routes, accounts, clock, seen: options, wait } = parts;
        let (seen, damages) = Seen::open(seen_dir, options, journal.first()..journal.committed())?;
        recovery::complete(&journal, &seen, damages)?;
        let upkeep = Upkeep::new(seen.clone(), journal.subscribe(), Arc::clone(&clock));
        let healing = tokio::sync::Mutex::new(());
        let inner = Inner { journal, seen, routes, accounts, clock, wait, recent: Recent::default(), healing };
        Ok((Self { inner: Arc::new(inner) }, upkeep))
    }

    /// Records `events`; returns when they are on disk. The index of each is its place.
    ///
    /// Without a `route` an event goes where a live event goes; an import goes into event history and stores.
    pub async fn record(
        &self,
        events: Vec<Event>,
        origin: Origin,
        route: Option<Route>,
        sender: &Sender,
    ) -> Result<Outcome, RecordError> {
        self.record_parcel(events.into(), origin, route, sender).await
    }

    /// Records the events of a parcel; returns when they are on disk. The outcome also has what the parcel had rejected.
    pub async fn record_parcel(
        &self,
        parcel: Parcel,
        origin: Origin,
        route: Option<Route>,
        sender: &Sender,
    ) -> Result<Outcome, RecordError> {
        let outcomes = self.enqueue(vec![parcel], origin, route, sender).await?.durable().await?;
        Ok(outcomes.into_iter().next().unwrap_or_default())
    }

    /// Puts the events of `parcels` in line. Small parcels share a group: a thousand little files cost one fsync.
    pub async fn enqueue(
        &self,
        parcels: Vec<Parcel>,
        origin: Origin,
        route: Option<Route>,
        sender: &Sender,
    ) -> Result<Pending, RecordError> {
        self.enqueue_to(parcels, origin, route.into_iter().collect(), sender).await
    }

    /// The same for several routes: an event goes all of them, and what becomes of it is told of the first that keeps it.
    /// Without any it goes where events of its origin go.
    pub async fn enqueue_to(
        &self,
        parcels: Vec<Parcel>,
        origin: Origin,
        routes: Vec<Route>,
        sender: &Sender,
    ) -> Result<Pending, RecordError> {
        let errand = sift::Errand::new(sender.clone(), origin, routes);
        let mut pending = Pending::new(parcels.len());
        for group in sift::Groups::new(parcels, &mut pending.outcomes) {
            let sifted = self.sift(group, &errand).await?;
            self.place(sifted, None, &mut pending).await?;
        }
        for outcome in &mut pending.outcomes {
            outcome.rejected.sort_by_key(|rejected| rejected.index);
        }
        Ok(pending)
    }

    /// Records something of ours about the journal itself, under `ledger`; returns when it is on disk.
    pub async fn control(&self, ledger: &str, payload: Bytes) -> Result<Commit, RecordError> {
        let Inner { journal, seen, wait, .. } = &*self.inner;
        let entry = journal::Entry {
            kind: Kind::Control,
            ledger: Bytes::copy_from_slice(ledger.as_bytes()),
            origin: Origin::Own as u8,
            flags: Route::NONE.bits(),
            principal: Bytes::new(),
            payload,
        };
        let permit = journal.reserve(entry.bytes(), Kind::Control, *wait).await?;
        let ticket = {
            let turn = seen.turn();
            let ticket = journal.enqueue(permit, vec![entry]);
            turn.end_other(&ticket.positions());
            ticket
        };
        Ok(ticket.await?)
    }

    /// Whether events would be taken at the moment.
    pub fn ready(&self) -> Result<(), RecordError> {
        let status = self.inner.journal.status();
        match refusing(&status) {
            Some(reason) => Err(RecordError::Unavailable { reason }),
            None => Ok(()),
        }
    }

    /// Whether anything keeps data events at all; who makes many of them can spare the work.
    pub fn keeps_data_events(&self) -> bool {
        self.inner.routes.load().selects_data()
    }

    /// What was admitted moments ago, for the feed.
    pub fn recent(&self) -> Recent {
        self.inner.recent.clone()
    }

    /// How the door fares.
    pub fn status(&self) -> Status {
        let journal = self.inner.journal.status();
        Status { refusing: refusing(&journal), journal, seen: self.inner.seen.stats() }
    }

    /// Position after the last entry on disk.
    pub fn committed(&self) -> Position {
        self.inner.journal.committed()
    }

    /// The journal must be kept from here on, for what was seen.
    pub fn checkpoint(&self) -> Position {
        self.inner.seen.checkpoint()
    }

    async fn sift(&self, group: Vec<sift::Item>, errand: &sift::Errand) -> Result<Sifted, RecordError> {
        if group.len() <= IN_PLACE_EVENTS_MAX {
            return Ok(self.inner.sift(group, errand));
        }
        let (inner, errand) = (Arc::clone(&self.inner), errand.clone());
        blocking(move || inner.sift(group, &errand)).await
    }

    /// Judges a group and puts what is not a duplicate in line, in the room that was taken for it if there is any.
    async fn place(&self, sifted: Sifted, room: Option<Permit>, pending: &mut Pending) -> Result<(), RecordError> {
        let Sifted { candidates, expired, rejected } = sifted;
        for parcel in expired {
            pending.outcomes[parcel].expired += 1;
        }
        for (parcel, rejected) in rejected {
            pending.outcomes[parcel].rejected.push(rejected);
        }
        if candidates.is_empty() {
            return Ok(());
        }
        self.inner.recent.pace().keep(candidates.len(), || self.committed()).await;
        let permit = match room {
            Some(permit) => permit,
            None => self.room(candidates.iter().map(|candidate| candidate.entry.bytes()).sum(), self.inner.wait).await?,
        };
        let mut probe = self.probe(candidates.iter().filter_map(|candidate| candidate.seen).collect()).await?;
        for _ in 1..PROBES_MAX {
            {
                // The lock ends with this block, before the next wait: the future has to be Send.
                let turn = self.inner.seen.turn();
                if turn.is_current(&probe) || !turn.is_open() {
                    return self.inner.take_turn(turn, &probe, candidates, permit, pending);
                }
            }
            probe = self.probe(probe.into_entries()).await?;
        }
        let turn = self.inner.seen.turn();
        if !turn.is_current(&probe) {
            probe = self.inner.seen.probe(probe.into_entries());
            probe.read_runs();
        }
        self.inner.take_turn(turn, &probe, candidates, permit, pending)
    }

    /// Room in memory for the entries and in the journal's queue for the bytes.
    async fn room(&self, bytes: usize, wait: Duration) -> Result<Permit, RecordError> {
        let Inner { journal, seen, .. } = &*self.inner;
        if seen.is_stale() {
            self.heal().await?;
        }
        if !seen.room(wait).await {
            return Err(RecordError::BUSY);
        }
        Ok(journal.reserve(bytes, Kind::Event, wait).await?)
    }

    /// What is known of `entries`; the disk is read where waiting hurts nobody.
    async fn probe(&self, entries: Vec<seen::Entry>) -> Result<Probe, RecordError> {
        if entries.len() <= IN_PLACE_EVENTS_MAX {
            let mut probe = self.inner.seen.probe(entries);
            if !probe.needs_disk() {
                return Ok(probe);
            }
            return blocking(move || {
                probe.read_runs();
                probe
            })
            .await;
        }
        let seen = self.inner.seen.clone();
        blocking(move || {
            let mut probe = seen.probe(entries);
            probe.read_runs();
            probe
        })
        .await
    }

    /// Reads the tables back from the journal after it took entries back.
    async fn heal(&self) -> Result<(), RecordError> {
        let _one_at_a_time = self.inner.healing.lock().await;
        if !self.inner.seen.is_stale() {
            return Ok(());
        }
        let inner = Arc::clone(&self.inner);
        let healed = blocking(move || recovery::heal(&inner.journal, &inner.seen)).await?;
        healed.map_err(|error| RecordError::unavailable(&error))
    }
}

impl Inner {
    /// The part under the lock: no waiting, and no disk unless tables are sealed all the time.
    fn take_turn(
        &self,
        mut turn: seen::Turn<'_>,
        probe: &Probe,
        candidates: Vec<Candidate>,
        permit: Permit,
        pending: &mut Pending,
    ) -> Result<(), RecordError> {
        if !turn.is_open() {
            return Err(RecordError::BUSY);
        }
        turn.complain_of(probe);
        let mut entries = Vec::with_capacity(candidates.len());
        let mut touched = Vec::with_capacity(candidates.len());
        let mut events = Vec::with_capacity(candidates.len());
        let mut judged = 0..;
        for Candidate { parcel, seen, told, entry, event } in candidates {
            let verdict = if let Some(i) = seen.and_then(|_| judged.next()) {
                turn.judge(probe, i)
            } else {
                turn.pass();
                Verdict::New
            };
            if told {
                pending.count(parcel, verdict, &entry);
            }
            touched.push(parcel);
            if verdict != Verdict::Duplicate {
                entries.push(entry);
                events.push(event);
            }
        }
        let payload_bytes = entries.iter().map(|entry| entry.payload.len() as u64).sum();
        let ticket = if entries.is_empty() {
            drop(permit);
            self.journal.barrier()
        } else {
            self.journal.enqueue(permit, entries)
        };
        // Before anyone can ask for them: the journal writes on a thread of its own.
        if !events.is_empty() {
            self.recent.offer(ticket.positions().start, events);
        }
        let placed = turn.end(ticket.positions(), self.clock.now_us(), payload_bytes);
        for parcel in touched {
            pending.outcomes[parcel].end = ticket.positions().end;
        }
        pending.tickets.push(ticket);
        // A refusal is the ticket's to tell.
        if placed == Placed::Stale { Err(RecordError::BUSY) } else { Ok(()) }
    }
}

fn refusing(status: &journal::Status) -> Option<String> {
    let full = || status.disk_full.then(|| "the disk is full".to_owned());
    status.poisoned.clone().or_else(full)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, RecordError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| RecordError::unavailable(&error))
}

#[cfg(test)]
mod tests;
