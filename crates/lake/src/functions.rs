//! The functions of CloudTrail Lake's SQL: which there are (`catalog`), and those that the engine lacks or that mean
//! something else to Trino. Every other module is a group of them: a table of rows, and a function for each.

pub(crate) mod catalog;

mod casts;
mod json;
pub(crate) mod lambda;
mod lists;
mod maps;
mod math;
mod regexes;
mod scalar;
pub(crate) mod scan;
mod strings;
mod time;
mod time_format;
mod zone;

use datafusion::common::DataFusionError;
use datafusion::logical_expr::ScalarUDF;

pub(crate) use zone::local;

/// All of ours, as the engine wants them.
pub(crate) fn scalar_functions() -> impl Iterator<Item = ScalarUDF> {
    let groups = [casts::ROWS, json::ROWS, lists::ROWS, maps::ROWS, math::ROWS, regexes::ROWS, strings::ROWS, time::ROWS];
    groups.into_iter().flatten().map(|row| row.udf())
}

/// Whether a constant argument is one that the function can do something with: what is wrong with it is found before
/// the statement runs.
pub(crate) fn check_constant(function: &str, at: usize, text: &str) -> Result<(), String> {
    let checked = match (function, at) {
        ("date_add" | "date_diff" | "date_trunc", 0) => time::unit(text).map(drop),
        ("json_extract" | "json_extract_scalar" | "json_size", 1) => json::Path::parse(text).map(drop),
        (name, 1) if name.starts_with("regexp_") => regexes::compiled(text).map(drop),
        _ => Ok(()),
    };
    checked.map_err(|error| match error {
        DataFusionError::Execution(message) => message,
        other => other.to_string(),
    })
}

/// Characters of a value that an error quotes.
const QUOTED_CHARS_MAX: usize = 80;

/// A value as an error quotes it.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
