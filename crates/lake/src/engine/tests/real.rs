//! Statements over real records, where they are at hand.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::Arc;

use cloudtrail::event::{Admission, Event};
use cloudtrail::event_data_store::Family;
use datafusion::catalog::TableProvider;

use super::fixture::{NOW_US, engine, table};
use super::{EVENTS, names};
use crate::sql::compile;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/events");

fn records() -> Option<Vec<String>> {
    let file = std::fs::File::open(Path::new(CORPUS).join("invictus.ndjson.gz")).ok()?;
    let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    let admitted = |line: &String| {
        let region = "us-east-1".parse().expect("a Region");
        let account = "123456789012".parse().expect("an account");
        let admission = Admission { account, region: &region, ordinal: 0, size_max: 1 << 20 };
        Event::admit(line.as_bytes(), &admission).is_ok()
    };
    Some(lines.map_while(Result::ok).filter(admitted).collect())
}

async fn rows(statement: &str, tables: &HashMap<String, Arc<dyn TableProvider>>) -> Vec<Vec<Option<String>>> {
    let compiled =
        compile(&statement.replace("EVENTS", EVENTS), &names(), NOW_US).unwrap_or_else(|error| panic!("{statement}: {error}"));
    let mut running = engine().start(compiled, tables.clone(), None);
    let mut rows = Vec::new();
    while let Some(page) = running.next().await {
        rows.extend(page.unwrap_or_else(|failure| panic!("{statement}: {failure}")));
    }
    rows
}

#[tokio::test]
async fn every_way_to_a_value_leads_to_the_same() {
    let Some(records) = records() else { return };
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let tables = HashMap::from([(EVENTS.to_owned(), table(Family::Events, &records))]);
    // A flat copy, the map, the whole record's JSON.
    for key in ["bucketName", "roleArn", "userName", "policyArn", "groupId"] {
        let different = format!(
            "SELECT count(*) FROM EVENTS WHERE requestParameters.{key} IS DISTINCT FROM map_get_of(requestParameters, '{key}')",
        );
        let different = different.replace("map_get_of(requestParameters,", "element_at(map_concat(requestParameters),");
        assert_eq!(rows(&different, &tables).await, [[Some("0".to_owned())]], "{key}");
        let through_json = format!(
            "SELECT count(*) FROM EVENTS WHERE requestParameters.{key} IS DISTINCT FROM json_extract_scalar(eventjson, '$.requestParameters.{key}')"
        );
        assert_eq!(rows(&through_json, &tables).await, [[Some("0".to_owned())]], "{key}");
    }
    // What is looked for by its needle is what is found without one.
    for (path, value) in [("instanceType", "t2.micro"), ("maxResults", "100"), ("encryptionContext.aws:s3:arn", "x")] {
        let key = path.split('.').map(|part| format!("\"{part}\"")).collect::<Vec<_>>().join(".");
        let with = format!("SELECT count(*) FROM EVENTS WHERE requestParameters.{key} = '{value}'");
        let without = format!("SELECT count(*) FROM EVENTS WHERE NOT (requestParameters.{key} <> '{value}')");
        assert_eq!(rows(&with, &tables).await, rows(&without, &tables).await, "{path}");
    }
    let everything = rows("SELECT * FROM EVENTS LIMIT 100", &tables).await;
    assert_eq!(everything.len(), 100);
}
