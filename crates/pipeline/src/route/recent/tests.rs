use cloudtrail::event::{Admission, SIZE_MAX};

use super::*;

fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

fn event(n: u64) -> Event {
    let raw = format!(
        r#"{{"eventTime":"2026-01-31T09:30:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"{n}"}}"#
    );
    let region = "us-east-1".parse().unwrap();
    Event::admit(raw.as_bytes(), &Admission { account: account(), region: &region, ordinal: n, size_max: SIZE_MAX }).unwrap()
}

fn found(view: &mut View, position: Position, of: u64) -> bool {
    view.event(position, account(), event(of).bytes()).is_some()
}

#[test]
fn an_event_is_found_at_its_place_and_nowhere_else() {
    let recent = Recent::default();
    recent.offer(10, vec![event(0), event(1)]);
    recent.offer(15, vec![event(5)]);
    let mut view = recent.view(10, 20);
    assert!(found(&mut view, 10, 0));
    assert!(found(&mut view, 11, 1));
    assert!(!found(&mut view, 12, 1), "a control entry stands there");
    assert!(found(&mut view, 15, 5));
    assert!(!found(&mut view, 16, 5));
}

#[test]
fn other_bytes_or_another_account_are_not_taken_for_it() {
    let recent = Recent::default();
    recent.offer(10, vec![event(0)]);
    assert!(!found(&mut recent.view(10, 11), 10, 1));
    let other = "210987654321".parse().unwrap();
    assert!(recent.view(10, 11).event(10, other, event(0).bytes()).is_none());
}

#[test]
fn places_that_are_given_again_forget_what_stood_there() {
    let recent = Recent::default();
    recent.offer(10, vec![event(0), event(1)]);
    recent.offer(10, vec![event(7)]);
    let mut view = recent.view(10, 12);
    assert!(found(&mut view, 10, 7));
    assert!(!found(&mut view, 11, 1));
}

#[test]
fn no_more_is_kept_than_its_limit() {
    let recent = Recent::default();
    let each = event(0).bytes().len() + EVENT_OVERHEAD_BYTES;
    let groups = BYTES_MAX / each / 1000 + 10;
    for group in 0..groups as u64 {
        recent.offer(group * 1000, vec![event(0); 1000]);
        assert!(recent.state().bytes <= BYTES_MAX);
    }
    assert!(found(&mut recent.view(0, 1), 0, 0), "the oldest is read first");
    let last = (groups as u64 - 1) * 1000;
    assert!(!found(&mut recent.view(last, last + 1), last, 0), "the newest had no room");
}
