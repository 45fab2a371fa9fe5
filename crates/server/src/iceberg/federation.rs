//! Federation at work: tables of federated stores are published and kept up to date, those of others taken back.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use catalog::event_data_stores;
use catalog::federation::{self, Federation, Status};
use catalog::{Catalog, Error as CatalogError};
use lake::iceberg::{DataFile, Publisher, Table, Watched};
use lake::tables::{File, Tables};
use pipeline::clock::SharedClock;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How often what is published is compared with what the stores have, at least. Own choice: an engine sees rows at most
/// this long after they are in a file, which they are within a minute.
const INTERVAL_MAX: Duration = Duration::from_secs(10);

/// Says what a store has; None while it is not at work.
pub type Watch = Arc<dyn Fn(&str) -> Option<Watched> + Send + Sync>;

/// What the stores at work have.
pub fn watch(tables: Tables) -> Watch {
    Arc::new(move |store| {
        tables.files(store).map(|files| Watched { files: files.iter().map(|f| described(f)).collect(), hold: files })
    })
}

fn described(file: &File) -> DataFile {
    DataFile { path: file.name().to_owned(), day: file.day(), rows: file.rows(), bytes: file.bytes(), merged: file.merged() }
}

/// What the publishing needs.
pub struct Parts {
    /// Says which stores are federated.
    pub catalog: Catalog,
    /// Where the stores' files are.
    pub root: PathBuf,
    /// The time.
    pub clock: SharedClock,
    /// What the stores have.
    pub watch: Watch,
    /// How often stores write files.
    pub flush_interval: Duration,
}

/// A handle on the publishing; clones share it.
#[derive(Clone, Default)]
pub struct Federations {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    changed: Notify,
    /// The stores whose published table is known to be whole.
    fresh: RwLock<BTreeSet<String>>,
}

/// The task that publishes.
pub struct Publishing {
    parts: Parts,
    handle: Federations,
    publisher: Publisher,
}

/// Why a federation could not be carried on.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Iceberg(#[from] lake::iceberg::Error),
}

impl Federations {
    /// A handle, and the task that does the work; nothing is published before it runs.
    pub fn new(parts: Parts) -> (Self, Publishing) {
        let handle = Self::default();
        let publisher = Publisher::new(parts.catalog.clone(), parts.root.clone());
        (handle.clone(), Publishing { parts, handle, publisher })
    }

    /// To be called when a federation was asked for, or asked to end.
    pub fn changed(&self) {
        self.shared.changed.notify_one();
    }

    /// Whether a store's published table is whole: after a start it may name files that were merged before the stop.
    pub fn is_fresh(&self, store: &str) -> bool {
        self.shared.fresh.read().expect("nothing panics while it holds the lock").contains(store)
    }

    fn set_fresh(&self, store: &str, fresh: bool) {
        let mut stores = self.shared.fresh.write().expect("nothing panics while it holds the lock");
        if fresh {
            stores.insert(store.to_owned());
        } else {
            stores.remove(store);
        }
    }
}

impl Publishing {
    /// Publishes until it is told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let interval = self.parts.flush_interval.min(INTERVAL_MAX);
        loop {
            self.round().await;
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                () = self.handle.shared.changed.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn round(&mut self) {
        let all = match federation::all(&self.parts.catalog).await {
            Ok(all) => all,
            Err(error) => {
                tracing::error!(%error, "cannot read which event data stores are federated");
                return;
            }
        };
        self.publisher.keep_only(&all.iter().map(|federation| federation.store.clone()).collect());
        for federation in all {
            if let Err(error) = self.carry_on(&federation).await {
                tracing::error!(%error, store = federation.store, "cannot carry on a federation; it is tried again");
                metrics::counter!("trailkeep_federation_failures_total").increment(1);
            }
        }
    }

    async fn carry_on(&mut self, federation: &Federation) -> Result<(), Error> {
        match federation.status {
            Status::Enabling | Status::Enabled => self.publish(federation).await,
            Status::Disabling => self.withdraw(federation).await,
        }
    }

    async fn publish(&mut self, federation: &Federation) -> Result<(), Error> {
        let store = &federation.store;
        let Some(watched) = (self.parts.watch)(store) else { return Ok(()) };
        let Some(known) = event_data_stores::get(&self.parts.catalog, store).await? else { return Ok(()) };
        let table = Table { account: federation.account.clone(), store: store.clone(), family: known.settings.family() };
        if self.publisher.publish(&table, watched, self.parts.clock.now_us()).await? {
            metrics::counter!("trailkeep_federation_publications_total").increment(1);
        }
        self.handle.set_fresh(store, true);
        if federation.status == Status::Enabling {
            let mut tx = self.parts.catalog.begin().await?;
            federation::step(&mut tx, store, Status::Enabling, Status::Enabled).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn withdraw(&mut self, federation: &Federation) -> Result<(), Error> {
        self.handle.set_fresh(&federation.store, false);
        self.publisher.withdraw(&federation.account, &federation.store, self.parts.clock.now_us()).await?;
        let mut tx = self.parts.catalog.begin().await?;
        federation::remove(&mut tx, &federation.store).await?;
        tx.commit().await?;
        Ok(())
    }
}
