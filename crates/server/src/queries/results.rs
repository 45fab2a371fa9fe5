//! Results of queries: a file per query, of which a page is read without the rest. What is small goes into the catalog
//! with the end of its query instead, and is on disk with one `fsync` less than a file and its folder need.
//!
//! A file is a mark, blocks of rows, the index of the blocks, and a tail that says where the index is. A block is a zstd
//! frame with a checksum; in it each row is a line, a JSON array of texts and nulls. A file without its tail was not
//! finished and is none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use catalog::queries::Results;
use serde::{Deserialize, Serialize};

/// What every file begins with; the last byte counts versions of the format.
const MARK: &[u8; 8] = b"TKROWS\0\x01";
/// The tail: where the index begins, and how long it is.
const TAIL_BYTES: u64 = 16;
/// A block is cut when its rows have so many bytes.
const BLOCK_BYTES: usize = 256 << 10;
/// Results of at most so many bytes, compressed, get no file.
const SMALL_BYTES_MAX: usize = 16 << 10;
/// How well blocks are compressed: they are written once and read once or never.
const ZSTD_LEVEL: i32 = 1;
/// The most bytes that the rows of one query may have, uncompressed. Own choice; AWS fails queries whose response "is too
/// large" without saying how large.
pub(super) const ROWS_BYTES_MAX: u64 = 1 << 30;
/// Space that results leave free on the disk: the journal and the catalog come first.
pub(super) const FREE_BYTES_MIN: u64 = 1 << 30;

/// A row: a text for each column, or nothing for NULL.
pub type Row = Vec<Option<String>>;

/// Why results cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file does not hold what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There are more rows than [`ROWS_BYTES_MAX`] allows.
    #[error("the results have more than {ROWS_BYTES_MAX} bytes")]
    TooLarge,
    /// The disk is nearly full.
    #[error("the disk has less than {FREE_BYTES_MIN} bytes left")]
    DiskFull,
}

fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::File { path: path.to_owned(), source }
}

/// The index: what the columns are called, and where each block is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Index {
    columns: Vec<String>,
    rows: u64,
    blocks: Vec<Block>,
}

/// A block: its first row, where it begins, how long it is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Block {
    #[serde(rename = "r")]
    first_row: u64,
    #[serde(rename = "o")]
    offset: u64,
    #[serde(rename = "n")]
    bytes: u64,
}

/// Writes the results of one query.
pub(super) struct Writer {
    path: PathBuf,
    unfinished: PathBuf,
    written: Written,
    offset: u64,
    index: Index,
    block: Vec<u8>,
    block_first: u64,
    bytes: u64,
    bytes_max: u64,
}

/// What is written so far.
enum Written {
    InMemory(Vec<u8>),
    OnDisk(BufWriter<File>),
}

impl Drop for Writer {
    /// What was not finished is of no use.
    fn drop(&mut self) {
        if matches!(self.written, Written::OnDisk(_)) {
            // After the file was finished there is none of this name any more.
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}

impl Writer {
    /// Begins results whose file, if they need one, will be at `path`; it takes its name when it is finished.
    pub(super) fn new(path: &Path, columns: Vec<String>) -> Self {
        Self {
            path: path.to_owned(),
            unfinished: path.with_extension("tmp"),
            written: Written::InMemory(MARK.to_vec()),
            offset: MARK.len() as u64,
            index: Index { columns, ..Index::default() },
            block: Vec::new(),
            block_first: 0,
            bytes: 0,
            bytes_max: ROWS_BYTES_MAX,
        }
    }

    /// The same with another limit.
    #[cfg(test)]
    fn with_bytes_max(mut self, bytes_max: u64) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    /// Adds a row. Blocks.
    pub(super) fn push(&mut self, row: &Row) -> Result<(), Error> {
        let before = self.block.len();
        serde_json::to_writer(&mut self.block, row).expect("texts are written to memory");
        self.block.push(b'\n');
        self.bytes += (self.block.len() - before) as u64;
        self.index.rows += 1;
        if self.bytes > self.bytes_max {
            return Err(Error::TooLarge);
        }
        if self.block.len() >= BLOCK_BYTES { self.cut() } else { Ok(()) }
    }

    fn cut(&mut self) -> Result<(), Error> {
        if self.block.is_empty() {
            return Ok(());
        }
        let block = compressed(&self.block).map_err(at(&self.unfinished))?;
        self.write(&block)?;
        let bytes = block.len() as u64;
        self.index.blocks.push(Block { first_row: self.block_first, offset: self.offset, bytes });
        self.offset += bytes;
        self.block_first = self.index.rows;
        self.block.clear();
        Ok(())
    }

    /// Writes to memory while there is little, then to disk.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Written::InMemory(before) = &mut self.written {
            if before.len() + bytes.len() <= SMALL_BYTES_MAX {
                before.extend_from_slice(bytes);
                return Ok(());
            }
            let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.unfinished);
            let mut file = BufWriter::new(options.map_err(at(&self.unfinished))?);
            let written = file.write_all(before);
            self.written = Written::OnDisk(file);
            written.map_err(at(&self.unfinished))?;
        }
        if free_bytes(&self.unfinished)? < FREE_BYTES_MIN {
            return Err(Error::DiskFull);
        }
        match &mut self.written {
            Written::InMemory(_) => Ok(()),
            Written::OnDisk(file) => file.write_all(bytes).map_err(at(&self.unfinished)),
        }
    }

    /// Ends the results. If they have a file, it is on disk, under its name, when this returns. Blocks.
    pub(super) fn finish(mut self) -> Result<Results, Error> {
        self.cut()?;
        let index = serde_json::to_vec(&self.index).expect("an index is plain values");
        let mut end = compressed(&index).map_err(at(&self.unfinished))?;
        let tail = [self.offset.to_le_bytes(), (end.len() as u64).to_le_bytes()].concat();
        end.extend_from_slice(&tail);
        self.write(&end)?;
        let rows = self.index.rows;
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        let file = match &mut self.written {
            Written::InMemory(_) if free_bytes(folder)? < FREE_BYTES_MIN => return Err(Error::DiskFull),
            Written::InMemory(bytes) => return Ok(Results { rows, small: Some(std::mem::take(bytes)) }),
            Written::OnDisk(file) => file,
        };
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(at(&self.unfinished))?;
        fs::rename(&self.unfinished, &self.path).map_err(at(&self.path))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))?;
        Ok(Results { rows, small: None })
    }
}

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn free_bytes(path: &Path) -> Result<u64, Error> {
    let at_path = at(path);
    let space = rustix::fs::statvfs(path).map_err(|errno| at_path(errno.into()))?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

/// A page of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// The number of the row after them, if there is one.
    pub next: Option<u64>,
}

/// Reads the results of one query.
pub(super) struct Reader {
    /// The file; for small results the one they would have.
    path: PathBuf,
    source: Source,
    index: Index,
}

/// What is read.
enum Source {
    File(File),
    Small(Vec<u8>),
}

impl Source {
    fn size(&self) -> io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Small(bytes) => Ok(bytes.len() as u64),
        }
    }

    fn read_exact_at(&self, to: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.read_exact_at(to, offset),
            Self::Small(bytes) => {
                let from = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)?.get(..to.len()));
                to.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    fn block_at(&self, offset: u64, bytes: u64) -> io::Result<Vec<u8>> {
        // A block is compressed from little more than its size or one long row; nothing here is larger than all rows.
        if bytes > ROWS_BYTES_MAX + (1 << 20) {
            return Err(io::Error::other("a block is longer than results can be"));
        }
        let mut block = vec![0; bytes as usize];
        self.read_exact_at(&mut block, offset)?;
        zstd::decode_all(block.as_slice())
    }
}

impl Reader {
    /// Opens finished results, in their file unless they are small: reads their index and no rows. Blocks.
    pub(super) fn open(path: &Path, small: Option<Vec<u8>>) -> Result<Self, Error> {
        let source = match small {
            Some(bytes) => Source::Small(bytes),
            None => Source::File(File::open(path).map_err(at(path))?),
        };
        let size = source.size().map_err(at(path))?;
        let damaged = |reason: &str| Error::Damaged { path: path.to_owned(), reason: reason.to_owned() };
        let mut mark = [0; MARK.len()];
        let mut tail = [0; TAIL_BYTES as usize];
        let tail_at = size.checked_sub(TAIL_BYTES).ok_or_else(|| damaged("it is too short"))?;
        source.read_exact_at(&mut mark, 0).map_err(at(path))?;
        source.read_exact_at(&mut tail, tail_at).map_err(at(path))?;
        let number = |bytes: &[u8]| bytes.first_chunk().copied().map_or(0, u64::from_le_bytes);
        let (begin, bytes) = (number(&tail), number(tail.get(8..).unwrap_or_default()));
        if &mark != MARK || begin.checked_add(bytes) != Some(tail_at) {
            return Err(damaged("it has not the form of results"));
        }
        let index = source.block_at(begin, bytes).map_err(|error| damaged(&error.to_string()))?;
        let index = serde_json::from_slice(&index).map_err(|error| damaged(&error.to_string()))?;
        Ok(Self { path: path.to_owned(), source, index })
    }

    /// What the columns are called.
    pub(super) fn columns(&self) -> &[String] {
        &self.index.columns
    }

    /// The rows from number `from` on: at most `rows_max`, and about `bytes_max` bytes of them, but at least one. Reads
    /// the blocks they are in. Blocks.
    pub(super) fn page(&self, from: u64, rows_max: usize, bytes_max: usize) -> Result<Page, Error> {
        let mut page = Page::default();
        let (mut next, mut bytes) = (from, 0);
        let first = self.index.blocks.partition_point(|block| block.first_row <= from).saturating_sub(1);
        for block in self.index.blocks.iter().skip(first) {
            let text = self.source.block_at(block.offset, block.bytes).map_err(|error| self.damaged(&error))?;
            let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            for line in lines.skip(next.saturating_sub(block.first_row) as usize) {
                if page.rows.len() >= rows_max || !page.rows.is_empty() && bytes + line.len() > bytes_max {
                    page.next = Some(next);
                    return Ok(page);
                }
                page.rows.push(serde_json::from_slice(line).map_err(|error| self.damaged(&error))?);
                bytes += line.len();
                next += 1;
            }
        }
        Ok(page)
    }

    fn damaged(&self, reason: &impl ToString) -> Error {
        Error::Damaged { path: self.path.clone(), reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests;
