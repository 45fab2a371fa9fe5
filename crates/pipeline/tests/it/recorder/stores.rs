//! Events for event data stores: named ones, and large ones.

use cloudtrail::event_data_store::{Family, SIZE_LARGE_MAX};
use pipeline::route::store::{Rule, StoreRoute};

use super::*;

fn store(number: u16) -> StoreRoute {
    StoreRoute {
        number,
        id: format!("id-{number}"),
        arn: format!("arn-{number}"),
        name: format!("name-{number}"),
        account: account(DEFAULT),
        home_region: "eu-west-1".parse().unwrap(),
        is_default: false,
        is_active: true,
        family: Family::Events,
        retention_us: 7 * DAY_S * 1_000_000,
        rules: vec![Rule {
            from: 0,
            ingesting: true,
            multi_region: true,
            event_bytes_max: SIZE_MAX,
            matcher: Selectors::default_for_new_trail().compile(),
        }],
    }
}

fn site() -> Site {
    let mut site = Site::new();
    site.table.stores = [3, 9].map(|number| Arc::new(store(number))).into();
    site
}

fn large(id: &str) -> Event {
    let filler = "x".repeat(SIZE_MAX);
    let json = format!(
        r#"{{"eventTime":"2026-11-20T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"X","eventID":"{id}","userAgent":"{filler}"}}"#
    );
    let region: Region = "us-east-1".parse().unwrap();
    let admission = Admission { account: account(DEFAULT), region: &region, ordinal: 0, size_max: SIZE_LARGE_MAX };
    Event::admit(json.as_bytes(), &admission).unwrap()
}

fn flags(door: &Door) -> Vec<u32> {
    door.frames().iter().map(|frame| frame.flags).collect()
}

#[tokio::test]
async fn a_store_that_is_named_gets_events_that_were_seen_and_they_stay_unseen() {
    let site = site();
    let door = site.open();
    let named =
        async |events: Vec<Event>| door.recorder.record(events, Origin::Import, Some(Route::store(9)), &root()).await.unwrap();
    assert_eq!(counts(&door.send(vec![event("a")]).await), (1, 0, 0, 0));
    assert_eq!(counts(&named(vec![event("a"), event("b"), event("b")]).await), (3, 0, 0, 0));
    assert_eq!(counts(&door.send(vec![event("a"), event("b")]).await), (1, 1, 0, 0), "what only a store got is new");
    let (live, nine) = (Route::LIVE.bits(), Route::store(9).bits());
    assert_eq!(flags(&door), [live, nine, nine, nine, live]);

    let old = event_at("old", NOW_S - 8 * DAY_S, "");
    assert_eq!(counts(&named(vec![old]).await), (0, 0, 0, 1), "the store keeps seven days");
    let nowhere = door.recorder.record(vec![event("c")], Origin::Import, Some(Route::store(4)), &root()).await.unwrap();
    assert_eq!(counts(&nowhere), (0, 0, 0, 1), "there is no such store");
    door.die();

    let door = site.open();
    assert_eq!(counts(&door.send(vec![event("a"), event("b")]).await), (0, 2, 0, 0));
    assert_eq!(counts(&door.send(vec![event("c")]).await), (1, 0, 0, 0), "after a restart, too");
}

#[tokio::test]
async fn an_event_goes_several_ways_and_its_sender_is_told_of_the_first() {
    let site = site();
    let door = site.open();
    let send = async |events: Vec<Event>| {
        let routes = vec![Route::HISTORY, Route::store(3), Route::store(9)];
        let pending = door.recorder.enqueue_to(vec![events.into()], Origin::Import, routes, &root()).await.unwrap();
        pending.durable().await.unwrap().remove(0)
    };
    assert_eq!(counts(&send(vec![event("a"), event("b")]).await), (2, 0, 0, 0));
    let ways = [Route::HISTORY, Route::store(3), Route::store(9)].map(Route::bits);
    assert_eq!(flags(&door), [ways, ways].concat());
    assert_eq!(counts(&send(vec![event("a")]).await), (0, 1, 0, 0));
    let data = event_at("d", NOW_S, r#","eventCategory":"Data""#);
    assert_eq!(counts(&send(vec![data]).await), (1, 0, 0, 0), "history does not keep it, a store does");
    assert_eq!(flags(&door)[6..], [ways[1], ways[2], ways[1], ways[2]]);
}

#[tokio::test]
async fn large_events_go_to_stores_that_take_them_alone() {
    let mut site = site();
    let door = site.open();
    let outcome = door.send(vec![large("a")]).await;
    let codes: Vec<_> = outcome.rejected.iter().map(|rejected| rejected.code).collect();
    assert_eq!((counts(&outcome), codes), ((0, 0, 0, 0), vec![RejectionCode::TooLarge]));
    assert_eq!(site.table.event_bytes_max(account(DEFAULT)), SIZE_MAX);
    door.die();

    let mut roomy = store(9);
    roomy.rules[0].event_bytes_max = SIZE_LARGE_MAX;
    site.table.stores[1] = Arc::new(roomy);
    assert_eq!(site.table.event_bytes_max(account(DEFAULT)), SIZE_LARGE_MAX);
    assert_eq!(site.table.event_bytes_max(account(OTHER)), SIZE_MAX);
    let door = site.open();
    assert_eq!(counts(&door.send(vec![large("a"), event("b")]).await), (2, 0, 0, 0));
    assert_eq!(flags(&door), [Route::STORES.bits(), Route::LIVE.bits()]);
}

#[tokio::test]
async fn an_import_for_a_stores_owner_takes_events_of_any_account() {
    let site = site();
    let door = site.open();
    let owner = Sender { any_account: true, ..Sender::own(account(DEFAULT)) };
    let send = async |routes: Vec<Route>, sender: &Sender| {
        let events = vec![event_of("a", OTHER), event_of("b", UNKNOWN)];
        let pending = door.recorder.enqueue_to(vec![events.into()], Origin::Import, routes, sender).await.unwrap();
        let outcome = pending.durable().await.unwrap().remove(0);
        (outcome.accepted, outcome.rejected.len())
    };
    assert_eq!(send(vec![Route::store(3)], &owner).await, (2, 0));
    assert_eq!(send(vec![Route::store(3)], &Sender::own(account(DEFAULT))).await, (0, 2));
    assert_eq!(send(vec![Route::store(3), Route::HISTORY], &owner).await, (0, 2));
}
