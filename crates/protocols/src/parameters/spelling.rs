//! From a tree that is named as the model names its members to the tree that records have.
//!
//! The rule: a structure's members begin with a small letter, whatever they are called on the wire; the keys of maps are
//! data and stay. What differs from it stands in the tables here, and EC2 has rules of its own.

use super::dynamodb;
use super::secrets::{Verdict, verdict};
use super::value::Value;
use super::{Contract, HIDDEN, Side, ec2, instant};
use crate::table::{Member, Place, Protocol, Shape, ShapeId, ShapeKind};

/// Services whose records have the wire's names as they are.
const AS_ON_THE_WIRE: &[&str] = &["account", "ce", "devops-guru", "resource-explorer-2"];

/// Services whose answers are told without the one structure that is all there is in them.
const LIFTED: &[&str] = &["docdb", "elasticache", "neptune", "rds", "redshift"];

/// Names that follow no rule: the service, the operation or `*`, the side, the member, and its name in records.
const EXCEPTIONS: &[(&str, &str, Side, &str, &str)] = &[
    ("eks", "*", Side::Input, "clusterName", "name"),
    ("secretsmanager", "CreateSecret", Side::Output, "ARN", "arn"),
    ("secretsmanager", "PutSecretValue", Side::Output, "ARN", "arn"),
];

/// requestParameters or responseElements of a tree; `None`: nothing is left to be told.
pub(crate) fn spell(contract: &Contract<'_>, side: Side, named: Value) -> Option<Value> {
    let root = match side {
        Side::Input => contract.operation.input,
        Side::Output => contract.operation.output,
    };
    if contract.protocol == Protocol::Ec2 {
        return ec2::spell(contract, side, root, named);
    }
    let speller = Speller { contract, side };
    let root = root?;
    let Value::Object(members) = speller.value(root, named)? else { return None };
    let members = match side {
        Side::Input => api_gateway(contract, root, members),
        Side::Output => lifted(contract, root, members),
    };
    (!members.is_empty()).then_some(Value::Object(members))
}

/// A value that has no structure of its own.
pub(crate) fn scalar(value: Value) -> Option<Value> {
    match value {
        Value::Blob => None,
        Value::Instant(instant) => Some(Value::Text(instant::spoken(instant))),
        value => Some(value),
    }
}

/// `KeyId` becomes `keyId`, `DBName` becomes `dBName`.
pub(crate) fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

struct Speller<'a> {
    contract: &'a Contract<'a>,
    side: Side,
}

impl Speller<'_> {
    /// Recurses as deep as the tree, which its reader has bounded.
    fn value(&self, id: ShapeId, value: Value) -> Option<Value> {
        let shape = self.contract.service.shape(id)?;
        match (&shape.kind, value) {
            (ShapeKind::Structure { members, .. }, Value::Object(told)) => {
                let spelled = told.into_iter().filter_map(|(name, value)| {
                    let member = members.iter().find(|member| member.name == name)?;
                    Some((self.name(member), self.member(member, value)?))
                });
                Some(Value::Object(spelled.collect()))
            }
            (ShapeKind::List { of, .. }, Value::List(elements)) => {
                let element = self.contract.service.shape(*of)?;
                let spelled = elements.into_iter().filter_map(|value| self.inner(element, *of, value));
                Some(Value::List(spelled.collect()))
            }
            (ShapeKind::Map { of, .. }, Value::Object(entries)) => {
                let inner = self.contract.service.shape(*of)?;
                let spelled = entries.into_iter().filter_map(|(key, value)| Some((key, self.inner(inner, *of, value)?)));
                Some(Value::Object(spelled.collect()))
            }
            // What was said several times.
            (ShapeKind::Structure { .. } | ShapeKind::Map { .. }, Value::List(several)) => {
                Some(Value::List(several.into_iter().filter_map(|value| self.value(id, value)).collect()))
            }
            (_, Value::List(several)) => Some(Value::List(several.into_iter().filter_map(scalar).collect())),
            (_, value) => scalar(value),
        }
    }

    fn inner(&self, shape: &Shape, id: ShapeId, value: Value) -> Option<Value> {
        if shape.sensitive { Some(Value::text(HIDDEN)) } else { self.value(id, value) }
    }

    fn member(&self, member: &Member, value: Value) -> Option<Value> {
        if value == Value::Null {
            return None;
        }
        match verdict(self.contract.service, &self.contract.operation.name, self.side, member) {
            Verdict::Tell => self.value(member.shape, value),
            Verdict::Hide => Some(Value::text(HIDDEN)),
            Verdict::LeaveOut => None,
            Verdict::Keys => Some(dynamodb::keys(value)),
            Verdict::Plain => Some(dynamodb::plain(value)),
            Verdict::Statement => Some(dynamodb::statement(value)),
        }
    }

    fn name(&self, member: &Member) -> String {
        let service = self.contract.service.heading.name.as_str();
        let exception = EXCEPTIONS.iter().find(|(of, operation, side, name, _)| {
            *of == service
                && *name == member.name
                && *side == self.side
                && (*operation == "*" || *operation == self.contract.operation.name)
        });
        match exception {
            Some((.., spelled)) => (*spelled).to_owned(),
            None if AS_ON_THE_WIRE.contains(&service) => member.name.clone(),
            None => lower_first(&member.name),
        }
    }
}

/// API Gateway tells what stands in the body as a structure of its own, and that no template was asked for.
fn api_gateway(contract: &Contract<'_>, root: ShapeId, told: Vec<(String, Value)>) -> Vec<(String, Value)> {
    if contract.service.heading.name != "apigateway" {
        return told;
    }
    let members = super::shapes::members(contract.service, root);
    let is_body = |name: &str| members.iter().any(|member| member.place == Place::Body && lower_first(&member.name) == name);
    let (body, mut head): (Vec<_>, Vec<_>) = told.into_iter().partition(|(name, _)| is_body(name));
    if !body.is_empty() {
        head.push((format!("{}Input", lower_first(&contract.operation.name)), Value::Object(body)));
    }
    head.push(("template".to_owned(), Value::Boolean(false)));
    head
}

fn lifted(contract: &Contract<'_>, root: ShapeId, mut told: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let members = super::shapes::members(contract.service, root);
    let lifts = LIFTED.contains(&contract.service.heading.name.as_str()) && members.len() == 1;
    match told.pop() {
        Some((_, Value::Object(inner))) if lifts => inner,
        Some(last) => {
            told.push(last);
            told
        }
        None => told,
    }
}

#[cfg(test)]
mod tests;
