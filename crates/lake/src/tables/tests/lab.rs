//! A store at work, on a disk and with a clock of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use catalog::{Catalog, cursors};
use cloudtrail::account::AccountId;
use cloudtrail::event::{Admission, Event, SIZE_MAX};
use cloudtrail::event_data_store::Family;
use cloudtrail::selectors::Selectors;
use datafusion::common::DataFusionError;
use datafusion::prelude::{SessionConfig, SessionContext};
use pipeline::accounts::Accounts;
use pipeline::capture::origin::{Origin, Route};
use pipeline::clock::Clock;
use pipeline::route::batch::{Batch, Item, Record};
use pipeline::route::follower::{Sink, SinkError};
use pipeline::route::store::{Rule, StoreRoute};
use pipeline::route::table::{SharedTable, Table};
use tempfile::TempDir;

use crate::tables::{Config, Parts, ScanStats, Snapshot, StoreInfo, StoreSink, Tables, cursor_name};

pub(super) const STORE: &str = "5d1b2c3e-0000-4000-8000-000000000001";
pub(super) const NUMBER: u16 = 7;
pub(super) const SECOND_US: i64 = 1_000_000;
pub(super) const DAY_US: i64 = 86_400 * SECOND_US;
/// 2026-11-20T00:00:00Z.
pub(super) const TODAY_S: i64 = 1_795_132_800;

#[derive(Default)]
pub(super) struct Hands(AtomicI64);

impl Hands {
    pub(super) fn pass(&self, us: i64) {
        self.0.fetch_add(us, Ordering::Relaxed);
    }
}

impl Clock for Hands {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) struct Lab {
    pub(super) dir: TempDir,
    pub(super) clock: Arc<Hands>,
    pub(super) catalog: Catalog,
    pub(super) routes: SharedTable,
    pub(super) config: Config,
    pub(super) tables: Tables,
    pub(super) sink: StoreSink,
    /// What the journal would give again.
    pub(super) journal: Vec<(Event, Route)>,
}

impl Lab {
    pub(super) async fn new(config: Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Hands(AtomicI64::new(TODAY_S * SECOND_US + DAY_US)));
        let routes = Table { stores: vec![Arc::new(route(3_650))], ..Table::default() }.shared();
        let (catalog, tables, sink) = open(dir.path(), &clock, &routes, &config).await;
        Self { dir, clock, catalog, routes, config, tables, sink, journal: Vec::new() }
    }

    /// The program dies and starts again.
    pub(super) async fn crash(self) -> Self {
        let Self { dir, clock, catalog, routes, config, tables, sink, journal } = self;
        drop((sink, tables));
        catalog.close().await;
        let (catalog, tables, sink) = open(dir.path(), &clock, &routes, &config).await;
        let mut lab = Self { dir, clock, catalog, routes, config, tables, sink, journal };
        lab.replay().await;
        lab
    }

    /// Gives the journal again from the cursor, in pieces of three.
    async fn replay(&mut self) {
        let mut from = self.sink.cursor().await.unwrap() as usize;
        while from < self.journal.len() {
            let to = (from + 3).min(self.journal.len());
            let piece = batch(from as u64, &self.journal[from..to], self.clock.now_us());
            self.sink.write(&piece).await.unwrap();
            from = to;
        }
    }

    pub(super) async fn write(&mut self, events: Vec<Event>) {
        self.try_write(events, Route::LIVE).await.unwrap();
    }

    pub(super) async fn try_write(&mut self, events: Vec<Event>, route: Route) -> Result<(), SinkError> {
        let first = self.journal.len();
        self.journal.extend(events.into_iter().map(|event| (event, route)));
        let batch = batch(first as u64, &self.journal[first..], self.clock.now_us());
        self.sink.write(&batch).await
    }

    pub(super) async fn cursor(&self) -> u64 {
        cursors::get(&self.catalog, &cursor_name(STORE)).await.unwrap().unwrap()
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.tables.snapshot(STORE).unwrap()
    }

    pub(super) fn set_retention(&self, days: i64) {
        self.routes.store(Arc::new(Table { stores: vec![Arc::new(route(days))], ..Table::default() }));
    }

    /// The events' ids, sorted.
    pub(super) async fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.query("SELECT eventid FROM t").await.unwrap().into_iter().flatten().collect();
        ids.sort();
        ids
    }

    pub(super) async fn query(&self, sql: &str) -> Result<Vec<Vec<String>>, DataFusionError> {
        query(&self.snapshot(), sql, &Arc::default()).await
    }

    pub(super) fn data_files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![info().folder(&self.dir.path().join("lake")).join("data")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found.sort();
        found
    }
}

pub(super) fn info() -> StoreInfo {
    StoreInfo { id: STORE.to_owned(), number: NUMBER, account: account("123456789012"), family: Family::Events }
}

async fn open(dir: &Path, clock: &Arc<Hands>, routes: &SharedTable, config: &Config) -> (Catalog, Tables, StoreSink) {
    let catalog = Catalog::open(&dir.join("catalog.sqlite")).await.unwrap();
    let parts = Parts {
        dir: dir.join("lake"),
        catalog: catalog.clone(),
        accounts: Accounts::new(account("123456789012"), []),
        clock: clock.clone(),
        config: config.clone(),
    };
    let tables = Tables::open(parts).unwrap();
    tables.sweep().await.unwrap();
    let sink = tables.sink(info(), routes.clone(), 0).await.unwrap();
    (catalog, tables, sink)
}

fn route(retention_days: i64) -> StoreRoute {
    let rule = Rule {
        from: 0,
        ingesting: true,
        multi_region: true,
        event_bytes_max: SIZE_MAX,
        matcher: Selectors::default_for_new_trail().compile(),
    };
    StoreRoute {
        number: NUMBER,
        id: STORE.to_owned(),
        arn: "arn".to_owned(),
        name: "name".to_owned(),
        account: account("123456789012"),
        home_region: "us-east-1".parse().unwrap(),
        is_default: true,
        is_active: true,
        family: Family::Events,
        retention_us: retention_days * DAY_US,
        rules: vec![rule],
    }
}

pub(super) fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

/// An event so many seconds after the day began.
pub(super) fn event(id: &str, second: i64) -> Event {
    event_with(id, second, "")
}

pub(super) fn event_with(id: &str, second: i64, members: &str) -> Event {
    let time = cloudtrail::event::time_text(TODAY_S + second);
    let text = format!(
        r#"{{"eventTime":"{time}","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"us-east-1","eventID":"{id}","userIdentity":{{"type":"IAMUser","userName":"user-{id}","arn":"arn:aws:iam::123456789012:user/user-{id}"}},"managementEvent":true,"eventCategory":"Management","readOnly":false{members}}}"#
    );
    let region = "us-east-1".parse().unwrap();
    let admission = Admission { account: account("123456789012"), region: &region, ordinal: 0, size_max: 1 << 20 };
    Event::admit(text.as_bytes(), &admission).unwrap()
}

/// Events with the ids `first`, …, a second apart.
pub(super) fn events(first: usize, count: usize, second: i64) -> Vec<Event> {
    (first..first + count).map(|number| event(&format!("e-{number:05}"), second + (number - first) as i64)).collect()
}

pub(super) fn expected_ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("e-{number:05}")).collect()
}

fn batch(first: u64, events: &[(Event, Route)], now_us: i64) -> Arc<Batch> {
    let items = events.iter().enumerate().map(|(at, (event, route))| {
        Item::Record(Record {
            position: first + at as u64,
            accepted_at_us: now_us,
            origin: if route.names_store().is_some() { Origin::Import } else { Origin::Ingest },
            route: *route,
            principal: "arn:aws:iam::123456789012:root".into(),
            event: event.clone(),
        })
    });
    Arc::new(Batch { first, end: first + events.len() as u64, items: items.collect() })
}

/// The rows of a statement over the table `t`.
pub(super) async fn query(snapshot: &Snapshot, sql: &str, stats: &Arc<ScanStats>) -> Result<Vec<Vec<String>>, DataFusionError> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    context.register_table("t", snapshot.provider(stats.clone()))?;
    let batches = context.sql(sql).await?.collect().await?;
    Ok(batches.iter().flat_map(rows).collect())
}

fn rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    let texts: Vec<_> = batch.columns().iter().map(|column| cast(column, &DataType::Utf8).unwrap()).collect();
    let text = |row: usize| {
        let value = |column: &arrow::array::ArrayRef| {
            let column = column.as_string::<i32>();
            if column.is_valid(row) { column.value(row).to_owned() } else { "NULL".to_owned() }
        };
        texts.iter().map(value).collect()
    };
    (0..batch.num_rows()).map(text).collect()
}

/// The plan of a statement, as text.
pub(super) async fn plan(snapshot: &Snapshot, sql: &str) -> String {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    context.register_table("t", snapshot.provider(Arc::default())).unwrap();
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string()
}
