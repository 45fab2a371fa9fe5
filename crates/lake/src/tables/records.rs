//! Rows made anew of their records: with them at hand, no other column needs to be read.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use bytes::Bytes;
use cloudtrail::event::Event;
use datafusion::catalog::TableProvider;

use super::provider::Provider;
use super::snapshot::Snapshot;
use super::statistics::ScanStats;
use super::tail::{Chunk, Taken};
use crate::rows::event_time_us;

/// A store's table, of which reading does not count rows: they have been counted. Other tables stay as they are.
pub(crate) fn of_known_rows(table: &Arc<dyn TableProvider>) -> Arc<dyn TableProvider> {
    match table.as_any().downcast_ref::<Provider>() {
        Some(provider) => provider.snapshot().provider(ScanStats::of_known_rows(provider.stats())),
        None => Arc::clone(table),
    }
}

/// Rows of a store being made.
pub(crate) struct Made {
    snapshot: Snapshot,
    /// Positions and times (microseconds) of rows that are to come.
    awaited: HashSet<(i64, i64)>,
    taken: Vec<Taken>,
    bytes: usize,
}

impl Made {
    /// None yet of the rows with these positions and times; None if the table is no store's.
    pub(crate) fn of(table: &Arc<dyn TableProvider>, rows: &[(i64, i64)]) -> Option<Self> {
        let snapshot = table.as_any().downcast_ref::<Provider>()?.snapshot().clone();
        Some(Self { snapshot, awaited: rows.iter().copied().collect(), taken: Vec::new(), bytes: 0 })
    }

    /// Takes records, given by the columns of [`crate::schema::RECORD`]. False if one of them is none, which only its
    /// columns can tell then.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> bool {
        let [json, positions, accounts, ingested] = batch.columns() else { return false };
        let (json, accounts) = (json.as_string_view(), accounts.as_string_view());
        let positions = positions.as_primitive::<Int64Type>();
        let ingested = ingested.as_primitive::<TimestampMicrosecondType>();
        (0..batch.num_rows()).all(|row| {
            let Ok(account) = accounts.value(row).parse() else { return false };
            let Ok(event) = Event::stored(Bytes::copy_from_slice(json.value(row).as_bytes()), account) else { return false };
            if self.awaited.remove(&(positions.value(row), event_time_us(&event))) {
                self.bytes += event.bytes().len();
                let (position, accepted_at_us) = (positions.value(row) as u64, ingested.value(row));
                self.taken.push(Taken { event, position, accepted_at_us });
            }
            true
        })
    }

    /// The bytes of the records so far.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The store's table with these rows alone; None if not all have come.
    pub(crate) fn table(self) -> Option<Arc<dyn TableProvider>> {
        if !self.awaited.is_empty() {
            return None;
        }
        let chunk = Arc::new(Chunk::of(self.snapshot.family(), &self.taken));
        let rows = Snapshot { files: Arc::default(), chunks: vec![chunk], ..self.snapshot };
        // What was read for them has been counted.
        Some(rows.provider(Arc::new(ScanStats::default())))
    }
}
