use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Admission, Category, EVENT_ID_CHARS_MAX, Event, NAME_CHARS_MAX, Rejection, RejectionCode, SIZE_MAX};
use crate::account::AccountId;
use crate::json::tests::any_value;
use crate::region::Region;

fn caller() -> AccountId {
    "999999999999".parse().unwrap()
}

fn admit_as(raw: &[u8], ordinal: u64, size_max: usize) -> Result<Event, Rejection> {
    let region: Region = "eu-west-1".parse().unwrap();
    Event::admit(raw, &Admission { account: caller(), region: &region, ordinal, size_max })
}

fn admit(raw: &str) -> Result<Event, Rejection> {
    admit_as(raw.as_bytes(), 0, SIZE_MAX)
}

/// The bytes a record gets, or the code and message of its rejection.
fn check(raw: &str, expected: &str) {
    match admit(raw) {
        Ok(event) => {
            assert_eq!(event.as_str(), expected);
            let stored = Event::stored(event.bytes().clone(), event.account()).unwrap();
            assert_eq!(stored, event);
            assert_eq!(admit(event.as_str()).unwrap().bytes(), event.bytes());
        }
        Err(rejection) => assert_eq!(rejection.to_string(), expected),
    }
}

fn record(changes: &Value) -> String {
    record_value(changes).to_string()
}

/// A record that is complete, with members changed; `null` takes one away.
fn record_value(changes: &Value) -> Value {
    let mut record = json!({
        "eventTime": "2026-01-31T09:30:00Z", "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
        "awsRegion": "us-east-1", "eventID": "e-1", "recipientAccountId": "123456789012",
    });
    for (key, value) in changes.as_object().unwrap() {
        let members = record.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(key);
        } else {
            members.insert(key.clone(), value.clone());
        }
    }
    record
}

fn with(changes: &Value) -> Event {
    admit(&record(changes)).unwrap()
}

#[track_caller]
fn check_code(raw: &str, code: RejectionCode) {
    assert_eq!(admit(raw).map_err(|rejection| rejection.code).err(), Some(code), "{raw}");
}

const WHOLE: &str = r#"{"eventTime":"2026-01-31T09:30:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","requestParameters":{"Tag":1,"tag":"a b\u003d"},"awsRegion":"us-east-1","eventID":"e-1","recipientAccountId":"123456789012"}"#;

#[test]
fn a_compact_and_complete_record_keeps_its_bytes() {
    check(WHOLE, WHOLE);
}

#[test]
fn blank_space_outside_strings_is_dropped() {
    check(&format!(" {}\r\n", WHOLE.replace("\":", "\" :\t").replace(",\"", "\n, \"")), WHOLE);
}

#[test]
fn what_is_missing_is_inserted_before_the_closing_brace() {
    let bare = r#"{ "eventTime":"2026-01-31T09:30:00Z","eventSource":"a","eventName":"b"}"#;
    check(
        bare,
        r#"{"eventTime":"2026-01-31T09:30:00Z","eventSource":"a","eventName":"b","eventID":"c710758e-bee8-86b9-9401-7667a66e8c12","awsRegion":"eu-west-1","recipientAccountId":"999999999999"}"#,
    );
    let bytes = |ordinal| admit_as(bare.as_bytes(), ordinal, SIZE_MAX).unwrap().bytes().clone();
    assert_eq!(bytes(7), bytes(7));
    assert_ne!(bytes(7), bytes(8));
}

#[test]
fn only_a_json_object_is_a_record() {
    check("[]", "InvalidJson: not JSON: an object expected at byte 0");
    check("", "InvalidJson: not JSON: an object expected at byte 0");
    check("{}", "MissingField: eventTime is missing");
    check(&format!("{WHOLE}x"), "InvalidJson: not JSON: the end expected at byte 217");
    check(r#"{"\ud800":1}"#, "InvalidJson: a key has half a surrogate pair");
    let mut bytes = WHOLE.as_bytes().to_vec();
    bytes[16] = 0xff;
    let refused = admit_as(&bytes, 0, SIZE_MAX).unwrap_err();
    assert_eq!(refused.to_string(), "InvalidJson: not UTF-8 after byte 16");
    let deep = record(&json!({"requestParameters": "DEEP"})).replace("\"DEEP\"", &"[".repeat(200_000));
    assert_eq!(admit(&deep).unwrap_err().code, RejectionCode::InvalidJson);
}

#[test]
fn a_top_level_key_may_come_once() {
    let twice = |again: &str| format!("{},{again}}}", WHOLE.strip_suffix('}').unwrap());
    check(&twice(r#""eventName":"b""#), r#"DuplicateKey: "eventName" is there twice"#);
    check(&twice(r#""event\u004eame":"b""#), r#"DuplicateKey: "event\u004eame" is there twice"#);
    check(&twice(r#""x":1,"x":2"#), r#"DuplicateKey: "x" is there twice"#);
    check(&twice(r#""x":1,"\u0078":2"#), r#"DuplicateKey: "\u0078" is there twice"#);
    let cased = twice(r#""EventName":"b","x":1,"X":{"x":1,"x":2}"#);
    check(&cased, &cased);
}

#[test]
fn mandatory_fields_are_asked_for() {
    for field in ["eventTime", "eventSource", "eventName"] {
        check(&record(&json!({ field: null })), &format!("MissingField: {field} is missing"));
        check(&record(&json!({ field: 1 })), &format!("InvalidField: {field} must be a string"));
    }
    let null = WHOLE.replace("\"GetObject\"", "null");
    check(&null, "InvalidField: eventName must be a string");
}

#[test]
fn fields_have_bounds() {
    let long = |n| "é".repeat(n);
    check_code(&record(&json!({"eventID": ""})), RejectionCode::InvalidField);
    check_code(&record(&json!({"eventID": 7})), RejectionCode::InvalidField);
    check_code(&record(&json!({"eventID": long(EVENT_ID_CHARS_MAX + 1)})), RejectionCode::InvalidField);
    assert_eq!(with(&json!({"eventID": long(EVENT_ID_CHARS_MAX)})).event_id(), long(EVENT_ID_CHARS_MAX));
    check_code(&record(&json!({"eventName": long(NAME_CHARS_MAX + 1)})), RejectionCode::InvalidField);
    check_code(&record(&json!({"eventSource": ""})), RejectionCode::InvalidField);
    for region in ["", "...", "a/b", "a b", &"a".repeat(33)] {
        check_code(&record(&json!({ "awsRegion": region })), RejectionCode::InvalidField);
    }
    check_code(&record(&json!({"awsRegion": 1})), RejectionCode::InvalidField);
    check_code(&WHOLE.replace("\"e-1\"", r#""\ud800""#), RejectionCode::InvalidField);
    assert_eq!(with(&json!({"awsRegion": "us-north-2r"})).region(), "us-north-2r");
    let escaped = admit(&WHOLE.replace("us-east-1", r"us\u002deast-1")).unwrap();
    assert_eq!(escaped.region(), "us-east-1");
}

#[test]
fn event_time_is_rfc_3339() {
    let time = |text: &str| admit(&record(&json!({ "eventTime": text }))).ok().map(|event| event.event_time_s());
    assert_eq!(time("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(time("2026-01-31T09:30:00Z"), Some(1_769_851_800));
    assert_eq!(time("2024-02-29T23:59:59Z"), Some(1_709_251_199));
    assert_eq!(time("2000-02-29T00:00:00Z"), Some(951_782_400));
    assert_eq!(time("1969-12-31T23:59:59Z"), Some(-1));
    assert_eq!(time("0000-03-01T00:00:00Z"), Some(-62_162_035_200));
    assert_eq!(time("9999-12-31T23:59:59Z"), Some(253_402_300_799));
    assert_eq!(time("2026-01-31T09:30:00.123Z"), Some(1_769_851_800));
    assert_eq!(time("2026-01-31T10:30:00+01:00"), Some(1_769_851_800));
    assert_eq!(time("2026-01-31T04:00:00.5-05:30"), Some(1_769_851_800));
    for refused in [
        "",
        "...",
        "2021-01-01 00:00:00.000000000",
        "2026-01-31",
        "2026-01-31T09:30Z",
        "2026-01-31T09:30:00",
        "2026-01-31T09:30:00z",
        "2026-01-31t09:30:00Z",
        "2026-01-31T09:30:00.Z",
        "2026-01-31T09:30:00.1234567890Z",
        "2026-01-31T09:30:00ZZ",
        "2026-01-31T09:30:00+1:00",
        "2026-01-31T09:30:00+0100",
        "2026-01-31T09:30:00+24:00",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T23:60:00Z",
        "2026-01-31T23:59:60Z",
        "+026-01-31T23:59:59Z",
        "2026-01-3éT09:30:0Z",
    ] {
        assert_eq!(time(refused), None, "{refused}");
    }
}

#[test]
fn the_account_is_the_recipient_else_the_caller_s_identity_else_the_sender() {
    let account = |changes: &Value| with(changes).account().to_string();
    let identity = json!({"accountId": "111111111111"});
    assert_eq!(account(&json!({"userIdentity": identity})), "123456789012");
    assert_eq!(account(&json!({"userIdentity": identity, "recipientAccountId": null})), "111111111111");
    assert_eq!(account(&json!({"userIdentity": identity, "recipientAccountId": "1"})), "111111111111");
    assert_eq!(account(&json!({"userIdentity": identity, "recipientAccountId": 123_456_789_012_i64})), "111111111111");
    assert_eq!(account(&json!({"userIdentity": {"accountId": "-"}, "recipientAccountId": "XXXXXXXXXXXX"})), "999999999999");
    assert_eq!(account(&json!({"userIdentity": "x", "recipientAccountId": null})), "999999999999");

    let inserted = with(&json!({"userIdentity": identity, "recipientAccountId": null}));
    assert_eq!(inserted.text("recipientAccountId").as_deref(), Some("111111111111"));
    let kept = with(&json!({"userIdentity": identity, "recipientAccountId": "1"}));
    assert_eq!(kept.text("recipientAccountId").as_deref(), Some("1"));
}

#[test]
fn stored_bytes_are_those_admit_made() {
    let stored = |text: &str, account: AccountId| {
        let stored = Event::stored(Bytes::copy_from_slice(text.as_bytes()), account);
        stored.map(|event| event.account().to_string()).map_err(|rejection| rejection.to_string())
    };
    let owner = "123456789012".parse().unwrap();
    assert_eq!(stored(WHOLE, owner), Ok("123456789012".to_owned()));
    assert!(stored(WHOLE, caller()).unwrap_err().starts_with("InvalidField: recipientAccountId"));
    assert_eq!(stored(&WHOLE.replace("123456789012", "unknown"), caller()), Ok("999999999999".to_owned()));
    assert_eq!(stored(&format!("{WHOLE}\n"), owner), Err("InvalidJson: blank space in stored bytes".to_owned()));
    assert_eq!(stored(&record(&json!({"eventID": null})), owner), Err("MissingField: eventID is missing".to_owned()));
    assert_eq!(stored(&record(&json!({"awsRegion": null})), owner), Err("MissingField: awsRegion is missing".to_owned()));
}

#[test]
fn size_counts_after_compaction_and_completion() {
    let bare = record(&json!({"eventID": null}));
    let size = admit(&bare).unwrap().bytes().len();
    assert!(size > bare.len());
    assert!(admit_as(bare.as_bytes(), 0, size).is_ok());
    let refused = admit_as(bare.as_bytes(), 0, size - 1).unwrap_err();
    assert_eq!(refused.to_string(), format!("TooLarge: the record has {size} bytes, {} are allowed", size - 1));
    let padded = format!("{WHOLE}{}", " ".repeat(3 * WHOLE.len()));
    assert!(admit_as(padded.as_bytes(), 0, WHOLE.len()).is_ok());
    let refused = admit_as(format!("{padded} ").as_bytes(), 0, WHOLE.len()).unwrap_err();
    assert_eq!(refused.code, RejectionCode::TooLarge);
}

#[test]
fn the_category_is_derived_where_it_is_missing() {
    let category = |changes: &Value| with(changes).category();
    assert_eq!(category(&json!({})), Category::Management);
    assert_eq!(category(&json!({"eventCategory": "Data"})), Category::Data);
    assert_eq!(category(&json!({"eventCategory": "NetworkActivity"})), Category::NetworkActivity);
    assert_eq!(category(&json!({"eventCategory": "Management", "managementEvent": false})), Category::Management);
    assert_eq!(category(&json!({"managementEvent": false})), Category::Data);
    assert_eq!(category(&json!({"managementEvent": "false"})), Category::Data);
    assert_eq!(category(&json!({"managementEvent": true})), Category::Management);
    assert_eq!(category(&json!({"eventType": "AwsVpceEvents"})), Category::NetworkActivity);
    assert_eq!(category(&json!({"eventType": "AwsAggregatedEvent"})), Category::Aggregated);
    assert_eq!(category(&json!({"insightDetails": {}})), Category::Insight);
    assert_eq!(category(&json!({"eventCategory": "ConfigurationItem", "managementEvent": true})), Category::ConfigurationItem);
    assert_eq!(category(&json!({"eventCategory": "Evidence"})), Category::Evidence);
    assert_eq!(category(&json!({"eventCategory": "Later"})), Category::Management);
}

#[test]
fn activity_comes_through_channels_alone() {
    let activity = r#"{"eventVersion":"1.0","eventCategory":"ActivityAuditLog","eventID":"e-1","eventTime":"2026-01-31T09:30:00Z","awsRegion":"us-east-1","recipientAccountId":"123456789012","eventData":{"UID":"u"}}"#;
    let region: Region = "eu-west-1".parse().unwrap();
    let admission = Admission { account: caller(), region: &region, ordinal: 0, size_max: SIZE_MAX };
    let event = Event::admit_activity(activity.as_bytes(), &admission).unwrap();
    assert_eq!((event.category(), event.as_str()), (Category::ActivityAuditLog, activity));
    assert_eq!((event.event_name(), event.event_source()), ("".into(), "".into()));
    assert_eq!(Event::stored(event.bytes().clone(), event.account()).unwrap(), event);

    let refused = "InvalidField: eventCategory must be one that does not come through channels";
    check(activity, refused);
    check(&record(&json!({"eventCategory": "ActivityAuditLog"})), refused);
    check(&WHOLE.replace("{\"eventTime", r#"{"eventC\u0061tegory":"\u0041ctivityAuditLog","eventTime"#), refused);
    for other in
        [WHOLE.to_owned(), activity.replace("ActivityAuditLog", "Management"), record(&json!({"eventCategory": "Insight"}))]
    {
        let refused = Event::admit_activity(other.as_bytes(), &admission).unwrap_err();
        assert_eq!(refused.to_string(), "InvalidField: eventCategory must be ActivityAuditLog", "{other}");
    }
}

#[test]
fn an_insight_event_has_its_names_in_insight_details() {
    let details = json!({"eventSource": "autoscaling.amazonaws.com", "eventName": "CompleteLifecycleAction"});
    let insight =
        with(&json!({"eventSource": null, "eventName": null, "eventType": "AwsCloudTrailInsight", "insightDetails": details}));
    assert_eq!(insight.category(), Category::Insight);
    assert_eq!(insight.event_name(), "CompleteLifecycleAction");
    assert_eq!(insight.event_source(), "autoscaling.amazonaws.com");
    let bare = with(&json!({"eventSource": null, "eventName": null, "eventCategory": "Insight"}));
    assert_eq!(bare.event_name(), "");
}

#[test]
fn values_are_read_where_they_stand() {
    let event = admit(WHOLE).unwrap();
    assert_eq!(event.raw("requestParameters"), Some(r#"{"Tag":1,"tag":"a b\u003d"}"#));
    assert_eq!(event.raw("eventName"), Some("\"GetObject\""));
    assert_eq!(event.raw("userAgent"), None);
    assert_eq!(event.raw("unknown"), None);
    assert_eq!(event.text("eventSource").as_deref(), Some("s3.amazonaws.com"));
    assert_eq!(event.text("requestParameters"), None);
    assert_eq!(event.read_only(), None);
    assert_eq!(with(&json!({"readOnly": true})).read_only(), Some(true));
    assert_eq!(with(&json!({"readOnly": "false"})).read_only(), Some(false));
    assert_eq!(with(&json!({"readOnly": "no"})).read_only(), None);
    assert_eq!(with(&json!({"custom": {"a": 1}})).raw("custom"), Some(r#"{"a":1}"#));
}

#[test]
fn user_identity_is_read_as_it_stands() {
    let event = with(&json!({"userIdentity": {
        "type": "AssumedRole", "principalId": "AROA:dana", "arn": "arn:aws:sts::1:assumed-role/r/dana",
        "accountId": "1", "accessKeyId": "", "invokedBy": "x.amazonaws.com",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "userName": "r"}, "attributes": {"mfaAuthenticated": "true"}, "sourceIdentity": "d",
        },
    }}));
    let identity = event.identity();
    assert_eq!(identity.type_.as_deref(), Some("AssumedRole"));
    assert_eq!(identity.principal_id.as_deref(), Some("AROA:dana"));
    assert_eq!(identity.access_key_id.as_deref(), Some(""));
    assert_eq!(identity.user_name, None);
    assert_eq!(identity.mfa_authenticated, Some(true));
    assert_eq!(identity.source_identity.as_deref(), Some("d"));
    assert_eq!(identity.session_issuer.unwrap().user_name.as_deref(), Some("r"));
    assert_eq!(with(&json!({})).identity(), crate::identity::Identity::default());
}

#[test]
fn global_services_are_recorded_in_the_leader_region() {
    let global = |changes: &Value| with(changes).is_global_service();
    let source = |name: &str| json!({ "eventSource": format!("{name}.amazonaws.com") });
    assert!(global(&source("iam")) && global(&source("cloudfront")) && global(&source("route53")));
    assert!(global(&source("organizations")) && !global(&source("s3")) && !global(&source("route53resolver")));
    assert!(!global(&json!({"eventSource": "iam.amazonaws.com", "awsRegion": "eu-west-1"})));
    let sts = |more: Value| {
        let mut changes = source("sts");
        changes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        global(&changes)
    };
    assert!(sts(json!({})));
    assert!(sts(json!({"tlsDetails": {"clientProvidedHostHeader": "sts.amazonaws.com"}})));
    assert!(!sts(json!({"tlsDetails": {"clientProvidedHostHeader": "sts.us-east-1.amazonaws.com"}})));
    assert!(!sts(json!({"additionalEventData": {"RequestDetails": {"endpointType": "regional"}}})));
    assert!(!sts(json!({"awsRegion": "eu-west-1"})));
}

proptest! {
    #[test]
    fn any_bytes_are_admitted_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = admit_as(&bytes, 0, SIZE_MAX);
        let _ = Event::stored(Bytes::from(bytes), caller());
    }

    #[test]
    fn a_damaged_record_is_admitted_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(event) = admit_as(&bytes, 0, SIZE_MAX) {
            let again = Event::stored(event.bytes().clone(), event.account()).unwrap();
            prop_assert_eq!(again, event);
        }
    }

    #[test]
    fn admitting_gives_the_compact_form_once_and_for_all(value in any_value(), other in any_value()) {
        let members = json!({"requestParameters": value, "custom": other, "eventID": null});
        let compact = record(&members);
        let pretty = serde_json::to_string_pretty(&record_value(&members)).unwrap();
        let event = admit(&pretty).unwrap();
        let kept = compact.strip_suffix('}').is_some_and(|open| event.as_str().starts_with(open));
        prop_assert!(kept, "{}", event.as_str());
        let again = admit(event.as_str()).unwrap();
        prop_assert_eq!(again.bytes(), event.bytes());
        let stored = Event::stored(event.bytes().clone(), event.account()).unwrap();
        prop_assert_eq!(stored.event_id(), event.event_id());
        prop_assert_eq!(&stored, &event);
        crate::lookup::facts(&event);
    }
}
