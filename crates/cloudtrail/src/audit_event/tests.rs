use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::Category;

const OWNER: &str = "123456789012";
const CHANNEL: &str = "arn:aws:cloudtrail:eu-west-1:123456789012:channel/01234567-89ab-cdef-0123-456789abcdef";
const EVENT_ID: &str = "11111111-2222-4333-8444-555555555555";
/// 2026-01-31T10:00:00Z.
const NOW_S: i64 = 1_769_853_600;

fn take_with(data: &str, checksum: Option<&[u8]>) -> Result<Taken, Refusal> {
    let region: Region = "eu-west-1".parse().unwrap();
    let intake = Intake { channel_arn: CHANNEL, owner: OWNER.parse().unwrap(), region: &region, now_s: NOW_S };
    intake.take(&Entry { data, checksum }, EVENT_ID)
}

fn take(data: &str) -> Result<Taken, Refusal> {
    take_with(data, None)
}

/// Data that is complete, with members changed: the key is a path, `null` takes one away.
fn data(changes: &[(&str, Value)]) -> String {
    let mut data = json!({
        "version": "1.0",
        "userIdentity": {"type": "CustomUserIdentity", "principalId": "dana"},
        "eventSource": "custom1.domain.com",
        "eventName": "SignedIn",
        "eventTime": "2026-01-31T09:30:00Z",
        "UID": "uid-1",
        "recipientAccountId": OWNER,
    });
    for (path, value) in changes {
        let (object, name) = match path.split_once('.') {
            Some((object, name)) => (&mut data[object], name),
            None => (&mut data, *path),
        };
        let members = object.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value.clone());
        }
    }
    data.to_string()
}

#[track_caller]
fn check(changes: &[(&str, Value)], fault: Fault, message: &str) {
    let data = data(changes);
    let refusal = take(&data).expect_err(&data);
    assert_eq!((refusal.fault, refusal.message.as_str()), (fault, message), "{data:.500}");
}

fn sha256(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

#[test]
fn the_record_is_the_documented_one() {
    let data = data(&[]);
    let Taken { event, unknown_fields } = take(&data).unwrap();
    let expected = format!(
        r#"{{"eventVersion":"1.0","eventCategory":"ActivityAuditLog","eventType":"ActivityLog","eventID":"{EVENT_ID}","eventTime":"2026-01-31T09:30:00Z","awsRegion":"eu-west-1","recipientAccountId":"{OWNER}","metadata":{{"ingestionTime":"2026-01-31T10:00:00","channelARN":"{CHANNEL}"}},"eventData":{data}}}"#
    );
    assert_eq!((event.as_str(), unknown_fields), (expected.as_str(), 0));
    assert_eq!((event.category(), event.region(), event.account().as_str()), (Category::ActivityAuditLog, "eu-west-1", OWNER));
    assert_eq!(Event::stored(event.bytes().clone(), event.account()).unwrap(), event);
}

#[test]
fn the_data_keeps_its_bytes_but_for_blank_space() {
    let sent = data(&[("requestParameters", json!({"B": 1, "a": "x\u{e9} y"}))]);
    let spread = sent.replace("\":", "\" :\n").replace("\"B\"", "\"\\u0042\"");
    let stored = take(&spread).unwrap().event;
    assert_eq!(stored.raw("eventData"), Some(sent.replace("\"B\"", "\"\\u0042\"").as_str()));
}

#[test]
fn data_in_a_second_pair_of_quotes_is_taken_out_of_it() {
    let sent = data(&[]);
    let quoted = Value::from(sent.as_str()).to_string();
    assert_eq!(take(&quoted).unwrap(), take(&sent).unwrap());
    let twice = Value::from(quoted).to_string();
    assert_eq!(take(&twice).unwrap_err().fault, Fault::Data);
    assert_eq!(take("\"{").unwrap_err().fault, Fault::Data);
}

#[test]
fn what_must_be_there_and_is_not_is_named() {
    for field in ["version", "userIdentity", "eventSource", "eventName", "eventTime", "UID", "recipientAccountId"] {
        let message = format!("{field} is required");
        check(&[(field, Value::Null)], Fault::NotFound, &message);
        check(&[(field, json!(""))], Fault::NotFound, &message);
        let null = data(&[(field, Value::Null)]).replacen('{', &format!("{{\"{field}\":null,"), 1);
        assert_eq!(take(&null).unwrap_err().message, message);
    }
    check(&[("userIdentity", json!({}))], Fault::NotFound, "userIdentity is required");
    check(&[("userIdentity.type", Value::Null)], Fault::NotFound, "userIdentity.type is required");
    check(&[("userIdentity.principalId", json!(""))], Fault::NotFound, "userIdentity.principalId is required");
    // Names are as they are written.
    check(&[("EventName", json!("e")), ("eventName", Value::Null)], Fault::NotFound, "eventName is required");
    check(&[("eventVersion", json!("1")), ("version", Value::Null)], Fault::NotFound, "version is required");
    // What is missing is told before what is wrong.
    check(&[("version", json!(1)), ("UID", Value::Null)], Fault::NotFound, "UID is required");
}

#[test]
fn every_field_has_its_limit() {
    for (field, max) in [
        ("version", 256),
        ("userIdentity.type", 128),
        ("userIdentity.principalId", 1_024),
        ("userAgent", 1_024),
        ("eventSource", 1_024),
        ("eventName", 1_024),
        ("UID", 1_024),
        ("errorCode", 256),
        ("errorMessage", 256),
    ] {
        assert!(take(&data(&[(field, json!("\u{e9}".repeat(max)))])).is_ok(), "{field}");
        let message = format!("{field} has more than {max} characters");
        check(&[(field, json!("a".repeat(max + 1)))], Fault::TooLong, &message);
    }
    for (field, max) in [("requestParameters", 102_400), ("responseElements", 102_400), ("additionalEventData", 28_672)] {
        let of = |bytes: usize| json!({"a": "b".repeat(bytes - r#"{"a":""}"#.len())});
        assert!(take(&data(&[(field, of(max))])).is_ok(), "{field}");
        check(&[(field, of(max + 1))], Fault::TooLong, &format!("{field} has more than {max} bytes"));
    }
}

#[test]
fn a_record_is_no_larger_than_an_event_may_be() {
    let of = |bytes: usize| data(&[("userIdentity.details", json!({"d": "x".repeat(bytes)}))]);
    let most = SIZE_MAX - take(&of(0)).unwrap().event.bytes().len();
    assert_eq!(take(&of(most)).unwrap().event.bytes().len(), SIZE_MAX);
    let refusal = take(&of(most + 1)).unwrap_err();
    assert_eq!(refusal.fault, Fault::TooLong);
    assert_eq!(refusal.message, format!("the record has {} bytes, {SIZE_MAX} are allowed", SIZE_MAX + 1));
}

#[test]
fn what_has_the_wrong_type_or_form_is_named() {
    for field in
        ["version", "userAgent", "eventSource", "errorCode", "sourceIPAddress", "recipientAccountId", "userIdentity.type"]
    {
        for wrong in [json!(1), json!(true), json!(["a"]), json!({"a": "b"})] {
            check(&[(field, wrong)], Fault::Data, &format!("{field} must be a string"));
        }
    }
    for field in ["userIdentity", "requestParameters", "responseElements", "additionalEventData", "userIdentity.details"] {
        for wrong in [json!("text"), json!(1), json!([{}])] {
            check(&[(field, wrong)], Fault::Data, &format!("{field} must be an object"));
        }
    }
    for time in [
        "yesterday",
        "2026-01-31",
        "2026-01-31 09:30:00",
        "2026-01-31T09:30:00.5Z",
        "2026-01-31T09:30:00+01:00",
        "2026-02-30T00:00:00",
        "2026-01-31T24:00:00Z",
        "2026-01-31T09:30:00ZZ",
    ] {
        check(&[("eventTime", json!(time))], Fault::Data, "eventTime must be a UTC time in the form yyyy-MM-ddTHH:mm:ss");
    }
    for address in ["", "localhost", "300.1.1.1", "10.0.0.1/8", "AWS Internal"] {
        check(&[("sourceIPAddress", json!(address))], Fault::Data, "sourceIPAddress must be an IPv4 or IPv6 address");
    }
    for text in ["", "null", "5", "[]", "{", "{} {}", "{\"a\":1,}", "not json"] {
        let refusal = take(text).expect_err(text);
        assert!(refusal.fault == Fault::Data && refusal.message.starts_with("eventData is not JSON"), "{text}: {refusal}");
    }
    let deep = |depth: usize| {
        data(&[("requestParameters", json!({}))])
            .replace("{}", &format!("{}{}", "{\"a\":".repeat(depth) + "1", "}".repeat(depth)))
    };
    assert!(take(&deep(usize::try_from(json::DEPTH_MAX).unwrap() - 2)).is_ok());
    assert_eq!(take(&deep(usize::try_from(json::DEPTH_MAX).unwrap() - 1)).unwrap_err().fault, Fault::Data);
}

#[test]
fn a_field_that_comes_twice_is_refused() {
    let twice = data(&[]).replacen('{', r#"{"version":"2","#, 1);
    assert_eq!(take(&twice).unwrap_err().message, "eventData has a field twice");
    let twice = data(&[]).replacen('{', r#"{"other":1,"oth\u0065r":2,"#, 1);
    assert_eq!(take(&twice).unwrap_err().fault, Fault::Data);
    let twice = data(&[]).replacen(r#""type""#, r#""type":"a","type""#, 1);
    assert_eq!(take(&twice).unwrap_err().message, "userIdentity has a field twice");
}

#[test]
fn times_are_utc_with_or_without_a_z() {
    for time in ["2026-01-31T09:30:00", "2026-01-31T09:30:00Z"] {
        let event = take(&data(&[("eventTime", json!(time))])).unwrap().event;
        assert_eq!(event.text("eventTime").unwrap(), "2026-01-31T09:30:00Z");
        assert_eq!(event.json("eventData").unwrap().get("eventTime").unwrap().string().unwrap(), time);
    }
}

#[test]
fn the_recipient_is_the_owner_of_the_channel() {
    check(
        &[("recipientAccountId", json!("210987654321"))],
        Fault::Recipient,
        "recipientAccountId is not the account that owns the channel",
    );
}

#[test]
fn no_one_speaks_for_an_aws_service() {
    for source in ["s3.amazonaws.com", "amazonaws.com", "Signin.AmazonAWS.com"] {
        check(&[("eventSource", json!(source))], Fault::Source, "eventSource ends with amazonaws.com, which is AWS's own");
    }
    for source in ["notamazonaws.com", "amazonaws.com.example", "okta.com"] {
        assert!(take(&data(&[("eventSource", json!(source))])).is_ok(), "{source}");
    }
}

#[test]
fn a_checksum_is_that_of_the_data_as_sent_or_of_what_it_quotes() {
    let sent = data(&[]);
    let quoted = Value::from(sent.as_str()).to_string();
    assert!(take_with(&sent, Some(&sha256(&sent))).is_ok());
    assert!(take_with(&quoted, Some(&sha256(&quoted))).is_ok());
    assert!(take_with(&quoted, Some(&sha256(&sent))).is_ok());
    for wrong in [sha256(&format!("{sent} ")), Vec::new(), sha256(&sent)[1..].to_vec()] {
        assert_eq!(take_with(&sent, Some(&wrong)).unwrap_err().fault, Fault::Checksum);
    }
    assert_eq!(take_with("[]", Some(&[])).unwrap_err().fault, Fault::Checksum);
}

#[test]
fn other_fields_are_counted_and_stay() {
    let taken = take(&data(&[("colour", json!("red")), ("metadata", json!({"channelARN": "forged"}))])).unwrap();
    assert_eq!(taken.unknown_fields, 2);
    assert!(taken.event.raw("eventData").unwrap().contains(r#""colour":"red""#));
    assert_eq!(taken.event.json("metadata").unwrap().get("channelARN").unwrap().string().unwrap(), CHANNEL);
}

#[test]
fn the_id_may_stand_under_its_other_name() {
    let taken = take(&data(&[("UID", Value::Null), ("uid", json!("u-2"))])).unwrap();
    let stored = taken.event.json("eventData").unwrap();
    assert_eq!(
        (stored.get("UID").unwrap().string().unwrap().as_ref(), stored.get("uid"), taken.unknown_fields),
        ("u-2", None, 0)
    );
    let both = take(&data(&[("uid", json!("u-2"))])).unwrap();
    assert_eq!(both.unknown_fields, 1);
    assert_eq!(both.event.json("eventData").unwrap().get("UID").unwrap().string().unwrap(), "uid-1");
}

proptest! {
    #[test]
    fn nothing_that_is_sent_does_harm(text in "\\PC*", bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = take(&text);
        let taken = take(&data(&[("requestParameters", json!({"x": text}))])).unwrap();
        prop_assert!(serde_json::from_str::<Value>(taken.event.as_str()).is_ok());
        let _ = take(&String::from_utf8_lossy(&bytes));
    }
}
