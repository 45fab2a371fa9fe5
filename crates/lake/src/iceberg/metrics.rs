//! What is known of a data file's columns, from its Parquet footer: engines skip files by it.

use std::fs::File;
use std::path::Path;

use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::statistics::Statistics;

use super::Error;
use super::schema::Schema;
use crate::schema::Kind;

/// Characters of a text that serve as its bound (Iceberg's write.metadata.metrics.default, `truncate(16)`).
const BOUND_CHARS: usize = 16;

/// What is known of a file's columns, by field id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metrics {
    pub(super) column_sizes: Vec<(i32, u64)>,
    pub(super) value_counts: Vec<(i32, u64)>,
    pub(super) null_value_counts: Vec<(i32, u64)>,
    pub(super) lower_bounds: Vec<(i32, Vec<u8>)>,
    pub(super) upper_bounds: Vec<(i32, Vec<u8>)>,
}

/// What is known of a column over all row groups.
struct Summary {
    bytes: u64,
    values: u64,
    nulls: Option<u64>,
    bounds: Option<(Value, Value)>,
}

/// A value that bounds others.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Value {
    Text(String),
    Boolean(bool),
    Long(i64),
    Double(f64),
}

impl Metrics {
    /// Reads the footer of a file. Blocks.
    pub(super) fn read(path: &Path, schema: &Schema) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::file(path))?;
        let footer = ParquetMetaDataReader::new().parse_and_finish(&file).map_err(Error::parquet(path))?;
        Ok(Self::of(&footer, schema))
    }

    fn of(footer: &ParquetMetaData, schema: &Schema) -> Self {
        let mut metrics = Self::default();
        for (at, column) in footer.file_metadata().schema_descr().columns().iter().enumerate() {
            let info = column.self_type().get_basic_info();
            // Members of structs and lists have no counts of their own rows, and engines prune by none of them.
            if column.path().parts().len() > 1 || !info.has_id() {
                continue;
            }
            let Some(kind) = schema.bounded.get(&info.id()) else { continue };
            let chunks: Vec<_> = footer.row_groups().iter().map(|group| group.column(at)).collect();
            metrics.add(info.id(), Summary::of(&chunks, *kind));
        }
        metrics
    }

    fn add(&mut self, id: i32, summary: Summary) {
        self.column_sizes.push((id, summary.bytes));
        self.value_counts.push((id, summary.values));
        self.null_value_counts.extend(summary.nulls.map(|nulls| (id, nulls)));
        if let Some((lower, upper)) = summary.bounds {
            self.lower_bounds.push((id, lower.lower()));
            self.upper_bounds.extend(upper.upper().map(|bound| (id, bound)));
        }
    }
}

impl Summary {
    fn of(chunks: &[&ColumnChunkMetaData], kind: Kind) -> Self {
        let nulls = |chunk: &ColumnChunkMetaData| chunk.statistics().and_then(Statistics::null_count_opt);
        let values = |chunk: &ColumnChunkMetaData| chunk.num_values().unsigned_abs();
        // A row group of nulls alone has no bounds, and needs none.
        let bounded = chunks.iter().filter(|chunk| nulls(chunk) != Some(values(chunk)));
        let bounds: Option<Vec<_>> = bounded.map(|chunk| chunk.statistics().and_then(|known| bounds(known, kind))).collect();
        Self {
            bytes: chunks.iter().map(|chunk| chunk.compressed_size().unsigned_abs()).sum(),
            values: chunks.iter().map(|chunk| values(chunk)).sum(),
            nulls: chunks.iter().map(|chunk| nulls(chunk)).sum(),
            bounds: bounds.and_then(|bounds| bounds.into_iter().reduce(widest)),
        }
    }
}

fn widest(one: (Value, Value), other: (Value, Value)) -> (Value, Value) {
    let lower = if other.0 < one.0 { other.0 } else { one.0 };
    let upper = if other.1 > one.1 { other.1 } else { one.1 };
    (lower, upper)
}

/// The bounds of a row group. They need not occur: a writer may have shortened them.
fn bounds(known: &Statistics, kind: Kind) -> Option<(Value, Value)> {
    match (known, kind) {
        (Statistics::ByteArray(known), Kind::Text) => {
            let text = |bytes: &[u8]| Some(Value::Text(std::str::from_utf8(bytes).ok()?.to_owned()));
            Some((text(known.min_bytes_opt()?)?, text(known.max_bytes_opt()?)?))
        }
        (Statistics::Boolean(known), Kind::Boolean) => {
            Some((Value::Boolean(*known.min_opt()?), Value::Boolean(*known.max_opt()?)))
        }
        (Statistics::Int64(known), Kind::Integer | Kind::Timestamp) => {
            Some((Value::Long(*known.min_opt()?), Value::Long(*known.max_opt()?)))
        }
        (Statistics::Double(known), Kind::Double) => Some((Value::Double(*known.min_opt()?), Value::Double(*known.max_opt()?))),
        _ => None,
    }
}

impl Value {
    /// The value, or a shorter one not above it, as Iceberg writes single values.
    fn lower(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.chars().take(BOUND_CHARS).collect::<String>().into_bytes(),
            Self::Boolean(value) => vec![u8::from(value)],
            Self::Long(value) => value.to_le_bytes().to_vec(),
            Self::Double(value) => value.to_le_bytes().to_vec(),
        }
    }

    /// The value, or a shorter one not below it; None if there is none.
    fn upper(self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => shorter_above(&text).map(String::into_bytes),
            other => Some(other.lower()),
        }
    }
}

/// The text, or one of at most [`BOUND_CHARS`] characters that is above it.
fn shorter_above(text: &str) -> Option<String> {
    if text.chars().count() <= BOUND_CHARS {
        return Some(text.to_owned());
    }
    let mut kept: Vec<char> = text.chars().take(BOUND_CHARS).collect();
    while let Some(last) = kept.pop() {
        if let Some(above) = next_char(last) {
            kept.push(above);
            return Some(kept.into_iter().collect());
        }
    }
    None
}

/// The character after this one.
fn next_char(char: char) -> Option<char> {
    let next = u32::from(char) + 1;
    // The surrogates are no characters.
    char::from_u32(if next == 0xd800 { 0xe000 } else { next })
}
