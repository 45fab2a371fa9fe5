//! What runs beside a ledger: it moves the checkpoint, settles what could not be settled at the start, and of a journal of
//! its own ships the records and trims it.

use std::time::Duration;

use catalog::cursors;
use cloudtrail::event::Event;
use journal::Position;
use pipeline::route::trim::Trim;
use smol_str::SmolStr;
use tokio_util::sync::CancellationToken;

use super::shipping::Shipping;
use super::{INTENTS, Ledger};

/// How often the checkpoint is moved: as often as the journal is trimmed.
const INTERVAL: Duration = pipeline::route::trim::INTERVAL;
/// Who sends the records of calls that were in the middle of something when the program ended.
const SENDER: SmolStr = SmolStr::new_static("proxy recovery");

/// The task.
pub struct Upkeep {
    ledger: Ledger,
    unresolved: Vec<Unresolved>,
    checkpoint: Option<Position>,
    away: Option<(Shipping, Trim)>,
}

/// A call of whose outcome nothing is known, and which is not recorded yet.
pub(super) struct Unresolved {
    pub(super) event: Event,
    /// Keeps the journal for it.
    pub(super) number: u64,
}

impl Upkeep {
    pub(super) fn new(ledger: Ledger, unresolved: Vec<Unresolved>, away: Option<(Shipping, Trim)>) -> Self {
        Self { ledger, unresolved, checkpoint: None, away }
    }

    /// Works until `shutdown`, and moves the checkpoint a last time. What is still to be shipped then is tried once.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let Some((shipping, trim)) = self.away.take() else { return self.tend(shutdown).await };
        tokio::join!(self.tend(shutdown.clone()), shipping.run(shutdown.clone()), trim.run(shutdown));
    }

    async fn tend(mut self, shutdown: CancellationToken) {
        loop {
            self.recover().await;
            self.move_checkpoint().await;
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
        self.move_checkpoint().await;
    }

    /// Whether nothing is left of the last run.
    pub(super) fn is_settled(&self) -> bool {
        self.unresolved.is_empty()
    }

    /// Records calls of unknown outcome. Those that cannot be recorded stay, and so does the journal behind them.
    pub(super) async fn recover(&mut self) {
        for unresolved in std::mem::take(&mut self.unresolved) {
            let event_id = unresolved.event.event_id().into_owned();
            match self.ledger.record(None, unresolved.event.clone(), &SENDER).await {
                Ok(_) => {
                    metrics::counter!("trailkeep_proxy_unknown_outcomes_total").increment(1);
                    tracing::warn!(event_id, "a call was under way when the proxy ended; its outcome is recorded as unknown");
                    self.ledger.inner.intents.release(unresolved.number);
                }
                Err(error) => {
                    tracing::error!(%error, event_id, "a call of unknown outcome could not be recorded");
                    self.unresolved.push(unresolved);
                }
            }
        }
    }

    async fn move_checkpoint(&mut self) {
        let inner = &self.ledger.inner;
        let checkpoint = inner.intents.checkpoint(&inner.journal);
        if self.checkpoint == Some(checkpoint) {
            return;
        }
        let moved = async {
            let mut tx = inner.catalog.begin().await?;
            cursors::set(&mut tx, INTENTS, checkpoint).await?;
            tx.commit().await
        };
        match moved.await {
            Ok(()) => self.checkpoint = Some(checkpoint),
            Err(error) => tracing::warn!(%error, "the checkpoint of proxies was not moved"),
        }
    }
}
