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

/// Whether a shape is a list.
pub(crate) fn is_list(service: &Service, id: ShapeId) -> bool {
    matches!(service.shape(id).map(|shape| &shape.kind), Some(ShapeKind::List { .. }))
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

/// Whether JSON can have the text as a number (RFC 8259, 6).
pub(crate) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && fraction.is_none_or(digits) && exponent.is_none_or(digits)
}
