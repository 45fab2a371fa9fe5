//! Letting the journal forget what everyone has handled.

use std::sync::Arc;
use std::time::Duration;

use catalog::{Catalog, cursors};
use journal::{Journal, Position};
use tokio_util::sync::CancellationToken;

/// How often the journal is trimmed. Own choice: segments are 64 MiB, so at full ingest a few of them per round.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// Tells what else the journal is kept for: the first position that duplicate detection has not saved.
pub type Checkpoint = Arc<dyn Fn() -> Position + Send + Sync>;

/// Why a round did not happen.
#[derive(Debug, thiserror::Error)]
pub enum TrimError {
    /// The cursors cannot be read.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// The journal cannot be trimmed.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The program is winding up.
    #[error("the runtime is shutting down")]
    Stopping,
}

/// The task that trims the journal.
pub struct Trim {
    journal: Journal,
    catalog: Catalog,
    seen: Checkpoint,
    interval: Duration,
}

impl Trim {
    /// A task that trims `journal` below every cursor of `catalog` and below `seen`, once per `interval`.
    pub fn new(journal: Journal, catalog: Catalog, seen: Checkpoint, interval: Duration) -> Self {
        Self { journal, catalog, seen, interval }
    }

    /// Trims until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(self.interval) => {}
            }
            if let Err(error) = self.trim().await {
                tracing::warn!(%error, "journal was not trimmed");
            }
        }
    }

    /// One round; tells the position below which nothing is needed. Without any cursor nothing is trimmed: nobody can
    /// say yet what is needed.
    pub async fn trim(&self) -> Result<Option<Position>, TrimError> {
        let seen = (self.seen)();
        let Some(cursor) = cursors::min(&self.catalog).await? else { return Ok(None) };
        let below = cursor.min(seen);
        let journal = self.journal.clone();
        tokio::task::spawn_blocking(move || journal.trim(below)).await.map_err(|_| TrimError::Stopping)??;
        Ok(Some(below))
    }
}
