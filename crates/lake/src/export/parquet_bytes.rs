//! A Parquet file written to a stream: bytes leave as soon as a row group is whole.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use datafusion::common::Result;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// Rows of a row group at most.
const GROUP_ROWS_MAX: usize = 65_536;
/// Bytes of a row group, about, before they leave.
const GROUP_BYTES: usize = 32 << 20;

/// A Parquet file being written.
pub(super) struct ParquetBytes {
    writer: ArrowWriter<Buffer>,
    buffer: Buffer,
}

/// Bytes written and not yet taken.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().expect("nothing panics while it holds the lock")).into()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nothing panics while it holds the lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ParquetBytes {
    pub(super) fn new(schema: SchemaRef) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS_MAX))
            .build();
        let buffer = Buffer::default();
        // The file does not say that its texts are views in Arrow: not every program that reads it knows those.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        Ok(Self { writer: ArrowWriter::try_new_with_options(buffer.clone(), schema, options)?, buffer })
    }

    /// Adds rows; returns the bytes that are final.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<Bytes> {
        self.writer.write(batch)?;
        if self.writer.in_progress_size() >= GROUP_BYTES {
            self.writer.flush()?;
        }
        Ok(self.buffer.take())
    }

    /// The rest of the file.
    pub(super) fn finish(self) -> Result<Bytes> {
        self.writer.close()?;
        Ok(self.buffer.take())
    }
}
