//! XML documents: as a tree of elements, and by shape.
//!
//! Namespaces are dropped, entities are the five of XML and characters by number, and a document with a DTD is refused.

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};

use super::shapes::{is_list, leaf, wire_name};
use super::value::{Budget, DEPTH_MAX, Unread, Value};
use crate::table::{Member, Service, ShapeId, ShapeKind};

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name without a prefix.
    pub name: String,
    /// Its attributes, by their names as they are written; `xmlns` among them.
    pub attributes: Vec<(String, String)>,
    /// Its own text.
    pub text: String,
    /// What is in it.
    pub elements: Vec<Self>,
}

impl Element {
    /// The first element of this name in it.
    pub fn element(&self, name: &str) -> Option<&Self> {
        self.elements.iter().find(|element| element.name == name)
    }

    /// The text of the first element of this name in it, if there is any.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.element(name).map(|element| element.text.trim()).filter(|text| !text.is_empty())
    }
}

/// The root of a document.
pub fn document(body: &[u8]) -> Result<Element, Unread> {
    let mut reader = Reader::from_reader(body);
    let mut budget = Budget::new();
    let mut open: Vec<Element> = Vec::new();
    loop {
        let closed = match reader.read_event().map_err(|_| Unread::Malformed)? {
            Event::Start(start) => {
                if open.len() >= DEPTH_MAX {
                    return Err(Unread::TooLarge);
                }
                open.push(opened(&start, &mut budget)?);
                None
            }
            Event::Empty(start) => Some(opened(&start, &mut budget)?),
            Event::End(_) => Some(open.pop().ok_or(Unread::Malformed)?),
            Event::Text(text) => note(&mut open, &text.decode().map_err(|_| Unread::Malformed)?),
            Event::CData(text) => note(&mut open, &text.decode().map_err(|_| Unread::Malformed)?),
            Event::GeneralRef(entity) => {
                let character = entity.resolve_char_ref().map_err(|_| Unread::Malformed)?.map(String::from);
                let name = entity.decode().map_err(|_| Unread::Malformed)?;
                let known = character.or_else(|| resolve_predefined_entity(&name).map(str::to_owned));
                note(&mut open, &known.ok_or(Unread::Malformed)?)
            }
            Event::DocType(_) | Event::Eof => return Err(Unread::Malformed),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => None,
        };
        let Some(element) = closed else { continue };
        match open.last_mut() {
            Some(parent) => parent.elements.push(element),
            None => return Ok(element),
        }
    }
}

fn note(open: &mut [Element], text: &str) -> Option<Element> {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
    None
}

fn opened(start: &BytesStart<'_>, budget: &mut Budget) -> Result<Element, Unread> {
    budget.take()?;
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Unread::Malformed);
    let mut element = Element { name: text(start.local_name().as_ref())?, ..Element::default() };
    // The crate's own check for duplicates compares each attribute with all before it.
    for attribute in start.attributes().with_checks(false) {
        budget.take()?;
        let attribute = attribute.map_err(|_| Unread::Malformed)?;
        let value = text(&attribute.value)?;
        let value = unescape(&value).map_err(|_| Unread::Malformed)?.into_owned();
        element.attributes.push((text(attribute.key.as_ref())?, value));
    }
    Ok(element)
}

/// An element as a tree that is named as the model names its members, in the document's order.
pub fn by_shape(service: &Service, id: ShapeId, element: &Element) -> Value {
    match service.shape(id).map(|shape| &shape.kind) {
        Some(ShapeKind::Structure { members, .. }) => structure(service, members, element),
        Some(ShapeKind::List { of, .. }) => {
            Value::List(element.elements.iter().map(|element| by_shape(service, *of, element)).collect())
        }
        Some(ShapeKind::Map { of, names, .. }) => {
            let entries = element.elements.iter().filter_map(|entry| entry_of(service, *of, names.as_ref(), entry));
            Value::Object(entries.collect())
        }
        Some(kind @ ShapeKind::String) => leaf(kind, &element.text),
        Some(kind) => leaf(kind, element.text.trim()),
        None => Value::Null,
    }
}

fn structure(service: &Service, members: &[Member], element: &Element) -> Value {
    let mut told: Vec<(String, Value)> = Vec::new();
    for member in members.iter().filter(|member| member.attribute) {
        let name = wire_name(member).rsplit(':').next().unwrap_or_default();
        if let Some((_, text)) = element.attributes.iter().find(|(attribute, _)| attribute.rsplit(':').next() == Some(name)) {
            told.push((member.name.clone(), Value::text(text)));
        }
    }
    let mut places: Vec<Option<usize>> = vec![None; members.len()];
    for element in &element.elements {
        let found = members.iter().position(|member| element_name(service, member) == element.name && !member.attribute);
        let Some((member, place)) = found.and_then(|found| Some((members.get(found)?, places.get_mut(found)?))) else {
            continue;
        };
        let earlier = place.and_then(|place| told.get_mut(place)).map(|(_, value)| value);
        match (flattened(service, member, element), earlier) {
            (Some(Value::List(more)), Some(Value::List(elements))) => elements.extend(more),
            (Some(Value::Object(more)), Some(Value::Object(entries))) => entries.extend(more),
            (_, Some(earlier)) => earlier.again(by_shape(service, member.shape, element), is_list(service, member.shape)),
            (flat, None) => {
                *place = Some(told.len());
                let value = flat.unwrap_or_else(|| by_shape(service, member.shape, element));
                told.push((member.name.clone(), value));
            }
        }
    }
    Value::Object(told)
}

/// One element of a list, or one entry of a map, that stands in place of the whole.
fn flattened(service: &Service, member: &Member, element: &Element) -> Option<Value> {
    match &service.shape(member.shape)?.kind {
        ShapeKind::List { of, flattened, .. } if *flattened || member.flattened => {
            Some(Value::List(vec![by_shape(service, *of, element)]))
        }
        ShapeKind::Map { of, names, flattened } if *flattened || member.flattened => {
            Some(Value::Object(entry_of(service, *of, names.as_ref(), element).into_iter().collect()))
        }
        _ => None,
    }
}

fn entry_of(service: &Service, of: ShapeId, names: Option<&(String, String)>, entry: &Element) -> Option<(String, Value)> {
    let (key, value) = names.map_or(("key", "value"), |(key, value)| (key, value));
    Some((entry.element(key)?.text.clone(), by_shape(service, of, entry.element(value)?)))
}

/// What the element of a member is called: a flattened list's is called as the list's elements are.
fn element_name<'a>(service: &'a Service, member: &'a Member) -> &'a str {
    match service.shape(member.shape).map(|shape| &shape.kind) {
        Some(ShapeKind::List { element: Some(element), flattened, .. }) if *flattened || member.flattened => element,
        _ => wire_name(member),
    }
}

#[cfg(test)]
mod tests;
