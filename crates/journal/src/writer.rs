//! The one thread that writes. A group is what was in line while the disk was busy: encoded into one buffer, closed by
//! a commit frame, one write, one fdatasync, then everybody is answered.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use crc32fast::Hasher;

use crate::disk::is_full;
use crate::frame::{self, Group, Place, Row};
use crate::handle::{Clock, Shared};
use crate::header::Header;
use crate::mark::Mark;
use crate::queue::Batch;
use crate::segment::{self, CreateError, Segment, Spot};
use crate::{Error, Position};

/// Memory of the group buffer that is kept from one group to the next.
const BUFFER_BYTES_KEPT: usize = 4 << 20;

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) clock: Clock,
    pub(crate) mark: Mark,
    /// The last segment.
    pub(crate) segment: Arc<Segment>,
    pub(crate) file: File,
    /// Position of the next entry.
    pub(crate) position: Position,
    pub(crate) accepted_at_us: i64,
    /// By number.
    pub(crate) ledgers: Vec<Ledger>,
    pub(crate) buffer: Vec<u8>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) key: Bytes,
    /// Entries in it, those of the group being written included.
    pub(crate) size: u64,
    /// Entries in it when the group that last touched it began, and that group's first position.
    pub(crate) before: (u64, Position),
}

/// Why a group was not written.
enum Failure {
    /// Nothing of it is on disk.
    Full,
    /// What is on disk is not known.
    Broken(String),
}

/// A group while it is encoded and written.
struct Progress {
    first: Position,
    accepted_at_us: i64,
    start: u64,
    /// Where the buffer will be written.
    offset: u64,
    checksum: Hasher,
    touched: Vec<usize>,
    spots: Vec<Spot>,
}

impl Writer {
    pub(crate) fn run(mut self) {
        let _guard = PoisonOnPanic(Arc::clone(&self.shared));
        while let Some(batches) = self.shared.queue.take(self.shared.options.group_bytes_max) {
            match self.write(&batches) {
                Ok(()) => {
                    for batch in batches {
                        batch.finish(Ok(self.accepted_at_us));
                    }
                }
                Err(Failure::Full) => {
                    self.shared.full.store(true, Ordering::Relaxed);
                    self.shared.queue.fail(batches, self.position, &Error::DiskFull);
                }
                Err(Failure::Broken(reason)) => {
                    self.shared.queue.poison(&reason);
                    self.shared.queue.fail(batches, self.position, &Error::Poisoned { reason: reason.into() });
                    return;
                }
            }
        }
    }

    /// Writes a group and makes it visible. Barriers alone need nothing written: all before them is on disk.
    fn write(&mut self, batches: &[Batch]) -> Result<(), Failure> {
        if batches.iter().all(|batch| batch.entries.is_empty()) {
            return Ok(());
        }
        if self.segment.bytes() >= self.shared.options.segment_bytes && self.position > self.segment.first {
            self.roll()?;
        }
        let mut progress = Progress {
            first: self.position,
            accepted_at_us: (self.clock)().max(self.accepted_at_us),
            start: self.segment.bytes(),
            offset: self.segment.bytes(),
            checksum: Hasher::new(),
            touched: Vec::new(),
            spots: Vec::new(),
        };
        let written = self.append(batches, &mut progress);
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        if let Err(error) = written {
            return Err(self.take_back(&progress, &error));
        }
        let synced = self.shared.disk.sync_data(&self.file);
        synced.map_err(|error| self.broken("fdatasync", &error))?;
        self.publish(&progress);
        Ok(())
    }

    fn append(&mut self, batches: &[Batch], progress: &mut Progress) -> io::Result<()> {
        for batch in batches {
            for (entry, number) in batch.entries.iter().zip(&batch.ledgers) {
                let spot = (self.position, progress.offset + self.buffer.len() as u64);
                let place = Place {
                    position: self.position,
                    sequence: self.next_sequence(*number, &entry.ledger, progress),
                    accepted_at_us: progress.accepted_at_us,
                };
                let checksum = frame::encode(&mut self.buffer, self.segment.salt, place, entry);
                progress.checksum.update(&checksum.to_le_bytes());
                segment::note(&mut progress.spots, spot);
                self.position += 1;
                // A batch may be larger than a group should be; memory stays bounded nevertheless.
                if self.buffer.len() >= self.shared.options.group_bytes_max {
                    self.flush(progress)?;
                }
            }
        }
        let rows = progress.touched.iter().filter_map(|number| self.ledgers.get(*number));
        let group = Group {
            first: progress.first,
            start: progress.start,
            rows: rows.map(|ledger| Row { key: &ledger.key, size: ledger.size }).collect(),
            checksum: progress.checksum.clone().finalize(),
        };
        frame::encode_commit(&mut self.buffer, self.segment.salt, self.position, progress.accepted_at_us, &group);
        self.flush(progress)
    }

    fn flush(&mut self, progress: &mut Progress) -> io::Result<()> {
        self.shared.disk.write_all_at(&self.file, &self.buffer, progress.offset)?;
        progress.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn next_sequence(&mut self, number: usize, key: &Bytes, progress: &mut Progress) -> u64 {
        if number >= self.ledgers.len() {
            self.ledgers.resize_with(number + 1, Ledger::default);
        }
        let ledger = self.ledgers.get_mut(number).expect("the table was just made long enough");
        if ledger.size == 0 {
            ledger.key = Bytes::copy_from_slice(key);
        }
        if ledger.before.1 != progress.first || ledger.size == ledger.before.0 {
            ledger.before = (ledger.size, progress.first);
            progress.touched.push(number);
        }
        ledger.size += 1;
        ledger.size - 1
    }

    /// After a failed write: if the disk is full, cuts off what was written of the group, as if it had never been.
    fn take_back(&mut self, progress: &Progress, error: &io::Error) -> Failure {
        if !is_full(error) {
            return self.broken("write", error);
        }
        for number in &progress.touched {
            if let Some(ledger) = self.ledgers.get_mut(*number) {
                ledger.size = ledger.before.0;
            }
        }
        self.position = progress.first;
        match self.shared.disk.truncate(&self.file, progress.start) {
            Ok(()) => Failure::Full,
            Err(error) => self.broken("truncate", &error),
        }
    }

    fn publish(&mut self, progress: &Progress) {
        self.accepted_at_us = progress.accepted_at_us;
        self.segment.extend(progress.offset, &progress.spots);
        if let Err(error) = self.mark.set(&self.shared.disk, self.position) {
            // An old mark is still a true lower bound.
            tracing::warn!(%error, "could not note how far the journal is committed");
        }
        self.shared.full.store(false, Ordering::Relaxed);
        self.shared.committed.send_replace(self.position);
    }

    /// Begins the next segment.
    fn roll(&mut self) -> Result<(), Failure> {
        let known = self.ledgers.iter().filter(|ledger| ledger.size > 0);
        let header = Header {
            first: self.position,
            accepted_at_us: self.accepted_at_us,
            previous: Some((self.segment.first, self.segment.bytes())),
            ledgers: known.map(|ledger| (ledger.key.clone(), ledger.size)).collect(),
        };
        let created = segment::create(&self.shared.disk, &self.shared.dir, &header);
        let (file, segment) = created.map_err(|error| match error {
            CreateError::Full => Failure::Full,
            CreateError::Broken(error) => Failure::Broken(format!("new segment in {}: {error}", self.shared.dir.display())),
        })?;
        self.file = file;
        self.segment = Arc::new(segment);
        self.shared.segments.push(Arc::clone(&self.segment));
        Ok(())
    }

    fn broken(&self, what: &str, error: &io::Error) -> Failure {
        Failure::Broken(format!("{what} of {}: {error}", self.segment.path.display()))
    }
}

/// A writer that panics must not leave callers waiting for it.
struct PoisonOnPanic(Arc<Shared>);

impl Drop for PoisonOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queue.poison("the writer panicked");
        }
    }
}
