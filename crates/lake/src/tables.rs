//! Event data stores as tables: Parquet files that the catalog lists, and an in-memory tail of what is newer.
//!
//! A store follows the journal ([`sink`]). Its records become rows of the [`tail`] at once, which queries see; a
//! [`flush`] turns the tail into [`file`]s, one per day of eventTime, sorted by it with the newest first.
//! [`compaction`] makes few large files of many small ones, [`retention`] drops what is too old. A query runs on a
//! [`Snapshot`]: files and rows as they were at one moment.
//!
//! What must stay true: an event is in exactly one file or in the tail of a snapshot; the catalog says which files
//! count, and a store's cursor moves in the transaction in which its new files begin to; a file is removed from disk
//! when it counts no longer and no snapshot holds it; whatever is read from a file was checked against its checksums,
//! and what does not pass is named, never left out.

mod checked;
mod checksum;
mod compaction;
mod config;
mod error;
mod file;
mod flush;
mod footers;
mod groups;
mod keys;
mod leftovers;
mod merge;
mod narrow;
mod needles;
mod open;
mod provider;
mod pruning;
mod reader;
mod recent;
mod records;
mod retention;
mod sink;
mod snapshot;
mod statistics;
mod store;
mod tail;
mod tail_scan;
mod tiers;
mod unique;
mod writer;

pub use config::Config;
pub use error::Error;
pub use file::File;
pub use open::{Parts, StoreInfo, Tables};
pub use sink::{StoreSink, cursor_name};
pub use snapshot::Snapshot;
pub use statistics::ScanStats;

pub(crate) use records::{Made, of_known_rows};

#[cfg(test)]
mod tests;
