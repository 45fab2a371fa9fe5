//! Bringing a store to where it is on its way to: to work, to rest, or to its end.

use catalog::event_data_stores::{self, Store, rules};
use catalog::{Catalog, Error, cursors};
use cloudtrail::event_data_store::Status;
use journal::Position;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{LOOK_INTERVAL, Lake};

/// From where in the journal on the newest rule of a store applies; nothing while that is open.
pub(super) async fn newest(catalog: &Catalog, number: u16) -> Result<Option<Position>, Error> {
    Ok(rules::of_store(catalog, number).await?.last().and_then(|version| version.position))
}

impl Lake {
    /// Brings the store, which is being followed, from state to state as it is changed; halts its follower when it is
    /// deleted and its files have what was acknowledged before. Never returns.
    pub(super) async fn settle(&self, store: &Store, changed: &Notify, halt: &CancellationToken) {
        loop {
            match self.settle_once(store).await {
                Ok(true) => halt.cancel(),
                Ok(false) => {}
                Err(error) => tracing::warn!(store = store.arn, %error, "the status of an event data store cannot be changed"),
            }
            // What nobody told of is noticed by and by.
            drop(tokio::time::timeout(LOOK_INTERVAL, changed.notified()).await);
        }
    }

    /// Tells whether the store has come to its end.
    async fn settle_once(&self, store: &Store) -> Result<bool, Error> {
        let catalog = &self.inner.catalog;
        let Some(now) = event_data_stores::by_number(catalog, store.number).await? else { return Ok(true) };
        // A change is done once it is known from where on it applies.
        let Some(since) = newest(catalog, store.number).await? else { return Ok(false) };
        let to = match now.status {
            Status::Created | Status::StartingIngestion if now.ingests => Status::Enabled,
            Status::Created | Status::StartingIngestion => Status::StoppedIngestion,
            Status::StoppingIngestion if self.inner.tables.wait_visible(&store.id, since).await => Status::StoppedIngestion,
            Status::Enabled | Status::StoppedIngestion | Status::StoppingIngestion => return Ok(false),
            // Its follower ends once files have everything: what is in memory alone is read from the journal again.
            Status::PendingDeletion => return Ok(cursors::get(catalog, &store.cursor()).await? >= Some(since)),
        };
        let mut tx = catalog.begin().await?;
        event_data_stores::pass(&mut tx, store.number, now.status, to).await?;
        tx.commit().await.map(|()| false)
    }
}
