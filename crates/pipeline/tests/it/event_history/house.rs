//! A journal, a catalog and event history in a folder, with the time in hand.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use catalog::Catalog;
use cloudtrail::event::{Admission, Category, Event};
use cloudtrail::lookup::{AttributeKey, facts};
use journal::{Entry, Journal, Kind, Position};
use pipeline::accounts::Accounts;
use pipeline::capture::origin::{Origin, Route};
use pipeline::clock::Clock;
use pipeline::route::feed::Feed;
use pipeline::route::follower::{Follower, Sink};
use pipeline::sinks::event_history::{Config, Error, EventHistory, HistorySink, Page, Query, has};
use tempfile::TempDir;

pub(crate) const DEFAULT: &str = "123456789012";
pub(crate) const OTHER: &str = "210987654321";
/// Not registered: the default account's history has its events.
pub(crate) const ADOPTED: &str = "999999999999";
pub(crate) const PRINCIPAL: &str = "arn:aws:iam::123456789012:root";
/// 2026-11-20T00:00:00Z.
pub(crate) const NOW_S: i64 = 1_795_132_800;
pub(crate) const DAY_S: i64 = 86_400;

struct Now(AtomicI64);

impl Clock for Now {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::Relaxed) * 1_000_000
    }
}

/// An event to come.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) id: String,
    pub(crate) time_s: i64,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) user: String,
    pub(crate) access_key: String,
    pub(crate) bucket: Option<String>,
    pub(crate) read_only: bool,
    pub(crate) insight: bool,
    pub(crate) data: bool,
}

pub(crate) fn event(id: &str, time_s: i64) -> Arrival {
    Arrival {
        id: id.into(),
        time_s,
        account: DEFAULT.into(),
        region: "us-east-1".into(),
        name: "ListThings".into(),
        source: "things.amazonaws.com".into(),
        user: "someone".into(),
        access_key: "AKIAEXAMPLE".into(),
        bucket: None,
        read_only: true,
        insight: false,
        data: false,
    }
}

impl Arrival {
    pub(crate) fn admit(&self) -> Event {
        let time = time::OffsetDateTime::from_unix_timestamp(self.time_s).unwrap();
        let time = time.format(&time::format_description::well_known::Rfc3339).unwrap();
        let category = match (self.insight, self.data) {
            (true, _) => "Insight",
            (_, true) => "Data",
            _ => "Management",
        };
        let record = serde_json::json!({
            "eventVersion": "1.11",
            "userIdentity": {"type": "IAMUser", "userName": self.user, "accessKeyId": self.access_key},
            "eventTime": time,
            "eventSource": self.source,
            "eventName": self.name,
            "awsRegion": self.region,
            "requestParameters": self.bucket.as_ref().map(|bucket| serde_json::json!({"bucketName": bucket})),
            "eventID": self.id,
            "readOnly": self.read_only,
            "eventCategory": category,
            "recipientAccountId": self.account,
        });
        let region = self.region.parse().unwrap();
        let account = self.account.parse().unwrap();
        let admission = Admission { account, region: &region, ordinal: 0, size_max: 262_144 };
        Event::admit(record.to_string().as_bytes(), &admission).unwrap()
    }
}

/// What runs in the folder.
struct Rooms {
    journal: Journal,
    catalog: Catalog,
    feed: Feed,
    history: EventHistory,
    sink: Option<HistorySink>,
}

pub(crate) struct House {
    dir: TempDir,
    now: Arc<Now>,
    config: Config,
    rooms: Rooms,
    /// Every event, by position.
    events: Vec<(Event, Origin, Route)>,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let regions: BTreeSet<_> = ["us-east-1", "eu-west-1"].map(|region| region.parse().unwrap()).into();
        let mut config = Config { regions, ..Config::default() };
        configure(&mut config);
        let dir = tempfile::tempdir().unwrap();
        let now = Arc::new(Now(AtomicI64::new(NOW_S)));
        let rooms = Rooms::open(&dir, &now, &config).await;
        Self { dir, now, config, rooms, events: Vec::new() }
    }

    pub(crate) fn history_dir(&self) -> PathBuf {
        self.dir.path().join("history")
    }

    pub(crate) fn history(&self) -> EventHistory {
        self.rooms.history.clone()
    }

    pub(crate) fn sink(&mut self) -> &mut HistorySink {
        self.rooms.sink.as_mut().unwrap()
    }

    pub(crate) fn pass_s(&self, seconds: i64) {
        self.now.0.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The folder's segment files, sorted.
    pub(crate) fn segment_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = self.history_dir().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    pub(crate) async fn record(&mut self, arrivals: Vec<Arrival>) {
        self.record_as(arrivals, Origin::Ingest, Route::LIVE).await;
    }

    /// Events into the journal, and from there into history.
    pub(crate) async fn record_as(&mut self, arrivals: Vec<Arrival>, origin: Origin, route: Route) {
        let events: Vec<_> = arrivals.iter().map(Arrival::admit).collect();
        let entries = events.iter().map(|event| entry(event, origin, route)).collect();
        let positions = self.rooms.append(entries).await;
        assert_eq!(positions.start, self.events.len() as Position);
        self.events.extend(events.into_iter().map(|event| (event, origin, route)));
        self.pump().await;
    }

    /// Events into the journal alone.
    pub(crate) async fn append(&self, arrivals: Vec<Arrival>) -> Range<Position> {
        let entries = arrivals.iter().map(|arrival| entry(&arrival.admit(), Origin::Ingest, Route::LIVE));
        self.rooms.append(entries.collect()).await
    }

    /// Gives history all that the journal has.
    pub(crate) async fn pump(&mut self) {
        let feed = self.rooms.feed.clone();
        let sink = self.sink();
        let mut position = sink.cursor().await.unwrap();
        while position < feed.committed() {
            let batch = feed.next(position).await.unwrap();
            sink.write(&batch).await.unwrap();
            position = batch.end;
        }
    }

    /// What is due is done, to the end.
    pub(crate) async fn tick(&mut self) {
        for _ in 0..3 {
            let now_us = self.now.now_us();
            self.sink().tick(now_us).await.unwrap();
            let _ = self.sink().settle().await;
        }
    }

    /// Everything in memory is sealed; then what is due is done.
    pub(crate) async fn seal(&mut self) {
        self.seal_without_merging().await;
        self.tick().await;
    }

    pub(crate) async fn seal_without_merging(&mut self) {
        self.sink().settle().await.unwrap();
        self.sink().seal().await.unwrap();
    }

    /// Stops as kill -9 does and starts again, without reading the journal.
    pub(crate) async fn reopen(&mut self) {
        self.rooms.close().await;
        self.rooms = Rooms::open(&self.dir, &self.now, &self.config).await;
    }

    pub(crate) async fn restart(&mut self) {
        self.reopen().await;
        self.pump().await;
    }

    /// The sink leaves for a follower.
    pub(crate) fn into_follower(mut self) -> (Self, Follower<HistorySink>) {
        let sink = self.rooms.sink.take().unwrap();
        let follower = Follower::new(sink, self.rooms.feed.clone(), Arc::clone(&self.now) as _);
        (self, follower)
    }

    pub(crate) async fn try_lookup(&self, query: Query) -> Result<Page, Error> {
        self.rooms.history.lookup(query).await
    }

    pub(crate) async fn lookup(&self, query: Query) -> Page {
        self.try_lookup(query).await.unwrap()
    }

    /// A value of `key` that some event has.
    pub(crate) fn value(&self, key: AttributeKey, pick: usize) -> Option<(AttributeKey, String)> {
        let (event, _, _) = self.events.get(pick.checked_rem(self.events.len())?)?;
        let facts = facts(event);
        let mut resources = facts.resources.into_iter();
        let value = match key {
            AttributeKey::EventId => Some(facts.event_id),
            AttributeKey::EventName => Some(facts.event_name),
            AttributeKey::EventSource => Some(facts.event_source),
            AttributeKey::ReadOnly => facts.read_only.map(|read_only| read_only.to_string()),
            AttributeKey::Username => facts.username,
            AttributeKey::AccessKeyId => facts.access_key_id,
            AttributeKey::ResourceName => resources.next().map(|resource| resource.name),
            AttributeKey::ResourceType => resources.next().and_then(|resource| resource.type_),
        };
        Some((key, value?))
    }

    /// The positions of the answers to `query`, all pages.
    pub(crate) fn model(&self, query: &Query) -> Vec<Position> {
        let live_from_s = self.now.now_us() / 1_000_000 - self.config.retention_us / 1_000_000;
        let owner = |event: &Event| if event.account().as_str() == OTHER { OTHER } else { DEFAULT };
        let mut found: Vec<_> = (0u64..)
            .zip(&self.events)
            .filter(|(_, (event, origin, route))| {
                let at_s = event.event_time_s();
                let facts = facts(event);
                route.has(Route::HISTORY)
                    && owner(event) == query.owner.as_str()
                    && event.category() == query.category
                    && query.category != Category::Data
                    && query.region.as_ref().is_none_or(|region| region.as_str() == event.region())
                    && (*origin == Origin::Import || at_s >= live_from_s)
                    && query.start_s.is_none_or(|start_s| at_s >= start_s)
                    && query.end_s.is_none_or(|end_s| at_s <= end_s)
                    && query.filters.iter().all(|(key, value)| has(&facts, *key, value))
            })
            .map(|(position, (event, _, _))| (event.event_time_s(), position))
            .collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.into_iter().map(|(_, position)| position).collect()
    }
}

impl Rooms {
    async fn open(dir: &TempDir, now: &Arc<Now>, config: &Config) -> Self {
        let clock = Arc::clone(now);
        let options = journal::Options { free_bytes_min: 0, control_free_bytes_min: 0, ..journal::Options::default() };
        let clock_us = Arc::new(move || clock.now_us());
        let (journal, _) = Journal::open(&dir.path().join("journal"), options, clock_us).unwrap();
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
        let default = DEFAULT.parse().unwrap();
        let accounts = Accounts::new(default, [(OTHER.parse().unwrap(), "other".to_owned())]);
        let history_dir = dir.path().join("history");
        let ready_at = journal.committed();
        let clock = Arc::clone(now) as _;
        let (history, sink) =
            EventHistory::open(&history_dir, &catalog, accounts, clock, config.clone(), ready_at).await.unwrap();
        Self { feed: Feed::new(journal.clone()), journal, catalog, history, sink: Some(sink) }
    }

    async fn append(&self, entries: Vec<Entry>) -> Range<Position> {
        let bytes = entries.iter().map(Entry::bytes).sum();
        let permit = self.journal.reserve(bytes, Kind::Event, Duration::from_secs(10)).await.unwrap();
        let commit = self.journal.enqueue(permit, entries).await.unwrap();
        commit.first..commit.end
    }

    /// Lets tasks that hold the catalog end, as a crash would.
    async fn close(&mut self) {
        if let Some(mut sink) = self.sink.take() {
            let _ = sink.settle().await;
        }
        self.journal.close();
        self.catalog.close().await;
    }
}

fn entry(event: &Event, origin: Origin, route: Route) -> Entry {
    Entry {
        kind: Kind::Event,
        ledger: Bytes::from(format!("{}/{}", event.account(), event.region())),
        origin: origin as u8,
        flags: route.bits(),
        principal: Bytes::from_static(PRINCIPAL.as_bytes()),
        payload: event.bytes().clone(),
    }
}
