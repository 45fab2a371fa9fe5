//! Few runs, and only young ones: what is done to runs once they are written.

use std::sync::Arc;

use super::{Error, Seen, Shelf, lock, merge, remove, run};

impl Seen {
    /// Merges neighbouring runs if enough have one size; says whether it did.
    pub fn merge_once(&self) -> Result<bool, Error> {
        let _merging = lock(&self.inner.merging);
        let runs = self.inner.shelf.load().runs.clone();
        let sizes: Vec<_> = runs.iter().map(merge::Size::from).collect();
        let Some(chosen) = merge::choose(&sizes, &self.inner.options) else {
            return Ok(false);
        };
        let inputs = &runs[chosen];
        let (merged, lost) = merge::merge(&self.inner.dir, inputs).map_err(|fault| Error::new(&self.inner.dir, &fault))?;
        for reason in lost {
            self.complain(&reason);
        }
        let merged = Arc::new(merged);
        self.inner.shelf.rcu(|shelf| {
            let mut shelf = Shelf::clone(shelf);
            let at = shelf.runs.iter().position(|run| Arc::ptr_eq(run, &inputs[0])).unwrap_or(0);
            shelf.runs.splice(at..at + inputs.len(), [Arc::clone(&merged)]);
            shelf
        });
        for run in inputs {
            remove(&run.path);
        }
        self.report();
        Ok(true)
    }

    /// Lets the oldest runs go while they are older than the window or all of them are larger than it.
    pub fn move_window(&self, now_us: i64) {
        let _merging = lock(&self.inner.merging);
        loop {
            let runs = self.inner.shelf.load().runs.clone();
            let bytes: u64 = runs.iter().map(|run| run.bytes).sum();
            let Some(oldest) = runs.first() else { return };
            let old = oldest.arrival.newest_us < now_us.saturating_sub(self.inner.options.window_us);
            if !old && bytes <= self.inner.options.window_bytes {
                return;
            }
            self.inner.shelf.rcu(|shelf| {
                let mut shelf = Shelf::clone(shelf);
                shelf.runs.retain(|run| !Arc::ptr_eq(run, oldest));
                shelf
            });
            remove(&oldest.path);
            // In order, lest a crash brings an older run back without the one after it, which would look like damage.
            if let Err(error) = run::sync_dir(&self.inner.dir) {
                tracing::warn!(%error, "the removal of old runs may not last");
            }
            metrics::counter!("trailkeep_seen_evicted_runs_total").increment(1);
            metrics::counter!("trailkeep_seen_evicted_entries_total").increment(oldest.entries);
            tracing::info!(entries = oldest.entries, old, "the oldest events are no longer recognised as duplicates");
            self.report();
        }
    }
}
