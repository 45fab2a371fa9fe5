//! A snapshot as a table of DataFusion: its files and its tail.
//!
//! Files are chosen by eventTime before they are opened, and by Bloom filters before they are scanned; in a file, row
//! groups by statistics and Bloom filters, pages by their index, and, where that pays, rows by the filters themselves, which
//! read only the columns they need. Rows come newest first where that can be had without sorting, so that the newest few are found without reading
//! the rest.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::SortOptions;
use arrow::datatypes::{Schema, SchemaRef, TimestampMicrosecondType};
use cloudtrail::event_data_store::Family;
use datafusion::catalog::memory::DataSourceExec;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::TableParquetOptions;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, DataFusionError, Result, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, Operator, ScalarUDF, TableProviderFilterPushDown};
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;

use super::checksum::Checksum;
use super::file::File;
use super::narrow::Narrow;
use super::reader::Readers;
use super::snapshot::Snapshot;
use super::statistics::ScanStats;
use super::tail_scan::TailScan;
use super::writer::column;
use super::{groups, narrow, needles, pruning};
use crate::schema::{self, Kind};

/// What is asked of a scan.
struct Asked<'a> {
    /// The columns.
    names: &'a [String],
    /// Whether rows are left out as they are read.
    filtering: bool,
    limit: Option<usize>,
}

/// A snapshot as a table.
#[derive(Debug)]
pub(super) struct Provider {
    snapshot: Snapshot,
    stats: Arc<ScanStats>,
    schema: SchemaRef,
}

impl Provider {
    pub(super) fn new(snapshot: Snapshot, stats: Arc<ScanStats>) -> Self {
        Self { schema: schema::arrow_schema(snapshot.family()), snapshot, stats }
    }

    /// What it is a table of.
    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What counts what is read of it.
    pub(super) fn stats(&self) -> &Arc<ScanStats> {
        &self.stats
    }

    /// The scans whose rows together are the table's, of these columns.
    fn scans(&self, files: Vec<Arc<File>>, asked: &Asked<'_>, state: &dyn Session) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
        let cutoff_us = self.snapshot.cutoff_us;
        let kept = files.into_iter().filter(|file| file.newest_us() >= cutoff_us);
        let (whole, edge): (Vec<_>, Vec<_>) = kept.partition(|file| file.oldest_us() >= cutoff_us);
        let mut scans = Vec::new();
        for (files, filter) in [(whole, None), (edge, Some(not_before(cutoff_us)))] {
            if !files.is_empty() {
                scans.push(self.scan_files(&files, filter, asked, state)?);
            }
        }
        let tail = self.tail(cutoff_us);
        if !tail.is_empty() {
            scans.push(self.scan_tail(tail, asked.names)?);
        }
        Ok(scans)
    }

    fn scan_files(
        &self,
        files: &[Arc<File>],
        filter: Option<Arc<dyn PhysicalExpr>>,
        asked: &Asked<'_>,
        state: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let names = asked.names;
        let narrow = Arc::new(Narrow::new(self.snapshot.family(), narrow::columns(self.snapshot.family(), names))?);
        let scanned = Arc::clone(narrow.schema());
        let readers = Readers::new(files, narrow, &self.snapshot.store.shared, &self.stats);
        let source = ParquetSource::new(Arc::clone(&scanned))
            .with_table_parquet_options(TableParquetOptions::default())
            .with_parquet_file_reader_factory(Arc::new(readers))
            .with_pushdown_filters(asked.filtering || filter.is_some())
            .with_reorder_filters(true)
            .with_enable_page_index(true)
            .with_bloom_filter_on_read(true);
        let source: Arc<dyn FileSource> = match filter {
            Some(filter) => Arc::new(source.with_predicate(filter)),
            None => Arc::new(source),
        };
        let groups = groups::of(files, state.config().target_partitions());
        let order = if groups.sorted { vec![newest_first(&scanned)?] } else { Vec::new() };
        let groups = groups.files.iter().map(|group| FileGroup::new(group.iter().map(|file| partitioned(file)).collect()));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file_groups(groups.collect())
            .with_statistics(statistics(files, &scanned))
            .with_output_ordering(order)
            .with_projection_indices(Some(indices(&scanned, names)?))?
            .with_limit(asked.limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    fn scan_tail(&self, batches: Vec<RecordBatch>, names: &[String]) -> Result<Arc<dyn ExecutionPlan>> {
        let stored = schema::stored_schema(self.snapshot.family());
        let projection = indices(&stored, names)?;
        let scan = TailScan::new(batches, Arc::clone(&stored), projection, newest_first(&stored)?, &self.stats)?;
        Ok(DataSourceExec::from_data_source(scan))
    }

    /// The rows in memory that are not too old. They are sorted.
    fn tail(&self, cutoff_us: i64) -> Vec<RecordBatch> {
        let young = |batch: &RecordBatch| {
            let times = column(batch, schema::EVENT_TIME).as_primitive::<TimestampMicrosecondType>();
            times.values().partition_point(|time| *time >= cutoff_us)
        };
        let batches = self.snapshot.chunks.iter().map(|chunk| chunk.batch.slice(0, young(&chunk.batch)));
        batches.filter(|batch| batch.num_rows() > 0).collect()
    }

    /// Adds `eventjsonchecksum`, of the columns of `input`, where `names` has it.
    fn with_checksum(
        &self,
        input: Arc<dyn ExecutionPlan>,
        names: &[String],
        state: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let from = input.schema();
        let expressions = names.iter().map(|name| {
            let stored = if name == schema::EVENT_JSON_CHECKSUM { schema::EVENT_JSON } else { name };
            let column = Arc::new(Column::new_with_schema(stored, &from)?) as Arc<dyn PhysicalExpr>;
            if stored == name {
                return Ok(ProjectionExpr::new(column, name.clone()));
            }
            let field = Arc::new(self.schema.field_with_name(name)?.clone());
            let function = Arc::new(ScalarUDF::from(Checksum::new(field)));
            let options = Arc::new(state.config_options().clone());
            let sum = ScalarFunctionExpr::try_new(function, vec![column], &from, options)?;
            Ok(ProjectionExpr::new(Arc::new(sum), name.clone()))
        });
        let expressions = expressions.collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(expressions, input)?))
    }
}

#[async_trait::async_trait]
impl TableProvider for Provider {
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
        let wanted = match projection {
            Some(projection) => Arc::new(self.schema.project(projection)?),
            None => Arc::clone(&self.schema),
        };
        let names: Vec<String> = wanted.fields().iter().map(|field| field.name().clone()).collect();
        let mut read: Vec<String> = names.iter().filter(|name| *name != schema::EVENT_JSON_CHECKSUM).cloned().collect();
        let computed = read.len() < names.len();
        if computed && !read.iter().any(|name| name == schema::EVENT_JSON) {
            read.push(schema::EVENT_JSON.to_owned());
        }
        let files = self.snapshot.files.as_ref().clone();
        let files = pruning::prune(files, filters, &DFSchema::try_from(Arc::clone(&self.schema))?, state)?;
        let family = self.snapshot.family();
        let source = needles::Source { family, footers: &self.snapshot.store.shared.footers, stats: &self.stats };
        let files = needles::prune(files, filters, source).await;
        let files = files.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let mut scans = self.scans(files, &Asked { names: &read, filtering: filtering(&read, filters, family), limit }, state)?;
        let plan = match scans.len() {
            0 => return Ok(Arc::new(EmptyExec::new(wanted))),
            1 => scans.remove(0),
            _ => UnionExec::try_new(scans)?,
        };
        if computed { self.with_checksum(plan, &names, state) } else { Ok(plan) }
    }

    /// Scans take filters as far as they can; the rest stays above them.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

/// Whether it pays to leave rows out as they are read: the other columns are then read of the rows that are left. That takes
/// longer than to read all of them and to choose afterwards, unless values are looked for that few rows have, or what is read
/// of each row is much.
fn filtering(names: &[String], filters: &[Expr], family: Family) -> bool {
    let much = |name: &String| {
        let kind = schema::column(family, name).map(|column| column.kind);
        name == schema::EVENT_JSON || matches!(kind, Some(Kind::Map | Kind::Struct(_) | Kind::List(_)))
    };
    needles::sought(filters, family) || names.iter().any(much)
}

/// `eventtime >= …`.
fn not_before(cutoff_us: i64) -> Arc<dyn PhysicalExpr> {
    let time = Arc::new(Column::new(schema::EVENT_TIME, 0));
    let cutoff = Literal::new(ScalarValue::TimestampMicrosecond(Some(cutoff_us), None));
    Arc::new(BinaryExpr::new(time, Operator::GtEq, Arc::new(cutoff)))
}

fn newest_first(schema: &Schema) -> Result<LexOrdering> {
    let time = Arc::new(Column::new_with_schema(schema::EVENT_TIME, schema)?);
    let order = PhysicalSortExpr::new(time, SortOptions { descending: true, nulls_first: false });
    Ok([order].into())
}

fn indices(schema: &Schema, names: &[String]) -> Result<Vec<usize>> {
    names.iter().map(|name| Ok(schema.index_of(name)?)).collect()
}

fn partitioned(file: &File) -> PartitionedFile {
    let mut statistics = Statistics { num_rows: Precision::Exact(file.rows() as usize), ..Statistics::default() };
    statistics.column_statistics = vec![times(file.oldest_us(), file.newest_us())];
    PartitionedFile::new(file.name(), file.bytes()).with_statistics(Arc::new(statistics))
}

/// What is known of all files together, without reading any.
fn statistics(files: &[Arc<File>], scanned: &Schema) -> Statistics {
    let mut statistics = Statistics::new_unknown(scanned);
    statistics.num_rows = Precision::Exact(files.iter().map(|file| file.rows() as usize).sum());
    let oldest = files.iter().map(|file| file.oldest_us()).min();
    let newest = files.iter().map(|file| file.newest_us()).max();
    if let (Some(oldest), Some(newest), Some(first)) = (oldest, newest, statistics.column_statistics.first_mut()) {
        *first = times(oldest, newest);
    }
    statistics
}

fn times(oldest_us: i64, newest_us: i64) -> ColumnStatistics {
    let time = |time_us| Precision::Exact(ScalarValue::TimestampMicrosecond(Some(time_us), None));
    ColumnStatistics {
        null_count: Precision::Exact(0),
        min_value: time(oldest_us),
        max_value: time(newest_us),
        ..ColumnStatistics::new_unknown()
    }
}
