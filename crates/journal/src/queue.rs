//! Between callers and the writer: room is reserved first, then entries are put in line, and a ticket tells when they
//! are on disk. What waits here is bounded in bytes.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::entry::within;
use crate::{Commit, Entry, Error, Kind, LEDGERS_MAX, Position};

#[cfg(test)]
mod tests;

/// Bytes of control entries that may wait, beside those of events: a full queue must not keep a cut from being
/// recorded.
pub const CONTROL_QUEUE_BYTES_MAX: usize = 8 << 20;

/// Bytes of entries that nobody waits for, from which on they are written at once: what one group takes at most.
const UNHURRIED_BYTES_MAX: usize = 1 << 20;
/// How long entries that nobody waits for may stay in line before they are written: long enough for many to share a group
/// when they come one at a time, and too short for anybody to notice.
pub const UNHURRIED_WAIT: Duration = Duration::from_millis(5);

/// Number of a ledger in this run of the journal, dense: the writer needs no hashing.
pub(crate) type LedgerNumber = usize;

/// Room in the queue, given back when the entries are on disk or the permit is dropped.
#[derive(Debug)]
pub struct Permit {
    room: OwnedSemaphorePermit,
    unhurried: bool,
}

/// The promise that entries will be on disk. It may be dropped: the entries are written all the same.
#[derive(Debug)]
pub struct Ticket {
    positions: Range<Position>,
    done: oneshot::Receiver<Result<Commit, Error>>,
}

/// What one caller put in line. It is written as a whole, or not at all.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<Entry>,
    /// Of each entry.
    pub(crate) ledgers: Vec<LedgerNumber>,
    positions: Range<Position>,
    bytes: usize,
    done: oneshot::Sender<Result<Commit, Error>>,
    /// Dropped with the batch.
    _room: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    events: Arc<Semaphore>,
    control: Arc<Semaphore>,
    events_bytes_max: usize,
}

#[derive(Debug)]
struct State {
    batches: VecDeque<Batch>,
    /// Bytes of the batches.
    bytes: usize,
    /// Whether somebody waits for one of them.
    hurried: bool,
    next: Position,
    numbers: HashMap<Bytes, LedgerNumber>,
    stopped: Option<Stopped>,
}

#[derive(Clone, Debug)]
enum Stopped {
    Closed,
    Poisoned(Arc<str>),
}

impl Ticket {
    /// Positions the entries will have. They are theirs only if the ticket resolves without an error.
    pub fn positions(&self) -> Range<Position> {
        self.positions.clone()
    }

    /// Blocks the thread until the entries are on disk. Not for async callers, who await the ticket.
    pub fn wait(self) -> Result<Commit, Error> {
        self.done.blocking_recv().unwrap_or_else(|_| Err(writer_gone()))
    }
}

impl Future for Ticket {
    type Output = Result<Commit, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.done).poll(context).map(|answer| answer.unwrap_or_else(|_| Err(writer_gone())))
    }
}

fn writer_gone() -> Error {
    Error::Poisoned { reason: "the writer ended unexpectedly".into() }
}

impl Batch {
    /// Answers the caller and gives the room back.
    pub(crate) fn finish(self, written: Result<i64, Error>) {
        let Range { start: first, end } = self.positions;
        let answer = written.map(|accepted_at_us| Commit { first, end, accepted_at_us });
        // Nobody need be waiting.
        let _ = self.done.send(answer);
    }
}

impl Queue {
    /// `next` is the position of the first entry that will come.
    pub(crate) fn new(events_bytes_max: usize, next: Position, numbers: HashMap<Bytes, LedgerNumber>) -> Self {
        Self {
            state: Mutex::new(State { batches: VecDeque::new(), bytes: 0, hurried: false, next, numbers, stopped: None }),
            arrived: Condvar::new(),
            events: Arc::new(Semaphore::new(events_bytes_max)),
            control: Arc::new(Semaphore::new(CONTROL_QUEUE_BYTES_MAX)),
            events_bytes_max,
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        self.lock().check()
    }

    pub(crate) fn poisoned(&self) -> Option<Arc<str>> {
        match &self.lock().stopped {
            Some(Stopped::Poisoned(reason)) => Some(Arc::clone(reason)),
            _ => None,
        }
    }

    /// Bytes reserved and not yet on disk.
    pub(crate) fn reserved_bytes(&self) -> usize {
        let free = self.events.available_permits() + self.control.available_permits();
        (self.events_bytes_max + CONTROL_QUEUE_BYTES_MAX).saturating_sub(free)
    }

    pub(crate) async fn reserve(&self, bytes: usize, kind: Kind, wait: Duration) -> Result<Permit, Error> {
        let (room, max) = match kind {
            Kind::Event => (&self.events, self.events_bytes_max),
            Kind::Control => (&self.control, CONTROL_QUEUE_BYTES_MAX),
        };
        within("reservation", bytes, max.min(u32::MAX as usize))?;
        let wanted = bytes as u32;
        if let Ok(room) = Arc::clone(room).try_acquire_many_owned(wanted) {
            return Ok(Permit { room, unhurried: false });
        }
        match tokio::time::timeout(wait, Arc::clone(room).acquire_many_owned(wanted)).await {
            Ok(Ok(room)) => Ok(Permit { room, unhurried: false }),
            Ok(Err(_)) => Err(self.check().err().unwrap_or(Error::Closed)),
            Err(_) => Err(Error::Busy),
        }
    }

    pub(crate) fn enqueue(&self, permit: Option<Permit>, entries: Vec<Entry>) -> Ticket {
        let (done, answer) = oneshot::channel();
        let bytes = entries.iter().map(Entry::bytes).sum();
        let hurried = permit.as_ref().is_none_or(|permit| !permit.unhurried);
        let room = permit.map(|permit| permit.enlarged(bytes));
        let valid = entries.iter().try_for_each(Entry::check);

        let mut state = self.lock();
        let admitted = valid.and_then(|()| state.check()).and_then(|()| state.number(&entries));
        let ledgers = match admitted {
            Ok(ledgers) => ledgers,
            Err(error) => {
                let positions = state.next..state.next;
                drop(state);
                let _ = done.send(Err(error));
                return Ticket { positions, done: answer };
            }
        };
        let positions = state.next..state.next + entries.len() as u64;
        state.next = positions.end;
        // The writer looks once when the first comes, and then not before somebody waits or time is up.
        let look = hurried || state.batches.is_empty();
        state.hurried |= hurried;
        state.bytes += bytes;
        state.batches.push_back(Batch { entries, ledgers, positions: positions.clone(), bytes, done, _room: room });
        let look = look || state.bytes >= UNHURRIED_BYTES_MAX;
        drop(state);
        if look {
            self.arrived.notify_one();
        }
        Ticket { positions, done: answer }
    }

    /// Waits for batches; takes them in order until they are `bytes_max` together, at least one. `None`: the writer
    /// shall end.
    pub(crate) fn take(&self, bytes_max: usize) -> Option<Vec<Batch>> {
        let mut state = self.lock();
        while state.batches.is_empty() {
            if state.stopped.is_some() {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.hurried {
            let unhurried = |state: &mut State| !state.hurried && state.bytes < UNHURRIED_BYTES_MAX && state.stopped.is_none();
            let waited = self.arrived.wait_timeout_while(state, UNHURRIED_WAIT, unhurried);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(batch) = state.batches.pop_front_if(|batch| bytes == 0 || bytes + batch.bytes <= bytes_max) {
            bytes += batch.bytes;
            taken.push(batch);
        }
        state.bytes -= bytes;
        // What is left may have somebody who waits.
        state.hurried &= !state.batches.is_empty();
        Some(taken)
    }

    /// Nothing of a group became visible: its callers, and those in line behind it, whose positions are void, get the
    /// error. The next entry will be at `next`.
    pub(crate) fn fail(&self, group: Vec<Batch>, next: Position, error: &Error) {
        let mut state = self.lock();
        state.next = next;
        let waiting = std::mem::take(&mut state.batches);
        (state.bytes, state.hurried) = (0, false);
        drop(state);
        for batch in group.into_iter().chain(waiting) {
            batch.finish(Err(error.clone()));
        }
    }

    /// Nothing more is taken on, now or ever, and all who wait are told why.
    pub(crate) fn poison(&self, reason: &str) {
        tracing::error!(reason, "the journal stops: restart to recover");
        let reason: Arc<str> = reason.into();
        let mut state = self.lock();
        state.stopped = Some(Stopped::Poisoned(Arc::clone(&reason)));
        let next = state.next;
        drop(state);
        self.refuse();
        self.fail(Vec::new(), next, &Error::Poisoned { reason });
        self.arrived.notify_one();
    }

    /// Nothing more is taken on; what is in line will be written.
    pub(crate) fn close(&self) {
        self.lock().stopped.get_or_insert(Stopped::Closed);
        self.refuse();
        self.arrived.notify_one();
    }

    fn refuse(&self) {
        self.events.close();
        self.control.close();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check(&self) -> Result<(), Error> {
        match &self.stopped {
            None => Ok(()),
            Some(Stopped::Closed) => Err(Error::Closed),
            Some(Stopped::Poisoned(reason)) => Err(Error::Poisoned { reason: Arc::clone(reason) }),
        }
    }

    /// Number of each entry's ledger. Callers often send runs of one ledger, which are looked up once.
    fn number(&mut self, entries: &[Entry]) -> Result<Vec<LedgerNumber>, Error> {
        let mut numbers = Vec::with_capacity(entries.len());
        let mut last: Option<(&Bytes, LedgerNumber)> = None;
        for Entry { ledger, .. } in entries {
            let number = match last {
                Some((known, number)) if known == ledger => number,
                _ => self.number_of(ledger)?,
            };
            last = Some((ledger, number));
            numbers.push(number);
        }
        Ok(numbers)
    }

    fn number_of(&mut self, ledger: &Bytes) -> Result<LedgerNumber, Error> {
        if let Some(number) = self.numbers.get(ledger) {
            return Ok(*number);
        }
        let number = self.numbers.len();
        if number >= LEDGERS_MAX {
            return Err(Error::TooManyLedgers { max: LEDGERS_MAX });
        }
        // A copy, since the caller's may be a slice of a whole request.
        self.numbers.insert(Bytes::copy_from_slice(ledger), number);
        Ok(number)
    }
}

impl Permit {
    /// Nobody waits for what is put in line with this: it may stay there for [`UNHURRIED_WAIT`], to be written together
    /// with more.
    #[must_use]
    pub fn unhurried(self) -> Self {
        Self { unhurried: true, ..self }
    }

    /// Takes what the entries need beyond the reservation from the room that is left, without waiting for it.
    fn enlarged(self, bytes: usize) -> OwnedSemaphorePermit {
        let Self { mut room, .. } = self;
        let missing = bytes.saturating_sub(room.num_permits());
        let more = u32::try_from(missing).ok().filter(|missing| *missing > 0);
        if let Some(more) = more.and_then(|more| Arc::clone(room.semaphore()).try_acquire_many_owned(more).ok()) {
            room.merge(more);
        }
        room
    }
}
