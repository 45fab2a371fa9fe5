//! Reading: files in, batches of rows out.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{ArrayRef, AsArray as _, RecordBatch, StringViewArray};
use arrow::datatypes::SchemaRef;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::event::{Admission, Event};
use cloudtrail::event_data_store::{Family, SIZE_LARGE_MAX};
use cloudtrail::log_file::Name;
use cloudtrail::region::Region;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures_util::stream;
use pipeline::capture::envelope::{FileErrorCode, INFLATED_BYTES_MAX, Records, parse_file};

use super::long::{Broken, LongFile};
use super::{Content, Damage, Found, Progress, Queue, Source};
use crate::rows::Rows;
use crate::schema::{EVENT_JSON, EVENT_JSON_CHECKSUM};

/// Rows of a batch at most.
const BATCH_ROWS_MAX: usize = 8_192;
/// Bytes of records in a batch, the last record aside.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Whose event it is if neither the record nor the file's name says.
const NOBODY: &str = "000000000000";
/// Where it was recorded if neither the record nor the file's name says.
const SOMEWHERE: &str = "us-east-1";

/// One of several readers of the same files.
pub(super) struct Part {
    pub(super) source: Arc<Source>,
    pub(super) progress: Arc<Progress>,
    pub(super) queue: Arc<Queue>,
    /// The columns that are wanted.
    pub(super) schema: SchemaRef,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").finish_non_exhaustive()
    }
}

impl PartitionStream for Part {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let reader = Reader {
            source: Arc::clone(&self.source),
            progress: Arc::clone(&self.progress),
            queue: Arc::clone(&self.queue),
            schema: Arc::clone(&self.schema),
            rows: Rows::new(Family::Events),
            open: None,
        };
        let batches = stream::try_unfold(reader, |mut reader| async { Ok(reader.next().await?.map(|batch| (batch, reader))) });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}

struct Reader {
    source: Arc<Source>,
    progress: Arc<Progress>,
    queue: Arc<Queue>,
    schema: SchemaRef,
    rows: Rows,
    open: Option<Open>,
}

/// A file being read.
struct Open {
    name: String,
    account: AccountId,
    region: Region,
    /// Which record comes next.
    at: u64,
    records: Contents,
}

enum Contents {
    Whole(Records),
    Long(Box<LongFile>),
}

impl Reader {
    /// The next batch; none when all files are read.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(open) = self.open.take() {
                self.read(open);
                if self.is_full() {
                    return self.batch().map(Some);
                }
                // Others may have waited for their turn on this thread.
                tokio::task::yield_now().await;
                continue;
            }
            match self.queue.next(&self.source, &self.progress).await {
                Some(Ok(found)) => self.open = self.open(found),
                Some(Err(reason)) => return Err(DataFusionError::External(reason.into())),
                None if self.rows.is_empty() => return Ok(None),
                None => return self.batch().map(Some),
            }
        }
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS_MAX || self.rows.record_bytes() >= BATCH_BYTES_MAX
    }

    fn open(&self, found: Found) -> Option<Open> {
        let opened = open(&found.name, found.content);
        let (records, bytes) = match opened {
            Ok(opened) => opened,
            Err((code, message)) => {
                self.progress.files.fetch_add(1, Ordering::Relaxed);
                (self.source.damaged)(Damage { file: found.name, record: None, code, message });
                return None;
            }
        };
        self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        let (account, region) = origin(&found.name);
        Some(Open { name: found.name, account, region, at: 0, records })
    }

    /// Makes rows of an open file's records until there are enough or no more.
    fn read(&mut self, mut open: Open) {
        let before = self.rows.len();
        while !self.is_full() {
            let index = open.at;
            open.at += 1;
            let admission = Admission { account: open.account, region: &open.region, ordinal: index, size_max: SIZE_LARGE_MAX };
            let admitted = match &mut open.records {
                Contents::Whole(records) => match records.get(index as usize) {
                    Some(record) => Event::admit(record, &admission),
                    None => return self.close(before),
                },
                Contents::Long(file) => match file.next() {
                    Ok(Some(record)) => {
                        self.progress.bytes.fetch_add(record.len() as u64, Ordering::Relaxed);
                        Event::admit(record, &admission)
                    }
                    Ok(None) => return self.close(before),
                    Err(Broken { code, message }) => {
                        (self.source.damaged)(Damage { file: open.name, record: None, code: code.to_string(), message });
                        return self.close(before);
                    }
                },
            };
            match admitted {
                Ok(event) => self.rows.push(&event, 0, 0),
                Err(rejection) => (self.source.damaged)(Damage {
                    file: open.name.clone(),
                    record: Some(index),
                    code: rejection.code.to_string(),
                    message: rejection.message,
                }),
            }
        }
        self.progress.events.fetch_add((self.rows.len() - before) as u64, Ordering::Relaxed);
        self.open = Some(open);
    }

    fn close(&self, before: usize) {
        self.progress.events.fetch_add((self.rows.len() - before) as u64, Ordering::Relaxed);
        self.progress.files.fetch_add(1, Ordering::Relaxed);
    }

    /// The rows so far, with the columns that are wanted.
    fn batch(&mut self) -> Result<RecordBatch> {
        let batch = std::mem::replace(&mut self.rows, Rows::new(Family::Events)).finish();
        let column = |name: &str| -> Result<ArrayRef> {
            if name == EVENT_JSON_CHECKSUM {
                return Ok(Arc::new(checksums(&batch)));
            }
            let missing = || DataFusionError::Internal(format!("rows have no column {name}"));
            batch.column_by_name(name).cloned().ok_or_else(missing)
        };
        let columns = self.schema.fields().iter().map(|field| column(field.name())).collect::<Result<Vec<_>>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

/// Base64 of the SHA-256 of every record.
fn checksums(batch: &RecordBatch) -> StringViewArray {
    let records = batch.column_by_name(EVENT_JSON).map(|records| records.as_string_view().iter());
    records.into_iter().flatten().map(|record| record.map(|record| STANDARD.encode(digest(&SHA256, record.as_bytes())))).collect()
}

/// Opens a file: as a whole where it is of a common size, else to be read piece by piece. Answers also how many bytes
/// are inflated.
fn open(name: &str, content: Content) -> Result<(Contents, u64), (String, String)> {
    let unreadable = |error: std::io::Error| ("Unreadable".to_owned(), error.to_string());
    let (bytes, path, _room) = match content {
        Content::Bytes(bytes, room) => (bytes, None, Some(room)),
        Content::Path(path) => {
            if path.metadata().map_err(unreadable)?.len() > INFLATED_BYTES_MAX as u64 {
                return Ok((long(File::open(path).map_err(unreadable)?).map_err(unreadable)?, 0));
            }
            (read(&path).map_err(unreadable)?, Some(path), None)
        }
    };
    match parse_file(name, &bytes) {
        Ok(records) => {
            let inflated = records.bytes() as u64;
            Ok((Contents::Whole(records), inflated))
        }
        Err(error) if matches!(error.code, FileErrorCode::TooLarge | FileErrorCode::TooManyRecords) => match path {
            Some(path) => Ok((long(File::open(path).map_err(unreadable)?).map_err(unreadable)?, 0)),
            None => Ok((long(std::io::Cursor::new(bytes)).map_err(unreadable)?, 0)),
        },
        Err(error) => Err((error.code.to_string(), error.message)),
    }
}

fn long(file: impl std::io::Read + Send + 'static) -> std::io::Result<Contents> {
    Ok(Contents::Long(Box::new(LongFile::open(file)?)))
}

fn read(path: &Path) -> std::io::Result<Bytes> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Whose events a file holds and where they were recorded, as far as its name says: for records that do not.
fn origin(name: &str) -> (AccountId, Region) {
    match Name::parse(name.rsplit('/').next().unwrap_or_default()) {
        Some(name) => (name.account, name.region),
        None => (NOBODY.parse().expect("twelve digits"), SOMEWHERE.parse().expect("a Region")),
    }
}
