//! A data file that counts, or did when a snapshot was taken.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::lake_files as rows;

/// A data file. Whoever holds it can read it: it is removed from disk when it counts no longer and nobody holds it.
pub struct File {
    row: rows::File,
    path: PathBuf,
    dropped: AtomicBool,
}

impl File {
    pub(super) fn new(row: rows::File, folder: &Path) -> Self {
        let path = folder.join(&row.path);
        Self { row, path, dropped: AtomicBool::new(false) }
    }

    /// Its number in the catalog.
    pub fn id(&self) -> u64 {
        self.row.id
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its path below the store's folder.
    pub fn name(&self) -> &str {
        &self.row.path
    }

    /// The day of its events, in days since 1970.
    pub fn day(&self) -> i32 {
        self.row.day
    }

    /// Its rows.
    pub fn rows(&self) -> u64 {
        self.row.rows
    }

    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.row.bytes
    }

    /// Whether it was made of other files.
    pub fn merged(&self) -> bool {
        self.row.merged
    }

    /// The least eventTime, in microseconds since 1970.
    pub fn oldest_us(&self) -> i64 {
        self.row.oldest_us
    }

    /// The greatest eventTime.
    pub fn newest_us(&self) -> i64 {
        self.row.newest_us
    }

    /// Its events stand in the journal at this position or after it.
    pub fn first_position(&self) -> u64 {
        self.row.first_position
    }

    /// Its events stand in the journal before this position.
    pub fn end_position(&self) -> u64 {
        self.row.end_position
    }

    /// What its blocks sum up to.
    pub(super) fn checksums(&self) -> &[u8] {
        &self.row.checksums
    }

    /// It counts no longer: it is removed from disk as soon as nobody holds it.
    pub(super) fn set_dropped(&self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if self.dropped.load(Ordering::Relaxed) {
            remove(&self.path);
        }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("path", &self.path).field("rows", &self.row.rows).finish_non_exhaustive()
    }
}

/// Removes a file that does not count. What stays is removed at the next start.
pub(super) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(file = %path.display(), %error, "was not removed");
    }
}
