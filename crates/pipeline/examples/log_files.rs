//! Measures the sink of a trail: what an event costs from the decoded batch to the file in the spool.
//!
//! `cargo run --release -p pipeline --example log_files -- [EVENTS]`
//!
//! The events are those of the corpus' log files, over and over.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use catalog::Catalog;
use catalog::trails::{self, Trail};
use cloudtrail::account::AccountId;
use cloudtrail::event::{Admission, Event};
use cloudtrail::region::{LEADER, Region, partition_regions};
use cloudtrail::selectors::Selectors;
use cloudtrail::trail::{Change, Settings};
use journal::Journal;
use pipeline::accounts::Accounts;
use pipeline::capture::origin::{Origin, Route};
use pipeline::capture::recorder::{self, Recorder};
use pipeline::clock::{Clock as _, SystemClock};
use pipeline::route::batch::{Batch, Item, Record};
use pipeline::route::follower::Sink as _;
use pipeline::route::table::Table;
use pipeline::sinks::log_files::spool::Spool;
use pipeline::sinks::log_files::{Config, LogFiles, Parts, Signals};
use serde_json::value::RawValue;

const BATCH: usize = 2_000;
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/logfiles");

#[tokio::main]
async fn main() {
    let total: usize = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(400_000);
    let account: AccountId = "123456789012".parse().expect("an account");
    let events = corpus(account);
    if events.is_empty() {
        println!("no corpus at {CORPUS}");
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let mut sink = sink(dir.path(), account).await;
    let bytes: usize = (0..total).map(|n| events[n % events.len()].bytes().len()).sum();
    let began = Instant::now();
    for first in (0..total).step_by(BATCH) {
        let end = (first + BATCH).min(total);
        let items = (first..end).map(|n| item(n as u64, events[n % events.len()].clone())).collect();
        let batch = Arc::new(Batch { first: first as u64, end: end as u64, items });
        sink.write(&batch).await.expect("the sink takes it");
    }
    let seconds = began.elapsed().as_secs_f64();
    let spooled: u64 = std::fs::read_dir(dir.path().join("spool"))
        .expect("a spool")
        .map(|entry| entry.and_then(|entry| entry.metadata()).map_or(0, |file| file.len()))
        .sum();
    println!("{total} events, {} MB, spooled {} MB in {seconds:.2} s", bytes / 1_000_000, spooled / 1_000_000);
    println!("{:.0} events/s, {:.2} us an event", total as f64 / seconds, seconds * 1e6 / total as f64);
}

async fn sink(dir: &Path, account: AccountId) -> LogFiles {
    let clock = Arc::new(SystemClock);
    let catalog = Catalog::open(&dir.join("catalog.db")).await.expect("a catalog");
    let ticking = Arc::clone(&clock);
    let opened = Journal::open(&dir.join("journal"), journal::Options::default(), Arc::new(move || ticking.now_us()));
    let (journal, _) = opened.expect("a journal");
    let accounts = Accounts::new(account, []);
    let parts = recorder::Parts {
        routes: Table::default().shared(),
        accounts: accounts.clone(),
        clock: clock.clone(),
        seen: pipeline::capture::seen::Options::default(),
        wait: recorder::WAIT,
    };
    let (recorder, _) = Recorder::open(journal.clone(), &dir.join("seen"), parts).expect("a recorder");
    let change = Change {
        s3_bucket_name: Some("acme-audit".to_owned()),
        is_multi_region_trail: Some(true),
        enable_log_file_validation: Some(true),
        ..Change::default()
    };
    let settings = Settings::create("main", &change, account, LEADER.parse().expect("a Region")).expect("settings");
    let arn = settings.arn("aws").to_string();
    let mut tx = catalog.begin().await.expect("a transaction");
    let trail = Trail::new(arn.clone(), settings, Selectors::default_for_new_trail(), clock.now_us());
    trails::insert(&mut tx, &trail).await.expect("a trail");
    trails::start_logging(&mut tx, &arn, clock.now_s(), 0).await.expect("a start");
    tx.commit().await.expect("a commit");
    let run = catalog::runs::current(&catalog, &arn).await.expect("a catalog").expect("a run");
    let regions = partition_regions("aws").iter().map(|name| name.parse::<Region>().expect("a Region")).collect();
    let spool = Spool::open(dir.join("spool")).expect("a spool");
    let parts =
        Parts { catalog, journal, recorder, accounts, regions: Arc::new(regions), clock, spool, config: Config::default() };
    let mut sink = LogFiles::open(parts, run, Signals::default()).await.expect("a sink");
    sink.cursor().await.expect("a cursor");
    sink
}

fn item(position: u64, event: Event) -> Item {
    Item::Record(Record {
        position,
        accepted_at_us: SystemClock.now_us(),
        origin: Origin::Ingest,
        route: Route::LIVE,
        principal: "bench".into(),
        event,
    })
}

/// The records of the delivered log files of the corpus.
fn corpus(account: AccountId) -> Vec<Event> {
    let mut events = Vec::new();
    let mut folders = vec![Path::new(CORPUS).to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "gz") {
                events.extend(records(&path, account));
            }
        }
    }
    events
}

fn records(path: &Path, account: AccountId) -> Vec<Event> {
    #[derive(serde::Deserialize)]
    struct File {
        #[serde(rename = "Records")]
        records: Vec<Box<RawValue>>,
    }
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| flate2::read::GzDecoder::new(file).read_to_string(&mut text));
    let Some(file) = read.ok().and_then(|_| serde_json::from_str::<File>(&text).ok()) else { return Vec::new() };
    let region = LEADER.parse().expect("a Region");
    let admission = Admission { account, region: &region, ordinal: 0, size_max: cloudtrail::event::SIZE_MAX };
    file.records.iter().filter_map(|record| Event::admit(record.get().as_bytes(), &admission).ok()).collect()
}
