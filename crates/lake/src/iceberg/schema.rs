//! The schema of a published table: the documented columns that files hold.
//!
//! Engines find a column in a file by its id, never by its name or place; `crate::schema` gives every column one, for ever.

use std::collections::HashMap;

use cloudtrail::event_data_store::Family;
use serde_json::{Value, json};

use crate::schema::{self, Column, Field, Kind};

/// The id of a schema that never changed: columns are only ever added, and none is required.
pub(super) const SCHEMA_ID: i32 = 0;

/// The schema of a table.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    /// As Iceberg writes it.
    pub(super) json: Value,
    /// The highest id in it.
    pub(super) last_column_id: i32,
    /// The id of the column that dates an event.
    pub(super) event_time: i32,
    /// The columns whose values bound a file, by id.
    pub(super) bounded: HashMap<i32, Kind>,
}

impl Schema {
    /// The schema of the stores of a family.
    pub(super) fn of(family: Family) -> Self {
        let columns: Vec<&Column> = schema::columns(family).iter().filter(|column| column.shown && column.stored).collect();
        let event_time = columns.iter().find(|column| column.name == schema::EVENT_TIME).expect("every family has times");
        let mut last_column_id = 0;
        let mut field = |column: &&Column| field_json(column.id, column.name, column.kind, &mut last_column_id);
        let fields: Vec<Value> = columns.iter().map(&mut field).collect();
        // No engine prunes by JSON texts, and their bounds would say nothing.
        let bounded = |column: &&&Column| column.name != schema::EVENT_JSON && is_plain(column.kind);
        Self {
            json: json!({ "type": "struct", "schema-id": SCHEMA_ID, "fields": fields }),
            event_time: event_time.id,
            bounded: columns.iter().filter(bounded).map(|column| (column.id, column.kind)).collect(),
            last_column_id,
        }
    }
}

fn is_plain(kind: Kind) -> bool {
    !matches!(kind, Kind::Map | Kind::Struct(_) | Kind::List(_))
}

fn field_json(id: i32, name: &str, kind: Kind, last_id: &mut i32) -> Value {
    *last_id = id.max(*last_id);
    // A file may lack what a later release added, so that nothing is ever required.
    json!({ "id": id, "name": name, "required": false, "type": type_json(kind, last_id) })
}

fn type_json(kind: Kind, last_id: &mut i32) -> Value {
    let mut member = |field: &Field| field_json(field.id, field.name, field.kind, last_id);
    match kind {
        Kind::Text | Kind::Map => "string".into(),
        Kind::Timestamp => "timestamp".into(),
        Kind::Boolean => "boolean".into(),
        Kind::Integer => "long".into(),
        Kind::Double => "double".into(),
        Kind::Struct(members) => json!({ "type": "struct", "fields": members.iter().map(&mut member).collect::<Vec<_>>() }),
        Kind::List(element) => {
            *last_id = element.id.max(*last_id);
            let inner = type_json(element.kind, last_id);
            json!({ "type": "list", "element-id": element.id, "element-required": false, "element": inner })
        }
    }
}
