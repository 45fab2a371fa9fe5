use cloudtrail::event::{Admission, Event, SIZE_MAX};
use cloudtrail::lookup;

use super::*;

/// 2026-03-02.
const START_S: i64 = 1_772_409_600;

fn events() -> Vec<Event> {
    let region = "us-east-1".parse().expect("a Region");
    let account = "123456789012".parse().expect("an account");
    let admission = Admission { account, region: &region, ordinal: 0, size_max: SIZE_MAX };
    let admit = |record: &Vec<u8>| {
        Event::admit(record, &admission).unwrap_or_else(|r| panic!("{r:?}: {}", String::from_utf8_lossy(record)))
    };
    quarter("123456789012", START_S).iter().map(admit).collect()
}

#[test]
fn every_record_is_an_event_with_its_bytes_and_there_are_about_fifty_thousand() {
    let records = quarter("123456789012", START_S);
    let events = events();
    assert!((45_000..=60_000).contains(&records.len()), "{}", records.len());
    assert!(records.iter().zip(&events).all(|(record, event)| record == event.bytes()), "a record is not as it would be kept");
}

#[test]
fn the_quarter_is_the_same_every_time_but_for_the_dates() {
    let (first, again) = (quarter("123456789012", START_S), quarter("123456789012", START_S));
    assert!(first == again);
    let ids = events().iter().map(|event| event.event_id().into_owned()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(ids.len(), first.len());
}

#[test]
fn reads_and_errors_have_the_shares_of_real_trails() {
    let events = events();
    let share = |matches: &dyn Fn(&Event) -> bool| events.iter().filter(|event| matches(event)).count() * 100 / events.len();
    assert!((65..=90).contains(&share(&|event| event.read_only() == Some(true))));
    assert!((2..=15).contains(&share(&|event| event.text("errorCode").is_some())));
}

#[test]
fn the_intruder_can_be_found_from_the_open_bucket_back_to_the_leaked_key() {
    let events = events();
    let named = |name: &str, resource: &str| {
        let found: Vec<_> = events
            .iter()
            .map(lookup::facts)
            .filter(|facts| facts.event_name == name && facts.resources.iter().any(|r| r.name == resource))
            .collect();
        assert_eq!(found.len(), 1, "{name} {resource}");
        found.into_iter().next().expect("one")
    };
    assert_eq!(named("PutBucketPolicy", "larkspur-customer-exports").username.as_deref(), Some("support-audit"));
    let made = named("CreateUser", "support-audit");
    assert_eq!((made.username.as_deref(), made.access_key_id.as_deref()), (Some("deploy-bot"), Some(company::LEAKED_KEY)));
    assert_eq!(named("CreateAccessKey", "deploy-bot").username.as_deref(), Some("jonas"));
}
