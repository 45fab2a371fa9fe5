//! An XML document of a request's body as S3's records have it: by the name of its root, elements and attributes as
//! members, repeated elements as a list, a single one by itself, and text that reads as a truth value or a number as
//! one. No shape is looked at; so it is in real records (`"TagSet":{"Tag":{"Key":"a","Value":true}}`).

use std::collections::BTreeMap;

use crate::parameters::Value;
use crate::parameters::xml::{self, Element};

/// What text is called that stands beside attributes or elements.
const CONTENT: &str = "content";

/// The name of the root and what is in it. None if it is no well-formed XML or beyond all measure.
pub(super) fn read(body: &[u8]) -> Option<(String, Value)> {
    let root = xml::document(body).ok()?;
    Some((root.name.clone(), value(root)))
}

/// Recurses as deep as elements nest, which their reader has bounded.
fn value(element: Element) -> Value {
    let text = element.text.trim();
    if element.attributes.is_empty() && element.elements.is_empty() {
        return typed(text);
    }
    let mut members = Members::default();
    for (name, text) in &element.attributes {
        // `xsi:type` stands in records as `xsi_type`.
        members.add(name.replace(':', "_"), typed(text));
    }
    if !text.is_empty() {
        members.add(CONTENT.to_owned(), typed(text));
    }
    for inner in element.elements {
        members.add(inner.name.clone(), value(inner));
    }
    members.close()
}

#[derive(Default)]
struct Members {
    members: Vec<(String, Vec<Value>)>,
    /// Where a member of this name stands.
    places: BTreeMap<String, usize>,
}

impl Members {
    fn add(&mut self, name: String, value: Value) {
        let place = *self.places.entry(name.clone()).or_insert(self.members.len());
        match self.members.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => self.members.push((name, vec![value])),
        }
    }

    fn close(self) -> Value {
        let single = |mut values: Vec<Value>| match values.pop() {
            Some(value) if values.is_empty() => value,
            last => Value::List(values.into_iter().chain(last).collect()),
        };
        Value::Object(self.members.into_iter().map(|(name, values)| (name, single(values))).collect())
    }
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
