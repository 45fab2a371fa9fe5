//! Why a statement ended early, in words for whoever asked.

use std::fmt;

use datafusion::common::DataFusionError;

use crate::functions::catalog;
use crate::sql::{self, Compiled, ErrorKind, Place};

/// The longest message (CloudTrail API reference, DescribeQuery: ErrorMessage).
const MESSAGE_CHARS_MAX: usize = 1_000;

/// What the engine writes before what went wrong.
const PREFIXES: &[&str] = &[
    "Error during planning: ",
    "Execution error: ",
    "Arrow error: ",
    "Compute error: ",
    "External error: ",
    "Invalid argument error: ",
    "Optimizer rule 'simplify_expressions' failed",
    "This feature is not implemented: ",
    "SQL error: ",
    "caused by",
];
/// What the engine writes around what a function of ours says of its arguments.
const WRAPPING: &str = "failed with \"Error during planning: ";

/// Why a statement ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Somebody wanted it to.
    Cancelled,
    /// The deadline passed.
    TimedOut,
    /// Its result is larger than results may be.
    TooLarge,
    /// It needs more memory or disk than there is.
    Exhausted,
    /// Something in it went wrong.
    Failed(String),
}

impl Failure {
    /// What we did wrong ourselves.
    pub(super) fn broken() -> Self {
        Self::Failed("the query failed because of an internal error".to_owned())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "the query was cancelled",
            Self::TimedOut => "the query ran into its time limit",
            // These two in the words of AWS: people search for them.
            Self::TooLarge => "Query response is too large",
            Self::Exhausted => "Query exhausted resources at this scale factor",
            Self::Failed(message) => message,
        })
    }
}

impl std::error::Error for Failure {}

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Self {
        if matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)) {
            return Self::Exhausted;
        }
        Self::Failed(message(&error))
    }
}

/// The engine's error in plain words.
fn message(error: &DataFusionError) -> String {
    let root = error.find_root();
    let text = root.to_string();
    let text = text.split("\nBacktrace").next().unwrap_or_default();
    let mut text = text.trim();
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest.trim_start();
    }
    let text = if text.starts_with("Divide by zero") { "division by zero" } else { text };
    let text = text.split_once(WRAPPING).and_then(|(_, rest)| rest.split_once("\" No function")).map_or(text, |(inner, _)| inner);
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

/// An error of the planner, at the place of the statement that it speaks of.
pub(super) fn at_its_place(error: &DataFusionError, compiled: &Compiled) -> sql::Error {
    let text = message(error);
    let (message, place) = reworded(&text, compiled).unwrap_or_else(|| (text.clone(), Place::default()));
    sql::Error { message, line: place.line, column: place.column, hint: None, kind: ErrorKind::Invalid }
}

fn reworded(text: &str, compiled: &Compiled) -> Option<(String, Place)> {
    ungrouped(text, compiled).or_else(|| unfit_arguments(text, compiled))
}

/// A column that is neither grouped nor aggregated.
fn ungrouped(text: &str, compiled: &Compiled) -> Option<(String, Place)> {
    if !text.contains("GROUP BY") {
        return None;
    }
    let named = text.split_once("column \"").and_then(|(_, rest)| rest.split_once("\" must appear"))?.0;
    let bare = |sql: &str| sql.replace('"', "");
    let (sql, place) = compiled.places.iter().find(|(sql, _)| bare(sql) == bare(named))?;
    let column = bare(sql.rsplit("\".\"").next().unwrap_or(sql));
    let column = column.split_once(':').map_or(column.as_str(), |(_, name)| name);
    Some((format!("column {column} must be in GROUP BY or within an aggregate function"), *place))
}

/// Arguments that a function does not take.
fn unfit_arguments(text: &str, compiled: &Compiled) -> Option<(String, Place)> {
    for (noted, place) in &compiled.places {
        let Some(name) = noted.strip_suffix("()") else { continue };
        let Some(known) = catalog::find(name) else { continue };
        let engine = format!("{}()", known.engine);
        if text.contains(&engine) {
            return Some((text.replace(&engine, noted), *place));
        }
        if text.contains(&format!("call to '{}'", known.engine)) || text.contains(&format!("Function '{}'", known.engine)) {
            return Some((format!("{noted} does not take arguments of these types"), *place));
        }
    }
    None
}
