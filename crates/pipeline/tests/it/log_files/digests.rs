//! The intervals of digests.

use super::*;

/// A started trail and its sink, ticked at every second up to `end`; `at` does something before a second's tick.
async fn tick_through(site: &mut Site, sink: &mut LogFiles, end: i64) {
    while site.second() < end {
        site.turn_to(site.second() + 1);
        site.pump(sink).await.unwrap();
    }
}

#[tokio::test]
async fn the_home_region_has_a_digest_at_once_and_one_for_each_idle_interval() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let mut sink = site.sink(&trail).await;
    site.pump(&mut sink).await.unwrap();
    assert_eq!(intervals(&site.digests(&trail).await), [(ACCOUNT, HOME, -10, 0)], "the starting digest ends with the activation");
    tick_through(&mut site, &mut sink, 31).await;
    assert_eq!(
        intervals(&site.digests(&trail).await),
        [(ACCOUNT, HOME, 0, 10), (ACCOUNT, HOME, 10, 20), (ACCOUNT, HOME, 20, 30)]
    );
}

#[tokio::test]
async fn other_regions_begin_with_the_interval_of_their_first_file() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let mut sink = site.sink(&trail).await;
    tick_through(&mut site, &mut sink, 14).await;
    site.digests(&trail).await;
    site.record(ACCOUNT, AWAY, "").await;
    site.record(ADOPTED, HOME, "").await;
    tick_through(&mut site, &mut sink, 31).await;
    site.deliver(&trail).await;
    let closed = site.digests(&trail).await;
    let mut seen = intervals(&closed);
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            (ACCOUNT, AWAY, 10, 20),
            (ACCOUNT, AWAY, 20, 30),
            (ACCOUNT, HOME, 10, 20),
            (ACCOUNT, HOME, 20, 30),
            (ADOPTED, HOME, 10, 20),
            (ADOPTED, HOME, 20, 30),
        ]
    );
    let with_files: Vec<_> = closed.iter().filter(|c| !c.files.is_empty()).map(|c| (c.region.as_str(), c.interval)).collect();
    assert_eq!(with_files, [(AWAY, (10, 20)), (HOME, (10, 20))]);
}

#[tokio::test]
async fn a_file_cut_in_the_second_an_interval_ends_is_in_the_next() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let mut sink = site.sink(&trail).await;
    site.pump(&mut sink).await.unwrap();
    site.turn_to(DIGEST_S - DELIVERY_S);
    site.record(ACCOUNT, HOME, "").await;
    site.pump(&mut sink).await.unwrap();
    site.turn_to(DIGEST_S);
    site.pump(&mut sink).await.unwrap();
    site.turn_to(2 * DIGEST_S);
    site.pump(&mut sink).await.unwrap();
    site.deliver(&trail).await;
    let counts: Vec<_> = site.digests(&trail).await.iter().map(|c| (c.interval, c.files.len())).collect();
    assert_eq!(counts, [((-10, 0), 0), ((0, 10), 0), ((10, 20), 1)]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_puts_no_file_into_a_closed_interval() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let mut sink = site.sink(&trail).await;
    tick_through(&mut site, &mut sink, 25).await;
    site.turn_to(3);
    site.record(ACCOUNT, HOME, "").await;
    site.pump(&mut sink).await.unwrap();
    site.turn_to(8);
    site.pump(&mut sink).await.unwrap();
    let delivered = site.deliver(&trail).await;
    assert_eq!(delivered[0].0.cut_at_s, T0 + 20, "not before the last second that was given out");
    tick_through(&mut site, &mut sink, 30).await;
    let closed = site.digests(&trail).await;
    assert_eq!(closed.iter().find(|c| !c.files.is_empty()).unwrap().interval, (20, 30));
}

#[tokio::test]
async fn intervals_that_were_missed_are_made_in_order() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let mut sink = site.sink(&trail).await;
    site.pump(&mut sink).await.unwrap();
    site.digests(&trail).await;
    drop(sink);
    site.turn_to(45);
    let mut sink = site.sink(&trail).await;
    site.pump(&mut sink).await.unwrap();
    let closed = site.digests(&trail).await;
    assert_eq!(closed.iter().map(|c| c.interval).collect::<Vec<_>>(), [(0, 10), (10, 20), (20, 30), (30, 40)]);
    drop(sink);
    site.turn_to(40 + 5_000 * DIGEST_S);
    let mut sink = site.sink(&trail).await;
    site.pump(&mut sink).await.unwrap();
    let closed = site.digests(&trail).await;
    assert_eq!(closed.len(), 1_000);
    assert_eq!(closed[0].interval, (40, 40 + 4_001 * DIGEST_S));
    tick_through(&mut site, &mut sink, 41 + 5_000 * DIGEST_S).await;
}

#[tokio::test]
async fn validation_ends_the_chain_when_it_is_switched_off_and_begins_another_when_on() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let signals = Signals::default();
    let mut sink = site.sink_with(&trail, signals.clone()).await;
    tick_through(&mut site, &mut sink, 12).await;
    site.record(ACCOUNT, HOME, "").await;
    let off = Settings { log_file_validation: false, ..trail.settings.clone() };
    site.update(&trail, off, trail.selectors.clone()).await;
    signals.changes.fetch_add(1, Ordering::Release);
    tick_through(&mut site, &mut sink, 17).await;
    site.record(ACCOUNT, HOME, "").await;
    tick_through(&mut site, &mut sink, 24).await;
    site.update(&trail, trail.settings.clone(), trail.selectors.clone()).await;
    signals.changes.fetch_add(1, Ordering::Release);
    tick_through(&mut site, &mut sink, 40).await;

    assert_eq!(site.deliver(&trail).await.len(), 2);
    let closed = site.digests(&trail).await;
    let seen: Vec<_> = closed.iter().map(|c| (c.interval, c.files.len())).collect();
    assert_eq!(seen, [((-10, 0), 0), ((0, 10), 0), ((10, 13), 1), ((15, 25), 0), ((25, 35), 0)]);
    assert_ne!(closed[2].chain, closed[3].chain);
}
