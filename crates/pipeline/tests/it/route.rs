//! The feed, its followers and the trimming of the journal, on a real journal.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use catalog::{Catalog, cursors};
use journal::{Entry, Journal, Kind, Options, Position};
use pipeline::clock::{Clock, SharedClock, SystemClock};
use pipeline::route::batch::{Batch, Item};
use pipeline::route::feed::{Feed, FeedError};
use pipeline::route::follower::{Follower, Sink, SinkError};
use pipeline::route::trim::Trim;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const RECORD: &str = r#"{"eventVersion":"1.11","eventTime":"2026-11-20T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"GetUser","awsRegion":"us-east-1","eventID":"7c9a","recipientAccountId":"123456789012"}"#;

fn journal(segment_bytes: u64) -> (TempDir, Journal) {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes, free_bytes_min: 0, control_free_bytes_min: 0, ..Options::default() };
    let (journal, _) = Journal::open(&dir.path().join("journal"), options, Arc::new(|| SystemClock.now_us())).unwrap();
    (dir, journal)
}

fn entry(kind: Kind, payload: &str) -> Entry {
    Entry {
        kind,
        ledger: Bytes::from_static(b"123456789012/us-east-1"),
        origin: 2,
        flags: 7,
        principal: Bytes::from_static(b"arn:aws:iam::123456789012:root"),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
    }
}

async fn append(journal: &Journal, entries: Vec<Entry>) -> Position {
    let bytes = entries.iter().map(Entry::bytes).sum();
    let permit = journal.reserve(bytes, Kind::Event, Duration::from_secs(10)).await.unwrap();
    journal.enqueue(permit, entries).await.unwrap().end
}

/// What a sink was given.
#[derive(Debug, PartialEq, Eq)]
enum Given {
    Batch(Position, Position),
    Tick,
    Finish,
}

/// A sink that tells what it was given, and fails as often as it should.
struct Witness {
    from: Position,
    given: mpsc::UnboundedSender<Given>,
    failures: Vec<SinkError>,
}

impl Sink for Witness {
    fn name(&self) -> String {
        "witness".to_owned()
    }

    async fn cursor(&mut self) -> Result<Position, SinkError> {
        Ok(self.from)
    }

    async fn write(&mut self, batch: &Arc<Batch>) -> Result<(), SinkError> {
        self.given.send(Given::Batch(batch.first, batch.end)).unwrap();
        self.failures.pop().map_or(Ok(()), Err)
    }

    async fn tick(&mut self, now_us: i64) -> Result<i64, SinkError> {
        self.given.send(Given::Tick).unwrap();
        Ok(now_us + 3_600_000_000)
    }

    async fn finish(&mut self) -> Result<(), SinkError> {
        self.given.send(Given::Finish).unwrap();
        Ok(())
    }
}

fn witness(feed: &Feed, from: Position, failures: Vec<SinkError>) -> (Follower<Witness>, mpsc::UnboundedReceiver<Given>) {
    let (given, receiver) = mpsc::unbounded_channel();
    let clock: SharedClock = Arc::new(SystemClock);
    (Follower::new(Witness { from, given, failures }, feed.clone(), clock), receiver)
}

#[tokio::test]
async fn those_at_the_tail_share_what_is_decoded() {
    let (_dir, journal) = journal(64 << 20);
    let feed = Feed::new(journal.clone());
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let feed = feed.clone();
            tokio::spawn(async move { feed.next(0).await.unwrap() })
        })
        .collect();
    let end = append(&journal, vec![entry(Kind::Event, RECORD), entry(Kind::Control, "cut"), entry(Kind::Event, RECORD)]).await;
    assert_eq!(end, 3);
    let mut batches = Vec::new();
    for task in waiting {
        batches.push(task.await.unwrap());
    }
    assert!(batches.iter().all(|batch| Arc::ptr_eq(batch, &batches[0])));
    let batch = &batches[0];
    assert_eq!((batch.first, batch.end, batch.records().count()), (0, 3, 2));
    let Item::Control(control) = &batch.items[1] else { panic!("{batch:?}") };
    assert_eq!((control.position, &control.payload[..]), (1, &b"cut"[..]));
    assert_eq!(batch.items[2].position(), 2);
    let record = batch.records().next().unwrap();
    assert_eq!(record.event.bytes(), RECORD.as_bytes());
    assert_eq!(record.principal, "arn:aws:iam::123456789012:root");

    // Whoever begins in the middle gets the rest.
    let rest = feed.next(1).await.unwrap();
    assert_eq!((rest.first, rest.end, rest.items.len()), (1, 3, 2));
}

#[tokio::test]
async fn little_is_kept_and_all_is_read() {
    let (_dir, journal) = journal(64 << 20);
    let end = append(&journal, vec![entry(Kind::Event, RECORD); 30_000]).await;
    let feed = Feed::keeping(journal, 1);
    let (mut position, mut batches) = (0, 0);
    while position < end {
        let batch = feed.next(position).await.unwrap();
        assert_eq!(batch.first, position);
        assert_eq!(batch.items.len() as u64, batch.end - batch.first);
        position = batch.end;
        batches += 1;
    }
    assert!(batches > 1);
    assert_eq!(position, end);
}

#[tokio::test]
async fn an_entry_that_is_no_event_is_named_and_stops_its_followers() {
    let (_dir, journal) = journal(64 << 20);
    let good = append(&journal, vec![entry(Kind::Event, RECORD)]).await;
    let feed = Feed::new(journal.clone());
    let (follower, mut given) = witness(&feed, 0, Vec::new());
    let (status, stop) = (follower.status(), CancellationToken::new());
    let task = tokio::spawn(follower.run(stop.clone()));
    assert_eq!(given.recv().await, Some(Given::Tick));
    assert_eq!(given.recv().await, Some(Given::Batch(0, good)));

    append(&journal, vec![entry(Kind::Event, RECORD), entry(Kind::Event, r#"{"eventID":"#)]).await;
    let Err(FeedError::Damaged(damaged)) = feed.next(good).await else { panic!("read") };
    assert_eq!(damaged.position, good + 1);
    assert!(damaged.to_string().starts_with("journal entry 2 cannot be read: "), "{damaged}");

    // The follower stands still and says so; it is over only with the program.
    let problem = wait_for(|| status.problem()).await;
    assert!(problem.halted);
    assert_eq!(problem.reason, damaged.to_string());
    assert_eq!((status.position(), status.lag_entries()), (good, 2));
    stop.cancel();
    task.await.unwrap();
    assert_eq!(given.recv().await, None, "it was not given what came after");
}

#[tokio::test]
async fn what_failed_for_now_is_given_again() {
    let (_dir, journal) = journal(64 << 20);
    let feed = Feed::new(journal.clone());
    let end = append(&journal, vec![entry(Kind::Event, RECORD); 5]).await;
    let (follower, mut given) = witness(&feed, 2, vec![SinkError::Retry("busy".to_owned())]);
    let (status, stop) = (follower.status(), CancellationToken::new());
    let task = tokio::spawn(follower.run(stop.clone()));
    assert_eq!(given.recv().await, Some(Given::Tick));
    assert_eq!(given.recv().await, Some(Given::Batch(2, end)));
    let problem = wait_for(|| status.problem()).await;
    assert_eq!((problem.reason.as_str(), problem.halted), ("busy", false));
    assert!(status.lag_us(SystemClock.now_us() + 1) > 0);
    assert_eq!(given.recv().await, Some(Given::Batch(2, end)));
    let end_of_more = append(&journal, vec![entry(Kind::Event, RECORD)]).await;
    assert_eq!(given.recv().await, Some(Given::Batch(end, end_of_more)));
    wait_for(|| status.problem().is_none().then_some(())).await;
    stop.cancel();
    task.await.unwrap();
    assert_eq!(given.recv().await, Some(Given::Finish));
    assert_eq!(status.lag_us(i64::MAX), 0);
}

#[tokio::test]
async fn what_failed_for_good_stops_one_follower_alone() {
    let (_dir, journal) = journal(64 << 20);
    let feed = Feed::new(journal.clone());
    let (broken, mut given_to_broken) = witness(&feed, 0, vec![SinkError::Fatal("no such bucket".to_owned())]);
    let (sound, mut given_to_sound) = witness(&feed, 0, Vec::new());
    let (status, stop) = (broken.status(), CancellationToken::new());
    let tasks = [tokio::spawn(broken.run(stop.clone())), tokio::spawn(sound.run(stop.clone()))];
    for given in [&mut given_to_broken, &mut given_to_sound] {
        assert_eq!(given.recv().await, Some(Given::Tick));
    }
    let end = append(&journal, vec![entry(Kind::Event, RECORD)]).await;
    assert_eq!(given_to_broken.recv().await, Some(Given::Batch(0, end)));
    assert_eq!(given_to_sound.recv().await, Some(Given::Batch(0, end)));
    assert!(wait_for(|| status.problem()).await.halted);
    let more = append(&journal, vec![entry(Kind::Event, RECORD)]).await;
    assert_eq!(given_to_sound.recv().await, Some(Given::Batch(end, more)));
    stop.cancel();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(given_to_sound.recv().await, Some(Given::Finish));
    assert_eq!(given_to_broken.recv().await, None);
}

#[tokio::test]
async fn a_cursor_beyond_the_journal_is_an_alarm() {
    let (_dir, journal) = journal(64 << 20);
    let feed = Feed::new(journal);
    let (follower, _given) = witness(&feed, 7, Vec::new());
    let (status, stop) = (follower.status(), CancellationToken::new());
    let task = tokio::spawn(follower.run(stop.clone()));
    let problem = wait_for(|| status.problem()).await;
    assert!(problem.halted && problem.reason.contains('7'), "{problem:?}");
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn the_journal_is_kept_for_the_slowest() {
    let (dir, journal) = journal(4 << 10);
    for _ in 0..50 {
        append(&journal, vec![entry(Kind::Event, RECORD); 10]).await;
    }
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
    let seen = Arc::new(AtomicU64::new(450));
    let checkpoint = {
        let seen = Arc::clone(&seen);
        Arc::new(move || seen.load(Ordering::Relaxed))
    };
    let trim = Trim::new(journal.clone(), catalog.clone(), checkpoint, Duration::from_secs(1));
    assert_eq!(trim.trim().await.unwrap(), None, "nobody has said what is needed");

    let set = async |name: &str, position| {
        let mut tx = catalog.begin().await.unwrap();
        cursors::set(&mut tx, name, position).await.unwrap();
        tx.commit().await.unwrap();
    };
    set("event-history", 480).await;
    set("log-files", 200).await;
    assert_eq!(trim.trim().await.unwrap(), Some(200));
    assert!((1..=200).contains(&journal.first()), "{}", journal.first());
    set("log-files", 490).await;
    assert_eq!(trim.trim().await.unwrap(), Some(450));
    assert!((201..=450).contains(&journal.first()), "{}", journal.first());
    assert_eq!(Feed::new(journal.clone()).next(450).await.unwrap().first, 450);
    let Err(FeedError::Journal(journal::Error::Trimmed { .. })) = Feed::new(journal).next(0).await else {
        panic!("what was trimmed is there")
    };
}

/// Asks until there is an answer.
async fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        tokio::task::yield_now().await;
    }
}
