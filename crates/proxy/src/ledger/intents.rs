//! Intents: what calls are about to do, put down before they do it.
//!
//! What must stay true: while an intent is open, the checkpoint is not past it. A record of the same eventID behind it
//! closes it, and so does a control entry that says that there is none to come.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cloudtrail::event::Event;
use journal::{Frame, Journal, Kind, Position};
use pipeline::capture::origin::Origin;
use pipeline::capture::recorder::RecordError;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{INTENTS, Inner, Ledger};

/// Bytes read from the journal at once.
const READ_BYTES: usize = 8 << 20;

/// The intents that are open.
#[derive(Default)]
pub(super) struct Intents {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// For each, a position that its entry is not before.
    from: BTreeMap<u64, Position>,
    next: u64,
}

/// What was put down of a call. Dropped without a word, it is taken back: the call was never made, or nothing keeps its
/// record.
pub struct Intent {
    inner: Arc<Inner>,
    event_id: String,
    number: u64,
    /// Something was said of it.
    done: bool,
}

/// A control entry of ours.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry<'a> {
    /// The record of the call if nothing more is heard of it.
    #[serde(borrow)]
    Intent(&'a RawValue),
    /// There is no record to come of that eventID.
    Closed(std::borrow::Cow<'a, str>),
}

/// The part of a record that is looked at.
#[derive(Deserialize)]
struct Id<'a> {
    #[serde(rename = "eventID", borrow)]
    event_id: std::borrow::Cow<'a, str>,
}

impl Intents {
    /// Puts down `record`; returns when it is on disk.
    pub(super) async fn open(ledger: &Ledger, record: &Event) -> Result<Intent, RecordError> {
        let inner = Arc::clone(&ledger.inner);
        let raw: &RawValue = serde_json::from_str(record.as_str()).map_err(|error| unavailable(&error))?;
        let payload = serde_json::to_vec(&Entry::Intent(raw)).map_err(|error| unavailable(&error))?;
        let number = inner.intents.register(&inner.journal);
        let intent = Intent { event_id: record.event_id().into_owned(), number, done: false, inner };
        intent.inner.control(payload.into()).await?;
        Ok(intent)
    }

    /// Keeps the journal from its end on, or from `position` if that is before it.
    fn register(&self, journal: &Journal) -> u64 {
        let mut open = self.lock();
        // Under the lock, so that no checkpoint is told meanwhile that is past it.
        let from = journal.committed();
        open.add(from)
    }

    /// Keeps the journal from `position` on.
    pub(super) fn keep(&self, position: Position) -> u64 {
        self.lock().add(position)
    }

    /// Lets go of what was kept.
    pub(super) fn release(&self, number: u64) {
        self.lock().from.remove(&number);
    }

    /// The journal is needed from here on.
    pub(super) fn checkpoint(&self, journal: &Journal) -> Position {
        let open = self.lock();
        let end = journal.committed();
        open.from.values().copied().min().unwrap_or(end).min(end)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn add(&mut self, from: Position) -> u64 {
        let number = self.next;
        self.next += 1;
        self.from.insert(number, from);
        number
    }
}

impl Intent {
    /// The record of the call is on disk.
    pub fn recorded(mut self) {
        self.done = true;
        self.inner.intents.release(self.number);
    }

    /// The record of the call could not be kept. At the next start the intent becomes one.
    pub fn leave(mut self) {
        self.done = true;
    }
}

impl Drop for Intent {
    fn drop(&mut self) {
        // While the program panics nobody says that the call was never made: the intent stays.
        if self.done || std::thread::panicking() {
            return;
        }
        let (inner, event_id, number) = (Arc::clone(&self.inner), std::mem::take(&mut self.event_id), self.number);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = close(&inner, &event_id, number).await {
                tracing::warn!(%error, event_id, "an intent could not be taken back; it will be a call of unknown outcome");
            }
        });
    }
}

async fn close(inner: &Inner, event_id: &str, number: u64) -> Result<(), RecordError> {
    let payload = serde_json::to_vec(&Entry::Closed(event_id.into())).map_err(|error| unavailable(&error))?;
    inner.control(payload.into()).await?;
    inner.intents.release(number);
    Ok(())
}

/// The records of intents from `from` on that no record followed, in order, each with its position. Blocks.
pub(super) fn unresolved(journal: &Journal, from: Position) -> Result<Vec<(Position, Bytes)>, journal::Error> {
    let mut open: HashMap<String, (Position, Bytes)> = HashMap::new();
    let mut at = from.max(journal.first());
    let end = journal.committed();
    while at < end {
        let frames = journal.read(at, READ_BYTES)?;
        let Some(last) = frames.last() else { break };
        at = last.position + 1;
        for frame in &frames {
            note(&mut open, frame);
        }
    }
    let mut left: Vec<_> = open.into_values().collect();
    left.sort_by_key(|(position, _)| *position);
    Ok(left)
}

fn note(open: &mut HashMap<String, (Position, Bytes)>, frame: &Frame) {
    match frame.kind {
        Kind::Event if frame.origin == Origin::Proxy as u8 && !open.is_empty() => {
            if let Some(id) = event_id(&frame.payload) {
                open.remove(&id);
            }
        }
        Kind::Control if frame.ledger == INTENTS.as_bytes() => match serde_json::from_slice(&frame.payload) {
            Ok(Entry::Intent(record)) => {
                // A copy: the payload keeps alive all that was read with it.
                let bytes = Bytes::copy_from_slice(record.get().as_bytes());
                if let Some(id) = event_id(&bytes) {
                    open.insert(id, (frame.position, bytes));
                }
            }
            Ok(Entry::Closed(id)) => {
                open.remove(id.as_ref());
            }
            Err(error) => tracing::error!(position = frame.position, %error, "an intent cannot be read"),
        },
        _ => {}
    }
}

fn event_id(record: &[u8]) -> Option<String> {
    serde_json::from_slice::<Id<'_>>(record).ok().map(|id| id.event_id.into_owned())
}

fn unavailable(error: &serde_json::Error) -> RecordError {
    RecordError::Unavailable { reason: error.to_string() }
}
