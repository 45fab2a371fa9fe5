//! The sink of one run of a trail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use catalog::runs::Run;
use catalog::trails::Version;
use catalog::{Catalog, cursors};
use journal::{Journal, Position};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::buffers::{Buffers, Since};
use super::config::Config;
use super::cut::Cut;
use super::cutting::Pending;
use super::intervals::Chains;
use super::replay;
use super::spool::Spool;
use crate::accounts::Accounts;
use crate::capture::origin::Route;
use crate::capture::recorder::Recorder;
use crate::clock::SharedClock;
use crate::route::batch::{Batch, Item, Record};
use crate::route::follower::{Sink, SinkError};
use crate::route::table::{Regions, TrailRoute};

/// How long a change of the trail waits at most until it is noticed.
const TICK_US_MAX: i64 = 1_000_000;
/// While nothing is buffered, the cursor is moved when it is so far behind …
const IDLE_ENTRIES_MAX: u64 = 10_000;
/// … or when it was moved so long ago.
const IDLE_US_MAX: i64 = 10_000_000;

/// What sinks of trails are made of.
#[derive(Clone)]
pub struct Parts {
    /// Where trails, files and digests are.
    pub catalog: Catalog,
    /// Where events are read again after a crash.
    pub journal: Journal,
    /// Where cuts are journaled.
    pub recorder: Recorder,
    /// Whose events are whose.
    pub accounts: Accounts,
    /// The Regions that files are delivered for.
    pub regions: Regions,
    /// The time.
    pub clock: SharedClock,
    /// Where files wait.
    pub spool: Spool,
    /// Sizes and times.
    pub config: Config,
}

/// How a sink and those around it tell each other what happened.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// Counts the changes of the trail in the catalog.
    pub changes: Arc<AtomicU64>,
    /// Woken when files were spooled or intervals closed.
    pub output: Arc<Notify>,
    /// Cancelled by the sink when the run has ended.
    pub ended: CancellationToken,
}

/// The sink of one run of a trail: from its start to its stop.
pub struct LogFiles {
    pub(super) parts: Parts,
    pub(super) signals: Signals,
    pub(super) run: Run,
    /// The version that applies at `position`, and those after it.
    pub(super) version: Version,
    pub(super) versions: Vec<Version>,
    pub(super) route: TrailRoute,
    /// The first position that was not looked at.
    pub(super) position: Position,
    /// Where the catalog has the cursor, and since when.
    pub(super) persisted: Position,
    pub(super) persisted_at_us: i64,
    /// Nothing but taking events happens before this position.
    pub(super) boundary: Position,
    pub(super) buffers: Buffers,
    /// A cut that is under way.
    pub(super) pending: Option<Pending>,
    /// A cut that a crash interrupted and that is ahead.
    pub(super) replay: Option<Cut>,
    pub(super) chains: Chains,
    changes_seen: u64,
}

impl LogFiles {
    /// The sink of `run`, which must be the current one of its ARN.
    pub async fn open(parts: Parts, run: Run, signals: Signals) -> Result<Self, SinkError> {
        let changes_seen = signals.changes.load(Ordering::Acquire);
        let (version, versions) = Self::versions_of(&parts.catalog, &run).await?;
        let route = route(&run, &version, &parts.regions);
        Ok(Self {
            parts,
            signals,
            run,
            version,
            versions,
            route,
            position: 0,
            persisted: 0,
            persisted_at_us: 0,
            boundary: 0,
            buffers: Buffers::default(),
            pending: None,
            replay: None,
            chains: Chains::new(),
            changes_seen,
        })
    }

    /// The first position that was not looked at.
    pub fn position(&self) -> Position {
        self.position
    }

    pub(super) fn has_ended(&self) -> bool {
        self.signals.ended.is_cancelled()
    }

    /// Finishes what an error interrupted, and takes notice of changes.
    async fn settle(&mut self) -> Result<(), SinkError> {
        if self.pending.is_some() {
            self.finish_cut().await?;
        }
        let changes = self.signals.changes.load(Ordering::Acquire);
        if changes != self.changes_seen {
            self.refresh().await?;
            self.changes_seen = changes;
        }
        Ok(())
    }

    fn take(&mut self, record: &Record) {
        let event = &record.event;
        let owner = self.parts.accounts.owner_of(event.account());
        let covered = record.route.has(Route::TRAILS) && self.route.covers(event, owner);
        let selected = covered && self.route.matcher.matches(event) && !self.version.settings.ignores(event);
        if selected {
            let buffered_at_us = self.parts.clock.now_us();
            let since = Since { position: record.position, accepted_at_us: record.accepted_at_us, buffered_at_us };
            self.buffers.push(event, since, &self.parts.config);
        }
    }

    /// When the buffers are to be cut for their age. One who is behind counts from when it took the event: else it would
    /// cut at every step until it has caught up.
    fn cut_due_us(&self) -> Option<i64> {
        let since = self.buffers.since()?;
        let at_tail = self.position >= self.parts.journal.committed();
        let from_us = if at_tail { since.accepted_at_us } else { since.buffered_at_us };
        Some(from_us.saturating_add(self.parts.config.delivery_us()))
    }

    async fn move_idle_cursor(&mut self, now_us: i64) -> Result<(), SinkError> {
        let idle = self.buffers.since().is_none() && self.replay.is_none() && self.position > self.persisted;
        let far = self.position - self.persisted > IDLE_ENTRIES_MAX;
        if idle && (far || now_us - self.persisted_at_us > IDLE_US_MAX) {
            self.save_cursor(now_us).await?;
        }
        Ok(())
    }

    async fn save_cursor(&mut self, now_us: i64) -> Result<(), SinkError> {
        let mut tx = self.parts.catalog.begin().await?;
        cursors::set(&mut tx, &self.run.cursor(), self.position).await?;
        tx.commit().await?;
        self.persisted = self.position;
        self.persisted_at_us = now_us;
        Ok(())
    }
}

impl Sink for LogFiles {
    fn name(&self) -> String {
        self.run.cursor()
    }

    async fn cursor(&mut self) -> Result<Position, SinkError> {
        self.refresh().await?;
        let cursor = cursors::get(&self.parts.catalog, &self.run.cursor()).await?;
        let cursor = cursor.ok_or_else(|| SinkError::Fatal(format!("{} has no cursor", self.run.cursor())))?;
        let (journal, run) = (self.parts.journal.clone(), self.run.id);
        let find = tokio::task::spawn_blocking(move || replay::find(&journal, run, cursor));
        self.replay = find.await.map_err(|error| SinkError::Retry(error.to_string()))??;
        self.load_chains().await?;
        self.activate_if_new().await?;
        (self.position, self.persisted, self.persisted_at_us) = (cursor, cursor, self.parts.clock.now_us());
        self.set_boundary();
        Ok(cursor)
    }

    async fn write(&mut self, batch: &Arc<Batch>) -> Result<(), SinkError> {
        self.settle().await?;
        for item in &batch.items {
            let position = item.position();
            // What an attempt before this one handled already.
            if position < self.position {
                continue;
            }
            if position >= self.boundary {
                self.cross().await?;
            }
            if self.has_ended() {
                return Ok(());
            }
            if self.buffers.is_full() && self.replay.is_none() {
                self.cut().await?;
            }
            if let Item::Record(record) = item {
                self.take(record);
            }
            self.position = position + 1;
        }
        Ok(())
    }

    async fn tick(&mut self, now_us: i64) -> Result<i64, SinkError> {
        if self.has_ended() {
            return Ok(now_us + TICK_US_MAX);
        }
        self.settle().await?;
        self.cross().await?;
        if self.has_ended() || self.replay.is_some() {
            return Ok(now_us + TICK_US_MAX);
        }
        if self.buffers.is_full() || self.cut_due_us().is_some_and(|due_us| due_us <= now_us) {
            self.cut().await?;
        }
        let closing_us = self.close_due(now_us).await?;
        self.move_idle_cursor(now_us).await?;
        let due_us = self.cut_due_us().unwrap_or(i64::MAX).min(closing_us);
        Ok(due_us.min(now_us + TICK_US_MAX))
    }

    /// What is buffered is not cut: the journal has it.
    async fn finish(&mut self) -> Result<(), SinkError> {
        let idle = self.buffers.since().is_none() && self.pending.is_none() && self.replay.is_none();
        if !self.has_ended() && idle && self.position > self.persisted {
            self.save_cursor(self.parts.clock.now_us()).await?;
        }
        Ok(())
    }
}

pub(super) fn route(run: &Run, version: &Version, regions: &Regions) -> TrailRoute {
    let settings = &version.settings;
    TrailRoute {
        arn: run.arn.clone(),
        account: settings.account,
        home_region: settings.home_region.clone(),
        multi_region: settings.is_multi_region_trail,
        global_events: settings.include_global_service_events,
        logging: true,
        matcher: version.selectors.compile(),
        regions: Arc::clone(regions),
    }
}
