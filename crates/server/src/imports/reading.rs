//! Reading: files are inflated and their records admitted on threads that may take their time, in groups that are
//! recorded together: a thousand little files cost one fsync.
//!
//! Each batch of files is read by one thread into a short queue of its own, and the queues are emptied in the order of the
//! batches: batches are read side by side, what comes out is in order, and who is ahead waits without holding much.

use std::sync::Arc;

use cloudtrail::account::AccountId;
use cloudtrail::event::{Admission, Event};
use cloudtrail::import::Range;
use cloudtrail::region::Region;
use futures_util::stream::StreamExt as _;
use pipeline::capture::envelope::{Records, parse_log_file};
use pipeline::capture::parcel::{Parcel, Rejected};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::fetching::{Fetched, Fetching};
use super::listing::Listed;
use super::source::Fault;

/// Files handed to a thread at once.
const BATCH_FILES_MAX: usize = 256;
/// Files whose events are recorded together.
const GROUP_FILES_MAX: usize = 512;
/// Bytes of events recorded together, the last file aside: bounds memory, since a file may inflate a lot.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// Batches read side by side, of all imports together: more than there are processors gains nothing.
const READERS_MAX: usize = 4;
/// Groups that a reader is ahead of its turn.
const GROUPS_AHEAD: usize = 1;

/// How records are read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// Whose event it is that names no account.
    pub(super) account: AccountId,
    /// Where it was recorded if it does not say.
    pub(super) region: Region,
    /// The times that are wanted.
    pub(super) range: Range,
    /// The largest record that the store takes.
    pub(super) event_bytes_max: usize,
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) key: String,
    /// Events of it that are in from an earlier try.
    pub(super) events: u64,
    /// Why it was not read; else its events are a parcel.
    pub(super) fault: Option<Fault>,
}

/// Files that were read, and their events.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) files: Vec<Read>,
    /// Of those files that have no fault, in their order.
    pub(super) parcels: Vec<Parcel>,
    bytes: usize,
}

/// Turns to read, for all imports.
pub(super) fn turns() -> Arc<Semaphore> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(processors.clamp(2, READERS_MAX)))
}

/// What comes of a batch.
pub(super) struct Queue {
    /// Its groups, in order.
    pub(super) groups: mpsc::Receiver<Group>,
    /// Ends well if all of the batch was read.
    pub(super) reader: JoinHandle<()>,
}

/// Fetches what is listed and reads it as it comes, batch by batch, until there is no more, nobody wants it, or the source
/// is out of reach.
pub(super) async fn read_all(
    fetching: Arc<Fetching>,
    listed: mpsc::Receiver<Vec<Listed>>,
    reading: Arc<Reading>,
    turns: Arc<Semaphore>,
    queues: mpsc::Sender<Queue>,
) -> Result<(), Fault> {
    let mut batches = std::pin::pin!(fetching.files(listed).ready_chunks(BATCH_FILES_MAX));
    while let Some(batch) = batches.next().await {
        let (files, ended) = split(batch);
        let (sender, groups) = mpsc::channel(GROUPS_AHEAD);
        let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return Ok(()) };
        let reading = Arc::clone(&reading);
        let reader = tokio::task::spawn_blocking(move || {
            reading.read(files, &sender);
            drop(turn);
        });
        if queues.send(Queue { groups, reader }).await.is_err() {
            return Ok(());
        }
        ended?;
    }
    Ok(())
}

/// A queue of queues that holds no more of them than are read side by side.
pub(super) fn queues() -> (mpsc::Sender<Queue>, mpsc::Receiver<Queue>) {
    mpsc::channel(READERS_MAX)
}

/// The files before the first error.
fn split(batch: Vec<Result<Fetched, Fault>>) -> (Vec<Fetched>, Result<(), Fault>) {
    let mut files = Vec::with_capacity(batch.len());
    for fetched in batch {
        match fetched {
            Ok(fetched) => files.push(fetched),
            Err(fault) => return (files, Err(fault)),
        }
    }
    (files, Ok(()))
}

impl Reading {
    /// Reads files one after the other; stops when nobody wants them.
    fn read(&self, files: Vec<Fetched>, groups: &mpsc::Sender<Group>) {
        let mut group = Group::default();
        for Fetched { key, events, content, room } in files {
            let read = content.and_then(|bytes| {
                let records = parse_log_file(&key, &bytes).map_err(|e| Fault::new(e.code.to_string(), e.message))?;
                drop(bytes);
                drop(room);
                Ok(self.admit(&records))
            });
            group.add(Read { key, events, fault: None }, read);
            if group.is_full() && groups.blocking_send(std::mem::take(&mut group)).is_err() {
                return;
            }
        }
        if !group.files.is_empty() {
            // Without a receiver the import was stopped.
            drop(groups.blocking_send(group));
        }
    }

    /// Admits every record whose time is wanted.
    fn admit(&self, records: &Records) -> Parcel {
        let mut parcel = Parcel { events: Vec::with_capacity(records.len()), rejected: Vec::new() };
        let (account, region, size_max) = (self.account, &self.region, self.event_bytes_max);
        for (index, record) in records.iter().enumerate() {
            match Event::admit(record, &Admission { account, region, ordinal: index as u64, size_max }) {
                Ok(event) if self.range.holds(event.event_time_s()) => parcel.events.push((index, event)),
                Ok(_) => {}
                Err(rejection) => parcel.rejected.push(Rejected::new(index, rejection)),
            }
        }
        parcel
    }
}

impl Group {
    fn add(&mut self, file: Read, read: Result<Parcel, Fault>) {
        match read {
            Ok(parcel) => {
                self.bytes += parcel.events.iter().map(|(_, event)| event.bytes().len()).sum::<usize>();
                self.parcels.push(parcel);
                self.files.push(file);
            }
            Err(fault) => self.files.push(Read { fault: Some(fault), ..file }),
        }
    }

    fn is_full(&self) -> bool {
        self.files.len() >= GROUP_FILES_MAX || self.bytes >= GROUP_BYTES_MAX
    }
}
