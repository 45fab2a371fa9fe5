//! Segments: the files the journal is cut into, and how to find a position in them.
//!
//! A segment becomes visible under its name only when its header is on disk, so a crash never leaves one without.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, is_full};
use crate::header::Header;
use crate::{Error, Position};

#[cfg(test)]
mod tests;

/// Distance between two entries of a segment's index.
const MARK_BYTES: u64 = 64 << 10;
/// Places where readers left off, remembered for each segment: more than there are followers at one spot.
const HINTS_MAX: usize = 16;
/// Files kept open for readers.
const FILES_MAX: usize = 16;

const EXTENSION: &str = ".journal";
const UNFINISHED: &str = ".journal.tmp";

/// A position and the offset where its frame begins (or the commit frame just before it).
pub(crate) type Spot = (Position, u64);

/// Keeps a spot if it is far enough from the last one kept.
pub(crate) fn note(spots: &mut Vec<Spot>, spot: Spot) {
    if spots.last().is_none_or(|last| spot.1 >= last.1 + MARK_BYTES) {
        spots.push(spot);
    }
}

/// One file of the journal.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) first: Position,
    pub(crate) salt: u32,
    bytes: AtomicU64,
    index: Mutex<Index>,
}

/// Sparse: a spot each 64 KiB, as far as the segment was written or read in this run, and the last readers' places.
#[derive(Debug)]
struct Index {
    marks: Vec<Spot>,
    hints: VecDeque<Spot>,
}

impl Segment {
    /// `bytes` are the committed ones, header included.
    pub(crate) fn new(path: PathBuf, first: Position, salt: u32, header_bytes: u64, bytes: u64) -> Self {
        let index = Index { marks: vec![(first, header_bytes)], hints: VecDeque::new() };
        Self { path, first, salt, bytes: AtomicU64::new(bytes), index: Mutex::new(index) }
    }

    /// Committed bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Makes a committed group visible to readers.
    pub(crate) fn extend(&self, bytes: u64, spots: &[Spot]) {
        lock(&self.index).extend(spots);
        self.bytes.store(bytes, Ordering::Release);
    }

    /// The nearest known spot at or before a position of this segment.
    pub(crate) fn spot(&self, from: Position) -> Spot {
        lock(&self.index).before(from).expect("the first mark is the segment's first position")
    }

    /// Remembers what a reader passed, and where it stopped.
    pub(crate) fn remember(&self, passed: &[Spot], stopped: Spot) {
        let mut index = lock(&self.index);
        index.extend(passed);
        if !index.hints.contains(&stopped) {
            index.hints.truncate(HINTS_MAX - 1);
            index.hints.push_front(stopped);
        }
    }
}

impl Index {
    fn extend(&mut self, spots: &[Spot]) {
        for spot in spots {
            note(&mut self.marks, *spot);
        }
    }

    fn before(&self, from: Position) -> Option<Spot> {
        let mark = self.marks.partition_point(|mark| mark.0 <= from).checked_sub(1).and_then(|at| self.marks.get(at));
        let hints = self.hints.iter().filter(|hint| hint.0 <= from);
        hints.chain(mark).max().copied()
    }
}

/// All segments, oldest first, and the files readers have open.
#[derive(Debug)]
pub(crate) struct Segments {
    list: Mutex<VecDeque<Arc<Segment>>>,
    files: Mutex<VecDeque<(Position, Arc<File>)>>,
    trimming: Mutex<()>,
}

/// Sum over all segments.
pub(crate) struct Totals {
    pub(crate) segments: usize,
    pub(crate) bytes: u64,
}

impl Segments {
    /// The list is never empty.
    pub(crate) fn new(list: VecDeque<Arc<Segment>>) -> Self {
        Self { list: Mutex::new(list), files: Mutex::default(), trimming: Mutex::default() }
    }

    pub(crate) fn first(&self) -> Position {
        lock(&self.list).front().map_or(0, |segment| segment.first)
    }

    pub(crate) fn totals(&self) -> Totals {
        let list = lock(&self.list);
        Totals { segments: list.len(), bytes: list.iter().map(|segment| segment.bytes()).sum() }
    }

    pub(crate) fn push(&self, segment: Arc<Segment>) {
        lock(&self.list).push_back(segment);
    }

    /// The segment that has a position, and the first position of the one after it.
    pub(crate) fn find(&self, from: Position) -> Result<(Arc<Segment>, Option<Position>), Error> {
        let list = lock(&self.list);
        let after = list.partition_point(|segment| segment.first <= from);
        match after.checked_sub(1).and_then(|at| list.get(at)) {
            Some(segment) => Ok((Arc::clone(segment), list.get(after).map(|next| next.first))),
            None => Err(Error::Trimmed { from, first: list.front().map_or(0, |segment| segment.first) }),
        }
    }

    /// A segment's file, from the few that are kept open.
    pub(crate) fn file(&self, segment: &Segment) -> Result<Arc<File>, Error> {
        let known = |files: &mut VecDeque<(Position, Arc<File>)>| {
            let at = files.iter().position(|(first, _)| *first == segment.first)?;
            let found = files.remove(at)?;
            files.push_front(found.clone());
            Some(found.1)
        };
        if let Some(file) = known(&mut lock(&self.files)) {
            return Ok(file);
        }
        let file = match File::open(&segment.path) {
            Ok(file) => Arc::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.first() > segment.first => {
                return Err(Error::Trimmed { from: segment.first, first: self.first() });
            }
            Err(error) => return Err(Error::io(&segment.path)(error)),
        };
        // Trimming holds the list while it removes a file and closes it here: one that is gone is not kept open.
        let list = lock(&self.list);
        if list.front().is_some_and(|oldest| oldest.first <= segment.first) {
            let mut files = lock(&self.files);
            files.truncate(FILES_MAX - 1);
            files.push_front((segment.first, Arc::clone(&file)));
        }
        Ok(file)
    }

    /// Removes the segments that end at or before `below`, oldest first, each durably before the next: whatever a
    /// crash leaves has no gap. The last one stays.
    pub(crate) fn trim(&self, disk: &Disk, dir: &Path, below: Position) -> Result<(), TrimError> {
        let _one_at_a_time = lock(&self.trimming);
        loop {
            {
                // Readers find a segment in the list or not at all, so the file goes while the list is held.
                let mut list = lock(&self.list);
                let (Some(oldest), Some(next)) = (list.front(), list.get(1)) else { return Ok(()) };
                if next.first > below {
                    return Ok(());
                }
                disk.remove(&oldest.path).map_err(Error::io(&oldest.path)).map_err(TrimError::Refused)?;
                let first = oldest.first;
                list.pop_front();
                lock(&self.files).retain(|(known, _)| *known != first);
            }
            disk.sync_dir(dir).map_err(TrimError::NotSynced)?;
        }
    }
}

/// Why segments could not be removed.
pub(crate) enum TrimError {
    /// Nothing is wrong with the journal.
    Refused(Error),
    /// What is on disk is not known.
    NotSynced(io::Error),
}

/// Why a segment could not be begun.
#[derive(Debug)]
pub(crate) enum CreateError {
    /// No room; nothing of it is left.
    Full,
    /// What is on disk is not known.
    Broken(io::Error),
}

/// Begins a segment: header on disk first, then its name, then the directory.
pub(crate) fn create(disk: &Disk, dir: &Path, header: &Header) -> Result<(File, Segment), CreateError> {
    let path = dir.join(format!("{:020}{EXTENSION}", header.first));
    let unfinished = dir.join(format!("{:020}{UNFINISHED}", header.first));
    let (bytes, salt) = header.encode();
    let written = disk.create(&unfinished).and_then(|file| {
        disk.write_all_at(&file, &bytes, 0)?;
        Ok(file)
    });
    let file = written.map_err(|error| give_up(disk, &unfinished, error))?;
    disk.sync_data(&file).map_err(CreateError::Broken)?;
    disk.rename(&unfinished, &path).map_err(|error| give_up(disk, &unfinished, error))?;
    disk.sync_dir(dir).map_err(CreateError::Broken)?;
    let bytes = bytes.len() as u64;
    Ok((file, Segment::new(path, header.first, salt, bytes, bytes)))
}

fn give_up(disk: &Disk, unfinished: &Path, error: io::Error) -> CreateError {
    if !is_full(&error) {
        return CreateError::Broken(error);
    }
    match disk.remove(unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => CreateError::Broken(error),
        _ => CreateError::Full,
    }
}

/// What a directory holds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// First position and path of each segment, in order.
    pub(crate) segments: Vec<(Position, PathBuf)>,
    /// Leftovers of segments that were never finished.
    pub(crate) unfinished: Vec<PathBuf>,
}

pub(crate) fn list(dir: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    for file in std::fs::read_dir(dir)? {
        let file = file?;
        let name = file.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.ends_with(UNFINISHED) {
            found.unfinished.push(file.path());
        } else if let Some(first) = name.strip_suffix(EXTENSION).and_then(|digits| digits.parse().ok()) {
            found.segments.push((first, file.path()));
        }
    }
    found.segments.sort();
    Ok(found)
}

/// A panic while one of these locks is held leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
