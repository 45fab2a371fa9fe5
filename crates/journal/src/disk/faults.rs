//! Switches that make the disk fail, for tests.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard};

#[derive(Debug, Default)]
pub(crate) struct Faults {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Every fsync fails.
    pub(crate) sync_fails: bool,
    /// Cutting a file fails.
    pub(crate) truncate_fails: bool,
    /// Bytes that may be written before the disk is full.
    pub(crate) room: Option<usize>,
    /// What statvfs says.
    pub(crate) free_bytes: Option<u64>,
    /// An fsync does not return while this is set.
    pub(crate) sync_waits: bool,
    /// Fsyncs that wait now.
    pub(crate) waiting: usize,
    /// Fsyncs so far.
    pub(crate) syncs: usize,
}

impl Faults {
    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    pub(crate) fn syncs(&self) -> usize {
        self.lock().syncs
    }

    /// Returns once an fsync waits.
    pub(crate) fn until_sync_waits(&self) {
        let state = self.lock();
        drop(self.changed.wait_while(state, |state| state.waiting == 0).unwrap());
    }

    pub(super) fn room_for(&self, bytes: usize) -> usize {
        let mut state = self.lock();
        let granted = state.room.map_or(bytes, |room| room.min(bytes));
        state.room = state.room.map(|room| room - granted);
        granted
    }

    pub(super) fn before_sync(&self) -> io::Result<()> {
        let mut state = self.lock();
        state.syncs += 1;
        state.waiting += 1;
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |state| state.sync_waits).unwrap();
        state.waiting -= 1;
        if state.sync_fails { Err(io::Error::other("injected fsync failure")) } else { Ok(()) }
    }

    pub(super) fn before_truncate(&self) -> io::Result<()> {
        if self.lock().truncate_fails { Err(io::Error::other("injected truncate failure")) } else { Ok(()) }
    }

    pub(super) fn free_bytes(&self) -> Option<u64> {
        self.lock().free_bytes
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
