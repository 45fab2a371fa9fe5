use std::io::{BufRead, BufReader};
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use cloudtrail::account::AccountId;
use cloudtrail::event::{Admission, Event};
use cloudtrail::event_data_store::Family;
use cloudtrail::region::Region;
use proptest::prelude::*;

use super::*;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/events");

fn event(record: &str) -> Event {
    let region: Region = "us-east-1".parse().expect("a Region");
    let account: AccountId = "123456789012".parse().expect("an account");
    let admission = Admission { account, region: &region, ordinal: 0, size_max: 1 << 20 };
    Event::admit(record.as_bytes(), &admission).unwrap_or_else(|rejection| panic!("{rejection:?}: {record}"))
}

/// A record with these members besides the mandatory ones.
fn with(members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(
        r#"{{"eventTime":"2026-11-20T10:20:30Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"e-1"{comma}{members}}}"#
    )
}

fn batch(family: Family, records: &[&str]) -> RecordBatch {
    let mut rows = Rows::new(family);
    for (position, record) in records.iter().enumerate() {
        rows.push(&event(record), position as u64, 7);
    }
    rows.finish()
}

/// The value at a column, a flat copy or a member, in a row: as text.
fn at(batch: &RecordBatch, path: &str, row: usize) -> Option<String> {
    let copy = schema::shadow(Family::Events, path).map_or(path, |column| column.name);
    if let Some(column) = batch.column_by_name(copy) {
        return text(column, row);
    }
    let mut parts = path.split('.');
    let mut array = batch.column_by_name(parts.next()?)?.clone();
    for part in parts {
        let inside: &StructArray = array.as_struct();
        if inside.is_null(row) {
            return None;
        }
        array = inside.column_by_name(part)?.clone();
    }
    text(&array, row)
}

fn text(array: &ArrayRef, row: usize) -> Option<String> {
    let one = array.slice(row, 1);
    let text = cast(&one, &DataType::Utf8).expect("a scalar");
    let text = text.as_string::<i32>();
    text.is_valid(0).then(|| text.value(0).to_owned())
}

#[track_caller]
fn check(members: &str, path: &str, expected: Option<&str>) {
    let batch = batch(Family::Events, &[&with(""), &with(members), &with("")]);
    assert_eq!(at(&batch, path, 1).as_deref(), expected, "{path} of {members}");
}

#[test]
fn columns_hold_the_values_of_the_record() {
    let identity = r#""userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::123456789012:assumed-role/Deploy/x","sessionContext":{"attributes":{"creationDate":"2026-11-20T10:00:00Z","mfaAuthenticated":"false"},"sessionIssuer":{"arn":"arn:aws:iam::123456789012:role/Deploy","userName":"Deploy"}}}"#;
    check(identity, "useridentity.type", Some("AssumedRole"));
    check(identity, "useridentity.arn", Some("arn:aws:sts::123456789012:assumed-role/Deploy/x"));
    check(identity, "useridentity.sessioncontext.attributes.creationdate", Some("2026-11-20T10:00:00"));
    check(identity, "useridentity.sessioncontext.sessionissuer.username", Some("Deploy"));
    check(identity, "useridentity.sessioncontext.attributes.mfaauthenticated", Some("false"));
    check(identity, "useridentity.username", None);
    check(r#""readOnly":true"#, "readonly", Some("true"));
    check(r#""readOnly":"false""#, "readonly", Some("false"));
    check("", "eventtime", Some("2026-11-20T10:20:30"));
    check("", "_account", Some("123456789012"));
    check("", "_position", Some("1"));
}

#[test]
fn a_struct_and_its_flat_copies_agree() {
    let batch =
        batch(Family::Events, &[&with(r#""userIdentity":{"type":"Root","accessKeyId":"AKIA00000000000000\u003d0"}"#), &with("")]);
    let inside = batch.column_by_name("useridentity").expect("a column").as_struct();
    let key = inside.column_by_name("accesskeyid").expect("a member").as_string_view();
    let copy = batch.column_by_name("_useridentity.accesskeyid").expect("a column").as_string_view();
    assert_eq!(key.value(0), "AKIA00000000000000=0");
    assert_eq!(key, copy);
    assert!(inside.is_null(1) && copy.is_null(1));
}

#[test]
fn maps_are_the_json_text_as_it_stands() {
    let parameters = r#"{"b":1,"a":{"x":[1,2]},"Tag":"T","tag":"t"}"#;
    check(&format!(r#""requestParameters":{parameters}"#), "requestparameters", Some(parameters));
    check(r#""requestParameters":null"#, "requestparameters", None);
    check(r#""requestParameters":"bucket=b""#, "requestparameters", Some(r#""bucket=b""#));
    check(r#""requestParameters":{}"#, "requestparameters", Some("{}"));
}

#[test]
fn flat_copies_of_map_keys_are_what_element_at_gives() {
    let bucket = "requestparameters.bucketName";
    check(r#""requestParameters":{"bucketName":"b"}"#, bucket, Some("b"));
    check(r#""requestParameters":{"bucketname":"b"}"#, bucket, None);
    check(r#""requestParameters":{"bucketName":null}"#, bucket, None);
    check(r#""requestParameters":{"bucketName":12}"#, bucket, Some("12"));
    check(r#""requestParameters":{"bucketName":["a",{"b":1}]}"#, bucket, Some(r#"["a",{"b":1}]"#));
    check(r#""requestParameters":{"bucketName":""}"#, bucket, Some(""));
    check(r#""requestParameters":"text""#, bucket, None);
    let key = "responseelements.credentials.accessKeyId";
    check(r#""responseElements":{"credentials":{"accessKeyId":"ASIA"}}"#, key, Some("ASIA"));
    check(r#""responseElements":{"credentials":{"accessKeyId":{"a":1}}}"#, key, None);
    check(r#""responseElements":{"credentials":"x"}"#, key, None);
}

#[test]
fn what_does_not_fit_a_column_is_null_there_and_whole_in_the_record() {
    for members in [
        r#""userIdentity":"root""#,
        r#""userIdentity":["a"]"#,
        r#""userIdentity":{"sessionContext":"x","type":{"a":1},"arn":["b"]}"#,
        r#""resources":"arn:aws:s3:::b""#,
        r#""resources":[null,"x",1,[],{"ARN":{"a":1}}]"#,
        r#""tlsDetails":false"#,
        r#""readOnly":1"#,
        r#""errorCode":{"code":"x"}"#,
    ] {
        let record = with(members);
        let batch = batch(Family::Events, &[&record]);
        let json = at(&batch, "eventjson", 0).expect("a record");
        assert!(json.starts_with(record.trim_end_matches('}')), "{json} is not {record}");
        for path in ["useridentity.type", "useridentity.arn", "tlsdetails.tlsversion", "readonly", "errorcode"] {
            assert_eq!(at(&batch, path, 0), None, "{path} of {record}");
        }
    }
}

#[test]
fn the_documented_spelling_of_a_key_counts_before_others() {
    let arn = "useridentity.arn";
    check(r#""userIdentity":{"ARN":"upper","arn":"lower"}"#, arn, Some("lower"));
    check(r#""userIdentity":{"ARN":"upper"}"#, arn, Some("upper"));
    check(r#""userIdentity":{"accesskeyid":"AKIA"}"#, "useridentity.accesskeyid", Some("AKIA"));
    check(r#""userIdentity":{"arn":"first","arn":"second"}"#, arn, Some("first"));
}

#[test]
fn resources_are_lists_of_structs_in_any_spelling() {
    let records = [
        with(r#""resources":[{"accountId":"1","type":"T","ARN":"a"},{"type":"T","ARNPrefix":"p"}]"#),
        with(""),
        with(r#""resources":[{"accountId":"2","arn":"b","type":"U"}]"#),
        with(r#""resources":{"ARN":"single"}"#),
        with(r#""resources":[]"#),
    ];
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let batch = batch(Family::Events, &records);
    let lists = batch.column_by_name("resources").expect("a column").as_list::<i32>();
    let arns = |row: usize| -> Vec<Option<String>> {
        let structs = lists.value(row);
        let arns = structs.as_struct().column_by_name("arn").expect("a member").clone();
        (0..arns.len()).map(|at| text(&arns, at)).collect()
    };
    assert_eq!(arns(0), [Some("a".to_owned()), None]);
    assert!(lists.is_null(1));
    assert_eq!(arns(2), [Some("b".to_owned())]);
    assert_eq!(arns(3), [Some("single".to_owned())]);
    assert!(lists.is_valid(4) && lists.value(4).is_empty());
}

#[test]
fn insights_events_of_trails_fill_the_columns_of_insight_stores() {
    let details = r#""eventCategory":"Insight","insightDetails":{"state":"Start","eventSource":"ssm.amazonaws.com","eventName":"Update","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":85.5},"insight":{"average":664},"insightDuration":1,"baselineDuration":11336},"attributions":[{"attribute":"userAgent","insight":[{"value":"x","average":0.5}],"baseline":[]}]}}"#;
    let flat = r#""eventCategory":"Insight","insightState":"End","insightSource":"arn:store","insightContext":{"insightAverage":2.5,"baselineDuration":3}"#;
    let batch = batch(Family::Insight, &[&with(details), &with(flat)]);
    assert_eq!(at(&batch, "insightstate", 0).as_deref(), Some("Start"));
    assert_eq!(at(&batch, "insighteventname", 0).as_deref(), Some("Update"));
    assert_eq!(at(&batch, "insightcontext.baselineaverage", 0).as_deref(), Some("85.5"));
    assert_eq!(at(&batch, "insightstate", 1).as_deref(), Some("End"));
    let context = batch.column_by_name("insightcontext").expect("a column").as_struct();
    let averages = context.column_by_name("insightaverage").expect("a member").as_primitive::<Float64Type>();
    assert_eq!(averages.values(), &[664.0, 2.5]);
    let durations = context.column_by_name("baselineduration").expect("a member").as_primitive::<Int64Type>();
    assert_eq!(durations.values(), &[11_336, 3]);
    let attributions = context.column_by_name("attributions").expect("a member").as_list::<i32>();
    assert_eq!((attributions.value_length(0), attributions.is_null(1)), (1, true));
}

#[test]
fn event_times_keep_their_fractions() {
    for (time, expected) in [
        ("2026-11-20T10:20:30Z", 1_795_170_030_000_000),
        ("2026-11-20T10:20:30.25Z", 1_795_170_030_250_000),
        ("2026-11-20T12:20:30.123456789+02:00", 1_795_170_030_123_456),
    ] {
        let record = with("").replace("2026-11-20T10:20:30Z", time);
        let batch = batch(Family::Events, &[&record]);
        let times = batch.column_by_name("eventtime").expect("a column").as_primitive::<TimestampMicrosecondType>();
        assert_eq!(times.value(0), expected, "{time}");
    }
}

/// Every value of the corpus that a path of the record names is in the column of that path.
#[test]
fn rows_of_real_records_have_what_the_records_have() {
    let Ok(folder) = std::fs::read_dir(Path::new(CORPUS)) else { return };
    for file in folder {
        let path = file.expect("an entry").path();
        let reader = BufReader::new(flate2::read::GzDecoder::new(std::fs::File::open(&path).expect("a file")));
        let events: Vec<Event> = reader.lines().map_while(Result::ok).filter_map(|line| admitted(&line)).collect();
        let mut rows = Rows::new(Family::Events);
        for (position, event) in events.iter().enumerate() {
            rows.push(event, position as u64, 0);
        }
        let batch = rows.finish();
        assert_eq!(batch.num_rows(), events.len());
        for column in schema::columns(Family::Events).iter().filter(|c| c.stored && !c.key.is_empty()) {
            if matches!(column.kind, schema::Kind::Text | schema::Kind::Map) {
                check_column(&batch, column, &events);
            }
        }
    }
}

fn admitted(line: &str) -> Option<Event> {
    let region: Region = "us-east-1".parse().expect("a Region");
    let account: AccountId = "123456789012".parse().expect("an account");
    let admission = Admission { account, region: &region, ordinal: 0, size_max: 1 << 20 };
    Event::admit(line.as_bytes(), &admission).ok()
}

fn check_column(batch: &RecordBatch, column: &Column, events: &[Event]) {
    let values = batch.column_by_name(column.name).expect("a column").as_string_view();
    for (row, event) in events.iter().enumerate() {
        let record: serde_json::Value = serde_json::from_str(event.as_str()).expect("a record");
        let value = column.key.split('.').try_fold(&record, |value, key| {
            let members = value.as_object()?;
            let same_case = members.get(key);
            let map = ["requestParameters", "responseElements", "additionalEventData"].iter().any(|m| column.key.starts_with(m));
            let other_case = || members.iter().find(|(k, _)| !map && k.eq_ignore_ascii_case(key)).map(|(_, v)| v);
            same_case.or_else(other_case)
        });
        let got = values.is_valid(row).then(|| values.value(row));
        match value {
            None | Some(serde_json::Value::Null) => assert_eq!(got, None, "{} of {}", column.name, event.as_str()),
            Some(serde_json::Value::String(text)) if column.kind == schema::Kind::Text => {
                assert_eq!(got, Some(text.as_str()), "{} of {}", column.name, event.as_str());
            }
            Some(_) if column.kind == schema::Kind::Map => assert_eq!(got, event.raw(column.key)),
            Some(value) if value.is_number() || value.is_boolean() => assert!(got.is_some()),
            Some(_) => {}
        }
    }
}

fn json(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_filter("JSON has no such number", |n| n.is_finite()).prop_map(|n| format!("{n:?}")),
        ".*".prop_map(|text| serde_json::to_string(&text).expect("text")),
    ];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        let key = prop_oneof![
            "type|arn|ARN|sessionContext|attributes|creationDate|bucketName|BucketName|key|credentials|insight|average",
            "[a-zA-Z\\\\\"]{0,6}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            proptest::collection::vec((key, inner), 0..4).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(key, value)| format!("{}:{value}", serde_json::to_string(key).expect("a key")))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in a record, it is a row of every family, and the record is in it byte by byte.
    #[test]
    fn no_record_is_lost(values in proptest::collection::vec(
        (proptest::sample::select(vec![
            "userIdentity", "requestParameters", "responseElements", "resources", "tlsDetails", "readOnly", "addendum",
            "additionalEventData", "errorCode", "eventData", "metadata", "insightDetails", "insightContext", "sharedEventID",
        ]), json(5)),
        0..6,
    )) {
        let mut members: Vec<(&str, String)> = values;
        members.sort_unstable();
        members.dedup_by_key(|(key, _)| *key);
        let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        let plain = with("");
        let odd = with(&members.join(","));
        for family in Family::ALL {
            let Some(event) = admitted(&odd) else { continue };
            let mut rows = Rows::new(family);
            rows.push(&self::event(&plain), 0, 0);
            rows.push(&event, 1, 0);
            rows.push(&self::event(&plain), 2, 0);
            let batch = rows.finish();
            prop_assert_eq!(batch.num_rows(), 3);
            let json = batch.column_by_name("eventjson").expect("a column").as_string_view();
            prop_assert_eq!(json.value(1), event.as_str());
        }
    }
}
