//! The shapes that a service's operations use, numbered as they are reached.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result, bail};
use protocols::table::{Member, Place, Shape, ShapeId, ShapeKind};

use super::{ModelMember, ModelShape, Reference};

/// Which variant of a model's shape is meant: what stands where it is used belongs to it in the table.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    name: String,
    /// The element's name, of an operation's input.
    element: Option<String>,
    /// A member streams it.
    streaming: bool,
}

pub(super) struct Shapes<'a> {
    model: &'a BTreeMap<String, ModelShape>,
    numbers: HashMap<Key, u32>,
    made: Vec<Option<Shape>>,
}

impl<'a> Shapes<'a> {
    pub(super) fn new(model: &'a BTreeMap<String, ModelShape>) -> Self {
        Self { model, numbers: HashMap::new(), made: Vec::new() }
    }

    /// The shape of an operation's input or output.
    pub(super) fn root(&mut self, reference: &Reference) -> Result<ShapeId> {
        self.number(&Key { name: reference.shape.clone(), element: reference.location_name.clone(), streaming: false })
    }

    pub(super) fn finish(self) -> Vec<Shape> {
        self.made.into_iter().map(|shape| shape.expect("every number that is given out is filled")).collect()
    }

    fn plain(&mut self, name: &str) -> Result<ShapeId> {
        self.number(&Key { name: name.to_owned(), element: None, streaming: false })
    }

    fn number(&mut self, key: &Key) -> Result<ShapeId> {
        if let Some(number) = self.numbers.get(key) {
            return Ok(ShapeId(*number));
        }
        let number = u32::try_from(self.made.len())?;
        self.numbers.insert(key.clone(), number);
        self.made.push(None);
        let shape = self.shape(key).with_context(|| format!("shape {}", key.name))?;
        self.made[number as usize] = Some(shape);
        Ok(ShapeId(number))
    }

    fn shape(&mut self, key: &Key) -> Result<Shape> {
        let from = self.model.get(&key.name).context("the model has no such shape")?;
        let kind = match from.kind.as_str() {
            "structure" if from.document => ShapeKind::Document,
            "structure" => self.structure(from, key.element.as_ref())?,
            "list" => {
                let of = from.member.as_ref().context("a list without a member")?;
                ShapeKind::List { of: self.plain(&of.shape)?, element: of.location_name.clone(), flattened: from.flattened }
            }
            "map" => self.map(from)?,
            "string" | "character" => ShapeKind::String,
            "blob" => ShapeKind::Blob { streaming: from.streaming || key.streaming },
            "boolean" => ShapeKind::Boolean,
            "integer" | "long" | "short" | "byte" | "bigInteger" => ShapeKind::Integer,
            "float" | "double" | "bigDecimal" => ShapeKind::Float,
            "timestamp" => ShapeKind::Timestamp { format: from.timestamp_format.clone() },
            other => bail!("unknown type {other}"),
        };
        Ok(Shape { kind, sensitive: from.sensitive })
    }

    fn map(&mut self, from: &ModelShape) -> Result<ShapeKind> {
        let (Some(key), Some(value)) = (&from.key, &from.value) else { bail!("a map without key or value") };
        let names = (key.location_name.is_some() || value.location_name.is_some()).then(|| {
            let name =
                |reference: &Reference, otherwise: &str| reference.location_name.clone().unwrap_or_else(|| otherwise.to_owned());
            (name(key, "key"), name(value, "value"))
        });
        Ok(ShapeKind::Map { of: self.plain(&value.shape)?, names, flattened: from.flattened })
    }

    fn structure(&mut self, from: &ModelShape, element: Option<&String>) -> Result<ShapeKind> {
        let of = from.members.as_ref().map_or(&[][..], |members| &members.0);
        let mut members = Vec::new();
        for (name, member) in of {
            members.push(self.member(name, member, from)?);
        }
        let payload = match &from.payload {
            None => None,
            Some(payload) => {
                let at = of.iter().position(|(name, _)| name == payload).context("the payload is no member")?;
                Some(u16::try_from(at)?)
            }
        };
        let element = element.or(from.location_name.as_ref()).cloned();
        Ok(ShapeKind::Structure { members, payload, union: from.union, element })
    }

    fn member(&mut self, name: &str, from: &ModelMember, within: &ModelShape) -> Result<Member> {
        let of = self.model.get(&from.shape).with_context(|| format!("member {name}: no shape {}", from.shape))?;
        let shape = self.number(&Key { name: from.shape.clone(), element: None, streaming: from.streaming })?;
        Ok(Member {
            name: name.to_owned(),
            shape,
            place: place(from.location.as_deref())?,
            wire_name: from.location_name.clone().filter(|wire| wire != name),
            query_name: from.query_name.clone(),
            required: within.required.iter().any(|required| required == name),
            sensitive: from.sensitive,
            flattened: from.flattened,
            attribute: from.xml_attribute,
            event_stream: from.eventstream || of.eventstream,
            json: from.jsonvalue,
            timestamp_format: from.timestamp_format.clone(),
        })
    }
}

fn place(location: Option<&str>) -> Result<Place> {
    Ok(match location {
        None => Place::Body,
        Some("uri") => Place::Uri,
        Some("querystring") => Place::Query,
        Some("header") => Place::Header,
        Some("headers") => Place::Headers,
        Some("statusCode") => Place::Status,
        Some(other) => bail!("unknown location {other}"),
    })
}
