use std::io::Write as _;

use catalog::buckets::{self, Bucket};
use catalog::imports::{Import, Source as Where};
use cloudtrail::event::SIZE_MAX;
use cloudtrail::event_data_store::Family;
use cloudtrail::import::{FailureStatus, Range, Status};
use cloudtrail::selectors::Selectors;
use flate2::Compression;
use flate2::write::GzEncoder;
use journal::Journal;
use pipeline::accounts::Accounts;
use pipeline::capture::recorder;
use pipeline::capture::seen;
use pipeline::clock::Clock;
use pipeline::route::store::{Rule, StoreRoute};
use pipeline::route::table::Table;

use super::*;
use crate::buckets::{Options, PutHeaders};
use crate::config::Endpoint;

const ACCOUNT: &str = "123456789012";
const OTHER: &str = "210987654321";
const STORE: &str = "arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/0f4e0b7e-8a55-4f4b-9d51-000000000001";
/// 2026-11-20T00:00:00Z.
const NOW_S: i64 = 1_795_132_800;
const DAYS: &str = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/11";

struct Noon;

impl Clock for Noon {
    fn now_us(&self) -> i64 {
        NOW_S * 1_000_000
    }
}

/// Everything an import needs, in a folder of its own.
struct Ground {
    _dir: tempfile::TempDir,
    catalog: Catalog,
    journal: Journal,
    recorder: Recorder,
    store: Store,
    routes: SharedTable,
}

fn route() -> StoreRoute {
    let matcher = Selectors::default_for_new_trail().compile();
    StoreRoute {
        number: 5,
        id: "0f4e0b7e-8a55-4f4b-9d51-000000000001".to_owned(),
        arn: STORE.to_owned(),
        name: "name".to_owned(),
        account: ACCOUNT.parse().unwrap(),
        home_region: "us-east-1".parse().unwrap(),
        is_default: false,
        is_active: true,
        family: Family::Events,
        retention_us: 30 * 86_400 * 1_000_000,
        rules: vec![Rule { from: 0, ingesting: true, multi_region: true, event_bytes_max: SIZE_MAX, matcher }],
    }
}

impl Ground {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock: SharedClock = Arc::new(Noon);
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
        let options = journal::Options { free_bytes_min: 0, control_free_bytes_min: 0, ..journal::Options::default() };
        let (journal, _) = Journal::open(&dir.path().join("journal"), options, Arc::new(|| Noon.now_us())).unwrap();
        let routes = Table { stores: vec![Arc::new(route())], ..Table::default() }.shared();
        let accounts = Accounts::new(ACCOUNT.parse().unwrap(), [(OTHER.parse().unwrap(), "other".to_owned())]);
        let (wait, seen) = (recorder::WAIT, seen::Options::default());
        let parts = recorder::Parts { routes: Arc::clone(&routes), accounts, clock: Arc::clone(&clock), seen, wait };
        let (recorder, _) = Recorder::open(journal.clone(), &dir.path().join("seen"), parts).unwrap();
        let store = Store::open(catalog.clone(), dir.path(), clock, Options::default()).await.unwrap();
        let ground = Self { _dir: dir, catalog, journal, recorder, store, routes };
        ground.make_bucket("audit-logs", ACCOUNT).await;
        ground
    }

    async fn make_bucket(&self, name: &str, account: &str) {
        let bucket = Bucket { name: name.into(), account: account.into(), region: "us-east-1".into(), created_at_us: 0 };
        let mut tx = self.catalog.begin().await.unwrap();
        buckets::insert(&mut tx, &bucket).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn start(&self) -> Imports {
        let parts = Parts {
            catalog: self.catalog.clone(),
            recorder: self.recorder.clone(),
            routes: Arc::clone(&self.routes),
            clock: Arc::new(Noon),
            store: self.store.clone(),
            destinations: Destinations::new(self.store.clone(), &Endpoint::default(), false).await,
            visible: Arc::new(|_, _| Box::pin(async { true })),
        };
        Imports::start(parts).await.unwrap()
    }

    async fn put(&self, key: &str, content: Vec<u8>) {
        self.store.service_put("audit-logs", key, content.into(), PutHeaders::default()).await.unwrap();
    }

    async fn ask(&self, n: u8, prefix: &str, range: Range) -> Request {
        let request = request(n, &format!("s3://audit-logs/{prefix}"), ACCOUNT, range);
        let mut tx = self.catalog.begin().await.unwrap();
        imports::insert(&mut tx, &request, NOW_S).await.unwrap();
        tx.commit().await.unwrap();
        request
    }

    async fn change(&self, id: &str, retry: bool) {
        let mut tx = self.catalog.begin().await.unwrap();
        let done = if retry {
            imports::retry(&mut tx, id, NOW_S).await.unwrap()
        } else {
            imports::set_status(&mut tx, id, Status::Stopped, NOW_S).await.unwrap()
        };
        assert!(done);
        tx.commit().await.unwrap();
    }

    async fn now(&self, id: &str) -> Import {
        imports::get(&self.catalog, id).await.unwrap().unwrap()
    }

    /// The import once it has ended.
    async fn ended(&self, id: &str) -> Import {
        loop {
            let import = self.now(id).await;
            if !import.status.is_ongoing() {
                return import;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn failed(&self, id: &str) -> Vec<(String, FailureStatus, String)> {
        let failures = imports::failures(&self.catalog, id, 0, 1_000).await.unwrap();
        failures.into_iter().map(|f| (f.key.rsplit('/').next().unwrap().to_owned(), f.status, f.error_type)).collect()
    }

    /// The same in order of name: files are read side by side, and which comes first is open.
    fn recorded_sorted(&self) -> Vec<String> {
        let mut recorded = self.recorded();
        recorded.sort();
        recorded
    }

    /// The names of the events in the journal, in order.
    fn recorded(&self) -> Vec<String> {
        let mut names = Vec::new();
        while (names.len() as u64) < self.journal.committed() {
            for frame in self.journal.read(names.len() as u64, 1 << 20).unwrap() {
                let value: serde_json::Value = serde_json::from_slice(&frame.payload).unwrap();
                names.push(value["eventName"].as_str().unwrap().to_owned());
            }
        }
        names
    }
}

fn request(n: u8, uri: &str, account: &str, range: Range) -> Request {
    Request {
        id: format!("0f4e0b7e-8a55-4f4b-9d51-0000000001{n:02x}"),
        account: account.parse().unwrap(),
        region: "us-east-1".to_owned(),
        store: STORE.to_owned(),
        source: Where { uri: uri.to_owned(), region: "us-east-1".to_owned(), role: "role".to_owned() },
        range,
        principal: "arn:aws:iam::123456789012:root".to_owned(),
        elsewhere: true,
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A record of that name, so many hours before now.
fn record(name: &str, hours: i64, rest: &str) -> String {
    let time = cloudtrail::event::time_text(NOW_S - hours * 3_600);
    format!(
        r#"{{"eventTime":"{time}","eventSource":"x.amazonaws.com","eventName":"{name}","awsRegion":"us-east-1","eventID":"{name}"{rest}}}"#
    )
}

fn log_file(records: &[String]) -> Vec<u8> {
    gzip(format!("{{\"Records\":[{}]}}", records.join(",")).as_bytes())
}

/// Files, events, prefixes found and completed.
fn counts(import: &Import) -> [u64; 4] {
    let checkpoint = &import.checkpoint;
    let folders = (checkpoint.prefixes_found, checkpoint.folders.completed());
    [checkpoint.files_completed, checkpoint.events_completed, folders.0, folders.1]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_of_every_log_file_comes_in_and_what_is_no_log_file_is_listed() {
    let ground = Ground::new().await;
    let foreign = r#","recipientAccountId":"210987654321""#;
    ground.put(&format!("{DAYS}/18/a.json.gz"), log_file(&[record("A", 5, ""), record("B", 4, foreign)])).await;
    ground.put(&format!("{DAYS}/19/b.json.gz"), log_file(&[record("C", 3, r#","eventCategory":"Data""#)])).await;
    ground.put(&format!("{DAYS}/19/old.json.gz"), log_file(&[record("Old", 24 * 40, "")])).await;
    ground.put(&format!("{DAYS}/19/none.json.gz"), log_file(&[])).await;
    ground.put(&format!("{DAYS}/19/plain.json"), b"{\"Records\":[]}".to_vec()).await;
    ground.put(&format!("{DAYS}/19/torn.json.gz"), log_file(&[record("D", 3, "")])[..40].to_vec()).await;
    ground.put(&format!("{DAYS}/19/page.html.gz"), gzip(b"<html>")).await;
    ground.put(&format!("{DAYS}/19/partly.json.gz"), log_file(&[record("E", 2, ""), "{}".to_owned()])).await;
    ground.put("AWSLogs/123456789012/CloudTrail-Digest/us-east-1/d.json.gz", gzip(b"{}")).await;
    ground.put("AWSLogs/123456789012/CloudTrail/x_CloudTrail-Digest_y.json.gz", gzip(b"{}")).await;
    ground.put("AWSLogs/123456789012/CloudTrail/", Vec::new()).await;
    let id = ground.ask(1, "AWSLogs/", Range::default()).await.id;
    let imports = ground.start().await;

    let import = ground.ended(&id).await;
    assert_eq!((import.status, counts(&import)), (Status::Failed, [4, 4, 3, 3]));
    assert_eq!(ground.recorded_sorted(), ["A", "B", "C", "E"]);
    let failed = FailureStatus::Failed;
    let expected = [
        ("page.html.gz", "InvalidJson"),
        ("partly.json.gz", "MissingField"),
        ("plain.json", "NotGzip"),
        ("torn.json.gz", "TruncatedGzip"),
        ("x_CloudTrail-Digest_y.json.gz", "NotALogFile"),
    ];
    assert_eq!(ground.failed(&id).await, expected.map(|(name, kind)| (name.to_owned(), failed, kind.to_owned())));
    imports.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_tries_failed_files_only_and_goes_on_where_it_was() {
    let ground = Ground::new().await;
    let mended = log_file(&[record("A", 5, ""), record("B", 5, "")]);
    ground.put(&format!("{DAYS}/18/b.json.gz"), log_file(&[record("C", 4, "")])).await;
    // One is refused for a record; the other is not there, as if it had been removed between listing and fetching.
    ground.put(&format!("{DAYS}/18/c.json.gz"), log_file(&[record("D", 3, ""), "{}".to_owned()])).await;
    let id = ground.ask(1, "AWSLogs", Range::default()).await.id;
    let imports = ground.start().await;
    assert_eq!(counts(&ground.ended(&id).await), [1, 2, 1, 1]);

    let mut tx = ground.catalog.begin().await.unwrap();
    let failure = imports::failures(&ground.catalog, &id, 0, 1).await.unwrap().remove(0);
    let missing = imports::Failure { key: format!("{DAYS}/18/a.json.gz"), events: 0, ..failure };
    imports::fail(&mut tx, &id, &missing).await.unwrap();
    tx.commit().await.unwrap();
    ground.put(&missing.key, mended).await;
    ground.put(&format!("{DAYS}/18/late.json.gz"), log_file(&[record("Late", 3, "")])).await;
    ground.change(&id, true).await;
    imports.look().await.unwrap();
    let import = ground.ended(&id).await;
    assert_eq!((import.status, counts(&import)), (Status::Failed, [2, 4, 1, 1]));
    let statuses: Vec<_> = ground.failed(&id).await.into_iter().map(|(name, status, _)| (name, status)).collect();
    assert_eq!(statuses, [("c.json.gz".to_owned(), FailureStatus::Failed), ("a.json.gz".to_owned(), FailureStatus::Succeeded)]);
    assert_eq!(ground.recorded_sorted(), ["A", "B", "C", "D", "D"], "what was partly in comes again, for the store to keep once");
    imports.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_range_leaves_out_files_by_their_dates_unopened_and_then_events() {
    let ground = Ground::new().await;
    let damaged = b"not to be opened".to_vec();
    for day in ["01", "16", "20"] {
        ground.put(&format!("{DAYS}/{day}/a.json.gz"), damaged.clone()).await;
    }
    ground.put(&format!("{DAYS}/18/x_20261118T0100Z_a.json.gz"), damaged).await;
    let hours = [60, 36, 30, 24, 12].map(|hours| record(&format!("H{hours}"), hours, ""));
    ground.put(&format!("{DAYS}/18/x_20261118T1200Z_b.json.gz"), log_file(&hours)).await;
    ground.put(&format!("{DAYS}/18/undated.json.gz"), log_file(&[record("U", 30, "")])).await;
    let ago = |hours: i64| Some((NOW_S - hours * 3_600) * 1_000_000);
    let id = ground.ask(1, "", Range { start_us: ago(36), end_us: ago(24) }).await.id;
    let imports = ground.start().await;
    let import = ground.ended(&id).await;
    assert_eq!((import.status, counts(&import)), (Status::Completed, [2, 4, 1, 1]));
    assert_eq!(ground.recorded_sorted(), ["H24", "H30", "H36", "U"]);
    imports.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_interrupted_again_and_again_leaves_nothing_out_and_counts_nothing_twice() {
    const FILES: usize = 600;
    let ground = Ground::new().await;
    for n in 0..FILES {
        let records = [record(&format!("N{n}a"), 5, ""), record(&format!("N{n}b"), 5, "")];
        let content = if n % 100 == 7 { b"damaged".to_vec() } else { log_file(&records) };
        ground.put(&format!("{DAYS}/{:02}/{n:04}.json.gz", 1 + n % 28), content).await;
    }
    let id = ground.ask(1, "", Range::default()).await.id;
    let mut starts = 0;
    while ground.now(&id).await.status.is_ongoing() {
        let imports = ground.start().await;
        let before = ground.journal.committed();
        // The program winds up as soon as something new is on disk.
        while ground.journal.committed() == before && ground.now(&id).await.status.is_ongoing() {
            tokio::task::yield_now().await;
        }
        imports.stop().await;
        starts += 1;
    }
    assert!(starts > 1, "it was interrupted");
    let import = ground.now(&id).await;
    assert_eq!((import.status, counts(&import)), (Status::Failed, [594, 1_188, 28, 28]));
    assert_eq!(ground.failed(&id).await.len(), 6);
    let mut recorded = ground.recorded();
    recorded.sort_unstable();
    recorded.dedup();
    assert_eq!(recorded.len(), 1_188);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_stopped_stays_stopped_until_it_is_retried() {
    let ground = Ground::new().await;
    for n in 0..300 {
        ground.put(&format!("{DAYS}/18/{n:04}.json.gz"), log_file(&[record(&format!("N{n}"), 5, "")])).await;
    }
    let id = ground.ask(1, "", Range::default()).await.id;
    let imports = ground.start().await;
    ground.change(&id, false).await;
    imports.look().await.unwrap();
    imports.look().await.unwrap();
    assert_eq!(ground.now(&id).await.status, Status::Stopped);
    ground.change(&id, true).await;
    imports.look().await.unwrap();
    let import = ground.ended(&id).await;
    assert_eq!((import.status, counts(&import)), (Status::Completed, [300, 300, 1, 1]));
    imports.stop().await;
}

#[tokio::test]
async fn a_bucket_is_read_by_those_who_may() {
    let ground = Ground::new().await;
    ground.put("CloudTrail/a.json.gz", log_file(&[record("A", 1, "")])).await;
    let imports = ground.start().await;
    let tried = async |uri: &str, account: &str| {
        let request = request(1, uri, account, Range::default());
        imports.preflight(&request, &Location::parse(uri).unwrap()).await.map_err(|fault| fault.kind)
    };
    assert_eq!(tried("s3://audit-logs/", ACCOUNT).await, Ok(()));
    assert_eq!(tried("s3://audit-logs/", OTHER).await, Err("AccessDenied".to_owned()));
    assert_eq!(tried("s3://no-such-bucket/", ACCOUNT).await, Err("NoSuchBucket".to_owned()));
    let policy = |statement: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    let set = async |text: String| {
        let mut tx = ground.catalog.begin().await.unwrap();
        buckets::set(&mut tx, "audit-logs", buckets::Setting::Policy, Some(&text)).await.unwrap();
        tx.commit().await.unwrap();
    };
    let all = r#""Resource":["arn:aws:s3:::audit-logs","arn:aws:s3:::audit-logs/*"]"#;
    set(policy(&format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":["s3:ListBucket","s3:GetObject"],{all}}}"#
    )))
    .await;
    assert_eq!(tried("s3://audit-logs/", OTHER).await, Ok(()));
    set(policy(&format!(r#"{{"Effect":"Deny","Principal":"*","Action":"s3:GetObject",{all}}}"#))).await;
    assert_eq!(tried("s3://audit-logs/", OTHER).await, Err("AccessDenied".to_owned()));
    assert_eq!(tried("s3://audit-logs/", ACCOUNT).await, Ok(()), "only listing is tried beforehand");
    let id = ground.ask(1, "", Range::default()).await.id;
    imports.look().await.unwrap();
    assert_eq!(ground.ended(&id).await.status, Status::Failed);
    assert_eq!(ground.failed(&id).await, [("a.json.gz".to_owned(), FailureStatus::Failed, "AccessDenied".to_owned())]);
    imports.stop().await;
}
