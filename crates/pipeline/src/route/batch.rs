//! A piece of the journal, decoded: what followers are given.
//!
//! Every entry of the journal is in exactly one batch of a walk from its beginning to its end, in the journal's order.
//! An entry that cannot be decoded is an error with its position: nothing is left out in silence.

use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::event::Event;
use journal::{Frame, Kind, Position};
use smol_str::SmolStr;

use crate::capture::origin::{Origin, Route};
use crate::route::recent::View;

/// An account's id is the first so many bytes of a ledger's key; its Region follows.
const LEDGER_ACCOUNT_BYTES: usize = 12;

/// One event as it stands in the journal.
#[derive(Clone, Debug)]
pub struct Record {
    /// Where it stands.
    pub position: Position,
    /// When it was on its way to disk, in microseconds since 1970.
    pub accepted_at_us: i64,
    /// How it came in.
    pub origin: Origin,
    /// Where it is meant to go.
    pub route: Route,
    /// Who sent it: an ARN or the id of a token.
    pub principal: SmolStr,
    /// The event.
    pub event: Event,
}

/// An entry of the program for itself: a cut, a digest, a change of a trail.
#[derive(Clone, Debug)]
pub struct Control {
    /// Where it stands.
    pub position: Position,
    /// When it was on its way to disk, in microseconds since 1970.
    pub accepted_at_us: i64,
    /// The ledger it was written under.
    pub ledger: Bytes,
    /// What it says.
    pub payload: Bytes,
}

/// An entry of the journal.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are records, and a box would be an allocation for each")]
pub enum Item {
    /// An event.
    Record(Record),
    /// An entry of the program for itself.
    Control(Control),
}

impl Item {
    /// Where it stands.
    pub fn position(&self) -> Position {
        match self {
            Self::Record(record) => record.position,
            Self::Control(control) => control.position,
        }
    }

    /// When it was on its way to disk, in microseconds since 1970.
    pub fn accepted_at_us(&self) -> i64 {
        match self {
            Self::Record(record) => record.accepted_at_us,
            Self::Control(control) => control.accepted_at_us,
        }
    }
}

/// The entries from `first` to before `end`, all of them.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The position of the first item.
    pub first: Position,
    /// One past the position of the last item.
    pub end: Position,
    /// The entries, in order.
    pub items: Vec<Item>,
}

/// An entry of the journal that cannot be decoded.
#[derive(Clone, Debug, thiserror::Error)]
#[error("journal entry {position} cannot be read: {reason}")]
pub struct Damaged {
    /// Where it stands.
    pub position: Position,
    /// What is wrong with it.
    pub reason: String,
}

impl Batch {
    /// Decodes `frames`, which follow each other from `first`.
    pub fn decode(first: Position, frames: Vec<Frame>) -> Result<Self, Damaged> {
        Self::decode_with(first, frames, &mut View::default())
    }

    /// The same, but for events that are still known.
    pub fn decode_with(first: Position, frames: Vec<Frame>, known: &mut View) -> Result<Self, Damaged> {
        let mut items = Vec::with_capacity(frames.len());
        let mut end = first;
        for frame in frames {
            if frame.position != end {
                return Err(Damaged { position: end, reason: format!("entry {} stands in its place", frame.position) });
            }
            end += 1;
            items.push(item(frame, known)?);
        }
        Ok(Self { first, end, items })
    }

    /// The events.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.items.iter().filter_map(|item| match item {
            Item::Record(record) => Some(record),
            Item::Control(_) => None,
        })
    }

    /// The entries from `from` on; `from` must lie in the batch.
    #[must_use]
    pub fn from(&self, from: Position) -> Self {
        let skipped = (from - self.first) as usize;
        Self { first: from, end: self.end, items: self.items[skipped..].to_vec() }
    }

    /// About how much memory it holds.
    pub fn bytes(&self) -> usize {
        let payload = |item: &Item| match item {
            Item::Record(record) => record.event.bytes().len(),
            Item::Control(control) => control.payload.len(),
        };
        self.items.iter().map(|item| payload(item) + size_of::<Item>()).sum()
    }
}

fn item(frame: Frame, known: &mut View) -> Result<Item, Damaged> {
    match frame.kind {
        Kind::Event => record(frame, known).map(Item::Record),
        Kind::Control => Ok(Item::Control(Control {
            position: frame.position,
            accepted_at_us: frame.accepted_at_us,
            ledger: frame.ledger,
            payload: frame.payload,
        })),
    }
}

fn record(frame: Frame, known: &mut View) -> Result<Record, Damaged> {
    let position = frame.position;
    let damaged = |reason: String| Damaged { position, reason };
    let principal = std::str::from_utf8(&frame.principal).map_err(|e| damaged(format!("principal: {e}")))?;
    let account = account(&frame.ledger).map_err(damaged)?;
    let event = match known.event(position, account, &frame.payload) {
        Some(event) => event,
        None => Event::stored(frame.payload, account).map_err(|rejection| damaged(rejection.message))?,
    };
    Ok(Record {
        position,
        accepted_at_us: frame.accepted_at_us,
        origin: Origin::from_stored(frame.origin).ok_or_else(|| damaged(format!("origin {} is unknown", frame.origin)))?,
        route: Route::from_bits(frame.flags),
        principal: SmolStr::new(principal),
        event,
    })
}

fn account(ledger: &[u8]) -> Result<AccountId, String> {
    let id = ledger.get(..LEDGER_ACCOUNT_BYTES).and_then(|id| std::str::from_utf8(id).ok());
    id.and_then(|id| id.parse().ok()).ok_or_else(|| format!("ledger {:?} names no account", String::from_utf8_lossy(ledger)))
}
