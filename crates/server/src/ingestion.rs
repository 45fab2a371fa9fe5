//! How putting events into channels fares, written behind: every PutAuditEvents tells, and no event waits for the catalog.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use catalog::channels::{self, Ingestion};
use catalog::{Catalog, Error};
use tokio_util::sync::CancellationToken;

/// How often what was told is written. A crash loses the status of about so long; the events are in the journal.
const INTERVAL: Duration = Duration::from_secs(1);

/// The latest of every channel. There is one entry a channel at most, so the quota of channels bounds it.
pub struct IngestionStatus {
    catalog: Catalog,
    told: Mutex<HashMap<String, Ingestion>>,
}

impl IngestionStatus {
    /// Over what the catalog knows.
    pub fn new(catalog: Catalog) -> Self {
        Self { catalog, told: Mutex::default() }
    }

    /// Notes how it went just now with the channel of that ARN.
    pub fn note(&self, arn: &str, later: Ingestion) {
        let mut told = self.told();
        let before = told.remove(arn).unwrap_or_default();
        told.insert(arn.to_owned(), before.then(later));
    }

    /// How it goes with the channel of that ARN; nothing before the first attempt.
    pub async fn of(&self, arn: &str) -> Result<Option<Ingestion>, Error> {
        let told = self.told().get(arn).cloned();
        let written = channels::ingestion(&self.catalog, arn).await?;
        Ok(match (written, told) {
            (Some(written), Some(told)) => Some(written.then(told)),
            (written, told) => told.or(written),
        })
    }

    /// Writes until `shutdown`, and once more then.
    pub async fn run(&self, shutdown: CancellationToken) {
        loop {
            let stopping = shutdown.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none();
            if let Err(error) = self.write().await {
                tracing::warn!(%error, "the status of channels was not written");
            }
            if stopping {
                return;
            }
        }
    }

    async fn write(&self) -> Result<(), Error> {
        let told = self.told().clone();
        if told.is_empty() {
            return Ok(());
        }
        let mut tx = self.catalog.begin().await?;
        for (arn, ingestion) in &told {
            channels::note_ingestion(&mut tx, arn, ingestion).await?;
        }
        tx.commit().await?;
        // What was told meanwhile stays for the next time.
        self.told().retain(|arn, ingestion| told.get(arn) != Some(ingestion));
        Ok(())
    }

    fn told(&self) -> MutexGuard<'_, HashMap<String, Ingestion>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
