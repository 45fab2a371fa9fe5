//! Walking checked, compact JSON text without building anything.

use std::borrow::Cow;

use super::scan::string_end;
use super::text::unescape;

/// A JSON value as it stands in a record: checked and compact text. Cheap to copy; every question costs a walk
/// over the value. On text that is not JSON the answers are meaningless, but there are answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// Text of one value, taken from a record.
    pub fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// The text.
    pub fn raw(self) -> &'a str {
        self.0
    }

    /// The text of a string, unescaped (lone surrogates as U+FFFD); `None` for anything else.
    pub fn string(self) -> Option<Cow<'a, str>> {
        Some(unescape(self.quoted()?))
    }

    /// `true` or `false`, also when written as a string, as hand-made records have it.
    pub fn boolean(self) -> Option<bool> {
        match self.0.trim_matches('"') {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// Whether this is an object.
    pub fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// Whether this is an array.
    pub fn is_array(self) -> bool {
        self.0.starts_with('[')
    }

    /// The members of an object, in their order; none for anything else. Keys are unescaped.
    pub fn members(self) -> Members<'a> {
        Members { rest: self.0.strip_prefix('{').unwrap_or_default() }
    }

    /// The elements of an array, in their order; none for anything else.
    pub fn elements(self) -> Elements<'a> {
        Elements { rest: self.0.strip_prefix('[').unwrap_or_default() }
    }

    /// The first member of that name.
    pub fn get(self, key: &str) -> Option<Self> {
        self.members().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn quoted(self) -> Option<&'a str> {
        self.0.strip_prefix('"')?.strip_suffix('"')
    }
}

/// The members of an object.
#[derive(Debug, Clone)]
pub struct Members<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Json<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, after) = first_value(self.rest)?;
        let key = key.quoted()?;
        let (value, after) = first_value(after.strip_prefix(':')?)?;
        self.rest = after.strip_prefix(',').unwrap_or_default();
        Some((unescape(key), value))
    }
}

/// The elements of an array.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        let (value, after) = first_value(self.rest)?;
        self.rest = after.strip_prefix(',').unwrap_or_default();
        Some(value)
    }
}

/// The value at the start of the text, and what follows it.
fn first_value(text: &str) -> Option<(Json<'_>, &str)> {
    let bytes = text.as_bytes();
    let end = match bytes.first()? {
        b'"' => string_end(bytes, 0),
        b'{' | b'[' => container_end(bytes),
        _ => bytes.iter().position(|b| matches!(b, b',' | b'}' | b']')).unwrap_or(bytes.len()),
    };
    let (value, after) = text.split_at_checked(end)?;
    (!value.is_empty()).then_some((Json(value), after))
}

fn container_end(text: &[u8]) -> usize {
    let mut depth = 0_u32;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}
