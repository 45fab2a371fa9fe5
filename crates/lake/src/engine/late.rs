//! Statements in two steps: which rows, and then what is asked of them.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::physical_plan::execute_stream;
use futures_util::TryStreamExt as _;

use super::{Tables, session};
use crate::sql::Late;
use crate::tables;

/// More bytes of records are not held: the rows are read column by column then. Own choice: a thousand records of usual size
/// have a fifth of it.
const RECORD_BYTES_MAX: usize = 8 << 20;

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

/// The tables of a statement: those of the first step, but what is read of the store it is about is of rows that were
/// counted.
pub(super) fn counted(late: &Late, tables: &Tables) -> Tables {
    let mut tables = tables.clone();
    if let Some(table) = tables.get_mut(&late.store.id) {
        *table = tables::of_known_rows(table);
    }
    tables
}

/// The same, with these rows alone; None if that does not pay or cannot be.
pub(super) async fn narrowed(
    late: &Late,
    rows: &[(i64, i64)],
    session: &Arc<SessionState>,
    tables: &Tables,
) -> Result<Option<Tables>> {
    let Some(table) = tables.get(&late.store.id).filter(|_| late.of_records) else { return Ok(None) };
    let Some(mut made) = tables::Made::of(table, rows) else { return Ok(None) };
    let plan = session::plan(session, &late.records(rows)).await?;
    let mut batches = execute_stream(plan, session.task_ctx())?;
    while let Some(batch) = batches.try_next().await? {
        if !made.add(&batch) || made.bytes() > RECORD_BYTES_MAX {
            return Ok(None);
        }
    }
    let Some(narrow) = made.table() else { return Ok(None) };
    let mut tables = tables.clone();
    tables.insert(late.store.id.clone(), narrow);
    Ok(Some(tables))
}
