//! CloudTrail Lake's SQL: Trino's SELECT over event data stores.
//!
//! A statement goes lexer → parser (sqlparser's, with our dialect) → compiler. The compiler resolves every name with
//! the types known, applies the compatibility rules R1–R13 of the reference, refuses what is not SELECT, and writes the
//! statement anew in SQL that the engine plans as it stands. What must stay true: nothing of the user's text gets into
//! the engine's SQL unquoted, and conditions on plain columns stay conditions on plain columns, so that files are
//! skipped and rows filtered while reading.

mod body;
mod call;
mod cast;
mod compare;
mod compile;
mod dialect;
mod error;
mod expression;
mod late;
mod lexer;
mod names;
mod parameters;
mod path;
mod query;
mod relations;
mod risk;
mod scope;
mod select;
mod since;
mod time_literal;
mod typing;
mod unnest;

pub use body::{Body, Use};
pub use compile::{Compiled, compile};
pub use error::{Error, ErrorKind};
pub use lexer::{OCSF_PREFIX, STATEMENT_CHARS_MAX};
pub use names::{Named, Names, Shape};
pub use parameters::with_parameters;
pub use since::since;
pub use typing::Type;

pub(crate) use error::Place;
pub(crate) use late::Late;
pub(crate) use time_literal::{civil, parse_timestamp};

#[cfg(test)]
mod tests;
