//! What a request asks for, and what an answer says, read by the shapes of the model and spelled as CloudTrail does.
//!
//! Two steps, with one kind of tree between them ([`Value`]). First a body, a form, a path, a query and headers become
//! a tree that is named as the model names its members, whatever the protocol. Then [`spell`] gives it CloudTrail's
//! spelling and takes away what must not be told. What must stay true: no tree that was not spelled gets into a record,
//! because it may hold secrets; and whatever a stranger sends, reading costs no more than its length.

mod bindings;
pub(crate) mod cbor;
mod dynamodb;
pub(crate) mod ec2;
mod form;
mod instant;
mod json;
mod secrets;
mod shapes;
mod spelling;
mod value;
pub mod xml;

use http::request::Parts;
use http::{HeaderMap, StatusCode};

pub(crate) use json::compact;
pub use value::{DEPTH_MAX, Unread, VALUES_MAX, Value};

use crate::table::{Member, Operation, Protocol, Service, ShapeId, ShapeKind};

/// What stands in place of a secret.
pub const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// The operation that is called, and in which of its service's protocols.
#[derive(Clone, Copy, Debug)]
pub struct Contract<'a> {
    /// Whose it is.
    pub service: &'a Service,
    /// What is called.
    pub operation: &'a Operation,
    /// How it is said.
    pub protocol: Protocol,
}

/// Which way a tree went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// To the service.
    Input,
    /// From the service.
    Output,
}

/// The input of a call by the model's names, nothing hidden.
///
/// `labels` are the parts of the path by their names in the operation's `uri`, decoded. Without a body, what the head
/// says is there.
pub fn input_as_named(
    contract: &Contract<'_>,
    head: &Parts,
    labels: &[(String, String)],
    body: Option<&[u8]>,
) -> Result<Value, Unread> {
    let Some(id) = contract.operation.input else { return Ok(Value::Object(Vec::new())) };
    let query = head.uri.query();
    if matches!(contract.protocol, Protocol::Query | Protocol::Ec2) {
        let form = std::str::from_utf8(body.unwrap_or_default()).map_err(|_| Unread::Malformed)?;
        let mut fields = form::fields(query.unwrap_or_default())?;
        fields.extend(form::fields(form)?);
        return form::read(contract.service, contract.protocol, id, &fields);
    }
    let mut told = Vec::new();
    if shapes::is_rest(contract.protocol) {
        told = bindings::of_request(contract.service, id, labels, query, &head.headers)?;
    }
    told.extend(body_as_named(contract, id, body)?);
    Ok(Value::Object(told))
}

/// A tree by the model's names as requestParameters or responseElements has it: spelled, secrets hidden. `None`: nothing is
/// left to be told.
pub fn spell(contract: &Contract<'_>, side: Side, named: Value) -> Option<Value> {
    spelling::spell(contract, side, named)
}

/// The output of a call by the model's names, nothing hidden.
pub fn output_as_named(
    contract: &Contract<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    body: Option<&[u8]>,
) -> Result<Value, Unread> {
    let body = body.filter(|body| !body.is_empty());
    match contract.protocol {
        Protocol::Query => query_output(contract, body),
        Protocol::Ec2 => ec2_output(contract, body),
        _ => {
            let Some(id) = contract.operation.output else { return Ok(Value::Object(Vec::new())) };
            let mut told = Vec::new();
            if shapes::is_rest(contract.protocol) {
                told = bindings::of_answer(contract.service, id, status, headers);
            }
            told.extend(body_as_named(contract, id, body)?);
            Ok(Value::Object(told))
        }
    }
}

/// The members that stand in a body.
fn body_as_named(contract: &Contract<'_>, id: ShapeId, body: Option<&[u8]>) -> Result<Vec<(String, Value)>, Unread> {
    let (service, rest) = (contract.service, shapes::is_rest(contract.protocol));
    let Some(body) = body.filter(|body| !body.iter().all(u8::is_ascii_whitespace)) else { return Ok(Vec::new()) };
    if rest && let Some(member) = shapes::payload(service, id) {
        return Ok(payload(contract, member, body)?.map(|value| (member.name.clone(), value)).into_iter().collect());
    }
    let members = shapes::members(service, id);
    if !members.iter().any(|member| !rest || shapes::in_body(member)) {
        return Ok(Vec::new());
    }
    let Value::Object(told) = structured(contract, id, body)? else { return Err(Unread::Malformed) };
    let outside = |name: &str| members.iter().any(|member| member.name == name && !shapes::in_body(member));
    Ok(told.into_iter().filter(|(name, _)| !rest || !outside(name)).collect())
}

/// A member that is the whole body.
fn payload(contract: &Contract<'_>, member: &Member, body: &[u8]) -> Result<Option<Value>, Unread> {
    if member.event_stream {
        return Ok(None);
    }
    match contract.service.shape(member.shape).map(|shape| &shape.kind) {
        Some(ShapeKind::String) => Ok(std::str::from_utf8(body).ok().map(Value::text)),
        // Content is never told, not even that it is hidden.
        Some(ShapeKind::Blob { .. }) | None => Ok(None),
        Some(_) => structured(contract, member.shape, body).map(Some),
    }
}

fn structured(contract: &Contract<'_>, id: ShapeId, body: &[u8]) -> Result<Value, Unread> {
    match contract.protocol {
        Protocol::RestXml | Protocol::Query | Protocol::Ec2 => Ok(xml::by_shape(contract.service, id, &xml::document(body)?)),
        Protocol::RpcV2Cbor => cbor::read(contract.service, id, body),
        Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => json::read(contract.service, id, body),
    }
}

fn query_output(contract: &Contract<'_>, body: Option<&[u8]>) -> Result<Value, Unread> {
    let (Some(id), Some(body)) = (contract.operation.output, body) else { return Ok(Value::Object(Vec::new())) };
    let root = xml::document(body)?;
    let result = contract.operation.result_wrapper.as_deref().and_then(|wrapper| root.element(wrapper));
    Ok(xml::by_shape(contract.service, id, result.unwrap_or(&root)))
}

/// EC2's answers say their id and whether it went well besides what the model knows.
fn ec2_output(contract: &Contract<'_>, body: Option<&[u8]>) -> Result<Value, Unread> {
    let Some(body) = body else { return Ok(Value::Object(Vec::new())) };
    let root = xml::document(body)?;
    let known = contract.operation.output.map(|id| xml::by_shape(contract.service, id, &root));
    let known = match known {
        Some(Value::Object(told)) => told,
        _ => Vec::new(),
    };
    let members = contract.operation.output.map_or(&[][..], |id| shapes::members(contract.service, id));
    let in_model = |name: &str| members.iter().any(|member| shapes::wire_name(member) == name);
    let mut told = Vec::new();
    if let Some(id) = root.text_of(ec2::REQUEST_ID).filter(|_| !in_model(ec2::REQUEST_ID)) {
        told.push((ec2::REQUEST_ID.to_owned(), Value::text(id)));
    }
    if let Some(text) = root.text_of(ec2::RETURN).filter(|_| !in_model(ec2::RETURN)) {
        told.push((ec2::RETURN.to_owned(), Value::Boolean(text == "true")));
    }
    told.extend(known);
    Ok(Value::Object(told))
}

#[cfg(test)]
mod tests;
