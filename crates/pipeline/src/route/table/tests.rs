use cloudtrail::event::Admission;
use cloudtrail::selectors::Selectors;

use super::*;

const ACCOUNT: &str = "123456789012";
const NOW_US: i64 = 1_795_132_800 * 1_000_000;

fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

fn event(source: &str, region: &str, rest: &str) -> Event {
    let text = format!(
        r#"{{"eventTime":"2026-11-19T00:00:00Z","eventSource":"{source}","eventName":"X","awsRegion":"{region}","eventID":"1"{rest}}}"#
    );
    let region = region.parse().unwrap();
    let admission = Admission { account: account(ACCOUNT), region: &region, ordinal: 0, size_max: 10_000 };
    Event::admit(text.as_bytes(), &admission).unwrap()
}

fn trail(home_region: &str, multi_region: bool, global_events: bool) -> TrailRoute {
    let regions = ["us-east-1", "eu-west-1"].map(|region| region.parse().unwrap());
    TrailRoute {
        arn: format!("arn:aws:cloudtrail:{home_region}:{ACCOUNT}:trail/all"),
        account: account(ACCOUNT),
        home_region: home_region.parse().unwrap(),
        multi_region,
        global_events,
        logging: true,
        matcher: Selectors::default_for_new_trail().compile(),
        regions: Arc::new(regions.into()),
    }
}

fn check(trail: &TrailRoute, event: &Event, expected: bool) {
    assert_eq!(trail.takes(event, account(ACCOUNT)), expected, "{trail:?} {event:?}");
}

#[test]
fn a_trail_takes_its_accounts_and_its_regions_events() {
    let here = event("ec2.amazonaws.com", "eu-west-1", "");
    let there = event("ec2.amazonaws.com", "us-east-1", "");
    let nowhere = event("s3.amazonaws.com", "garage", "");
    let single = trail("eu-west-1", false, true);
    check(&single, &here, true);
    check(&single, &there, false);
    check(&single, &nowhere, false);
    let multi = trail("eu-west-1", true, true);
    check(&multi, &here, true);
    check(&multi, &there, true);
    check(&multi, &nowhere, false);
    assert!(!multi.takes(&here, account("210987654321")));
    let stopped = TrailRoute { logging: false, ..multi };
    check(&stopped, &here, false);
    assert!(stopped.selects(&here, account(ACCOUNT)));
}

#[test]
fn a_trail_of_a_region_that_is_not_configured_gets_nothing() {
    check(&trail("garage", false, true), &event("s3.amazonaws.com", "garage", ""), false);
}

#[test]
fn global_services_go_to_trails_of_all_regions_or_of_the_leader() {
    let global = event("iam.amazonaws.com", "us-east-1", "");
    check(&trail("eu-west-1", true, true), &global, true);
    check(&trail("eu-west-1", true, false), &global, false);
    check(&trail("eu-west-1", false, true), &global, false);
    check(&trail("us-east-1", false, true), &global, true);
    check(&trail("us-east-1", false, false), &global, false);
    check(&trail("us-east-1", false, false), &event("ec2.amazonaws.com", "us-east-1", ""), true);
}

#[test]
fn a_trail_takes_what_it_selects() {
    let data = event("s3.amazonaws.com", "us-east-1", r#","managementEvent":false,"eventCategory":"Data""#);
    check(&trail("us-east-1", true, true), &data, false);
}

#[test]
fn what_nothing_keeps_is_known() {
    let day_us = 86_400 * 1_000_000;
    let table = Table { history_retention_us: 90 * day_us, ..Table::default() };
    let keeps = |table: &Table, event: &Event, origin, route, now_us| table.keeps(event, account(ACCOUNT), origin, route, now_us);
    let management = event("ec2.amazonaws.com", "eu-west-1", "");
    let data = event("s3.amazonaws.com", "eu-west-1", r#","eventCategory":"Data""#);
    assert!(keeps(&table, &management, Origin::Ingest, Route::LIVE, NOW_US));
    assert!(!keeps(&table, &management, Origin::Ingest, Route::LIVE, NOW_US + 90 * day_us));
    assert!(keeps(&table, &management, Origin::Import, Route::HISTORY, NOW_US + 900 * day_us));
    assert!(!keeps(&table, &management, Origin::Import, Route::TRAILS, NOW_US));
    assert!(!keeps(&table, &data, Origin::Ingest, Route::LIVE, NOW_US));
    for category in ["ConfigurationItem", "Evidence"] {
        let other = event("config.amazonaws.com", "eu-west-1", &format!(r#","eventCategory":"{category}""#));
        assert!(!keeps(&table, &other, Origin::Ingest, Route::LIVE, NOW_US), "{category} is no management event");
    }
    let table = Table { trails: vec![Arc::new(trail("eu-west-1", false, false))], ..table };
    assert!(keeps(&table, &management, Origin::Ingest, Route::LIVE, NOW_US + 90 * day_us));
    assert!(!keeps(&table, &management, Origin::Ingest, Route::HISTORY, NOW_US + 90 * day_us));
}

#[test]
fn a_route_that_names_a_store_is_that_store_alone() {
    let route = Route::store(65_535);
    assert_eq!(Route::from_bits(route.bits()).names_store(), Some(65_535));
    assert!(!route.has(Route::HISTORY) && !route.has(Route::TRAILS) && !route.has(Route::STORES));
    assert_eq!(Route::LIVE.names_store(), None);
    assert_eq!(Route::store(7).bits(), 7 << 16 | 8, "the journal has it so");
}
