//! The footers of files, kept in memory: a query asks for many files, and for the same ones as the query before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use super::checked::Checked;
use super::error::Error;

/// A cache that forgets what was asked for longest ago.
pub(super) struct Footers {
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: HashMap<u64, Kept>,
    bytes: usize,
    /// Counts what was asked for.
    asked: u64,
}

struct Kept {
    footer: Arc<ParquetMetaData>,
    bytes: usize,
    asked: u64,
}

impl Footers {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, state: Mutex::default() }
    }

    /// The footer of a file, its page index with it.
    pub(super) fn get(&self, checked: &Checked) -> Result<Arc<ParquetMetaData>, Error> {
        let id = checked.file().id();
        if let Some(footer) = self.kept(id) {
            return Ok(footer);
        }
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        let footer = reader.parse_and_finish(checked).map_err(|error| Error::parquet(checked.file().path(), error))?;
        let footer = Arc::new(footer);
        self.keep(id, &footer);
        Ok(footer)
    }

    /// A file is gone.
    pub(super) fn forget(&self, id: u64) {
        let mut state = self.state();
        if let Some(kept) = state.kept.remove(&id) {
            state.bytes -= kept.bytes;
        }
    }

    fn kept(&self, id: u64) -> Option<Arc<ParquetMetaData>> {
        let mut state = self.state();
        state.asked += 1;
        let asked = state.asked;
        let kept = state.kept.get_mut(&id)?;
        kept.asked = asked;
        Some(Arc::clone(&kept.footer))
    }

    fn keep(&self, id: u64, footer: &Arc<ParquetMetaData>) {
        let mut state = self.state();
        let (bytes, asked) = (footer.memory_size(), state.asked);
        let kept = Kept { footer: Arc::clone(footer), bytes, asked };
        state.bytes += bytes;
        if let Some(old) = state.kept.insert(id, kept) {
            state.bytes -= old.bytes;
        }
        while state.bytes > self.bytes_max {
            let oldest = state.kept.iter().min_by_key(|(_, kept)| kept.asked).map(|(id, _)| *id);
            let Some(old) = oldest.and_then(|id| state.kept.remove(&id)) else { break };
            state.bytes -= old.bytes;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
