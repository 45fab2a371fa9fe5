//! Event history: management and Insight events, kept for LookupEvents in files of their own shape.
//!
//! A record goes from the [`sink`] into the [`open`] segment in memory, which [`seal`] turns into a [`segment`] file:
//! compressed [`block`]s of records in order of [`place`], and sorted [`postings`] that tell for each [`term`] which
//! records have it. [`merge`] makes few large segments of many small ones. A lookup lets one [`scan`] walk each segment,
//! newest first, and [`lookup`] merges what they find into a page.
//!
//! What must stay true: a record is in exactly one segment of a [`view`]; the catalog says which segment files count;
//! whatever is read from a file was checked against a checksum, and what does not pass is named, never left out.

mod block;
mod cache;
mod config;
mod dictionary;
mod error;
mod handle;
mod lookup;
mod merge;
mod open;
mod place;
mod postings;
mod query;
mod scan;
mod seal;
mod segment;
mod sink;
mod term;
mod tiers;
mod upkeep;
mod varint;
mod view;

pub use config::Config;
pub use error::{Damage, Error};
pub use handle::{EventHistory, Status};
pub use place::Place;
pub use query::{Hit, Page, Query, has};
pub use sink::{CURSOR, HistorySink};
