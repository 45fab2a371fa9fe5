//! The durable log: bytes in, positions out. It knows no CloudTrail.
//!
//! An [`Entry`] is handed to [`Journal::enqueue`] and gets a [`Position`], dense in the journal, and a sequence
//! number, dense in its ledger. One thread writes: whatever callers have handed in while the disk was busy goes down
//! as one group, closed by a commit frame, with one write and one `fdatasync`. A [`Ticket`] resolves once that has
//! happened, and only then may anything be acknowledged.
//!
//! What survives what:
//! - *enqueued*: in memory, lost with the process;
//! - *written*: the group may be whole, torn or absent after a crash; a torn one is cut off at the next start;
//! - *committed*: `fdatasync` returned; the entries are in [`Journal::read`] for good, or the journal refuses to open
//!   and names the place that is damaged.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod disk;
mod entry;
mod error;
mod frame;
mod handle;
mod header;
mod mark;
mod queue;
mod reader;
mod recovery;
mod scan;
mod segment;
mod writer;

pub use entry::{Commit, Entry, Frame, Kind, LEDGER_BYTES_MAX, LEDGERS_MAX, PAYLOAD_BYTES_MAX, PRINCIPAL_BYTES_MAX, Position};
pub use error::Error;
pub use handle::{Clock, Journal, Options, Status};
pub use queue::{CONTROL_QUEUE_BYTES_MAX, Permit, Ticket, UNHURRIED_WAIT};
pub use recovery::Recovery;
