//! What REST requests and answers say outside their bodies: in the path, in the query, in headers.

use http::{HeaderMap, StatusCode};

use super::form;
use super::shapes::{is_list, leaf, wire_name};
use super::value::{Unread, Value};
use crate::table::{Member, Place, Service, ShapeId, ShapeKind};

/// The members of an input that stand in the head, in the model's order.
pub(crate) fn of_request(
    service: &Service,
    id: ShapeId,
    labels: &[(String, String)],
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Vec<(String, Value)>, Unread> {
    let fields = form::fields(query.unwrap_or_default())?;
    let members = super::shapes::members(service, id);
    let bound = |name: &str| members.iter().any(|member| member.place == Place::Query && wire_name(member) == name);
    let told = members.iter().filter_map(|member| {
        let value = match member.place {
            Place::Uri => {
                let (_, text) = labels.iter().find(|(label, _)| label == wire_name(member))?;
                Some(written(service, member, text))
            }
            Place::Query => of_query(service, member, &fields, &bound),
            Place::Header | Place::Headers => of_headers(service, member, headers),
            Place::Body | Place::Status => None,
        };
        Some((member.name.clone(), value?))
    });
    Ok(told.collect())
}

/// The members of an output that stand in the head.
pub(crate) fn of_answer(service: &Service, id: ShapeId, status: StatusCode, headers: &HeaderMap) -> Vec<(String, Value)> {
    let told = super::shapes::members(service, id).iter().filter_map(|member| {
        let value = match member.place {
            Place::Header | Place::Headers => of_headers(service, member, headers),
            Place::Status => Some(Value::Number(status.as_u16().to_string())),
            Place::Body | Place::Uri | Place::Query => None,
        };
        Some((member.name.clone(), value?))
    });
    told.collect()
}

fn of_query(service: &Service, member: &Member, fields: &[(String, String)], bound: &impl Fn(&str) -> bool) -> Option<Value> {
    let name = wire_name(member);
    let texts = fields.iter().filter(|(field, _)| field == name).map(|(_, text)| text);
    match &service.shape(member.shape)?.kind {
        ShapeKind::List { of, .. } => {
            let kind = &service.shape(*of)?.kind;
            let elements: Vec<Value> = texts.map(|text| leaf(kind, text)).collect();
            (!elements.is_empty()).then_some(Value::List(elements))
        }
        // All parameters that have no member of their own.
        ShapeKind::Map { of, .. } => {
            let is_list = matches!(service.shape(*of)?.kind, ShapeKind::List { .. });
            let value = |text: &str| if is_list { Value::List(vec![Value::text(text)]) } else { Value::text(text) };
            let others = fields.iter().filter(|(field, _)| !bound(field) && field != name);
            let entries: Vec<_> = others.map(|(field, text)| (field.clone(), value(text))).collect();
            (!entries.is_empty()).then_some(Value::Object(entries))
        }
        kind => several(texts.map(|text| leaf(kind, text)), false),
    }
}

fn of_headers(service: &Service, member: &Member, headers: &HeaderMap) -> Option<Value> {
    let name = wire_name(member);
    if member.place == Place::Headers {
        let prefix = name.to_ascii_lowercase();
        let entries = headers.iter().filter_map(|(header, value)| {
            let key = header.as_str().strip_prefix(prefix.as_str())?;
            Some((key.to_owned(), Value::text(String::from_utf8_lossy(value.as_bytes()))))
        });
        let entries: Vec<_> = entries.collect();
        return (!entries.is_empty()).then_some(Value::Object(entries));
    }
    let lines = headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    several(lines.map(|text| written(service, member, &text)), is_list(service, member.shape))
}

/// What is said once, or several times.
fn several(mut values: impl Iterator<Item = Value>, is_list: bool) -> Option<Value> {
    let first = values.next()?;
    Some(values.fold(first, |mut said, value| {
        said.again(value, is_list);
        said
    }))
}

fn written(service: &Service, member: &Member, text: &str) -> Value {
    match service.shape(member.shape).map(|shape| &shape.kind) {
        Some(ShapeKind::List { of, .. }) => {
            let kind = service.shape(*of).map_or(&ShapeKind::String, |shape| &shape.kind);
            Value::List(text.split(',').map(|element| leaf(kind, element.trim())).collect())
        }
        Some(kind) => leaf(kind, text),
        None => Value::Null,
    }
}
