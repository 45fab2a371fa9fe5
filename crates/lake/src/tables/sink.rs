//! A store as a sink: its records are in the tail at once; flushing and merging run beside it.
//!
//! The cursor moves when the tail is flushed, in the catalog transaction that makes the files count. Until then its rows
//! are in memory only, and after a crash come from the journal again.

use std::collections::HashSet;
use std::sync::Arc;

use pipeline::route::batch::Batch;
use pipeline::route::follower::{Sink, SinkError};
use tokio::task::JoinHandle;

use super::error::Error;
use super::store::{Fill, Store};
use super::tail::{Rows, Taken};
use super::unique::Unique;
use super::{compaction, flush, retention};

const SECOND_US: i64 = 1_000_000;
/// How often flushing and merging are looked after.
const TICK_US: i64 = SECOND_US;
/// How often too old files are looked for.
const EXPIRE_US: i64 = 60 * SECOND_US;
/// The pause after a failed flush or merge.
const RETRY_US: i64 = 10 * SECOND_US;
/// A larger batch becomes rows on a thread that may block: 1 ms of work and more.
const SMALL_BATCH: usize = 256;
/// While no row is in memory, the cursor is moved when it is so far behind …
const IDLE_ENTRIES_MAX: u64 = 10_000;
/// … or when it was moved so long ago.
const IDLE_US_MAX: i64 = 10 * SECOND_US;
/// While the tail fills up faster than this, files are not merged: merging would take processors and memory from what
/// is coming in …
const BUSY_US: i64 = 5 * SECOND_US;
/// … unless there are so many files that queries would notice.
const BUSY_FILES_MAX: usize = 512;
/// Records that wait hold at most so many times their own memory.
const HELD_FACTOR_MAX: usize = 4;
/// With fewer rows in memory nothing is flushed at the end: they are read from the journal faster than that.
const FINISH_ROWS_MIN: usize = 8_192;

/// The name of a store's cursor in the catalog, and of its follower.
pub fn cursor_name(store: &str) -> String {
    format!("store:{store}")
}

/// Feeds a store.
pub struct StoreSink {
    store: Arc<Store>,
    unique: Option<Unique>,
    flushing: Option<JoinHandle<Result<(), Error>>>,
    flush_again_us: i64,
    moved_us: i64,
    merging: Option<JoinHandle<Result<(), Error>>>,
    merge_again_us: i64,
    /// When the tail was last flushed because it was full.
    full_us: i64,
    expire_us: i64,
    damaged: HashSet<std::path::PathBuf>,
}

impl StoreSink {
    pub(super) fn new(store: Arc<Store>) -> Self {
        let now_us = store.shared.clock.now_us();
        let unique = Unique::new(store.shared.config.key_cache_bytes_max);
        Self {
            store,
            unique: Some(unique),
            flushing: None,
            flush_again_us: 0,
            moved_us: now_us,
            merging: None,
            merge_again_us: 0,
            full_us: i64::MIN,
            expire_us: now_us,
            damaged: HashSet::new(),
        }
    }

    /// Flushes what is in memory and waits until that is done.
    pub async fn flush(&mut self) -> Result<(), SinkError> {
        self.make_room().await?;
        self.flushed().await
    }

    /// How many files the store has, and rows in them.
    pub fn files(&self) -> (usize, u64) {
        let files = self.store.files();
        (files.len(), files.iter().map(|file| file.rows()).sum())
    }

    /// Waits for the flush and the merge that are under way.
    pub async fn settle(&mut self) -> Result<(), SinkError> {
        let flushed = self.flushed().await;
        if let Some(task) = self.merging.take() {
            match joined(task).await {
                Ok(()) | Err(Error::Stopping) => {}
                Err(error) => return Err(SinkError::Retry(error.to_string())),
            }
        }
        flushed
    }

    /// The records of a batch, from `from` on, that the store takes and does not have.
    async fn taken(&mut self, batch: &Arc<Batch>, from: u64) -> Result<Rows, SinkError> {
        let (batch, store) = (Arc::clone(batch), Arc::clone(&self.store));
        let small = batch.items.len() <= SMALL_BATCH;
        // To find duplicates files may be read.
        let names_store = batch.records().any(|record| record.route.names_store().is_some());
        let mut unique = self.unique.take().unwrap_or_else(|| Unique::new(self.store.shared.config.key_cache_bytes_max));
        let choose = move || {
            let chosen = choose(&store, &batch, from, &mut unique);
            (chosen, unique)
        };
        let (chosen, unique) = if small && !names_store {
            choose()
        } else {
            tokio::task::spawn_blocking(choose).await.map_err(|error| SinkError::Retry(Error::of_task(&error).to_string()))?
        };
        self.unique = Some(unique);
        chosen.map_err(|error| SinkError::Retry(error.to_string()))
    }

    /// The open part is full: the one before it must be out of the way.
    async fn make_room(&mut self) -> Result<(), SinkError> {
        if self.store.flushing().is_some() {
            if self.flushing.is_none() {
                self.start_flush();
            }
            self.flushed().await?;
        }
        self.store.rotate();
        self.start_flush();
        Ok(())
    }

    /// Waits until what is being flushed is flushed.
    async fn flushed(&mut self) -> Result<(), SinkError> {
        match self.flushing.take() {
            None => Ok(()),
            Some(task) => joined(task).await.map_err(|error| SinkError::Retry(error.to_string())),
        }
    }

    fn start_flush(&mut self) {
        self.moved_us = self.store.shared.clock.now_us();
        self.flushing = Some(tokio::spawn(flush::flush(Arc::clone(&self.store))));
    }

    fn is_full(&self, fill: &Fill) -> bool {
        let config = &self.store.shared.config;
        fill.rows >= config.tail_rows_max || fill.bytes >= config.tail_bytes_max
    }

    /// Whether events come in so fast that merging has to wait.
    fn is_busy(&self, now_us: i64) -> bool {
        now_us < self.full_us.saturating_add(BUSY_US) && self.store.files().len() < BUSY_FILES_MAX
    }

    fn is_due(&self, fill: &Fill, now_us: i64) -> bool {
        match fill.since_us {
            Some(since_us) => self.is_full(fill) || now_us - since_us >= self.store.shared.config.tail_age_us_max,
            None => fill.entries > 0 && (fill.entries >= IDLE_ENTRIES_MAX || now_us - self.moved_us >= IDLE_US_MAX),
        }
    }

    async fn look_after_flush(&mut self, now_us: i64) {
        if let Some(task) = self.flushing.take_if(|task| task.is_finished())
            && let Err(error) = joined(task).await
        {
            tracing::warn!(store = self.store.info.id, %error, "event data store was not flushed");
            metrics::counter!("trailkeep_lake_flush_failures_total").increment(1);
            self.flush_again_us = now_us + RETRY_US;
        }
        if self.flushing.is_some() || now_us < self.flush_again_us {
            return;
        }
        if self.store.flushing().is_some() {
            self.start_flush();
        } else if self.is_due(&self.store.fill(), now_us) {
            self.store.rotate();
            self.start_flush();
        }
    }

    async fn look_after_merging(&mut self, now_us: i64) {
        if let Some(task) = self.merging.take_if(|task| task.is_finished())
            && let Err(error) = joined(task).await
        {
            tracing::warn!(store = self.store.info.id, %error, "files of an event data store were not merged");
            if let Error::Damaged { path, .. } = error {
                self.damaged.insert(path);
            }
            self.merge_again_us = now_us + RETRY_US;
        }
        if self.merging.is_none()
            && now_us >= self.merge_again_us
            && !self.is_busy(now_us)
            && let Some(sources) = compaction::to_merge(&self.store, &self.damaged, now_us)
        {
            self.merging = Some(tokio::spawn(compaction::merge(Arc::clone(&self.store), sources)));
        }
    }

    /// Drops what is too old; not while files are merged, which may be the same.
    async fn look_after_age(&mut self, now_us: i64) {
        if self.merging.is_some() || now_us < self.expire_us {
            return;
        }
        self.expire_us = now_us + EXPIRE_US;
        if let Err(error) = retention::expire(&self.store).await {
            tracing::warn!(store = self.store.info.id, %error, "old files of an event data store were not dropped");
        }
    }
}

/// What the store takes of a batch, from `from` on.
fn choose(store: &Store, batch: &Batch, from: u64, unique: &mut Unique) -> Result<Rows, Error> {
    let routes = store.routes.load();
    let Some(route) = routes.store(store.info.number).filter(|route| route.id == store.info.id) else {
        // What it takes cannot be known, so nothing may be passed over.
        let reason = "no route leads to it".to_owned();
        return Err(Error::Uncertain { store: store.info.id.clone(), reason });
    };
    let now_us = store.shared.clock.now_us();
    let (mut taken, mut named) = (Vec::new(), Vec::new());
    for record in batch.records().filter(|record| record.position >= from) {
        if !route.takes_record(record, store.shared.accounts.owner_of(record.event.account()), now_us) {
            continue;
        }
        if record.route.names_store().is_some() {
            named.push(taken.len());
        }
        let (position, accepted_at_us) = (record.position, record.accepted_at_us);
        taken.push(Taken { event: record.event.clone(), position, accepted_at_us });
    }
    let taken = if named.is_empty() { taken } else { unique.retain(store, taken, &named)? };
    let taken = if holds_much(batch, &taken) { taken.into_iter().map(Taken::alone).collect() } else { taken };
    Ok(Rows::of(store.info.family, taken))
}

/// Whether few records would hold the memory of many: those of a batch lie in one piece.
fn holds_much(batch: &Batch, taken: &[Taken]) -> bool {
    let bytes: usize = taken.iter().map(|taken| taken.event.bytes().len()).sum();
    bytes * HELD_FACTOR_MAX < batch.bytes()
}

impl Sink for StoreSink {
    fn name(&self) -> String {
        cursor_name(&self.store.info.id)
    }

    async fn cursor(&mut self) -> Result<u64, SinkError> {
        Ok(self.store.fill().end)
    }

    async fn write(&mut self, batch: &Arc<Batch>) -> Result<(), SinkError> {
        let fill = self.store.fill();
        if batch.first > fill.end {
            return Err(SinkError::Fatal(format!("entries {} to {} of the journal were left out", fill.end, batch.first)));
        }
        if batch.end <= fill.end {
            return Ok(());
        }
        if self.is_full(&fill) {
            self.full_us = self.store.shared.clock.now_us();
            self.make_room().await?;
        }
        let taken = self.taken(batch, fill.end).await?;
        self.store.append(taken, batch.end);
        if self.is_full(&self.store.fill()) && self.store.flushing().is_none() {
            self.full_us = self.store.shared.clock.now_us();
            self.store.rotate();
            self.start_flush();
        }
        Ok(())
    }

    async fn tick(&mut self, now_us: i64) -> Result<i64, SinkError> {
        self.look_after_flush(now_us).await;
        self.look_after_merging(now_us).await;
        self.look_after_age(now_us).await;
        Ok(now_us + TICK_US)
    }

    async fn finish(&mut self) -> Result<(), SinkError> {
        self.store.close();
        self.settle().await?;
        if self.store.fill().rows >= FINISH_ROWS_MIN { self.flush().await } else { Ok(()) }
    }
}

/// The task's result; a task that panicked has failed.
async fn joined(task: JoinHandle<Result<(), Error>>) -> Result<(), Error> {
    task.await.unwrap_or_else(|error| Err(Error::of_task(&error)))
}
