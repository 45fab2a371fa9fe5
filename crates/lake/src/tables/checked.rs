//! Reading a file only where it is what was written: each block of 64 KiB has a CRC-32 in the catalog.

use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{ChunkReader, Length};

use super::error::Error;
use super::file::File;

/// What one checksum is for. Small enough that reading a page does not check much beside it, large enough that the
/// catalog holds 10 kB for a file of 150 MB.
pub(super) const BLOCK_BYTES: usize = 64 << 10;
/// Bytes of a checksum.
const SUM_BYTES: usize = 4;

/// Sums up what is written.
#[derive(Default)]
pub(super) struct Sums {
    block: crc32fast::Hasher,
    filled: usize,
    closed: Vec<u8>,
    bytes: u64,
}

impl Sums {
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.filled));
            self.block.update(now);
            self.filled += now.len();
            if self.filled == BLOCK_BYTES {
                self.close_block();
            }
            bytes = later;
        }
    }

    /// How many bytes there were, and their sums.
    pub(super) fn finish(mut self) -> (u64, Vec<u8>) {
        if self.filled > 0 {
            self.close_block();
        }
        (self.bytes, self.closed)
    }

    fn close_block(&mut self) {
        let sum = std::mem::take(&mut self.block).finalize();
        self.closed.extend_from_slice(&sum.to_le_bytes());
        self.filled = 0;
    }
}

/// A data file, open for reading.
#[derive(Clone)]
pub(super) struct Checked {
    file: Arc<File>,
    handle: Arc<fs::File>,
}

impl Checked {
    pub(super) fn open(file: &Arc<File>) -> Result<Self, Error> {
        let handle = match fs::File::open(file.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::damaged(file.path(), "it is missing"));
            }
            handle => handle.map_err(|error| Error::io(file.path(), error))?,
        };
        let bytes = handle.metadata().map_err(|error| Error::io(file.path(), error))?.len();
        if bytes != file.bytes() {
            let reason = format!("it has {bytes} bytes instead of {}", file.bytes());
            return Err(Error::damaged(file.path(), reason));
        }
        Ok(Self { file: Arc::clone(file), handle: Arc::new(handle) })
    }

    pub(super) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// These bytes, checked with the blocks they lie in.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let block = BLOCK_BYTES as u64;
        if range.end > self.file.bytes() || range.start > range.end {
            let reason = format!("bytes {} to {} are asked for", range.start, range.end);
            return Err(Error::damaged(self.file.path(), reason));
        }
        let from = range.start / block * block;
        let to = (range.end.div_ceil(block) * block).min(self.file.bytes());
        let mut bytes = vec![0; (to - from) as usize];
        self.handle.read_exact_at(&mut bytes, from).map_err(|error| self.failed(error))?;
        for (at, part) in bytes.chunks(BLOCK_BYTES).enumerate() {
            self.check((from / block) as usize + at, part)?;
        }
        let skipped = (range.start - from) as usize;
        Ok(Bytes::from(bytes).slice(skipped..skipped + (range.end - range.start) as usize))
    }

    fn check(&self, block: usize, bytes: &[u8]) -> Result<(), Error> {
        let sum = crc32fast::hash(bytes).to_le_bytes();
        let written = self.file.checksums().get(block * SUM_BYTES..(block + 1) * SUM_BYTES);
        if written == Some(sum.as_slice()) {
            return Ok(());
        }
        let reason = format!("the checksum of the bytes from {} on does not fit", block * BLOCK_BYTES);
        Err(Error::damaged(self.file.path(), reason))
    }

    fn failed(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::damaged(self.file.path(), "it is cut off"),
            _ => Error::io(self.file.path(), error),
        }
    }
}

impl Length for Checked {
    fn len(&self) -> u64 {
        self.file.bytes()
    }
}

impl ChunkReader for Checked {
    type T = Sequential;

    fn get_read(&self, start: u64) -> ParquetResult<Sequential> {
        Ok(Sequential { checked: self.clone(), at: start, buffer: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        Ok(self.read(start..start + length as u64)?)
    }
}

/// Reads on from a place, a block at a time.
pub(super) struct Sequential {
    checked: Checked,
    at: u64,
    buffer: Bytes,
}

impl Read for Sequential {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.buffer.is_empty() && self.at < self.checked.file.bytes() {
            let block = BLOCK_BYTES as u64;
            let to = ((self.at / block + 1) * block).min(self.checked.file.bytes());
            self.buffer = self.checked.read(self.at..to).map_err(io::Error::other)?;
            self.at = to;
        }
        let count = out.len().min(self.buffer.len());
        out[..count].copy_from_slice(&self.buffer.split_to(count));
        Ok(count)
    }
}
