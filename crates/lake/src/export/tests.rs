use arrow::datatypes::{Schema, SchemaRef};
use arrow::json::ReaderBuilder;
use datafusion::datasource::MemTable;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use super::*;

const HOUR_US: i64 = 3_600_000_000;
/// 2026-11-20T10:00:00Z.
const TEN_US: i64 = 1_795_168_800_000_000;

/// The columns of files, none of them mandatory: the rows here have only what matters.
fn columns_of_events() -> SchemaRef {
    let fields = schema::file_schema(Family::Events)
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect::<Vec<_>>();
    Arc::new(Schema::new(fields))
}

fn store(rows: &[Value]) -> Arc<dyn TableProvider> {
    let mut reader = ReaderBuilder::new(columns_of_events()).build_decoder().unwrap();
    reader.serialize(rows).unwrap();
    let batches = reader.flush().unwrap().into_iter().collect();
    Arc::new(MemTable::try_new(columns_of_events(), vec![batches]).unwrap())
}

fn three_events() -> Arc<dyn TableProvider> {
    let event = |hour: u32, name: &str| {
        json!({"eventtime": format!("2026-11-20T{hour}:00:00"), "eventname": name, "eventid": format!("id-{hour}"),
               "eventjson": format!(r#"{{"eventName":"{name}","z":1,"a":2}}"#)})
    };
    store(&[event(10, "GetObject"), event(11, "PutObject"), event(12, "DeleteObject")])
}

async fn export(store: Arc<dyn TableProvider>, format: Format, since_us: Option<i64>, until_us: Option<i64>) -> Vec<u8> {
    let mut pieces = start(store, Request { family: Family::Events, format, since_us, until_us }).unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.recv().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    bytes
}

#[tokio::test]
async fn records_come_byte_by_byte() {
    let all = export(three_events(), Format::Ndjson, None, None).await;
    let expected: String =
        ["GetObject", "PutObject", "DeleteObject"].map(|name| format!("{{\"eventName\":\"{name}\",\"z\":1,\"a\":2}}\n")).concat();
    assert_eq!(String::from_utf8(all).unwrap(), expected);
}

#[tokio::test]
async fn the_range_has_its_beginning_and_not_its_end() {
    let some = export(three_events(), Format::Ocsf, Some(TEN_US + HOUR_US), Some(TEN_US + 2 * HOUR_US)).await;
    let event: Value = serde_json::from_slice(&some).unwrap();
    assert_eq!((&event["api"]["operation"], &event["class_uid"]), (&json!("PutObject"), &json!(6003)));
    assert_eq!(export(three_events(), Format::Ndjson, Some(TEN_US + 3 * HOUR_US), None).await, b"");
}

#[tokio::test]
async fn parquet_has_the_documented_columns() {
    for (store, rows) in [(three_events(), 3), (store(&[]), 0)] {
        let file = Bytes::from(export(store, Format::Parquet, None, None).await);
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let names: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert!(names.contains(&"useridentity".to_owned()) && names.contains(&"eventjson".to_owned()), "{names:?}");
        assert!(names.iter().all(|name| !name.starts_with('_') && !name.contains('.')), "{names:?}");
        let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), rows);
    }
}

#[tokio::test]
async fn an_export_that_nobody_reads_ends() {
    let rows: Vec<Value> =
        (0..20_000).map(|id| json!({"eventtime": "2026-11-20T10:00:00", "eventid": id.to_string(), "eventjson": "{}"})).collect();
    let request = Request { family: Family::Events, format: Format::Ndjson, since_us: None, until_us: None };
    let table = store(&rows);
    let mut pieces = start(Arc::clone(&table), request).unwrap();
    assert!(pieces.recv().await.unwrap().is_ok());
    drop(pieces);
    // The thread lets go of the store once nobody takes what it makes.
    while Arc::strong_count(&table) > 1 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn only_cloudtrail_events_are_api_activity() {
    assert!(Format::Ocsf.suits(Family::Events) && !Format::Ocsf.suits(Family::Insight));
    assert!(Family::ALL.into_iter().all(|family| Format::Parquet.suits(family) && Format::Ndjson.suits(family)));
    assert_eq!(Format::of("ndjson"), Some(Format::Ndjson));
    assert_eq!(Format::of("csv"), None);
}
