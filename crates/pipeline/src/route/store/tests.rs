use cloudtrail::event::{Admission, SIZE_MAX};
use cloudtrail::event_data_store::SIZE_LARGE_MAX;
use cloudtrail::selectors::Selectors;
use smol_str::SmolStr;

use super::*;

const ACCOUNT: &str = "123456789012";
const NOW_US: i64 = 1_795_132_800 * 1_000_000;
const DAY_US: i64 = 86_400 * 1_000_000;

fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

/// An event of yesterday.
fn event(region: &str, rest: &str) -> Event {
    let text = format!(
        r#"{{"eventTime":"2026-11-19T00:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"X","awsRegion":"{region}","eventID":"1"{rest}}}"#
    );
    let region = region.parse().unwrap();
    let admission = Admission { account: account(ACCOUNT), region: &region, ordinal: 0, size_max: SIZE_LARGE_MAX };
    Event::admit(text.as_bytes(), &admission).unwrap()
}

fn rule(from: Position) -> Rule {
    Rule {
        from,
        ingesting: true,
        multi_region: true,
        event_bytes_max: SIZE_MAX,
        matcher: Selectors::default_for_new_trail().compile(),
    }
}

fn store() -> StoreRoute {
    StoreRoute {
        number: 5,
        id: "id".to_owned(),
        arn: "arn".to_owned(),
        name: "name".to_owned(),
        account: account(ACCOUNT),
        home_region: "eu-west-1".parse().unwrap(),
        is_default: false,
        is_active: true,
        family: Family::Events,
        retention_us: 7 * DAY_US,
        rules: vec![rule(0)],
    }
}

fn live(store: &StoreRoute, event: &Event) -> bool {
    store.takes(event, account(ACCOUNT), Origin::Ingest, Route::LIVE, NOW_US)
}

fn imported(store: &StoreRoute, event: &Event, route: Route) -> bool {
    store.takes(event, account("210987654321"), Origin::Import, route, NOW_US)
}

#[test]
fn a_store_takes_live_events_that_it_selects_where_it_looks() {
    let (here, there) = (event("eu-west-1", ""), event("us-east-1", ""));
    let data = event("eu-west-1", r#","eventCategory":"Data""#);
    let multi = store();
    assert!(live(&multi, &here) && live(&multi, &there) && !live(&multi, &data));
    assert!(!multi.takes(&here, account("210987654321"), Origin::Own, Route::LIVE, NOW_US), "of another account");
    assert!(!multi.takes(&here, account(ACCOUNT), Origin::Ingest, Route::HISTORY, NOW_US), "not meant for stores");

    let single = StoreRoute { rules: vec![Rule { multi_region: false, ..rule(0) }], ..store() };
    assert!(live(&single, &here) && !live(&single, &there));
    let stopped = StoreRoute { rules: vec![Rule { ingesting: false, ..rule(0) }], ..store() };
    assert!(!live(&stopped, &here));
}

#[test]
fn who_names_a_store_gets_everything_in_that_it_can_hold() {
    let named = Route::store(5);
    let stopped = StoreRoute { rules: vec![Rule { ingesting: false, multi_region: false, ..rule(0) }], ..store() };
    let data = event("us-east-1", r#","eventCategory":"Data""#);
    assert!(imported(&stopped, &data, named));
    assert!(!imported(&stopped, &data, Route::store(6)));
    assert!(!imported(&stopped, &event("us-east-1", r#","eventCategory":"Evidence""#), named));
    let pending = StoreRoute { is_active: false, ..stopped };
    assert!(!imported(&pending, &data, named));
}

#[test]
fn imports_that_name_no_store_go_to_the_default_one() {
    let data = event("us-east-1", r#","eventCategory":"Data""#);
    let route = Route::HISTORY.with(Route::STORES);
    let default = StoreRoute { is_default: true, ..store() };
    let import = |store: &StoreRoute| store.takes(&data, account(ACCOUNT), Origin::Import, route, NOW_US);
    assert!(import(&default) && !import(&store()));
    assert!(!imported(&default, &data, route), "of another account");
}

#[test]
fn old_and_large_events_are_not_taken() {
    let old = StoreRoute { retention_us: DAY_US - 1_000_000, ..store() };
    assert!(!live(&old, &event("eu-west-1", "")) && !imported(&old, &event("eu-west-1", ""), Route::store(5)));
    let large = event("eu-west-1", &format!(r#","requestParameters":{{"x":"{}"}}"#, "x".repeat(SIZE_MAX)));
    assert!(!live(&store(), &large) && !imported(&store(), &large, Route::store(5)));
    let roomy = StoreRoute { rules: vec![Rule { event_bytes_max: SIZE_LARGE_MAX, ..rule(0) }], ..store() };
    assert!(live(&roomy, &large) && imported(&roomy, &large, Route::store(5)));
}

#[test]
fn stores_of_other_families_take_their_category() {
    let insight = event("us-east-1", r#","eventCategory":"Insight""#);
    let evidence = event("us-east-1", r#","eventCategory":"Evidence""#);
    let insights = StoreRoute { family: Family::Insight, ..store() };
    let auditor = StoreRoute { family: Family::Evidence, ..store() };
    assert!(live(&insights, &insight) && !live(&insights, &evidence));
    assert!(live(&auditor, &evidence) && !live(&auditor, &insight));
    assert!(!live(&store(), &insight) && !live(&insights, &event("us-east-1", "")));
}

#[test]
fn a_follower_goes_by_what_applied_when_an_event_was_acknowledged() {
    let store = StoreRoute {
        is_active: false,
        rules: vec![rule(10), Rule { ingesting: false, ..rule(20) }, rule(30), Rule { ingesting: false, ..rule(40) }],
        ..store()
    };
    for (position, expected) in [(9, false), (10, true), (19, true), (20, false), (30, true), (39, true), (40, false)] {
        let record = Record {
            position,
            accepted_at_us: NOW_US,
            origin: Origin::Ingest,
            route: Route::LIVE,
            principal: SmolStr::default(),
            event: event("eu-west-1", ""),
        };
        assert_eq!(store.takes_record(&record, account(ACCOUNT), NOW_US), expected, "{position}");
    }
    assert!(!live(&store, &event("eu-west-1", "")));
}
