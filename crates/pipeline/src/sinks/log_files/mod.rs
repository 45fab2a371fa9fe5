//! The log files of a trail: what a run of a trail selects from the journal becomes files in the spool.
//!
//! Events are [buffered](buffers) by account, Region and folder. A [cut](cut) closes all buffers of the trail at once: it is
//! journaled first, then its files are compressed into the [`spool`], then one catalog transaction makes them count and
//! moves the cursor. A crash in between is mended by cutting at the same place with the same time again. [`intervals`]
//! says which stretch of time is over for digests, in the same task, so that no file can slip into one that is; what
//! carries files and digests to the bucket is elsewhere.
//!
//! What must stay true: names and bytes are a function of the journal, its cuts and the catalog; every event that the
//! trail selects is in exactly one file.

mod buffers;
mod changes;
mod config;
pub mod cut;
mod cutting;
pub mod gzip;
mod intervals;
mod replay;
mod sink;
pub mod spool;

pub use config::Config;
pub use sink::{LogFiles, Parts, Signals};
