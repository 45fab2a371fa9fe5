//! What the readers ask the model about shapes.

use crate::table::{Member, Place, Protocol, Service, ShapeId, ShapeKind};

use super::instant;
use super::value::Value;

/// The members of a structure; none of what is none.
pub(crate) fn members(service: &Service, id: ShapeId) -> &[Member] {
    match service.shape(id).map(|shape| &shape.kind) {
        Some(ShapeKind::Structure { members, .. }) => members,
        _ => &[],
    }
}

/// The member that is the whole body.
pub(crate) fn payload(service: &Service, id: ShapeId) -> Option<&Member> {
    match service.shape(id).map(|shape| &shape.kind) {
        Some(ShapeKind::Structure { members, payload: Some(place), .. }) => members.get(usize::from(*place)),
        _ => None,
    }
}

/// What a member is called on the wire.
pub(crate) fn wire_name(member: &Member) -> &str {
    member.wire_name.as_deref().unwrap_or(&member.name)
}

/// Whether members stand in paths, queries and headers as well.
pub(crate) fn is_rest(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::RestJson | Protocol::RestXml)
}

/// Whether a member stands in the body.
pub(crate) fn in_body(member: &Member) -> bool {
    member.place == Place::Body
}

/// A value that is written as text.
pub(crate) fn leaf(kind: &ShapeKind, text: &str) -> Value {
    match kind {
        ShapeKind::Boolean if text == "true" => Value::Boolean(true),
        ShapeKind::Boolean if text == "false" => Value::Boolean(false),
        ShapeKind::Integer | ShapeKind::Float if is_number(text) => Value::Number(text.to_owned()),
        ShapeKind::Timestamp { .. } => instant::read(text).map_or_else(|| Value::text(text), Value::Instant),
        ShapeKind::Blob { .. } => Value::Blob,
        _ => Value::text(text),
    }
}

/// Whether JSON could have the text as a number.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let mut bytes = digits.bytes();
    let begins = match (bytes.next(), bytes.next()) {
        (Some(b'0'), Some(second)) => !second.is_ascii_digit(),
        (Some(first), _) => first.is_ascii_digit(),
        (None, _) => false,
    };
    begins && digits.bytes().last().is_some_and(|last| last.is_ascii_digit()) && text.parse::<f64>().is_ok_and(f64::is_finite)
}
