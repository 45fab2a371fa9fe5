//! API Activity as JSON, an event a line: members without a value are left out, what is JSON already stays as it is.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};

/// The column of what has no place in OCSF.
pub(super) const UNMAPPED: &str = "unmapped";
/// Columns and members that hold JSON texts, by path.
const RAW: [&str; 3] = ["api.request.data", "api.response.data", UNMAPPED];

/// Writes batches of API Activity as lines.
#[derive(Clone, Debug, Default)]
pub struct Lines;

impl Lines {
    /// The events of a batch.
    pub fn of(batch: &RecordBatch) -> Result<Vec<u8>> {
        let rows = StructArray::from(batch.clone());
        let mut lines = Vec::with_capacity(batch.num_rows() * 2_048);
        for row in 0..rows.len() {
            write_object(&mut lines, &rows, row, "")?;
            lines.push(b'\n');
        }
        Ok(lines)
    }
}

/// Writes a struct's members; false, and nothing, if it has none.
fn write_object(out: &mut Vec<u8>, object: &StructArray, row: usize, path: &str) -> Result<bool> {
    let start = out.len();
    out.push(b'{');
    let mut any = false;
    for (field, column) in object.fields().iter().zip(object.columns()) {
        let before = out.len();
        if any {
            out.push(b',');
        }
        write_text(out, field.name());
        out.push(b':');
        let inner = if path.is_empty() { field.name().clone() } else { format!("{path}.{}", field.name()) };
        if write_value(out, column, row, &inner)? {
            any = true;
        } else {
            out.truncate(before);
        }
    }
    out.push(b'}');
    if !any {
        out.truncate(start);
    }
    Ok(any)
}

/// Writes a value; false, and nothing, if there is none.
fn write_value(out: &mut Vec<u8>, column: &ArrayRef, row: usize, path: &str) -> Result<bool> {
    if column.is_null(row) {
        return Ok(false);
    }
    match column.data_type() {
        DataType::Struct(_) => return write_object(out, column.as_struct(), row, path),
        DataType::List(_) => return write_list(out, &column.as_list::<i32>().value(row), path),
        DataType::Utf8View => write_raw_or_text(out, column.as_string_view().value(row), path),
        DataType::Utf8 => write_raw_or_text(out, column.as_string::<i32>().value(row), path),
        DataType::Boolean => out.extend_from_slice(column.as_boolean().value(row).to_string().as_bytes()),
        DataType::Int32 => out.extend_from_slice(column.as_primitive::<Int32Type>().value(row).to_string().as_bytes()),
        DataType::Int64 => out.extend_from_slice(column.as_primitive::<Int64Type>().value(row).to_string().as_bytes()),
        DataType::Timestamp(..) => match column.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row) {
            Some(time) => write_text(out, &time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()),
            None => return Ok(false),
        },
        other => return exec_err!("{path} is a {other}, which has no form in JSON here"),
    }
    Ok(true)
}

fn write_list(out: &mut Vec<u8>, items: &ArrayRef, path: &str) -> Result<bool> {
    let start = out.len();
    out.push(b'[');
    let mut any = false;
    for item in 0..items.len() {
        let before = out.len();
        if any {
            out.push(b',');
        }
        if write_value(out, items, item, path)? {
            any = true;
        } else {
            out.truncate(before);
        }
    }
    out.push(b']');
    if !any {
        out.truncate(start);
    }
    Ok(any)
}

fn write_raw_or_text(out: &mut Vec<u8>, text: &str, path: &str) {
    if RAW.contains(&path) {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_text(out, text);
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a text can be written to memory");
}
