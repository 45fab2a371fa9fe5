//! What is configured and committed: trails, buckets' key index, cursors, delivered files, keys, the outbox.
//!
//! One SQLite database. A change is made in a [`Tx`]; there is one writer at a time, so what a transaction reads stays
//! true until it commits. Readers see the last committed state and never wait for the writer. Each noun has a module
//! with free functions; the schema stands in `migrations/`, one file per noun.

pub mod buckets;
pub mod channels;
pub mod cursors;
pub mod database;
pub mod digests;
pub mod event_data_stores;
pub mod federation;
pub mod files;
pub mod iceberg;
pub mod imports;
pub mod keys;
pub mod lake_files;
pub mod meta;
pub mod objects;
pub mod outbox;
pub mod queries;
pub mod resource_policies;
pub mod runs;
pub mod segments;
pub mod sessions;
pub mod tokens;
pub mod trail_status;
pub mod trails;
pub mod uploads;

pub use database::{Catalog, Error, Tx};
