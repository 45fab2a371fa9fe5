//! The footers and Bloom filters of files, kept in memory: a query asks for many files, and for the same ones as the query
//! before.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema};
use parquet::bloom_filter::Sbbf;
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{
    FileMetaData, KeyValue, PageIndexPolicy, ParquetMetaData, ParquetMetaDataBuilder, ParquetMetaDataReader,
};

use super::checked::Checked;
use super::error::Error;
use super::recent::Recent;
use super::statistics::ScanStats;

/// Bytes of a block of a Bloom filter (Parquet format, split block Bloom filters).
const BLOOM_BLOCK_BYTES: usize = 32;

/// The footer, saying what Arrow is to make of texts: views. The file itself does not say so.
fn with_views(footer: ParquetMetaData) -> ParquetResult<ParquetMetaData> {
    let file = footer.file_metadata();
    let arrow = parquet_to_arrow_schema(file.schema_descr(), None)?;
    let fields: Vec<Field> = arrow.fields().iter().map(|field| viewed(field)).collect();
    let hint = KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(&Schema::new(fields)));
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        Some(vec![hint]),
        file.schema_descr_ptr(),
        file.column_orders().cloned(),
    );
    let mut parts = footer.into_builder();
    let whole = ParquetMetaDataBuilder::new(file).set_row_groups(parts.take_row_groups());
    Ok(whole.set_column_index(parts.take_column_index()).set_offset_index(parts.take_offset_index()).build())
}

fn viewed(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::Utf8 => DataType::Utf8View,
        DataType::Struct(members) => DataType::Struct(members.iter().map(|member| viewed(member)).collect()),
        DataType::List(element) => DataType::List(Arc::new(viewed(element))),
        other => other.clone(),
    };
    field.clone().with_data_type(data_type)
}

/// Footers, and Bloom filters, which are found by them.
pub(super) struct Footers {
    footers: Recent<u64, ParquetMetaData>,
    filters: Recent<(u64, usize, usize), Sbbf>,
}

impl Footers {
    /// At most so many bytes of footers, and of Bloom filters.
    pub(super) fn new(bytes_max: usize, filter_bytes_max: usize) -> Self {
        Self { footers: Recent::new(bytes_max), filters: Recent::new(filter_bytes_max) }
    }

    /// The footer of a file, its page index with it.
    pub(super) fn get(&self, checked: &Checked) -> Result<Arc<ParquetMetaData>, Error> {
        let id = checked.file().id();
        if let Some(footer) = self.footers.get(id) {
            return Ok(footer);
        }
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        let footer = reader.parse_and_finish(checked).and_then(with_views);
        let footer = Arc::new(footer.map_err(|error| Error::parquet(checked.file().path(), error))?);
        self.footers.keep(id, &footer, footer.memory_size());
        Ok(footer)
    }

    /// The Bloom filter of a column in a row group, if it has one; `leaf` is where the column should be among those of
    /// values. Bytes read of the file are added to `stats`.
    pub(super) fn filter(
        &self,
        checked: &Checked,
        group: usize,
        (leaf, name): (usize, &str),
        stats: &ScanStats,
    ) -> Result<Option<Arc<Sbbf>>, Error> {
        let key = (checked.file().id(), group, leaf);
        if let Some(filter) = self.filters.get(key) {
            return Ok(Some(filter));
        }
        let footer = self.get(checked)?;
        let column = footer.row_groups().get(group).and_then(|group| group.columns().get(leaf));
        // A file of another version may have its columns elsewhere.
        let Some(column) = column.filter(|column| column.column_path().parts() == [name]) else { return Ok(None) };
        let read = Sbbf::read_from_column_chunk(column, checked);
        let filter = read.map_err(|error| Error::parquet(checked.file().path(), error))?.map(Arc::new);
        if let Some(filter) = &filter {
            let bytes = filter.num_blocks() * BLOOM_BLOCK_BYTES;
            stats.add(0, bytes as u64);
            self.filters.keep(key, filter, bytes);
        }
        Ok(filter)
    }

    /// A file is gone.
    pub(super) fn forget(&self, id: u64) {
        self.footers.forget(|file| *file == id);
        self.filters.forget(|(file, ..)| *file == id);
    }
}
