//! Event history as a sink: the open segment is filled here; sealing and merging run beside it.
//!
//! The cursor moves when a segment is sealed, in the catalog transaction that makes its files count. Until then its
//! records are in memory only, and after a crash come from the journal again.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use catalog::{Catalog, cursors, segments};
use journal::Position;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::cache::Cache;
use super::config::Config;
use super::dictionary::Dictionaries;
use super::error::Error;
use super::handle::{EventHistory, FILE_EXTENSION, Shared, file_name};
use super::open::{Arrivals, Open};
use super::segment::{Family, Segment};
use super::upkeep;
use super::view::{Member, Unreadable, Views};
use crate::accounts::Accounts;
use crate::clock::SharedClock;
use crate::route::batch::Batch;
use crate::route::follower::{Sink, SinkError};

/// The name of the cursor in the catalog, and of the follower.
pub const CURSOR: &str = "event-history";

const SECOND_US: i64 = 1_000_000;
/// How often sealing and merging are looked after.
const TICK_US: i64 = SECOND_US;
/// How often too old segments are looked for.
const EXPIRE_US: i64 = 60 * SECOND_US;
/// The pause after a failed sealing or merging.
const RETRY_US: i64 = 10 * SECOND_US;
/// A larger batch is indexed on a thread that may block: 1 ms of work and more.
const SMALL_BATCH: usize = 256;
/// With fewer records in memory nothing is sealed at the end: they are read from the journal faster than that.
const FINISH_RECORDS_MIN: usize = 8_192;

/// Feeds event history.
pub struct HistorySink {
    shared: Arc<Shared>,
    catalog: Catalog,
    accounts: Arc<Accounts>,
    sealing: Option<JoinHandle<Result<(), Error>>>,
    seal_again_us: i64,
    merging: Option<JoinHandle<Result<(), Error>>>,
    merge_again_us: i64,
    expire_us: i64,
}

impl EventHistory {
    /// Opens what is kept in `dir`, which is made if need be, as `catalog` says. `ready_at` is the journal's end: until
    /// the sink has been given everything before it, lookups wait.
    pub async fn open(
        dir: &Path,
        catalog: &Catalog,
        accounts: Accounts,
        clock: SharedClock,
        config: Config,
        ready_at: Position,
    ) -> Result<(Self, HistorySink), Error> {
        let cursor = cursor(catalog).await?;
        let rows = segments::list(catalog).await?;
        let next_id = AtomicU64::new(rows.last().map_or(1, |row| row.id + 1));
        let members = {
            let dir = dir.to_owned();
            let open = move || open_files(&dir, &rows);
            tokio::task::spawn_blocking(open).await.map_err(|_| Error::Closing)??
        };
        let now_us = clock.now_us();
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            cache: Cache::new(config.cache_bytes_max),
            dictionaries: Dictionaries::default(),
            config,
            clock,
            views: Views::new(members, Open::new(cursor, now_us)),
            visible: watch::Sender::new(cursor),
            ready_at,
            next_id,
            closing: AtomicBool::new(false),
        });
        let sink = HistorySink {
            shared: Arc::clone(&shared),
            catalog: catalog.clone(),
            accounts: Arc::new(accounts),
            sealing: None,
            seal_again_us: 0,
            merging: None,
            merge_again_us: 0,
            expire_us: now_us,
        };
        Ok((Self { shared }, sink))
    }
}

/// The cursor; made if there is none, since from now on the journal must be kept for it.
async fn cursor(catalog: &Catalog) -> Result<Position, Error> {
    if let Some(position) = cursors::get(catalog, CURSOR).await? {
        return Ok(position);
    }
    let mut tx = catalog.begin().await?;
    cursors::set(&mut tx, CURSOR, 0).await?;
    tx.commit().await?;
    Ok(0)
}

/// Opens the segments that count and removes the files that do not.
fn open_files(dir: &Path, rows: &[segments::Segment]) -> Result<Vec<Member>, Error> {
    fs::create_dir_all(dir).map_err(|error| Error::io(dir, error))?;
    for entry in fs::read_dir(dir).map_err(|error| Error::io(dir, error))? {
        let path = entry.map_err(|error| Error::io(dir, error))?.path();
        let is_segment = path.extension().is_some_and(|extension| extension == FILE_EXTENSION);
        let counts = rows.iter().any(|row| path.file_name().is_some_and(|name| name == row.file.as_str()));
        if is_segment && !counts {
            tracing::info!(file = %path.display(), "removed: it was never committed");
            upkeep::remove_file(&path);
        }
    }
    rows.iter().map(|row| open_file(dir, row)).collect()
}

fn open_file(dir: &Path, row: &segments::Segment) -> Result<Member, Error> {
    match Segment::open(&dir.join(file_name(row.id)), row.id) {
        Ok(segment) => Ok(Member::Sound(Arc::new(segment))),
        Err(Error::Damaged(damage)) => {
            tracing::error!(%damage, "lookups that depend on it will fail");
            Ok(Member::Damaged(Unreadable {
                id: row.id,
                family: Family::from_stored(row.family),
                records: row.records,
                bytes: row.bytes,
                newest_s: row.newest_s,
                oldest_s: row.oldest_s,
                damage,
            }))
        }
        Err(error) => Err(error),
    }
}

impl Sink for HistorySink {
    fn name(&self) -> String {
        CURSOR.to_owned()
    }

    async fn cursor(&mut self) -> Result<Position, SinkError> {
        Ok(self.open_segment().end())
    }

    async fn write(&mut self, batch: &Arc<Batch>) -> Result<(), SinkError> {
        let end = self.open_segment().end();
        if batch.first > end {
            return Err(SinkError::Fatal(format!("entries {end} to {} of the journal were left out", batch.first)));
        }
        if batch.end <= end {
            return Ok(());
        }
        if self.open_segment().is_full(&self.shared.config) {
            self.make_room().await?;
        }
        let arrivals = self.arrivals(batch, end).await?;
        let open = self.open_segment();
        open.append(arrivals);
        self.shared.visible.send_replace(batch.end);
        if open.is_full(&self.shared.config) && self.shared.views.load().sealing.is_none() {
            self.rotate();
        }
        Ok(())
    }

    async fn tick(&mut self, now_us: i64) -> Result<i64, SinkError> {
        self.look_after_sealing(now_us).await;
        self.look_after_merging(now_us).await;
        self.look_after_age(now_us).await;
        Ok(now_us + TICK_US)
    }

    async fn finish(&mut self) -> Result<(), SinkError> {
        upkeep::close(&self.shared);
        self.settle().await?;
        if self.open_segment().contents().records.len() >= FINISH_RECORDS_MIN { self.seal().await } else { Ok(()) }
    }
}

impl HistorySink {
    /// Waits for the sealing and merging that is under way.
    pub async fn settle(&mut self) -> Result<(), SinkError> {
        let sealed = self.sealed().await;
        if let Some(task) = self.merging.take() {
            match joined(task).await {
                Ok(()) | Err(Error::Closing) => {}
                Err(error) => return Err(SinkError::Retry(error.to_string())),
            }
        }
        sealed
    }

    /// Seals what is in memory and waits until that is done.
    pub async fn seal(&mut self) -> Result<(), SinkError> {
        self.make_room().await?;
        self.sealed().await
    }

    fn open_segment(&self) -> Arc<Open> {
        Arc::clone(&self.shared.views.load().open)
    }

    async fn arrivals(&self, batch: &Arc<Batch>, from: Position) -> Result<Arrivals, SinkError> {
        let (batch, accounts, shared) = (Arc::clone(batch), Arc::clone(&self.accounts), Arc::clone(&self.shared));
        let small = batch.items.len() <= SMALL_BATCH;
        let index = move || {
            let now_us = shared.clock.now_us();
            if batch.first == from {
                return Arrivals::of(&batch, &accounts, &shared.config, now_us);
            }
            Arrivals::of(&batch.from(from), &accounts, &shared.config, now_us)
        };
        if small {
            return Ok(index());
        }
        tokio::task::spawn_blocking(index).await.map_err(|_| SinkError::Retry(Error::Closing.to_string()))
    }

    /// The open segment is full: the one before it must be out of the way.
    async fn make_room(&mut self) -> Result<(), SinkError> {
        if self.shared.views.load().sealing.is_some() {
            if self.sealing.is_none() {
                self.start_sealing();
            }
            self.sealed().await?;
        }
        self.rotate();
        Ok(())
    }

    /// Waits until what is being sealed is sealed.
    async fn sealed(&mut self) -> Result<(), SinkError> {
        match self.sealing.take() {
            None => Ok(()),
            Some(task) => joined(task).await.map_err(|error| SinkError::Retry(error.to_string())),
        }
    }

    /// Begins a new open segment and the sealing of the one before it.
    fn rotate(&mut self) {
        let next = Open::new(self.open_segment().end(), self.shared.clock.now_us());
        self.shared.views.rotate(&Arc::new(next));
        self.start_sealing();
    }

    fn start_sealing(&mut self) {
        self.sealing = Some(tokio::spawn(upkeep::seal(Arc::clone(&self.shared), self.catalog.clone())));
    }

    async fn look_after_sealing(&mut self, now_us: i64) {
        if let Some(task) = self.sealing.take_if(|task| task.is_finished())
            && let Err(error) = joined(task).await
        {
            tracing::warn!(%error, "event history segment was not sealed");
            metrics::counter!("trailkeep_history_seal_failures_total").increment(1);
            self.seal_again_us = now_us + RETRY_US;
        }
        if self.sealing.is_some() || now_us < self.seal_again_us {
            return;
        }
        if self.shared.views.load().sealing.is_some() {
            self.start_sealing();
        } else if self.open_segment().is_due(&self.shared.config, now_us) {
            self.rotate();
        }
    }

    async fn look_after_merging(&mut self, now_us: i64) {
        if let Some(task) = self.merging.take_if(|task| task.is_finished())
            && let Err(error) = joined(task).await
        {
            tracing::warn!(%error, "event history segments were not merged");
            self.merge_again_us = now_us + RETRY_US;
        }
        if self.merging.is_none()
            && now_us >= self.merge_again_us
            && let Some(sources) = upkeep::to_merge(&self.shared)
        {
            let merge = upkeep::merge(Arc::clone(&self.shared), self.catalog.clone(), sources);
            self.merging = Some(tokio::spawn(merge));
        }
    }

    /// Drops what is too old; not while segments are merged, which may be the same.
    async fn look_after_age(&mut self, now_us: i64) {
        if self.merging.is_some() || now_us < self.expire_us {
            return;
        }
        self.expire_us = now_us + EXPIRE_US;
        if let Err(error) = upkeep::expire(&self.shared, &self.catalog).await {
            tracing::warn!(%error, "old event history segments were not dropped");
        }
    }
}

/// The task's result; a task that panicked has failed.
async fn joined<T>(task: JoinHandle<Result<T, Error>>) -> Result<T, Error> {
    task.await.unwrap_or_else(|error| Err(Error::Catalog(format!("task failed: {error}"))))
}
