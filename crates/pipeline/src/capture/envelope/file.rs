//! Log files: `{"Records":[…]}` or a record a line, gzipped or plain; which of them shows in the bytes.

use std::fmt;

use bytes::Bytes;
use memchr::memchr;
use serde::de::IgnoredAny;

use super::inflate::{self, Coding, InflateError};
use super::split::{self, Fault};
use super::{INFLATED_BYTES_MAX, RECORDS_MAX, Records, Span};

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileErrorCode {
    /// It has no bytes, or only blank space.
    Empty,
    /// Its gzip data ends too early.
    TruncatedGzip,
    /// Its gzip data is not what was written.
    DamagedGzip,
    /// It is not gzipped, where only gzipped files are taken.
    NotGzip,
    /// It is larger, inflated, than we take.
    TooLarge,
    /// It has more records than we take.
    TooManyRecords,
    /// It is not JSON.
    InvalidJson,
    /// It holds neither records nor an event.
    NotALogFile,
    /// A member of a tar archive that is not a file.
    NotAFile,
}

impl fmt::Display for FileErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Why nothing was read from a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub struct FileError {
    /// The file.
    pub name: String,
    /// The kind of reason.
    pub code: FileErrorCode,
    /// The reason in words, with the place.
    pub message: String,
}

impl FileError {
    /// A reason why file `name` was not read.
    pub fn new(name: &str, code: FileErrorCode, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), code, message: message.into() }
    }
}

/// The records of a log file. `name` is only what to call it.
///
/// A file is taken as a whole or not at all: what cannot be read to its end is an error, so that nothing is left out in
/// silence. A single event is taken too, in one line or many.
pub fn parse_file(name: &str, bytes: &Bytes) -> Result<Records, FileError> {
    let error = |code, message: String| FileError::new(name, code, message);
    let coding = if inflate::is_gzip(bytes) { Coding::Gzip } else { Coding::None };
    let text = inflate::inflate(coding, bytes, INFLATED_BYTES_MAX).map_err(|e| error(inflate_code(&e), e.to_string()))?;
    let spans = spans(&text).map_err(|fault| error(fault_code(fault), fault.to_string()))?;
    if spans.is_empty() && text.iter().all(u8::is_ascii_whitespace) {
        return Err(error(FileErrorCode::Empty, "the file is empty".to_owned()));
    }
    Ok(Records { text, spans })
}

/// The records of a log file as trails deliver it: gzipped, `{"Records":[…]}`, and nothing else. What
/// [`parse_file`] takes besides is an error.
pub fn parse_log_file(name: &str, bytes: &Bytes) -> Result<Records, FileError> {
    let error = |code, message: String| FileError::new(name, code, message);
    if bytes.is_empty() {
        return Err(error(FileErrorCode::Empty, "the file is empty".to_owned()));
    }
    if !inflate::is_gzip(bytes) {
        return Err(error(FileErrorCode::NotGzip, "the file is not compressed with gzip".to_owned()));
    }
    let text = inflate::inflate(Coding::Gzip, bytes, INFLATED_BYTES_MAX).map_err(|e| error(inflate_code(&e), e.to_string()))?;
    let spans = split::log_file(&text, RECORDS_MAX).map_err(|fault| error(fault_code(fault), fault.to_string()))?;
    Ok(Records { text, spans })
}

fn spans(text: &Bytes) -> Result<Vec<Span>, Fault> {
    if is_lines(text) {
        return split::lines(text, RECORDS_MAX);
    }
    match split::log_file(text, RECORDS_MAX) {
        Err(Fault::NoRecords { is_event: true }) => Ok(vec![Span::new(0..text.len())]),
        other => other,
    }
}

/// Whether the text is a record a line: it has several lines, and one of the first two is a whole object that is no log
/// file. Either may be damaged without the rest being lost.
fn is_lines(text: &[u8]) -> bool {
    let (Some(first), rest) = first_line(text) else { return true };
    let (Some(second), _) = first_line(rest) else { return false };
    if split::first_object_end(first).is_some_and(|end| is_blank(&first[end..])) {
        return split::log_file(first, RECORDS_MAX).is_err();
    }
    second.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(second).is_ok()
}

/// The first line that is not blank, and what follows it.
fn first_line(mut text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    while !text.is_empty() {
        let (line, rest) = memchr(b'\n', text).map_or((text, &[][..]), |end| (&text[..end], &text[end + 1..]));
        if !is_blank(line) {
            return (Some(line), rest);
        }
        text = rest;
    }
    (None, text)
}

fn is_blank(text: &[u8]) -> bool {
    text.trim_ascii().is_empty()
}

fn inflate_code(error: &InflateError) -> FileErrorCode {
    match error {
        InflateError::TooLarge => FileErrorCode::TooLarge,
        InflateError::Truncated => FileErrorCode::TruncatedGzip,
        InflateError::Damaged(_) => FileErrorCode::DamagedGzip,
    }
}

fn fault_code(fault: Fault) -> FileErrorCode {
    match fault {
        Fault::Syntax { .. } => FileErrorCode::InvalidJson,
        Fault::NoRecords { .. } => FileErrorCode::NotALogFile,
        Fault::TooMany => FileErrorCode::TooManyRecords,
    }
}
