//! Posting lists: which records have a term, as ascending ordinals.
//!
//! A short list stands in the term table itself. A long one stands on its own as chunks of 128 ordinals behind a skip
//! table, which tells for each chunk its first ordinal, where it ends and its checksum: to go far ahead in a long list
//! is to read the skip table and one chunk.

use std::sync::Arc;

use super::error::{Damage, Error};
use super::segment::SegmentFile;
use super::varint::{self, Reader};

/// Ordinals of a chunk.
const CHUNK: usize = 128;
/// A longer list does not stand in the term table.
pub(super) const SHORT_MAX: usize = 256;
/// First ordinal, end of the chunk, checksum of the chunk.
const SKIP_BYTES: usize = 12;
/// Most chunks read at once when a list is walked: about 16 KiB.
const AHEAD_MAX: usize = 64;

/// Appends the ordinals of a short list.
pub(super) fn put_short(out: &mut Vec<u8>, ordinals: &[u32]) {
    put_gaps(out, ordinals, 0);
}

/// The `count` ordinals of a short list; none of them is `limit` or more.
pub(super) fn get_short(reader: &mut Reader<'_>, count: usize, limit: u32) -> Option<Vec<u32>> {
    let mut ordinals = Vec::with_capacity(count);
    get_gaps(reader, count, 0, limit, &mut ordinals)?;
    Some(ordinals)
}

/// A long list, as it stands in a file: the skip table, then the chunks.
pub(super) fn long(ordinals: &[u32]) -> (Vec<u8>, LongList) {
    let chunks = ordinals.chunks(CHUNK);
    let skip_bytes = chunks.len() * SKIP_BYTES;
    let (mut skips, mut body) = (Vec::with_capacity(skip_bytes), Vec::with_capacity(ordinals.len() * 2));
    for chunk in chunks {
        let begin = body.len();
        put_gaps(&mut body, &chunk[1..], chunk[0] + 1);
        skips.extend_from_slice(&chunk[0].to_le_bytes());
        skips.extend_from_slice(&(body.len() as u32).to_le_bytes());
        skips.extend_from_slice(&crc32fast::hash(&body[begin..]).to_le_bytes());
    }
    let list = LongList { count: ordinals.len() as u32, offset: 0, skips_crc: crc32fast::hash(&skips) };
    skips.extend_from_slice(&body);
    (skips, list)
}

fn put_gaps(out: &mut Vec<u8>, ordinals: &[u32], mut least: u32) {
    for ordinal in ordinals {
        varint::put(out, u64::from(ordinal - least));
        least = ordinal + 1;
    }
}

fn get_gaps(reader: &mut Reader<'_>, count: usize, mut least: u32, limit: u32, out: &mut Vec<u32>) -> Option<()> {
    for _ in 0..count {
        let ordinal = u32::try_from(reader.number()?).ok()?.checked_add(least)?;
        if ordinal >= limit {
            return None;
        }
        out.push(ordinal);
        least = ordinal + 1;
    }
    Some(())
}

/// Where a long list stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LongList {
    pub(super) count: u32,
    pub(super) offset: u64,
    pub(super) skips_crc: u32,
}

/// A list as the term table tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum List {
    Short(Vec<u32>),
    Long(LongList),
}

/// A walk along a list, in one direction: towards greater ordinals, which are older records.
pub(super) enum Postings {
    Short { ordinals: Vec<u32>, at: usize },
    Long(LongWalk),
}

impl Postings {
    /// A walk along `list` of a segment with `records` records.
    pub(super) fn open(list: List, file: &Arc<SegmentFile>, records: u32) -> Result<Self, Error> {
        Ok(match list {
            List::Short(ordinals) => Self::Short { ordinals, at: 0 },
            List::Long(list) => Self::Long(LongWalk::open(list, Arc::clone(file), records)?),
        })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Short { ordinals, .. } => ordinals.len(),
            Self::Long(walk) => walk.count,
        }
    }

    /// The first ordinal that is `from` or more. `from` never goes back.
    #[inline]
    pub(super) fn seek(&mut self, from: u32) -> Result<Option<u32>, Error> {
        match self {
            Self::Short { ordinals, at } => {
                *at += ordinals[*at..].partition_point(|ordinal| *ordinal < from);
                Ok(ordinals.get(*at).copied())
            }
            Self::Long(walk) => walk.seek(from),
        }
    }

    /// All ordinals that are left.
    pub(super) fn rest(mut self, out: &mut Vec<u32>) -> Result<(), Error> {
        let mut from = 0;
        while let Some(ordinal) = self.seek(from)? {
            out.push(ordinal);
            from = ordinal + 1;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Skip {
    first: u32,
    end: u32,
    crc: u32,
}

/// A walk along a long list.
pub(super) struct LongWalk {
    file: Arc<SegmentFile>,
    records: u32,
    count: usize,
    skips: Vec<Skip>,
    /// Where the chunks begin in the file.
    body: u64,
    /// Bytes read ahead, and of which chunks.
    ahead: Vec<u8>,
    ahead_from: usize,
    ahead_to: usize,
    /// The chunk that is decoded.
    chunk: usize,
    ordinals: Vec<u32>,
    at: usize,
}

impl LongWalk {
    fn open(list: LongList, file: Arc<SegmentFile>, records: u32) -> Result<Self, Error> {
        let count = list.count as usize;
        let table = file.read(list.offset, count.div_ceil(CHUNK) * SKIP_BYTES, list.skips_crc, "skip table")?;
        let skips: Vec<Skip> = table.chunks_exact(SKIP_BYTES).map(skip).collect();
        if skips.is_empty() || !skips.is_sorted_by(|a, b| a.first < b.first && a.end <= b.end) {
            return Err(file.damage(list.offset, "skip table does not ascend").into());
        }
        let body = list.offset + table.len() as u64;
        let (ahead, ordinals) = (Vec::new(), Vec::with_capacity(CHUNK));
        let mut walk = Self { file, records, count, skips, body, ahead, ahead_from: 0, ahead_to: 0, chunk: 0, ordinals, at: 0 };
        walk.load(0)?;
        Ok(walk)
    }

    #[inline]
    fn seek(&mut self, from: u32) -> Result<Option<u32>, Error> {
        if self.ordinals.last().is_some_and(|last| *last < from) {
            let later = &self.skips[self.chunk + 1..];
            // The last chunk that begins at or before `from`; all before it end before `from`.
            let chunk = self.chunk + later.partition_point(|skip| skip.first <= from);
            if chunk != self.chunk {
                self.load(chunk)?;
            }
            if self.ordinals.last().is_some_and(|last| *last < from) {
                if self.chunk + 1 == self.skips.len() {
                    return Ok(None);
                }
                self.load(self.chunk + 1)?;
            }
        }
        while self.ordinals.get(self.at).is_some_and(|ordinal| *ordinal < from) {
            self.at += 1;
        }
        Ok(self.ordinals.get(self.at).copied())
    }

    fn load(&mut self, chunk: usize) -> Result<(), Error> {
        self.read_ahead(chunk)?;
        let (begin, skip) = (self.begin(chunk), self.skips[chunk]);
        let from = (begin - self.begin(self.ahead_from)) as usize;
        let to = (skip.end - self.begin(self.ahead_from)) as usize;
        let offset = self.body + u64::from(begin);
        let bytes = &self.ahead[from..to];
        if crc32fast::hash(bytes) != skip.crc {
            return Err(self.damage(offset, "posting list does not match its checksum").into());
        }
        let count = CHUNK.min(self.count - chunk * CHUNK);
        self.ordinals.clear();
        self.ordinals.push(skip.first);
        let mut reader = Reader::new(bytes);
        if get_gaps(&mut reader, count - 1, skip.first + 1, self.records, &mut self.ordinals).is_none() || !reader.is_empty() {
            return Err(self.damage(offset, "posting list cannot be decoded").into());
        }
        (self.chunk, self.at) = (chunk, 0);
        Ok(())
    }

    /// Reads `chunk`, and more of those behind it the longer the walk goes on without leaps.
    fn read_ahead(&mut self, chunk: usize) -> Result<(), Error> {
        if (self.ahead_from..self.ahead_to).contains(&chunk) {
            return Ok(());
        }
        let goes_on = chunk > 0 && chunk == self.ahead_to;
        let count = if goes_on { ((self.ahead_to - self.ahead_from) * 2).min(AHEAD_MAX) } else { 1 };
        let to = (chunk + count).min(self.skips.len());
        let begin = self.begin(chunk);
        let end = self.skips[to - 1].end;
        self.ahead = self.file.read_unchecked(self.body + u64::from(begin), (end - begin) as usize)?;
        (self.ahead_from, self.ahead_to) = (chunk, to);
        Ok(())
    }

    fn begin(&self, chunk: usize) -> u32 {
        chunk.checked_sub(1).map_or(0, |before| self.skips[before].end)
    }

    fn damage(&self, offset: u64, reason: &str) -> Damage {
        self.file.damage(offset, reason)
    }
}

fn skip(bytes: &[u8]) -> Skip {
    let number = |i: usize| u32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
    Skip { first: number(0), end: number(4), crc: number(8) }
}

#[cfg(test)]
mod tests;
