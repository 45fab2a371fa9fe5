//! SQL straight over log files: `.json.gz`, `.json` and a record a line, as they lie in a folder or a bucket.
//!
//! Who lists the files hands them over one by one; as many readers as the engine has threads take them, inflate them, and
//! make batches of rows. Nothing is kept: memory holds the files being read and a batch for each reader.
//!
//! What must stay true: a file is read to its end, or told of with the reason; never passed over in silence. Files are only
//! left out by the date in their name, and counted. A record that comes twice is two rows, as in any query over files.

mod bounds;
mod declaration;
mod long;
mod reader;
mod tables;

use std::any::Any;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use cloudtrail::event_data_store::Family;
use cloudtrail::import::Range;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use tokio::sync::{Mutex, mpsc};

use crate::schema;
pub use declaration::Declaration;
use reader::Part;
pub use tables::FileTables;

/// A log file that is to be read.
pub struct Found {
    /// What to call it.
    pub name: String,
    /// Where its bytes are.
    pub content: Content,
}

/// Where a file's bytes are.
pub enum Content {
    /// On this machine.
    Path(PathBuf),
    /// In memory, with what is to be kept until they are done with.
    Bytes(Bytes, Box<dyn Any + Send>),
}

/// Files as they are found; an error ends the query with its words.
pub type Finding = mpsc::Receiver<Result<Found, String>>;

/// Begins to list the files that may hold events of a range. Whoever lists stops when the receiver is gone.
pub type List = dyn Fn(Range, &Arc<Progress>) -> Finding + Send + Sync;

/// Where log files come from, and who is told of what is wrong with them.
pub struct Source {
    /// Lists the files; once for every time that a query reads them.
    pub list: Box<List>,
    /// Is told of a file, or a record in it, that cannot be read.
    pub damaged: Box<dyn Fn(Damage) + Send + Sync>,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Damage {
    /// The file.
    pub file: String,
    /// Which of its records, from 0, if it is one record's fault.
    pub record: Option<u64>,
    /// The kind of reason.
    pub code: String,
    /// The reason in words.
    pub message: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        if let Some(record) = self.record {
            write!(f, "record {record}: ")?;
        }
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// How far reading is.
#[derive(Debug, Default)]
pub struct Progress {
    scans: AtomicU64,
    found: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    events: AtomicU64,
    /// Files left out because of the date in their name.
    untimely: AtomicU64,
    untimely_folders: AtomicU64,
}

impl Progress {
    /// How often the files were listed.
    pub fn scans(&self) -> u64 {
        self.scans.load(Ordering::Relaxed)
    }

    /// Files that were to be read.
    pub fn found(&self) -> u64 {
        self.found.load(Ordering::Relaxed)
    }

    /// Files read to their end, or found damaged.
    pub fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// Bytes of those files, inflated.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Events read.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Files left out because of the date in their name.
    pub fn untimely(&self) -> u64 {
        self.untimely.load(Ordering::Relaxed)
    }

    /// Folders of days that were left out as a whole.
    pub fn untimely_folders(&self) -> u64 {
        self.untimely_folders.load(Ordering::Relaxed)
    }

    /// A file is left out because of the date in its name.
    pub fn pass(&self) {
        self.untimely.fetch_add(1, Ordering::Relaxed);
    }

    /// A folder is left out because of the day that it is of.
    pub fn pass_folder(&self) {
        self.untimely_folders.fetch_add(1, Ordering::Relaxed);
    }
}

/// The log files of a source as a table of CloudTrail events.
pub struct RawFiles {
    source: Arc<Source>,
    progress: Arc<Progress>,
    schema: SchemaRef,
    /// Whether files are left out whose name says that they cannot hold what is asked for.
    by_date: bool,
}

impl RawFiles {
    /// The files of that source. Without `by_date` every file is read, whatever date its name bears.
    pub fn new(source: Arc<Source>, progress: Arc<Progress>, by_date: bool) -> Self {
        Self { source, progress, schema: schema::arrow_schema(Family::Events), by_date }
    }
}

impl fmt::Debug for RawFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawFiles").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl TableProvider for RawFiles {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let range = if self.by_date { bounds::of(filters) } else { Range::default() };
        let queue = Arc::new(Queue { range, finding: Mutex::default() });
        let schema = match projection {
            Some(projection) => Arc::new(self.schema.project(projection)?),
            None => Arc::clone(&self.schema),
        };
        let part = || {
            let (source, progress) = (Arc::clone(&self.source), Arc::clone(&self.progress));
            Arc::new(Part { source, progress, queue: Arc::clone(&queue), schema: Arc::clone(&schema) })
                as Arc<dyn PartitionStream>
        };
        let parts = (0..state.config().target_partitions().max(1)).map(|_| part()).collect();
        Ok(Arc::new(StreamingTableExec::try_new(schema, parts, None, [], false, limit)?))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // A file may hold events of other times, too.
        let pushdown = |filter: &&Expr| match bounds::of(std::slice::from_ref(*filter)) {
            Range { start_us: None, end_us: None } => TableProviderFilterPushDown::Unsupported,
            _ => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(pushdown).collect())
    }
}

/// Files on their way to the readers of one scan. They are listed from when the first reader asks.
struct Queue {
    range: Range,
    finding: Mutex<Option<Finding>>,
}

impl Queue {
    async fn next(&self, source: &Arc<Source>, progress: &Arc<Progress>) -> Option<Result<Found, String>> {
        let mut finding = self.finding.lock().await;
        let begin = || {
            progress.scans.fetch_add(1, Ordering::Relaxed);
            (source.list)(self.range, progress)
        };
        let found = finding.get_or_insert_with(begin).recv().await;
        if matches!(found, Some(Ok(_))) {
            progress.found.fetch_add(1, Ordering::Relaxed);
        }
        found
    }
}

#[cfg(test)]
mod tests;
