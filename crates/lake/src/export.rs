//! Rows of a store by time, as a stream of bytes: as OCSF, as Parquet, or as the records themselves.
//!
//! An export runs on a thread of its own and is as fast as whoever reads it: what is not taken is not computed, and
//! memory stays within [`MEMORY_BYTES_MAX`] whatever the store's size. Rows come in no particular order.

mod parquet_bytes;

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use bytes::Bytes;
use cloudtrail::event_data_store::Family;
use datafusion::catalog::TableProvider;
use datafusion::common::{Column, DataFusionError, Result, ScalarValue};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::{ocsf, schema};
use parquet_bytes::ParquetBytes;

/// Memory that reading takes at most. Own choice: a row group of the files being read, decoded.
const MEMORY_BYTES_MAX: usize = 256 << 20;
/// Rows at a time.
const BATCH_ROWS: usize = 2_048;
/// Pieces made ahead of whoever reads.
const PIECES_AHEAD: usize = 2;

/// What an export is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OCSF API Activity, an event a line.
    Ocsf,
    /// The documented columns, as one Parquet file.
    Parquet,
    /// The records as they are stored, one a line.
    Ndjson,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ocsf, Self::Parquet, Self::Ndjson];

    /// As users write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ocsf => "ocsf",
            Self::Parquet => "parquet",
            Self::Ndjson => "ndjson",
        }
    }

    /// The format that users write so.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// Whether events of a family can be written so.
    pub fn suits(self, family: Family) -> bool {
        self != Self::Ocsf || ocsf::is_available(family)
    }
}

/// What is exported.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// What the store's events are.
    pub family: Family,
    /// What they are written in.
    pub format: Format,
    /// The earliest eventTime.
    pub since_us: Option<i64>,
    /// All are before this eventTime.
    pub until_us: Option<i64>,
}

/// The bytes of an export; an error ends them, and what came before is not the whole.
pub type Pieces = mpsc::Receiver<Result<Bytes>>;

/// Begins to export what `store` has.
pub fn start(store: Arc<dyn TableProvider>, request: Request) -> Result<Pieces> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(DataFusionError::IoError)?;
    let (pieces, taken) = mpsc::channel(PIECES_AHEAD);
    let work = move || {
        runtime.block_on(async {
            if let Err(error) = write(store, request, &pieces).await {
                // Whoever reads may be gone; then nobody needs to know.
                pieces.send(Err(error)).await.ok();
            }
        });
    };
    std::thread::Builder::new().name("export".to_owned()).spawn(work).map_err(DataFusionError::IoError)?;
    Ok(taken)
}

async fn write(store: Arc<dyn TableProvider>, request: Request, pieces: &mpsc::Sender<Result<Bytes>>) -> Result<()> {
    let mut rows = rows(store, request).await?;
    let mut writing = Writing::new(request.format, &rows)?;
    while let Some(batch) = rows.next().await {
        let bytes = writing.add(&batch?)?;
        if !bytes.is_empty() && pieces.send(Ok(bytes)).await.is_err() {
            return Ok(());
        }
    }
    let end = writing.finish()?;
    if !end.is_empty() {
        pieces.send(Ok(end)).await.ok();
    }
    Ok(())
}

/// The rows that are asked for, with the columns that the format needs.
async fn rows(store: Arc<dyn TableProvider>, request: Request) -> Result<SendableRecordBatchStream> {
    let environment = RuntimeEnvBuilder::new().with_memory_limit(MEMORY_BYTES_MAX, 1.0).build_arc()?;
    let config = SessionConfig::new().with_target_partitions(1).with_batch_size(BATCH_ROWS);
    let context = SessionContext::new_with_config_rt(config, environment);
    let (table, time) = match request.format {
        Format::Ocsf => (ocsf::provider(store)?, "time_dt"),
        Format::Parquet | Format::Ndjson => (store, schema::EVENT_TIME),
    };
    let mut frame = context.read_table(table)?;
    let time = || column(time);
    let instant = |at_us: i64| lit(ScalarValue::TimestampMicrosecond(Some(at_us), None));
    if let Some(since_us) = request.since_us {
        frame = frame.filter(time().gt_eq(instant(since_us)))?;
    }
    if let Some(until_us) = request.until_us {
        frame = frame.filter(time().lt(instant(until_us)))?;
    }
    let documented = schema::columns(request.family).iter().filter(|column| column.shown && column.stored);
    frame = match request.format {
        Format::Ocsf => frame,
        Format::Parquet => frame.select(documented.map(|shown| column(shown.name)))?,
        Format::Ndjson => frame.select([column(schema::EVENT_JSON)])?,
    };
    frame.execute_stream().await
}

/// A column by its whole name, dots included.
fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// An export being written.
enum Writing {
    Ocsf,
    Parquet(Box<ParquetBytes>),
    Ndjson,
}

impl Writing {
    fn new(format: Format, rows: &SendableRecordBatchStream) -> Result<Self> {
        Ok(match format {
            Format::Ocsf => Self::Ocsf,
            Format::Parquet => Self::Parquet(Box::new(ParquetBytes::new(rows.schema())?)),
            Format::Ndjson => Self::Ndjson,
        })
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<Bytes> {
        match self {
            Self::Ocsf => Ok(ocsf::Lines::of(batch)?.into()),
            Self::Parquet(file) => file.add(batch),
            Self::Ndjson => Ok(records(batch).into()),
        }
    }

    fn finish(self) -> Result<Bytes> {
        match self {
            Self::Parquet(file) => file.finish(),
            Self::Ocsf | Self::Ndjson => Ok(Bytes::new()),
        }
    }
}

/// The records of a batch of one column, one a line.
fn records(batch: &RecordBatch) -> Vec<u8> {
    let records = batch.column(0).as_string_view();
    let mut lines = Vec::with_capacity(records.iter().flatten().map(|record| record.len() + 1).sum());
    for record in records.iter().flatten() {
        lines.extend_from_slice(record.as_bytes());
        lines.push(b'\n');
    }
    lines
}

#[cfg(test)]
mod tests;
