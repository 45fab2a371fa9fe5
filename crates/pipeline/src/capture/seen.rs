//! What has been seen: makes an event that comes twice be kept once.
//!
//! An [`Entry`] is remembered for every event that went into the journal: the youngest in a table in memory, older ones in
//! sorted [runs](run) on disk, each for a stretch of the journal, in the order of arrival. What must stay true:
//!
//! - A run is written only once the journal has all its positions on disk. An entry of an event that the journal lost
//!   would make its retry a duplicate, and the event would be lost.
//! - The same holds for tables: when the journal took positions back because the disk was full, they are
//!   [forgotten and read back](Seen::forget_tables) before anything is judged again.
//! - The runs hold everything below [`Seen::checkpoint`]. After a crash the rest is read back from the journal.
//! - Runs cover the journal without a gap. So a run that is missing or damaged is noticed, and is rebuilt if the journal
//!   still has its positions. If not, duplicates of that time may be kept twice: never a reason not to start.
//! - Memory is bounded: tables by number and size, filters by ten bits and indexes by a third of a bit per entry.
//!
//! An entry can only be wrong in the direction of keeping an event twice: 192 bits of SHA-256 have to agree before
//! something counts as a duplicate.

pub mod entry;
mod filter;
mod merge;
mod opening;
mod rebuild;
mod run;
mod table;
mod turn;
mod upkeep;
mod window;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use journal::Position;
use tokio::sync::Notify;

pub use entry::Entry;
use opening::Found;
pub use rebuild::Rebuild;
use run::{Fault, Run, Writer};
use table::Table;
pub use turn::{Placed, Probe, Turn};
pub use upkeep::Upkeep;

/// Entries in a table before it is written: 3 MB as a run, and about half a second of work to rebuild.
pub const TABLE_ENTRIES_MAX: usize = 131_072;
/// Bytes of events behind a table before it is written: the journal must keep them until then.
pub const TABLE_PAYLOAD_BYTES_MAX: u64 = 256 << 20;
/// Full tables waiting to be written; with the open one about 60 MB. When they wait, events wait.
pub const TABLES_WAITING_MAX: usize = 8;
/// How long an event is remembered.
pub const WINDOW_US: i64 = 90 * 86_400 * 1_000_000;
/// How many bytes of runs are kept.
pub const WINDOW_BYTES: u64 = 4 << 30;

/// The bounds. See the constants of the same names.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// See [`TABLE_ENTRIES_MAX`].
    pub table_entries_max: usize,
    /// See [`TABLE_PAYLOAD_BYTES_MAX`].
    pub table_payload_bytes_max: u64,
    /// See [`TABLES_WAITING_MAX`].
    pub tables_waiting_max: usize,
    /// See [`WINDOW_US`].
    pub window_us: i64,
    /// See [`WINDOW_BYTES`].
    pub window_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            table_entries_max: TABLE_ENTRIES_MAX,
            table_payload_bytes_max: TABLE_PAYLOAD_BYTES_MAX,
            tables_waiting_max: TABLES_WAITING_MAX,
            window_us: WINDOW_US,
            window_bytes: WINDOW_BYTES,
        }
    }
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Error {
    /// The file or directory.
    pub path: PathBuf,
    /// What went wrong with it.
    pub reason: String,
}

impl Error {
    fn new(path: &Path, reason: &impl ToString) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// A run that is missing or cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// What of the journal it covered.
    pub positions: Range<Position>,
}

/// What is known of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its identity has not been seen.
    New,
    /// It has been seen, with this content.
    Duplicate,
    /// Its identity has been seen, with other content only.
    Conflict,
}

impl Verdict {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Duplicate, _) | (_, Self::Duplicate) => Self::Duplicate,
            (Self::Conflict, _) | (_, Self::Conflict) => Self::Conflict,
            (Self::New, Self::New) => Self::New,
        }
    }
}

/// When the oldest and the newest of some entries came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Microseconds since the epoch.
    pub oldest_us: i64,
    /// Microseconds since the epoch.
    pub newest_us: i64,
}

impl Arrival {
    const NEVER: Self = Self { oldest_us: i64::MAX, newest_us: i64::MIN };

    fn with(self, other: Self) -> Self {
        Self { oldest_us: self.oldest_us.min(other.oldest_us), newest_us: self.newest_us.max(other.newest_us) }
    }

    fn at(us: i64) -> Self {
        Self { oldest_us: us, newest_us: us }
    }

    fn span_us(self) -> i64 {
        self.newest_us.saturating_sub(self.oldest_us).max(0)
    }
}

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Entries in memory and in runs.
    pub entries: u64,
    /// Runs on disk.
    pub runs: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Full tables waiting to be written.
    pub tables_waiting: usize,
}

/// The record of events seen; clones share it.
#[derive(Clone, Debug)]
pub struct Seen {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    options: Options,
    present: Mutex<Present>,
    /// Everything but the open table.
    shelf: ArcSwap<Shelf>,
    /// Held by who writes or merges, so that neither removes what the other uses.
    writing: Mutex<()>,
    merging: Mutex<()>,
    sealed: Notify,
    written: Notify,
    room: Notify,
    complained: AtomicBool,
}

/// What changes with every event.
#[derive(Debug)]
struct Present {
    table: Table,
    /// The position that the journal gives next, as far as is known.
    next: Option<Position>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The tables are what the journal has and will have.
    True,
    /// The journal took positions back: entries in tables may be of lost events.
    Stale,
    /// The tables are being read back from the journal.
    Replaying,
}

/// Tables and runs that do not change any more, oldest first. Everything in `runs` came before everything in `tables`.
#[derive(Clone, Debug, Default)]
struct Shelf {
    runs: Vec<Arc<Run>>,
    tables: Vec<Arc<Table>>,
    /// How many tables were ever sealed: tells whether a [`Probe`] is still the whole truth beside the open table.
    seals: u64,
}

impl Seen {
    /// Opens the record kept in `dir`, of a journal that holds `journal`.
    ///
    /// Also returns the runs that are damaged or missing: each is to be [rebuilt](Self::rebuild). Then everything from
    /// [`Seen::checkpoint`] on is to be [replayed](Self::replay), up to [`Seen::replayed`]. Runs whose positions the
    /// journal still holds are read whole, since only they can be rebuilt; of older ones only what a lookup relies on.
    pub fn open(dir: &Path, options: Options, journal: Range<Position>) -> Result<(Self, Vec<Damage>), Error> {
        fs::create_dir_all(dir).map_err(|e| Error::new(dir, &e))?;
        let found = Found::look(dir, &journal)?;
        let (runs, damages) = found.settle(dir, &journal);
        let checkpoint = runs.iter().map(|run| run.positions.end).chain(damages.iter().map(|d| d.positions.end)).max();
        if checkpoint.is_none() && journal.start > 0 {
            tracing::warn!(dir = %dir.display(), "no record of events seen; those before the journal's first may be kept twice");
        }
        let inner = Inner {
            dir: dir.to_owned(),
            options,
            present: Mutex::new(Present {
                table: Table::new(checkpoint.unwrap_or(journal.start)),
                next: None,
                state: State::Replaying,
            }),
            shelf: ArcSwap::from_pointee(Shelf { runs, ..Shelf::default() }),
            writing: Mutex::new(()),
            merging: Mutex::new(()),
            sealed: Notify::new(),
            written: Notify::new(),
            room: Notify::new(),
            complained: AtomicBool::new(false),
        };
        Ok((Self { inner: Arc::new(inner) }, damages))
    }

    /// The runs hold everything below this position; the journal is needed from here on.
    pub fn checkpoint(&self) -> Position {
        // The lock first: no table moves from open to sealed between the two looks.
        let present = self.present();
        let shelf = self.inner.shelf.load();
        shelf.tables.first().map_or(present.table.positions.start, |table| table.positions.start)
    }

    /// How much is remembered.
    pub fn stats(&self) -> Stats {
        let open_entries = self.present().table.len() as u64;
        let shelf = self.inner.shelf.load();
        let in_tables = shelf.tables.iter().map(|table| table.len() as u64).sum::<u64>() + open_entries;
        Stats {
            entries: in_tables + shelf.runs.iter().map(|run| run.entries).sum::<u64>(),
            runs: shelf.runs.len(),
            bytes: shelf.runs.iter().map(|run| run.bytes).sum(),
            tables_waiting: shelf.tables.len(),
        }
    }

    /// Waits until there is room in memory for more entries; false if there is none in time.
    pub async fn room(&self, wait: Duration) -> bool {
        let full = || self.inner.shelf.load().tables.len() >= self.inner.options.tables_waiting_max;
        let emptied = async {
            loop {
                let notified = self.inner.room.notified();
                if !full() {
                    return;
                }
                notified.await;
            }
        };
        !full() || tokio::time::timeout(wait, emptied).await.is_ok()
    }

    /// Asks the sealed tables in memory and the filters of the runs about `entries`; no disk is touched.
    pub fn probe(&self, entries: Vec<Entry>) -> Probe {
        Probe::new(self.inner.shelf.load_full(), entries)
    }

    /// Takes the one lock under which events are judged and given their place in the journal.
    pub fn turn(&self) -> Turn<'_> {
        Turn::new(self)
    }

    /// Remembers an entry read back from the journal, at `position` and thus durable there. Writes a run when a table is
    /// full.
    pub fn replay(&self, entry: Entry, position: Position, accepted_at_us: i64, payload_bytes: u64) -> Result<(), Error> {
        let mut present = self.present();
        present.table.insert(entry);
        self.extend(&mut present, position + 1, accepted_at_us, payload_bytes);
        drop(present);
        while self.sealed_tables() > 0 {
            self.write_table(position + 1)?;
        }
        Ok(())
    }

    /// Everything was replayed: events may be judged.
    pub fn replayed(&self) {
        let mut present = self.present();
        if present.state == State::Replaying {
            present.state = State::True;
        }
    }

    /// Whether the journal took positions back since the tables were last read back from it.
    pub fn is_stale(&self) -> bool {
        self.present().state != State::True
    }

    /// Forgets what is in memory, to be replayed from [`Seen::checkpoint`] on. Nothing is judged until then.
    pub fn forget_tables(&self) {
        let _writing = lock(&self.inner.writing);
        let mut present = self.present();
        let start = self.inner.shelf.load().tables.first().map_or(present.table.positions.start, |table| table.positions.start);
        self.inner.shelf.rcu(|shelf| Shelf { tables: Vec::new(), seals: shelf.seals + 1, ..Shelf::clone(shelf) });
        *present = Present { table: Table::new(start), next: None, state: State::Replaying };
        drop(present);
        self.inner.room.notify_waiters();
    }

    /// Begins to rebuild a damaged run.
    pub fn rebuild(&self, damage: Damage) -> Rebuild<'_> {
        Rebuild::new(self, damage)
    }

    /// Closes the open table, so that it can be written.
    pub fn seal(&self) {
        let mut present = self.present();
        if present.table.len() > 0 {
            self.seal_table(&mut present.table);
        }
    }

    /// Writes the oldest sealed table as a run if the journal has on disk all that it covers; says whether it did.
    pub fn write_table(&self, committed: Position) -> Result<bool, Error> {
        let _writing = lock(&self.inner.writing);
        // Under the lock, since who notices that positions were taken back, and so may be given anew, says so under it.
        let present = self.present();
        let shelf = self.inner.shelf.load_full();
        let ready = |table: &&Arc<Table>| table.positions.end <= committed && present.state != State::Stale;
        let Some(table) = shelf.tables.first().filter(ready) else {
            return Ok(false);
        };
        drop(present);
        let run = Arc::new(self.write(table, table.positions.clone())?);
        self.inner.shelf.rcu(|shelf| {
            let mut shelf = Shelf::clone(shelf);
            shelf.tables.retain(|other| !Arc::ptr_eq(other, table));
            shelf.runs.push(Arc::clone(&run));
            shelf
        });
        self.inner.written.notify_one();
        self.inner.room.notify_waiters();
        self.report();
        Ok(true)
    }

    /// Returns when a table was sealed since the last call, or is.
    async fn sealed(&self) {
        self.inner.sealed.notified().await;
    }

    /// Returns when a run was written since the last call, or is.
    async fn written(&self) {
        self.inner.written.notified().await;
    }

    /// How many tables wait to be written.
    fn sealed_tables(&self) -> usize {
        self.inner.shelf.load().tables.len()
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        lock(&self.inner.present)
    }

    /// What was inserted lies in the journal before `end`. A full table is closed.
    fn extend(&self, present: &mut Present, end: Position, now_us: i64, payload_bytes: u64) {
        let table = &mut present.table;
        table.positions.end = table.positions.end.max(end);
        table.arrival = table.arrival.with(Arrival::at(now_us));
        table.payload_bytes += payload_bytes;
        let Options { table_entries_max, table_payload_bytes_max, .. } = self.inner.options;
        if table.len() >= table_entries_max || table.payload_bytes >= table_payload_bytes_max {
            self.seal_table(table);
        }
    }

    fn seal_table(&self, open: &mut Table) {
        let next = Table::new(open.positions.end);
        let table = Arc::new(std::mem::replace(open, next));
        self.inner.shelf.rcu(|shelf| {
            let mut shelf = Shelf::clone(shelf);
            shelf.tables.push(Arc::clone(&table));
            shelf.seals += 1;
            shelf
        });
        self.inner.sealed.notify_one();
    }

    fn write(&self, table: &Table, positions: Range<Position>) -> Result<Run, Error> {
        let entries = table.sorted();
        let write = || -> Result<Run, Fault> {
            let mut writer = Writer::create(&self.inner.dir, positions, entries.len() as u64)?;
            entries.iter().try_for_each(|entry| writer.push(*entry))?;
            writer.finish(table.arrival)
        };
        write().map_err(|fault| Error::new(&self.inner.dir, &fault))
    }

    fn report(&self) {
        let stats = self.stats();
        metrics::gauge!("trailkeep_seen_entries").set(stats.entries as f64);
        metrics::gauge!("trailkeep_seen_runs").set(stats.runs as f64);
        metrics::gauge!("trailkeep_seen_bytes").set(stats.bytes as f64);
    }

    /// Counts damage met while running, and logs the first.
    fn complain(&self, reason: &str) {
        metrics::counter!("trailkeep_seen_damaged_blocks_total").increment(1);
        if !self.inner.complained.swap(true, Ordering::Relaxed) {
            tracing::error!(%reason, "the record of events seen is damaged; duplicates may be kept twice");
        }
    }
}

/// Removes a file that is no longer needed; one that stays only costs room, and is removed at the next start.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file could not be removed");
    }
}

/// A panic while a lock was held left nothing half done: every change is a single insertion or swap.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
