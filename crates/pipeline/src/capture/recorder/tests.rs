use std::sync::Arc;

use cloudtrail::event::{Admission, Event, SIZE_MAX};
use tempfile::TempDir;

use super::*;
use crate::clock::Clock;
use crate::route::table::Table;

struct Noon;

impl Clock for Noon {
    fn now_us(&self) -> i64 {
        1_795_132_800_000_000
    }
}

fn recorder(dir: &TempDir) -> Recorder {
    let options = journal::Options { free_bytes_min: 0, control_free_bytes_min: 0, ..journal::Options::default() };
    let (journal, _) = Journal::open(&dir.path().join("journal"), options, Arc::new(|| Noon.now_us())).unwrap();
    let parts = Parts {
        routes: Table { history_retention_us: i64::MAX, ..Table::default() }.shared(),
        accounts: Accounts::new("123456789012".parse().unwrap(), []),
        clock: Arc::new(Noon),
        seen: seen::Options { table_entries_max: 4, ..seen::Options::default() },
        wait: WAIT,
    };
    Recorder::open(journal, &dir.path().join("seen"), parts).unwrap().0
}

fn event(n: usize) -> Event {
    let json = format!(
        r#"{{"eventTime":"2026-11-20T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","eventID":"{n}"}}"#
    );
    let account = "123456789012".parse().unwrap();
    let admission = Admission { account, region: &"us-east-1".parse().unwrap(), ordinal: 0, size_max: SIZE_MAX };
    Event::admit(json.as_bytes(), &admission).unwrap()
}

async fn send(recorder: &Recorder, events: impl IntoIterator<Item = usize>) -> Result<(u64, u64), RecordError> {
    let sender = Sender::own("123456789012".parse().unwrap());
    let events = events.into_iter().map(event).collect();
    let outcome = recorder.record(events, Origin::Ingest, None, &sender).await?;
    Ok((outcome.accepted, outcome.duplicates))
}

/// What a full disk leaves behind: events are remembered that the journal does not have, and positions are given again.
#[tokio::test]
async fn events_that_the_journal_took_back_are_taken_when_they_come_again() {
    let dir = TempDir::new().unwrap();
    let recorder = recorder(&dir);
    assert_eq!(send(&recorder, 0..3).await, Ok((3, 0)));
    let seen = &recorder.inner.seen;
    let probe = seen.probe(vec![seen::Entry::of(&event(7)), seen::Entry::of(&event(8))]);
    let mut turn = seen.turn();
    assert_eq!((turn.judge(&probe, 0), turn.judge(&probe, 1)), (Verdict::New, Verdict::New));
    assert_eq!(turn.end(3..5, 0, 1), Placed::Yes);

    let refused = send(&recorder, [1, 7, 9]).await;
    assert_eq!(refused, Err(RecordError::BUSY), "what is remembered may be wrong");
    assert_eq!(send(&recorder, [1, 7, 9]).await, Ok((1, 2)));
    assert_eq!(send(&recorder, [0, 1, 2, 7, 8, 9]).await, Ok((1, 5)));
}
