//! Event history as the rest of the program sees it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use journal::Position;
use tokio::sync::watch;

use super::cache::Cache;
use super::config::Config;
use super::dictionary::Dictionaries;
use super::error::{Damage, Error};
use super::lookup;
use super::query::{Page, Query};
use super::view::{Member, Views};
use crate::clock::SharedClock;

/// How long a lookup waits for events that it must cover, at most: a restart reads 64 MB of journal again.
const CATCH_UP_MAX: Duration = Duration::from_secs(10);

/// A handle on event history; clones share it.
#[derive(Clone)]
pub struct EventHistory {
    pub(super) shared: Arc<Shared>,
}

/// What lookups and the sink share.
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) config: Config,
    pub(super) clock: SharedClock,
    pub(super) views: Views,
    pub(super) cache: Cache,
    pub(super) dictionaries: Dictionaries,
    /// The end of what lookups see of the journal.
    pub(super) visible: watch::Sender<Position>,
    /// Where the journal ended at the start: all before it was acknowledged, so no answer is given without it.
    pub(super) ready_at: Position,
    pub(super) next_id: AtomicU64,
    pub(super) closing: AtomicBool,
}

/// How event history fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The end of what lookups see of the journal.
    pub visible: Position,
    /// Whether all is visible that was acknowledged before the start.
    pub ready: bool,
    /// Segment files.
    pub segments: usize,
    /// Records, those in memory included.
    pub records: u64,
    /// Bytes of segment files.
    pub bytes: u64,
    /// Bytes of records in memory.
    pub memory_bytes: usize,
    /// What is damaged, as far as is known. Lookups that depend on it fail.
    pub damaged: Vec<Damage>,
}

impl EventHistory {
    /// Answers `query`.
    ///
    /// Waits for events that it must cover: what was acknowledged before the start, and for a further page everything
    /// below its `upper`.
    pub async fn lookup(&self, query: Query) -> Result<Page, Error> {
        let wanted = if query.after.is_some() { query.upper } else { 0 };
        self.wait_visible(wanted.max(self.shared.ready_at)).await?;
        let query = Query { limit: query.limit.max(1), ..query };
        let shared = Arc::clone(&self.shared);
        let answer = move || {
            let now_us = shared.clock.now_us();
            let page = lookup::lookup(&shared.views.load(), &query, &shared.cache, &shared.config, now_us);
            page.map_err(|error| shared.views.noted(error))
        };
        tokio::task::spawn_blocking(answer).await.map_err(|_| Error::Closing)?
    }

    /// The end of what lookups see of the journal.
    pub fn visible(&self) -> Position {
        *self.shared.visible.borrow()
    }

    /// Waits until lookups see the journal up to `wanted`; not for long.
    pub async fn wait_visible(&self, wanted: Position) -> Result<(), Error> {
        let mut visible = self.shared.visible.subscribe();
        let reached = visible.wait_for(|visible| *visible >= wanted);
        match tokio::time::timeout(CATCH_UP_MAX, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Error::Closing),
            Err(_) => Err(Error::CatchingUp { visible: self.visible(), wanted }),
        }
    }

    /// How it fares.
    pub fn status(&self) -> Status {
        let view = self.shared.views.load();
        let memory = || view.sealing.iter().chain([&view.open]).map(|open| open.contents());
        Status {
            visible: self.visible(),
            ready: self.visible() >= self.shared.ready_at,
            segments: view.sealed.len(),
            records: view.sealed.iter().map(Member::records).sum::<u64>()
                + memory().map(|contents| contents.records.len() as u64).sum::<u64>(),
            bytes: view.sealed.iter().map(Member::bytes).sum(),
            memory_bytes: memory().map(|contents| contents.record_bytes).sum::<usize>() + self.shared.cache.bytes(),
            damaged: self.shared.views.damaged().into_iter().map(|(_, damage)| damage).collect(),
        }
    }
}

impl Shared {
    /// A number for a new segment, and its file.
    pub(super) fn new_file(&self) -> (u64, PathBuf) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        (id, self.dir.join(file_name(id)))
    }
}

/// The name of a segment's file.
pub(super) fn file_name(id: u64) -> String {
    format!("{id:010}.{FILE_EXTENSION}")
}

/// How the names of segment files end.
pub(super) const FILE_EXTENSION: &str = "seg";
