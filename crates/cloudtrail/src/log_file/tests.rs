use proptest::prelude::*;

use super::*;

const ARN: &str = "arn:aws:cloudtrail:eu-west-1:123456789012:trail/main";
/// 2026-03-02T09:05:41Z.
const AT_S: i64 = 1_772_442_341;

fn account() -> AccountId {
    "210987654321".parse().expect("an account")
}

fn region() -> Region {
    "eu-west-1".parse().expect("a Region")
}

fn place(prefix: Option<&str>, organization: Option<&str>) -> Place {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Place { prefix: owned(prefix), organization: owned(organization), account: account(), region: region() }
}

/// The key, and that it is read back.
fn check(place: &Place, folder: Folder, expected: &str) {
    let key = place.key(folder, AT_S, "4kQx7Lm2Vb9TzR1c");
    assert_eq!(key, expected);
    let parsed = Key::parse(&key).expect("a key");
    assert_eq!((&parsed.place, parsed.name.folder), (place, folder));
    assert_eq!((parsed.name.cut_at_s, parsed.name.unique.as_str()), (AT_S - 41, "4kQx7Lm2Vb9TzR1c"));
}

#[test]
fn keys_are_those_of_cloudtrail() {
    check(
        &place(None, None),
        Folder::CloudTrail,
        "AWSLogs/210987654321/CloudTrail/eu-west-1/2026/03/02/210987654321_CloudTrail_eu-west-1_20260302T0905Z_4kQx7Lm2Vb9TzR1c.json.gz",
    );
    check(
        &place(Some("a/b"), None),
        Folder::Insight,
        "a/b/AWSLogs/210987654321/CloudTrail-Insight/eu-west-1/2026/03/02/210987654321_CloudTrail-Insight_eu-west-1_20260302T0905Z_4kQx7Lm2Vb9TzR1c.json.gz",
    );
    check(
        &place(Some("AWSLogs/"), Some("o-abcdefghij")),
        Folder::NetworkActivity,
        "AWSLogs//AWSLogs/o-abcdefghij/210987654321/CloudTrail-NetworkActivity/eu-west-1/2026/03/02/210987654321_CloudTrail-NetworkActivity_eu-west-1_20260302T0905Z_4kQx7Lm2Vb9TzR1c.json.gz",
    );
    assert_eq!(place(Some(""), None).marker(Folder::Digest), "AWSLogs/210987654321/CloudTrail-Digest/");
}

#[test]
fn other_names_are_not_those_of_log_files() {
    for name in [
        "",
        ".json.gz",
        "210987654321_CloudTrail_eu-west-1_20260302T0905Z_4kQx7Lm2Vb9TzR1c.json",
        "210987654321_CloudTrail_eu-west-1_20260302T0905Z_4kQx7Lm2Vb9TzR1.json.gz",
        "210987654321_CloudTrail_eu-west-1_20260302T0905Z_4kQx7Lm2Vb9TzR1-.json.gz",
        "210987654321_CloudTrail_eu-west-1_20261302T0905Z_4kQx7Lm2Vb9TzR1c.json.gz",
        "210987654321_CloudTrail_eu-west-1_20260302T0905Z_4kQx7Lm2Vb9TzR1c_x.json.gz",
        "210987654321_CloudTrail-Digest_eu-west-1_20260302T0905Z_4kQx7Lm2Vb9TzR1c.json.gz",
        "210987654321_Config_eu-west-1_20260302T0905Z_4kQx7Lm2Vb9TzR1c.json.gz",
        "21098765432_CloudTrail_eu-west-1_20260302T0905Z_4kQx7Lm2Vb9TzR1c.json.gz",
    ] {
        assert_eq!(Name::parse(name), None, "{name}");
    }
    let file = "210987654321_CloudTrail_eu-west-1_20260302T0905Z_4kQx7Lm2Vb9TzR1c.json.gz";
    assert!(Name::parse(file).is_some());
    for key in [
        file.to_owned(),
        format!("AWSLogs/210987654321/CloudTrail/eu-west-1/2026/03/03/{file}"),
        format!("AWSLogs/210987654322/CloudTrail/eu-west-1/2026/03/02/{file}"),
        format!("xAWSLogs/210987654321/CloudTrail/eu-west-1/2026/03/02/{file}"),
        "AWSLogs/210987654321/CloudTrail/".to_owned(),
    ] {
        assert_eq!(Key::parse(&key), None, "{key}");
    }
}

#[test]
fn names_of_real_files_are_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/logfiles/invictus");
    let Ok(files) = std::fs::read_dir(folder) else {
        println!("skipped: no corpus at {folder}");
        return;
    };
    for file in files {
        let file = file.expect("an entry").file_name().into_string().expect("UTF-8");
        assert!(Name::parse(&file).is_some(), "{file}");
    }
}

#[test]
fn the_unique_part_is_a_function_of_whose_file_it_is_and_where_it_begins() {
    let first = unique(ARN, account(), &region(), 0);
    assert_eq!(first, unique(ARN, account(), &region(), 0));
    assert_eq!(first, "ZO8QiGfzp3y2z9Dx", "a changed name would deliver files twice after an upgrade");
    assert_ne!(first, unique(ARN, account(), &region(), 1));
    assert_ne!(first, unique(ARN, account(), &"eu-west-2".parse().expect("a Region"), 0));
    assert_ne!(first, unique("arn", account(), &region(), 0));
}

#[test]
fn times_out_of_range_still_make_keys() {
    for at_s in [i64::MIN, -1, 0, i64::MAX] {
        let key = place(None, None).key(Folder::CloudTrail, at_s, "4kQx7Lm2Vb9TzR1c");
        assert!(Key::parse(&key).is_some(), "{key}");
    }
}

#[test]
fn a_file_is_its_records_between_head_and_tail() {
    let mut rendering = Rendering::new();
    assert_eq!(rendering.clone().finish(), None);
    for (event, at_s) in [(r#"{"a":1}"#, 20), (r#"{"b":2}"#, 10), (r#"{"c":3}"#, 15)] {
        rendering.push(event.as_bytes(), at_s).expect("room");
    }
    assert_eq!((rendering.count(), rendering.len()), (3, 37));
    let rendered = rendering.finish().expect("a file");
    assert_eq!(rendered.bytes, br#"{"Records":[{"a":1},{"b":2},{"c":3}]}"#);
    assert_eq!(rendered.sha256, digest(&SHA256, &rendered.bytes).as_ref());
    assert_eq!((rendered.count, rendered.oldest_s, rendered.newest_s), (3, 10, 20));
}

#[test]
fn a_file_is_full_at_50_megabytes() {
    let event = vec![b'x'; 250_000];
    let mut rendering = Rendering::new();
    while rendering.push(&event, 0).is_ok() {}
    assert_eq!(rendering.count(), 199, "199 records and their commas; the 200th would pass the limit");
    assert!(rendering.fits(RECORDS_BYTES_MAX - rendering.len() - 1));
    assert!(!rendering.fits(RECORDS_BYTES_MAX - rendering.len()));
    let rendered = rendering.finish().expect("a file");
    assert!(rendered.bytes.len() <= RECORDS_BYTES_MAX);
    assert!(Rendering::new().fits(RECORDS_BYTES_MAX * 2), "a file has at least one record");
}

proptest! {
    #[test]
    fn any_key_is_answered(key in "(\\PC{0,9}/)?AWSLogs/[o/0-9-]{0,20}/\\PC{0,99}") {
        if let Some(parsed) = Key::parse(&key) {
            prop_assert_eq!(parsed.place.key(parsed.name.folder, parsed.name.cut_at_s, &parsed.name.unique), key);
        }
    }
}
