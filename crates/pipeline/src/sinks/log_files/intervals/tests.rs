use super::*;

#[track_caller]
fn check(closed_s: i64, length_s: i64, limit_s: i64, expected: &[(i64, i64)]) {
    let intervals: Vec<_> = due(closed_s, length_s, limit_s).iter().map(|i| (i.start_s, i.end_s)).collect();
    assert_eq!(intervals, expected);
}

#[test]
fn every_interval_that_is_over_is_due() {
    check(100, 10, 99, &[]);
    check(100, 10, 109, &[]);
    check(100, 10, 110, &[(100, 110)]);
    check(100, 10, 135, &[(100, 110), (110, 120), (120, 130)]);
}

#[test]
fn after_a_long_absence_one_interval_covers_the_excess() {
    let intervals = due(0, 10, 25_007);
    assert_eq!(intervals.len(), MISSED_MAX as usize);
    assert_eq!(intervals[0], Interval { start_s: 0, end_s: 15_010 });
    assert!(intervals.windows(2).all(|pair| pair[0].end_s == pair[1].start_s));
    assert_eq!(intervals.last().map(|i| i.end_s), Some(25_000));
}
