//! What real records say of the calls that the table knows, against what we say.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

use super::super::{Nature, api_version, event_name, event_source, read_only};
use crate::nature::data;
use crate::recognition::Protocols;
use crate::s3;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/events");

/// Records whose operations the table knows, of all; and of these, the facts that agree.
const KNOWN_PER_MILLE_MIN: usize = 975;
const SAME_PER_MILLE_MIN: usize = 992;

/// What each operation of the table is, by eventSource and eventName. Services share both where they share an API.
fn natures() -> HashMap<(String, String), Vec<Nature>> {
    let protocols = Protocols::new().unwrap();
    let mut natures: HashMap<_, Vec<Nature>> = HashMap::new();
    for heading in protocols.headings() {
        let service = protocols.service(&heading.name).unwrap();
        for operation in &service.operations {
            let nature = if heading.name == s3::SERVICE {
                s3::nature(&operation.name, None)
            } else {
                Nature {
                    event_source: event_source(heading, &operation.name),
                    event_name: event_name(heading, operation),
                    api_version: api_version(heading, operation),
                    read_only: read_only(heading, operation),
                    management: !data::is_data(&heading.name, &operation.name),
                }
            };
            natures.entry((nature.event_source.clone(), nature.event_name.clone())).or_default().push(nature);
        }
    }
    natures
}

fn records() -> Vec<Value> {
    let mut files: Vec<_> = Path::new(CORPUS).read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let lines = files.iter().flat_map(|file| {
        BufReader::new(flate2::read::GzDecoder::new(std::fs::File::open(file).unwrap())).lines().map(Result::unwrap)
    });
    let records = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    records.filter(|record| record.get("eventType").is_none_or(|type_| type_ == "AwsApiCall")).collect()
}

/// The facts of a record that differ from ours; facts that it does not tell agree.
fn differences(record: &Value, nature: &Nature) -> Vec<String> {
    let flag = |name: &str| match record.get(name) {
        Some(Value::Bool(flag)) => Some(*flag),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let told = [
        ("readOnly", flag("readOnly").map(|flag| flag.to_string()), nature.read_only.to_string()),
        ("managementEvent", flag("managementEvent").map(|flag| flag.to_string()), nature.management.to_string()),
        (
            "apiVersion",
            Some(record.get("apiVersion").and_then(Value::as_str).unwrap_or("none").to_owned()),
            nature.api_version.clone().unwrap_or_else(|| "none".to_owned()),
        ),
    ];
    let differs = told.into_iter().filter(|(_, theirs, ours)| theirs.as_ref().is_some_and(|theirs| theirs != ours));
    differs.map(|(fact, theirs, ours)| format!("{fact} {} not {ours}", theirs.unwrap_or_default())).collect()
}

#[test]
fn real_records_call_things_as_we_do() {
    if !Path::new(CORPUS).exists() {
        println!("no corpus here");
        return;
    }
    let (natures, records) = (natures(), records());
    let (mut unknown, mut different) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    let mut known = 0;
    for record in &records {
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = (text("eventSource"), text("eventName"));
        let Some(candidates) = natures.get(&key) else {
            *unknown.entry(format!("{} {}", key.0, key.1)).or_default() += 1;
            continue;
        };
        known += 1;
        let fewest = candidates.iter().map(|nature| differences(record, nature)).min_by_key(Vec::len).unwrap();
        for difference in fewest {
            *different.entry(format!("{} {} {difference}", key.0, key.1)).or_default() += 1;
        }
    }
    let facts = known * 3;
    let same = facts - different.values().sum::<usize>();
    println!("{known} of {} records are of operations that we name alike; {same} of {facts} facts agree", records.len());
    for (what, count) in unknown
        .iter()
        .map(|(what, count)| (format!("unknown {what}"), count))
        .chain(different.clone().iter().map(|(what, count)| (what.clone(), count)))
    {
        println!("{count:5} {what}");
    }
    assert!(known * 1_000 >= records.len() * KNOWN_PER_MILLE_MIN);
    assert!(same * 1_000 >= facts * SAME_PER_MILLE_MIN);
}
