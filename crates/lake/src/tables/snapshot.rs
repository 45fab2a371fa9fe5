//! What a query sees: files and rows of one moment.

use std::sync::Arc;

use cloudtrail::event_data_store::Family;
use datafusion::catalog::TableProvider;

use super::file::File;
use super::provider::Provider;
use super::statistics::ScanStats;
use super::store::{Files, Store};
use super::tail::Chunk;

/// A store at one moment. Its files stay on disk as long as it is held.
#[derive(Clone)]
pub struct Snapshot {
    pub(super) store: Arc<Store>,
    pub(super) files: Files,
    pub(super) chunks: Vec<Arc<Chunk>>,
    pub(super) end: u64,
    pub(super) cutoff_us: i64,
}

impl Snapshot {
    /// What its events are.
    pub fn family(&self) -> Family {
        self.store.info.family
    }

    /// It has everything that stands in the journal before this position.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Its files.
    pub fn files(&self) -> &[Arc<File>] {
        &self.files
    }

    /// How many rows it has, those included that are too old and not dropped yet.
    pub fn rows(&self) -> u64 {
        let in_memory: usize = self.chunks.iter().map(|chunk| chunk.batch.num_rows()).sum();
        self.files.iter().map(|file| file.rows()).sum::<u64>() + in_memory as u64
    }

    /// The table, for one query; what it reads is counted in `stats`.
    pub fn provider(&self, stats: Arc<ScanStats>) -> Arc<dyn TableProvider> {
        Arc::new(Provider::new(self.clone(), stats))
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("store", &self.store.info.id).field("end", &self.end).finish_non_exhaustive()
    }
}
