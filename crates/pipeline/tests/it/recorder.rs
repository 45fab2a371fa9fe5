//! The recorder on a real journal: what is acknowledged is in the journal, once.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod stores;

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::event::{Admission, Event, RejectionCode, SIZE_MAX};
use cloudtrail::region::Region;
use cloudtrail::selectors::{AdvancedEventSelector, Selectors};
use journal::{Frame, Journal, Kind};
use pipeline::accounts::Accounts;
use pipeline::capture::origin::{Origin, Route};
use pipeline::capture::parcel::Parcel;
use pipeline::capture::recorder::{Outcome, Parts, RecordError, Recorder, Sender, WAIT};
use pipeline::capture::seen::{Options, Upkeep};
use pipeline::clock::Clock;
use pipeline::route::table::{Table, TrailRoute};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const DEFAULT: &str = "123456789012";
const OTHER: &str = "210987654321";
const UNKNOWN: &str = "999999999999";
/// 2026-11-20T00:00:00Z.
const NOW_S: i64 = 1_795_132_800;
const DAY_S: i64 = 86_400;

struct Now(AtomicI64);

impl Clock for Now {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::Relaxed) * 1_000_000
    }
}

/// Holds the journal's writer back: it asks the time before it writes a group.
#[derive(Default)]
struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn set(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
        self.changed.notify_all();
    }

    fn pass(&self) {
        drop(self.changed.wait_while(self.closed.lock().unwrap(), |closed| *closed).unwrap());
    }
}

struct Site {
    dir: TempDir,
    now: Arc<Now>,
    gate: Arc<Gate>,
    table: Table,
    options: Options,
    wait: Duration,
}

/// A running door.
struct Door {
    journal: Journal,
    recorder: Recorder,
    upkeep: Upkeep,
}

impl Site {
    fn new() -> Self {
        let day_us = DAY_S * 1_000_000;
        Self {
            dir: TempDir::new().unwrap(),
            now: Arc::new(Now(AtomicI64::new(NOW_S))),
            gate: Arc::default(),
            table: Table { history_retention_us: 90 * day_us, ..Table::default() },
            options: Options::default(),
            wait: WAIT,
        }
    }

    fn open(&self) -> Door {
        let options = journal::Options { free_bytes_min: 0, control_free_bytes_min: 0, ..journal::Options::default() };
        let (now, gate) = (Arc::clone(&self.now), Arc::clone(&self.gate));
        let clock: journal::Clock = Arc::new(move || {
            gate.pass();
            now.now_us()
        });
        let (journal, _) = Journal::open(&self.dir.path().join("journal"), options, clock).unwrap();
        let parts = Parts {
            routes: self.table.clone().shared(),
            accounts: Accounts::new(account(DEFAULT), [(account(OTHER), "other".to_owned())]),
            clock: self.now.clone(),
            seen: self.options,
            wait: self.wait,
        };
        let (recorder, upkeep) = Recorder::open(journal.clone(), &self.dir.path().join("seen"), parts).unwrap();
        Door { journal, recorder, upkeep }
    }

    fn runs(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.dir.path().join("seen")).unwrap();
        files.map(|file| file.unwrap().path()).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Door {
    async fn send(&self, events: Vec<Event>) -> Outcome {
        self.recorder.record(events, Origin::Ingest, None, &root()).await.unwrap()
    }

    fn frames(&self) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut at = self.journal.first();
        while at < self.journal.committed() {
            frames.extend(self.journal.read(at, 1 << 20).unwrap());
            at = frames.last().unwrap().position + 1;
        }
        frames
    }

    /// How often each event is in the journal, by its bytes.
    fn kept(&self) -> BTreeMap<Bytes, usize> {
        let mut kept = BTreeMap::new();
        for frame in self.frames().into_iter().filter(|frame| frame.kind == Kind::Event) {
            *kept.entry(frame.payload).or_default() += 1;
        }
        kept
    }

    /// Ends as the program does when it is told to.
    async fn finish(self) {
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        self.upkeep.run(shutdown).await;
        self.journal.close();
    }

    /// Ends without writing anything more.
    fn die(self) {
        self.journal.close();
    }
}

fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

fn root() -> Sender {
    let principal = format!("arn:aws:iam::{DEFAULT}:root").into();
    Sender { account: account(DEFAULT), adopt: true, any_account: false, principal }
}

fn admit(json: &str) -> Event {
    let region: Region = "us-east-1".parse().unwrap();
    let admission = Admission { account: account(DEFAULT), region: &region, ordinal: 0, size_max: SIZE_MAX };
    Event::admit(json.as_bytes(), &admission).unwrap()
}

fn event_at(id: &str, time_s: i64, more: &str) -> Event {
    let time = cloudtrail::event::time_text(time_s);
    admit(&format!(
        r#"{{"eventTime":"{time}","eventSource":"s3.amazonaws.com","eventName":"X","awsRegion":"eu-west-1","eventID":"{id}"{more}}}"#
    ))
}

fn event(id: &str) -> Event {
    event_at(id, NOW_S, "")
}

fn event_of(id: &str, owner: &str) -> Event {
    event_at(id, NOW_S, &format!(r#","recipientAccountId":"{owner}""#))
}

fn counts(outcome: &Outcome) -> (u64, u64, u64, u64) {
    (outcome.accepted, outcome.duplicates, outcome.conflicts, outcome.expired)
}

async fn poll_once<F: Future>(future: &mut Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[tokio::test]
async fn an_event_that_comes_twice_is_kept_once() {
    let site = Site::new();
    let door = site.open();
    let outcome = door.send(vec![event("a"), event("b"), event("a")]).await;
    assert_eq!(counts(&outcome), (2, 1, 0, 0));
    assert_eq!(outcome.end, 2);
    let again = door.send(vec![event("b"), event("c")]).await;
    assert_eq!((counts(&again), again.end), ((1, 1, 0, 0), 3));
    let only_old = door.send(vec![event("a")]).await;
    assert_eq!((counts(&only_old), only_old.end), ((0, 1, 0, 0), 3));
    assert!(door.kept().values().all(|times| *times == 1));
    let other_places = vec![event_of("a", OTHER), event_of("a", UNKNOWN)];
    let owner = Sender { account: account(OTHER), ..root() };
    let outcome = door.recorder.record(other_places, Origin::Ingest, None, &owner).await.unwrap();
    assert_eq!(counts(&outcome), (2, 0, 0, 0), "another account's event is another event");
}

#[tokio::test]
async fn the_journal_has_the_bytes_and_where_they_come_from() {
    let site = Site::new();
    let door = site.open();
    let sent = event("a");
    door.send(vec![sent.clone()]).await;
    door.recorder.record(vec![event("b")], Origin::Own, None, &Sender::own(account(DEFAULT))).await.unwrap();
    door.recorder.record(vec![event("c")], Origin::Ingest, Some(Route::HISTORY), &root()).await.unwrap();
    door.recorder.record(vec![event("d")], Origin::Import, None, &root()).await.unwrap();
    let room = door.recorder.admit_room(1024, WAIT).await.unwrap();
    let placed = door.recorder.record_in(room, event("e"), Origin::Proxy, &Sender::own(account(DEFAULT))).await.unwrap();
    assert_eq!(counts(&placed.durable().await.unwrap()[0]), (1, 0, 0, 0));
    let commit = door.recorder.control("123456789012/eu-west-1", Bytes::from_static(b"cut")).await.unwrap();
    assert_eq!((commit.first, commit.end, door.recorder.committed()), (5, 6, 6));
    let frames = door.frames();
    assert_eq!(frames[0].payload, sent.bytes());
    assert_eq!(frames[0].ledger, "123456789012/eu-west-1");
    assert_eq!(frames[0].principal, "arn:aws:iam::123456789012:root");
    let how: Vec<_> = frames.iter().map(|frame| (frame.kind, Origin::from_stored(frame.origin).unwrap(), frame.flags)).collect();
    let import = Route::HISTORY.with(Route::STORES).bits();
    assert_eq!(
        how,
        [
            (Kind::Event, Origin::Ingest, Route::LIVE.bits()),
            (Kind::Event, Origin::Own, Route::LIVE.bits()),
            (Kind::Event, Origin::Import, Route::HISTORY.bits()),
            (Kind::Event, Origin::Import, import),
            (Kind::Event, Origin::Proxy, Route::LIVE.bits()),
            (Kind::Control, Origin::Own, 0),
        ]
    );
}

#[tokio::test]
async fn other_content_under_the_same_identity_is_kept_too() {
    let site = Site::new();
    let door = site.open();
    let forged = event_at("a", NOW_S, r#","errorCode":"x""#);
    assert_eq!(counts(&door.send(vec![forged.clone()]).await), (1, 0, 0, 0));
    assert_eq!(counts(&door.send(vec![event("a"), forged]).await), (1, 1, 1, 0));
    assert_eq!(door.kept().len(), 2);
}

#[tokio::test]
async fn a_duplicate_of_an_event_in_flight_waits_for_the_original() {
    let site = Site::new();
    let door = site.open();
    site.gate.set(true);
    let mut original = pin!(door.send(vec![event("a")]));
    let mut duplicate = pin!(door.send(vec![event("a")]));
    assert!(poll_once(&mut original).await.is_none());
    assert!(poll_once(&mut duplicate).await.is_none());
    assert_eq!(door.journal.committed(), 0);
    site.gate.set(false);
    assert_eq!(counts(&duplicate.await), (0, 1, 0, 0));
    assert_eq!(door.journal.committed(), 1, "the original is on disk when its duplicate is answered");
    assert_eq!(counts(&original.await), (1, 0, 0, 0));
}

#[tokio::test]
async fn who_goes_away_leaves_nothing_half_done() {
    let site = Site::new();
    let door = site.open();
    site.gate.set(true);
    {
        let mut gone = pin!(door.send(vec![event("a")]));
        assert!(poll_once(&mut gone).await.is_none());
    }
    site.gate.set(false);
    assert_eq!(counts(&door.send(vec![event("a")]).await), (0, 1, 0, 0));
    assert_eq!(door.kept().len(), 1);
}

#[tokio::test]
async fn what_nothing_keeps_is_expired() {
    let mut site = Site::new();
    let old = NOW_S - 91 * DAY_S;
    let data = r#","managementEvent":false,"eventCategory":"Data""#;
    let events = || vec![event("now"), event_at("old", old, ""), event_at("data", NOW_S, data)];
    let send = async |site: &Site, origin, route| {
        let door = site.open();
        let outcome = door.recorder.record(events(), origin, route, &root()).await.unwrap();
        let kept = door.frames().iter().map(|frame| frame.flags).collect::<Vec<_>>();
        door.die();
        std::fs::remove_dir_all(site.dir.path().join("journal")).unwrap();
        (counts(&outcome), kept)
    };
    let (live, history) = (Route::LIVE.bits(), Route::HISTORY.bits());
    assert_eq!(send(&site, Origin::Ingest, None).await, ((1, 0, 0, 2), vec![live]));
    assert_eq!(send(&site, Origin::Ingest, Some(Route::HISTORY)).await, ((2, 0, 0, 1), vec![history; 2]));
    assert_eq!(send(&site, Origin::Ingest, Some(Route::TRAILS)).await, ((0, 0, 0, 3), vec![]));
    site.table.import_retention_us = Some(DAY_S * 1_000_000);
    assert_eq!(send(&site, Origin::Ingest, Some(Route::HISTORY)).await, ((1, 0, 0, 2), vec![history]));

    site.table.trails = vec![Arc::new(trail_of_everything())];
    let beside_history = Route::TRAILS.with(Route::STORES).bits();
    assert_eq!(send(&site, Origin::Ingest, None).await, ((3, 0, 0, 0), vec![live, beside_history, beside_history]));
    assert_eq!(send(&site, Origin::Ingest, Some(Route::TRAILS)).await, ((3, 0, 0, 0), vec![Route::TRAILS.bits(); 3]));
    assert_eq!(send(&site, Origin::Import, None).await.0, (1, 0, 0, 2), "an import goes to no trail unasked");
    site.table.trails = vec![Arc::new(TrailRoute { logging: false, ..trail_of_everything() })];
    assert_eq!(send(&site, Origin::Ingest, None).await.0, (1, 0, 0, 2), "a stopped trail keeps nothing");
}

fn trail_of_everything() -> TrailRoute {
    let selector = |category: &str| -> AdvancedEventSelector {
        let json = format!(r#"{{"FieldSelectors":[{{"Field":"eventCategory","Equals":["{category}"]}}]}}"#);
        serde_json::from_str(&json).unwrap()
    };
    TrailRoute {
        arn: format!("arn:aws:cloudtrail:eu-west-1:{DEFAULT}:trail/all"),
        account: account(DEFAULT),
        home_region: "eu-west-1".parse().unwrap(),
        multi_region: true,
        global_events: true,
        logging: true,
        matcher: Selectors::Advanced(vec![selector("Management"), selector("Data")]).compile(),
        regions: Arc::new(["eu-west-1".parse().unwrap()].into()),
    }
}

#[tokio::test]
async fn a_sender_sends_what_it_may() {
    let site = Site::new();
    let door = site.open();
    let events = || {
        let events = vec![event_of("a", DEFAULT), event_of("b", OTHER), event_of("c", UNKNOWN)];
        Parcel { events: [4, 2, 7].into_iter().zip(events).collect(), rejected: Vec::new() }
    };
    for (sender, adopt, refused) in
        [(DEFAULT, false, &[2, 7][..]), (OTHER, false, &[4, 7]), (DEFAULT, true, &[2]), (OTHER, true, &[4])]
    {
        let sender = Sender { account: account(sender), adopt, any_account: false, principal: "token".into() };
        let outcome = door.recorder.record_parcel(events(), Origin::Ingest, None, &sender).await.unwrap();
        let indexes: Vec<usize> = outcome.rejected.iter().map(|rejected| rejected.index).collect();
        assert_eq!(indexes, refused, "{sender:?}");
        assert!(outcome.rejected.iter().all(|rejected| rejected.code == RejectionCode::AccountNotPermitted));
        assert_eq!(outcome.accepted + outcome.duplicates, 3 - refused.len() as u64);
    }
}

#[tokio::test]
async fn parcels_are_answered_each_for_itself() {
    let site = Site::new();
    let door = site.open();
    let parcels: Vec<Parcel> = (0..1000).map(|n| vec![event(&format!("e{n}")), event(&format!("e{}", n / 2))].into()).collect();
    let outcomes = door.recorder.enqueue(parcels, Origin::Import, None, &root()).await.unwrap().durable().await.unwrap();
    assert_eq!(outcomes.len(), 1000);
    assert_eq!(counts(&outcomes[0]), (1, 1, 0, 0));
    assert!(outcomes.iter().all(|outcome| counts(outcome) == (1, 1, 0, 0)));
    assert_eq!(door.journal.committed(), 1000);
}

#[tokio::test]
async fn a_request_larger_than_the_queue_is_kept_in_pieces() {
    let site = Site::new();
    let door = site.open();
    let filling = "x".repeat(250_000);
    let events: Vec<Event> =
        (0..300).map(|n| event_at(&format!("e{n}"), NOW_S, &format!(r#","requestParameters":{{"x":"{filling}"}}"#))).collect();
    let again = events.clone();
    assert_eq!(counts(&door.send(events).await), (300, 0, 0, 0));
    assert_eq!(counts(&door.send(again).await), (0, 300, 0, 0));
}

#[tokio::test]
async fn a_journal_that_has_stopped_acknowledges_nothing() {
    let site = Site::new();
    let door = site.open();
    door.send(vec![event("a")]).await;
    assert_eq!(door.recorder.ready(), Ok(()));
    door.journal.close();
    for id in ["a", "b"] {
        let refused = door.recorder.record(vec![event(id)], Origin::Ingest, None, &root()).await;
        assert!(matches!(refused, Err(RecordError::Unavailable { .. })), "{refused:?}");
    }
    assert!(door.recorder.control("x", Bytes::new()).await.is_err());
    drop(door);
    let door = site.open();
    assert_eq!(counts(&door.send(vec![event("a"), event("b")]).await), (1, 1, 0, 0));
}

#[tokio::test]
async fn who_finds_no_room_is_told_to_come_back() {
    let mut site = Site::new();
    site.options = Options { table_entries_max: 1, tables_waiting_max: 2, ..Options::default() };
    site.wait = Duration::ZERO;
    let door = site.open();
    door.send(vec![event("a")]).await;
    door.send(vec![event("b")]).await;
    let busy = door.recorder.record(vec![event("c")], Origin::Ingest, None, &root()).await;
    assert!(matches!(busy, Err(RecordError::Busy { .. })), "{busy:?}");
    assert_eq!(door.recorder.status().seen.tables_waiting, 2);
}

#[tokio::test]
async fn room_taken_beforehand_is_used_by_who_took_it() {
    let site = Site::new();
    let door = site.open();
    let whole = journal::Options::default().queue_bytes_max;
    let room = door.recorder.admit_room(whole, Duration::ZERO).await.unwrap();
    let refused = door.recorder.admit_room(1, Duration::ZERO).await;
    assert!(matches!(refused, Err(RecordError::Busy { .. })), "{refused:?}");
    let placed = door.recorder.record_in(room, event("a"), Origin::Proxy, &root()).await.unwrap();
    assert_eq!(counts(&placed.durable().await.unwrap()[0]), (1, 0, 0, 0));
    let room = door.recorder.admit_room(whole, WAIT).await.unwrap();
    drop(room);
    door.journal.close();
    assert!(matches!(door.recorder.admit_room(1, WAIT).await, Err(RecordError::Unavailable { .. })));
}

#[tokio::test]
async fn a_restart_remembers_whether_it_was_told_to_end_or_killed() {
    let mut site = Site::new();
    site.options = Options { table_entries_max: 64, ..Options::default() };
    let all = |range: std::ops::Range<usize>| range.map(|n| event(&format!("e{n}"))).collect::<Vec<_>>();
    let door = site.open();
    door.send(all(0..100)).await;
    door.recorder.control("x", Bytes::from_static(b"control")).await.unwrap();
    door.finish().await;
    assert!(!site.runs().is_empty());

    let door = site.open();
    assert_eq!(door.recorder.checkpoint(), 100, "nothing but a control record was to be read back");
    assert_eq!(counts(&door.send(all(0..150)).await), (50, 100, 0, 0));
    door.die();

    let door = site.open();
    assert_eq!(counts(&door.send(all(0..200)).await), (50, 150, 0, 0));
    door.finish().await;
    assert_eq!(counts(&site.open().send(all(0..200)).await), (0, 200, 0, 0));
}

#[tokio::test]
async fn a_damaged_run_never_keeps_the_door_shut() {
    let mut site = Site::new();
    site.options = Options { table_entries_max: 50, ..Options::default() };
    let all = || (0..100).map(|n| event(&format!("e{n}"))).collect::<Vec<_>>();
    let door = site.open();
    door.send(all()).await;
    door.finish().await;
    for run in site.runs() {
        let length = std::fs::metadata(&run).unwrap().len();
        std::fs::OpenOptions::new().write(true).open(&run).unwrap().set_len(length - 1).unwrap();
    }
    let door = site.open();
    assert_eq!(counts(&door.send(all()).await), (0, 100, 0, 0));
    door.die();
    for run in site.runs() {
        std::fs::remove_file(run).unwrap();
    }
    assert_eq!(counts(&site.open().send(all()).await), (0, 100, 0, 0));
}

/// Many senders of the same events, little tables, merges, restarts: each event is in the journal once, and each is
/// accepted once at most.
#[test]
fn many_senders_of_the_same_events_keep_each_once() {
    let config = ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() };
    let strategy = (prop::collection::vec(prop::collection::vec(0..400_u32, 1..60), 4..24), 1..4_usize, 2..40_usize);
    let outcome = TestRunner::new(config).run(&strategy, |(requests, lives, table_entries_max)| {
        let mut site = Site::new();
        site.options = Options { table_entries_max, ..Options::default() };
        let mut accepted = 0;
        for life in 0..lives {
            accepted += runtime().block_on(one_life(&site, &requests, life % 2 == 0));
        }
        let distinct: BTreeSet<u32> = requests.iter().flatten().copied().collect();
        let door = site.open();
        let kept = door.kept();
        prop_assert_eq!(kept.len(), distinct.len());
        prop_assert!(kept.values().all(|times| *times == 1));
        prop_assert_eq!(accepted, distinct.len() as u64);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

async fn one_life(site: &Site, requests: &[Vec<u32>], finish: bool) -> u64 {
    let door = site.open();
    let shutdown = CancellationToken::new();
    let Door { journal, recorder, upkeep } = door;
    let upkeep = tokio::spawn(upkeep.run(shutdown.clone()));
    let senders: Vec<_> = requests
        .iter()
        .map(|ids| {
            let (recorder, events) = (recorder.clone(), ids.iter().map(|id| event(&format!("e{id}"))).collect());
            tokio::spawn(async move { recorder.record(events, Origin::Ingest, None, &root()).await.unwrap().accepted })
        })
        .collect();
    let mut accepted = 0;
    for sender in senders {
        accepted += tokio::time::timeout(Duration::from_mins(1), sender).await.expect("no sender hangs").unwrap();
    }
    if finish {
        shutdown.cancel();
        upkeep.await.unwrap();
    } else {
        upkeep.abort();
    }
    journal.close();
    accepted
}
