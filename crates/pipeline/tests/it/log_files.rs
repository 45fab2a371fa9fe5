//! The sink of a trail on a real journal and catalog, with a clock that the test turns.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic, in its helpers too")]

mod crashes;
mod cuts;
mod digests;
mod runs;

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use catalog::files::File;
use catalog::runs::Run;
use catalog::trails::{self, Trail};
use catalog::{Catalog, digests as stored};
use cloudtrail::digest::Interval;
use cloudtrail::event::{Admission, Event, SIZE_MAX};
use cloudtrail::region::Region;
use cloudtrail::selectors::Selectors;
use cloudtrail::trail::{Change, Settings};
use journal::Journal;
use pipeline::accounts::Accounts;
use pipeline::capture::origin::{Origin, Route};
use pipeline::capture::recorder::{self, Recorder, Sender};
use pipeline::clock::Clock;
use pipeline::route::batch::Batch;
use pipeline::route::follower::{Sink as _, SinkError};
use pipeline::route::table::Table;
use pipeline::sinks::log_files::spool::Spool;
use pipeline::sinks::log_files::{Config, LogFiles, Parts, Signals};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const ACCOUNT: &str = "123456789012";
const ADOPTED: &str = "999999999999";
const HOME: &str = "us-east-1";
const AWAY: &str = "eu-west-1";
/// 2026-11-20T10:00:00Z.
const T0: i64 = 1_795_168_800;
const DELIVERY_S: i64 = 3;
const DIGEST_S: i64 = 10;

struct Now(AtomicI64);

impl Clock for Now {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// An installation without followers, at second [`T0`].
struct Site {
    _dir: TempDir,
    spool_dir: PathBuf,
    now: Arc<Now>,
    parts: Parts,
    events: u64,
    upkeep: CancellationToken,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.upkeep.cancel();
    }
}

impl Site {
    async fn new() -> Self {
        Self::with(Config {
            delivery_interval: Duration::from_secs(DELIVERY_S as u64),
            digest_interval: Duration::from_secs(DIGEST_S as u64),
            ..Config::default()
        })
        .await
    }

    async fn with(config: Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = Arc::new(Now(AtomicI64::new(T0 * 1_000_000)));
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
        let ticking = Arc::clone(&now);
        let (journal, _) =
            Journal::open(&dir.path().join("journal"), journal::Options::default(), Arc::new(move || ticking.now_us())).unwrap();
        let accounts = Accounts::new(ACCOUNT.parse().unwrap(), []);
        let routes = Table { history_retention_us: i64::MAX / 4, ..Table::default() }.shared();
        let parts = recorder::Parts {
            routes,
            accounts: accounts.clone(),
            clock: now.clone(),
            seen: pipeline::capture::seen::Options::default(),
            wait: recorder::WAIT,
        };
        let (recorder, keeping) = Recorder::open(journal.clone(), &dir.path().join("seen"), parts).unwrap();
        let upkeep = CancellationToken::new();
        tokio::spawn(keeping.run(upkeep.clone()));
        let spool_dir = dir.path().join("spool");
        let spool = Spool::open(spool_dir.clone()).unwrap();
        let regions = [HOME, AWAY, "ap-south-1"].map(region).into_iter().collect();
        let parts = Parts { catalog, journal, recorder, accounts, regions: Arc::new(regions), clock: now.clone(), spool, config };
        Self { _dir: dir, spool_dir, now, parts, events: 0, upkeep }
    }

    fn catalog(&self) -> &Catalog {
        &self.parts.catalog
    }

    /// The second that the clock shows, counted from [`T0`].
    fn second(&self) -> i64 {
        self.now.now_s() - T0
    }

    fn turn_to(&self, second: i64) {
        self.now.0.store((T0 + second) * 1_000_000, Ordering::SeqCst);
    }

    /// A multi-Region trail with validation that was never started.
    async fn trail(&self, name: &str) -> Trail {
        let change = Change {
            s3_bucket_name: Some("acme-audit".to_owned()),
            is_multi_region_trail: Some(true),
            enable_log_file_validation: Some(true),
            ..Change::default()
        };
        let settings = Settings::create(name, &change, ACCOUNT.parse().unwrap(), region(HOME)).unwrap();
        let arn = settings.arn("aws").to_string();
        let mut tx = self.catalog().begin().await.unwrap();
        let trail = Trail::new(arn.clone(), settings, Selectors::default_for_new_trail(), self.now.now_us());
        trails::insert(&mut tx, &trail).await.unwrap();
        tx.commit().await.unwrap();
        trails::get(self.catalog(), &arn).await.unwrap().unwrap()
    }

    /// StartLogging.
    async fn start(&self, trail: &Trail) {
        let mut tx = self.catalog().begin().await.unwrap();
        trails::start_logging(&mut tx, &trail.arn, self.now.now_s(), self.parts.journal.committed()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// StopLogging, or DeleteTrail.
    async fn stop(&self, trail: &Trail, delete: bool) {
        let mut tx = self.catalog().begin().await.unwrap();
        if delete {
            trails::delete(&mut tx, &trail.arn, self.now.now_us()).await.unwrap();
        } else {
            trails::stop_logging(&mut tx, &trail.arn, self.now.now_s()).await.unwrap();
        }
        catalog::runs::stop_at(&mut tx, &trail.arn, self.parts.journal.committed()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// UpdateTrail, from here in the journal on.
    async fn update(&self, trail: &Trail, settings: Settings, selectors: Selectors) {
        let mut tx = self.catalog().begin().await.unwrap();
        let changed = Trail { settings, selectors, ..trail.clone() };
        assert!(trails::update(&mut tx, &changed).await.unwrap());
        trails::place_versions(&mut tx, Some(&trail.arn), self.parts.journal.committed()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Records one event; returns its eventID.
    async fn record(&mut self, account: &str, region: &str, fields: &str) -> String {
        self.events += 1;
        let id = format!("event-{:05}", self.events);
        let time = cloudtrail::event::time_text(self.now.now_s());
        let raw = format!(
            r#"{{"eventVersion":"1.11","eventTime":"{time}","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"{region}","eventID":"{id}","recipientAccountId":"{account}","managementEvent":true{fields}}}"#
        );
        let home = self::region(HOME);
        let admission = Admission { account: ACCOUNT.parse().unwrap(), region: &home, ordinal: 0, size_max: SIZE_MAX };
        let event = Event::admit(raw.as_bytes(), &admission).unwrap();
        let sender = Sender { adopt: true, ..Sender::own(ACCOUNT.parse().unwrap()) };
        let outcome = self.parts.recorder.record(vec![event], Origin::Ingest, Some(Route::LIVE), &sender).await.unwrap();
        assert_eq!(outcome.accepted, 1);
        id
    }

    async fn run(&self, trail: &Trail) -> Option<Run> {
        catalog::runs::current(self.catalog(), &trail.arn).await.unwrap()
    }

    /// The sink of the current run, as after a start of the program.
    async fn sink(&self, trail: &Trail) -> LogFiles {
        self.sink_with(trail, Signals::default()).await
    }

    async fn sink_with(&self, trail: &Trail, signals: Signals) -> LogFiles {
        let run = self.run(trail).await.expect("the trail has a run");
        let mut sink = LogFiles::open(self.parts.clone(), run, signals).await.unwrap();
        sink.cursor().await.unwrap();
        sink
    }

    /// Gives the sink everything that is in the journal, and a tick.
    async fn pump(&self, sink: &mut LogFiles) -> Result<(), SinkError> {
        loop {
            let from = sink.position();
            let frames = self.parts.journal.read(from, 1 << 20).unwrap();
            if frames.is_empty() {
                break;
            }
            sink.write(&Arc::new(Batch::decode(from, frames).unwrap())).await?;
            if sink.position() == from {
                break;
            }
        }
        sink.tick(self.now.now_us()).await.map(drop)
    }

    /// Delivers everything that waits in the spool: the files and their bytes, in the order of their keys.
    async fn deliver(&self, trail: &Trail) -> Vec<(File, Vec<u8>)> {
        let mut delivered = Vec::new();
        for lane in catalog::files::lanes(self.catalog(), trail.id).await.unwrap() {
            while let Some(file) = catalog::files::oldest(self.catalog(), trail.id, &lane).await.unwrap() {
                let bytes = self.parts.spool.read(file.spool.as_deref().unwrap()).unwrap();
                let mut tx = self.catalog().begin().await.unwrap();
                catalog::files::delivered(&mut tx, file.id).await.unwrap();
                tx.commit().await.unwrap();
                self.parts.spool.remove(file.spool.as_deref().unwrap()).unwrap();
                delivered.push((file, bytes));
            }
        }
        delivered.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        delivered
    }

    /// Takes the closed digests whose files are delivered: account, Region, interval counted from [`T0`], keys.
    async fn digests(&self, trail: &Trail) -> Vec<Closed> {
        let mut closed = Vec::new();
        for id in stored::waiting_chains(self.catalog(), trail.id).await.unwrap() {
            let chain = stored::chain(self.catalog(), id).await.unwrap().unwrap();
            while let Some(digest) = stored::oldest(self.catalog(), id).await.unwrap() {
                assert!(stored::is_ready(self.catalog(), digest.id).await.unwrap(), "deliver the files first");
                let files = stored_files(self.catalog(), digest.id).await;
                let mut tx = self.catalog().begin().await.unwrap();
                stored::delivered(&mut tx, id, digest.id).await.unwrap();
                tx.commit().await.unwrap();
                let Interval { start_s, end_s } = digest.interval;
                closed.push(Closed {
                    chain: id,
                    account: chain.account.to_string(),
                    region: chain.region.to_string(),
                    interval: (start_s - T0, end_s - T0),
                    files,
                });
            }
        }
        closed
    }
}

async fn stored_files(catalog: &Catalog, digest: i64) -> Vec<String> {
    catalog::files::of_digest(catalog, digest).await.unwrap().into_iter().map(|file| file.key).collect()
}

/// A digest whose interval is over.
#[derive(Debug)]
struct Closed {
    chain: i64,
    account: String,
    region: String,
    interval: (i64, i64),
    files: Vec<String>,
}

/// Where and when the digests are.
fn intervals(closed: &[Closed]) -> Vec<(&str, &str, i64, i64)> {
    closed.iter().map(|c| (c.account.as_str(), c.region.as_str(), c.interval.0, c.interval.1)).collect()
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

/// The eventIDs in a log file.
fn event_ids(packed: &[u8]) -> Vec<String> {
    let mut content = Vec::new();
    let mut reader = flate2::bufread::GzDecoder::new(packed);
    reader.read_to_end(&mut content).unwrap();
    assert!(reader.into_inner().is_empty(), "a log file is one gzip member");
    let content: serde_json::Value = serde_json::from_slice(&content).unwrap();
    let records = content["Records"].as_array().unwrap();
    records.iter().map(|record| record["eventID"].as_str().unwrap().to_owned()).collect()
}
