//! An XML document of a request's body as S3's records have it: by the name of its root, elements and attributes as
//! members, repeated elements as a list, a single one by itself, and text that reads as a truth value or a number as
//! one. No shape is looked at; so it is in real records (`"TagSet":{"Tag":{"Key":"a","Value":true}}`).

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};

use crate::parameters::Value;

/// How deep elements nest at most. Own choice: S3's own documents nest eight deep.
const DEPTH_MAX: usize = 32;
/// The most elements and attributes that are read. Own choice: S3's largest document names 1,000 keys.
const NODES_MAX: usize = 20_000;

/// What stands beside attributes or elements as text.
const CONTENT: &str = "content";

/// The name of the root and what is in it. None if it is no well-formed XML or beyond all measure.
pub(super) fn read(xml: &[u8]) -> Option<(String, Value)> {
    let mut reader = Reader::from_reader(xml);
    let mut open: Vec<Element> = Vec::new();
    let mut nodes = 0;
    loop {
        let closed = match reader.read_event().ok()? {
            Event::Start(start) => {
                open.push(Element::of(&start, &mut nodes)?);
                None
            }
            Event::Empty(start) => Some(Element::of(&start, &mut nodes)?),
            Event::End(_) => Some(open.pop()?),
            Event::Text(text) => note(&mut open, &text.decode().ok()?),
            Event::CData(text) => note(&mut open, &text.decode().ok()?),
            Event::GeneralRef(entity) => {
                let character = entity.resolve_char_ref().ok()?.map(String::from);
                let name = entity.decode().ok()?;
                note(&mut open, &character.or_else(|| resolve_predefined_entity(&name).map(str::to_owned))?)
            }
            // No document of S3's has a type, and entities of its own are how XML is made to explode.
            Event::DocType(_) | Event::Eof => return None,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => None,
        };
        if open.len() > DEPTH_MAX || nodes > NODES_MAX {
            return None;
        }
        let Some(element) = closed else { continue };
        let (name, value) = element.close();
        match open.last_mut() {
            Some(parent) => parent.add(name, value),
            None => return Some((name, value)),
        }
    }
}

fn note(open: &mut [Element], text: &str) -> Option<Element> {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
    None
}

/// An element that is not closed yet.
struct Element {
    name: String,
    text: String,
    members: Vec<(String, Vec<Value>)>,
    /// Where a member of this name stands.
    places: BTreeMap<String, usize>,
}

impl Element {
    fn of(start: &BytesStart<'_>, nodes: &mut usize) -> Option<Self> {
        let name = member_name(std::str::from_utf8(start.name().as_ref()).ok()?);
        let mut element = Self { name, text: String::new(), members: Vec::new(), places: BTreeMap::new() };
        *nodes += 1;
        // The crate's own check for duplicates compares each attribute with all before it.
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.ok()?;
            let value = unescape(std::str::from_utf8(&attribute.value).ok()?).ok()?.into_owned();
            *nodes += 1;
            element.add(member_name(std::str::from_utf8(attribute.key.as_ref()).ok()?), typed(&value));
        }
        Some(element)
    }

    fn add(&mut self, name: String, value: Value) {
        let place = *self.places.entry(name.clone()).or_insert(self.members.len());
        match self.members.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => self.members.push((name, vec![value])),
        }
    }

    fn close(mut self) -> (String, Value) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        if self.members.is_empty() {
            return (self.name, typed(text));
        }
        if !text.is_empty() {
            self.add(CONTENT.to_owned(), typed(text));
        }
        let single = |mut values: Vec<Value>| match values.pop() {
            Some(value) if values.is_empty() => value,
            last => Value::List(values.into_iter().chain(last).collect()),
        };
        (self.name, Value::Object(self.members.into_iter().map(|(name, values)| (name, single(values))).collect()))
    }
}

/// `xsi:type` stands in records as `xsi_type`.
fn member_name(name: &str) -> String {
    name.replace(':', "_")
}

/// Text as the value it reads as: numbers only where they would be written the same way again.
fn typed(text: &str) -> Value {
    match text {
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        _ if text.parse::<i64>().is_ok_and(|number| number.to_string() == text) => Value::Number(text.to_owned()),
        _ => Value::text(text),
    }
}

#[cfg(test)]
mod tests;
