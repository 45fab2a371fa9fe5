//! What can go wrong in event history.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::Position;

/// A place in a segment file that does not hold what was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("event history segment {} is damaged at byte {offset}: {reason}", file.display())]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// What is wrong.
    pub reason: String,
}

/// What can go wrong in event history.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A segment is damaged, and the answer may depend on it.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The operating system failed.
    #[error("event history file {}: {source}", file.display())]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// What it said.
        source: Arc<io::Error>,
    },
    /// The catalog failed.
    #[error("event history: {0}")]
    Catalog(String),
    /// Events that the answer must cover are not there yet: the journal is still being read.
    #[error("event history has events up to position {visible} of {wanted}; it is catching up")]
    CatchingUp {
        /// How far it is.
        visible: Position,
        /// How far it must be.
        wanted: Position,
    },
    /// The program is winding up.
    #[error("event history is closing")]
    Closing,
}

impl Error {
    pub(super) fn io(file: &Path, source: io::Error) -> Self {
        Self::Io { file: file.to_owned(), source: Arc::new(source) }
    }
}

impl From<catalog::Error> for Error {
    fn from(error: catalog::Error) -> Self {
        Self::Catalog(error.to_string())
    }
}
