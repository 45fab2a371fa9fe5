use std::cell::Cell;
use std::time::Duration;

use super::{BEHIND_MAX, FAR_BEHIND, Pace, WAIT_MAX, limit};

/// Whether events wait when one follower is at `place` and the journal ends at `committed`.
fn check(place: Option<u64>, committed: u64, expected: bool) {
    let pace = Pace::default();
    let runner = pace.join();
    if let Some(place) = place {
        runner.at(place);
    }
    assert_eq!(pace.lags(committed), expected, "at {place:?} of {committed}");
    drop(runner);
    assert!(!pace.lags(committed), "a follower that is gone is waited for");
}

#[test]
fn only_a_follower_that_is_somewhat_behind_is_waited_for() {
    check(Some(0), BEHIND_MAX, true);
    check(Some(7), 7 + FAR_BEHIND - 1, true);
    check(Some(0), BEHIND_MAX - 1, false);
    check(Some(0), FAR_BEHIND, false);
    check(Some(BEHIND_MAX), BEHIND_MAX, false);
    check(Some(BEHIND_MAX), 0, false);
    check(None, BEHIND_MAX, false);
}

#[test]
fn a_follower_that_rests_is_not_waited_for_and_others_are() {
    let pace = Pace::default();
    let (stuck, slow) = (pace.join(), pace.join());
    stuck.at(0);
    slow.at(1);
    stuck.rests();
    assert!(pace.lags(BEHIND_MAX + 1));
    slow.at(2);
    assert!(!pace.lags(BEHIND_MAX + 1));
}

#[test]
fn what_events_wait_is_in_proportion_and_bounded() {
    assert_eq!(limit(1), Duration::from_micros(100));
    assert_eq!(limit(1_000), Duration::from_millis(100));
    assert_eq!(limit(usize::MAX), WAIT_MAX);
}

#[tokio::test]
async fn events_go_on_once_the_follower_has_caught_up_or_their_time_is_over() {
    let pace = Pace::default();
    let follower = pace.join();
    let looks = Cell::new(0);
    let committed = || {
        looks.set(looks.get() + 1);
        if looks.get() == 3 {
            follower.at(BEHIND_MAX);
        }
        BEHIND_MAX
    };
    follower.at(0);
    pace.keep(5_000, committed).await;
    assert_eq!(looks.get(), 3, "it is looked until the follower is there, and not longer");
    follower.at(0);
    looks.set(3);
    pace.keep(100, committed).await;
    assert_eq!(looks.get(), 3 + 5, "a hundred events may wait for ten milliseconds");
    looks.set(3);
    pace.keep(1, committed).await;
    assert_eq!(looks.get(), 3, "what may hardly wait does not look");
}
