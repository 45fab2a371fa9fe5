//! The end of a segment file: what is in it, and where.

use journal::Position;

use super::super::error::Error;
use super::super::varint::{self, Reader};
use super::MAGIC;
use super::file::SegmentFile;

/// Length and checksum of the footer, and the magic.
const TRAILER_BYTES: usize = 16;
/// A segment merged from many has as many dictionaries: at most one per block of which it was made.
const DICTIONARIES_MAX: u64 = 1 << 16;
/// The largest footer: dictionaries are all but a few bytes of it.
const FOOTER_BYTES_MAX: u32 = 4 << 20;

/// What a segment's records have in common: how long they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) enum Family {
    /// Events as they happened.
    Live,
    /// Imported ones.
    Imported,
}

impl Family {
    pub(in super::super) const ALL: [Self; 2] = [Self::Live, Self::Imported];
}

/// What is known about a segment's records together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Summary {
    pub(in super::super) family: Family,
    pub(in super::super) records: u32,
    /// The blocks' bytes, decompressed.
    pub(in super::super) raw_bytes: u64,
    pub(in super::super) newest_s: i64,
    pub(in super::super) oldest_s: i64,
    /// The records are the family's from this position …
    pub(in super::super) first: Position,
    /// … to before this one, but not all of them if it is a merged segment.
    pub(in super::super) end: Position,
}

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) offset: u64,
    pub(super) len: usize,
    pub(super) crc: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) summary: Summary,
    pub(super) dictionaries: Vec<Part>,
    pub(super) blocks: Part,
    pub(super) pages: Part,
    pub(super) scopes: Part,
}

impl Part {
    fn put(&self, out: &mut Vec<u8>) {
        varint::put(out, self.offset);
        varint::put(out, self.len as u64);
        varint::put(out, u64::from(self.crc));
    }

    fn get(reader: &mut Reader<'_>) -> Option<Self> {
        let (offset, len) = (reader.number()?, reader.number()? as usize);
        Some(Self { offset, len, crc: reader.up_to(u64::from(u32::MAX))? as u32 })
    }

    pub(super) fn read(&self, file: &SegmentFile, part: &str) -> Result<Vec<u8>, Error> {
        file.read(self.offset, self.len, self.crc, part)
    }
}

impl Footer {
    /// The footer with all that follows it.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let summary = &self.summary;
        out.push(match summary.family {
            Family::Live => 1,
            Family::Imported => 2,
        });
        varint::put(&mut out, u64::from(summary.records));
        varint::put(&mut out, summary.raw_bytes);
        varint::put_signed(&mut out, summary.newest_s);
        varint::put_signed(&mut out, summary.oldest_s);
        varint::put(&mut out, summary.first);
        varint::put(&mut out, summary.end);
        varint::put(&mut out, self.dictionaries.len() as u64);
        for part in self.dictionaries.iter().chain([&self.blocks, &self.pages, &self.scopes]) {
            part.put(&mut out);
        }
        let (len, crc) = (out.len() as u32, crc32fast::hash(&out));
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(MAGIC);
        out
    }

    pub(super) fn read(file: &SegmentFile) -> Result<Self, Error> {
        if file.len() < (MAGIC.len() + TRAILER_BYTES) as u64 || file.read_unchecked(0, MAGIC.len())? != MAGIC {
            return Err(file.damage(0, "file does not begin like an event history segment").into());
        }
        let at = file.len() - TRAILER_BYTES as u64;
        let trailer = file.read_unchecked(at, TRAILER_BYTES)?;
        let number = |i: usize| u32::from_le_bytes([trailer[i], trailer[i + 1], trailer[i + 2], trailer[i + 3]]);
        let (len, crc) = (number(0), number(4));
        if &trailer[8..] != MAGIC || len > FOOTER_BYTES_MAX || u64::from(len) > at {
            return Err(file.damage(at, "file does not end like an event history segment").into());
        }
        let offset = at - u64::from(len);
        let bytes = file.read(offset, len as usize, crc, "footer")?;
        Ok(Self::decode(&bytes).ok_or_else(|| file.damage(offset, "footer cannot be decoded"))?)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let family = match reader.bytes(1)?[0] {
            1 => Family::Live,
            2 => Family::Imported,
            _ => return None,
        };
        let records = reader.up_to(u64::from(u32::MAX))? as u32;
        let raw_bytes = reader.number()?;
        let (newest_s, oldest_s) = (reader.signed()?, reader.signed()?);
        let (first, end) = (reader.number()?, reader.number()?);
        let summary = Summary { family, records, raw_bytes, newest_s, oldest_s, first, end };
        let dictionaries = reader.up_to(DICTIONARIES_MAX)?;
        let dictionaries = (0..dictionaries).map(|_| Part::get(&mut reader)).collect::<Option<Vec<_>>>()?;
        let (blocks, pages, scopes) = (Part::get(&mut reader)?, Part::get(&mut reader)?, Part::get(&mut reader)?);
        reader.is_empty().then_some(Self { summary, dictionaries, blocks, pages, scopes })
    }
}
