//! Measures event history: what a record costs, what it weighs, how long lookups take.
//!
//! `cargo run --release -p pipeline --example event_history -- [EVENTS]`
//!
//! The events are those of the corpus with new ids, names, addresses and times.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::Catalog;
use cloudtrail::event::{Admission, Category, Event};
use cloudtrail::lookup::{AttributeKey, facts};
use cloudtrail::region::{LEADER, Region, partition_regions};
use pipeline::accounts::Accounts;
use pipeline::capture::origin::{Origin, Route};
use pipeline::clock::{Clock, SystemClock};
use pipeline::route::batch::{Batch, Item, Record};
use pipeline::route::follower::Sink;
use pipeline::sinks::event_history::{Config, EventHistory, Query};
use serde_json::Value;

const BATCH: usize = 2_000;
const PAGE: usize = 50;
const LOOKUPS: usize = 400;

/// A small generator: xorshift.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Few are frequent, many are rare.
    fn skewed(&mut self, n: u64) -> u64 {
        let bits = self.below(64 - u64::from(n.leading_zeros()) + 1);
        self.below(n) >> bits
    }

    fn uuid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", a >> 32, a >> 16 & 0xffff, a & 0xfff, b >> 52, b & 0xffff_ffff_ffff)
    }
}

#[tokio::main]
async fn main() {
    let events: usize = std::env::args().nth(1).map_or(300_000, |n| n.parse().expect("a number of events"));
    let templates = templates();
    println!("{} templates", templates.len());
    let dir = tempfile::tempdir().expect("a folder");
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.expect("a catalog");
    let account = "123456789012".parse().expect("an account");
    let accounts = Accounts::new(account, []);
    let regions: BTreeSet<Region> = partition_regions("aws").iter().map(|r| r.parse().expect("a Region")).collect();
    let config = Config { regions, ..Config::default() };
    let (history, mut sink) =
        EventHistory::open(&dir.path().join("history"), &catalog, accounts, Arc::new(SystemClock), config, 0)
            .await
            .expect("event history");

    let mut chance = Chance(0x1234_5678_9abc_def1);
    let now_s = SystemClock.now_s();
    let mut position = 0u64;
    let mut bytes = 0usize;
    let (mut busy, mut wall) = (Duration::ZERO, Duration::ZERO);
    let mut samples = Vec::new();
    while (position as usize) < events {
        let mut items = Vec::with_capacity(BATCH);
        for _ in 0..BATCH {
            let at_s = now_s - 80 * 86_400 + (position as i64 * 79 * 86_400) / events as i64 - chance.below(20) as i64;
            let text = vary(&templates, &mut chance, at_s);
            let leader = LEADER.parse().expect("a Region");
            let admission = Admission { account, region: &leader, ordinal: 0, size_max: 262_144 };
            let event = Event::admit(text.as_bytes(), &admission).expect("an event");
            bytes += event.bytes().len();
            if chance.below(200) == 0 {
                samples.push(event.clone());
            }
            let route = Route::LIVE;
            let principal = "arn:aws:iam::123456789012:root".into();
            items.push(Item::Record(Record {
                position,
                accepted_at_us: at_s * 1_000_000,
                origin: Origin::Ingest,
                route,
                principal,
                event,
            }));
            position += 1;
        }
        let batch = Arc::new(Batch { first: position - items.len() as u64, end: position, items });
        let (cpu, clock) = (cpu_time(), Instant::now());
        sink.write(&batch).await.expect("written");
        // Sealing shares the machine with the generator: let it end before more is made.
        sink.settle().await.expect("settled");
        sink.tick(SystemClock.now_us()).await.expect("ticked");
        sink.settle().await.expect("settled");
        busy += cpu_time().saturating_sub(cpu);
        wall += clock.elapsed();
    }
    sink.finish().await.expect("finished");
    let status = history.status();
    println!(
        "{events} events of {} bytes: {:.2} µs CPU an event, {:.2} µs wall",
        bytes / events,
        micros(busy) / events as f64,
        micros(wall) / events as f64
    );
    println!(
        "{} bytes in {} segments: {:.1} bytes an event, {:.1} MB per 577 MB; rss {} MB",
        status.bytes,
        status.segments,
        status.bytes as f64 / events as f64,
        577.0 * status.bytes as f64 / bytes as f64,
        rss_mb()
    );
    println!("{status:?}");
    lookups(&history, &samples, &mut chance, account).await;
}

async fn lookups(history: &EventHistory, samples: &[Event], chance: &mut Chance, account: cloudtrail::account::AccountId) {
    for key in AttributeKey::ALL.map(Some).into_iter().chain([None]) {
        for all_regions in [false, true] {
            let (mut times, mut hits) = (Vec::new(), 0);
            for _ in 0..LOOKUPS {
                let event = &samples[chance.below(samples.len() as u64) as usize];
                let mut query = Query::new(account, Category::Management, PAGE);
                if !all_regions {
                    query.region = Some(event.region_id().clone());
                }
                if let Some(key) = key {
                    let Some(value) = value(event, key) else { continue };
                    query.filters = vec![(key, value)];
                }
                let begin = Instant::now();
                let page = history.lookup(query).await.expect("a page");
                times.push(begin.elapsed());
                hits += page.hits.len();
            }
            times.sort_unstable();
            if let Some(last) = times.len().checked_sub(1) {
                let at = |share: usize| micros(times[last * share / 100]) / 1e3;
                let name = key.map_or_else(|| "(none)".to_owned(), |key| key.to_string());
                let scope = if all_regions { "all Regions" } else { "one Region" };
                let mean = hits as f64 / times.len() as f64;
                println!("{name:14} {scope:12} p50 {:.2} p99 {:.2} max {:.2} ms, {mean:.1} hits", at(50), at(99), at(100));
            }
        }
    }
}

fn value(event: &Event, key: AttributeKey) -> Option<String> {
    let facts = facts(event);
    match key {
        AttributeKey::EventId => Some(facts.event_id),
        AttributeKey::EventName => Some(facts.event_name),
        AttributeKey::EventSource => Some(facts.event_source),
        AttributeKey::ReadOnly => facts.read_only.map(|read_only| read_only.to_string()),
        AttributeKey::Username => facts.username,
        AttributeKey::AccessKeyId => facts.access_key_id,
        AttributeKey::ResourceName => facts.resources.into_iter().next().map(|resource| resource.name),
        AttributeKey::ResourceType => facts.resources.into_iter().next().and_then(|resource| resource.type_),
    }
}

/// The management events of the corpus' log files.
fn templates() -> Vec<Value> {
    let mut files = Vec::new();
    collect(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/logfiles")), &mut files);
    let mut templates = Vec::new();
    for file in files {
        let mut text = String::new();
        let file = std::fs::File::open(file).expect("a log file");
        if flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).is_err() {
            continue;
        }
        let Ok(Value::Object(mut file)) = serde_json::from_str(&text) else { continue };
        if let Some(Value::Array(records)) = file.remove("Records") {
            templates.extend(records.into_iter().filter(|record| record["managementEvent"] != Value::Bool(false)));
        }
    }
    templates
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("the corpus").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.to_string_lossy().ends_with(".json.gz") {
            files.push(path);
        }
    }
}

fn vary(templates: &[Value], chance: &mut Chance, at_s: i64) -> String {
    let mut event = templates[chance.below(templates.len() as u64) as usize].clone();
    let time = time::OffsetDateTime::from_unix_timestamp(at_s).expect("a time");
    let time = time.format(&time::format_description::well_known::Rfc3339).expect("a text");
    let replaced = |event: &mut Value, path: &str, value: String| {
        if let Some(slot) = event.pointer_mut(path) {
            *slot = Value::String(value);
        }
    };
    event["eventTime"] = Value::String(time);
    event["recipientAccountId"] = Value::String("123456789012".to_owned());
    event["awsRegion"] = Value::String(partition_regions("aws")[chance.skewed(17) as usize].to_owned());
    replaced(&mut event, "/eventID", chance.uuid());
    replaced(&mut event, "/requestID", chance.uuid());
    replaced(&mut event, "/sourceIPAddress", format!("10.{}.{}.{}", chance.below(4), chance.below(256), chance.below(256)));
    replaced(&mut event, "/userIdentity/accessKeyId", format!("ASIA{:016X}", chance.skewed(20_000)));
    let user = chance.skewed(2_000);
    replaced(&mut event, "/userIdentity/userName", format!("user-{user}"));
    let principal = format!("AROAEXAMPLE{:010}:session-{user}", user % 50);
    replaced(&mut event, "/userIdentity/principalId", principal);
    event.to_string()
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// User and system time of this process.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a Linux machine");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks = |i: usize| fields[i].parse::<u64>().expect("a number");
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

fn rss_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux machine");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("a line");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("a number") / 1024
}
