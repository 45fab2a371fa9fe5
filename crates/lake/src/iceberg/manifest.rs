//! Manifests and manifest lists: which data files a snapshot has, and what is known of them.
//!
//! Apache Iceberg table specification, format version 2, "Manifests" and "Manifest Lists". Optional fields that are not
//! known are not in the Avro schemas at all; readers find fields by their ids.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::avro::{Container, Encoder};
use super::metrics::Metrics;
use super::schema::{SCHEMA_ID, Schema};

/// The id of the only partition spec: the day of the event.
pub(super) const SPEC_ID: i32 = 0;
/// The id of the only sort order: by the time of the event.
pub(super) const SORT_ORDER_ID: i32 = 1;
/// The id of the partition field; ids below 1,000 are not for partitions.
pub(super) const PARTITION_FIELD_ID: i32 = 1000;
/// The name of the partition field.
pub(super) const PARTITION_FIELD: &str = "calendarday";

const ENTRY_SCHEMA: &str = include_str!("manifest_entry.avsc");
const LIST_SCHEMA: &str = include_str!("manifest_file.avsc");

/// A data file, as a manifest describes it.
#[derive(Clone, Debug)]
pub(super) struct DataFile<'a> {
    /// Its URI.
    pub(super) uri: &'a str,
    /// The day of its events, in days since 1970.
    pub(super) day: i32,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) metrics: &'a Metrics,
}

impl DataFile<'_> {
    /// The file as the record `data_file`.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut record = Encoder::default();
        record.long(0); // content: data
        record.text(self.uri);
        record.text("PARQUET");
        record.optional(Some(self.day), |record, day| record.long(day.into()));
        record.count(self.rows);
        record.count(self.bytes);
        for counts in [&self.metrics.column_sizes, &self.metrics.value_counts, &self.metrics.null_value_counts] {
            record.optional(Some(counts), |record, counts| {
                record.array(counts, |record, (id, count)| {
                    record.long((*id).into());
                    record.count(*count);
                });
            });
        }
        for bounds in [&self.metrics.lower_bounds, &self.metrics.upper_bounds] {
            record.optional(Some(bounds), |record, bounds| {
                record.array(bounds, |record, (id, bound)| {
                    record.long((*id).into());
                    record.bytes(bound);
                });
            });
        }
        record.optional(Some(i64::from(SORT_ORDER_ID)), Encoder::long);
        record.into_bytes()
    }
}

/// What a manifest says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It was there before.
    Existing = 0,
    /// It came with the snapshot that wrote the manifest.
    Added = 1,
    /// It went with the snapshot that wrote the manifest.
    Deleted = 2,
}

/// An entry of a manifest.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) status: Status,
    /// The snapshot that added the file, or deleted it.
    pub(super) snapshot: i64,
    /// The sequence number of the snapshot that added the file.
    pub(super) sequence: i64,
    pub(super) day: i32,
    pub(super) rows: u64,
    /// The file as [`DataFile::encode`] wrote it.
    pub(super) data_file: Vec<u8>,
}

/// What a manifest list says of a manifest: everything but the sequence number and snapshot that wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) added_files: u64,
    pub(super) existing_files: u64,
    pub(super) deleted_files: u64,
    pub(super) added_rows: u64,
    pub(super) existing_rows: u64,
    pub(super) deleted_rows: u64,
    /// The lowest sequence number of its files.
    pub(super) min_sequence: i64,
    /// The first and last day.
    pub(super) days: (i32, i32),
}

impl Content {
    fn of(entries: &[Entry]) -> Self {
        let mut content = Self { min_sequence: i64::MAX, days: (i32::MAX, i32::MIN), ..Self::default() };
        for entry in entries {
            let (files, rows) = match entry.status {
                Status::Existing => (&mut content.existing_files, &mut content.existing_rows),
                Status::Added => (&mut content.added_files, &mut content.added_rows),
                Status::Deleted => (&mut content.deleted_files, &mut content.deleted_rows),
            };
            *files += 1;
            *rows += entry.rows;
            content.min_sequence = content.min_sequence.min(entry.sequence);
            content.days = (content.days.0.min(entry.day), content.days.1.max(entry.day));
        }
        content
    }
}

/// Writes a manifest.
pub(super) fn manifest(schema: &Schema, entries: &[Entry], sync: [u8; 16]) -> (Vec<u8>, Content) {
    let metadata = [
        ("schema", schema.json.to_string()),
        ("schema-id", SCHEMA_ID.to_string()),
        ("partition-spec", json!([partition_field(schema)]).to_string()),
        ("partition-spec-id", SPEC_ID.to_string()),
        ("format-version", "2".to_owned()),
        ("content", "data".to_owned()),
    ];
    let mut file = Container::new(ENTRY_SCHEMA, &metadata, sync);
    for entry in entries {
        let mut record = Encoder::default();
        record.long(entry.status as i64);
        record.optional(Some(entry.snapshot), Encoder::long);
        record.optional(Some(entry.sequence), Encoder::long);
        record.optional(Some(entry.sequence), Encoder::long);
        record.encoded(&entry.data_file);
        file.push(&record);
    }
    (file.finish(), Content::of(entries))
}

/// The partition field, as Iceberg writes it.
pub(super) fn partition_field(schema: &Schema) -> serde_json::Value {
    json!({ "name": PARTITION_FIELD, "transform": "day", "source-id": schema.event_time, "field-id": PARTITION_FIELD_ID })
}

/// A manifest in a manifest list.
#[derive(Clone, Debug)]
pub(super) struct Listed<'a> {
    pub(super) uri: String,
    pub(super) bytes: u64,
    /// The sequence number and id of the snapshot that wrote it.
    pub(super) sequence: i64,
    pub(super) snapshot: i64,
    pub(super) content: &'a Content,
}

/// Of which snapshot a manifest list is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) snapshot: i64,
    pub(super) parent: Option<i64>,
    pub(super) sequence: i64,
}

/// Writes a manifest list.
pub(super) fn list(head: Head, manifests: &[Listed<'_>], sync: [u8; 16]) -> Vec<u8> {
    let metadata = [
        ("snapshot-id", head.snapshot.to_string()),
        ("parent-snapshot-id", head.parent.map_or_else(|| "null".to_owned(), |parent| parent.to_string())),
        ("sequence-number", head.sequence.to_string()),
        ("format-version", "2".to_owned()),
    ];
    let mut file = Container::new(LIST_SCHEMA, &metadata, sync);
    for manifest in manifests {
        file.push(&listed(manifest));
    }
    file.finish()
}

fn listed(manifest: &Listed<'_>) -> Encoder {
    let mut record = Encoder::default();
    let content = manifest.content;
    record.text(&manifest.uri);
    record.count(manifest.bytes);
    record.long(SPEC_ID.into());
    record.long(0); // content: data
    record.long(manifest.sequence);
    record.long(content.min_sequence);
    record.long(manifest.snapshot);
    for count in [
        content.added_files,
        content.existing_files,
        content.deleted_files,
        content.added_rows,
        content.existing_rows,
        content.deleted_rows,
    ] {
        record.count(count);
    }
    record.optional(Some([content.days]), |record, days| {
        record.array(&days, |record, (first, last)| {
            record.boolean(false); // contains_null
            record.optional(Some(false), Encoder::boolean); // contains_nan
            for day in [first, last] {
                record.optional(Some(day.to_le_bytes()), |record, day| record.bytes(&day));
            }
        });
    });
    record
}
