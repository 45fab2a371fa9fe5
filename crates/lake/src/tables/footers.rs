//! The footers and Bloom filters of files, kept in memory: a query asks for many files, and for the same ones as the query
//! before.

use std::sync::Arc;

use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use super::checked::Checked;
use super::error::Error;
use super::recent::Recent;
use super::statistics::ScanStats;

/// Bytes of a block of a Bloom filter (Parquet format, split block Bloom filters).
const BLOOM_BLOCK_BYTES: usize = 32;

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
        let footer = reader.parse_and_finish(checked);
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
