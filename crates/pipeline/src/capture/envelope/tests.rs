use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

const JSON: Option<&str> = Some("application/json");
const NDJSON: Option<&str> = Some("application/x-ndjson");

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn texts(records: &Records) -> Vec<String> {
    records.iter().map(|record| String::from_utf8_lossy(record).into_owned()).collect()
}

/// The records of a request, or what is answered: status and message.
fn read_text(body: &[u8], content_type: Option<&str>, coding: Option<&str>) -> Result<Vec<String>, String> {
    let status = |error: &EnvelopeError| match error {
        EnvelopeError::Malformed(_) => 400,
        EnvelopeError::TooLarge(_) => 413,
        EnvelopeError::Unsupported(_) => 415,
    };
    let records = read(&Bytes::copy_from_slice(body), content_type, coding);
    records.map(|records| texts(&records)).map_err(|error| format!("{} {error}", status(&error)))
}

fn check(content_type: Option<&str>, body: &str, expected: Result<&[&str], &str>) {
    let expected = expected.map(|records| records.iter().map(ToString::to_string).collect()).map_err(str::to_owned);
    assert_eq!(read_text(body.as_bytes(), content_type, None), expected, "{body}");
}

#[test]
fn records_are_found_in_a_log_file() {
    for (body, records) in [
        (r#"{"Records":[]}"#, &[][..]),
        (r#"{"Records":[{"a":1}]}"#, &[r#"{"a":1}"#]),
        (
            "\u{feff} { \"Records\" : [ {\"a\": 1} ,\n[1, {}] , \"x\",-1.5e3 ] } \r\n",
            &[r#"{"a": 1}"#, "[1, {}]", r#""x""#, "-1.5e3"],
        ),
        (r#"{"Records":[{"a":"}]\"\\"},{}]}"#, &[r#"{"a":"}]\"\\"}"#, "{}"]),
        (r#"{"x":{"Records":[1]},"Records":[2],"y":[null,true,""]}"#, &["2"]),
        (r#"{"\u0052ecords":[1]}"#, &["1"]),
        // What is balanced but not JSON is a matter of the record.
        (r#"{"Records":[{"a":01,},{"a":1]},nonsense]}"#, &[r#"{"a":01,}"#, r#"{"a":1]"#]),
    ] {
        if body.contains("nonsense") {
            assert!(read_text(body.as_bytes(), JSON, None).is_err());
            continue;
        }
        check(JSON, body, Ok(records));
    }
}

#[test]
fn what_is_no_log_file_is_malformed() {
    let at = |offset: usize, reason: &str| format!("400 invalid JSON at byte {offset}: {reason}");
    for (body, error) in [
        ("", at(0, "expected an object")),
        ("[]", at(0, "expected an object")),
        ("{}", "400 the object has no \"Records\"".to_owned()),
        (r#"{"records":[]}"#, "400 the object has no \"Records\"".to_owned()),
        (r#"{"Records":null}"#, at(11, "\"Records\" must be an array")),
        (r#"{"Records":[1],"Records":[2]}"#, at(15, "a second \"Records\"")),
        (r#"{"Records":[1],"\u0052ecords":[2]}"#, at(15, "a second \"Records\"")),
        (r#"{"Records":[1,]}"#, at(14, "expected a value")),
        (r#"{"Records":[,1]}"#, at(12, "expected a value")),
        (r#"{"Records":[1 2]}"#, at(14, "expected a comma or the end of \"Records\"")),
        (r#"{"Records":[1]"#, at(14, "expected a comma or the end of the object")),
        (r#"{"Records":[{"a":1]"#, at(19, "expected a comma or the end of \"Records\"")),
        (r#"{"Records":[{"a":{1]"#, at(20, "the text ends within an object or array")),
        (r#"{"Records":["a\"#, at(15, "the text ends within a string")),
        (r#"{"Records":[1]} x"#, at(16, "nothing may follow the object")),
        (r#"{"Records":[1]}{"Records":[2]}"#, at(15, "nothing may follow the object")),
        (r#"{"x":nope,"Records":[]}"#, at(5, "not a value")),
        (r#"{"x":{]],"Records":[]}"#, at(5, "not a value")),
        (r#"{"x":{[],"Records":[]"#, at(21, "the text ends within an object or array")),
        (r#"{"Records":[1],}"#, at(15, "expected a string")),
        (r#"{"\x":1}"#, at(1, "a key is not a string")),
        (r#"{"Records" [1]}"#, at(11, "expected a colon")),
    ] {
        check(JSON, body, Err(&error));
    }
}

#[test]
fn records_are_found_in_lines() {
    for (body, records) in [
        ("", &[][..]),
        ("\n \r\n\t\n", &[]),
        ("{\"a\":1}", &["{\"a\":1}"]),
        ("\u{feff}{\"a\":1}\r\n\r\n  {\"b\":\"x y\"} \nnot json\n", &["{\"a\":1}", "{\"b\":\"x y\"}", "not json"]),
    ] {
        check(NDJSON, body, Ok(records));
    }
}

#[test]
fn types_and_codings_are_told_apart() {
    let body = br#"{"Records":[1]}"#;
    let zstd = zstd::encode_all(&body[..], 1).unwrap();
    let unsupported_type = "415 Content-Type must be application/json or application/x-ndjson";
    let unsupported_coding = "415 Content-Encoding must be gzip, zstd or none";
    for (content_type, coding, body, expected) in [
        (JSON, None, &body[..], Ok("1")),
        (Some("Application/JSON; charset=utf-8"), Some("identity"), body, Ok("1")),
        (NDJSON, Some(""), body, Ok(r#"{"Records":[1]}"#)),
        (JSON, Some("GZIP"), &gzip(body), Ok("1")),
        (JSON, Some("zstd"), &zstd, Ok("1")),
        (None, None, body, Err(unsupported_type)),
        (Some("text/json"), None, body, Err(unsupported_type)),
        (Some("application/json, text/plain"), None, body, Err(unsupported_type)),
        (JSON, Some("br"), body, Err(unsupported_coding)),
        (JSON, Some("gzip, gzip"), body, Err(unsupported_coding)),
        (JSON, Some("gzip"), body, Err("400 the compressed data is damaged: invalid gzip header")),
        (JSON, Some("gzip"), b"", Err("400 the compressed data ends too early")),
        (JSON, Some("zstd"), &zstd[..zstd.len() - 1], Err("400 the compressed data ends too early")),
        (JSON, Some("zstd"), body, Err("400 the compressed data is damaged: Unknown frame descriptor")),
    ] {
        let expected = expected.map(|record| vec![record.to_owned()]).map_err(str::to_owned);
        assert_eq!(read_text(body, content_type, coding), expected, "{content_type:?} {coding:?}");
    }
}

#[test]
fn gzip_may_have_several_members_but_nothing_else() {
    let halves = [gzip(br#"{"Records":[1"#), gzip(b",2]}")].concat();
    assert_eq!(read_text(&halves, JSON, Some("gzip")).unwrap(), ["1", "2"]);
    let twice = [gzip(b"1\n"), gzip(b"1\n")].concat();
    assert_eq!(read_text(&twice, NDJSON, Some("gzip")).unwrap(), ["1", "1"]);
    let empty_first = [gzip(b""), gzip(b"1")].concat();
    assert_eq!(read_text(&empty_first, NDJSON, Some("gzip")).unwrap(), ["1"]);
    let whole = gzip(b"1");
    for length in 0..whole.len() {
        assert!(read_text(&whole[..length], NDJSON, Some("gzip")).is_err(), "{length} bytes");
    }
    for tail in [&b"x"[..], &[0; 8], &whole[..5], b"a tail of junk"] {
        assert!(read_text(&[&whole[..], tail].concat(), NDJSON, Some("gzip")).is_err(), "{tail:?}");
    }
    for at in 10..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(read_text(&changed, NDJSON, Some("gzip")).is_err(), "byte {at}");
    }
}

#[test]
fn what_inflates_to_too_much_is_refused() {
    let blank = vec![b' '; INFLATED_BYTES_MAX + 1];
    let too_large = Err("413 it is larger than 64 MiB, inflated".to_owned());
    assert_eq!(read_text(&blank, NDJSON, None), too_large);
    assert_eq!(read_text(&gzip(&blank), NDJSON, Some("gzip")), too_large);
    let zstd = zstd::encode_all(&blank[..], 1).unwrap();
    assert_eq!(read_text(&zstd, NDJSON, Some("zstd")), too_large);
    let fits = gzip(&blank[..INFLATED_BYTES_MAX]);
    assert_eq!(read_text(&fits, NDJSON, Some("gzip")), Ok(Vec::new()));
    // A trailer that promises much is not believed.
    let mut boastful = gzip(b"1");
    let end = boastful.len();
    boastful[end - 4..].copy_from_slice(&(INFLATED_BYTES_MAX as u32).to_le_bytes());
    assert!(read_text(&boastful, NDJSON, Some("gzip")).unwrap_err().starts_with("400 "));
}

#[test]
fn a_zstd_window_larger_than_all_we_take_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(b"1").unwrap();
    let error = read_text(&encoder.finish().unwrap(), NDJSON, Some("zstd")).unwrap_err();
    assert_eq!(error, "400 the compressed data is damaged: Frame requires too much memory for decoding");
}

#[test]
fn too_many_records_are_refused() {
    let records = vec!["1"; RECORDS_MAX];
    let envelope = |records: &[&str]| format!(r#"{{"Records":[{}]}}"#, records.join(","));
    assert_eq!(read_text(envelope(&records).as_bytes(), JSON, None).unwrap().len(), RECORDS_MAX);
    assert_eq!(read_text(records.join("\n").as_bytes(), NDJSON, None).unwrap().len(), RECORDS_MAX);
    let more = vec!["1"; RECORDS_MAX + 1];
    let too_many = Err("413 more than 100000 records".to_owned());
    assert_eq!(read_text(envelope(&more).as_bytes(), JSON, None), too_many);
    assert_eq!(read_text(more.join("\n").as_bytes(), NDJSON, None), too_many);
}

#[test]
fn each_record_is_admitted_on_its_own() {
    let good = r#"{"eventTime":"2026-01-02T03:04:05Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets"}"#;
    let body = format!("{good}\n{{\"eventName\":\"x\"}}\nnot json\n{good}\n");
    let records = read(&Bytes::from(body), NDJSON, None).unwrap();
    let parcel = records.admit("123456789012".parse().unwrap(), &"eu-west-1".parse().unwrap());
    let indexes: Vec<usize> = parcel.events.iter().map(|(index, _)| *index).collect();
    assert_eq!(indexes, [0, 3]);
    assert_ne!(parcel.events[0].1.event_id(), parcel.events[1].1.event_id(), "the ordinal tells equal records apart");
    assert_eq!(parcel.events[0].1.region(), "eu-west-1");
    let rejected: Vec<(usize, String)> = parcel.rejected.iter().map(|r| (r.index, r.code.to_string())).collect();
    assert_eq!(rejected, [(1, "MissingField".to_owned()), (2, "InvalidJson".to_owned())]);
}

fn check_file(bytes: &[u8], expected: Result<&[&str], &str>) {
    let read = parse_file("some/name.json.gz", &Bytes::copy_from_slice(bytes));
    let read = read.map(|records| texts(&records)).map_err(|error| format!("{}: {}", error.code, error.message));
    let expected = expected.map(|records| records.iter().map(ToString::to_string).collect()).map_err(str::to_owned);
    assert_eq!(read, expected, "{}", String::from_utf8_lossy(bytes));
}

#[test]
fn log_files_are_recognised_by_their_bytes() {
    let event = r#"{"eventTime":"x","a":1}"#;
    let pretty = "{\n  \"eventTime\": \"x\",\n  \"a\": {\n  }\n}\n";
    for (text, records) in [
        (r#"{"Records":[1,2]}"#, &["1", "2"][..]),
        ("{\n  \"Records\": [\n    1,\n    2\n  ]\n}\n", &["1", "2"]),
        (r#"{"Records":[]}"#, &[]),
        (event, &[event]),
        (pretty, &[pretty]),
        (&format!("{event}\n"), &[&format!("{event}\n")]),
        (&format!("{event}\n\n{event}"), &[event, event]),
        // A damaged first or second line does not hide the others.
        (&format!("{{\"eventTi\n{event}"), &["{\"eventTi", event]),
        (&format!("{event}\n{{\"eventTi\n{event}"), &[event, "{\"eventTi", event]),
    ] {
        check_file(text.as_bytes(), Ok(records));
        check_file(&gzip(text.as_bytes()), Ok(records));
    }
}

#[test]
fn damaged_files_say_what_is_wrong() {
    let whole = gzip(br#"{"Records":[1,2]}"#);
    let mut changed = whole.clone();
    let crc_at = whole.len() - 7;
    changed[crc_at] ^= 1;
    for (bytes, error) in [
        (&b""[..], "Empty: the file is empty"),
        (b" \n", "Empty: the file is empty"),
        (&gzip(b""), "Empty: the file is empty"),
        (&whole[..whole.len() - 3], "TruncatedGzip: the compressed data ends too early"),
        (&whole[..12], "TruncatedGzip: the compressed data ends too early"),
        (&changed, "DamagedGzip: the compressed data is damaged: corrupt gzip stream does not have a matching checksum"),
        (&[&whole[..], b"a tail of junk"].concat(), "DamagedGzip: the compressed data is damaged: invalid gzip header"),
        (br#"{"Records":[1,{"a"#, "InvalidJson: invalid JSON at byte 17: the text ends within a string"),
        (br#"{"Records":[1]}{"Records":[2]}"#, "InvalidJson: invalid JSON at byte 15: nothing may follow the object"),
        (b"{\"Records\":[1]}\n{\"Records\":[2]}\n", "InvalidJson: invalid JSON at byte 16: nothing may follow the object"),
        (b"hello", "InvalidJson: invalid JSON at byte 0: expected an object"),
        (b"<html>\n<body>\n", "InvalidJson: invalid JSON at byte 0: expected an object"),
        (br#"{"awsAccountId":"1"}"#, "NotALogFile: the object has no \"Records\""),
        (b"[{}]", "InvalidJson: invalid JSON at byte 0: expected an object"),
    ] {
        check_file(bytes, Err(error));
    }
}

#[test]
fn the_delivered_log_files_of_the_corpus_are_read() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/logfiles/invictus");
    let (mut files, mut records) = (0, 0);
    let mut dirs = vec![std::path::PathBuf::from(dir)];
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let name = path.display().to_string();
            let read = parse_file(&name, &std::fs::read(&path).unwrap().into()).unwrap_or_else(|e| panic!("{e}"));
            let parcel = read.admit("123456789012".parse().unwrap(), &"us-east-1".parse().unwrap());
            assert_eq!(parcel.rejected, [], "{name}");
            (files, records) = (files + 1, records + read.len());
        }
    }
    println!("{files} log files, {records} records");
    assert!(files == 0 || (files, records) == (55, 2900), "{files} files, {records} records");
}

#[test]
fn a_log_file_is_gzipped_and_has_records_and_nothing_else_will_do() {
    let code =
        |bytes: &[u8]| parse_log_file("x", &Bytes::copy_from_slice(bytes)).map(|records| records.len()).map_err(|e| e.code);
    let log_file = b"{\"Records\":[{\"eventID\":\"a\"},{\"eventID\":\"b\"}]}";
    assert_eq!(code(&gzip(log_file)), Ok(2));
    assert_eq!(code(&gzip(b"{\"Records\":[]}")), Ok(0));
    assert_eq!(code(log_file), Err(FileErrorCode::NotGzip));
    assert_eq!(code(b""), Err(FileErrorCode::Empty));
    assert_eq!(code(&zstd::encode_all(&log_file[..], 1).unwrap()), Err(FileErrorCode::NotGzip));
    assert_eq!(code(&gzip(b"{\"eventTime\":\"a\"}\n{\"eventTime\":\"b\"}\n")), Err(FileErrorCode::InvalidJson));
    assert_eq!(code(&gzip(b"{\"eventTime\":\"a\"}")), Err(FileErrorCode::NotALogFile));
    assert_eq!(code(&gzip(b"{\"digestEndTime\":\"a\"}")), Err(FileErrorCode::NotALogFile));
    let whole = gzip(log_file);
    assert_eq!(code(&whole[..whole.len() - 9]), Err(FileErrorCode::TruncatedGzip));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), prefix in prop::sample::select(vec!["", "{\"Records\":[", "\u{1f}", "{"])) {
        let bytes = [prefix.as_bytes(), &bytes].concat();
        for coding in [None, Some("gzip"), Some("zstd")] {
            let _ = read_text(&bytes, JSON, coding);
            let _ = read_text(&bytes, NDJSON, coding);
        }
        let _ = parse_file("x", &bytes.into());
    }

    #[test]
    fn json_like_text_does_no_harm(text in "[\\[\\]{}\",:\\\\a1 \n]{0,80}") {
        let _ = read_text(text.as_bytes(), JSON, None);
        let _ = parse_file("x", &Bytes::from(format!("{{\"Records\":{text}")));
    }

    #[test]
    fn records_come_out_as_they_went_in(values in prop::collection::vec("[\\PC]{0,20}", 0..20)) {
        let records: Vec<String> = values.iter().map(|value| serde_json::json!({ value.as_str(): [value] }).to_string()).collect();
        let body = format!("{{\"Records\":[{}]}}", records.join(", "));
        prop_assert_eq!(read_text(body.as_bytes(), JSON, None), Ok(records.clone()));
        prop_assert_eq!(read_text(&gzip(records.join("\n").as_bytes()), NDJSON, Some("gzip")), Ok(records));
    }
}
