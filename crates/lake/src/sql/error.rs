//! What is wrong with a statement, where, and what may have been meant.

use std::fmt;

/// A statement that cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// The line, from 1; 0 if the place is not known.
    pub line: u32,
    /// The column in characters, from 1; 0 if the place is not known.
    pub column: u32,
    /// What may have been meant.
    pub hint: Option<String>,
    /// What the caller can tell apart.
    pub kind: ErrorKind,
}

/// Kinds of errors that callers answer differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// The statement is not valid, or not allowed.
    Invalid,
    /// This table is no event data store that the caller could name.
    UnknownTable(String),
}

/// A place in a statement: line and column, from 1. (0, 0) is nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl From<datafusion::sql::sqlparser::tokenizer::Span> for Place {
    fn from(span: datafusion::sql::sqlparser::tokenizer::Span) -> Self {
        Self { line: span.start.line as u32, column: span.start.column as u32 }
    }
}

impl Error {
    /// An invalid statement.
    pub(crate) fn invalid(place: impl Into<Place>, message: impl Into<String>) -> Self {
        let place = place.into();
        Self { message: message.into(), line: place.line, column: place.column, hint: None, kind: ErrorKind::Invalid }
    }

    /// A table that nobody knows.
    pub(crate) fn unknown_table(place: impl Into<Place>, table: &str, message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::UnknownTable(table.to_owned()), ..Self::invalid(place, message) }
    }

    /// The same with a hint, if there is one.
    #[must_use]
    pub(crate) fn hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }

    /// The same at this place, unless it has one.
    #[must_use]
    pub(crate) fn at(self, place: Place) -> Self {
        if self.line > 0 { self } else { Self { line: place.line, column: place.column, ..self } }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}:{}: ", self.line, self.column)?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// "did you mean x?", if one of the candidates is near to what was written.
pub(crate) fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let written = written.to_ascii_lowercase();
    let allowed = (written.len() / 3).clamp(1, 3);
    let near = candidates
        .into_iter()
        .map(|candidate| (distance(&written, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)?;
    Some(format!("did you mean {}?", near.1))
}

/// The Levenshtein distance of two short words.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut before = row.first().copied().unwrap_or_default();
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, b) in right.iter().enumerate() {
            let replaced = before + usize::from(a != *b);
            before = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(before + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
