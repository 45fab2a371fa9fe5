//! Event data stores at work: which of them follow the journal, and what becomes of those that were changed, stopped or
//! deleted.
//!
//! The catalog says what there is to be done; what runs here follows it. The control plane tells of its changes, so that
//! they take effect at once; whatever it could not tell is noticed within seconds all the same. A store that was deleted
//! reads on to the place in the journal where it was, so that it has all that was acknowledged if it is restored.

mod routes;
mod settling;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use catalog::event_data_stores::{self, Store, rules};
use catalog::{Catalog, cursors, meta, outbox, resource_policies};
use cloudtrail::account::AccountId;
use cloudtrail::event_data_store::{BillingMode, Change, Settings};
use cloudtrail::region::Region;
use journal::{Journal, Position};
use lake::tables::{self, StoreInfo, Tables};
use pipeline::accounts::Accounts;
use pipeline::clock::SharedClock;
use pipeline::route::feed::Feed;
use pipeline::route::follower::{Follower, Status};
use pipeline::route::store::StoreRoute;
use pipeline::route::table::{SharedTable, Table};
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;

/// How soon a change is noticed that nobody told of.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// The pause before a store that cannot be opened is tried again.
const REOPEN_PAUSE: Duration = Duration::from_secs(5);
/// The folder of tables.
const DIR: &str = "lake";
/// The name under which it is kept that the default store was made once.
const DEFAULT_MADE: &str = "default-event-data-store";
/// What the default store is called.
const DEFAULT_NAME: &str = "management-events";

/// What stores at work are made of.
pub struct Parts {
    /// What the program runs with.
    pub config: Config,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where stores are.
    pub catalog: Catalog,
    /// Where events are.
    pub journal: Journal,
    /// The journal, decoded.
    pub feed: Feed,
    /// What the door routes by.
    pub routes: SharedTable,
    /// Which accounts are walls.
    pub accounts: Accounts,
    /// The time.
    pub clock: SharedClock,
    /// Makes the id of the default store.
    pub random_uuid: fn() -> String,
}

/// A handle on the stores at work; clones are the same.
#[derive(Clone)]
pub struct Lake {
    inner: Arc<Inner>,
}

struct Inner {
    catalog: Catalog,
    journal: Journal,
    feed: Feed,
    routes: SharedTable,
    clock: SharedClock,
    tables: Tables,
    running: Mutex<HashMap<u16, Running>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// A store that follows the journal.
#[derive(Clone, Default)]
struct Running {
    /// Woken when the store was changed.
    changed: Arc<Notify>,
    status: Option<Status>,
}

impl Lake {
    /// Takes up what there is to be done. The first time, the default account gets a store for management events.
    pub async fn start(parts: Parts) -> anyhow::Result<Self> {
        make_default(&parts).await?;
        let Parts { config, data_dir, catalog, journal, feed, routes, accounts, clock, random_uuid: _ } = parts;
        let tables = Tables::open(tables::Parts {
            dir: data_dir.join(DIR),
            catalog: catalog.clone(),
            accounts,
            clock: Arc::clone(&clock),
            config: tables::Config { tail_age_us_max: micros(config.lake.flush_interval), ..tables::Config::default() },
        })?;
        tables.sweep().await?;
        let (running, tasks, stop) = (Mutex::default(), TaskTracker::new(), CancellationToken::new());
        let inner = Inner { catalog, journal, feed, routes, clock, tables, running, tasks, stop };
        let lake = Self { inner: Arc::new(inner) };
        lake.look().await?;
        let looking = lake.clone();
        lake.inner.tasks.spawn(async move { looking.keep_looking().await });
        Ok(lake)
    }

    /// The tables of the stores, for queries.
    pub fn tables(&self) -> &Tables {
        &self.inner.tables
    }

    /// The number of a store of `account` that events can be put into: by its id, its ARN, or its name, which means one
    /// of `region` if several Regions have it.
    pub fn named(&self, account: AccountId, region: &Region, text: &str) -> Option<u16> {
        let table = self.inner.routes.load();
        let theirs = || table.stores.iter().filter(|store| store.account == account && store.is_active);
        let is_it = |store: &&Arc<StoreRoute>| store.id == text || store.arn == text;
        let here = |store: &&Arc<StoreRoute>| store.name == text && store.home_region == *region;
        let there = |store: &&Arc<StoreRoute>| store.name == text;
        let found = theirs().find(is_it).or_else(|| theirs().find(here)).or_else(|| theirs().find(there));
        found.map(|store| store.number)
    }

    /// The most bytes an event of `account` may have.
    pub fn event_bytes_max(&self, account: AccountId) -> usize {
        self.inner.routes.load().event_bytes_max(account)
    }

    /// Tells that a store was made, changed, stopped, deleted or restored; `end` is the journal's position after the
    /// record of the call.
    pub async fn changed(&self, number: u16, end: Position) -> Result<(), catalog::Error> {
        let mut tx = self.inner.catalog.begin().await?;
        rules::place(&mut tx, Some(number), end).await?;
        tx.commit().await?;
        self.swap_table().await?;
        self.follow(number).await
    }

    /// How the stores fare that follow the journal.
    pub async fn statuses(&self) -> Vec<Status> {
        self.inner.running.lock().await.values().filter_map(|running| running.status.clone()).collect()
    }

    /// Brings metrics up to date that are read rather than counted: what the stores have in files. How far behind they are
    /// their followers tell.
    pub fn refresh_metrics(&self) {
        for store in &self.inner.routes.load().stores {
            let Some(files) = self.inner.tables.files(&store.id) else { continue };
            let gauge = |name: &'static str| metrics::gauge!(name, "store" => store.id.clone());
            gauge("trailkeep_event_data_store_files").set(files.len() as f64);
            gauge("trailkeep_event_data_store_rows").set(files.iter().map(|file| file.rows()).sum::<u64>() as f64);
            gauge("trailkeep_event_data_store_bytes").set(files.iter().map(|file| file.bytes()).sum::<u64>() as f64);
        }
    }

    /// Stops everything. What is under way is taken up again at the next start.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    async fn keep_looking(&self) {
        let stop = &self.inner.stop;
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_INTERVAL)).await.is_some() {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "cannot see what event data stores there are");
            }
        }
    }

    /// Brings what runs in line with the catalog.
    async fn look(&self) -> Result<(), catalog::Error> {
        let catalog = &self.inner.catalog;
        // While the record of a call is on its way into the journal, the one who was called says where it stands.
        if rules::is_unsettled(catalog).await? && outbox::oldest(catalog, 0).await?.is_empty() {
            let mut tx = catalog.begin().await?;
            rules::place(&mut tx, None, self.inner.journal.committed()).await?;
            tx.commit().await?;
        }
        // Before anyone follows: a follower that does not find its store takes nothing, and what it passed over is lost.
        self.swap_table().await?;
        for store in event_data_stores::all(catalog).await? {
            if self.purge(&store).await? {
                continue;
            }
            self.prune(&store).await?;
            self.follow(store.number).await?;
        }
        self.swap_table().await
    }

    /// Removes a deleted store that nobody can restore any more; tells whether it is gone.
    async fn purge(&self, store: &Store) -> Result<bool, catalog::Error> {
        let now_us = self.inner.clock.now_us();
        let due = store.purge_at_us.is_some_and(|at_us| at_us <= now_us);
        if !due || self.inner.running.lock().await.contains_key(&store.number) {
            return Ok(false);
        }
        let mut tx = self.inner.catalog.begin().await?;
        let purged = event_data_stores::purge(&mut tx, store, now_us).await?;
        if purged {
            resource_policies::remove(&mut tx, &store.arn).await?;
        }
        tx.commit().await?;
        if purged {
            tracing::info!(store = store.arn, "the restore window of a deleted event data store is over; its events are gone");
            let dropped = self.inner.tables.drop_store(&info(store)).await;
            dropped.unwrap_or_else(|error| tracing::warn!(store = store.arn, %error, "files of a store that is gone are left"));
        }
        Ok(purged)
    }

    /// Forgets what the store took before its cursor.
    async fn prune(&self, store: &Store) -> Result<(), catalog::Error> {
        let catalog = &self.inner.catalog;
        let Some(position) = cursors::get(catalog, &store.cursor()).await? else { return Ok(()) };
        if rules::of_store(catalog, store.number).await?.len() < 2 {
            return Ok(());
        }
        let mut tx = catalog.begin().await?;
        rules::prune(&mut tx, store.number, position).await?;
        tx.commit().await
    }

    /// Makes the door and the followers notice what the catalog says.
    async fn swap_table(&self) -> Result<(), catalog::Error> {
        // Under the lock, so that no older state of the catalog is put in the place of a newer one.
        let _one_at_a_time = self.inner.running.lock().await;
        let stores = routes::all(&self.inner.catalog).await?;
        self.inner.routes.rcu(|table| Table { stores: stores.clone(), ..Table::clone(table) });
        Ok(())
    }

    /// Has the store follow the journal, and notice what has changed.
    async fn follow(&self, number: u16) -> Result<(), catalog::Error> {
        let mut running = self.inner.running.lock().await;
        if let Some(running) = running.get(&number) {
            running.changed.notify_one();
            return Ok(());
        }
        if !self.is_followed(number).await? || self.inner.stop.is_cancelled() {
            return Ok(());
        }
        let changed = Arc::<Notify>::default();
        running.insert(number, Running { changed: Arc::clone(&changed), status: None });
        let lake = self.clone();
        self.inner.tasks.spawn(async move { lake.run(number, &changed).await });
        Ok(())
    }

    /// A store that is pending deletion has a cursor until it has read what was acknowledged before.
    async fn is_followed(&self, number: u16) -> Result<bool, catalog::Error> {
        let catalog = &self.inner.catalog;
        let Some(store) = event_data_stores::by_number(catalog, number).await? else { return Ok(false) };
        Ok(store.status.is_active() || cursors::get(catalog, &store.cursor()).await?.is_some())
    }

    /// Follows the journal for a store until it is deleted or the program winds up.
    async fn run(&self, number: u16, changed: &Notify) {
        while !self.inner.stop.is_cancelled() {
            match self.follow_once(number, changed).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(store = number, %error, "an event data store cannot be followed");
                    self.inner.stop.run_until_cancelled(tokio::time::sleep(REOPEN_PAUSE)).await;
                }
            }
        }
    }

    /// Tells whether there is nothing left to follow for.
    async fn follow_once(&self, number: u16, changed: &Notify) -> anyhow::Result<bool> {
        let Some(store) = event_data_stores::by_number(&self.inner.catalog, number).await? else {
            self.inner.running.lock().await.remove(&number);
            return Ok(true);
        };
        let Inner { tables, journal, routes, feed, clock, .. } = &*self.inner;
        let sink = tables.sink(info(&store), Arc::clone(routes), journal.committed()).await?;
        let follower = Follower::new(sink, feed.clone(), Arc::clone(clock));
        if let Some(running) = self.inner.running.lock().await.get_mut(&number) {
            running.status = Some(follower.status());
        }
        let halt = self.inner.stop.child_token();
        tokio::select! {
            () = follower.run(halt.clone()) => {}
            () = self.settle(&store, changed, &halt) => {}
        }
        if self.inner.stop.is_cancelled() { Ok(false) } else { self.wind_up(&store).await }
    }

    /// Lets go of the journal for a store that was deleted and has read everything up to there; false when it has been
    /// restored, or not everything is kept.
    async fn wind_up(&self, store: &Store) -> anyhow::Result<bool> {
        let mut running = self.inner.running.lock().await;
        let cursor = cursors::get(&self.inner.catalog, &store.cursor()).await?;
        if cursor < settling::newest(&self.inner.catalog, store.number).await? {
            return Ok(false);
        }
        let mut tx = self.inner.catalog.begin().await?;
        let removed = event_data_stores::remove_cursor(&mut tx, store).await?;
        tx.commit().await?;
        if removed {
            running.remove(&store.number);
        }
        Ok(removed)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// The store as its table knows it.
fn info(store: &Store) -> StoreInfo {
    StoreInfo { id: store.id.clone(), number: store.number, account: store.settings.account, family: store.settings.family() }
}

/// Makes the default store, once: who deletes it does not get another.
async fn make_default(parts: &Parts) -> anyhow::Result<()> {
    let Parts { config, catalog, journal, clock, random_uuid, .. } = parts;
    if meta::get(catalog, DEFAULT_MADE).await?.is_some() {
        return Ok(());
    }
    // As long as can be: an import of old trails is to find a place.
    let days = BillingMode::ExtendableRetentionPricing.retention_days_max();
    let change = Change { name: Some(DEFAULT_NAME.to_owned()), retention_days: Some(days.into()), ..Change::default() };
    let settings = Settings::create(&change, config.account, crate::service::default_region())?;
    let id = random_uuid();
    let arn = settings.arn(&config.partition, &id).to_string();
    let store = Store { is_default: true, ..Store::new(id, arn, settings, clock.now_us()) };
    let mut tx = catalog.begin().await?;
    event_data_stores::insert(&mut tx, &store, journal.committed()).await?;
    meta::set(&mut tx, DEFAULT_MADE, store.id.as_bytes()).await?;
    Ok(tx.commit().await?)
}
