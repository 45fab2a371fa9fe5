//! Results as text (CloudTrail Lake prints every value as text): timestamps as `yyyy-MM-dd HH:mm:ss.SSS`, doubles as
//! Trino prints them, maps, arrays and structs as compact JSON.

use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};

use crate::functions::scan;
use crate::sql::Type;
use crate::sql::civil;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// The rows of a batch: a text for every column, or NULL.
pub fn rows(batch: &RecordBatch, kinds: &[Type]) -> Vec<Vec<Option<String>>> {
    let columns: Vec<(&ArrayRef, &Type)> =
        batch.columns().iter().enumerate().map(|(at, column)| (column, kinds.get(at).unwrap_or(&Type::Unknown))).collect();
    let row = |row| columns.iter().map(|(column, kind)| shown(column, row, kind)).collect();
    (0..batch.num_rows()).map(row).collect()
}

/// A value as it is shown.
fn shown(array: &ArrayRef, row: usize, kind: &Type) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::List(_) | DataType::LargeList(_) | DataType::Struct(_) => {
            let mut json = String::new();
            write_json(&mut json, array, row, kind);
            Some(json)
        }
        _ => plain(array, row),
    }
}

/// A scalar's plain text, a container's JSON. NULL is None.
pub(crate) fn plain(array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return None;
    }
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).to_owned(),
        DataType::Utf8View => array.as_string_view().value(row).to_owned(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Float64 => double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => double(f64::from(array.as_primitive::<Float32Type>().value(row))),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).to_string(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).to_string(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).to_string(),
        DataType::Decimal128(_, _) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Date32 => date(i64::from(array.as_primitive::<Date32Type>().value(row))),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let time = array.as_primitive::<TimestampMicrosecondType>().value(row);
            match zone {
                None => timestamp(time),
                Some(zone) => format!("{} {zone}", timestamp(crate::functions::local(time, zone))),
            }
        }
        DataType::Duration(TimeUnit::Microsecond) => interval(0, array.as_primitive::<DurationMicrosecondType>().value(row)),
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            interval(i64::from(value.months), i64::from(value.days) * DAY_US + value.nanoseconds / 1_000)
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::Struct(_) => json(array, row),
        DataType::Dictionary(_, _) | DataType::Timestamp(_, _) => return recast(array, row),
        _ => arrow::util::display::array_value_to_string(array, row).unwrap_or_default(),
    })
}

/// Types that only pass through are brought to one of ours.
fn recast(array: &ArrayRef, row: usize) -> Option<String> {
    let target = match array.data_type() {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        _ => DataType::Utf8,
    };
    let one = array.slice(row, 1);
    plain(&arrow::compute::cast(&one, &target).ok()?, 0)
}

/// A value as JSON.
pub(crate) fn json(array: &ArrayRef, row: usize) -> String {
    let mut json = String::new();
    write_json(&mut json, array, row, &Type::Unknown);
    json
}

fn write_json(out: &mut String, array: &ArrayRef, row: usize, kind: &Type) {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        out.push_str("null");
        return;
    }
    match array.data_type() {
        DataType::List(_) => write_list(out, &array.as_list::<i32>().value(row), kind),
        DataType::LargeList(_) => write_list(out, &array.as_list::<i64>().value(row), kind),
        DataType::Struct(fields) => {
            let values = array.as_struct();
            let mut first = true;
            out.push('{');
            for (field, column) in fields.iter().zip(values.columns()) {
                // What is not there is left out, as it is in a record.
                if column.is_null(row) {
                    continue;
                }
                if !std::mem::take(&mut first) {
                    out.push(',');
                }
                out.push_str(&scan::quoted(field.name()));
                out.push(':');
                let kind = kind.member(field.name()).map_or(&Type::Unknown, |(_, kind)| kind);
                write_json(out, column, row, kind);
            }
            out.push('}');
        }
        DataType::Boolean | DataType::Decimal128(_, _) => out.push_str(&plain(array, row).unwrap_or_default()),
        number if number.is_numeric() => {
            let text = plain(array, row).unwrap_or_default();
            let finite = text.parse::<f64>().is_ok_and(f64::is_finite);
            out.push_str(&if finite { text } else { scan::quoted(&text) });
        }
        _ => {
            let text = plain(array, row).unwrap_or_default();
            let raw = matches!(kind, Type::Map | Type::Json);
            out.push_str(&if raw { text } else { scan::quoted(&text) });
        }
    }
}

fn write_list(out: &mut String, items: &ArrayRef, kind: &Type) {
    let element = match kind {
        Type::List(element) => element.as_ref(),
        _ => &Type::Unknown,
    };
    out.push('[');
    for at in 0..items.len() {
        if at > 0 {
            out.push(',');
        }
        write_json(out, items, at, element);
    }
    out.push(']');
}

/// `yyyy-MM-dd HH:mm:ss.SSS`
pub(crate) fn timestamp(time_us: i64) -> String {
    let of_day = time_us.rem_euclid(DAY_US) / 1_000;
    let (seconds, millis) = (of_day / 1_000, of_day % 1_000);
    let mut text = date(time_us.div_euclid(DAY_US));
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    // Writing to a String cannot fail.
    let _ = write!(text, " {hour:02}:{minute:02}:{second:02}.{millis:03}");
    text
}

/// `yyyy-MM-dd`
pub(crate) fn date(days: i64) -> String {
    let (year, month, day) = civil::date(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// An interval as Trino prints it: `2 03:04:05.678`, or `1-2` for years and months.
fn interval(months: i64, time_us: i64) -> String {
    if months != 0 && time_us == 0 {
        let sign = if months < 0 { "-" } else { "" };
        return format!("{sign}{}-{}", months.abs() / 12, months.abs() % 12);
    }
    let sign = if time_us < 0 { "-" } else { "" };
    let millis = time_us.abs() / 1_000;
    let (days, of_day) = (millis / 86_400_000, millis % 86_400_000);
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
    format!("{sign}{days} {hour:02}:{minute:02}:{second:02}.{:03}", of_day % 1_000)
}

/// A double as Java, and so Trino, prints it: `1.0`, `0.001`, `1.0E7`.
pub(crate) fn double(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN".to_owned()
        } else if value > 0.0 {
            "Infinity".to_owned()
        } else {
            "-Infinity".to_owned()
        };
    }
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if digits.contains('.') => format!("{digits}E{exponent}"),
        Some((digits, exponent)) => format!("{digits}.0E{exponent}"),
        None => text,
    }
}

#[cfg(test)]
mod tests;
