//! The columns of every family of event data stores: what SQL sees, what a Parquet file holds.
//!
//! What must stay true: a column's id, and that of each of its members, never changes its meaning and is never used
//! again. Files name their columns by these ids, and so do other engines that read the tables as Apache Iceberg.
//! A column's name is its key in the record, in lower case; one that differs only by case does not exist.

mod activity;
mod configuration;
mod events;
mod evidence;
mod insight;
mod shadows;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field as ArrowField, Fields, Schema, SchemaRef, TimeUnit};
use cloudtrail::event_data_store::Family;
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

/// What a column or a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A time in UTC, in microseconds.
    Timestamp,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A floating point number.
    Double,
    /// A `map<string,string>` to the user: the JSON text of an object as it stands in the record.
    Map,
    /// Members with names.
    Struct(&'static [Field]),
    /// Values of one kind. Its element is a field, because it has an id too.
    List(&'static Field),
}

/// A member of a struct, or the element of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its number in Parquet and Iceberg.
    pub id: i32,
    /// Its name in SQL: lower case.
    pub name: &'static str,
    /// Its key in the record.
    pub key: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other, and read as columns of a table")]
pub struct Column {
    /// Its number in Parquet and Iceberg.
    pub id: i32,
    /// Its name in SQL: lower case, but for the map key at the end of a shadow column's path.
    pub name: &'static str,
    /// Its key in the record; for a shadow column the path, in the record's spelling; "" where no key of the record
    /// is meant.
    pub key: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether `SELECT *` shows it.
    pub shown: bool,
    /// Whether files hold it. Else it is computed from another column when asked for.
    pub stored: bool,
    /// Whether single values are looked for in it: such a column has a Bloom filter.
    pub needle: bool,
    /// Whether every row has a value.
    pub required: bool,
}

/// Position of the record in the journal (hidden).
pub const POSITION: &str = "_position";
/// Whose event it is (hidden).
pub const ACCOUNT: &str = "_account";
/// When the record was accepted (hidden).
pub const INGESTED: &str = "_ingested";
/// What a row is made of; every other column follows from it.
pub(crate) const RECORD: [&str; 4] = [EVENT_JSON, POSITION, ACCOUNT, INGESTED];
/// When it happened; tables are sorted by it.
pub const EVENT_TIME: &str = "eventtime";
/// The record's bytes.
pub const EVENT_JSON: &str = "eventjson";
/// Base64 of the SHA-256 of the record's bytes; computed when asked for.
pub const EVENT_JSON_CHECKSUM: &str = "eventjsonchecksum";

/// The columns of a family: the documented ones in the documented order, then the hidden ones.
pub fn columns(family: Family) -> &'static [Column] {
    match family {
        Family::Events => events::COLUMNS,
        Family::Insight => insight::COLUMNS,
        Family::ConfigurationItem => configuration::COLUMNS,
        Family::Evidence => evidence::COLUMNS,
        Family::Activity => activity::COLUMNS,
    }
}

/// The column of that name.
pub fn column(family: Family, name: &str) -> Option<&'static Column> {
    columns(family).iter().find(|column| column.name == name)
}

/// The hidden flat copy of what stands at a path, if there is one: members of structs in lower case, a map's key in
/// the record's spelling (`useridentity.arn`, `requestparameters.bucketName`). It has exactly the value that struct
/// access, or `element_at` with that very key, would give.
pub fn shadow(family: Family, path: &str) -> Option<&'static Column> {
    columns(family).iter().find(|column| column.is_shadow() && column.path() == path)
}

/// The columns as SQL sees them: every one, also those that no file holds. Fields carry no ids: DataFusion takes fields
/// that differ in nothing else for different ones.
pub fn arrow_schema(family: Family) -> SchemaRef {
    Arc::clone(&schemas(family).shown)
}

/// The columns that files hold, as rows in memory have them.
pub fn stored_schema(family: Family) -> SchemaRef {
    Arc::clone(&schemas(family).stored)
}

/// The columns that files hold, as files have them: every field, at any depth, carries its id.
pub fn file_schema(family: Family) -> SchemaRef {
    Arc::clone(&schemas(family).file)
}

/// The schemas of a family. They have some hundred and fifty fields, and every query and every file asks for them.
struct Schemas {
    shown: SchemaRef,
    stored: SchemaRef,
    file: SchemaRef,
}

impl Schemas {
    fn of(family: Family) -> Self {
        let stored = || columns(family).iter().filter(|column| column.stored);
        Self {
            shown: schema_of(columns(family).iter(), &plain),
            stored: schema_of(stored(), &plain),
            file: schema_of(stored(), &numbered),
        }
    }
}

fn schemas(family: Family) -> &'static Schemas {
    static MADE: LazyLock<HashMap<Family, Schemas>> =
        LazyLock::new(|| Family::ALL.into_iter().map(|family| (family, Schemas::of(family))).collect());
    &MADE[&family]
}

/// Makes a field of an id, a name and a kind.
type Make = dyn Fn(i32, &str, Kind) -> ArrowField;

fn schema_of<'a>(columns: impl Iterator<Item = &'a Column>, make: &Make) -> SchemaRef {
    let field = |column: &Column| make(column.id, column.name, column.kind).with_nullable(!column.required);
    Arc::new(Schema::new(columns.map(field).collect::<Vec<_>>()))
}

fn plain(_id: i32, name: &str, kind: Kind) -> ArrowField {
    ArrowField::new(name, arrow_type(kind), true)
}

fn numbered(id: i32, name: &str, kind: Kind) -> ArrowField {
    let number = HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())]);
    ArrowField::new(name, type_of(kind, &numbered), true).with_metadata(number)
}

/// The Arrow type of a kind. Text is `Utf8View` everywhere, inside structs too.
pub fn arrow_type(kind: Kind) -> DataType {
    type_of(kind, &plain)
}

fn type_of(kind: Kind, make: &Make) -> DataType {
    let field = |field: &Field| make(field.id, field.name, field.kind);
    match kind {
        Kind::Text | Kind::Map => DataType::Utf8View,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        Kind::Boolean => DataType::Boolean,
        Kind::Integer => DataType::Int64,
        Kind::Double => DataType::Float64,
        Kind::Struct(members) => DataType::Struct(members.iter().map(field).collect::<Fields>()),
        Kind::List(element) => DataType::List(Arc::new(field(element))),
    }
}

impl Column {
    /// Whether it is the flat copy of what stands at a path.
    pub fn is_shadow(&self) -> bool {
        self.name.contains('.')
    }

    /// What it is looked for by: a flat copy's path, or the name.
    pub fn path(&self) -> &'static str {
        if self.is_shadow() { self.name.strip_prefix('_').unwrap_or(self.name) } else { self.name }
    }

    /// A documented column.
    const fn shown(id: i32, name: &'static str, key: &'static str, kind: Kind) -> Self {
        Self { id, name, key, kind, shown: true, stored: true, needle: false, required: false }
    }

    /// A column that has a value in every row.
    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// A documented column in which single values are looked for.
    const fn needle(id: i32, name: &'static str, key: &'static str) -> Self {
        Self { needle: true, ..Self::shown(id, name, key, Kind::Text) }
    }

    /// A column that `SELECT *` does not show.
    const fn hidden(id: i32, name: &'static str, key: &'static str, kind: Kind) -> Self {
        Self { shown: false, ..Self::shown(id, name, key, kind) }
    }

    /// The flat copy of what stands at a path.
    const fn shadow(id: i32, name: &'static str, key: &'static str) -> Self {
        Self::hidden(id, name, key, Kind::Text)
    }

    /// The flat copy of what stands at a path and is looked for by its value.
    const fn shadow_needle(id: i32, name: &'static str, key: &'static str) -> Self {
        Self { shown: false, ..Self::needle(id, name, key) }
    }
}

impl Field {
    /// As SQL sees it.
    pub fn arrow(&self) -> ArrowField {
        plain(self.id, self.name, self.kind)
    }

    const fn new(id: i32, name: &'static str, key: &'static str, kind: Kind) -> Self {
        Self { id, name, key, kind }
    }

    const fn text(id: i32, name: &'static str, key: &'static str) -> Self {
        Self::new(id, name, key, Kind::Text)
    }

    /// The element of a list: Arrow's customary name, no key.
    const fn element(id: i32, kind: Kind) -> Self {
        Self::new(id, "item", "", kind)
    }
}

/// The envelope that the families beside CloudTrail events have in common.
const ENVELOPE: [Column; 7] = [
    Column::shown(100, "eventversion", "eventVersion", Kind::Text),
    Column::shown(200, "eventcategory", "eventCategory", Kind::Text),
    Column::shown(300, "eventtype", "eventType", Kind::Text),
    Column::needle(400, "eventid", "eventID"),
    Column::shown(500, EVENT_TIME, "eventTime", Kind::Timestamp).required(),
    Column::shown(600, "awsregion", "awsRegion", Kind::Text),
    Column::shown(700, "recipientaccountid", "recipientAccountId", Kind::Text),
];

/// What every file says about where a row comes from.
const INTERNAL: [Column; 3] = [
    Column::hidden(100_000, POSITION, "", Kind::Integer).required(),
    Column::hidden(100_001, ACCOUNT, "", Kind::Text).required(),
    Column::hidden(100_002, INGESTED, "", Kind::Timestamp).required(),
];

/// What rows of the families have whose documented columns do not name the record's bytes.
const HIDDEN: [Column; 4] =
    [Column::hidden(99_000, EVENT_JSON, "", Kind::Text).required(), INTERNAL[0], INTERNAL[1], INTERNAL[2]];

/// One table of several; `N` is how many columns they have together.
const fn join<const N: usize>(parts: &[&[Column]]) -> [Column; N] {
    let mut all = [INTERNAL[0]; N];
    let (mut part, mut at) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            all[at] = parts[part][index];
            (at, index) = (at + 1, index + 1);
        }
        part += 1;
    }
    assert!(at == N, "N is the number of columns");
    all
}

#[cfg(test)]
mod tests;
