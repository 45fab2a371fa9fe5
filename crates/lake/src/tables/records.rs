//! Rows made anew of their records: with them at hand, no other column needs to be read.

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

/// Whether the rows of a table can be made of their records: whether it is a store's.
pub(crate) fn is_made_of_records(table: &Arc<dyn TableProvider>) -> bool {
    table.as_any().is::<Provider>()
}

/// A store's table with the rows of these records alone, given by the columns of [`crate::schema::RECORD`]. None if the
/// table is no store's, or a record is none, which only its columns can tell then.
pub(crate) fn of_records(table: &Arc<dyn TableProvider>, batches: &[RecordBatch]) -> Option<Arc<dyn TableProvider>> {
    let snapshot = table.as_any().downcast_ref::<Provider>()?.snapshot();
    let mut taken = Vec::new();
    for batch in batches {
        let [json, positions, accounts, ingested] = batch.columns() else { return None };
        let (json, accounts) = (json.as_string_view(), accounts.as_string_view());
        let positions = positions.as_primitive::<Int64Type>();
        let ingested = ingested.as_primitive::<TimestampMicrosecondType>();
        for row in 0..batch.num_rows() {
            let bytes = Bytes::copy_from_slice(json.value(row).as_bytes());
            let event = Event::stored(bytes, accounts.value(row).parse().ok()?).ok()?;
            taken.push(Taken { event, position: positions.value(row) as u64, accepted_at_us: ingested.value(row) });
        }
    }
    let chunk = Arc::new(Chunk::of(snapshot.family(), &taken));
    let rows = Snapshot { files: Arc::default(), chunks: vec![chunk], ..snapshot.clone() };
    // What was read for them has been counted.
    Some(rows.provider(Arc::new(ScanStats::default())))
}
