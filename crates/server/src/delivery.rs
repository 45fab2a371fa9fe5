//! The trails at work: which of them follow the journal, and what carries their files and digests into buckets.
//!
//! The catalog says what there is to be done; what runs here follows it. The control plane tells of its changes, so that
//! they take effect at once; whatever it could not tell is noticed within seconds all the same.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use catalog::{Catalog, files, outbox, runs, trails};
use cloudtrail::trail::Settings;
use journal::{Journal, Position};
use pipeline::accounts::Accounts;
use pipeline::capture::recorder::Recorder;
use pipeline::clock::SharedClock;
use pipeline::route::feed::Feed;
use pipeline::route::follower::{Follower, Status};
use pipeline::route::table::{Regions, SharedTable, Table, TrailRoute};
use pipeline::sinks::log_files::spool::Spool;
use pipeline::sinks::log_files::{self, LogFiles, Signals};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::buckets::Store;
use crate::config::Config;
use crate::destinations::{Destinations, PreflightError};
use crate::jobs::keys::Keys;
use crate::jobs::{self, TrailJobs, Wake};

/// How soon a change is noticed that nobody told of.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// The pause before a run that cannot be opened is tried again.
const REOPEN_PAUSE: Duration = Duration::from_secs(5);
/// The folder of files that wait for their bucket.
const SPOOL: &str = "spool";
/// The folder of private keys.
const KEYS: &str = "keys";

/// What deliveries are made of.
pub struct Parts {
    /// What the program runs with.
    pub config: Config,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where trails are.
    pub catalog: Catalog,
    /// Where cuts and digests are journaled.
    pub recorder: Recorder,
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
    /// Local buckets.
    pub store: Store,
}

/// A handle on the trails at work; clones are the same.
#[derive(Clone)]
pub struct Delivery {
    inner: Arc<Inner>,
}

struct Inner {
    sinks: log_files::Parts,
    jobs: Arc<jobs::Parts>,
    feed: Feed,
    routes: SharedTable,
    state: Mutex<State>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Default)]
struct State {
    /// What follows the journal, by ARN.
    runs: HashMap<String, Running>,
    /// What delivers, by the trail's id.
    jobs: HashMap<i64, Wake>,
}

#[derive(Clone)]
struct Running {
    signals: Signals,
    status: Option<Status>,
}

impl Delivery {
    /// Takes up what there is to be done.
    pub async fn start(parts: Parts) -> anyhow::Result<Self> {
        let Parts { config, data_dir, catalog, recorder, journal, feed, routes, accounts, clock, store } = parts;
        let (spool_dir, keys_dir, keyring) = (data_dir.join(SPOOL), data_dir.join(KEYS), catalog.clone());
        let open = move || anyhow::Ok((Spool::open(spool_dir)?, Keys::open(keyring, keys_dir)?));
        let (spool, keys) = tokio::task::spawn_blocking(open).await.context("opening the spool failed")??;
        let regions: Regions = Arc::new(config.regions.iter().cloned().collect::<BTreeSet<_>>());
        let sinks = log_files::Parts {
            catalog: catalog.clone(),
            journal,
            recorder: recorder.clone(),
            accounts,
            regions,
            clock: Arc::clone(&clock),
            spool: spool.clone(),
            config: log_files::Config {
                delivery_interval: config.trails.delivery_interval,
                digest_interval: config.trails.digest_interval,
                spool_bytes_max: config.trails.spool_bytes_max,
                compression_level: config.trails.compression_level,
                ..log_files::Config::default()
            },
        };
        let jobs = jobs::Parts {
            catalog,
            recorder,
            destinations: Destinations::new(store, &config.s3, config.strict_aws).await,
            spool,
            keys,
            clock,
            compression_level: config.trails.compression_level,
            random: Arc::new(random),
        };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let inner = Inner { sinks, jobs: Arc::new(jobs), feed, routes, state: Mutex::default(), tasks, stop };
        let delivery = Self { inner: Arc::new(inner) };
        delivery.sweep_spool().await?;
        delivery.look().await?;
        let looking = delivery.clone();
        delivery.inner.tasks.spawn(async move { looking.keep_looking().await });
        Ok(delivery)
    }

    /// Tells that settings, selectors or logging of a trail changed.
    pub async fn changed(&self, arn: &str) -> Result<(), catalog::Error> {
        let committed = self.inner.sinks.journal.committed();
        let mut tx = self.catalog().begin().await?;
        trails::place_versions(&mut tx, Some(arn), committed).await?;
        tx.commit().await?;
        self.follow(arn).await
    }

    /// Tells that a trail stops: what is before `end` in the journal is still delivered.
    pub async fn stops(&self, arn: &str, end: Position) -> Result<(), catalog::Error> {
        let mut tx = self.catalog().begin().await?;
        runs::stop_at(&mut tx, arn, end).await?;
        tx.commit().await?;
        self.follow(arn).await
    }

    /// Tries a bucket as a trail with these settings will use it.
    pub async fn preflight(&self, settings: &Settings, trail_arn: &str) -> Result<(), PreflightError> {
        self.inner.jobs.destinations.preflight(settings, trail_arn).await
    }

    /// Where deliveries go, what signs them: what everything that delivers shares.
    pub fn shared(&self) -> Arc<jobs::Parts> {
        Arc::clone(&self.inner.jobs)
    }

    /// How the runs of trails fare that follow the journal.
    pub async fn statuses(&self) -> Vec<Status> {
        self.inner.state.lock().await.runs.values().filter_map(|running| running.status.clone()).collect()
    }

    /// Stops everything. What is under way is taken up again at the next start.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    fn catalog(&self) -> &Catalog {
        &self.inner.sinks.catalog
    }

    /// Removes what a crash left in the spool: files that the catalog does not know are made again.
    async fn sweep_spool(&self) -> anyhow::Result<()> {
        let spool = self.inner.sinks.spool.clone();
        let names = tokio::task::spawn_blocking(move || spool.names()).await.context("reading the spool failed")??;
        for name in names {
            if !files::is_spooled(self.catalog(), &name).await? {
                let spool = self.inner.sinks.spool.clone();
                tokio::task::spawn_blocking(move || spool.remove(&name)).await.context("sweeping the spool failed")??;
            }
        }
        Ok(())
    }

    async fn keep_looking(&self) {
        let stop = &self.inner.stop;
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_INTERVAL)).await.is_some() {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "cannot see what trails there are");
            }
        }
    }

    /// Brings what runs in line with the catalog.
    async fn look(&self) -> Result<(), catalog::Error> {
        let mut arns: BTreeSet<String> = runs::arns(self.catalog()).await?.into_iter().collect();
        // While the record of a call is on its way into the journal, the one who was called says where it stands.
        if trails::is_unsettled(self.catalog()).await? && outbox::oldest(self.catalog(), 0).await?.is_empty() {
            let committed = self.inner.sinks.journal.committed();
            let mut tx = self.catalog().begin().await?;
            trails::place_versions(&mut tx, None, committed).await?;
            runs::stop_all_at(&mut tx, committed).await?;
            tx.commit().await?;
        } else {
            let state = self.inner.state.lock().await;
            arns.retain(|arn| !state.runs.contains_key(arn));
        }
        for arn in arns {
            self.follow(&arn).await?;
        }
        let mut state = self.inner.state.lock().await;
        self.swap_table(&mut state).await?;
        let ids = trails::ids(self.catalog()).await?;
        for id in &ids {
            self.deliver(&mut state, *id);
        }
        // The jobs of trails that are gone end when they look.
        state.jobs.iter().filter(|(id, _)| !ids.contains(id)).for_each(|(_, wake)| wake.work.notify_one());
        Ok(())
    }

    /// Makes the door and the run of a trail notice what the catalog says.
    async fn follow(&self, arn: &str) -> Result<(), catalog::Error> {
        let mut state = self.inner.state.lock().await;
        self.swap_table(&mut state).await?;
        for id in trails::ids_of(self.catalog(), arn).await? {
            self.deliver(&mut state, id).again.notify_waiters();
        }
        if let Some(running) = state.runs.get(arn) {
            running.signals.changes.fetch_add(1, Ordering::Release);
        } else if runs::current(self.catalog(), arn).await?.is_some() {
            state.runs.insert(arn.to_owned(), Running { signals: Signals::default(), status: None });
            let (delivery, arn) = (self.clone(), arn.to_owned());
            self.inner.tasks.spawn(async move { delivery.run(&arn).await });
        }
        Ok(())
    }

    /// Under the lock, so that an older table never follows a newer one.
    async fn swap_table(&self, _state: &mut State) -> Result<(), catalog::Error> {
        let trails = trails::all_for_routing(self.catalog()).await?;
        let trails: Vec<_> = trails.into_iter().map(|trail| Arc::new(route(trail, &self.inner.sinks.regions))).collect();
        self.inner.routes.rcu(|table| Table { trails: trails.clone(), ..Table::clone(table) });
        Ok(())
    }

    /// The jobs of a trail, begun if they do not run.
    fn deliver(&self, state: &mut State, id: i64) -> Wake {
        if let Some(wake) = state.jobs.get(&id) {
            return wake.clone();
        }
        let wake = Wake::default();
        state.jobs.insert(id, wake.clone());
        let (delivery, waking) = (self.clone(), wake.clone());
        self.inner.tasks.spawn(async move { delivery.run_jobs(id, waking).await });
        wake
    }

    async fn run_jobs(&self, id: i64, wake: Wake) {
        let stop = &self.inner.stop;
        while !stop.is_cancelled() {
            match TrailJobs::open(Arc::clone(&self.inner.jobs), id, wake.clone()).await {
                Ok(Some(jobs)) => jobs.run(stop.clone()).await,
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "cannot deliver for a trail");
                    stop.run_until_cancelled(tokio::time::sleep(REOPEN_PAUSE)).await;
                }
            }
        }
        self.inner.state.lock().await.jobs.remove(&id);
    }

    /// Follows the journal for the runs of an ARN, one after the other, until there is none left.
    async fn run(&self, arn: &str) {
        while let Some((run, signals)) = self.next_run(arn).await {
            let opened = LogFiles::open(self.inner.sinks.clone(), run, signals.clone()).await;
            let sink = match opened {
                Ok(sink) => sink,
                Err(error) => {
                    tracing::error!(trail = arn, %error, "a trail cannot be followed");
                    self.inner.stop.run_until_cancelled(tokio::time::sleep(REOPEN_PAUSE)).await;
                    continue;
                }
            };
            let follower = Follower::new(sink, self.inner.feed.clone(), Arc::clone(&self.inner.sinks.clock));
            if let Some(running) = self.inner.state.lock().await.runs.get_mut(arn) {
                running.status = Some(follower.status());
            }
            let halt = self.inner.stop.child_token();
            let end = async {
                signals.ended.cancelled().await;
                halt.cancel();
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = follower.run(halt.clone()) => {}
                () = end => {}
            }
        }
    }

    /// The next run of an ARN and its signals; nothing when there is none, or when the program winds up.
    async fn next_run(&self, arn: &str) -> Option<(runs::Run, Signals)> {
        loop {
            if self.inner.stop.is_cancelled() {
                return None;
            }
            // Under the lock, so that a run that is begun meanwhile finds this task or starts its own.
            let mut state = self.inner.state.lock().await;
            match runs::current(self.catalog(), arn).await {
                Ok(Some(run)) => {
                    let output = self.deliver(&mut state, run.trail).work;
                    let signals = Signals { output, ..Signals::default() };
                    state.runs.insert(arn.to_owned(), Running { signals: signals.clone(), status: None });
                    return Some((run, signals));
                }
                Ok(None) => {
                    state.runs.remove(arn);
                    return None;
                }
                Err(error) => {
                    drop(state);
                    tracing::warn!(trail = arn, %error, "cannot see the runs of a trail");
                    self.inner.stop.run_until_cancelled(tokio::time::sleep(REOPEN_PAUSE)).await;
                }
            }
        }
    }
}

fn route(trail: trails::Trail, regions: &Regions) -> TrailRoute {
    let settings = trail.settings;
    TrailRoute {
        arn: trail.arn,
        account: settings.account,
        home_region: settings.home_region,
        multi_region: settings.is_multi_region_trail,
        global_events: settings.include_global_service_events,
        logging: trail.logging,
        matcher: trail.selectors.compile(),
        regions: Arc::clone(regions),
    }
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).expect("the system has random numbers: it gave some at the start");
    u64::from_ne_bytes(bytes)
}
