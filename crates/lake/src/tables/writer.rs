//! Writing a data file: under another name until it is whole and on disk.

use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, Schema, TimestampMicrosecondType};
use catalog::lake_files as rows;
use cloudtrail::event_data_store::Family;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::checked::Sums;
use super::error::Error;
use crate::schema::{self, Kind};

/// How an unfinished file's name ends.
pub(super) const UNFINISHED: &str = "tmp";
/// Where a store's data files are, in its folder.
pub(super) const DATA_FOLDER: &str = "data";
/// The version of the schema that files are written with.
const FORMAT: u32 = 1;
/// A page of data holds about so many bytes: the newest few rows of a file are read without much beside them.
const PAGE_BYTES: usize = 256 << 10;
/// A page of data holds at most so many rows.
const PAGE_ROWS: usize = 16_384;
/// After so many values the size of a page is looked at; records have 1.5 kB.
const VALUES_BETWEEN_LOOKS: usize = 256;
/// How often a Bloom filter may say yes to what is not there: a wrong yes costs reading a column of a row group.
const WRONG_YES: f64 = 0.01;
/// Text of statistics is cut after so many bytes.
const STATISTICS_BYTES: usize = 48;
/// Columns of which every value is another one: a dictionary would be all of it again.
const UNIQUE: [&str; 3] = ["eventid", "requestid", schema::EVENT_JSON];

/// What a file is written for.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) store: String,
    pub(super) family: Family,
    /// The store's folder.
    pub(super) folder: PathBuf,
    pub(super) row_group_rows_max: usize,
    pub(super) merged: bool,
    /// Part of the name, to tell files of one moment apart.
    pub(super) now_us: i64,
}

/// A file being written. Dropped before it is finished it leaves nothing.
pub(super) struct Writer {
    arrow: Option<ArrowWriter<Summed>>,
    /// Whether the file has its name.
    named: bool,
    plan: Plan,
    day: i32,
    temporary: PathBuf,
    rows: u64,
    times_us: (i64, i64),
    positions: (i64, i64),
}

impl Writer {
    /// A file for events of that day.
    pub(super) fn create(plan: &Plan, day: i32) -> Result<Self, Error> {
        let folder = plan.folder.join(DATA_FOLDER).join(day_text(day));
        fs::create_dir_all(&folder).map_err(|error| Error::io(&folder, error))?;
        let (temporary, handle) = new_file(&folder, plan.now_us)?;
        let summed = Summed { handle, sums: Sums::default() };
        // The file does not say that its texts are views in Arrow: not every engine that reads it knows those.
        let options = ArrowWriterOptions::new().with_properties(properties(plan)).with_skip_arrow_metadata(true);
        let arrow = ArrowWriter::try_new_with_options(summed, schema::file_schema(plan.family), options);
        let arrow = arrow.map_err(|error| Error::parquet(&temporary, error))?;
        Ok(Self {
            arrow: Some(arrow),
            named: false,
            plan: plan.clone(),
            day,
            temporary,
            rows: 0,
            times_us: (i64::MAX, i64::MIN),
            positions: (i64::MAX, i64::MIN),
        })
    }

    /// Takes rows, none newer than those before.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let Some(arrow) = &mut self.arrow else { return Ok(()) };
        arrow.write(batch).map_err(|error| Error::parquet(&self.temporary, error))?;
        let times = column(batch, schema::EVENT_TIME).as_primitive::<TimestampMicrosecondType>();
        let positions = column(batch, schema::POSITION).as_primitive::<Int64Type>();
        self.rows += batch.num_rows() as u64;
        self.times_us = bounds(self.times_us, times.values());
        self.positions = bounds(self.positions, positions.values());
        Ok(())
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Puts the file on disk under its name, as it is to be inserted into the catalog. The folder's entry is on disk
    /// too.
    pub(super) fn finish(mut self) -> Result<rows::File, Error> {
        let Some(arrow) = self.arrow.take() else { return Err(Error::Stopping) };
        let Summed { handle, sums } = arrow.into_inner().map_err(|error| Error::parquet(&self.temporary, error))?;
        handle.sync_all().map_err(|error| Error::io(&self.temporary, error))?;
        let path = self.temporary.with_extension("");
        fs::rename(&self.temporary, &path).map_err(|error| Error::io(&path, error))?;
        self.named = true;
        let folder = path.parent().unwrap_or(&self.plan.folder);
        for folder in [folder, &self.plan.folder.join(DATA_FOLDER)] {
            sync_folder(folder)?;
        }
        let (bytes, checksums) = sums.finish();
        let name = path.strip_prefix(&self.plan.folder).unwrap_or(&path).to_string_lossy().into_owned();
        Ok(rows::File {
            id: 0,
            store: self.plan.store.clone(),
            path: name,
            day: self.day,
            merged: self.plan.merged,
            rows: self.rows,
            bytes,
            oldest_us: self.times_us.0,
            newest_us: self.times_us.1,
            first_position: self.positions.0 as u64,
            end_position: self.positions.1 as u64 + 1,
            format: FORMAT,
            checksums,
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.named {
            super::file::remove(&self.temporary);
        }
    }
}

/// `2026-11-21`.
pub(super) fn day_text(day: i32) -> String {
    let text = cloudtrail::event::time_text(i64::from(day) * 86_400);
    text.split('T').next().unwrap_or_default().to_owned()
}

/// The day of a time, in days since 1970.
pub(super) fn day_of(time_us: i64) -> i32 {
    time_us.div_euclid(86_400 * 1_000_000) as i32
}

pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a dyn Array {
    batch.column_by_name(name).expect("every table has its internal columns").as_ref()
}

pub(super) fn sync_folder(folder: &Path) -> Result<(), Error> {
    fs::File::open(folder).and_then(|handle| handle.sync_all()).map_err(|error| Error::io(folder, error))
}

fn bounds(so_far: (i64, i64), values: &[i64]) -> (i64, i64) {
    values.iter().fold(so_far, |(least, most), value| (least.min(*value), most.max(*value)))
}

/// A name never used before: the moment, and which file of that moment.
fn new_file(folder: &Path, now_us: i64) -> Result<(PathBuf, fs::File), Error> {
    for number in 0_u32.. {
        let path = folder.join(format!("{now_us:014x}-{number:03x}.parquet.{UNFINISHED}"));
        if path.with_extension("").exists() {
            continue;
        }
        match fs::File::options().write(true).create_new(true).open(&path) {
            Ok(handle) => return Ok((path, handle)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io(&path, error)),
        }
    }
    Err(Error::Stopping)
}

fn properties(plan: &Plan) -> WriterProperties {
    let arrow = schema::file_schema(plan.family);
    let level = ZstdLevel::try_new(if plan.merged { 3 } else { 1 }).expect("zstd has these levels");
    let sorted = sorting(plan.family).into_iter().collect();
    let mut properties = WriterProperties::builder()
        .set_created_by("trailkeep".to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(VALUES_BETWEEN_LOOKS)
        .set_max_row_group_row_count(Some(plan.row_group_rows_max))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(STATISTICS_BYTES))
        .set_column_index_truncate_length(Some(STATISTICS_BYTES))
        .set_sorting_columns(Some(sorted));
    for column in schema::columns(plan.family).iter().filter(|column| arrow.field_with_name(column.name).is_ok()) {
        // A name with dots in it is one part of a path.
        let path = ColumnPath::new(vec![column.name.to_owned()]);
        if column.needle {
            properties = properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path.clone(), WRONG_YES)
                .set_column_bloom_filter_ndv(path.clone(), plan.row_group_rows_max as u64);
        }
        if UNIQUE.contains(&column.name) {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        // Only these rise and fall with the rows; JSON texts are compared by nobody.
        if column.name == schema::EVENT_TIME || column.name == schema::POSITION {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Page);
        } else if column.kind == Kind::Map || column.name == schema::EVENT_JSON {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
        }
    }
    properties.build()
}

/// By eventTime, the newest first.
fn sorting(family: Family) -> Option<SortingColumn> {
    let column = leaves_of(&schema::file_schema(family), schema::EVENT_TIME)?.start;
    Some(SortingColumn { column_idx: column as i32, descending: true, nulls_first: false })
}

/// Which columns of values a file with these columns has for the one of that name.
pub(super) fn leaves_of(arrow: &Schema, name: &str) -> Option<Range<usize>> {
    let at = arrow.index_of(name).ok()?;
    let mut sizes = arrow.fields().iter().map(|field| leaves(field.data_type()));
    let begin = sizes.by_ref().take(at).sum();
    Some(begin..begin + sizes.next()?)
}

/// How many columns of values a file has for a column of that type.
fn leaves(kind: &arrow::datatypes::DataType) -> usize {
    use arrow::datatypes::DataType;
    match kind {
        DataType::Struct(fields) => fields.iter().map(|field| leaves(field.data_type())).sum(),
        DataType::List(element) => leaves(element.data_type()),
        _ => 1,
    }
}

/// Sums up what goes to disk.
struct Summed {
    handle: fs::File,
    sums: Sums,
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.handle.write_all(bytes)?;
        self.sums.update(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.handle.flush()
    }
}
