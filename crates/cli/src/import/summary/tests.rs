use super::*;
use crate::import::names::Skip;
use crate::import::tally::{Damage, Outcome, Rejected, Tally};

fn account() -> Account {
    let tally = Tally::default();
    let good = Outcome { accepted: 1_200, duplicates: 3, ..Outcome::default() };
    assert!(tally.answered("a.json.gz".to_owned(), 2_048, good));
    let rejected = Rejected { index: 4, code: "InvalidField".to_owned(), message: "eventTime is no time".to_owned() };
    let partly = Outcome { accepted: 5, conflicts: 1, rejected: vec![rejected.clone(), rejected], ..Outcome::default() };
    assert!(!tally.answered("b.json".to_owned(), 10, partly));
    let error = Some(Damage::new("TruncatedGzip", "the gzip data ends too early"));
    assert!(!tally.answered("c\u{1b}[2J.json.gz".to_owned(), 10, Outcome { error, ..Outcome::default() }));
    tally.skipped(Skip::Digest, 7);
    tally.done_before(2);
    assert!(!tally.is_clean());
    tally.snapshot()
}

fn facts(complete: bool) -> Facts<'static> {
    Facts { complete, seconds: 1.25, state: Some("/state") }
}

#[test]
fn people_are_told_everything() {
    let expected = "\
files read                    2  2.01 KiB in 1.2 s
  done before                 2  --no-resume sends them again
  damaged                     1
  skipped                     7  digests
events new                1,205
  duplicates                  3
  conflicts                   1  among the new: the same event with other content
  expired                     0
records rejected              2  InvalidField 2
incomplete: not everything was read; the same command goes on from here
damaged files:
  c\u{fffd}[2J.json.gz: TruncatedGzip: the gzip data ends too early
files with rejected records:
  b.json: 2 records, the first at index 4: InvalidField: eventTime is no time
";
    assert_eq!(text(&account(), &facts(false)), expected);
    assert!(!text(&account(), &facts(true)).contains("incomplete"));
}

#[test]
fn programs_are_told_everything() {
    let expected = serde_json::json!({
        "complete": true,
        "seconds": 1.25,
        "files": {"read": 2, "bytes": 2058, "doneBefore": 2, "damaged": 1, "skipped": {"digest": 7}},
        "events": {"new": 1205, "duplicates": 3, "conflicts": 1, "expired": 0, "rejected": {"InvalidField": 2}},
        "damaged": [{"file": "c\u{1b}[2J.json.gz", "code": "TruncatedGzip", "message": "the gzip data ends too early"}],
        "rejected": [{
            "file": "b.json",
            "records": 2,
            "first": {"index": 4, "code": "InvalidField", "message": "eventTime is no time"},
        }],
        "state": "/state",
    });
    assert_eq!(json(&account(), &facts(true)), expected);
}

#[test]
fn what_is_not_named_is_counted() {
    let mut account = account();
    account.counts.files_damaged = 12_001;
    assert!(text(&account, &facts(true)).contains("  and 12,000 more, named on stderr as they were met\n"));
}
