//! Starting, stopping, deleting.

use super::*;

#[tokio::test]
async fn a_stop_delivers_what_came_before_it_and_closes_the_last_digests() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let signals = Signals::default();
    let mut sink = site.sink_with(&trail, signals.clone()).await;
    site.pump(&mut sink).await.unwrap();
    site.turn_to(4);
    let before = [site.record(ACCOUNT, HOME, "").await, site.record(ACCOUNT, AWAY, "").await];
    site.stop(&trail, false).await;
    site.record(ACCOUNT, HOME, "").await;
    signals.changes.fetch_add(1, Ordering::Release);
    site.turn_to(6);
    site.pump(&mut sink).await.unwrap();
    assert!(signals.ended.is_cancelled());
    assert_eq!(site.run(&trail).await, None);

    let mut ids: Vec<_> = site.deliver(&trail).await.iter().flat_map(|(_, bytes)| event_ids(bytes)).collect();
    ids.sort();
    assert_eq!(ids, before);
    let closed = site.digests(&trail).await;
    assert_eq!(intervals(&closed), [(ACCOUNT, HOME, -10, 0), (ACCOUNT, HOME, 0, 4), (ACCOUNT, AWAY, 0, 4)]);
    assert_eq!(closed.iter().map(|c| c.files.len()).collect::<Vec<_>>(), [0, 1, 1]);
    assert_eq!(catalog::digests::waiting(site.catalog(), trail.id).await.unwrap(), 0);
}

#[tokio::test]
async fn a_restart_begins_a_chain_that_ends_later_than_the_last() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    for _ in 0..3 {
        site.start(&trail).await;
        let mut sink = site.sink(&trail).await;
        site.record(ACCOUNT, HOME, "").await;
        site.stop(&trail, false).await;
        drop(sink);
        sink = site.sink(&trail).await;
        site.pump(&mut sink).await.unwrap();
    }
    assert_eq!(site.deliver(&trail).await.len(), 3);
    let ends: Vec<_> = site.digests(&trail).await.iter().map(|c| c.interval.1).collect();
    assert_eq!(ends, [0, 1, 2, 3], "three runs in one second; the first one had its starting digest before");
}

#[tokio::test]
async fn a_stop_just_before_the_program_ended_takes_effect_at_the_next_start() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    site.record(ACCOUNT, HOME, "").await;
    let mut tx = site.catalog().begin().await.unwrap();
    trails::stop_logging(&mut tx, &trail.arn, T0).await.unwrap();
    tx.commit().await.unwrap();
    assert!(trails::is_unsettled(site.catalog()).await.unwrap());
    let mut tx = site.catalog().begin().await.unwrap();
    catalog::runs::stop_all_at(&mut tx, site.parts.journal.committed()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!trails::is_unsettled(site.catalog()).await.unwrap());
    let mut sink = site.sink(&trail).await;
    site.record(ACCOUNT, HOME, "").await;
    site.pump(&mut sink).await.unwrap();
    let ids: Vec<_> = site.deliver(&trail).await.iter().flat_map(|(_, bytes)| event_ids(bytes)).collect();
    assert_eq!(ids, ["event-00001"]);
}

#[tokio::test]
async fn what_a_run_took_before_it_heard_of_its_stop_is_not_taken_again() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let signals = Signals::default();
    let mut sink = site.sink_with(&trail, signals.clone()).await;
    site.record(ACCOUNT, HOME, "").await;
    let stop = site.parts.journal.committed();
    site.record(ACCOUNT, HOME, "").await;
    site.pump(&mut sink).await.unwrap();
    let mut tx = site.catalog().begin().await.unwrap();
    trails::stop_logging(&mut tx, &trail.arn, T0).await.unwrap();
    catalog::runs::stop_at(&mut tx, &trail.arn, stop).await.unwrap();
    trails::start_logging(&mut tx, &trail.arn, T0, stop).await.unwrap();
    tx.commit().await.unwrap();
    signals.changes.fetch_add(1, Ordering::Release);
    site.pump(&mut sink).await.unwrap();
    assert!(signals.ended.is_cancelled());
    let mut sink = site.sink(&trail).await;
    site.record(ACCOUNT, HOME, "").await;
    site.pump(&mut sink).await.unwrap();
    site.turn_to(60);
    site.pump(&mut sink).await.unwrap();
    let mut ids: Vec<_> = site.deliver(&trail).await.iter().flat_map(|(_, bytes)| event_ids(bytes)).collect();
    ids.sort();
    assert_eq!(ids, ["event-00001", "event-00002", "event-00003"]);
}

#[tokio::test]
async fn a_deleted_trail_goes_when_everything_is_delivered() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    site.record(ACCOUNT, HOME, "").await;
    site.stop(&trail, true).await;
    let again = site.trail("main").await;
    assert_ne!(again.id, trail.id);
    let mut sink = site.sink(&trail).await;
    site.pump(&mut sink).await.unwrap();
    assert_eq!(site.run(&trail).await, None);
    assert_eq!(site.deliver(&trail).await.len(), 1);
    site.digests(&trail).await;
    let mut tx = site.catalog().begin().await.unwrap();
    assert!(trails::sweep(&mut tx, trail.id).await.unwrap());
    assert!(!trails::sweep(&mut tx, again.id).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_idle_trail_does_not_hold_the_journal_back() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let mut sink = site.sink(&trail).await;
    site.record(ACCOUNT, "mars-1", "").await;
    site.pump(&mut sink).await.unwrap();
    site.turn_to(60);
    site.pump(&mut sink).await.unwrap();
    let run = site.run(&trail).await.unwrap();
    assert_eq!(catalog::cursors::get(site.catalog(), &run.cursor()).await.unwrap(), Some(1));
}
