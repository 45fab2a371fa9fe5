//! How a follower fares: for health, metrics and people.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::Position;
use metrics::Gauge;

/// Stands for "not behind".
const NOT_BEHIND: i64 = i64::MAX;

/// What stands in a follower's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub reason: String,
    /// Whether the follower has stopped; else it tries again by itself.
    pub halted: bool,
    /// Since when, in microseconds since 1970.
    pub since_us: i64,
}

/// A handle on a follower's state; clones share it.
#[derive(Clone)]
pub struct Status {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    position: AtomicU64,
    committed: AtomicU64,
    behind_since_us: AtomicI64,
    problem: Mutex<Option<Problem>>,
    gauges: Gauges,
}

struct Gauges {
    position: Gauge,
    lag_entries: Gauge,
    lag_seconds: Gauge,
    halted: Gauge,
}

impl Status {
    pub(super) fn new(name: String) -> Self {
        let gauge = |metric: &'static str| metrics::gauge!(metric, "follower" => name.clone());
        let gauges = Gauges {
            position: gauge("trailkeep_follower_position"),
            lag_entries: gauge("trailkeep_follower_lag_entries"),
            lag_seconds: gauge("trailkeep_follower_lag_seconds"),
            halted: gauge("trailkeep_follower_halted"),
        };
        gauges.halted.set(0.0);
        let behind_since_us = AtomicI64::new(NOT_BEHIND);
        let (position, committed) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { inner: Arc::new(Inner { name, position, committed, behind_since_us, problem: Mutex::default(), gauges }) }
    }

    /// The sink's name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The first position that was not handed to the sink.
    pub fn position(&self) -> Position {
        self.inner.position.load(Ordering::Relaxed)
    }

    /// How many entries stood between the position and the journal's end at the last look.
    pub fn lag_entries(&self) -> u64 {
        self.inner.committed.load(Ordering::Relaxed).saturating_sub(self.position())
    }

    /// How long the oldest entry that is not handled has waited.
    pub fn lag_us(&self, now_us: i64) -> i64 {
        match self.inner.behind_since_us.load(Ordering::Relaxed) {
            NOT_BEHIND => 0,
            since_us => (now_us - since_us).max(0),
        }
    }

    /// What stands in its way.
    pub fn problem(&self) -> Option<Problem> {
        self.problem_slot().clone()
    }

    pub(super) fn at(&self, position: Position, committed: Position) {
        self.inner.position.store(position, Ordering::Relaxed);
        self.inner.committed.store(committed, Ordering::Relaxed);
        self.inner.gauges.position.set(position as f64);
        self.inner.gauges.lag_entries.set(committed.saturating_sub(position) as f64);
    }

    pub(super) fn behind_since(&self, accepted_at_us: Option<i64>) {
        self.inner.behind_since_us.store(accepted_at_us.unwrap_or(NOT_BEHIND), Ordering::Relaxed);
    }

    pub(super) fn measure(&self, now_us: i64) {
        self.inner.gauges.lag_seconds.set(self.lag_us(now_us) as f64 / 1e6);
    }

    pub(super) fn retrying(&self, reason: String, now_us: i64) {
        self.measure(now_us);
        let mut slot = self.problem_slot();
        let since_us = slot.as_ref().map_or(now_us, |problem| problem.since_us);
        *slot = Some(Problem { reason, halted: false, since_us });
    }

    pub(super) fn recovered(&self) {
        self.problem_slot().take();
    }

    pub(super) fn halted(&self, reason: String, now_us: i64) {
        self.inner.gauges.halted.set(1.0);
        *self.problem_slot() = Some(Problem { reason, halted: true, since_us: now_us });
    }

    fn problem_slot(&self) -> MutexGuard<'_, Option<Problem>> {
        self.inner.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
