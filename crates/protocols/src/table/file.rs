//! The table's file: `trailkeep services`, a version, an index and a block for each service.
//!
//! The index is JSON and says where the blocks are; a block is a [`Service`] without its heading, in postcard. Both are
//! compressed with zstd, with its checksums, so that damage is noticed and not believed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Heading, Operation, Service, Shape};

/// What a file begins with; the number goes up with every change of the format or of what stands in blocks.
const MAGIC: &[u8] = b"trailkeep services 1\n";
/// The largest index, decompressed (ours; botocore's services need 150 KB).
const INDEX_BYTES_MAX: usize = 4 << 20;
/// The largest block, decompressed (ours; EC2 needs 1 MB).
const BLOCK_BYTES_MAX: usize = 16 << 20;
/// zstd's level: the file is written seldom.
const LEVEL: i32 = 19;

/// Why the table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is another kind of file, or one of another version.
    #[error("not a table of services of this version")]
    Foreign,
    /// Bytes are missing or wrong.
    #[error("the table of services is damaged: {what}")]
    Damaged {
        /// What is.
        what: &'static str,
    },
    /// There is no service of that number.
    #[error("the table has no service {at}")]
    Missing {
        /// The number.
        at: usize,
    },
    /// It cannot be written.
    #[error("the table cannot be written: {reason}")]
    Unwritten {
        /// Why.
        reason: String,
    },
}

/// A table, its index read.
#[derive(Debug)]
pub struct Table {
    bytes: Cow<'static, [u8]>,
    source: String,
    headings: Vec<Heading>,
    blocks: Vec<Range>,
}

#[derive(Serialize, Deserialize)]
struct Index {
    source: String,
    services: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    heading: Heading,
    block: Range,
}

/// Where a block is, from the end of the index.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Range {
    offset: usize,
    bytes: usize,
    bytes_decompressed: usize,
}

#[derive(Serialize, Deserialize)]
struct Block<'a> {
    operations: Cow<'a, [Operation]>,
    shapes: Cow<'a, [Shape]>,
}

impl Table {
    /// Reads the index.
    pub fn open(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, Error> {
        let bytes = bytes.into();
        let rest = bytes.strip_prefix(MAGIC).ok_or(Error::Foreign)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(Error::Damaged { what: "it ends before its index" })?;
        let length = u32::from_le_bytes(*length) as usize;
        let compressed = rest.get(..length).ok_or(Error::Damaged { what: "it ends within its index" })?;
        let index = decompress(compressed, INDEX_BYTES_MAX, "its index cannot be decompressed")?;
        let index: Index = serde_json::from_slice(&index).map_err(|_| Error::Damaged { what: "its index is not one" })?;
        let start = MAGIC.len() + 4 + length;
        let (mut headings, mut blocks) = (Vec::new(), Vec::new());
        for Entry { heading, block } in index.services {
            let offset = start.checked_add(block.offset).ok_or(Error::Damaged { what: "a block is beyond its end" })?;
            headings.push(heading);
            blocks.push(Range { offset, ..block });
        }
        Ok(Self { source: index.source, headings, blocks, bytes })
    }

    /// What it was made of: `botocore 1.44.5`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The index, by name.
    pub fn headings(&self) -> &[Heading] {
        &self.headings
    }

    /// How large a service is, decompressed; 0 if there is none.
    pub fn bytes_decompressed(&self, at: usize) -> usize {
        self.blocks.get(at).map_or(0, |block| block.bytes_decompressed)
    }

    /// Decompresses a service; some milliseconds for the largest.
    pub fn read(&self, at: usize) -> Result<Service, Error> {
        let (Some(heading), Some(block)) = (self.headings.get(at), self.blocks.get(at)) else {
            return Err(Error::Missing { at });
        };
        let end = block.offset.checked_add(block.bytes);
        let compressed = end.and_then(|end| self.bytes.get(block.offset..end));
        let compressed = compressed.ok_or(Error::Damaged { what: "a block is beyond its end" })?;
        let bytes_max = block.bytes_decompressed.min(BLOCK_BYTES_MAX);
        let block = decompress(compressed, bytes_max, "a block cannot be decompressed")?;
        let block: Block = postcard::from_bytes(&block).map_err(|_| Error::Damaged { what: "a block is not a service" })?;
        let (operations, shapes) = (block.operations.into_owned(), block.shapes.into_owned());
        let service = Service { heading: heading.clone(), operations, shapes };
        service.check()?;
        Ok(service)
    }
}

/// A table of these services; the same bytes for the same services.
pub fn write(source: &str, services: &[Service]) -> Result<Vec<u8>, Error> {
    let mut blocks = Vec::new();
    let mut entries = Vec::new();
    for service in services {
        let block = Block { operations: Cow::Borrowed(&service.operations), shapes: Cow::Borrowed(&service.shapes) };
        let block = postcard::to_allocvec(&block).map_err(unwritten)?;
        let compressed = compress(&block)?;
        let range = Range { offset: blocks.len(), bytes: compressed.len(), bytes_decompressed: block.len() };
        entries.push(Entry { heading: service.heading.clone(), block: range });
        blocks.extend(compressed);
    }
    let index = serde_json::to_vec(&Index { source: source.to_owned(), services: entries }).map_err(unwritten)?;
    let index = compress(&index)?;
    let length = u32::try_from(index.len()).map_err(unwritten)?;
    Ok([MAGIC, &length.to_le_bytes(), &index, &blocks].concat())
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL).map_err(unwritten)?;
    compressor.include_checksum(true).map_err(unwritten)?;
    compressor.compress(bytes).map_err(unwritten)
}

fn decompress(bytes: &[u8], bytes_max: usize, what: &'static str) -> Result<Vec<u8>, Error> {
    zstd::bulk::decompress(bytes, bytes_max).map_err(|_| Error::Damaged { what })
}

fn unwritten(error: impl std::fmt::Display) -> Error {
    Error::Unwritten { reason: error.to_string() }
}

#[cfg(test)]
mod tests;
