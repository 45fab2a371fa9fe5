//! Trails from the journal into buckets, with a clock that the test turns.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic, in its helpers too")]

mod chains;
mod destinations;
mod keys;
mod trouble;
mod walk;
mod whole;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use catalog::buckets::{Bucket, Setting};
use catalog::trails::{self, Trail};
use catalog::{Catalog, trail_status};
use cloudtrail::event::{Admission, Event, SIZE_MAX};
use cloudtrail::region::Region;
use cloudtrail::selectors::Selectors;
use cloudtrail::trail::{Change, Settings};
use journal::Journal;
use pipeline::accounts::Accounts;
use pipeline::capture::origin::{Origin, Route};
use pipeline::capture::recorder::{self, Recorder, Sender};
use pipeline::clock::{Clock, SharedClock};
use pipeline::route::batch::Batch;
use pipeline::route::follower::Sink as _;
use pipeline::route::table::{SharedTable, Table};
use pipeline::sinks::log_files::spool::Spool;
use pipeline::sinks::log_files::{self, LogFiles, Signals};
use server::buckets::{Options, Store};
use server::config::Endpoint;
use server::destinations::Destinations;
use server::jobs::keys::Keys;
use server::jobs::{self, Error, Step, TrailJobs, Wake};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) const ACCOUNT: &str = "123456789012";
const OTHER: &str = "210987654321";
const BUCKET: &str = "acme-audit";
const HOME: &str = "us-east-1";
const AWAY: &str = "eu-west-1";
/// 2026-11-20T10:00:00Z.
const T0: i64 = 1_795_168_800;
const DELIVERY_S: i64 = 2;
const DIGEST_S: i64 = 10;

pub(crate) struct Now(AtomicI64);

impl Clock for Now {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// An installation from the recorder to the buckets.
pub(crate) struct Site {
    dir: TempDir,
    pub(crate) now: Arc<Now>,
    pub(crate) catalog: Catalog,
    journal: Journal,
    pub(crate) recorder: Recorder,
    routes: SharedTable,
    pub(crate) accounts: Accounts,
    store: Store,
    events: u64,
    upkeep: CancellationToken,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.upkeep.cancel();
    }
}

/// The follower and the jobs of one trail.
struct AtWork {
    sink: LogFiles,
    jobs: TrailJobs,
    signals: Signals,
}

impl Site {
    /// At second [`T0`], with a bucket of the default account.
    pub(crate) async fn new() -> Self {
        let now = Arc::new(Now(AtomicI64::new(T0 * 1_000_000)));
        let site = Self::with_clock(now.clone(), now).await;
        site.make_bucket(BUCKET, ACCOUNT).await;
        site
    }

    async fn with_clock(now: Arc<Now>, clock: SharedClock) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
        let ticking = Arc::clone(&clock);
        let (journal, _) =
            Journal::open(&dir.path().join("journal"), journal::Options::default(), Arc::new(move || ticking.now_us())).unwrap();
        let accounts = Accounts::new(ACCOUNT.parse().unwrap(), []);
        let routes = Table { history_retention_us: i64::MAX / 4, ..Table::default() }.shared();
        let parts = recorder::Parts {
            routes: Arc::clone(&routes),
            accounts: accounts.clone(),
            clock: Arc::clone(&clock),
            seen: pipeline::capture::seen::Options::default(),
            wait: recorder::WAIT,
        };
        let (recorder, keeping) = Recorder::open(journal.clone(), &dir.path().join("seen"), parts).unwrap();
        let upkeep = CancellationToken::new();
        tokio::spawn(keeping.run(upkeep.clone()));
        let store = Store::open(catalog.clone(), dir.path(), clock, Options::default()).await.unwrap();
        Self { dir, now, catalog, journal, recorder, routes, accounts, store, events: 0, upkeep }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    fn turn_to(&self, second: i64) {
        self.now.0.store((T0 + second) * 1_000_000, Ordering::SeqCst);
    }

    fn second(&self) -> i64 {
        self.now.now_s() - T0
    }

    async fn make_bucket(&self, name: &str, account: &str) {
        let bucket = Bucket { name: name.to_owned(), account: account.to_owned(), region: HOME.to_owned(), created_at_us: 0 };
        let mut tx = self.catalog.begin().await.unwrap();
        catalog::buckets::insert(&mut tx, &bucket).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn set_policy(&self, bucket: &str, policy: Option<&str>) {
        let mut tx = self.catalog.begin().await.unwrap();
        catalog::buckets::set(&mut tx, bucket, Setting::Policy, policy).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A multi-Region trail with validation, started.
    async fn started(&self, name: &str, bucket: &str) -> Trail {
        let mut tx = self.catalog.begin().await.unwrap();
        let trail = Trail::new(arn(name), settings(name, bucket), Selectors::default_for_new_trail(), self.now.now_us());
        trails::insert(&mut tx, &trail).await.unwrap();
        trails::start_logging(&mut tx, &trail.arn, self.now.now_s(), self.journal.committed()).await.unwrap();
        tx.commit().await.unwrap();
        trails::get(&self.catalog, &trail.arn).await.unwrap().unwrap()
    }

    async fn stop(&self, trail: &Trail) {
        let mut tx = self.catalog.begin().await.unwrap();
        trails::stop_logging(&mut tx, &trail.arn, self.now.now_s()).await.unwrap();
        catalog::runs::stop_at(&mut tx, &trail.arn, self.journal.committed()).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn update(&self, trail: &Trail, settings: Settings) {
        let mut tx = self.catalog.begin().await.unwrap();
        assert!(trails::update(&mut tx, &Trail { settings, ..trail.clone() }).await.unwrap());
        trails::place_versions(&mut tx, Some(&trail.arn), self.journal.committed()).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn record(&mut self, region: &str) {
        self.events += 1;
        let (id, time) = (self.events, cloudtrail::event::time_text(self.now.now_s()));
        let raw = format!(
            r#"{{"eventVersion":"1.11","eventTime":"{time}","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"{region}","eventID":"event-{id:05}","recipientAccountId":"{ACCOUNT}","managementEvent":true}}"#
        );
        let (account, home) = (ACCOUNT.parse().unwrap(), self::region(HOME));
        let admission = Admission { account, region: &home, ordinal: 0, size_max: SIZE_MAX };
        let event = Event::admit(raw.as_bytes(), &admission).unwrap();
        self.recorder.record(vec![event], Origin::Ingest, Some(Route::LIVE), &Sender::own(account)).await.unwrap();
    }

    async fn jobs(&self, trail: &Trail, strict_aws: bool) -> TrailJobs {
        let parts = self.parts(strict_aws).await;
        TrailJobs::open(Arc::new(parts), trail.id, Wake::default()).await.unwrap().expect("there is the trail")
    }

    /// What all jobs share.
    pub(crate) async fn parts(&self, strict_aws: bool) -> jobs::Parts {
        jobs::Parts {
            catalog: self.catalog.clone(),
            recorder: self.recorder.clone(),
            destinations: Destinations::new(self.store.clone(), &Endpoint::default(), strict_aws).await,
            spool: Spool::open(self.path().join("spool")).unwrap(),
            keys: Keys::open(self.catalog.clone(), self.path().join("keys")).unwrap(),
            clock: self.now.clone(),
            compression_level: 1,
            random: Arc::new(|| 0),
        }
    }

    /// Everything that works for a trail, as after a start of the program.
    async fn at_work(&self, trail: &Trail) -> AtWork {
        let parts = log_files::Parts {
            catalog: self.catalog.clone(),
            journal: self.journal.clone(),
            recorder: self.recorder.clone(),
            accounts: self.accounts.clone(),
            regions: Arc::new([HOME, AWAY].map(region).into_iter().collect()),
            clock: self.now.clone(),
            spool: Spool::open(self.path().join("spool")).unwrap(),
            config: log_files::Config {
                delivery_interval: Duration::from_secs(DELIVERY_S as u64),
                digest_interval: Duration::from_secs(DIGEST_S as u64),
                ..log_files::Config::default()
            },
        };
        let run = catalog::runs::current(&self.catalog, &trail.arn).await.unwrap().expect("the trail has a run");
        let signals = Signals::default();
        let mut sink = LogFiles::open(parts, run, signals.clone()).await.unwrap();
        sink.cursor().await.unwrap();
        AtWork { sink, jobs: self.jobs(trail, false).await, signals }
    }

    /// Lets the follower take what is in the journal.
    async fn follow(&self, work: &mut AtWork) {
        loop {
            let from = work.sink.position();
            let frames = self.journal.read(from, 1 << 20).unwrap();
            if frames.is_empty() {
                break;
            }
            work.sink.write(&Arc::new(Batch::decode(from, frames).unwrap())).await.unwrap();
            if work.sink.position() == from {
                break;
            }
        }
        work.sink.tick(self.now.now_us()).await.unwrap();
    }

    /// Turns the clock to `end`, second by second; at each of them everyone does what is to be done.
    async fn live_until(&self, work: &mut AtWork, end: i64) {
        while self.second() < end {
            self.turn_to(self.second() + 1);
            self.follow(work).await;
            deliver(&work.jobs).await;
        }
    }

    async fn status(&self, trail: &Trail, region: &str) -> trail_status::Status {
        trail_status::get(&self.catalog, &trail.arn, region).await.unwrap()
    }

    /// The keys below a prefix.
    async fn keys_below(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let listed = self.store.service_list(bucket, prefix, None, 1_000).await.unwrap();
        listed.into_iter().map(|object| object.key).collect()
    }
}

/// Takes every step in every lane until there is nothing to do; returns what went wrong on the way.
async fn deliver(jobs: &TrailJobs) -> Vec<Error> {
    let mut failed = Vec::new();
    loop {
        let mut done = false;
        for lane in jobs.lanes().await.unwrap() {
            match jobs.step(&lane).await {
                Ok(Step::Done) => done = true,
                Ok(Step::Idle) => {}
                Err(error) => failed.push(error),
            }
        }
        if !done {
            return failed;
        }
    }
}

fn settings(name: &str, bucket: &str) -> Settings {
    let change = Change {
        s3_bucket_name: Some(bucket.to_owned()),
        is_multi_region_trail: Some(true),
        enable_log_file_validation: Some(true),
        ..Change::default()
    };
    Settings::create(name, &change, ACCOUNT.parse().unwrap(), region(HOME)).unwrap()
}

fn arn(name: &str) -> String {
    settings(name, BUCKET).arn("aws").to_string()
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}
