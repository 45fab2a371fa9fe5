//! Forms (`Action=…&Tags.member.1.Key=…`), as the query protocol and EC2 write them, by shape.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::shapes::{leaf, wire_name};
use super::value::{Budget, DEPTH_MAX, Unread, Value};
use crate::table::{Member, Protocol, Service, ShapeId, ShapeKind};

/// The fields of a form, or of a query, decoded, in their order.
pub(crate) fn fields(form: &str) -> Result<Vec<(String, String)>, Unread> {
    let mut budget = Budget::new();
    let mut fields = Vec::new();
    for field in form.split('&').filter(|field| !field.is_empty()) {
        budget.take()?;
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        fields.push((decoded(name), decoded(value)));
    }
    Ok(fields)
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// The form as a tree that is named as the model names its members, in the model's order.
pub(crate) fn read(service: &Service, protocol: Protocol, id: ShapeId, fields: &[(String, String)]) -> Result<Value, Unread> {
    let mut root = Node::default();
    for (name, value) in fields {
        root.plant(name, value)?;
    }
    let reader = Reader { service, is_ec2: protocol == Protocol::Ec2 };
    reader.value(id, &root, &mut Budget::new(), DEPTH_MAX)
}

/// What stands below a name.
#[derive(Default)]
struct Node<'a> {
    /// Several, where the name is there several times.
    texts: Vec<&'a str>,
    below: BTreeMap<&'a str, Self>,
}

impl<'a> Node<'a> {
    fn plant(&mut self, name: &'a str, text: &'a str) -> Result<(), Unread> {
        let mut node = self;
        for (depth, step) in name.split('.').enumerate() {
            if depth >= DEPTH_MAX {
                return Err(Unread::TooLarge);
            }
            node = node.below.entry(step).or_default();
        }
        node.texts.push(text);
        Ok(())
    }

    /// What stands below numbers, in their order.
    fn numbered(&self) -> Vec<&Self> {
        let mut numbered: Vec<(u32, &Self)> =
            self.below.iter().filter_map(|(step, node)| Some((step.parse().ok()?, node))).collect();
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, node)| node).collect()
    }
}

struct Reader<'a> {
    service: &'a Service,
    is_ec2: bool,
}

impl Reader<'_> {
    /// Recurses no deeper than `depth`.
    fn value(&self, id: ShapeId, node: &Node<'_>, budget: &mut Budget, depth: usize) -> Result<Value, Unread> {
        budget.take()?;
        let depth = depth.checked_sub(1).ok_or(Unread::TooLarge)?;
        match self.service.shape(id).map(|shape| &shape.kind) {
            Some(ShapeKind::Structure { members, .. }) => {
                let mut told = Vec::new();
                for member in members {
                    if let Some(below) = self.find(member, node) {
                        told.push((member.name.clone(), self.value(member.shape, below, budget, depth)?));
                    }
                }
                Ok(Value::Object(told))
            }
            Some(ShapeKind::List { of, element, .. }) => {
                let element = element.as_deref().unwrap_or("member");
                let list = node.below.get(element).or_else(|| node.below.get("member")).unwrap_or(node);
                let elements = list.numbered().into_iter().map(|node| self.value(*of, node, budget, depth));
                elements.collect::<Result<_, _>>().map(Value::List)
            }
            Some(ShapeKind::Map { of, names, .. }) => {
                let map = node.below.get("entry").unwrap_or(node);
                let (key_name, value_name) = names.as_ref().map_or(("key", "value"), |(key, value)| (key, value));
                let mut entries = Vec::new();
                for entry in map.numbered() {
                    let Some(key) = entry.below.get(key_name).and_then(|key| key.texts.first()) else { continue };
                    let Some(value) = entry.below.get(value_name) else { continue };
                    entries.push(((*key).to_owned(), self.value(*of, value, budget, depth)?));
                }
                Ok(Value::Object(entries))
            }
            Some(kind) => Ok(node.texts.iter().fold(Value::Null, |mut said, text| {
                said.again(leaf(kind, text), false);
                said
            })),
            None => Ok(Value::Null),
        }
    }

    fn find<'n, 'f>(&self, member: &Member, node: &'n Node<'f>) -> Option<&'n Node<'f>> {
        if self.is_ec2 {
            return node.below.get(ec2_name(member).as_str());
        }
        let own = || node.below.get(wire_name(member));
        match self.service.shape(member.shape).map(|shape| &shape.kind) {
            // The elements' name takes the place of a flattened list's.
            Some(ShapeKind::List { element: Some(element), flattened, .. }) if *flattened || member.flattened => {
                node.below.get(element.as_str()).or_else(own)
            }
            _ => own(),
        }
    }
}

/// What EC2's forms call a member.
pub(crate) fn ec2_name(member: &Member) -> String {
    member.query_name.clone().unwrap_or_else(|| upper_first(wire_name(member)))
}

fn upper_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests;
