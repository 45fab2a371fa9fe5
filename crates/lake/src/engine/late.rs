//! The first step of a statement in two: which rows.

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use futures_util::TryStreamExt as _;

/// The positions and times (microseconds) of rows; a LIMIT bounds how many there are.
pub(super) async fn rows(mut batches: SendableRecordBatchStream) -> Result<Vec<(i64, i64)>> {
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let positions = batch.column(0).as_primitive::<Int64Type>();
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>();
        rows.extend(positions.values().iter().copied().zip(times.values().iter().copied()));
    }
    Ok(rows)
}
