mod remote;
pub(crate) mod site;

use catalog::cursors;
use tokio_util::sync::CancellationToken;

use super::*;
use remote::{Remote, Reply};
use site::{Opened, Site, account, region};

const SENDER: SmolStr = SmolStr::new_static("proxy");

fn record(id: &str, more: &str) -> Event {
    let json = format!(
        r#"{{"eventTime":"2026-11-20T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"X","awsRegion":"eu-west-1","eventID":"{id}","recipientAccountId":"123456789012"{more}}}"#
    );
    event(json.as_bytes(), account(), &region()).unwrap()
}

fn unknown(id: &str) -> Event {
    record(id, r#","errorCode":"TrailkeepOutcomeUnknown""#)
}

async fn kept(ledger: &Ledger, event: Event) {
    let room = ledger.reserve(8 << 10).await.unwrap();
    assert_eq!(ledger.record(Some(room), event, &SENDER).await, Ok(Kept::Yes));
}

/// The eventID and the errorCode of each event in the journal.
fn told(opened: &Opened) -> Vec<(String, Option<String>)> {
    let told = |event: Event| (event.event_id().into_owned(), event.text("errorCode").map(std::borrow::Cow::into_owned));
    opened.events().into_iter().map(told).collect()
}

fn unknown_outcome(id: &str) -> (String, Option<String>) {
    (id.to_owned(), Some("TrailkeepOutcomeUnknown".to_owned()))
}

#[tokio::test]
async fn an_intent_without_a_record_becomes_one_once() {
    let site = Site::new();
    let opened = site.open().await;
    for id in ["recorded", "lost", "left"] {
        let intent = opened.ledger.intend(&unknown(id)).await.unwrap();
        match id {
            "recorded" => {
                kept(&opened.ledger, record(id, "")).await;
                intent.recorded();
            }
            "left" => intent.leave(),
            // The program dies here.
            _ => std::mem::forget(intent),
        }
    }
    assert_eq!(told(&opened), [("recorded".to_owned(), None)]);
    opened.die().await;

    for _ in 0..2 {
        let opened = site.open().await;
        let expected = [("recorded".to_owned(), None), unknown_outcome("lost"), unknown_outcome("left")];
        assert_eq!(told(&opened), expected);
        opened.die().await;
    }
}

#[tokio::test]
async fn an_intent_that_is_dropped_is_taken_back() {
    let site = Site::new();
    let opened = site.open().await;
    let mut committed = opened.journal.subscribe();
    drop(opened.ledger.intend(&unknown("a")).await.unwrap());
    committed.wait_for(|end| *end == 2).await.unwrap();
    opened.die().await;
    let opened = site.open().await;
    assert_eq!(told(&opened), []);
}

#[tokio::test]
async fn an_intent_that_is_dropped_in_a_panic_stays() {
    let site = Site::new();
    let opened = site.open().await;
    let intent = opened.ledger.intend(&unknown("a")).await.unwrap();
    let panicked = tokio::spawn(async move {
        let _intent = intent;
        panic!("on purpose");
    });
    assert!(panicked.await.is_err());
    opened.die().await;
    let opened = site.open().await;
    assert_eq!(told(&opened), [unknown_outcome("a")]);
}

#[tokio::test]
async fn who_goes_away_while_an_intent_is_written_leaves_none() {
    let site = Site::new();
    let opened = site.open().await;
    let mut committed = opened.journal.subscribe();
    site.gate.set(true);
    {
        let record = unknown("a");
        let gone = opened.ledger.intend(&record);
        assert!(tokio::time::timeout(Duration::from_millis(20), gone).await.is_err());
    }
    site.gate.set(false);
    committed.wait_for(|end| *end == 2).await.unwrap();
    opened.die().await;
    assert_eq!(told(&site.open().await), []);
}

#[tokio::test]
async fn the_journal_is_kept_from_the_oldest_open_intent_on() {
    let site = Site::new();
    let opened = site.open().await;
    kept(&opened.ledger, record("a", "")).await;
    let (journal, catalog) = (opened.journal.clone(), opened.catalog.clone());
    let checkpoint = || opened.ledger.inner.intents.checkpoint(&journal);
    assert_eq!(checkpoint(), 1);
    let first = opened.ledger.intend(&unknown("b")).await.unwrap();
    let second = opened.ledger.intend(&unknown("c")).await.unwrap();
    kept(&opened.ledger, record("d", "")).await;
    assert_eq!(checkpoint(), 1);
    first.recorded();
    assert_eq!(checkpoint(), 2);
    second.leave();
    kept(&opened.ledger, record("e", "")).await;
    assert_eq!(checkpoint(), 2, "what is left is settled at the next start");

    let shutdown = CancellationToken::new();
    shutdown.cancel();
    opened.upkeep.run(shutdown).await;
    assert_eq!(cursors::get(&catalog, INTENTS).await.unwrap(), Some(2));
    journal.close();
    drop((journal, opened.journal, opened.ledger));
    catalog.close().await;

    Ledger::retire(site.parts().await).await.unwrap();
    let parts = site.parts().await;
    assert_eq!(cursors::min(&parts.catalog).await.unwrap(), None, "nothing keeps the journal for proxies that are gone");
}

#[tokio::test]
async fn without_room_or_a_journal_nothing_is_taken_on() {
    let mut site = Site::new();
    site.journal.queue_bytes_max = 10_000;
    let opened = site.open().await;
    let room = opened.ledger.reserve(9_000).await.unwrap();
    assert!(matches!(opened.ledger.reserve(9_000).await, Err(RecordError::Busy { .. })));
    assert_eq!(opened.ledger.record(Some(room), record("a", ""), &SENDER).await, Ok(Kept::Yes));
    let room = opened.ledger.reserve(9_000).await.unwrap();
    opened.journal.close();
    let refused = opened.ledger.record(Some(room), record("b", ""), &SENDER).await;
    assert!(matches!(refused, Err(RecordError::Unavailable { .. })), "{refused:?}");
    assert!(opened.ledger.reserve(1).await.is_err());
    assert!(opened.ledger.intend(&unknown("c")).await.is_err());

    let mut full = Site::new();
    full.journal.free_bytes_min = u64::MAX;
    let opened = full.open().await;
    assert!(opened.ledger.ready().is_err());
    assert!(matches!(opened.ledger.reserve(1).await, Err(RecordError::Unavailable { .. })));
}

#[tokio::test]
async fn what_nothing_keeps_is_not_kept() {
    let mut site = Site::new();
    site.keeps_data = false;
    let opened = site.open().await;
    assert!(!opened.ledger.keeps_data_events());
    let data = record("a", r#","managementEvent":false,"eventCategory":"Data""#);
    assert_eq!(opened.ledger.record(None, data, &SENDER).await, Ok(Kept::No));
    assert_eq!(told(&opened), []);
}

/// Runs the upkeep until the other side has answered so many requests and the cursor is at the end of the journal.
async fn ship(opened: Opened, remote: &mut Remote, answers: usize) -> Opened {
    let Opened { ledger, upkeep, journal, catalog } = opened;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(upkeep.run(shutdown.clone()));
    tokio::time::timeout(Duration::from_secs(30), remote.until(answers)).await.expect("requests come");
    shutdown.cancel();
    running.await.unwrap();
    assert_eq!(cursors::get(&catalog, shipping::CURSOR).await.unwrap(), Some(journal.committed()));
    let upkeep = Upkeep::new(ledger.clone(), Vec::new(), None);
    Opened { ledger, upkeep, journal, catalog }
}

#[tokio::test]
async fn records_are_shipped_once_the_other_side_takes_them() {
    let site = Site::new();
    let replies = [
        Reply::Status(503, "{}"),
        Reply::Dies,
        Reply::Status(403, "{}"),
        // Not Trailkeep's.
        Reply::Status(400, "<html>plain HTTP was sent to an HTTPS port</html>"),
        Reply::Status(200, "{}"),
        Reply::Status(200, r#"{"accepted":1,"rejected":[]}"#),
        Reply::Status(200, r#"{"accepted":1,"duplicates":1,"conflicts":1,"expired":0,"rejected":[]}"#),
    ];
    let mut remote = Remote::new(replies).await;
    let opened = site.open_away(remote.url.clone()).await;
    let intent = opened.ledger.intend(&unknown("a")).await.unwrap();
    kept(&opened.ledger, record("a", "")).await;
    intent.recorded();
    kept(&opened.ledger, record("b", "")).await;
    ship(opened, &mut remote, 7).await;
    let requests = remote.requests();
    assert_eq!(requests.len(), 7);
    for (head, records) in requests {
        assert!(head.starts_with("POST /v1/events HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("authorization: Bearer secret\r\n"), "{head}");
        assert_eq!(records, [record("a", "").as_str(), record("b", "").as_str()]);
    }
}

#[tokio::test]
async fn records_that_are_refused_are_put_aside() {
    let site = Site::new();
    let refusal = r#"{"accepted":1,"rejected":[{"index":1,"code":"AccountNotPermitted","message":"no"}]}"#;
    let mut remote = Remote::new([Reply::Status(200, refusal)]).await;
    let opened = site.open_away(remote.url.clone()).await;
    for id in ["a", "b"] {
        kept(&opened.ledger, record(id, "")).await;
    }
    ship(opened, &mut remote, 1).await;
    let aside = std::fs::read_to_string(site.dir.path().join("rejected.ndjson")).unwrap();
    let expected = format!(r#"{{"code":"AccountNotPermitted","message":"no","record":{}}}"#, record("b", "").as_str());
    assert_eq!(aside.lines().collect::<Vec<_>>(), [expected]);
}

#[tokio::test]
async fn records_that_are_refused_together_are_sent_in_smaller_parts() {
    let site = Site::new();
    let malformed = r#"{"__type":"MalformedRequest","message":"no"}"#;
    let replies = [Reply::Status(413, "too much"), Reply::Status(400, malformed), Reply::Kept];
    let mut remote = Remote::new(replies).await;
    let opened = site.open_away(remote.url.clone()).await;
    for id in ["a", "b", "c"] {
        kept(&opened.ledger, record(id, "")).await;
    }
    ship(opened, &mut remote, 3).await;
    let sizes: Vec<usize> = remote.requests().iter().map(|(_, records)| records.len()).collect();
    assert_eq!(sizes, [3, 1, 2]);
    let aside = std::fs::read_to_string(site.dir.path().join("rejected.ndjson")).unwrap();
    assert_eq!(aside.lines().count(), 1, "the one that was refused alone");
}

#[tokio::test]
async fn shipping_goes_on_after_a_restart_where_it_stopped() {
    let site = Site::new();
    let mut remote = Remote::new([]).await;
    let opened = site.open_away(remote.url.clone()).await;
    kept(&opened.ledger, record("a", "")).await;
    let opened = ship(opened, &mut remote, 1).await;
    kept(&opened.ledger, record("b", "")).await;
    std::mem::forget(opened.ledger.intend(&unknown("c")).await.unwrap());
    opened.die().await;

    let opened = site.open_away(remote.url.clone()).await;
    ship(opened, &mut remote, 2).await;
    let shipped: Vec<String> = remote.requests().into_iter().flat_map(|(_, records)| records).collect();
    assert_eq!(shipped, [record("a", "").as_str(), record("b", "").as_str(), unknown("c").as_str()]);
}

#[tokio::test]
async fn an_installation_and_a_proxy_do_not_share_a_directory() {
    let site = Site::new();
    site.open().await.die().await;
    let refused = Ledger::away(site.away("http://127.0.0.1:1".to_owned()).await).await.err().unwrap();
    let expected =
        format!("{} is the data directory of `trailkeep serve`; a proxy needs one of its own", site.dir.path().display());
    assert_eq!(refused.to_string(), expected);
    assert!(refuse_away(&site.catalog().await).await.is_ok());

    let site = Site::new();
    site.open_away("http://127.0.0.1:1".to_owned()).await.die().await;
    let refused = refuse_away(&site.catalog().await).await.unwrap_err();
    assert!(refused.to_string().contains("is that of a `trailkeep proxy`"), "{refused}");
    // An installation that was started there before this was looked at left its traces.
    std::fs::create_dir(site.dir.path().join("seen")).unwrap();
    site.open_away("http://127.0.0.1:1".to_owned()).await.die().await;
}
