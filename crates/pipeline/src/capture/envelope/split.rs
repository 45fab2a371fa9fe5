//! Finding where records begin and end, without parsing them.
//!
//! Only what lies between records is checked here, and brackets and strings are counted within them. A record that is not
//! JSON but balanced is refused when it is admitted; one that is not even balanced makes the envelope unreadable.

use std::ops::Range;

use memchr::memchr;
use serde::de::IgnoredAny;

use super::Span;

/// The member that holds the records.
const RECORDS: &str = "Records";
/// What only an event has at the top level.
const EVENT_TIME: &str = "eventTime";

/// Why an envelope cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("invalid JSON at byte {offset}: {reason}")]
    Syntax { offset: usize, reason: &'static str },
    #[error("the object has no \"Records\"")]
    NoRecords { is_event: bool },
    #[error("more than {} records", super::RECORDS_MAX)]
    TooMany,
}

/// The records of `{"Records":[…]}`; other members are passed over.
pub(super) fn log_file(text: &[u8], records_max: usize) -> Result<Vec<Span>, Fault> {
    let mut scanner = Scanner { text, at: start(text), records_max };
    let object = scanner.object()?;
    scanner.blank();
    if scanner.at < text.len() {
        return Err(scanner.fault("nothing may follow the object"));
    }
    object.records.ok_or(Fault::NoRecords { is_event: object.is_event })
}

/// The lines that are not blank.
pub(super) fn lines(text: &[u8], records_max: usize) -> Result<Vec<Span>, Fault> {
    let mut spans = Vec::new();
    let mut at = start(text);
    while at < text.len() {
        let end = memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
        if let Some(line) = trimmed(text, at..end) {
            if spans.len() == records_max {
                return Err(Fault::TooMany);
            }
            spans.push(Span::new(line));
        }
        at = end + 1;
    }
    Ok(spans)
}

/// Where the first object of `text` ends; None if it does not begin with a balanced one.
pub(super) fn first_object_end(text: &[u8]) -> Option<usize> {
    let mut scanner = Scanner { text, at: start(text), records_max: 0 };
    scanner.blank();
    (scanner.peek() == Some(b'{')).then_some(())?;
    scanner.value().ok().map(|value| value.end)
}

/// Text may begin with a byte order mark, which says nothing (RFC 8259, section 8.1).
fn start(text: &[u8]) -> usize {
    if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }
}

fn trimmed(text: &[u8], line: Range<usize>) -> Option<Range<usize>> {
    let filled = |byte: &u8| !is_blank(*byte);
    let first = text[line.clone()].iter().position(filled)?;
    let last = text[line.clone()].iter().rposition(filled)?;
    Some(line.start + first..line.start + last + 1)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// What is learned from the object around the records.
struct Object {
    records: Option<Vec<Span>>,
    is_event: bool,
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    records_max: usize,
}

impl Scanner<'_> {
    fn object(&mut self) -> Result<Object, Fault> {
        let mut object = Object { records: None, is_event: false };
        self.blank();
        self.expect(b'{', "expected an object")?;
        self.blank();
        if self.take(b'}') {
            return Ok(object);
        }
        loop {
            self.member(&mut object)?;
            self.blank();
            if self.take(b'}') {
                return Ok(object);
            }
            self.expect(b',', "expected a comma or the end of the object")?;
            self.blank();
        }
    }

    fn member(&mut self, object: &mut Object) -> Result<(), Fault> {
        let begin = self.at;
        let key = self.string()?;
        let key: String = serde_json::from_slice(&self.text[key]).map_err(|_| syntax(begin, "a key is not a string"))?;
        self.blank();
        self.expect(b':', "expected a colon")?;
        self.blank();
        if key == RECORDS {
            if object.records.is_some() {
                return Err(syntax(begin, "a second \"Records\""));
            }
            object.records = Some(self.array()?);
            return Ok(());
        }
        object.is_event |= key == EVENT_TIME;
        let value = self.value()?;
        let valid = serde_json::from_slice::<IgnoredAny>(&self.text[value.clone()]).is_ok();
        if valid { Ok(()) } else { Err(syntax(value.start, "not a value")) }
    }

    fn array(&mut self) -> Result<Vec<Span>, Fault> {
        let mut spans = Vec::new();
        self.expect(b'[', "\"Records\" must be an array")?;
        self.blank();
        if self.take(b']') {
            return Ok(spans);
        }
        loop {
            let value = self.value()?;
            if spans.len() == self.records_max {
                return Err(Fault::TooMany);
            }
            spans.push(Span::new(value));
            self.blank();
            if self.take(b']') {
                return Ok(spans);
            }
            self.expect(b',', "expected a comma or the end of \"Records\"")?;
            self.blank();
        }
    }

    /// A value: a balanced stretch, a string, or a word.
    fn value(&mut self) -> Result<Range<usize>, Fault> {
        match self.peek() {
            Some(b'{' | b'[') => self.nested(),
            Some(b'"') => self.string(),
            _ => self.word(),
        }
    }

    fn nested(&mut self) -> Result<Range<usize>, Fault> {
        let begin = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(begin..self.at);
            }
        }
        Err(self.fault("the text ends within an object or array"))
    }

    fn string(&mut self) -> Result<Range<usize>, Fault> {
        let begin = self.at;
        self.expect(b'"', "expected a string")?;
        loop {
            self.at = plain_end(self.text, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(begin..self.at);
                }
                Some(_) => self.at += 2,
                None => return Err(self.fault("the text ends within a string")),
            }
        }
    }

    fn word(&mut self) -> Result<Range<usize>, Fault> {
        let begin = self.at;
        while self.peek().is_some_and(|byte| !is_blank(byte) && !b",:[]{}\"".contains(&byte)) {
            self.at += 1;
        }
        if self.at == begin { Err(self.fault("expected a value")) } else { Ok(begin..self.at) }
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, wanted: u8, reason: &'static str) -> Result<(), Fault> {
        if self.take(wanted) { Ok(()) } else { Err(self.fault(reason)) }
    }

    fn fault(&self, reason: &'static str) -> Fault {
        syntax(self.at.min(self.text.len()), reason)
    }
}

/// The first quote or backslash from `at` on, or the end. Eight bytes at a time: most of a file lies within strings, too
/// short to make a search of another kind worth its beginning.
#[inline]
fn plain_end(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let found = (zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES)) & HIGH;
        if found != 0 {
            // The lowest mark is exact: a borrow can only spoil the bytes above it.
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\')) {
        at += 1;
    }
    at
}

fn syntax(offset: usize, reason: &'static str) -> Fault {
    Fault::Syntax { offset, reason }
}
