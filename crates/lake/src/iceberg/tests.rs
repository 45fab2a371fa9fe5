use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringViewArray, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::Schema as ArrowSchema;
use catalog::{Catalog, iceberg as rows};
use cloudtrail::event_data_store::Family;
use parquet::arrow::ArrowWriter;
use serde_json::Value;

use super::steps::{Known, Operation, steps};
use super::*;
use crate::schema;

const DAY_US: i64 = 86_400 * 1_000_000;
const STORE: &str = "5d1b2c3e-0000-4000-8000-000000000001";

fn file(path: &str, day: i32, rows: u64, merged: bool) -> DataFile {
    DataFile { path: path.to_owned(), day, rows, bytes: 10 * rows, merged }
}

fn check_steps(published: &[(&str, i32, u64)], current: &[DataFile], expected: &[(Operation, &[&str], &[&str])]) {
    let published: BTreeMap<String, Known> =
        published.iter().map(|(path, day, rows)| ((*path).to_owned(), Known { day: *day, rows: *rows })).collect();
    let steps = steps(&published, current);
    let found: Vec<_> = steps
        .iter()
        .map(|step| {
            let added: Vec<&str> = step.added.iter().map(|file| file.path.as_str()).collect();
            (step.operation, added, step.removed.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .collect();
    let expected: Vec<_> = expected.iter().map(|(operation, added, gone)| (*operation, added.to_vec(), gone.to_vec())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_snapshot_says_what_happened() {
    check_steps(&[], &[], &[]);
    check_steps(&[("a", 1, 5)], &[file("a", 1, 5, false)], &[]);
    check_steps(&[("a", 1, 5)], &[file("a", 1, 5, false), file("b", 2, 1, false)], &[(Operation::Append, &["b"], &[])]);
    check_steps(&[("a", 1, 5), ("b", 1, 6)], &[file("c", 1, 11, true)], &[(Operation::Replace, &["c"], &["a", "b"])]);
    check_steps(&[("a", 1, 5), ("b", 2, 6)], &[file("b", 2, 6, false)], &[(Operation::Delete, &[], &["a"])]);
    // A file that came and was merged between two publications makes the merged one more than a replacement.
    check_steps(&[("a", 1, 5)], &[file("c", 1, 11, true)], &[(Operation::Overwrite, &["c"], &["a"])]);
    check_steps(&[], &[file("c", 1, 11, true)], &[(Operation::Append, &["c"], &[])]);
    check_steps(
        &[("a", 1, 5), ("b", 2, 6), ("c", 2, 1)],
        &[file("d", 2, 7, true), file("e", 2, 1, false), file("f", 3, 1, false)],
        &[(Operation::Delete, &[], &["a"]), (Operation::Replace, &["d"], &["b", "c"]), (Operation::Append, &["e", "f"], &[])],
    );
}

#[test]
fn the_schema_has_the_documented_columns_and_their_ids() {
    for family in Family::ALL {
        let schema = super::schema::Schema::of(family);
        let fields = schema.json["fields"].as_array().unwrap();
        let names: Vec<&str> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
        assert!(names.contains(&"eventtime"), "{family:?}: {names:?}");
        assert!(names.iter().all(|name| !name.starts_with('_') && !name.contains('.')), "{family:?}: {names:?}");
        assert!(schema.last_column_id < 100_000);
    }
    let schema = super::schema::Schema::of(Family::Events);
    let field = |name: &str| schema.json["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).cloned();
    assert_eq!(field("eventtime").unwrap()["type"], "timestamp");
    assert_eq!(field("readonly").unwrap()["type"], "boolean");
    assert_eq!(field("requestparameters").unwrap()["type"], "string");
    assert_eq!(field("useridentity").unwrap()["type"]["type"], "struct");
    assert_eq!(field("resources").unwrap()["type"]["type"], "list");
    assert_eq!(field("eventjsonchecksum"), None, "no file holds it");
}

/// A lake with one table and the means to publish it.
struct Lake {
    dir: tempfile::TempDir,
    catalog: Catalog,
    publisher: Publisher,
    table: Table,
}

impl Lake {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&dir.path().join("catalog.sqlite")).await.unwrap();
        let table = Table { account: "123456789012".to_owned(), store: STORE.to_owned(), family: Family::Events };
        let publisher = Publisher::new(catalog.clone(), dir.path().join("lake"));
        Self { dir, catalog, publisher, table }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("lake")
    }

    /// Writes a data file with events of a day.
    fn write(&self, name: &str, day: i32, names: &[&str], merged: bool) -> DataFile {
        let path = self.table.folder(&self.root()).join("data").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_parquet(&path, day, names);
        let bytes = std::fs::metadata(&path).unwrap().len();
        DataFile { path: format!("data/{name}"), day, rows: names.len() as u64, bytes, merged }
    }

    async fn publish(&mut self, files: &[DataFile], now_us: i64) -> bool {
        let watched = Watched { files: files.to_vec(), hold: Arc::new(()) };
        self.publisher.publish(&self.table, watched, now_us).await.unwrap()
    }

    async fn metadata(&self) -> Value {
        let table = rows::table(&self.catalog, STORE).await.unwrap();
        let bytes = std::fs::read(self.metadata_folder().join(table.metadata.unwrap())).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn metadata_folder(&self) -> PathBuf {
        self.table.folder(&self.root()).join(METADATA_FOLDER)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.metadata_folder()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn write_parquet(path: &Path, day: i32, names: &[&str]) {
    let fields = schema::file_schema(Family::Events);
    let fields = fields.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let arrow = Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()));
    let columns: Vec<ArrayRef> = arrow
        .fields()
        .iter()
        .map(|field| -> ArrayRef {
            match field.name().as_str() {
                "eventtime" => {
                    let times = (0..names.len() as i64).map(|second| i64::from(day) * DAY_US + second * 1_000_000);
                    Arc::new(TimestampMicrosecondArray::from_iter_values(times))
                }
                "eventname" => Arc::new(StringViewArray::from_iter_values(names)),
                _ => new_null_array(field.data_type(), names.len()),
            }
        })
        .collect();
    let batch = RecordBatch::try_new(arrow.clone(), columns).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), arrow, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn operations(metadata: &Value) -> Vec<&str> {
    let snapshots = metadata["snapshots"].as_array().unwrap();
    snapshots.iter().map(|snapshot| snapshot["summary"]["operation"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_empty_store_is_a_table_without_snapshot() {
    let mut lake = Lake::new().await;
    assert!(lake.publish(&[], 1).await);
    let metadata = lake.metadata().await;
    assert_eq!(metadata["current-snapshot-id"], -1);
    assert_eq!(metadata["location"], format!("s3://trailkeep-lake/123456789012/{STORE}"));
    assert!(!lake.publish(&[], 2).await, "nothing changed");
    assert_eq!(lake.names(), [format!("00001-{STORE}.metadata.json")]);
}

#[tokio::test]
async fn rows_come_are_merged_and_go() {
    let mut lake = Lake::new().await;
    let (a, b) = (lake.write("a.parquet", 100, &["GetObject", "PutObject"], false), lake.write("b.parquet", 101, &["A"], false));
    assert!(lake.publish(&[a.clone(), b.clone()], 1_000_000).await);
    let c = lake.write("c.parquet", 100, &["DeleteObject"], false);
    assert!(lake.publish(&[a, b.clone(), c], 2_000_000).await);
    let merged = lake.write("d.parquet", 100, &["GetObject", "PutObject", "DeleteObject"], true);
    assert!(lake.publish(&[merged.clone(), b], 3_000_000).await);
    assert!(lake.publish(&[merged], 4_000_000).await);

    let metadata = lake.metadata().await;
    assert_eq!(operations(&metadata), ["append", "append", "replace", "delete"]);
    let last = &metadata["snapshots"][3];
    assert_eq!(metadata["current-snapshot-id"], last["snapshot-id"]);
    assert_eq!(last["parent-snapshot-id"], metadata["snapshots"][2]["snapshot-id"]);
    assert_eq!(last["summary"]["total-records"], "3");
    assert_eq!(last["summary"]["total-data-files"], "1");
    assert_eq!(last["summary"]["deleted-records"], "1");
    assert_eq!(metadata["last-sequence-number"], 4);
}

#[tokio::test]
async fn what_was_in_force_stays_for_the_grace_time_and_goes_then() {
    let mut lake = Lake::new().await;
    let a = lake.write("a.parquet", 100, &["A"], false);
    lake.publish(std::slice::from_ref(&a), 1_000_000).await;
    let first = lake.names();
    let b = lake.write("b.parquet", 100, &["B"], false);
    let both = [a, b];
    lake.publish(&both, 2_000_000).await;
    assert!(first.iter().all(|name| lake.names().contains(name)));
    assert_eq!(lake.metadata().await["snapshots"].as_array().unwrap().len(), 2);

    assert!(!lake.publish(&both, GRACE_US + 1_999_000).await, "the first snapshot may still be read");
    assert!(lake.publish(&both, GRACE_US + 2_001_000).await, "the first snapshot is forgotten");
    assert_eq!(lake.metadata().await["snapshots"].as_array().unwrap().len(), 1);
    let list = first.iter().find(|name| name.starts_with("snap-")).unwrap();
    assert!(!lake.names().contains(list), "{:?}", lake.names());
    // The manifest of the first snapshot is the second one's, too.
    let manifests = |names: &[String]| names.iter().filter(|name| name.ends_with("-m0.avro")).count();
    assert_eq!(manifests(&lake.names()), 2);
}

#[tokio::test]
async fn a_restart_goes_on_and_removes_what_nothing_names() {
    let mut lake = Lake::new().await;
    let a = lake.write("a.parquet", 100, &["A"], false);
    lake.publish(std::slice::from_ref(&a), 1_000_000).await;
    let b = lake.write("b.parquet", 100, &["B"], false);
    lake.publish(&[a.clone(), b.clone()], 2_000_000).await;
    std::fs::write(lake.metadata_folder().join("torn.avro"), b"torn").unwrap();

    lake.publisher = Publisher::new(lake.catalog.clone(), lake.root());
    lake.publish(&[a.clone(), b.clone()], 3_000_000).await;
    assert!(!lake.names().contains(&"torn.avro".to_owned()));
    let merged = lake.write("c.parquet", 100, &["A", "B"], true);
    assert!(lake.publish(std::slice::from_ref(&merged), 4_000_000).await);
    let metadata = lake.metadata().await;
    assert_eq!(operations(&metadata), ["append", "replace"], "the snapshot before the restart may lack files");
    assert_eq!(metadata["last-sequence-number"], 3);
}

#[tokio::test]
async fn a_withdrawn_table_leaves_nothing_and_its_numbers_go_on() {
    let mut lake = Lake::new().await;
    let a = lake.write("a.parquet", 100, &["A"], false);
    lake.publish(std::slice::from_ref(&a), 1_000_000).await;
    let table = lake.table.clone();
    lake.publisher.withdraw(&table.account, &table.store, 2_000_000).await.unwrap();
    assert_eq!(lake.names(), Vec::<String>::new());
    assert_eq!(rows::table(&lake.catalog, STORE).await.unwrap().metadata, None);

    assert!(lake.publish(&[a], 3_000_000).await);
    let metadata = lake.metadata().await;
    assert_eq!(metadata["last-sequence-number"], 2);
    assert_eq!(metadata["snapshots"][0]["parent-snapshot-id"], Value::Null);
}

#[tokio::test]
async fn small_manifests_are_merged() {
    let mut lake = Lake::new().await;
    let mut files = Vec::new();
    for day in 0..103 {
        files.push(lake.write(&format!("{day}.parquet"), day, &["A"], false));
        lake.publish(&files, i64::from(day) * 1_000_000).await;
    }
    let published = rows::published(&lake.catalog, STORE).await.unwrap();
    assert_eq!(published.manifests.len(), 3, "a hundred became one, and two came after");
    assert_eq!(published.files.len(), 103);
    let last = lake.metadata().await["snapshots"].as_array().unwrap().last().cloned().unwrap();
    assert_eq!(last["summary"]["total-records"], "103");
}

#[tokio::test]
async fn a_failed_publication_changes_nothing() {
    let mut lake = Lake::new().await;
    let a = lake.write("a.parquet", 100, &["A"], false);
    lake.publish(std::slice::from_ref(&a), 1_000_000).await;
    let missing = file("data/missing.parquet", 100, 1, false);
    let watched = Watched { files: vec![a.clone(), missing], hold: Arc::new(()) };
    assert!(lake.publisher.publish(&lake.table, watched, 2_000_000).await.is_err());
    assert_eq!(operations(&lake.metadata().await), ["append"]);
    lake.publish(&[a], 3_000_000).await;
    assert_eq!(lake.metadata().await["last-sequence-number"], 1);
}
