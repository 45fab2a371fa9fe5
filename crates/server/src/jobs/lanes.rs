//! Working in all lanes of a trail at once.

use std::collections::HashSet;
use std::time::Duration;

use catalog::{digests, files, trails};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use super::{Error, Step, TrailJobs};

/// The pause after a first failure; it doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// Things that go one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Log files of one account and Region, to one bucket.
    Files(files::Lane),
    /// The digests of one chain.
    Digests {
        /// Its number.
        chain: i64,
    },
}

impl TrailJobs {
    /// The lanes in which something waits.
    pub async fn lanes(&self) -> Result<Vec<Lane>, Error> {
        let files = files::lanes(&self.parts.catalog, self.trail).await?;
        let chains = digests::waiting_chains(&self.parts.catalog, self.trail).await?;
        let digests = chains.into_iter().map(|chain| Lane::Digests { chain });
        Ok(files.into_iter().map(Lane::Files).chain(digests).collect())
    }

    /// Works until `shutdown`, or until the trail is deleted and everything is delivered.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut busy = HashSet::new();
        let mut working = FuturesUnordered::new();
        loop {
            for lane in self.list().await {
                if busy.insert(lane.clone()) {
                    working.push(self.work(lane));
                }
            }
            self.measure().await;
            if working.is_empty() && matches!(trails::by_id(&self.parts.catalog, self.trail).await, Ok(None)) {
                return;
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.wake.work.notified() => {}
                Some(lane) = working.next(), if !working.is_empty() => { busy.remove(&lane); }
            }
        }
    }

    /// The lanes; when they cannot be seen, none, and another look after a while.
    async fn list(&self) -> Vec<Lane> {
        match self.lanes().await {
            Ok(lanes) => lanes,
            Err(error) => {
                tracing::warn!(trail = self.arn, %error, "cannot see what is to be delivered");
                tokio::time::sleep(PAUSE_MIN).await;
                self.wake.work.notify_one();
                Vec::new()
            }
        }
    }

    /// Works in a lane until there is nothing to be done in it.
    async fn work(&self, lane: Lane) -> Lane {
        let mut failures = 0;
        loop {
            match self.step(&lane).await {
                Ok(Step::Idle) => return lane,
                Ok(Step::Done) => failures = 0,
                Err(error) => {
                    let pause = pause(failures, (self.parts.random)());
                    tracing::warn!(trail = self.arn, %error, "tries again in {pause:?}");
                    failures += 1;
                    self.measure().await;
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.wake.again.notified() => {}
                    }
                }
            }
        }
    }

    async fn measure(&self) {
        let now_s = self.parts.clock.now_s();
        if let Ok(backlog) = files::backlog(&self.parts.catalog, self.trail).await {
            let lag_s = backlog.oldest_cut_s.map_or(0, |cut_s| (now_s - cut_s).max(0));
            metrics::gauge!("trailkeep_delivery_spool_files", "trail" => self.arn.clone()).set(backlog.files as f64);
            metrics::gauge!("trailkeep_delivery_spool_bytes", "trail" => self.arn.clone()).set(backlog.bytes as f64);
            metrics::gauge!("trailkeep_delivery_lag_seconds", "trail" => self.arn.clone()).set(lag_s as f64);
        }
        if let Ok(waiting) = digests::waiting(&self.parts.catalog, self.trail).await {
            metrics::gauge!("trailkeep_digest_waiting", "trail" => self.arn.clone()).set(waiting as f64);
        }
    }
}

/// How long to wait after so many failures in a row: between half of the full pause and all of it, so that many lanes
/// do not knock at the same time.
fn pause(failures: u32, random: u64) -> Duration {
    let full = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(failures)).min(PAUSE_MAX);
    let half = full / 2;
    half + half.mul_f64((random % 1024) as f64 / 1024.0)
}

#[cfg(test)]
mod tests;
