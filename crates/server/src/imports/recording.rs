//! Recording: the events of a group, through the recorder, for one store alone.

use std::sync::Arc;
use std::time::Duration;

use catalog::imports::Request;
use journal::Position;
use pipeline::capture::origin::{Origin, Route};
use pipeline::capture::parcel::Parcel;
use pipeline::capture::recorder::{Outcome, RecordError, Sender};
use pipeline::route::store::StoreRoute;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::reading::Read;

/// Journal entries that an import may be ahead of its store: about a gigabyte, and some seconds of a store's work.
const AHEAD_MAX: Position = 500_000;
/// The pause before something of ours is tried again: the journal, the catalog.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Where the events of an import go.
pub(super) struct Recording {
    pub(super) shared: Arc<Shared>,
    pub(super) store: Arc<StoreRoute>,
    pub(super) request: Request,
    pub(super) stop: CancellationToken,
}

/// Files whose events are on disk, and what became of them; nothing is known of them if the import was stopped before.
pub(super) type Recorded = (Vec<Read>, Option<Vec<Outcome>>);

impl Recording {
    /// Records the events of `files`, for as long as it takes.
    pub(super) async fn record(self: Arc<Self>, files: Vec<Read>, parcels: Vec<Parcel>) -> Recorded {
        if parcels.is_empty() {
            return (files, Some(Vec::new()));
        }
        // A store that cannot follow slows its imports down; else the journal would fill the disk.
        self.visible(self.shared.recorder.committed().saturating_sub(AHEAD_MAX)).await;
        loop {
            // What was recorded in part is recorded again: the store keeps it once.
            match self.try_record(parcels.clone()).await {
                Ok(outcomes) => return (files, Some(outcomes)),
                Err(RecordError::Busy { .. }) => {}
                Err(error) => tracing::warn!(import = self.request.id, %error, "an import waits for the journal"),
            }
            if self.stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return (files, None);
            }
        }
    }

    async fn try_record(&self, parcels: Vec<Parcel>) -> Result<Vec<Outcome>, RecordError> {
        let Request { account, principal, .. } = &self.request;
        let sender = Sender { account: *account, adopt: false, any_account: true, principal: principal.as_str().into() };
        let route = Some(Route::store(self.store.number));
        self.shared.recorder.enqueue(parcels, Origin::Import, route, &sender).await?.durable().await
    }

    /// Waits until everything before `end` in the journal can be queried in the store, or the import is stopped.
    pub(super) async fn visible(&self, end: Position) {
        while let Some(false) = self.stop.run_until_cancelled((self.shared.visible)(self.store.id.clone(), end)).await {
            if self.stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return;
            }
        }
    }
}
