//! Keeping the door in step with the followers near the journal's tail, so that what is acknowledged is soon found.
//!
//! Nothing behind the journal is needed to accept an event: a request is held up for a moment in proportion to what it
//! brings, never refused, and only for followers that get on. Who stands still, tries again after a failure or is far
//! behind (a new follower, or one after a restart) holds up nobody. Without this, senders that are faster than the
//! followers take the processors from them, and what followers could have shared with the door has to be read again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use journal::Position;

/// Entries that a follower may be behind before the door waits for it: a seventh of a second of full ingest.
const BEHIND_MAX: u64 = 8_192;
/// Entries behind from which on a follower is no longer waited for.
const FAR_BEHIND: u64 = 1 << 18;
/// How long each event may be held up: at this pace a single sender still brings 10,000 events a second.
const WAIT_AN_EVENT: Duration = Duration::from_micros(100);
/// How long a group of events may be held up, however many they are.
const WAIT_MAX: Duration = Duration::from_millis(500);
/// How often it is looked whether the followers have caught up. What may wait for less does not wait.
const GLANCE: Duration = Duration::from_millis(2);
/// The place of who is not to be waited for.
const AWAY: Position = Position::MAX;

/// Where the followers stand; clones share it.
#[derive(Clone, Default)]
pub struct Pace {
    runners: Arc<Mutex<Vec<Weak<AtomicU64>>>>,
}

/// The place of one follower; it is forgotten with this.
pub struct Runner(Arc<AtomicU64>);

impl Pace {
    /// One more follower, which is not waited for before it says where it is.
    pub fn join(&self) -> Runner {
        let place = Arc::new(AtomicU64::new(AWAY));
        let mut runners = self.runners();
        runners.retain(|runner| runner.strong_count() > 0);
        runners.push(Arc::downgrade(&place));
        Runner(place)
    }

    /// Holds up `events` until the followers are near the journal's end, which `committed` tells, or for as long as so
    /// many events may be held up.
    pub async fn keep(&self, events: usize, committed: impl Fn() -> Position) {
        let limit = limit(events);
        let mut waited = Duration::ZERO;
        while waited + GLANCE <= limit && self.lags(committed()) {
            tokio::time::sleep(GLANCE).await;
            waited += GLANCE;
        }
    }

    fn lags(&self, committed: Position) -> bool {
        let runners = self.runners();
        let mut places = runners.iter().filter_map(Weak::upgrade).map(|place| place.load(Ordering::Relaxed));
        places.any(|place| (BEHIND_MAX..FAR_BEHIND).contains(&committed.saturating_sub(place)))
    }

    fn runners(&self) -> MutexGuard<'_, Vec<Weak<AtomicU64>>> {
        self.runners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long so many events may be held up.
fn limit(events: usize) -> Duration {
    WAIT_AN_EVENT.saturating_mul(u32::try_from(events).unwrap_or(u32::MAX)).min(WAIT_MAX)
}

impl Runner {
    /// It is at `position`.
    pub fn at(&self, position: Position) {
        self.0.store(position, Ordering::Relaxed);
    }

    /// It does not get on for now.
    pub fn rests(&self) {
        self.at(AWAY);
    }
}

#[cfg(test)]
mod tests;
