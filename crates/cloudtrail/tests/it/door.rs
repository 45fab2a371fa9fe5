//! Every real record is accepted as it is, or refused for a stated reason.

use std::collections::BTreeMap;

use cloudtrail::event::{Admission, Event, Rejection, SIZE_MAX};
use cloudtrail::lookup::facts;

use crate::corpus::{Source, events_in, fixtures, folder, log_files_in};

pub(crate) fn admit(raw: &[u8]) -> Result<Event, Rejection> {
    let region = "us-east-1".parse().unwrap();
    let admission = Admission { account: "123456789012".parse().unwrap(), region: &region, ordinal: 0, size_max: SIZE_MAX };
    Event::admit(raw, &admission)
}

/// Counts by outcome: `accepted` or the reason. Accepted ones keep what they said, and are the same read back.
fn outcomes(source: &Source) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for raw in &source.records {
        let outcome = match admit(raw) {
            Ok(event) => {
                check_kept(raw, &event);
                "accepted".to_owned()
            }
            Err(rejection) => rejection.to_string(),
        };
        *counts.entry(outcome).or_default() += 1;
    }
    counts
}

fn check_kept(raw: &[u8], event: &Event) {
    let given: serde_json::Map<_, _> = serde_json::from_slice(raw).unwrap();
    let kept: serde_json::Map<_, _> = serde_json::from_slice(event.bytes()).unwrap();
    for (key, value) in &given {
        assert_eq!(kept.get(key), Some(value));
    }
    for key in ["eventID", "awsRegion", "recipientAccountId"] {
        assert!(event.raw(key).is_some(), "{key}");
    }
    let read_back = Event::stored(event.bytes().clone(), event.account()).unwrap();
    assert_eq!(facts(&read_back), facts(event));
    assert_eq!(read_back.event_time_s(), event.event_time_s());
    assert_eq!(admit(event.bytes()).unwrap().bytes(), event.bytes());
}

/// Delivered records are compact and keep their bytes, but for one file that was printed with a line a member.
fn check_log_file_record(raw: &[u8]) {
    let raw = std::str::from_utf8(raw).unwrap();
    let compact: String = raw.lines().map(|line| line.trim().replacen("\": ", "\":", 1)).collect();
    let expected = if raw.contains('\n') { &compact } else { raw };
    assert_eq!(admit(raw.as_bytes()).unwrap().as_str(), expected);
}

fn print_table(sources: &[(String, BTreeMap<String, usize>)]) {
    for (name, outcomes) in sources {
        for (outcome, count) in outcomes {
            println!("{name:<28} {count:>6}  {outcome}");
        }
    }
}

#[test]
fn every_corpus_event_is_accepted_or_refused_for_a_stated_reason() {
    // The sources whose records are all well formed. Of the others, hand-made test data, some lack an eventTime or
    // have placeholders where a time, a Region or an id should be.
    let whole =
        ["awscli", "awsdocs", "boogy", "fivexl", "invictus", "plaso", "stratus", "traildiscover", "trailscraper", "umccr"];
    let refused_at_most = [("custodian", 1), ("event-ruler", 1), ("streamalert", 17)];
    let Some(dir) = folder("events") else { return };
    let counted: Vec<_> =
        events_in(&dir).iter().map(|source| (source.name.replace(".ndjson.gz", ""), outcomes(source))).collect();
    print_table(&counted);
    assert_eq!(counted.len(), whole.len() + refused_at_most.len());
    for (name, outcomes) in &counted {
        let refused: usize = outcomes.iter().filter(|(outcome, _)| *outcome != "accepted").map(|(_, count)| count).sum();
        let allowed = refused_at_most.iter().find(|(source, _)| source == name).map_or(0, |(_, count)| *count);
        assert!(whole.contains(&name.as_str()) || allowed > 0, "{name} is new");
        assert_eq!(refused, allowed, "{name}: {outcomes:?}");
    }
}

#[test]
fn delivered_log_files_keep_every_byte_of_every_record() {
    let Some(dir) = folder("logfiles") else { return };
    let mut files = log_files_in(&dir);
    files.extend(log_files_in(&dir.join("invictus")));
    let mut records = 0;
    for raw in files.iter().flat_map(|file| &file.records) {
        check_log_file_record(raw);
        records += 1;
    }
    println!("{} log files, {records} records", files.len());
    assert_eq!((files.len(), records), (56, 2_902));
}

#[test]
fn fixtures_are_accepted_and_log_files_keep_their_bytes() {
    let sources = fixtures();
    let counted: Vec<_> = sources.iter().map(|source| (source.name.clone(), outcomes(source))).collect();
    print_table(&counted);
    for (source, (_, outcomes)) in sources.iter().zip(&counted) {
        assert_eq!(outcomes.get("accepted"), Some(&source.records.len()), "{}: {outcomes:?}", source.name);
    }
    let log_files = sources.iter().filter(|source| source.name.ends_with(".json.gz"));
    for raw in log_files.flat_map(|source| &source.records) {
        check_log_file_record(raw);
    }
}

#[test]
fn insight_events_of_the_corpus_are_accepted() {
    let Some(dir) = folder("insights") else { return };
    for entry in std::fs::read_dir(dir).unwrap() {
        let file = std::fs::read(entry.unwrap().path()).unwrap();
        for raw in file.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let event = admit(raw).unwrap();
            assert!(!event.event_name().is_empty() && event.event_source().ends_with(".amazonaws.com"));
        }
    }
}
