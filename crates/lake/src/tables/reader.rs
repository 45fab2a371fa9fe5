//! What Parquet scans read files with: checked bytes, footers that are kept, and a count of both.
//!
//! Reads go straight to the disk and block: queries run on threads of their own.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::ParquetMetaData;

use super::checked::Checked;
use super::file::File;
use super::narrow::Narrow;
use super::open::Shared;
use super::statistics::ScanStats;

/// Makes readers of a snapshot's files.
pub(super) struct Readers {
    files: HashMap<String, Arc<File>>,
    narrow: Arc<Narrow>,
    shared: Arc<Shared>,
    stats: Arc<ScanStats>,
    /// The files whose rows are counted. Several partitions may read pieces of one file.
    counted: Mutex<HashSet<u64>>,
}

impl Readers {
    pub(super) fn new(files: &[Arc<File>], narrow: Arc<Narrow>, shared: &Arc<Shared>, stats: &Arc<ScanStats>) -> Self {
        Self {
            narrow,
            files: files.iter().map(|file| (file.name().to_owned(), Arc::clone(file))).collect(),
            shared: Arc::clone(shared),
            stats: Arc::clone(stats),
            counted: Mutex::default(),
        }
    }
}

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        _partition: usize,
        file: PartitionedFile,
        _footer_hint: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let name = file.object_meta.location.as_ref();
        let file = self.files.get(name).ok_or_else(|| DataFusionError::Internal(format!("{name} is of no snapshot")))?;
        let checked = Checked::open(file).map_err(|error| DataFusionError::External(Box::new(error)))?;
        if self.counted.lock().unwrap_or_else(PoisonError::into_inner).insert(file.id()) {
            self.stats.add(file.rows(), 0);
        }
        let (narrow, shared, stats) = (Arc::clone(&self.narrow), Arc::clone(&self.shared), Arc::clone(&self.stats));
        Ok(Box::new(Reader { checked, narrow, shared, stats }))
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

struct Reader {
    checked: Checked,
    narrow: Arc<Narrow>,
    shared: Arc<Shared>,
    stats: Arc<ScanStats>,
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.stats.add(0, range.end - range.start);
        ready(self.checked.read(range).map_err(Into::into)).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        let footer = self.shared.footers.get(&self.checked).map_err(Into::into);
        ready(footer.and_then(|footer| self.narrow.of(&footer))).boxed()
    }
}
