//! The tail in a query: rows in memory, counted when they are read.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::common::{Result, Statistics};
use datafusion::datasource::source::DataSource;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, Partitioning};
use datafusion::physical_plan::DisplayFormatType;

use super::statistics::ScanStats;
use crate::schema;

/// Batches, one to a partition, each sorted with the newest rows first.
#[derive(Debug)]
pub(super) struct TailScan {
    rows: Arc<dyn DataSource>,
    sizes: Arc<Vec<(u64, u64)>>,
    stats: Arc<ScanStats>,
}

impl TailScan {
    pub(super) fn new(
        batches: Vec<RecordBatch>,
        schema: SchemaRef,
        projection: Vec<usize>,
        order: LexOrdering,
        stats: &Arc<ScanStats>,
    ) -> Result<Self> {
        let sizes = batches.iter().map(|batch| (batch.num_rows() as u64, bytes(batch, &projection))).collect();
        let partitions: Vec<Vec<RecordBatch>> = batches.into_iter().map(|batch| vec![batch]).collect();
        let rows = MemorySourceConfig::try_new(&partitions, schema, Some(projection))?;
        let rows = rows.try_with_sort_information(vec![order])?;
        Ok(Self { rows: Arc::new(rows), sizes: Arc::new(sizes), stats: Arc::clone(stats) })
    }

    fn with(&self, rows: Arc<dyn DataSource>) -> Arc<dyn DataSource> {
        Arc::new(Self { rows, sizes: Arc::clone(&self.sizes), stats: Arc::clone(&self.stats) })
    }
}

/// About what the columns that are asked for hold: the batch's columns share the records.
fn bytes(batch: &RecordBatch, projection: &[usize]) -> u64 {
    let json = batch.schema_ref().index_of(schema::EVENT_JSON).unwrap_or(usize::MAX);
    let bytes = projection.iter().map(|at| {
        if *at != json {
            return batch.num_rows() * size_of::<u128>();
        }
        let json = batch.column(json).as_string_view();
        (0..json.len()).map(|row| json.value(row).len()).sum()
    });
    bytes.sum::<usize>() as u64
}

impl DataSource for TailScan {
    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if let Some((rows, bytes)) = self.sizes.get(partition) {
            self.stats.add(*rows, *bytes);
        }
        self.rows.open(partition, context)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows.fmt_as(t, f)
    }

    fn output_partitioning(&self) -> Partitioning {
        self.rows.output_partitioning()
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        self.rows.eq_properties()
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Statistics> {
        self.rows.partition_statistics(partition)
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn DataSource>> {
        Some(self.with(self.rows.with_fetch(limit)?))
    }

    fn fetch(&self) -> Option<usize> {
        self.rows.fetch()
    }

    fn try_swapping_with_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn DataSource>>> {
        Ok(self.rows.try_swapping_with_projection(projection)?.map(|rows| self.with(rows)))
    }
}
