//! Casts by Trino's rules.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::{Result, exec_datafusion_err, exec_err};

use super::scalar::{Args, Row, Take, Texts, shown, yields};
use super::{local, scan, shortened};
use crate::sql::parse_timestamp;
use crate::text;

pub(super) const ROWS: &[Row] = &[
    Row::new("cast_varchar", &[Take::Any], yields::text, cast_varchar),
    Row::new("cast_integer", &[Take::Any, Take::Integer], yields::integer, cast_integer),
    Row::new("cast_double", &[Take::Any], yields::number, cast_double),
    Row::new("cast_boolean", &[Take::Any], yields::boolean, cast_boolean),
    Row::new("cast_timestamp", &[Take::Time], yields::time, cast_timestamp),
    Row::new("cast_date", &[Take::Time], yields::date, cast_date),
    Row::new("cast_json", &[Take::Any], yields::text, cast_json),
    Row::new("athena_time", &[Take::Time], yields::text, athena_time),
];

/// Reads a time, or says that the text is none.
pub(super) fn to_timestamp(text: &str) -> Result<i64> {
    parse_timestamp(text).ok_or_else(|| exec_datafusion_err!("cannot cast '{}' to timestamp", shortened(text)))
}

fn cast_varchar(args: &Args<'_>) -> Result<ArrayRef> {
    let array = args.array(0)?;
    if array.data_type() == &DataType::Utf8 {
        return Ok(array);
    }
    args.each_text(|row| Ok(text::plain(&array, row)))
}

fn cast_integer(args: &Args<'_>) -> Result<ArrayRef> {
    let (array, bits) = (args.array(0)?, args.integers(1)?);
    let bits = bits.values().first().copied().unwrap_or(64);
    let limit = if bits == 64 { i64::MAX } else { (1 << (bits - 1)) - 1 };
    let within = |number: i64| match number {
        number if number > limit || number < -limit - 1 => exec_err!("{number} is out of range"),
        number => Ok(Some(number)),
    };
    match array.data_type() {
        DataType::Boolean => {
            let truths = array.as_boolean();
            args.each_integer(|row| Ok(truths.is_valid(row).then(|| i64::from(truths.value(row)))))
        }
        DataType::Float64 | DataType::Float32 => {
            let number = numbers(&array);
            args.each_integer(|row| match number(row) {
                None => Ok(None),
                // Java's Math.round: halves go up.
                Some(value) if value.is_finite() && value.abs() < 9.3e18 => within((value + 0.5).floor() as i64),
                Some(value) => exec_err!("cannot cast {} to bigint", text::double(value)),
            })
        }
        other => match Texts::of(&array) {
            Some(texts) => args.each_integer(|row| match texts.get(row).map(str::trim) {
                None => Ok(None),
                Some(text) => {
                    within(text.parse().map_err(|_| exec_datafusion_err!("cannot cast '{}' to bigint", shortened(text)))?)
                }
            }),
            None if other.is_numeric() => {
                let cast = arrow::compute::cast(&array, &DataType::Int64)?;
                let numbers = cast.as_primitive::<arrow::datatypes::Int64Type>();
                args.each_integer(|row| if numbers.is_valid(row) { within(numbers.value(row)) } else { Ok(None) })
            }
            None => exec_err!("cannot cast {} to bigint", shown(other)),
        },
    }
}

fn numbers(array: &ArrayRef) -> impl Fn(usize) -> Option<f64> {
    let doubles = array.as_primitive_opt::<Float64Type>().cloned();
    let floats = array.as_primitive_opt::<Float32Type>().cloned();
    move |row| match (&doubles, &floats) {
        (Some(array), _) => array.is_valid(row).then(|| array.value(row)),
        (_, Some(array)) => array.is_valid(row).then(|| f64::from(array.value(row))),
        _ => None,
    }
}

fn cast_double(args: &Args<'_>) -> Result<ArrayRef> {
    let array = args.array(0)?;
    match Texts::of(&array) {
        Some(texts) => args.each_number(|row| match texts.get(row).map(str::trim) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| exec_datafusion_err!("cannot cast '{}' to double", shortened(text))),
        }),
        None if array.data_type().is_numeric() || array.data_type() == &DataType::Boolean => {
            Ok(arrow::compute::cast(&array, &DataType::Float64)?)
        }
        None => exec_err!("cannot cast {} to double", shown(array.data_type())),
    }
}

fn cast_boolean(args: &Args<'_>) -> Result<ArrayRef> {
    let array = args.array(0)?;
    match Texts::of(&array) {
        Some(texts) => args.each_boolean(|row| match texts.get(row) {
            None => Ok(None),
            Some(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "t" | "1" => Ok(Some(true)),
                "false" | "f" | "0" => Ok(Some(false)),
                _ => exec_err!("cannot cast '{}' to boolean", shortened(text)),
            },
        }),
        None if array.data_type().is_numeric() || array.data_type() == &DataType::Boolean => {
            Ok(arrow::compute::cast(&array, &DataType::Boolean)?)
        }
        None => exec_err!("cannot cast {} to boolean", shown(array.data_type())),
    }
}

/// The local time of a time with a zone; text is read.
fn cast_timestamp(args: &Args<'_>) -> Result<ArrayRef> {
    let times = args.times(0)?;
    let zone = times.timezone().map(str::to_owned);
    args.each_time(|row| {
        let time = times.is_valid(row).then(|| times.value(row));
        Ok(time.map(|time| zone.as_deref().map_or(time, |zone| local(time, zone))))
    })
}

fn cast_date(args: &Args<'_>) -> Result<ArrayRef> {
    let times = args.times(0)?;
    let zone = times.timezone().map(str::to_owned);
    let days = (0..args.rows).map(|row| {
        let time = times.is_valid(row).then(|| times.value(row));
        let time = time.map(|time| zone.as_deref().map_or(time, |zone| local(time, zone)));
        time.map(|time| time.div_euclid(super::time::DAY_US) as i32)
    });
    Ok(Arc::new(days.collect::<Date32Array>()))
}

fn cast_json(args: &Args<'_>) -> Result<ArrayRef> {
    let array = args.array(0)?;
    args.each_text(|row| Ok(array.is_valid(row).then(|| text::json(&array, row))))
}

/// A time as log files have it: `yyyy-MM-ddTHH:mm:ssZ`.
fn athena_time(args: &Args<'_>) -> Result<ArrayRef> {
    let times = args.times(0)?;
    args.each_text(|row| {
        Ok(times.is_valid(row).then(|| {
            let text = text::timestamp(times.value(row));
            format!("{}Z", text.get(..19).unwrap_or_default().replacen(' ', "T", 1))
        }))
    })
}

/// The plain text of a JSON scalar; null is NULL, and a container has none.
pub(super) fn json_scalar(text: &str) -> Result<Option<String>> {
    let text = text.trim();
    if text.starts_with(['{', '[']) {
        return exec_err!("cannot cast {} to varchar", shortened(text));
    }
    Ok(scan::plain(text).map(std::borrow::Cow::into_owned))
}
