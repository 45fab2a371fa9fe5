//! Numbers.

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, exec_datafusion_err, exec_err};

use super::scalar::{Args, Row, Take, yields};

macro_rules! of_number {
    ($name:literal, $of:expr) => {
        Row::new($name, &[Take::Number], yields::number, |args| of_number(args, $of))
    };
}

pub(super) const ROWS: &[Row] = &[
    Row::new("abs", &[Take::Any], whole_or_number, |args| keeping(args, i64::wrapping_abs, f64::abs)),
    Row::new("ceil", &[Take::Any], whole_or_number, |args| keeping(args, |whole| whole, f64::ceil)),
    Row::new("floor", &[Take::Any], whole_or_number, |args| keeping(args, |whole| whole, f64::floor)),
    Row::new("round", &[Take::Any, Take::Integer], whole_or_number, round).least(1),
    Row::new("modulo", &[Take::Integer, Take::Integer], yields::integer, modulo),
    Row::new("power", &[Take::Number, Take::Number], yields::number, power),
    of_number!("sqrt", f64::sqrt),
    of_number!("ln", f64::ln),
    of_number!("log10", f64::log10),
    of_number!("log2", f64::log2),
    of_number!("exp", f64::exp),
    of_number!("signum", |number| if number == 0.0 { 0.0 } else { number.signum() }),
];

fn of_number(args: &Args<'_>, of: fn(f64) -> f64) -> Result<ArrayRef> {
    let numbers = args.numbers(0)?;
    args.each_number(|row| Ok(numbers.is_valid(row).then(|| of(numbers.value(row)))))
}

/// Whole numbers stay whole.
fn whole_or_number(given: &[DataType]) -> DataType {
    match given.first() {
        Some(given) if given.is_integer() => DataType::Int64,
        _ => DataType::Float64,
    }
}

fn keeping(args: &Args<'_>, whole: fn(i64) -> i64, number: fn(f64) -> f64) -> Result<ArrayRef> {
    let array = args.array(0)?;
    if !array.data_type().is_numeric() && !array.data_type().is_null() {
        return exec_err!("{}() expects a number, not {}", args.name, super::scalar::shown(array.data_type()));
    }
    let array = cast(&array, args.yields)?;
    if let Some(wholes) = array.as_primitive_opt::<Int64Type>() {
        return args.each_integer(|row| Ok(wholes.is_valid(row).then(|| whole(wholes.value(row)))));
    }
    let numbers = array.as_primitive::<arrow::datatypes::Float64Type>();
    args.each_number(|row| Ok(numbers.is_valid(row).then(|| number(numbers.value(row)))))
}

/// To so many decimal places; halves go away from zero.
fn round(args: &Args<'_>) -> Result<ArrayRef> {
    if args.len() < 2 || args.yields == &DataType::Int64 {
        return keeping(args, |whole| whole, f64::round);
    }
    let numbers = cast(&args.array(0)?, &DataType::Float64)?;
    let numbers = numbers.as_primitive::<arrow::datatypes::Float64Type>();
    let places = args.integers(1)?;
    args.each_number(|row| {
        let there = numbers.is_valid(row) && places.is_valid(row);
        Ok(there.then(|| {
            let scale = 10_f64.powi(places.value(row).clamp(-300, 300) as i32);
            let rounded = (numbers.value(row) * scale).round() / scale;
            if rounded.is_finite() { rounded } else { numbers.value(row) }
        }))
    })
}

fn modulo(args: &Args<'_>) -> Result<ArrayRef> {
    let (left, right) = (args.integers(0)?, args.integers(1)?);
    args.each_integer(|row| {
        if left.is_null(row) || right.is_null(row) {
            return Ok(None);
        }
        let rest = left.value(row).checked_rem(right.value(row));
        rest.map(Some).ok_or_else(|| exec_datafusion_err!("division by zero"))
    })
}

fn power(args: &Args<'_>) -> Result<ArrayRef> {
    let (bases, exponents) = (args.numbers(0)?, args.numbers(1)?);
    args.each_number(|row| {
        let there = bases.is_valid(row) && exponents.is_valid(row);
        Ok(there.then(|| bases.value(row).powf(exponents.value(row))))
    })
}
