//! A store as it is at a moment: which files count, and what is newer than they are.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pipeline::route::table::SharedTable;
use tokio::sync::watch;

use super::file::File;
use super::open::{Shared, StoreInfo};
use super::snapshot::Snapshot;
use super::tail::{Chunk, Part, Rows, Taken};
use super::writer::Plan;

/// The files that count, in no particular order.
pub(super) type Files = Arc<Vec<Arc<File>>>;

/// A store at work.
pub(super) struct Store {
    pub(super) info: StoreInfo,
    pub(super) folder: PathBuf,
    pub(super) shared: Arc<Shared>,
    pub(super) routes: SharedTable,
    /// The first position that is not visible.
    pub(super) visible: watch::Sender<u64>,
    closing: AtomicBool,
    state: Mutex<State>,
}

struct State {
    files: Files,
    /// What becomes files right now.
    flushing: Option<Flushing>,
    open: Part,
}

/// A part that becomes files.
#[derive(Clone)]
pub(super) struct Flushing {
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) chunks: Arc<Vec<Arc<Chunk>>>,
}

/// How full the open part is.
pub(super) struct Fill {
    pub(super) end: u64,
    pub(super) entries: u64,
    pub(super) rows: usize,
    pub(super) bytes: usize,
    pub(super) since_us: Option<i64>,
}

impl Store {
    pub(super) fn new(
        info: StoreInfo,
        folder: PathBuf,
        shared: Arc<Shared>,
        routes: SharedTable,
        files: Vec<Arc<File>>,
        begin: u64,
    ) -> Self {
        let state = State { files: Arc::new(files), flushing: None, open: Part::new(begin) };
        Self {
            info,
            folder,
            shared,
            routes,
            visible: watch::Sender::new(begin),
            closing: AtomicBool::new(false),
            state: Mutex::new(state),
        }
    }

    pub(super) fn files(&self) -> Files {
        Arc::clone(&self.state().files)
    }

    /// What is kept by now, by eventTime: the store's retention, as it is set.
    pub(super) fn cutoff_us(&self) -> i64 {
        let routes = self.routes.load();
        let retention_us =
            routes.store(self.info.number).filter(|route| route.id == self.info.id).map(|route| route.retention_us);
        retention_us.map_or(i64::MIN, |retention_us| self.shared.clock.now_us().saturating_sub(retention_us))
    }

    pub(super) fn snapshot(self: &Arc<Self>) -> Snapshot {
        let mut state = self.state();
        let mut chunks = state.flushing.as_ref().map(|flushing| flushing.chunks.as_ref().clone()).unwrap_or_default();
        chunks.extend(state.open.look(self.info.family));
        let (files, end) = (Arc::clone(&state.files), state.open.end);
        drop(state);
        Snapshot { store: Arc::clone(self), files, chunks, end, cutoff_us: self.cutoff_us() }
    }

    pub(super) fn fill(&self) -> Fill {
        let state = self.state();
        let open = &state.open;
        Fill { end: open.end, entries: open.end - open.first, rows: open.rows(), bytes: open.bytes(), since_us: open.since_us }
    }

    /// Everything in memory, for comparing.
    pub(super) fn in_memory(&self) -> (Vec<Arc<Chunk>>, Vec<Taken>) {
        let state = self.state();
        let mut chunks = state.flushing.as_ref().map(|flushing| flushing.chunks.as_ref().clone()).unwrap_or_default();
        chunks.extend(state.open.chunks.iter().cloned());
        (chunks, state.open.waiting().to_vec())
    }

    /// Takes what there is of the journal to before `end`.
    pub(super) fn append(&self, rows: Rows, end: u64) {
        let now_us = self.shared.clock.now_us();
        self.state().open.append(self.info.family, rows, end, now_us);
        self.visible.send_replace(end);
    }

    pub(super) fn flushing(&self) -> Option<Flushing> {
        self.state().flushing.clone()
    }

    /// What is open becomes what is flushed; nothing may be flushing.
    pub(super) fn rotate(&self) {
        let mut state = self.state();
        debug_assert!(state.flushing.is_none());
        state.open.close_chunk(self.info.family);
        let end = state.open.end;
        let part = std::mem::replace(&mut state.open, Part::new(end));
        state.flushing = Some(Flushing { first: part.first, end: part.end, chunks: Arc::new(part.chunks) });
    }

    /// What was flushed is in `files`.
    pub(super) fn flushed(&self, files: Vec<Arc<File>>) {
        let mut state = self.state();
        state.flushing = None;
        state.files = Arc::new(state.files.iter().cloned().chain(files).collect());
    }

    /// `gone` count no longer, `new` does.
    pub(super) fn replaced(&self, gone: &[Arc<File>], new: Option<Arc<File>>) {
        let mut state = self.state();
        let stays = |file: &&Arc<File>| !gone.iter().any(|other| other.id() == file.id());
        state.files = Arc::new(state.files.iter().filter(stays).cloned().chain(new).collect());
        drop(state);
        for file in gone {
            self.shared.footers.forget(file.id());
            file.set_dropped();
        }
    }

    pub(super) fn plan(&self, merged: bool) -> Plan {
        Plan {
            store: self.info.id.clone(),
            family: self.info.family,
            folder: self.folder.clone(),
            row_group_rows_max: self.shared.config.row_group_rows_max,
            merged,
            now_us: self.shared.clock.now_us(),
        }
    }

    /// What is under way ends as soon as it can.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
