//! Maps: the JSON text of an object, with the semantics of Trino's `map(varchar, varchar)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringBuilder, StructBuilder};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use memchr::memmem::Finder;

use super::scalar::{Args, Row, Take, Texts, yields};
use super::scan;

pub(super) const ROWS: &[Row] = &[
    Row::new("json_path", &[Take::Text, Take::Text, Take::Text], yields::text, json_path).more(),
    Row::new("map_get", &[Take::Text, Take::Text, Take::Text], yields::text, map_get),
    Row::new("map", &[Take::List, Take::List], yields::text, map).least(0),
    Row::new("map_of", &[Take::List], yields::text, map_of),
    Row::new("histogram_of", &[Take::List], yields::text, histogram_of),
    Row::new("map_concat", &[Take::Text], yields::text, map_concat).more(),
    Row::new("map_keys", &[Take::Text], yields::texts, map_keys),
    Row::new("map_values", &[Take::Text], yields::texts, map_values),
    Row::new("map_entries", &[Take::Text], entries_type, map_entries),
    Row::new("json_cast_map", &[Take::Text], yields::text, json_cast_map),
];

/// `json_path(map, needle, key, …)`: the value at a path. NULL where the needle does not occur.
fn json_path(args: &Args<'_>) -> Result<ArrayRef> {
    let (maps, needle) = (args.texts(0)?, args.constant(1).unwrap_or_default());
    let finder = (!needle.is_empty()).then(|| Finder::new(needle));
    let keys: Vec<Texts<'_>> = (2..args.len()).map(|at| args.texts(at)).collect::<Result<_>>()?;
    let mut path = Vec::with_capacity(keys.len());
    args.each_text(|row| {
        let Some(map) = maps.get(row).filter(|map| scan::may_contain(finder.as_ref(), map)) else { return Ok(None) };
        path.clear();
        path.extend(keys.iter().filter_map(|key| key.get(row)));
        Ok(if path.len() == keys.len() { scan::at_path(map, &path) } else { None })
    })
}

/// `map_get(map, needle, key)`: what `element_at` gives. NULL where the needle does not occur.
fn map_get(args: &Args<'_>) -> Result<ArrayRef> {
    let (maps, needle, keys) = (args.texts(0)?, args.constant(1).unwrap_or_default(), args.texts(2)?);
    let finder = (!needle.is_empty()).then(|| Finder::new(needle));
    args.each_text(|row| {
        let map = maps.get(row).filter(|map| scan::may_contain(finder.as_ref(), map));
        let value = map.zip(keys.get(row)).and_then(|(map, key)| scan::member(map, key));
        Ok(value.and_then(scan::plain))
    })
}

fn map_keys(args: &Args<'_>) -> Result<ArrayRef> {
    let maps = args.texts(0)?;
    args.each_texts(|row| {
        let members = maps.get(row).and_then(scan::members);
        Ok(members.map(|members| members.map(|(key, _)| Some(scan::unquoted(key))).collect()))
    })
}

fn map_values(args: &Args<'_>) -> Result<ArrayRef> {
    let maps = args.texts(0)?;
    args.each_texts(|row| {
        let members = maps.get(row).and_then(scan::members);
        Ok(members.map(|members| members.map(|(_, value)| scan::plain(value)).collect()))
    })
}

fn entry_fields() -> Fields {
    Fields::from(vec![Field::new("key", DataType::Utf8, true), Field::new("value", DataType::Utf8, true)])
}

fn entries_type(_: &[DataType]) -> DataType {
    DataType::new_list(DataType::Struct(entry_fields()), true)
}

fn map_entries(args: &Args<'_>) -> Result<ArrayRef> {
    let maps = args.texts(0)?;
    let builders: Vec<Box<dyn arrow::array::ArrayBuilder>> = vec![Box::new(StringBuilder::new()), Box::new(StringBuilder::new())];
    let mut lists = ListBuilder::new(StructBuilder::new(entry_fields(), builders));
    for row in 0..args.rows {
        let members = maps.get(row).and_then(scan::members);
        let there = members.is_some();
        for (key, value) in members.into_iter().flatten() {
            let entry = lists.values();
            let texts = [Some(scan::unquoted(key)), scan::plain(value)];
            for (at, text) in texts.into_iter().enumerate() {
                let builder = entry.field_builder::<StringBuilder>(at);
                builder.ok_or_else(|| exec_datafusion_err!("map_entries() lacks a builder"))?.append_option(text);
            }
            entry.append(true);
        }
        lists.append(there);
    }
    Ok(Arc::new(lists.finish()))
}

/// `map(keys, values)`.
fn map(args: &Args<'_>) -> Result<ArrayRef> {
    if args.len() < 2 {
        return args.each_text(|_| Ok(Some("{}")));
    }
    let (keys, values) = (args.list(0)?, args.list(1)?);
    args.each_text(|row| {
        if keys.is_null(row) || values.is_null(row) {
            return Ok(None);
        }
        let (keys, values) = (keys.value(row), values.value(row));
        if keys.len() != values.len() {
            return exec_err!("key and value arrays of map() must be of the same length");
        }
        let mut object = Object::default();
        for at in 0..keys.len() {
            let key = crate::text::plain(&keys, at).ok_or_else(|| exec_datafusion_err!("a key of map() is NULL"))?;
            if object.has(&key) {
                return exec_err!("map() has the key {key} twice");
            }
            object.push(&key, &crate::text::json(&values, at));
        }
        Ok(Some(object.finish()))
    })
}

/// The map of a list of entries: of equal keys the first one counts.
fn map_of(args: &Args<'_>) -> Result<ArrayRef> {
    let lists = args.list(0)?;
    args.each_text(|row| {
        if lists.is_null(row) {
            return Ok(None);
        }
        let entries = lists.value(row);
        let Some(entries) = entries.as_struct_opt() else { return Ok(None) };
        let mut object = Object::default();
        for at in 0..entries.len() {
            let Some(key) = crate::text::plain(entries.column(0), at) else { continue };
            if !object.has(&key) {
                object.push(&key, &crate::text::json(entries.column(1), at));
            }
        }
        Ok(Some(object.finish()))
    })
}

/// How often each value of a list occurs.
fn histogram_of(args: &Args<'_>) -> Result<ArrayRef> {
    let lists = args.list(0)?;
    args.each_text(|row| {
        if lists.is_null(row) {
            return Ok(None);
        }
        let values = lists.value(row);
        let mut counts = std::collections::BTreeMap::<String, u64>::new();
        for value in (0..values.len()).filter_map(|at| crate::text::plain(&values, at)) {
            *counts.entry(value).or_default() += 1;
        }
        let mut object = Object::default();
        for (value, count) in &counts {
            object.push(value, &count.to_string());
        }
        Ok(Some(object.finish()))
    })
}

fn map_concat(args: &Args<'_>) -> Result<ArrayRef> {
    let maps: Vec<Texts<'_>> = (0..args.len()).map(|at| args.texts(at)).collect::<Result<_>>()?;
    args.each_text(|row| {
        let mut object = Object::default();
        // Of equal keys the last map's counts.
        for map in maps.iter().rev() {
            let Some(map) = map.get(row) else { return Ok(None) };
            for (key, value) in scan::members(map).into_iter().flatten() {
                let key = scan::unquoted(key);
                if !object.has(&key) {
                    object.push(&key, value);
                }
            }
        }
        Ok(Some(object.finish()))
    })
}

fn json_cast_map(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.each_text(|row| match texts.get(row).map(str::trim) {
        None | Some("null") => Ok(None),
        Some(text) if text.starts_with('{') => Ok(Some(text)),
        Some(text) => exec_err!("cannot cast {} to map", super::shortened(text)),
    })
}

/// The JSON text of an object that grows.
#[derive(Default)]
struct Object {
    text: String,
    keys: std::collections::HashSet<String>,
}

impl Object {
    fn has(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    fn push(&mut self, key: &str, value: &str) {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        self.text.push_str(&scan::quoted(key));
        self.text.push(':');
        self.text.push_str(value);
        self.keys.insert(key.to_owned());
    }

    fn finish(mut self) -> String {
        self.text.push_str(if self.text.is_empty() { "{}" } else { "}" });
        self.text
    }
}
