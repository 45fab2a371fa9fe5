//! Sorted runs: immutable files of entries, one for a stretch of the journal.
//!
//! ```text
//! blocks   4 KiB each: 170 entries, sorted over the whole run; their count; a CRC-32
//! index    the high half of each block's first fingerprint, 8 bytes big-endian each
//! filter   lines of 64 bytes
//! footer   magic, counts, positions, times, CRC-32 of index, filter and footer
//! ```
//!
//! The name holds the positions, `FIRST-END.run` in hexadecimal: even a run whose footer is unreadable says what it
//! covered. A file appears under that name only when it is whole and on disk.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use flate2::Crc;
use journal::Position;

use super::entry::{self, Entry};
use super::filter::{Filter, LINE_BYTES};
use super::{Arrival, Verdict};

/// The bytes of a block: a page, so that a lookup touches one.
pub(super) const BLOCK_BYTES: usize = 4096;
/// Entries in a full block.
pub(super) const BLOCK_ENTRIES: usize = 170;
const COUNT_AT: usize = BLOCK_ENTRIES * entry::BYTES;
const BLOCK_CRC_AT: usize = BLOCK_BYTES - 4;
const MAGIC: [u8; 8] = *b"TKSEEN\x00\x01";
const FOOTER_BYTES: usize = 72;
/// What the name of a finished run ends with.
const SUFFIX: &str = ".run";
/// What the name of a run being written ends with.
pub(super) const UNFINISHED_SUFFIX: &str = ".run-unfinished";

/// Why a run cannot be used, or a part of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Damaged(String),
}

/// A run on disk, ready for lookups.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) path: PathBuf,
    file: File,
    pub(super) entries: u64,
    pub(super) positions: Range<Position>,
    pub(super) arrival: Arrival,
    pub(super) bytes: u64,
    index: Vec<u64>,
    filter: Filter,
}

impl Run {
    /// Opens the run at `path`: reads its footer, index and filter, and checks them.
    pub(super) fn open(path: PathBuf) -> Result<Self, Fault> {
        let damaged = |what: &str| Fault::Damaged(what.to_owned());
        let file = File::open(&path)?;
        let bytes = file.metadata()?.len();
        let footer_at = bytes.checked_sub(FOOTER_BYTES as u64).ok_or_else(|| damaged("shorter than its footer"))?;
        let mut footer = [0; FOOTER_BYTES];
        file.read_exact_at(&mut footer, footer_at)?;
        let footer = Footer::from_bytes(&footer).ok_or_else(|| damaged("its footer does not match its checksum"))?;
        let layout = footer
            .layout()
            .filter(|layout| layout.end() == footer_at)
            .ok_or_else(|| damaged("its length is not that of its parts"))?;
        let mut index = vec![0; layout.index_bytes as usize];
        file.read_exact_at(&mut index, layout.index_at)?;
        let mut filter = vec![0; layout.filter_bytes as usize];
        file.read_exact_at(&mut filter, layout.filter_at)?;
        if crc(&index) != footer.index_crc || crc(&filter) != footer.filter_crc {
            return Err(damaged("its index or filter does not match its checksum"));
        }
        let index = index.as_chunks().0.iter().map(|word| u64::from_be_bytes(*word)).collect();
        let filter = Filter::from_bytes(&filter).ok_or_else(|| damaged("its filter is empty"))?;
        Ok(Self {
            path,
            file,
            entries: footer.entries,
            positions: footer.positions,
            arrival: footer.arrival,
            bytes,
            index,
            filter,
        })
    }

    /// The positions that the name of a run says it covers; None for other files.
    pub(super) fn positions_of_name(path: &Path) -> Option<Range<Position>> {
        let (first, end) = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.split_once('-')?;
        let range = Position::from_str_radix(first, 16).ok()?..Position::from_str_radix(end, 16).ok()?;
        (range.start < range.end).then_some(range)
    }

    /// Where a run of these positions lies.
    pub(super) fn path_of(dir: &Path, positions: &Range<Position>) -> PathBuf {
        dir.join(format!("{:016x}-{:016x}{SUFFIX}", positions.start, positions.end))
    }

    /// Whether it may know the fingerprint; answered from memory.
    pub(super) fn may_hold(&self, entry: &Entry) -> bool {
        self.filter.may_hold(entry.fingerprint)
    }

    /// What it knows of an entry; reads a block or two.
    pub(super) fn find(&self, entry: &Entry) -> Result<Verdict, Fault> {
        let high = entry.fingerprint.high;
        let blocks = self.index.partition_point(|first| *first < high).saturating_sub(1)
            ..self.index.partition_point(|first| *first <= high);
        let Some((at, block)) = self.last_block_from(entry, blocks.clone())? else {
            return Ok(Verdict::New);
        };
        let place = block.partition_point(|other| other < entry);
        if block.get(place) == Some(entry) {
            return Ok(Verdict::Duplicate);
        }
        let same = |other: Option<&Entry>| other.is_some_and(|other| other.fingerprint == entry.fingerprint);
        if same(block.get(place)) || (place > 0 && same(block.get(place - 1))) {
            return Ok(Verdict::Conflict);
        }
        let follows = place == block.len() && at + 1 < blocks.end && same(self.block(at + 1)?.first());
        Ok(if follows { Verdict::Conflict } else { Verdict::New })
    }

    /// Of `blocks`, the last one that does not begin after `entry`, else the first.
    fn last_block_from(&self, entry: &Entry, mut blocks: Range<usize>) -> Result<Option<(usize, Vec<Entry>)>, Fault> {
        let mut best = None;
        while !blocks.is_empty() {
            let middle = blocks.start + blocks.len() / 2;
            let block = self.block(middle)?;
            if block.first().is_some_and(|first| first <= entry) {
                blocks.start = middle + 1;
                best = Some((middle, block));
            } else {
                blocks.end = middle;
                if best.is_none() && blocks.is_empty() {
                    best = Some((middle, block));
                }
            }
        }
        Ok(best)
    }

    /// How many blocks it has.
    pub(super) fn blocks(&self) -> usize {
        self.index.len()
    }

    /// The entries of a block.
    pub(super) fn block(&self, number: usize) -> Result<Vec<Entry>, Fault> {
        let mut bytes = [0; BLOCK_BYTES];
        self.file.read_exact_at(&mut bytes, number as u64 * BLOCK_BYTES as u64)?;
        let count = u32_at(&bytes, COUNT_AT) as usize;
        if crc(&bytes[..BLOCK_CRC_AT]) != u32_at(&bytes, BLOCK_CRC_AT) || count > BLOCK_ENTRIES {
            return Err(Fault::Damaged(format!("block {number} does not match its checksum")));
        }
        Ok(bytes.as_chunks::<{ entry::BYTES }>().0.iter().take(count).map(|bytes| Entry::from_bytes(bytes)).collect())
    }

    /// Reads every block.
    pub(super) fn verify(&self) -> Result<(), Fault> {
        (0..self.blocks()).try_for_each(|number| self.block(number).map(drop))
    }
}

/// Writes a run; it exists once [`Writer::finish`] returned.
pub(super) struct Writer {
    dir: PathBuf,
    positions: Range<Position>,
    unfinished: PathBuf,
    file: BufWriter<File>,
    block: Vec<u8>,
    entries: u64,
    index: Vec<u8>,
    filter: Filter,
}

impl Writer {
    /// Begins a run for `positions` with at most `entries_max` entries.
    pub(super) fn create(dir: &Path, positions: Range<Position>, entries_max: u64) -> io::Result<Self> {
        let unfinished = dir.join(format!("{:016x}-{:016x}{UNFINISHED_SUFFIX}", positions.start, positions.end));
        Ok(Self {
            dir: dir.to_owned(),
            positions,
            file: BufWriter::with_capacity(64 * BLOCK_BYTES, File::create(&unfinished)?),
            unfinished,
            block: Vec::with_capacity(BLOCK_BYTES),
            entries: 0,
            index: Vec::new(),
            filter: Filter::new(entries_max),
        })
    }

    /// Adds an entry that is greater than all before.
    pub(super) fn push(&mut self, entry: Entry) -> io::Result<()> {
        if self.block.is_empty() {
            self.index.extend_from_slice(&entry.fingerprint.high.to_be_bytes());
        }
        self.block.extend_from_slice(&entry.to_bytes());
        self.filter.insert(entry.fingerprint);
        self.entries += 1;
        if self.block.len() == COUNT_AT { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> io::Result<()> {
        let count = (self.block.len() / entry::BYTES) as u32;
        self.block.resize(COUNT_AT, 0);
        self.block.extend_from_slice(&count.to_le_bytes());
        self.block.resize(BLOCK_CRC_AT, 0);
        self.block.extend_from_slice(&crc(&self.block).to_le_bytes());
        self.file.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    /// Makes the run durable under its name and opens it.
    pub(super) fn finish(mut self, arrival: Arrival) -> Result<Run, Fault> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let filter = self.filter.to_bytes();
        let footer = Footer {
            entries: self.entries,
            filter_lines: (filter.len() / LINE_BYTES) as u64,
            positions: self.positions.clone(),
            arrival,
            index_crc: crc(&self.index),
            filter_crc: crc(&filter),
        };
        self.file.write_all(&self.index)?;
        self.file.write_all(&filter)?;
        self.file.write_all(&footer.to_bytes())?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let path = Run::path_of(&self.dir, &self.positions);
        std::fs::rename(&self.unfinished, &path)?;
        sync_dir(&self.dir)?;
        Run::open(path)
    }
}

/// Makes what was created, renamed or removed in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

struct Footer {
    entries: u64,
    filter_lines: u64,
    positions: Range<Position>,
    arrival: Arrival,
    index_crc: u32,
    filter_crc: u32,
}

struct Layout {
    index_at: u64,
    index_bytes: u64,
    filter_at: u64,
    filter_bytes: u64,
}

impl Layout {
    fn end(&self) -> u64 {
        self.filter_at + self.filter_bytes
    }
}

impl Footer {
    fn to_bytes(&self) -> [u8; FOOTER_BYTES] {
        let mut bytes = Vec::with_capacity(FOOTER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        for word in [self.entries, self.filter_lines, self.positions.start, self.positions.end] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        for time in [self.arrival.oldest_us, self.arrival.newest_us] {
            bytes.extend_from_slice(&time.to_le_bytes());
        }
        for crc in [self.index_crc, self.filter_crc, 0] {
            bytes.extend_from_slice(&crc.to_le_bytes());
        }
        bytes.extend_from_slice(&crc(&bytes).to_le_bytes());
        bytes.try_into().expect("the parts add up to the footer's length")
    }

    fn from_bytes(bytes: &[u8; FOOTER_BYTES]) -> Option<Self> {
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were sliced"));
        if bytes[..8] != MAGIC || crc(&bytes[..FOOTER_BYTES - 4]) != u32_at(bytes, FOOTER_BYTES - 4) {
            return None;
        }
        Some(Self {
            entries: word(8),
            filter_lines: word(16),
            positions: word(24)..word(32),
            arrival: Arrival { oldest_us: word(40) as i64, newest_us: word(48) as i64 },
            index_crc: u32_at(bytes, 56),
            filter_crc: u32_at(bytes, 60),
        })
    }

    fn layout(&self) -> Option<Layout> {
        let blocks = self.entries.div_ceil(BLOCK_ENTRIES as u64);
        let index_at = blocks.checked_mul(BLOCK_BYTES as u64)?;
        let index_bytes = blocks.checked_mul(8)?;
        let filter_bytes = self.filter_lines.checked_mul(LINE_BYTES as u64)?;
        let filter_at = index_at.checked_add(index_bytes)?;
        filter_at.checked_add(filter_bytes)?;
        Some(Layout { index_at, index_bytes, filter_at, filter_bytes })
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes were sliced"))
}
