//! The journal as its users see it.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use crate::disk::Disk;
use crate::mark::Mark;
use crate::queue::{Permit, Queue, Ticket};
use crate::reader;
use crate::recovery::{Recovered, Recovery, recover};
use crate::segment::{Segments, TrimError};
use crate::writer::{Ledger, Writer};
use crate::{Entry, Error, Frame, Kind, Position};

#[cfg(test)]
mod tests;

const LOCK_FILE_NAME: &str = "LOCK";
/// How often the lock is tried before it is somebody else's.
const LOCK_TRIES: usize = 20;
/// The pause between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// Where the time comes from: microseconds since 1970. It may step back; the journal's times do not.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Sizes of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A segment that has reached this size is followed by a new one.
    pub segment_bytes: u64,
    /// Bytes of events that may be reserved and not yet on disk.
    pub queue_bytes_max: usize,
    /// Bytes that are written together at most, unless one caller's entries are more.
    pub group_bytes_max: usize,
    /// Free space on disk below which events are refused.
    pub free_bytes_min: u64,
    /// Free space on disk below which control entries are refused too.
    pub control_free_bytes_min: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            queue_bytes_max: 64 << 20,
            group_bytes_max: 8 << 20,
            free_bytes_min: 512 << 20,
            control_free_bytes_min: 64 << 20,
        }
    }
}

/// How a journal fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Why it has stopped for good, if it has.
    pub poisoned: Option<String>,
    /// Whether events are refused for want of disk space.
    pub disk_full: bool,
    /// Bytes reserved and not yet on disk.
    pub queued_bytes: usize,
    /// Files.
    pub segments: usize,
    /// Their committed bytes.
    pub bytes: u64,
    /// The oldest position that can be read.
    pub first: Position,
    /// Position after the last entry on disk.
    pub committed: Position,
}

/// An open journal. Clones are handles of the same one; when the last goes, it is closed.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
    lock: Mutex<Option<File>>,
}

/// What handles and the writer share.
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) options: Options,
    pub(crate) disk: Disk,
    pub(crate) queue: Queue,
    pub(crate) segments: Segments,
    /// Position after the last entry on disk.
    pub(crate) committed: watch::Sender<Position>,
    /// The last group found no room.
    pub(crate) full: AtomicBool,
}

impl Journal {
    /// Opens the journal in a directory, which is made if need be, and recovers what a crash left. Blocks.
    pub fn open(dir: &Path, options: Options, clock: Clock) -> Result<(Self, Recovery), Error> {
        Self::open_on(Disk::default(), dir, options, clock)
    }

    pub(crate) fn open_on(disk: Disk, dir: &Path, options: Options, clock: Clock) -> Result<(Self, Recovery), Error> {
        make_dir(&disk, dir)?;
        let lock = lock(dir)?;
        let Recovered { report, segments, file, tail } = recover(&disk, dir)?;
        let mark = Mark::open(dir).map_err(Error::io(dir))?;
        let segment = Arc::clone(segments.back().expect("recovery finds or makes a segment"));

        let mut numbers = std::collections::HashMap::with_capacity(tail.ledgers.len());
        let mut ledgers = Vec::with_capacity(tail.ledgers.len());
        for (number, (key, size)) in tail.ledgers.into_iter().enumerate() {
            numbers.insert(key.clone(), number);
            ledgers.push(Ledger { key, size, before: (size, tail.position) });
        }
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            queue: Queue::new(options.queue_bytes_max, tail.position, numbers),
            options,
            disk,
            segments: Segments::new(segments),
            committed: watch::Sender::new(tail.position),
            full: AtomicBool::new(false),
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
            clock,
            mark,
            segment,
            file,
            position: tail.position,
            accepted_at_us: tail.accepted_at_us,
            ledgers,
            buffer: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(|| writer.run());
        let writer = Mutex::new(Some(thread.map_err(Error::io(dir))?));
        Ok((Self(Arc::new(Inner { shared, writer, lock: Mutex::new(Some(lock)) })), report))
    }

    /// Room for entries of `bytes` together (see [`Entry::bytes`]), waiting up to `wait` for it.
    pub async fn reserve(&self, bytes: usize, kind: Kind, wait: Duration) -> Result<Permit, Error> {
        let shared = &self.0.shared;
        shared.queue.check()?;
        if shared.lacks_space(kind)? {
            return Err(Error::DiskFull);
        }
        shared.queue.reserve(bytes, kind, wait).await
    }

    /// Puts entries in line; they stay together, and calls are written in their order. An entry over a limit makes the
    /// ticket resolve to [`Error::TooLarge`], and none of the entries is written.
    pub fn enqueue(&self, permit: Permit, entries: Vec<Entry>) -> Ticket {
        self.0.shared.queue.enqueue(Some(permit), entries)
    }

    /// Resolves when all that was put in line before is on disk, or has been refused.
    pub fn barrier(&self) -> Ticket {
        self.0.shared.queue.enqueue(None, Vec::new())
    }

    /// Committed entries from a position on, about `bytes_max` of them (at least one, at most 16 MiB): none only if
    /// `from` is the end. Ends at a segment's end, so fewer do not mean that there are no more. Blocks.
    pub fn read(&self, from: Position, bytes_max: usize) -> Result<Vec<Frame>, Error> {
        reader::read(&self.0.shared, from, bytes_max)
    }

    /// Position after the last entry on disk.
    pub fn committed(&self) -> Position {
        *self.0.shared.committed.borrow()
    }

    /// The oldest position that can be read.
    pub fn first(&self) -> Position {
        self.0.shared.segments.first()
    }

    /// Follows [`Journal::committed`].
    pub fn subscribe(&self) -> watch::Receiver<Position> {
        self.0.shared.committed.subscribe()
    }

    /// Removes segments whose entries are all below a position. Sequence numbers go on. Blocks.
    pub fn trim(&self, below: Position) -> Result<(), Error> {
        let shared = &self.0.shared;
        shared.queue.check()?;
        shared.segments.trim(&shared.disk, &shared.dir, below.min(self.committed())).map_err(|error| match error {
            TrimError::Refused(error) => error,
            TrimError::NotSynced(error) => {
                let reason = format!("fsync of {}: {error}", shared.dir.display());
                shared.queue.poison(&reason);
                Error::Poisoned { reason: reason.into() }
            }
        })
    }

    /// How it fares.
    pub fn status(&self) -> Status {
        let shared = &self.0.shared;
        let totals = shared.segments.totals();
        Status {
            poisoned: shared.queue.poisoned().map(|reason| reason.to_string()),
            disk_full: shared.full.load(Ordering::Relaxed) || shared.lacks_space(Kind::Event).unwrap_or(true),
            queued_bytes: shared.queue.reserved_bytes(),
            segments: totals.segments,
            bytes: totals.bytes,
            first: self.first(),
            committed: self.committed(),
        }
    }

    /// Writes what is in line, stops the writer and lets the directory go. What is committed can still be read. Blocks.
    pub fn close(&self) {
        self.0.close();
    }
}

impl Shared {
    /// Whether the disk, once all that is reserved is on it, has less free than must be kept.
    fn lacks_space(&self, kind: Kind) -> Result<bool, Error> {
        let min = match kind {
            Kind::Event => self.options.free_bytes_min,
            Kind::Control => self.options.control_free_bytes_min,
        };
        let free = self.disk.free_bytes(&self.dir).map_err(Error::io(&self.dir))?;
        Ok(free.saturating_sub(self.queue.reserved_bytes() as u64) < min)
    }
}

impl Inner {
    fn close(&self) {
        self.shared.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // If it panicked, the journal is poisoned and has said so.
            let _ = writer.join();
        }
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("dir", &self.0.shared.dir).field("status", &self.status()).finish()
    }
}

fn make_dir(disk: &Disk, dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(Error::io(dir))?;
    match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => disk.sync_dir(parent).map_err(Error::io(parent)),
        None => Ok(()),
    }
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join(LOCK_FILE_NAME);
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(Error::io(&path))?;
    // Who held it may be just ending, or a process that was forked from it not be a program of its own yet.
    // A plain sleep: opening blocks, as it says, and there is nothing to be woken by.
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(Error::io(&path)(error)),
        }
    }
    Err(Error::Locked { dir: dir.to_owned() })
}
