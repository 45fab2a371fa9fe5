//! What a query has read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a query has read; counts up while it runs.
#[derive(Debug, Default)]
pub struct ScanStats {
    /// Rows of the files, and of the tail, that were looked into.
    pub rows_scanned: AtomicU64,
    /// Bytes that were read of files, and held in memory by the columns of the tail.
    pub bytes_scanned: AtomicU64,
    /// What these bytes are added to, and no rows.
    whole: Option<Arc<Self>>,
}

impl ScanStats {
    /// For reading more of rows that were counted already.
    pub(super) fn of_known_rows(whole: &Arc<Self>) -> Arc<Self> {
        Arc::new(Self { whole: Some(Arc::clone(whole)), ..Self::default() })
    }

    pub(super) fn add(&self, rows: u64, bytes: u64) {
        if let Some(whole) = &self.whole {
            return whole.add(0, bytes);
        }
        self.rows_scanned.fetch_add(rows, Ordering::Relaxed);
        self.bytes_scanned.fetch_add(bytes, Ordering::Relaxed);
    }
}
