use super::*;
use crate::account::AccountId;
use crate::event::{Admission, Event};
use crate::region::Region;

const SHORT: &str = "Trail name too short. Minimum allowed length: 3 characters. Specified name length: ";
const FIRST: &str = "Trail name must starts with a letter or number.";
const LAST: &str = "Trail name must ends with a letter or number.";
const CHARACTERS: &str = "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).";

/// `expected` is "" for a name that may be, else the beginning of the message.
fn check(name: &str, expected: &str) {
    let message = check_name(name).err().map(|e| e.to_string()).unwrap_or_default();
    assert_eq!(message.is_empty(), expected.is_empty(), "{name}: {message}");
    assert!(message.starts_with(expected), "{name}: {message}");
}

#[test]
fn names_are_checked_in_the_order_of_aws() {
    for name in ["abc", "A.b-c_d", "0trail9", "1.2.3", "1.2.3.4a", "x.y.z.w"] {
        check(name, "");
    }
    check(&"n".repeat(128), "");
    check("", &format!("{SHORT}0 characters."));
    check("a", &format!("{SHORT}1 characters."));
    check("?", &format!("{SHORT}1 characters."));
    check("üü", &format!("{SHORT}2 characters."));
    check(
        &"n".repeat(129),
        "Trail name too long. Maximum allowed length: 128 characters. Specified name length: 129 characters.",
    );
    check("-trail-", FIRST);
    check("_trail", FIRST);
    check("trail-", LAST);
    check("trail!", LAST);
    check("trail ", LAST);
    check("tra il", CHARACTERS);
    check("tra:il", CHARACTERS);
    check("traïl", CHARACTERS);
    check("tra..il", "Trail name cannot have adjacent");
    check("tra.-il", "Trail name cannot have adjacent");
    check("tra__il", "Trail name cannot have adjacent");
    check("192.168.5.4", "Trail name cannot be formatted as an IP");
}

#[test]
fn a_request_names_a_trail_by_name_or_arn() {
    let arn = "arn:aws:cloudtrail:us-east-1:123456789012:trail/main";
    assert_eq!(NameOrArn::parse("main"), Ok(NameOrArn::Name("main".to_owned())));
    assert_eq!(NameOrArn::parse(arn), Ok(NameOrArn::Arn(arn.parse().expect("an ARN"))));
    assert_eq!(NameOrArn::parse(arn).expect("an ARN").name(), "main");
    assert!(matches!(NameOrArn::parse("a"), Err(Invalid::Name(_))));
    for bad in [
        "arn:aws:cloudtrail",
        "arn:aws:cloudtrail:us-east-1:123456789012:channel/main",
        "arn:aws:s3:us-east-1:123456789012:trail/main",
        "arn:aws:cloudtrail:us-east-1:12345:trail/main",
        "arn:aws:cloudtrail::123456789012:trail/main",
        "arn:aws:cloudtrail:us-east-1:123456789012:trail/a",
        "arn:aws:cloudtrail:us-east-1:123456789012:trail/main/x",
    ] {
        assert!(matches!(NameOrArn::parse(bad), Err(Invalid::Arn(_))), "{bad}");
    }
}

#[test]
fn key_prefixes_have_at_most_200_characters() {
    for prefix in ["", "audit", "a/b/c", "audit/", "ü b", &"x".repeat(200)] {
        assert_eq!(check_key_prefix(prefix), Ok(()), "{prefix}");
    }
    for prefix in ["a/../b", "..", "./a", "a\nb", &"x".repeat(201)] {
        assert!(matches!(check_key_prefix(prefix), Err(Invalid::KeyPrefix(_))), "{prefix}");
    }
}

fn account() -> AccountId {
    "123456789012".parse().expect("an account")
}

fn region(name: &str) -> Region {
    name.parse().expect("a Region")
}

fn bucket(name: &str) -> Change {
    Change { s3_bucket_name: Some(name.to_owned()), ..Change::default() }
}

fn created(change: &Change) -> Result<Settings, Invalid> {
    Settings::create("main", change, account(), region("eu-west-1"))
}

#[test]
fn a_new_trail_has_the_documented_defaults() {
    let settings = created(&bucket("logs")).expect("a trail");
    let expected = Settings {
        name: "main".to_owned(),
        account: account(),
        home_region: region("eu-west-1"),
        s3_bucket_name: "logs".to_owned(),
        s3_key_prefix: None,
        include_global_service_events: true,
        is_multi_region_trail: false,
        log_file_validation: false,
        recursive_logging: true,
    };
    assert_eq!(settings, expected);
    assert_eq!(settings.arn("aws").to_string(), "arn:aws:cloudtrail:eu-west-1:123456789012:trail/main");
    let text = serde_json::to_string(&settings).expect("JSON");
    assert_eq!(serde_json::from_str::<Settings>(&text).expect("settings"), settings);
}

#[test]
fn a_combination_is_refused_before_the_bucket() {
    let change = Change { include_global_service_events: Some(false), is_multi_region_trail: Some(true), ..bucket("B") };
    assert!(matches!(created(&change), Err(Invalid::Combination(_))));
    assert!(matches!(created(&bucket("B")), Err(Invalid::BucketName(_))));
    assert!(matches!(created(&Change::default()), Err(Invalid::BucketName(_))));
}

#[test]
fn an_update_changes_what_it_names() {
    let prefix = |text: &str| Change { s3_key_prefix: Some(text.to_owned()), ..Change::default() };
    let settings = created(&Change { s3_key_prefix: Some("p".to_owned()), ..bucket("logs") }).expect("a trail");
    assert_eq!(settings.update(&Change::default()), Ok(settings.clone()), "nothing given, nothing changed");
    assert_eq!(settings.update(&prefix("")).expect("settings").s3_key_prefix, None);
    assert_eq!(settings.update(&prefix("q")).expect("settings").s3_key_prefix.as_deref(), Some("q"));
    assert!(matches!(settings.update(&prefix("..")), Err(Invalid::KeyPrefix(_))));
    assert!(matches!(settings.update(&bucket("")), Err(Invalid::BucketName(_))), "a bucket cannot be removed");

    let off = Change { include_global_service_events: Some(false), ..Change::default() };
    let multi = Change { is_multi_region_trail: Some(true), ..Change::default() };
    let single = Change { is_multi_region_trail: Some(false), ..Change::default() };
    let without = settings.update(&off).expect("settings");
    let grown = without.update(&multi).expect("settings");
    assert!(grown.include_global_service_events, "a multi-Region trail gets global events");
    assert!(matches!(grown.update(&off), Err(Invalid::Combination(_))));
    assert!(grown.update(&single).expect("settings").include_global_service_events);
}

#[test]
fn tags_are_overwritten_counted_and_checked() {
    let tag = |key: &str, value: Option<&str>| Tag { key: key.to_owned(), value: value.map(str::to_owned) };
    let present = [tag("a", Some("1")), tag("b", None)];
    let added = add_tags(&present, &[tag("A", Some("2")), tag("a", None)]).expect("tags");
    assert_eq!(added, [tag("a", None), tag("b", None), tag("A", Some("2"))]);
    assert_eq!(remove_tags(&added, &[tag("a", Some("other")), tag("x", None)]), [tag("b", None), tag("A", Some("2"))]);
    for bad in [
        tag("", None),
        tag(&"k".repeat(129), None),
        tag("k", Some(&"v".repeat(257))),
        tag("aws:x", None),
        tag("a*", None),
        tag("k", Some("a\nb")),
    ] {
        assert!(matches!(add_tags(&[], &[bad]), Err(Invalid::Tag(_))));
    }
    assert!(matches!(add_tags(&[], &[tag("a", None), tag("a", None)]), Err(Invalid::Tag(_))));
    let fifty: Vec<Tag> = (0..50).map(|n| tag(&n.to_string(), None)).collect();
    assert_eq!(add_tags(&fifty, &[tag("0", Some("x"))]).expect("tags").len(), 50);
    assert!(matches!(add_tags(&fifty, &[tag("50", None)]), Err(Invalid::TooManyTags(_))));
    assert_eq!(serde_json::to_string(&present).expect("JSON"), r#"[{"Key":"a","Value":"1"},{"Key":"b"}]"#);
}

fn event(region: &str, source: &str, rest: &str) -> Event {
    let home = self::region(region);
    let admission = Admission { account: account(), region: &home, ordinal: 0, size_max: crate::event::SIZE_MAX };
    let raw = format!(
        r#"{{"eventTime":"2026-01-02T03:04:05Z","eventSource":"{source}","eventName":"X","awsRegion":"{region}"{rest}}}"#
    );
    Event::admit(raw.as_bytes(), &admission).expect("an event")
}

#[test]
fn a_trail_covers_its_region_or_all_and_global_events_if_wanted() {
    let trail = |home: &str, multi: bool, global: bool| Settings {
        home_region: region(home),
        is_multi_region_trail: multi,
        include_global_service_events: global,
        ..created(&bucket("logs")).expect("a trail")
    };
    let ec2 = event("eu-west-1", "ec2.amazonaws.com", "");
    let iam = event("us-east-1", "iam.amazonaws.com", "");
    assert!(trail("eu-west-1", false, true).covers(&ec2));
    assert!(!trail("us-east-1", false, true).covers(&ec2));
    assert!(trail("us-east-1", true, true).covers(&ec2));
    assert!(!trail("eu-west-1", false, true).covers(&iam));
    assert!(trail("us-east-1", false, true).covers(&iam));
    assert!(!trail("us-east-1", false, false).covers(&iam));
    assert!(trail("eu-west-1", true, true).covers(&iam));
}

#[test]
fn deliveries_of_the_trail_itself_can_be_ignored() {
    let put = r#","userIdentity":{"type":"AWSService","invokedBy":"cloudtrail.amazonaws.com"},"requestParameters":{"bucketName":"logs"}"#;
    let own = event("eu-west-1", "s3.amazonaws.com", put);
    let other = event("eu-west-1", "s3.amazonaws.com", &put.replace("logs", "logs2"));
    let user = event("eu-west-1", "s3.amazonaws.com", &put.replace("cloudtrail.", "config."));
    let quiet = Change { recursive_logging: Some(false), ..bucket("logs") };
    let settings = created(&quiet).expect("a trail");
    assert_eq!([&own, &other, &user].map(|e| settings.ignores(e)), [true, false, false]);
    assert!(!created(&bucket("logs")).expect("a trail").ignores(&own));
}
