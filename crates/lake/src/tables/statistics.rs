//! What a query has read.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a query has read; counts up while it runs.
#[derive(Debug, Default)]
pub struct ScanStats {
    /// Rows of the files, and of the tail, that were looked into.
    pub rows_scanned: AtomicU64,
    /// Bytes that were read of files, and held in memory by the columns of the tail.
    pub bytes_scanned: AtomicU64,
}

impl ScanStats {
    pub(super) fn add(&self, rows: u64, bytes: u64) {
        self.rows_scanned.fetch_add(rows, Ordering::Relaxed);
        self.bytes_scanned.fetch_add(bytes, Ordering::Relaxed);
    }
}
