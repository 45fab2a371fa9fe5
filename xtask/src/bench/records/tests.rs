use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;

use super::{ACCOUNT, Records, Shapes, Times};

const TIMES: Times = Times { newest_s: 1_750_000_000, span_s: 86_400 };

fn make(shapes: &Shapes, seed: u64, count: u64) -> Vec<Vec<u8>> {
    let mut records = Records::new(shapes, seed, TIMES, count);
    let mut made = Vec::new();
    while records.left() > 0 {
        let mut record = Vec::new();
        records.append(&mut record);
        made.push(record);
    }
    made
}

fn check(shapes: &Shapes) {
    let made = make(shapes, 7, 4_000);
    assert_eq!(made, make(shapes, 7, 4_000), "the same seed makes the same records");
    assert_ne!(made, make(shapes, 8, 4_000), "another seed makes others");
    let records: Vec<Value> = made.iter().map(|record| serde_json::from_slice(record).unwrap()).collect();
    let mut ids = HashSet::new();
    for record in &records {
        assert!(ids.insert(record["eventID"].as_str().unwrap()), "an id twice: {record}");
    }
    for record in &records {
        let time = record["eventTime"].as_str().unwrap();
        assert!(("2025-06-14T15:06:40Z"..="2025-06-15T15:06:40Z").contains(&time), "{time}");
        assert_eq!(record["recipientAccountId"], ACCOUNT);
        assert_ne!(record["managementEvent"], false);
    }
    let distinct =
        |pointer: &str| records.iter().filter_map(|record| record.pointer(pointer)?.as_str()).collect::<HashSet<_>>().len();
    assert!(distinct("/userIdentity/arn") > 100);
    assert!(distinct("/userIdentity/accessKeyId") > 100);
    assert_eq!(distinct("/awsRegion"), 6);
}

#[test]
fn built_in_shapes_make_distinct_records_in_the_time_asked_for() {
    check(&Shapes::built_in().unwrap());
}

#[test]
fn shapes_of_the_corpus_make_distinct_records_in_the_time_asked_for() {
    let corpus = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus"));
    if !corpus.exists() {
        println!("skipped: no corpus at {}", corpus.display());
        return;
    }
    let shapes = Shapes::read(corpus).unwrap();
    assert!(shapes.len() > 3_000, "{} shapes", shapes.len());
    check(&shapes);
}
