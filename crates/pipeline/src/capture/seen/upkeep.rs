//! The work behind the door: writing full tables as runs, merging runs, letting go of what is older than the window.

use std::time::Duration;

use journal::Position;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Error, Seen};
use crate::clock::SharedClock;

/// How often the window moves without anything else to do.
const WINDOW_CHECK: Duration = Duration::from_mins(1);
/// How long to wait after a failure before the next attempt.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps [`Seen`] within its bounds. One runs beside each recorder.
pub struct Upkeep {
    seen: Seen,
    committed: watch::Receiver<Position>,
    clock: SharedClock,
}

impl Upkeep {
    /// The upkeep of `seen`; `committed` is what the journal has on disk, exclusive.
    pub fn new(seen: Seen, committed: watch::Receiver<Position>, clock: SharedClock) -> Self {
        Self { seen, committed, clock }
    }

    /// Works until `shutdown`, then writes what is in memory, so that the next start has nothing to rebuild.
    ///
    /// Writing and merging run side by side: a long merge must not hold up the tables.
    pub async fn run(self, shutdown: CancellationToken) {
        let writing = self.write_tables(&shutdown);
        let merging = self.tidy(&shutdown);
        tokio::join!(writing, merging);
        self.seen.seal();
        let committed = *self.committed.borrow();
        while let Ok(true) = self.blocking(move |seen| seen.write_table(committed)).await {}
    }

    async fn write_tables(&self, shutdown: &CancellationToken) {
        let mut committed = self.committed.clone();
        loop {
            let upto = *committed.borrow_and_update();
            match self.blocking(move |seen| seen.write_table(upto)).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(()) => tokio::select! {
                    () = tokio::time::sleep(RETRY) => continue,
                    () = shutdown.cancelled() => return,
                },
            }
            if self.seen.sealed_tables() == 0 {
                tokio::select! {
                    () = self.seen.sealed() => {}
                    () = shutdown.cancelled() => return,
                }
            } else {
                tokio::select! {
                    changed = committed.changed() => if changed.is_err() { return },
                    () = shutdown.cancelled() => return,
                }
            }
        }
    }

    async fn tidy(&self, shutdown: &CancellationToken) {
        loop {
            let now_us = self.clock.now_us();
            self.seen.move_window(now_us);
            let pause = match self.blocking(Seen::merge_once).await {
                Ok(true) => continue,
                Ok(false) => WINDOW_CHECK,
                Err(()) => RETRY,
            };
            tokio::select! {
                () = self.seen.written() => {}
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Does blocking work, and says so when it fails.
    async fn blocking(&self, work: impl FnOnce(&Seen) -> Result<bool, Error> + Send + 'static) -> Result<bool, ()> {
        let seen = self.seen.clone();
        let done = tokio::task::spawn_blocking(move || work(&seen)).await;
        done.map_err(|panic| panic.to_string()).and_then(|done| done.map_err(|error| error.to_string())).map_err(|error| {
            metrics::counter!("trailkeep_seen_upkeep_failures_total").increment(1);
            tracing::error!(%error, "the record of events seen could not be kept up; trying again");
        })
    }
}
