//! An ordered tree of values: what a request or an answer says, between the wire and a record.

use serde_json::value::RawValue;
use time::OffsetDateTime;

use super::shapes::is_number;

/// How deep a body may nest. Own choice: the deepest real record nests 11 levels.
pub const DEPTH_MAX: usize = 64;

/// The most values that are read of one body. Own choice: so many values are more than 100 KB of JSON, from where on
/// CloudTrail omits them.
pub const VALUES_MAX: usize = 51_200;

/// How deep a tree may nest that is told: a record may nest 100 levels, and the tree is not all there is of it.
const TOLD_DEPTH_MAX: usize = 95;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Boolean(bool),
    /// A number, in JSON's spelling, as it was written.
    Number(String),
    /// Text.
    Text(String),
    /// An instant that is not spelled yet.
    Instant(OffsetDateTime),
    /// Bytes, which no record tells: they were there.
    Blob,
    /// JSON that has no shape: compact, and valid.
    Json(String),
    /// One after another.
    List(Vec<Self>),
    /// By name, in the order in which they are told.
    Object(Vec<(String, Self)>),
}

impl Value {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The value at the end of a way of member names; a list's elements go by their place (`0`).
    pub fn at(&self, way: &[&str]) -> Option<&Self> {
        way.iter().try_fold(self, |value, step| match value {
            Self::Object(members) => members.iter().find(|(name, _)| name == step).map(|(_, value)| value),
            Self::List(elements) => elements.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The text at the end of a way of member names.
    pub fn text_at(&self, way: &[&str]) -> Option<&str> {
        self.at(way)?.as_text()
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list; none of what is no list.
    pub fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            _ => &[],
        }
    }

    /// The members of an object; none of what is no object.
    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// The same said once more, and otherwise: who reads it may go by either, so both are told. What is a list of its own
    /// gets longer.
    pub(crate) fn again(&mut self, value: Self, is_list: bool) {
        match (&mut *self, value) {
            (Self::List(elements), Self::List(more)) if is_list => elements.extend(more),
            (Self::List(_), _) if is_list => {}
            (Self::Null, value) => *self = value,
            (Self::List(several), value) => several.push(value),
            (known, value) if *known == value => {}
            (known, value) => *known = Self::List(vec![std::mem::replace(known, Self::Null), value]),
        }
    }

    /// As compact JSON. Of what nests deeper than a record may its size is told.
    pub fn render(&self) -> Box<RawValue> {
        let mut out = String::new();
        write(&mut out, self);
        if depth(&out) > TOLD_DEPTH_MAX {
            let marker = Self::marker(out.len(), "nested too deep");
            out.clear();
            write(&mut out, &marker);
        }
        RawValue::from_string(out).expect("every kind of value is written as JSON")
    }

    /// What stands in place of parameters that are too large to be read: CloudTrail's marker.
    pub fn omitted(original_size: usize) -> Self {
        Self::marker(original_size, "requestParameters too large")
    }

    fn marker(original_size: usize, reason: &str) -> Self {
        Self::Object(vec![
            ("omitted".to_owned(), Self::Boolean(true)),
            ("originalSize".to_owned(), Self::Number(original_size.to_string())),
            ("reason".to_owned(), Self::text(reason)),
        ])
    }
}

/// Recurses as deep as the value nests, which its reader has bounded.
fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null | Value::Blob => out.push_str("null"),
        Value::Boolean(true) => out.push_str("true"),
        Value::Boolean(false) => out.push_str("false"),
        Value::Number(text) if !is_number(text) => write_text(out, text),
        Value::Number(text) | Value::Json(text) => out.push_str(text),
        Value::Text(text) => write_text(out, text),
        Value::Instant(instant) => write_text(out, &super::instant::iso(*instant)),
        Value::List(elements) => {
            out.push('[');
            for (n, element) in elements.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                write(out, element);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (n, (name, value)) in members.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                write_text(out, name);
                out.push(':');
                write(out, value);
            }
            out.push('}');
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push_str(&serde_json::to_string(text).expect("a string can be written to memory"));
}

/// How deep JSON nests.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// How much more may be read of one body.
#[derive(Debug)]
pub(crate) struct Budget {
    values: usize,
}

/// A body that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// More values than a record can hold, or nested too deep.
    TooLarge,
    /// Not what its protocol says.
    Malformed,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { values: VALUES_MAX }
    }

    /// One value more.
    pub(crate) fn take(&mut self) -> Result<(), Unread> {
        self.values = self.values.checked_sub(1).ok_or(Unread::TooLarge)?;
        Ok(())
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.values == 0
    }
}

#[cfg(test)]
mod tests;
