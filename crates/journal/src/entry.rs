//! What goes into the journal and what comes out of it, with the limits of an entry.

use bytes::Bytes;

use crate::{Error, frame};

/// The number of an entry in this journal: dense, from 0.
pub type Position = u64;

/// Largest payload of one entry. An event is at most 256 KiB (CloudTrail's quota); control records may be larger.
pub const PAYLOAD_BYTES_MAX: usize = 2 << 20;
/// Longest ledger key. An account and a Region take 45 bytes.
pub const LEDGER_BYTES_MAX: usize = 256;
/// Longest principal: the length limit of an ARN in IAM's API reference.
pub const PRINCIPAL_BYTES_MAX: usize = 2048;
/// Most ledgers of one journal: 10,000 accounts (the ceiling of an organization) in 26 Regions. Each segment begins
/// with a table of them all, about 16 MB when the limit is reached.
pub const LEDGERS_MAX: usize = 1 << 18;

/// What an entry is to its readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A record of something that happened.
    Event,
    /// A record of ours about the log itself, such as a cut. Takes sequence numbers like an event.
    Control,
}

/// What is handed in. The bytes are kept as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the entry is.
    pub kind: Kind,
    /// Key of the ledger that numbers it, at most [`LEDGER_BYTES_MAX`].
    pub ledger: Bytes,
    /// How it came in; the caller's code.
    pub origin: u8,
    /// Where it may go; the caller's bits.
    pub flags: u32,
    /// Who handed it in, at most [`PRINCIPAL_BYTES_MAX`].
    pub principal: Bytes,
    /// The record, at most [`PAYLOAD_BYTES_MAX`].
    pub payload: Bytes,
}

/// An entry as it stands in the journal. Its `Bytes` are slices of one read and keep that read's memory alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its number in the journal.
    pub position: Position,
    /// Its number in its ledger, dense from 0.
    pub sequence: u64,
    /// When it was accepted, in microseconds; never less than that of the entry before it.
    pub accepted_at_us: i64,
    /// What the entry is.
    pub kind: Kind,
    /// Key of its ledger.
    pub ledger: Bytes,
    /// How it came in.
    pub origin: u8,
    /// Where it may go.
    pub flags: u32,
    /// Who handed it in.
    pub principal: Bytes,
    /// The record.
    pub payload: Bytes,
}

/// What a caller learns once its entries are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Position of the caller's first entry.
    pub first: Position,
    /// Position after the caller's last entry.
    pub end: Position,
    /// The time all of them bear, in microseconds.
    pub accepted_at_us: i64,
}

impl Entry {
    /// Bytes the entry takes in the journal, which is what [`crate::Journal::reserve`] should be asked for.
    pub fn bytes(&self) -> usize {
        frame::HEADER_BYTES + self.ledger.len() + self.principal.len() + self.payload.len()
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        within("payload", self.payload.len(), PAYLOAD_BYTES_MAX)?;
        within("ledger key", self.ledger.len(), LEDGER_BYTES_MAX)?;
        within("principal", self.principal.len(), PRINCIPAL_BYTES_MAX)
    }
}

pub(crate) fn within(what: &'static str, bytes: usize, max: usize) -> Result<(), Error> {
    if bytes > max { Err(Error::TooLarge { what, bytes, max }) } else { Ok(()) }
}
