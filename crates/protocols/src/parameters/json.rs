//! JSON bodies, by shape: one pass, numbers as they are written, nothing read that the model does not know.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::shapes::wire_name;
use super::value::{Budget, Unread, Value};
use super::{instant, shapes};
use crate::table::{Member, Service, ShapeId, ShapeKind};

/// A body as a tree that is named as the model names its members. Members that the model does not have are left out:
/// what they hold is not known to be free of secrets.
pub(crate) fn read(service: &Service, id: ShapeId, body: &[u8]) -> Result<Value, Unread> {
    let budget = RefCell::new(Budget::new());
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = Shaped { service, id, budget: &budget }.deserialize(&mut json);
    match read {
        Ok(value) if json.end().is_ok() => Ok(value.unwrap_or(Value::Null)),
        Err(error) if budget.borrow().is_spent() || error.to_string().starts_with("recursion limit") => Err(Unread::TooLarge),
        _ => Err(Unread::Malformed),
    }
}

/// JSON without blank space outside its strings.
pub(crate) fn compact(json: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::with_capacity(json.len()), false, false);
    for letter in json.chars() {
        if in_string {
            in_string = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
        } else if letter == '"' {
            in_string = true;
        } else if letter.is_ascii_whitespace() {
            continue;
        }
        out.push(letter);
    }
    out
}

#[derive(Clone, Copy)]
struct Shaped<'a> {
    service: &'a Service,
    id: ShapeId,
    budget: &'a RefCell<Budget>,
}

impl<'de> DeserializeSeed<'de> for Shaped<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        self.budget.borrow_mut().take().map_err(|_| D::Error::custom("too large"))?;
        match self.service.shape(self.id).map(|shape| &shape.kind) {
            Some(ShapeKind::Structure { members, .. }) => json.deserialize_any(Members { at: self, members }),
            Some(ShapeKind::List { of, .. }) => json.deserialize_any(Elements { at: Self { id: *of, ..self } }),
            Some(ShapeKind::Map { of, .. }) => json.deserialize_any(Entries { at: Self { id: *of, ..self } }),
            Some(kind) => Ok(leaf(kind, <&RawValue>::deserialize(json)?.get())),
            None => IgnoredAny::deserialize(json).map(|_| None),
        }
    }
}

fn leaf(kind: &ShapeKind, raw: &str) -> Option<Value> {
    if let ShapeKind::Document = kind {
        return Some(Value::Json(compact(raw)));
    }
    match raw.bytes().next()? {
        b'n' => Some(Value::Null),
        _ if matches!(kind, ShapeKind::Blob { .. }) => Some(Value::Blob),
        b't' => Some(Value::Boolean(true)),
        b'f' => Some(Value::Boolean(false)),
        b'"' => {
            let text: String = serde_json::from_str(raw).ok()?;
            let is_instant = matches!(kind, ShapeKind::Timestamp { .. });
            Some(if is_instant { shapes::leaf(kind, &text) } else { Value::Text(text) })
        }
        b'-' | b'0'..=b'9' => match kind {
            ShapeKind::Timestamp { .. } => instant::since_1970(raw).map(Value::Instant),
            _ => Some(Value::Number(raw.to_owned())),
        },
        _ => None,
    }
}

/// What is not of the expected kind is read over.
macro_rules! anything_else {
    () => {
        type Value = Option<Value>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a value")
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(Some(Value::Null))
        }
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
            Ok(None)
        }
    };
}

macro_rules! no_list {
    () => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(None)
        }
    };
}

struct Members<'a> {
    at: Shaped<'a>,
    members: &'a [Member],
}

impl<'de> Visitor<'de> for Members<'_> {
    anything_else!();
    no_list!();

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut told: Vec<(String, Value)> = Vec::new();
        let mut places: Vec<Option<usize>> = vec![None; self.members.len()];
        while let Some(name) = map.next_key::<String>()? {
            let found = self.members.iter().position(|member| wire_name(member) == name && !member.event_stream);
            let Some((place, member)) = found.and_then(|place| Some((places.get_mut(place)?, self.members.get(place)?))) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let Some(value) = map.next_value_seed(Shaped { id: member.shape, ..self.at })? else { continue };
            if let Some(earlier) = place.and_then(|place| told.get_mut(place)) {
                earlier.1.again(value, shapes::is_list(self.at.service, member.shape));
            } else {
                *place = Some(told.len());
                told.push((member.name.clone(), value));
            }
        }
        Ok(Some(Value::Object(told)))
    }
}

struct Elements<'a> {
    at: Shaped<'a>,
}

impl<'de> Visitor<'de> for Elements<'_> {
    anything_else!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element_seed(self.at)? {
            elements.extend(element);
        }
        Ok(Some(Value::List(elements)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

struct Entries<'a> {
    at: Shaped<'a>,
}

impl<'de> Visitor<'de> for Entries<'_> {
    anything_else!();
    no_list!();

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let Some(value) = map.next_value_seed(self.at)? else { continue };
            if let Some(earlier) = places.get(&key).and_then(|place| entries.get_mut(*place)) {
                earlier.1.again(value, shapes::is_list(self.at.service, self.at.id));
            } else {
                places.insert(key.clone(), entries.len());
                entries.push((key, value));
            }
        }
        Ok(Some(Value::Object(entries)))
    }
}

#[cfg(test)]
mod tests;
