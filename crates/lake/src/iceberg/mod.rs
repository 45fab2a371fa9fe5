//! Stores as Apache Iceberg tables, so that other query engines read them.
//!
//! The catalog is the truth about which files make a store; what is published here follows it, a snapshot for each
//! publication: [`steps`] finds what happened, [`draft`] puts the snapshots together, [`publisher`] writes them and puts
//! them in force. What must stay true: a file with a name is never changed; nothing is in force that is not on disk; what
//! was in force stays readable for [`GRACE_US`].
//!
//! The metadata is written by hand: crate `iceberg` would bring a second HTTP client, a cache and a second library for
//! cryptography, and can neither replace nor delete files.

mod avro;
mod draft;
mod manifest;
mod metadata;
mod metrics;
mod publisher;
mod schema;
mod steps;

use std::io;
use std::path::{Path, PathBuf};

pub use publisher::{Publisher, Watched};

/// The bucket in which engines find the files.
pub const BUCKET: &str = "trailkeep-lake";
/// How long what was in force stays readable after something else took its place: engines plan a query on one snapshot
/// and then read its files.
pub const GRACE_US: i64 = 3_600 * 1_000_000;
/// The folder of metadata in a table's folder.
pub const METADATA_FOLDER: &str = "metadata";

/// A table: an event data store as it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The account that owns the store.
    pub account: String,
    /// The store's UUID.
    pub store: String,
    /// What its events are.
    pub family: cloudtrail::event_data_store::Family,
}

impl Table {
    /// Where the table is, for engines.
    pub fn uri(&self) -> String {
        format!("s3://{BUCKET}/{}/{}", self.account, self.store)
    }

    /// Where a file of its metadata is, for engines.
    pub fn metadata_uri(&self, name: &str) -> String {
        format!("{}/{METADATA_FOLDER}/{name}", self.uri())
    }

    /// Where the table is on disk.
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(&self.account).join(&self.store)
    }
}

/// A data file of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Its path below the table's folder.
    pub path: String,
    /// The day of its events, in days since 1970.
    pub day: i32,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Whether it was made of other files of the store.
    pub merged: bool,
}

/// Why a table could not be published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A data file is damaged.
    #[error("{path}: {source}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: parquet::errors::ParquetError,
    },
    /// The catalog lacks what a manifest says of a file.
    #[error("the catalog has no manifest entry of {path}")]
    Entry {
        /// The data file.
        path: String,
    },
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
}

impl Error {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    fn parquet(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> Self {
        let path = path.to_owned();
        move |source| Self::Parquet { path, source }
    }
}

#[cfg(test)]
mod tests;
