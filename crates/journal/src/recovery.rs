//! Opening a directory: every segment's header is checked, the last segment is scanned whole. A group that a crash
//! tore is cut off; anything else that is wrong is refused with its place, and nothing is changed.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::Disk;
use crate::frame::Fault;
use crate::header::{Header, Parsed};
use crate::scan::{Rest, Scan, Tail, scan};
use crate::segment::{self, CreateError, Segment};
use crate::{Error, Position, mark};

/// First bytes of a segment that are read to find its header; a longer one is read again.
const HEADER_READ_BYTES: usize = 16 << 10;

/// What opening a journal found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The oldest position that can be read.
    pub first: Position,
    /// Position after the last entry.
    pub committed: Position,
    /// Time of the last entry, in microseconds; 0 in a new journal.
    pub accepted_at_us: i64,
    /// Bytes of a group that a crash interrupted, which were cut off. None of them had been acknowledged.
    pub torn_bytes: u64,
    /// The segment that was cut, where one was.
    pub torn_segment: Option<PathBuf>,
}

/// A directory that is ready to be written to.
pub(crate) struct Recovered {
    pub(crate) report: Recovery,
    pub(crate) segments: VecDeque<Arc<Segment>>,
    /// The last segment's file.
    pub(crate) file: File,
    pub(crate) tail: Tail,
}

pub(crate) fn recover(disk: &Disk, dir: &Path) -> Result<Recovered, Error> {
    let found = segment::list(dir).map_err(Error::io(dir))?;
    for path in found.unfinished {
        disk.remove(&path).map_err(Error::io(&path))?;
    }
    let acknowledged = mark::read(dir).map_err(Error::io(dir))?;
    disk.sync_dir(dir).map_err(Error::io(dir))?;
    match found.segments.split_last() {
        Some((last, older)) => resume(disk, last, older, acknowledged),
        None if acknowledged == 0 => begin(disk, dir),
        None => Err(Error::corrupt(&dir.join(mark::FILE_NAME), 0, lost(0, acknowledged))),
    }
}

/// A new journal.
fn begin(disk: &Disk, dir: &Path) -> Result<Recovered, Error> {
    let header = Header { first: 0, accepted_at_us: 0, previous: None, ledgers: Vec::new() };
    let (file, segment) = segment::create(disk, dir, &header).map_err(|error| match error {
        CreateError::Full => Error::DiskFull,
        CreateError::Broken(error) => Error::io(dir)(error),
    })?;
    Ok(Recovered {
        report: Recovery { first: 0, committed: 0, accepted_at_us: 0, torn_bytes: 0, torn_segment: None },
        segments: [Arc::new(segment)].into(),
        file,
        tail: Tail { position: 0, accepted_at_us: 0, ledgers: [].into() },
    })
}

fn resume(
    disk: &Disk,
    last: &(Position, PathBuf),
    older: &[(Position, PathBuf)],
    acknowledged: Position,
) -> Result<Recovered, Error> {
    let mut segments = VecDeque::with_capacity(older.len() + 1);
    let mut previous = None;
    for (first, path) in older {
        let (parsed, bytes) = header_of(path)?;
        follows(path, *first, &parsed, previous)?;
        segments.push_back(Arc::new(Segment::new(path.clone(), *first, parsed.salt, parsed.bytes, bytes)));
        previous = Some((*first, bytes));
    }

    let (first, path) = last;
    let data = std::fs::read(path).map_err(Error::io(path))?;
    let parsed = Header::parse(&data).map_err(|fault| damaged(path, &fault))?;
    follows(path, *first, &parsed, previous)?;
    let scan = scan(&data, &parsed);
    refuse_loss(path, &scan, acknowledged)?;
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(Error::io(path))?;
    let torn_bytes = settle(disk, &file, &data, &scan, path).map_err(Error::io(path))?;

    let segment = Segment::new(path.clone(), *first, parsed.salt, parsed.bytes, parsed.bytes);
    segment.extend(scan.end as u64, &scan.spots);
    segments.push_back(Arc::new(segment));
    let report = Recovery {
        first: segments.front().map_or(0, |oldest| oldest.first),
        committed: scan.tail.position,
        accepted_at_us: scan.tail.accepted_at_us,
        torn_bytes,
        torn_segment: (torn_bytes > 0).then(|| path.clone()),
    };
    Ok(Recovered { report, segments, file, tail: scan.tail })
}

/// A segment's header and the file's size.
fn header_of(path: &Path) -> Result<(Parsed, u64), Error> {
    let file = File::open(path).map_err(Error::io(path))?;
    let bytes = file.metadata().map_err(Error::io(path))?.len();
    let mut wanted = HEADER_READ_BYTES;
    loop {
        let mut data = vec![0; wanted.min(bytes as usize)];
        file.read_exact_at(&mut data, 0).map_err(Error::io(path))?;
        match Header::parse(&data) {
            Ok(parsed) => return Ok((parsed, bytes)),
            Err(Fault::Short(length)) if length > wanted && length as u64 <= bytes => wanted = length,
            Err(fault) => return Err(damaged(path, &fault)),
        }
    }
}

fn damaged(path: &Path, fault: &Fault) -> Error {
    match fault {
        Fault::Short(_) => Error::corrupt(path, 0, "file ends within the segment header"),
        Fault::Bad(reason) => Error::corrupt(path, 0, *reason),
    }
}

/// Checks that a segment is what its name says and continues the one before it. The oldest has nothing to continue.
fn follows(path: &Path, first: Position, parsed: &Parsed, previous: Option<(Position, u64)>) -> Result<(), Error> {
    let header = &parsed.header;
    if header.first != first {
        return Err(Error::corrupt(path, 0, format!("file bears another segment's name, it begins at {}", header.first)));
    }
    match (previous, header.previous) {
        (None, _) => Ok(()),
        (Some(found), Some(expected)) if found == expected => Ok(()),
        (Some((found, bytes)), expected) => {
            let (expected, expected_bytes) = expected.unwrap_or_default();
            let reason = format!(
                "the segment before it should begin at {expected} and have {expected_bytes} bytes, \
                 there is one that begins at {found} and has {bytes}"
            );
            Err(Error::corrupt(path, 0, reason))
        }
    }
}

/// Fails unless all that was acknowledged is there.
fn refuse_loss(path: &Path, scan: &Scan, acknowledged: Position) -> Result<(), Error> {
    match scan.rest {
        Rest::Corrupt { offset, reason } => Err(Error::corrupt(path, offset as u64, reason)),
        Rest::Empty | Rest::Torn if scan.tail.position < acknowledged => {
            Err(Error::corrupt(path, scan.end as u64, lost(scan.tail.position, acknowledged)))
        }
        Rest::Empty | Rest::Torn => Ok(()),
    }
}

fn lost(found: Position, acknowledged: Position) -> String {
    format!(
        "entries {found} to {acknowledged} (exclusive) were acknowledged and are missing or damaged; \
         to go on without them, remove the file {}",
        mark::FILE_NAME
    )
}

/// Cuts a torn group off, and writes the last whole one again: if its fdatasync failed before the restart, the kernel
/// may show its bytes and believe them clean while the disk has never got them.
fn settle(disk: &Disk, file: &File, data: &[u8], scan: &Scan, path: &Path) -> io::Result<u64> {
    let torn_bytes = (data.len() - scan.end) as u64;
    if torn_bytes > 0 {
        tracing::warn!(segment = %path.display(), offset = scan.end, torn_bytes, "cut off an unacknowledged group");
        disk.truncate(file, scan.end as u64)?;
    }
    let group = data.get(scan.last_group..scan.end).unwrap_or_default();
    disk.write_all_at(file, group, scan.last_group as u64)?;
    disk.sync_data(file)?;
    Ok(torn_bytes)
}
