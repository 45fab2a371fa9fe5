//! JSON functions: the type `json` is JSON text.

use std::borrow::Cow;

use arrow::array::{Array as _, ArrayRef};
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use memchr::memmem::Finder;

use super::casts::json_scalar;
use super::scalar::{Args, Row, Take, Texts, yields};
use super::{scan, shortened};
use crate::text;

pub(super) const ROWS: &[Row] = &[
    Row::new("json_parse", &[Take::Text], yields::text, json_parse),
    Row::new("json_format", &[Take::Text], yields::text, json_format),
    Row::new("json_extract", &[Take::Text, Take::Text], yields::text, json_extract),
    Row::new("json_extract_scalar", &[Take::Text, Take::Text, Take::Text], yields::text, json_extract_scalar),
    Row::new("json_array_contains", &[Take::Text, Take::Any], yields::boolean, json_array_contains),
    Row::new("json_array_get", &[Take::Text, Take::Integer], yields::text, json_array_get),
    Row::new("json_array_length", &[Take::Text], yields::integer, json_array_length),
    Row::new("json_size", &[Take::Text, Take::Text], yields::integer, json_size),
    Row::new("is_json_scalar", &[Take::Text], yields::boolean, is_json_scalar),
    Row::new("json_cast_varchar", &[Take::Text], yields::text, json_cast_varchar),
    Row::new("json_texts", &[Take::Text], yields::texts, json_texts),
    Row::new("json_items", &[Take::Text], yields::texts, json_items),
];

fn json_parse(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.each_text(|row| match texts.get(row) {
        None => Ok(None),
        Some(text) if scan::is_valid(text) => Ok(Some(text.trim())),
        Some(text) => exec_err!("cannot convert '{}' to JSON", shortened(text)),
    })
}

fn json_format(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.each_text(|row| Ok(texts.get(row)))
}

/// A path of Trino's JSON functions.
pub(super) struct Path(Vec<Step>);

enum Step {
    Key(String),
    Index(usize),
    Any,
}

impl Path {
    /// Reads `$`, `.key`, `["key"]`, `['key']`, `[0]` and `[*]`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let bad = || exec_err!("invalid JSON path: '{}'", shortened(text));
        let Some(mut rest) = text.trim().strip_prefix('$') else { return bad() };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let length = after.find(['.', '[']).unwrap_or(after.len());
                let (key, left) = after.split_at(length);
                match key {
                    "" => return bad(),
                    "*" => steps.push(Step::Any),
                    key => steps.push(Step::Key(key.trim_matches('"').to_owned())),
                }
                rest = left;
            } else if let Some(after) = rest.strip_prefix('[') {
                let quote = after.chars().next().filter(|char| matches!(char, '"' | '\''));
                let close = quote.map_or_else(|| "]".to_owned(), |quote| format!("{quote}]"));
                let inner = quote.map_or(after, |quote| after.strip_prefix(quote).unwrap_or(after));
                let Some((inner, left)) = inner.split_once(close.as_str()) else { return bad() };
                steps.push(match (quote, inner, inner.parse()) {
                    (Some(_), key, _) => Step::Key(key.to_owned()),
                    (None, "*", _) => Step::Any,
                    (None, _, Ok(index)) => Step::Index(index),
                    (None, key, Err(_)) if !key.is_empty() => Step::Key(key.to_owned()),
                    _ => return bad(),
                });
                rest = left;
            } else {
                return bad();
            }
        }
        Ok(Self(steps))
    }

    /// The value at the path, as it is written.
    fn find<'a>(&self, json: &'a str) -> Option<Cow<'a, str>> {
        find(json.trim(), &self.0)
    }
}

fn find<'a>(json: &'a str, steps: &[Step]) -> Option<Cow<'a, str>> {
    let mut here = json;
    for (at, step) in steps.iter().enumerate() {
        here = match step {
            Step::Key(key) => match scan::member(here, key) {
                Some(value) => value,
                // A digit in place of a key is an index.
                None => scan::items(here)?.nth(key.parse().ok()?)?,
            },
            Step::Index(index) => match scan::items(here) {
                Some(mut items) => items.nth(*index)?,
                None => scan::member(here, &index.to_string())?,
            },
            Step::Any => {
                let rest = steps.get(at + 1..).unwrap_or_default();
                let values: Vec<&str> = match (scan::items(here), scan::members(here)) {
                    (Some(items), _) => items.collect(),
                    (None, Some(members)) => members.map(|(_, value)| value).collect(),
                    (None, None) => return None,
                };
                let found: Vec<Cow<'_, str>> = values.into_iter().filter_map(|value| find(value, rest)).collect();
                return Some(format!("[{}]", found.join(",")).into());
            }
        };
    }
    Some(here.into())
}

/// The paths of a call: read once if it is a constant.
enum Paths<'a> {
    Constant(Path),
    Rows(Texts<'a>),
}

impl<'a> Paths<'a> {
    fn of(args: &Args<'a>, at: usize) -> Result<Self> {
        match args.constant(at) {
            Some(path) => Path::parse(path).map(Self::Constant),
            None => args.texts(at).map(Self::Rows),
        }
    }

    fn find<'j>(&self, row: usize, json: &'j str) -> Result<Option<Cow<'j, str>>> {
        match self {
            Self::Constant(path) => Ok(path.find(json)),
            Self::Rows(texts) => match texts.get(row) {
                Some(path) => Ok(Path::parse(path)?.find(json)),
                None => Ok(None),
            },
        }
    }
}

/// Text that is not JSON has nothing at any path.
fn checked(text: Option<&str>) -> Option<&str> {
    text.filter(|text| scan::is_valid(text))
}

fn json_extract(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, paths) = (args.texts(0)?, Paths::of(args, 1)?);
    args.each_text(|row| match checked(texts.get(row)) {
        Some(json) => paths.find(row, json),
        None => Ok(None),
    })
}

/// `json_extract_scalar(json, path, needle)`: NULL where the needle does not occur.
fn json_extract_scalar(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, paths) = (args.texts(0)?, Paths::of(args, 1)?);
    let needle = args.constant(2).unwrap_or_default();
    let finder = (!needle.is_empty()).then(|| Finder::new(needle));
    args.each_text(|row| {
        let text = texts.get(row).filter(|text| scan::may_contain(finder.as_ref(), text));
        let Some(found) = checked(text).map(|json| paths.find(row, json)).transpose()?.flatten() else { return Ok(None) };
        if found.starts_with(['{', '[']) {
            return Ok(None);
        }
        Ok(scan::plain(&found).map(Cow::into_owned))
    })
}

/// The items of a JSON array per row; None where the text is none.
fn items_of(text: Option<&str>) -> Option<Vec<&str>> {
    checked(text).and_then(|text| scan::items(text.trim())).map(Iterator::collect)
}

fn json_array_contains(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, wanted) = (args.texts(0)?, args.array(1)?);
    let is_text = Texts::of(&wanted).is_some();
    let is_number = wanted.data_type().is_numeric();
    args.each_boolean(|row| {
        let (Some(items), Some(wanted)) = (items_of(texts.get(row)), text::plain(&wanted, row)) else { return Ok(None) };
        Ok(Some(items.into_iter().any(|item| match item.starts_with('"') {
            true => is_text && scan::unquoted(item) == wanted,
            false if is_number => item.parse::<f64>().ok().is_some_and(|item| wanted.parse() == Ok(item)),
            false => !is_text && item == wanted,
        })))
    })
}

fn json_array_get(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, indexes) = (args.texts(0)?, args.integers(1)?);
    args.each_text(|row| {
        let Some(items) = items_of(texts.get(row)).filter(|_| indexes.is_valid(row)) else { return Ok(None) };
        let index = indexes.value(row);
        let at = if index < 0 { index + items.len() as i64 } else { index };
        Ok(usize::try_from(at).ok().and_then(|at| items.get(at).copied()))
    })
}

fn json_array_length(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.each_integer(|row| Ok(items_of(texts.get(row)).map(|items| items.len() as i64)))
}

fn json_size(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, paths) = (args.texts(0)?, Paths::of(args, 1)?);
    args.each_integer(|row| {
        let Some(found) = checked(texts.get(row)).map(|json| paths.find(row, json)).transpose()?.flatten() else {
            return Ok(None);
        };
        let size = match (scan::items(&found), scan::members(&found)) {
            (Some(items), _) => items.count(),
            (None, Some(members)) => members.count(),
            (None, None) => 0,
        };
        Ok(Some(size as i64))
    })
}

fn is_json_scalar(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.each_boolean(|row| match texts.get(row) {
        None => Ok(None),
        Some(text) if scan::is_valid(text) => Ok(Some(!text.trim_start().starts_with(['{', '[']))),
        Some(text) => exec_err!("cannot convert '{}' to JSON", shortened(text)),
    })
}

fn json_cast_varchar(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.each_text(|row| texts.get(row).map(json_scalar).transpose().map(Option::flatten))
}

fn cast_items(text: &str) -> Result<scan::Items<'_>> {
    scan::items(text).ok_or_else(|| exec_datafusion_err!("cannot cast {} to array", shortened(text)))
}

/// The items of an array: scalars as their text.
fn json_texts(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.each_texts(|row| match texts.get(row).map(str::trim) {
        None | Some("null") => Ok(None),
        Some(text) => cast_items(text)?.map(json_scalar).collect::<Result<Vec<_>>>().map(Some),
    })
}

/// The items of an array as they are written.
fn json_items(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.each_texts(|row| match texts.get(row).map(str::trim) {
        None | Some("null") => Ok(None),
        Some(text) => Ok(Some(cast_items(text)?.map(Some).collect())),
    })
}
