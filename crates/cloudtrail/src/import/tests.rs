use super::*;

const DAY_S: i64 = 86_400;
/// 2026-03-02T00:00:00Z.
const DAY: i64 = 1_772_409_600;

fn range(start_s: i64, end_s: i64) -> Range {
    Range { start_us: Some(start_s * 1_000_000), end_us: Some(end_s * 1_000_000) }
}

/// The step of a walk from `prefix`, in a word.
#[track_caller]
fn check(prefix: &str, key: &str, expected: &str) {
    check_in(Range::default(), prefix, key, expected);
}

#[track_caller]
fn check_in(range: Range, prefix: &str, key: &str, expected: &str) {
    let told = match Walk::new(prefix, range).step(key, 100) {
        Step::Take => "take".to_owned(),
        Step::Pass => "pass".to_owned(),
        Step::Foreign(why) => format!("foreign: {why}"),
        Step::Jump(behind) => {
            assert!(behind.as_str() > key, "a jump goes on");
            format!("jump {}", behind.trim_end_matches(char::MAX))
        }
    };
    assert_eq!(told, expected, "{key} from {prefix}");
}

const LOG: &str = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/03/02/123456789012_CloudTrail_us-east-1_20260302T0915Z_A6kvhMoVeCsc7v8U.json.gz";

#[test]
fn a_walk_goes_through_cloudtrail_folders_unless_the_location_names_others() {
    for prefix in
        ["", "AWSLogs/", "AWSLogs/123456789012/", "AWSLogs/123456789012/CloudTrail", "AWSLogs/123456789012/CloudTrail/us"]
    {
        check(prefix, LOG, "take");
    }
    check("", &format!("acme/{LOG}"), "take");
    check("", "AWSLogs/o-abc/123456789012/CloudTrail/x", "take");
    check("", "AWSLogs/o-abc/123456789012/Config/x", "jump AWSLogs/o-abc/123456789012/Config/");
    let digest = "AWSLogs/123456789012/CloudTrail-Digest/us-east-1/x.json.gz";
    check("AWSLogs/123456789012/CloudTrail", digest, "jump AWSLogs/123456789012/CloudTrail-Digest/");
    check("AWSLogs/123456789012/CloudTrail-Digest/", digest, "take");
    check("AWSLogs/123456789012/CloudTrail-Insight/us-east-1/", "AWSLogs/123456789012/CloudTrail-Insight/us-east-1/x", "take");
    check("AWSLogs/", "AWSLogs/readme.txt", "take");
    check("AWSLogs/", "AWSLogs/123456789012/readme.txt", "pass");
    check("", "old/a.json.gz", "pass");
    check("old", "old/a.json.gz", "take");
    check("", "a.json.gz", "pass");
}

#[test]
fn what_cannot_be_a_log_file_is_a_failure_and_folders_are_nothing() {
    check("", "AWSLogs/123456789012/CloudTrail/", "pass");
    check("", "AWSLogs/123456789012/CloudTrail/notes.txt", "take");
    let digest = "CloudTrail/123456789012_CloudTrail-Digest_us-east-1_audit_us-east-1_20260302T091500Z.json.gz";
    check("", digest, "foreign: a digest file holds no events");
    assert_eq!(Walk::new("", Range::default()).step(LOG, FILE_BYTES_MAX + 1), Step::Foreign(Foreign::TooLarge));
    assert_eq!(Walk::new("", Range::default()).step(LOG, FILE_BYTES_MAX), Step::Take);
}

#[test]
fn dates_in_folders_are_jumped_over_by_the_largest_step() {
    let march_2nd = range(DAY, DAY + DAY_S - 1);
    let root = "CloudTrail/us-east-1";
    for (date, expected) in [
        ("2025/12/31", "jump CloudTrail/us-east-1/2025/"),
        ("2026/02/28", "jump CloudTrail/us-east-1/2026/02/"),
        ("2026/03/01", "take"),
        ("2026/03/02", "take"),
        ("2026/03/03", "take"),
        ("2026/03/04", "jump CloudTrail/us-east-1/2026/03/04/"),
        ("2026/04/01", "jump CloudTrail/us-east-1/2026/04/"),
        ("2027/01/01", "jump CloudTrail/us-east-1/2027/"),
        ("2026/02/30", "take"),
        ("2026/0302", "take"),
    ] {
        check_in(march_2nd, "", &format!("{root}/{date}/a.json.gz"), expected);
    }
    let noon = range(DAY + DAY_S / 2, DAY + DAY_S / 2);
    check_in(noon, "", "CloudTrail/us-east-1/2026/03/01/a", "jump CloudTrail/us-east-1/2026/03/01/");
    check_in(noon, "", "CloudTrail/us-east-1/2026/03/03/a", "jump CloudTrail/us-east-1/2026/03/03/");
}

#[test]
fn times_in_names_are_passed_over_when_nothing_in_the_file_can_be_in_the_range() {
    let nine_to_ten = range(DAY + 9 * 3_600, DAY + 10 * 3_600);
    for (time, expected) in
        [("0850", "pass"), ("0855", "take"), ("0900", "take"), ("1000", "take"), ("1100", "take"), ("1101", "pass")]
    {
        check_in(nine_to_ten, "", &format!("CloudTrail/1_CloudTrail_r_20260302T{time}Z_A.json.gz"), expected);
        check_in(nine_to_ten, "", &format!("CloudTrail/20260302T{time}00Z.json.gz"), expected);
    }
    check_in(nine_to_ten, "", "CloudTrail/1_CloudTrail_r_20260302T9999Z_A.json.gz", "take");
}

#[test]
fn events_at_both_ends_of_the_range_are_wanted() {
    let range = range(DAY, DAY + 10);
    let held: Vec<bool> = [-1, 0, 10, 11].into_iter().map(|s| range.holds(DAY + s)).collect();
    assert_eq!(held, [false, true, true, false]);
    assert!(Range::default().holds(i64::MIN) && Range::default().holds(i64::MAX));
}

#[test]
fn folders_are_completed_when_the_keys_have_left_them() {
    let mut folders = Folders::default();
    let mut told = Vec::new();
    for key in ["a/1", "a/2", "a/b/1", "a/b/c/1", "a/z", "b/1", "c"] {
        folders.enter(key);
        told.push((folders.found(), folders.completed()));
    }
    assert_eq!(told, [(1, 0), (1, 0), (2, 0), (3, 0), (3, 2), (4, 3), (5, 4)]);
    folders.finish();
    assert_eq!((folders.found(), folders.completed()), (5, 5));
}

#[test]
fn folders_go_on_where_they_were() {
    let keys = ["a/1", "a/b/1", "a/z", "b/c/1", "b/c/d/1", "b/d"];
    for stop in 0..keys.len() {
        let mut folders = Folders::default();
        keys[..stop].iter().for_each(|key| folders.enter(key));
        folders = Folders::resume(folders.open().to_vec(), folders.completed());
        keys[stop..].iter().for_each(|key| folders.enter(key));
        folders.finish();
        assert_eq!(folders.completed(), 5);
    }
}

#[test]
fn names_and_folders_tell_when_files_were_delivered() {
    let name = "123456789012_CloudTrail_us-east-1_20260302T0905Z_A6kvhMoVeCsc7v8U.json.gz";
    let first_s = 1_772_442_300;
    assert_eq!(delivered(name), Some(Span { first_s, last_s: first_s + 59 }));
    assert_eq!(delivered("notes_20260302.json"), None);
    let range = Range { start_us: Some(first_s * 1_000_000), end_us: None };
    let key = |day: &str| format!("AWSLogs/123456789012/CloudTrail/us-east-1/{day}/{name}");
    assert!(untimely(&key("2026/02/28"), range).is_some_and(|behind| behind > key("2026/02/28") && behind < key("2026/03/01")));
    assert!(untimely(&key("2025/12/31"), range).is_some_and(|behind| behind > key("2025/12/31") && behind < key("2026/01/01")));
    assert_eq!(untimely(&key("2026/03/02"), range), None);
    assert_eq!(untimely(name, range), None);
}

#[test]
fn locations_are_buckets_with_prefixes() {
    let parsed = |uri: &str| Location::parse(uri).map(|location| (location.bucket, location.prefix));
    let is = |bucket: &str, prefix: &str| Ok((bucket.to_owned(), prefix.to_owned()));
    assert_eq!(parsed("s3://audit-logs"), is("audit-logs", ""));
    assert_eq!(parsed("s3://audit-logs/"), is("audit-logs", ""));
    assert_eq!(parsed("s3://audit-logs/AWSLogs/1 2/"), is("audit-logs", "AWSLogs/1 2/"));
    assert_eq!(parsed("https://audit-logs/"), Err(Invalid::Scheme));
    assert!(matches!(parsed("s3://A/"), Err(Invalid::Bucket(_))));
    assert_eq!(parsed(&format!("s3://abc/{}", "x".repeat(1_025))), Err(Invalid::Prefix));
    assert_eq!(parsed("s3://abc/a\nb"), Err(Invalid::Prefix));
    assert_eq!(Location::parse("s3://abc/d/").map(|location| location.of_key("d/e")), Ok("s3://abc/d/e".to_owned()));
}

#[test]
fn words_of_statuses_are_read_back() {
    assert!(Status::ALL.into_iter().all(|status| Status::from_word(status.as_str()) == Some(status)));
    assert!(FailureStatus::ALL.into_iter().all(|status| FailureStatus::from_word(status.as_str()) == Some(status)));
    assert_eq!(Status::ALL.map(Status::is_ongoing), [true, true, false, false, false]);
}
