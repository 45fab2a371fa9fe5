//! The tables of all stores.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use catalog::{Catalog, cursors, event_data_stores, lake_files};
use cloudtrail::account::AccountId;
use cloudtrail::event_data_store::Family;
use pipeline::accounts::Accounts;
use pipeline::clock::SharedClock;
use pipeline::route::table::SharedTable;

use super::config::Config;
use super::error::Error;
use super::file::File;
use super::footers::Footers;
use super::leftovers;
use super::sink::{StoreSink, cursor_name};
use super::snapshot::Snapshot;
use super::store::Store;

/// What tables are made of.
#[derive(Clone)]
pub struct Parts {
    /// Where files are: `DIR/lake`.
    pub dir: PathBuf,
    /// Which files count.
    pub catalog: Catalog,
    /// Whose events are whose.
    pub accounts: Accounts,
    /// The time.
    pub clock: SharedClock,
    /// Sizes and times.
    pub config: Config,
}

/// A store, as far as its table goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    /// Its UUID.
    pub id: String,
    /// How routes name it.
    pub number: u16,
    /// Who owns it.
    pub account: AccountId,
    /// What its events are.
    pub family: Family,
}

impl StoreInfo {
    /// Where its files are in the folder of the lake.
    pub fn folder(&self, dir: &Path) -> PathBuf {
        dir.join(self.account.as_str()).join(&self.id)
    }
}

/// The tables of all stores; clones are the same.
#[derive(Clone)]
pub struct Tables {
    shared: Arc<Shared>,
}

/// What all stores have in common.
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) catalog: Catalog,
    pub(super) accounts: Accounts,
    pub(super) clock: SharedClock,
    pub(super) config: Config,
    pub(super) footers: Footers,
    stores: Mutex<HashMap<String, Arc<Store>>>,
}

impl Tables {
    /// No tables yet; their folder is made if need be.
    pub fn open(parts: Parts) -> Result<Self, Error> {
        std::fs::create_dir_all(&parts.dir).map_err(|error| Error::io(&parts.dir, error))?;
        let shared = Shared {
            footers: Footers::new(parts.config.footer_cache_bytes_max, parts.config.filter_cache_bytes_max),
            dir: parts.dir,
            catalog: parts.catalog,
            accounts: parts.accounts,
            clock: parts.clock,
            config: parts.config,
            stores: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Opens a store's table and makes the sink that fills it. A store that never had a cursor begins at `begin`.
    /// What of its folder does not count is removed.
    pub async fn sink(&self, info: StoreInfo, routes: SharedTable, begin: u64) -> Result<StoreSink, Error> {
        let cursor = self.cursor(&info, begin).await?;
        let rows = lake_files::list(&self.shared.catalog, &info.id).await?;
        let folder = info.folder(&self.shared.dir);
        let files = {
            let folder = folder.clone();
            let open = move || leftovers::open_files(&folder, rows);
            tokio::task::spawn_blocking(open).await.map_err(|error| Error::of_task(&error))??
        };
        let store = Arc::new(Store::new(info, folder, Arc::clone(&self.shared), routes, files, cursor));
        self.stores().insert(store.info.id.clone(), Arc::clone(&store));
        Ok(StoreSink::new(store))
    }

    /// The store as it is now.
    pub fn snapshot(&self, store: &str) -> Option<Snapshot> {
        self.store(store).map(|store| store.snapshot())
    }

    /// The files of a store that count now.
    pub fn files(&self, store: &str) -> Option<Arc<Vec<Arc<File>>>> {
        self.store(store).map(|store| store.files())
    }

    /// Waits until everything in the journal before `position` is visible in the store. False when there is no such
    /// store, or no longer.
    pub async fn wait_visible(&self, store: &str, position: u64) -> bool {
        let Some(mut visible) = self.store(store).map(|store| store.visible.subscribe()) else { return false };
        visible.wait_for(|end| *end >= position).await.is_ok()
    }

    /// Forgets a store whose follower has ended: its files, and in the catalog what says which they are, and its
    /// cursor. Snapshots that are still held stay readable.
    pub async fn drop_store(&self, info: &StoreInfo) -> Result<(), Error> {
        let store = self.stores().remove(&info.id);
        let mut tx = self.shared.catalog.begin().await?;
        lake_files::remove_all(&mut tx, &info.id).await?;
        cursors::remove(&mut tx, &cursor_name(&info.id)).await?;
        tx.commit().await?;
        if let Some(store) = store {
            store.close();
            let files = store.files();
            store.replaced(&files, None);
        }
        let folder = info.folder(&self.shared.dir);
        tokio::task::spawn_blocking(move || leftovers::empty_folder(&folder)).await.map_err(|error| Error::of_task(&error))
    }

    /// Removes the folders of stores that have no cursor: what a crash left of dropped ones. To be called before stores
    /// are opened.
    pub async fn sweep(&self) -> Result<(), Error> {
        for (id, folder) in leftovers::store_folders(&self.shared.dir)? {
            // A store that is pending deletion has no cursor, and can be restored.
            let catalog = &self.shared.catalog;
            let known = event_data_stores::get(catalog, &id).await?.is_some();
            if !known && cursors::get(catalog, &cursor_name(&id)).await?.is_none() {
                tracing::info!(folder = %folder.display(), "removed: its event data store is gone");
                leftovers::remove_folder(&folder);
            }
        }
        Ok(())
    }

    async fn cursor(&self, info: &StoreInfo, begin: u64) -> Result<u64, Error> {
        let name = cursor_name(&info.id);
        if let Some(position) = cursors::get(&self.shared.catalog, &name).await? {
            return Ok(position);
        }
        let mut tx = self.shared.catalog.begin().await?;
        cursors::set(&mut tx, &name, begin).await?;
        tx.commit().await?;
        Ok(begin)
    }

    fn store(&self, id: &str) -> Option<Arc<Store>> {
        self.stores().get(id).cloned()
    }

    fn stores(&self) -> MutexGuard<'_, HashMap<String, Arc<Store>>> {
        self.shared.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
