//! What can go wrong with a store's files.

use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

/// What can go wrong with a store's files.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// A file or folder cannot be read or written: a disk may be full.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what was written.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The catalog says otherwise than it should: an earlier commit had an unknown outcome.
    #[error("event data store {store}: {reason}")]
    Uncertain {
        /// The store.
        store: String,
        /// What is not as it should be.
        reason: String,
    },
    /// A task came to nothing, by a fault of ours.
    #[error("{0}")]
    Failed(String),
    /// The program is winding up.
    #[error("the program is stopping")]
    Stopping,
}

impl Error {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    /// A task that panicked has failed; else the program is stopping.
    pub(super) fn of_task(error: &tokio::task::JoinError) -> Self {
        if error.is_panic() { Self::Failed(error.to_string()) } else { Self::Stopping }
    }

    /// What Parquet said while `path` was read or written. A failure of the disk is told from a damaged file.
    pub(super) fn parquet(path: &Path, error: ParquetError) -> Self {
        match error {
            ParquetError::External(source) => match source.downcast::<Self>() {
                Ok(own) => *own,
                Err(source) => match source.downcast::<io::Error>() {
                    Ok(source) => Self::io(path, *source),
                    Err(source) => Self::damaged(path, source.to_string()),
                },
            },
            error => Self::damaged(path, error.to_string()),
        }
    }
}

impl From<Error> for ParquetError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}
