//! EC2's spelling. It has two: old operations follow the SOAP interface of their time (`instancesSet`, `items`,
//! `_return`), all others have request and answer under their own names, as they would look in XML
//! (`{"CreateNatGatewayRequest":{"SubnetId":…,"Tag":{"tag":1,…}}}`). Both are seen in real records.

mod names;

use super::form::ec2_name;
use super::secrets::{Verdict, verdict};
use super::shapes::wire_name;
use super::spelling::lower_first;
use super::value::Value;
use super::{Contract, Side, instant};
use crate::table::{Member, ShapeId, ShapeKind};

/// What EC2 writes in place of a secret.
pub(crate) const REMOVED: &str = "<sensitiveDataRemoved>";

/// Members of an answer that no model has: the reader of answers puts them first.
pub(crate) const REQUEST_ID: &str = "requestId";
pub(crate) const RETURN: &str = "return";

/// requestParameters or responseElements of a tree.
pub(crate) fn spell(contract: &Contract<'_>, side: Side, root: Option<ShapeId>, named: Value) -> Option<Value> {
    let Value::Object(told) = named else { return None };
    let members = root.map_or(&[][..], |root| super::shapes::members(contract.service, root));
    let speller = Speller { contract, side };
    if names::is_classic(&contract.operation.name) {
        let mut spelled = speller.classic(members, told, true);
        if side == Side::Input {
            names::complete(&contract.operation.name, &mut spelled);
        }
        return (!spelled.is_empty()).then_some(Value::Object(spelled));
    }
    let inner = speller.modern(members, told);
    Some(match side {
        Side::Input => {
            let inner = if inner.is_empty() { Value::text("") } else { Value::Object(inner) };
            Value::Object(vec![(format!("{}Request", contract.operation.name), inner)])
        }
        Side::Output => {
            let version = &contract.service.heading.api_version;
            let namespace = Value::Text(format!("http://ec2.amazonaws.com/doc/{version}/"));
            let inner = std::iter::once(("xmlns".to_owned(), namespace)).chain(inner).collect();
            Value::Object(vec![(format!("{}Response", contract.operation.name), Value::Object(inner))])
        }
    })
}

struct Speller<'a> {
    contract: &'a Contract<'a>,
    side: Side,
}

/// Recurses as deep as the tree, which its reader has bounded.
impl Speller<'_> {
    fn classic(&self, members: &[Member], told: Vec<(String, Value)>, top: bool) -> Vec<(String, Value)> {
        let mut spelled = Vec::new();
        for (name, value) in told {
            match members.iter().find(|member| member.name == name) {
                Some(member) => {
                    let name = names::classic(&self.contract.operation.name, self.side, top, member, self.is_list(member));
                    let value = self.shown(member, value, |value| self.classic_value(member, &name, value));
                    let value = match value {
                        Some(Value::Number(number)) if top && names::is_text(&self.contract.operation.name, &name) => {
                            Some(Value::Text(number))
                        }
                        value => value,
                    };
                    if let Some(value) = value {
                        add(&mut spelled, name, value);
                    }
                }
                None if name == RETURN => spelled.push(("_return".to_owned(), value)),
                None if name == REQUEST_ID => spelled.push((name, value)),
                None => {}
            }
        }
        spelled
    }

    fn classic_value(&self, member: &Member, name: &str, value: Value) -> Option<Value> {
        let shape = self.contract.service.shape(member.shape)?;
        match (&shape.kind, value) {
            (ShapeKind::Structure { members, .. }, Value::Object(told)) => {
                Some(Value::Object(self.classic(members, told, false)))
            }
            (ShapeKind::List { of, .. }, Value::List(elements)) => Some(self.items(member, *of, name, elements)),
            (_, Value::Instant(instant)) => Some(Value::Number(instant::millis(instant))),
            (_, Value::Blob | Value::Null) => None,
            (_, value) => Some(value),
        }
    }

    /// `{"items":[…]}`; `{}` of none. What is no structure becomes one with a single member.
    fn items(&self, member: &Member, of: ShapeId, name: &str, elements: Vec<Value>) -> Value {
        let members = super::shapes::members(self.contract.service, of);
        let element_name = names::element(member);
        let spelled: Vec<Value> = elements
            .into_iter()
            .filter_map(|element| match element {
                Value::Object(told) => Some(Value::Object(self.classic(members, told, false))),
                Value::Null | Value::Blob => None,
                value if self.side == Side::Input => Some(Value::Object(vec![(element_name.clone(), value)])),
                value => Some(value),
            })
            .collect();
        match (spelled.is_empty(), name) {
            // Tags of what is about to be created are a list like any other.
            (_, "tags") => Value::List(spelled),
            (true, _) => Value::Object(Vec::new()),
            (false, _) => Value::Object(vec![(
                names::items(&self.contract.operation.name, self.side, name).to_owned(),
                Value::List(spelled),
            )]),
        }
    }

    fn modern(&self, members: &[Member], told: Vec<(String, Value)>) -> Vec<(String, Value)> {
        let mut spelled = Vec::new();
        for (name, value) in told {
            match members.iter().find(|member| member.name == name) {
                Some(member) => {
                    let name = match self.side {
                        Side::Input => ec2_name(member),
                        Side::Output => wire_name(member).to_owned(),
                    };
                    let value = self.shown(member, value, |value| self.modern_value(member.shape, value));
                    spelled.extend(value.map(|value| (name, value)));
                }
                None if name == RETURN || name == REQUEST_ID => spelled.push((name, value)),
                None => {}
            }
        }
        spelled
    }

    fn modern_value(&self, id: ShapeId, value: Value) -> Option<Value> {
        let shape = self.contract.service.shape(id)?;
        match (&shape.kind, value) {
            (ShapeKind::Structure { members, .. }, Value::Object(told)) => {
                let inner = self.modern(members, told);
                Some(if inner.is_empty() { Value::text("") } else { Value::Object(inner) })
            }
            (ShapeKind::List { of, .. }, Value::List(elements)) => {
                let spelled = elements.into_iter().filter_map(|element| self.modern_value(*of, element));
                Some(self.repeated(spelled.collect()))
            }
            (_, Value::Instant(instant)) => Some(Value::Text(instant::iso_millis(instant))),
            (_, Value::Blob | Value::Null) => None,
            (_, value) => Some(value),
        }
    }

    /// Elements as their XML would be told: one by itself, several as a list; those of requests say their place.
    fn repeated(&self, elements: Vec<Value>) -> Value {
        let elements: Vec<Value> = match self.side {
            Side::Input => elements.into_iter().zip(1_usize..).map(|(element, place)| placed(element, place)).collect(),
            Side::Output => elements,
        };
        let single = |mut elements: Vec<Value>| match elements.pop() {
            Some(element) if elements.is_empty() => element,
            last => Value::List(elements.into_iter().chain(last).collect()),
        };
        match (self.side, elements.is_empty()) {
            (_, true) => Value::text(""),
            (Side::Input, false) => single(elements),
            (Side::Output, false) => Value::Object(vec![("item".to_owned(), single(elements))]),
        }
    }

    fn shown(&self, member: &Member, value: Value, tell: impl FnOnce(Value) -> Option<Value>) -> Option<Value> {
        match verdict(self.contract.service, &self.contract.operation.name, self.side, member) {
            Verdict::Tell => tell(value),
            Verdict::LeaveOut => None,
            _ if value == Value::Null => None,
            _ => Some(Value::text(REMOVED)),
        }
    }

    fn is_list(&self, member: &Member) -> bool {
        let kind = self.contract.service.shape(member.shape).map(|shape| &shape.kind);
        matches!(kind, Some(ShapeKind::List { .. }))
    }
}

/// Two members may be of one name: groups by their names, and by their ids. They become one set.
fn add(spelled: &mut Vec<(String, Value)>, name: String, value: Value) {
    match spelled.iter_mut().find(|(earlier, _)| *earlier == name) {
        Some((_, Value::Object(earlier))) => match (earlier.first_mut(), value) {
            (Some((_, Value::List(elements))), Value::Object(mut more)) => {
                if let Some((_, Value::List(more))) = more.pop() {
                    elements.extend(more);
                }
            }
            (None, Value::Object(more)) => *earlier = more,
            _ => {}
        },
        Some(_) => {}
        None => spelled.push((name, value)),
    }
}

fn placed(element: Value, place: usize) -> Value {
    let tag = ("tag".to_owned(), Value::Number(place.to_string()));
    match element {
        Value::Object(mut members) => {
            members.push(tag);
            Value::Object(members)
        }
        value => Value::Object(vec![("content".to_owned(), value), tag]),
    }
}

/// What a list is called before it is a set: `Filter` becomes `filter`, `InstanceId` `instanceId`.
fn stem(member: &Member) -> String {
    lower_first(wire_name(member))
}

#[cfg(test)]
mod tests;
