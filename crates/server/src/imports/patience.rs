//! How often, and after which pauses, a source is asked again that did not answer.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The first pause; each is twice as long as the one before.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How often something is tried: for about a minute and a half. A source that fails half of all calls lets one file in
/// sixteen million down.
const TRIES_MAX: u32 = 24;

/// One thing that is tried again and again.
#[derive(Debug)]
pub(super) struct Patience {
    tried: u32,
    tries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self::of(TRIES_MAX)
    }
}

impl Patience {
    /// Patience for so many tries.
    pub(super) fn of(tries: u32) -> Self {
        Self { tried: 0, tries }
    }

    /// Waits before the next try; false if there is to be none.
    pub(super) async fn wait(&mut self, stop: &CancellationToken) -> bool {
        self.tried += 1;
        if self.tried >= self.tries {
            return false;
        }
        let doubled = PAUSE_MIN.saturating_mul(1 << self.tried.saturating_sub(1).min(16));
        stop.run_until_cancelled(tokio::time::sleep(doubled.min(PAUSE_MAX))).await.is_some()
    }
}
