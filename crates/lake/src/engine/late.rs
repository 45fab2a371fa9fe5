//! Statements in two steps: which rows, and then what is asked of them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::physical_plan::execute_stream;
use futures_util::TryStreamExt as _;

use super::session;
use crate::sql::Late;
use crate::tables;

/// More bytes of records are not held: the rows are read column by column then.
const RECORD_BYTES_MAX: usize = 32 << 20;

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

/// The tables of a statement, with these rows alone in the one they are of; None if that does not pay or cannot be.
pub(super) async fn narrowed(
    late: &Late,
    rows: &[(i64, i64)],
    session: &Arc<SessionState>,
    tables: &HashMap<String, Arc<dyn TableProvider>>,
) -> Result<Option<HashMap<String, Arc<dyn TableProvider>>>> {
    let Some(table) = tables.get(&late.store.id).filter(|table| late.of_records && tables::is_made_of_records(table)) else {
        return Ok(None);
    };
    let plan = session::plan(session, &late.records(rows)).await?;
    let mut batches = execute_stream(plan, session.task_ctx())?;
    let (mut records, mut bytes) = (Vec::<RecordBatch>::new(), 0);
    while let Some(batch) = batches.try_next().await? {
        let texts = batch.column(0).as_string_view();
        bytes += texts.iter().flatten().map(str::len).sum::<usize>();
        if bytes > RECORD_BYTES_MAX {
            return Ok(None);
        }
        records.push(batch);
    }
    let Some(narrow) = tables::of_records(table, &records) else { return Ok(None) };
    let mut tables = tables.clone();
    tables.insert(late.store.id.clone(), narrow);
    Ok(Some(tables))
}
