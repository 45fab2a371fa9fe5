//! Why the journal says no.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Position;

/// Why the journal says no. Clones, since one failed write answers many callers.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A second process (or a second handle of this one) has the directory open.
    #[error("journal directory {} is in use by another process", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// Bytes that were once committed are not what was written. Nothing is changed on disk.
    #[error("journal segment {} is corrupt at byte {offset}: {reason}", segment.display())]
    Corrupt {
        /// File that is damaged.
        segment: PathBuf,
        /// Where in it the damaged frame begins.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The position was removed by [`crate::Journal::trim`].
    #[error("journal position {from} was trimmed, the first one kept is {first}")]
    Trimmed {
        /// What was asked for.
        from: Position,
        /// The oldest that can be read.
        first: Position,
    },
    /// The position lies after the committed end: whoever asks has seen another journal, or a longer one.
    #[error("journal position {from} lies after its end {committed}")]
    Ahead {
        /// What was asked for.
        from: Position,
        /// The end.
        committed: Position,
    },
    /// A part of an entry, or a reservation, is over its limit.
    #[error("{what} of {bytes} bytes is over the limit of {max}")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The journal has [`crate::LEDGERS_MAX`] ledgers and the entry names one more.
    #[error("journal has {max} ledgers and takes no more")]
    TooManyLedgers {
        /// The limit.
        max: usize,
    },
    /// The queue stayed full for as long as the caller would wait. Nothing was written.
    #[error("journal queue is full")]
    Busy,
    /// The disk has no room but its reserve. Nothing was written.
    #[error("disk of the journal is full")]
    DiskFull,
    /// A write or fsync failed and nobody can say what is on disk: restart to recover.
    #[error("journal stopped after a failed write: {reason}")]
    Poisoned {
        /// What failed.
        reason: Arc<str>,
    },
    /// [`crate::Journal::close`] was called.
    #[error("journal is closed")]
    Closed,
    /// The file system refused something else.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What it said.
        source: Arc<io::Error>,
    },
}

impl Error {
    /// For `map_err`: an I/O error with its path.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source: Arc::new(source) }
    }

    pub(crate) fn corrupt(segment: &Path, offset: u64, reason: impl Into<String>) -> Self {
        Self::Corrupt { segment: segment.to_owned(), offset, reason: reason.into() }
    }
}
