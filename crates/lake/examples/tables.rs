//! Measures a store: what a record costs, what a row weighs, how long queries take.
//!
//! `cargo run --release -p lake --example tables -- [EVENTS]`
//!
//! The events are those of the corpus with new ids, names, addresses, keys and times.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use arrow::array::RecordBatch;
use catalog::Catalog;
use cloudtrail::account::AccountId;
use cloudtrail::event::{Admission, Event, SIZE_MAX, time_text};
use cloudtrail::event_data_store::Family;
use cloudtrail::region::Region;
use cloudtrail::selectors::Selectors;
use datafusion::prelude::{SessionConfig, SessionContext};
use lake::rows::Rows;
use lake::tables::{Config, Parts, ScanStats, StoreInfo, StoreSink, Tables};
use parquet::file::reader::{FileReader, SerializedFileReader};
use pipeline::accounts::Accounts;
use pipeline::capture::origin::{Origin, Route};
use pipeline::clock::{Clock, SystemClock};
use pipeline::route::batch::{Batch, Item, Record};
use pipeline::route::follower::Sink;
use pipeline::route::store::{Rule, StoreRoute};
use pipeline::route::table::Table;
use serde_json::Value;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/events");
const STORE: &str = "5d1b2c3e-0000-4000-8000-000000000001";
const ACCOUNT: &str = "123456789012";
const BATCH: usize = 2_500;
const DAY_S: u64 = 86_400;

const QUERIES: [(&str, &str); 8] = [
    ("count", "SELECT count(*) FROM t"),
    ("by name", "SELECT eventname, count(*) AS n FROM t GROUP BY eventname ORDER BY n DESC LIMIT 20"),
    ("needle", "SELECT * FROM t WHERE eventid = '00000000-none'"),
    ("user", "SELECT eventtime, eventname FROM t WHERE \"_useridentity.username\" = 'user-3' ORDER BY eventtime DESC LIMIT 100"),
    ("newest 50", "SELECT * FROM t ORDER BY eventtime DESC LIMIT 50"),
    ("bucket", "SELECT count(*) FROM t WHERE \"requestparameters.bucketName\" = 'bucketName-12'"),
    ("errors", "SELECT errorcode, eventname, count(*) FROM t WHERE errorcode IS NOT NULL GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 20"),
    ("resources", "SELECT r['arn'], count(*) FROM (SELECT unnest(resources) AS r FROM t) GROUP BY 1 ORDER BY 2 DESC LIMIT 20"),
];

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

    fn text(&mut self, characters: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        (0..characters).map(|_| ALPHABET[self.below(32) as usize] as char).collect()
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let count: usize = std::env::args().nth(1).map_or(Ok(200_000), |count| count.parse())?;
    let shapes = shapes()?;
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let newest_s = SystemClock.now_s() - 60;
    let oldest_s = newest_s - (2 * DAY_S) as i64;
    let dir = tempfile::tempdir()?;
    let (tables, mut sink) = open(dir.path()).await?;
    let (mut bytes, mut rows_us, mut write_us) = (0, 0, 0);
    for first in (0..count).step_by(BATCH) {
        let events: Vec<Event> = (first..(first + BATCH).min(count))
            .map(|number| {
                let time_s = oldest_s + (newest_s - oldest_s) * number as i64 / count as i64 - chance.skewed(300) as i64;
                event(&shapes, time_s, &mut chance)
            })
            .collect();
        bytes += events.iter().map(|event| event.bytes().len()).sum::<usize>();
        rows_us += rows(&events);
        let began = Instant::now();
        sink.write(&batch(first, events)).await?;
        write_us += began.elapsed().as_micros();
    }
    let began = Instant::now();
    sink.flush().await?;
    write_us += began.elapsed().as_micros();
    println!(
        "{count} events of {} bytes: rows {:.2} us, store {:.2} us each",
        bytes / count,
        each(rows_us, count),
        each(write_us, count)
    );
    weigh(&tables, "flushed", count)?;
    let began = Instant::now();
    while merged(&mut sink).await? {}
    println!("merged in {:.2} us an event", each(began.elapsed().as_micros(), count));
    weigh(&tables, "merged", count)?;
    for (name, sql) in QUERIES {
        ask(&tables, name, sql).await?;
    }
    Ok(())
}

fn each(us: u128, count: usize) -> f64 {
    us as f64 / count as f64
}

/// What making rows alone costs.
fn rows(events: &[Event]) -> u128 {
    let began = Instant::now();
    let mut rows = Rows::new(Family::Events);
    for (position, event) in events.iter().enumerate() {
        rows.push(event, position as u64, 0);
    }
    assert_eq!(rows.finish().num_rows(), events.len());
    began.elapsed().as_micros()
}

/// Does what is due; whether files were merged.
async fn merged(sink: &mut StoreSink) -> Result<bool> {
    let before = sink.files();
    // Days count as quiet: the whole load came at once.
    sink.tick(SystemClock.now_us() + (DAY_S * 1_000_000) as i64).await?;
    sink.settle().await?;
    Ok(sink.files() != before)
}

fn weigh(tables: &Tables, what: &str, count: usize) -> Result<()> {
    let files = tables.files(STORE).context("the store is open")?;
    let mut columns: BTreeMap<String, i64> = BTreeMap::new();
    for file in files.iter() {
        let reader = SerializedFileReader::new(std::fs::File::open(file.path())?)?;
        for group in reader.metadata().row_groups() {
            for column in group.columns() {
                let name = column.column_path().parts().first().cloned().unwrap_or_default();
                *columns.entry(name).or_default() += column.compressed_size();
                *columns.entry("(Bloom filters)".to_owned()).or_default() += i64::from(column.bloom_filter_length().unwrap_or(0));
            }
        }
    }
    let bytes: u64 = files.iter().map(|file| file.bytes()).sum();
    let json = columns.get("eventjson").copied().unwrap_or_default();
    let without = bytes as i64 - json;
    println!(
        "{what}: {} files, {:.1} bytes a row, {:.1} without eventjson",
        files.len(),
        bytes as f64 / count as f64,
        without as f64 / count as f64
    );
    let mut sorted: Vec<_> = columns.into_iter().collect();
    sorted.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let text: Vec<String> =
        sorted.iter().take(24).map(|(name, bytes)| format!("{name} {:.1}", *bytes as f64 / count as f64)).collect();
    println!("  {}", text.join(", "));
    Ok(())
}

async fn ask(tables: &Tables, name: &str, sql: &str) -> Result<()> {
    let (mut best_us, mut found) = (u128::MAX, 0);
    let stats = Arc::<ScanStats>::default();
    for _ in 0..3 {
        let began = Instant::now();
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
        let snapshot = tables.snapshot(STORE).context("the store is open")?;
        context.register_table("t", snapshot.provider(stats.clone()))?;
        found = context.sql(sql).await?.collect().await?.iter().map(RecordBatch::num_rows).sum();
        best_us = best_us.min(began.elapsed().as_micros());
    }
    println!("{name}: {:.1} ms, {found} rows; {stats:?}", best_us as f64 / 1_000.0);
    Ok(())
}

async fn open(dir: &Path) -> Result<(Tables, StoreSink)> {
    let account: AccountId = ACCOUNT.parse()?;
    let rule = Rule {
        from: 0,
        ingesting: true,
        multi_region: true,
        event_bytes_max: SIZE_MAX,
        matcher: Selectors::default_for_new_trail().compile(),
    };
    let route = StoreRoute {
        number: 1,
        id: STORE.to_owned(),
        arn: "arn".to_owned(),
        name: "store".to_owned(),
        account,
        home_region: "us-east-1".parse()?,
        is_default: true,
        is_active: true,
        family: Family::Events,
        retention_us: (366 * DAY_S * 1_000_000) as i64,
        rules: vec![rule],
    };
    let parts = Parts {
        dir: dir.join("lake"),
        catalog: Catalog::open(&dir.join("catalog.sqlite")).await?,
        accounts: Accounts::new(account, []),
        clock: Arc::new(SystemClock),
        config: Config::default(),
    };
    let tables = Tables::open(parts)?;
    let info = StoreInfo { id: STORE.to_owned(), number: 1, account, family: Family::Events };
    let routes = Table { stores: vec![Arc::new(route)], ..Table::default() }.shared();
    let sink = tables.sink(info, routes, 0).await?;
    Ok((tables, sink))
}

fn batch(first: usize, events: Vec<Event>) -> Arc<Batch> {
    let end = (first + events.len()) as u64;
    let items = events.into_iter().enumerate().map(|(at, event)| {
        Item::Record(Record {
            position: (first + at) as u64,
            accepted_at_us: SystemClock.now_us(),
            origin: Origin::Ingest,
            route: Route::LIVE,
            principal: "arn".into(),
            event,
        })
    });
    Arc::new(Batch { first: first as u64, end, items: items.collect() })
}

/// The management events of the corpus.
fn shapes() -> Result<Vec<Value>> {
    let mut shapes = Vec::new();
    for name in ["invictus", "boogy", "stratus", "traildiscover", "umccr"] {
        let Ok(file) = std::fs::File::open(Path::new(CORPUS).join(format!("{name}.ndjson.gz"))) else { continue };
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text)?;
        let records = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        shapes.extend(records.filter(|record| record["managementEvent"] == true));
    }
    ensure!(!shapes.is_empty(), "no corpus at {CORPUS}");
    Ok(shapes)
}

fn event(shapes: &[Value], time_s: i64, chance: &mut Chance) -> Event {
    loop {
        let mut record = shapes[chance.below(shapes.len() as u64) as usize].clone();
        vary(&mut record, time_s, chance);
        let region: Region = "us-east-1".parse().expect("a Region");
        let account: AccountId = ACCOUNT.parse().expect("an account");
        let admission = Admission { account, region: &region, ordinal: 0, size_max: SIZE_MAX };
        if let Ok(event) = Event::admit(record.to_string().as_bytes(), &admission) {
            return event;
        }
    }
}

fn vary(record: &mut Value, time_s: i64, chance: &mut Chance) {
    let user = chance.skewed(2_000);
    record["eventID"] = chance.uuid().into();
    record["eventTime"] = time_text(time_s).into();
    record["recipientAccountId"] = ACCOUNT.into();
    if record["requestID"].is_string() {
        record["requestID"] = chance.uuid().into();
    }
    if record["additionalEventData"]["x-amz-id-2"].is_string() {
        record["additionalEventData"]["x-amz-id-2"] = chance.text(72).into();
    }
    let address = chance.skewed(4_000);
    record["sourceIPAddress"] = format!("10.{}.{}.{}", address >> 8, address & 255, user & 255).into();
    if let Some(identity) = record["userIdentity"].as_object_mut() {
        for (key, value) in identity.iter_mut().filter(|(_, value)| value.is_string()) {
            match key.as_str() {
                "userName" => *value = format!("user-{user}").into(),
                "arn" => *value = format!("arn:aws:iam::{ACCOUNT}:user/user-{user}").into(),
                "principalId" => *value = format!("AIDA{user:016}").into(),
                "accessKeyId" => *value = format!("ASIA{:016}", user * 8 + chance.below(8)).into(),
                _ => {}
            }
        }
    }
    if let Some(parameters) = record["requestParameters"].as_object_mut() {
        let named = |key: &str| ["Name", "Id", "Arn", "key", "name"].iter().any(|end| key.ends_with(end));
        for (key, value) in parameters.iter_mut().filter(|(key, value)| value.is_string() && named(key)) {
            *value = format!("{key}-{}", chance.skewed(20_000)).into();
        }
    }
}
