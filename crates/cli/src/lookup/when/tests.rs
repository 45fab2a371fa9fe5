use super::*;

/// 2026-03-02T09:14:09Z, a Monday.
const NOW_S: i64 = 1_772_442_849;

fn check(text: &str, expected: Option<i64>) {
    assert_eq!(text.parse::<When>().ok().map(|when| when.resolve(NOW_S)), expected, "{text}");
}

#[test]
fn times_ago() {
    check("90s", Some(NOW_S - 90));
    check("30m", Some(NOW_S - 1_800));
    check("2h", Some(NOW_S - 7_200));
    check("7d", Some(NOW_S - 604_800));
    check("2w", Some(NOW_S - 1_209_600));
    check("1h30m", Some(NOW_S - 5_400));
    check("2h ago", Some(NOW_S - 7_200));
    check("now", Some(NOW_S));
    check(" 0s ", Some(NOW_S));
}

#[test]
fn days() {
    check("today", Some(NOW_S - NOW_S % 86_400));
    check("Yesterday", Some(NOW_S - NOW_S % 86_400 - 86_400));
    check("2026-03-02", Some(NOW_S - NOW_S % 86_400));
    check("1970-01-01", Some(0));
}

#[test]
fn points_in_time() {
    check("2026-03-02T09:14:09Z", Some(NOW_S));
    check("2026-03-02T09:14:09.5Z", Some(NOW_S));
    check("2026-03-02T11:14:09+02:00", Some(NOW_S));
    check("2026-03-02 09:14:09Z", Some(NOW_S));
    check("2026-03-02T09:14:09", Some(NOW_S));
    check("2026-03-02 09:14", Some(NOW_S - 9));
    check("1772442849", Some(NOW_S));
}

#[test]
fn what_is_no_time() {
    for text in
        ["", "2", "h", "2y", "2 h", "-2h", "2026", "2026-13-01", "2026-02-30", "tomorrow", "9999999999999999h", "2hh", "2é"]
    {
        check(text, None);
    }
}
