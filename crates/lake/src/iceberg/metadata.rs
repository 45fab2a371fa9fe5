//! Table metadata: the one file from which everything else of a table is found.
//!
//! Apache Iceberg table specification, format version 2, "Table Metadata".

use catalog::iceberg::Snapshot;
use serde_json::{Value, json};

use super::manifest::{PARTITION_FIELD_ID, SORT_ORDER_ID, SPEC_ID, partition_field};
use super::schema::{SCHEMA_ID, Schema};
use super::{Error, Table};

/// What a table's metadata says besides what never changes.
pub(super) struct State<'a> {
    pub(super) sequence: i64,
    pub(super) updated_at_ms: i64,
    /// In order; the last one is the table.
    pub(super) snapshots: &'a [Snapshot],
}

/// Writes table metadata.
pub(super) fn write(table: &Table, schema: &Schema, state: &State<'_>) -> Result<Vec<u8>, Error> {
    let snapshots = state.snapshots.iter().map(|snapshot| snapshot_json(table, snapshot)).collect::<Result<Vec<_>, _>>()?;
    let log = state.snapshots.iter().map(|snapshot| json!({ "timestamp-ms": snapshot.at_ms, "snapshot-id": snapshot.id }));
    let current = state.snapshots.last().map(|snapshot| snapshot.id);
    let refs = current.map_or_else(|| json!({}), |id| json!({ "main": { "snapshot-id": id, "type": "branch" } }));
    let metadata = json!({
        "format-version": 2,
        "table-uuid": table.store,
        "location": table.uri(),
        "last-sequence-number": state.sequence,
        "last-updated-ms": state.updated_at_ms,
        "last-column-id": schema.last_column_id,
        "current-schema-id": SCHEMA_ID,
        "schemas": [schema.json],
        "default-spec-id": SPEC_ID,
        "partition-specs": [{ "spec-id": SPEC_ID, "fields": [partition_field(schema)] }],
        "last-partition-id": PARTITION_FIELD_ID,
        "default-sort-order-id": SORT_ORDER_ID,
        "sort-orders": [{ "order-id": SORT_ORDER_ID, "fields": [
            { "transform": "identity", "source-id": schema.event_time, "direction": "desc", "null-order": "nulls-last" },
        ] }],
        "properties": {
            "write.format.default": "parquet",
            "write.parquet.compression-codec": "zstd",
        },
        // What readers of versions before refs expect of a table without a snapshot.
        "current-snapshot-id": current.unwrap_or(-1),
        "refs": refs,
        "snapshots": snapshots,
        "snapshot-log": log.collect::<Vec<_>>(),
        "metadata-log": [],
        "statistics": [],
        "partition-statistics": [],
    });
    Ok(metadata.to_string().into_bytes())
}

fn snapshot_json(table: &Table, snapshot: &Snapshot) -> Result<Value, Error> {
    let damaged = |error| catalog::Error::damaged(format!("the summary of snapshot {}", snapshot.id), error);
    let summary: Value = serde_json::from_str(&snapshot.summary).map_err(|error: serde_json::Error| damaged(error))?;
    let mut json = json!({
        "snapshot-id": snapshot.id,
        "sequence-number": snapshot.sequence,
        "timestamp-ms": snapshot.at_ms,
        "manifest-list": table.metadata_uri(&snapshot.list),
        "summary": summary,
        "schema-id": SCHEMA_ID,
    });
    if let (Some(parent), Some(members)) = (snapshot.parent, json.as_object_mut()) {
        members.insert("parent-snapshot-id".to_owned(), parent.into());
    }
    Ok(json)
}
