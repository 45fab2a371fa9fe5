//! Reading JSON text without parsing all of it.
//!
//! Records are searched for a key or two; everything else is skipped byte by byte. Values come out as the text they are
//! in the record. The text is taken to be valid where the store holds it; elsewhere `is_valid` is asked first. Nothing
//! here panics on what is not.

use std::borrow::Cow;

/// The deepest JSON that is read (serde_json's own limit).
const DEPTH_MAX: usize = 128;

/// Whether a text is one JSON value.
pub(crate) fn is_valid(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// The members of an object: key and value as they are written. None if the text is no object.
pub(crate) fn members(object: &str) -> Option<Members<'_>> {
    let inner = object.trim_start().strip_prefix('{')?;
    Some(Members { rest: inner })
}

/// The items of an array as they are written. None if the text is no array.
pub(crate) fn items(array: &str) -> Option<Items<'_>> {
    let inner = array.trim_start().strip_prefix('[')?;
    Some(Items { rest: inner })
}

/// Walks the members of an object.
pub(crate) struct Members<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.rest.trim_start().trim_start_matches(',').trim_start();
        let (key, rest) = split_value(start).filter(|(key, _)| key.starts_with('"'))?;
        let (value, rest) = split_value(rest.trim_start().strip_prefix(':')?.trim_start())?;
        self.rest = rest;
        Some((key, value))
    }
}

/// Walks the items of an array.
pub(crate) struct Items<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.rest.trim_start().trim_start_matches(',').trim_start();
        let (value, rest) = split_value(start)?;
        self.rest = rest;
        Some(value)
    }
}

/// Cuts the value off with which a text begins.
fn split_value(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let end = match bytes.first()? {
        b'"' => string_end(bytes, 0)?,
        b'{' | b'[' => container_end(bytes)?,
        b'}' | b']' | b',' | b':' => return None,
        _ => {
            bytes.iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')).unwrap_or(bytes.len())
        }
    };
    text.split_at_checked(end)
}

/// Where the string that begins at a quote ends: after its closing quote.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let found = bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        at += found;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn container_end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The text of a string as it is written in JSON, quotes included. What is not a string stays as it is.
pub(crate) fn unquoted(written: &str) -> Cow<'_, str> {
    let Some(inner) = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return written.into() };
    if inner.contains('\\') {
        // A lone surrogate has no text; it stays as it is written.
        return serde_json::from_str(written).map_or_else(|_| inner.into(), Cow::Owned);
    }
    inner.into()
}

/// A text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A value as a map of texts holds it: a scalar's plain text, a container as it is written, NULL for null.
pub(crate) fn plain(written: &str) -> Option<Cow<'_, str>> {
    (written != "null").then(|| unquoted(written))
}

/// Whether a key, as it is written in JSON with its quotes, is this one.
fn is_key(written: &str, key: &str) -> bool {
    let inner = written.get(1..written.len() - 1).unwrap_or_default();
    inner == key || (inner.contains('\\') && unquoted(written) == key)
}

/// The value under exactly this key.
pub(crate) fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    members(object)?.find(|(written, _)| is_key(written, key)).map(|(_, value)| value)
}

/// The value under this key, or under the only one that differs from it by case alone.
fn lenient_member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    let mut alike = None;
    let mut several = false;
    for (written, value) in members(object)? {
        if is_key(written, key) {
            return Some(value);
        }
        if unquoted(written).eq_ignore_ascii_case(key) {
            several |= alike.is_some();
            alike = Some(value);
        }
    }
    alike.filter(|_| !several)
}

/// The value at a path of keys and indexes, as text (R4, R5). A string on the way that holds JSON itself is gone into.
pub(crate) fn at_path<'a>(object: &'a str, path: &[&str]) -> Option<Cow<'a, str>> {
    let mut here: Cow<'a, str> = object.into();
    for (depth, key) in path.iter().enumerate() {
        if depth > DEPTH_MAX {
            return None;
        }
        here = match here {
            Cow::Borrowed(text) => step(text, key)?,
            Cow::Owned(text) => Cow::Owned(step(&text, key)?.into_owned()),
        };
    }
    match here {
        Cow::Borrowed(text) => plain(text),
        Cow::Owned(text) => plain(&text).map(|text| Cow::Owned(text.into_owned())),
    }
}

fn step<'a>(text: &'a str, key: &str) -> Option<Cow<'a, str>> {
    match text.as_bytes().first()? {
        b'{' => lenient_member(text, key).map(Cow::Borrowed),
        b'[' => items(text)?.nth(key.parse().ok()?).map(Cow::Borrowed),
        b'"' => {
            let inner = unquoted(text);
            let inner = inner.trim_start();
            if !inner.starts_with(['{', '[']) || !is_valid(inner) {
                return None;
            }
            step(inner, key).map(|value| Cow::Owned(value.into_owned()))
        }
        _ => None,
    }
}

/// Whether a value whose text contains the needle could be in this JSON. An escape can hide any character, so with one
/// the answer is yes.
pub(crate) fn may_contain(finder: Option<&memchr::memmem::Finder<'_>>, text: &str) -> bool {
    match finder {
        Some(finder) => finder.find(text.as_bytes()).is_some() || memchr::memchr(b'\\', text.as_bytes()).is_some(),
        None => true,
    }
}
