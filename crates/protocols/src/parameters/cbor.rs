//! CBOR bodies (RFC 8949), as RPC v2 uses them, by shape.
//!
//! Read by hand: what is needed is a dozen lines per kind, the shapes decide what is kept, and every length a stranger
//! claims is held against the bytes that are there.

use time::OffsetDateTime;

use super::instant;
use super::shapes::{is_list, wire_name};
use super::value::{Budget, DEPTH_MAX, Unread, Value};
use crate::table::{Member, Service, ShapeId, ShapeKind};

/// A body as a tree that is named as the model names its members.
pub(crate) fn read(service: &Service, id: ShapeId, body: &[u8]) -> Result<Value, Unread> {
    let item = item(body)?;
    Ok(by_shape(service, id, &item))
}

/// What an item holds, its bytes not copied.
#[derive(Debug, PartialEq)]
pub(crate) enum Item {
    /// A number, as JSON has it.
    Number(String),
    /// Bytes: a blob, or a number too long for words.
    Bytes,
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
    Instant(OffsetDateTime),
    Boolean(bool),
    Null,
}

/// One item, and nothing behind it.
pub(crate) fn item(body: &[u8]) -> Result<Item, Unread> {
    let mut reader = Reader { rest: body, budget: Budget::new() };
    let item = reader.item(DEPTH_MAX)?;
    if reader.rest.is_empty() { Ok(item) } else { Err(Unread::Malformed) }
}

impl Item {
    /// A member of a map.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(key, _)| key == name).map(|(_, item)| item),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    budget: Budget,
}

/// What stands before an item: its kind, what its length is or says, and the byte's low bits.
struct Head {
    kind: u8,
    argument: Option<u64>,
    low: u8,
}

impl<'a> Reader<'a> {
    fn head(&mut self) -> Result<Head, Unread> {
        let first = *self.take(1)?.first().ok_or(Unread::Malformed)?;
        let (kind, low) = (first >> 5, first & 0x1f);
        let argument = match low {
            0..=23 => Some(u64::from(low)),
            24..=27 => {
                let bytes = self.take(1 << (low - 24))?;
                Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
            }
            31 => None,
            _ => return Err(Unread::Malformed),
        };
        Ok(Head { kind, argument, low })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Unread> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Unread::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Recurses no deeper than `depth`.
    fn item(&mut self, depth: usize) -> Result<Item, Unread> {
        self.budget.take()?;
        let depth = depth.checked_sub(1).ok_or(Unread::TooLarge)?;
        let head = self.head()?;
        match (head.kind, head.argument) {
            (0, Some(number)) => Ok(Item::Number(number.to_string())),
            (1, Some(number)) => Ok(Item::Number((-1 - i128::from(number)).to_string())),
            (2, length) => self.bytes(2, length).map(|_| Item::Bytes),
            (3, length) => {
                let text = String::from_utf8(self.bytes(3, length)?).map_err(|_| Unread::Malformed)?;
                Ok(Item::Text(text))
            }
            (4, length) => self.list(length, depth).map(Item::List),
            (5, length) => self.map(length, depth).map(Item::Map),
            (6, Some(tag)) => self.tagged(tag, depth),
            (7, argument) => simple(head.low, argument),
            _ => Err(Unread::Malformed),
        }
    }

    /// Bytes, in one piece or in several.
    fn bytes(&mut self, kind: u8, length: Option<u64>) -> Result<Vec<u8>, Unread> {
        if let Some(length) = length {
            return self.take(usize::try_from(length).map_err(|_| Unread::Malformed)?).map(<[u8]>::to_vec);
        }
        let mut whole = Vec::new();
        while !self.at_break()? {
            self.budget.take()?;
            let piece = self.head()?;
            let (true, Some(length)) = (piece.kind == kind, piece.argument) else { return Err(Unread::Malformed) };
            whole.extend(self.take(usize::try_from(length).map_err(|_| Unread::Malformed)?)?);
        }
        Ok(whole)
    }

    fn list(&mut self, length: Option<u64>, depth: usize) -> Result<Vec<Item>, Unread> {
        let mut elements = Vec::new();
        while self.goes_on(length, elements.len())? {
            elements.push(self.item(depth)?);
        }
        Ok(elements)
    }

    fn map(&mut self, length: Option<u64>, depth: usize) -> Result<Vec<(String, Item)>, Unread> {
        let mut entries = Vec::new();
        while self.goes_on(length, entries.len())? {
            let Item::Text(key) = self.item(depth)? else { return Err(Unread::Malformed) };
            entries.push((key, self.item(depth)?));
        }
        Ok(entries)
    }

    fn goes_on(&mut self, length: Option<u64>, so_far: usize) -> Result<bool, Unread> {
        match length {
            Some(length) => Ok((so_far as u64) < length),
            None => self.at_break().map(|at_break| !at_break),
        }
    }

    fn at_break(&mut self) -> Result<bool, Unread> {
        let at_break = *self.rest.first().ok_or(Unread::Malformed)? == 0xff;
        if at_break {
            self.take(1)?;
        }
        Ok(at_break)
    }

    fn tagged(&mut self, tag: u64, depth: usize) -> Result<Item, Unread> {
        if let (2 | 3, Some((0x40..=0x5f, _))) = (tag, self.rest.split_first()) {
            let head = self.head()?;
            let bytes = self.bytes(2, head.argument)?;
            return Ok(big(tag == 3, &bytes));
        }
        let item = self.item(depth)?;
        Ok(match (tag, &item) {
            (1, Item::Number(number)) => instant::since_1970(number).map_or(item, Item::Instant),
            (0, Item::Text(text)) => instant::read(text).map_or(item, Item::Instant),
            (4, Item::List(parts)) => decimal(parts).unwrap_or(item),
            _ => item,
        })
    }
}

fn simple(low: u8, argument: Option<u64>) -> Result<Item, Unread> {
    let float =
        |number: f64| Item::Number(serde_json::Number::from_f64(number).map_or_else(|| "null".to_owned(), |n| n.to_string()));
    match (low, argument) {
        (20, _) => Ok(Item::Boolean(false)),
        (21, _) => Ok(Item::Boolean(true)),
        (22 | 23, _) => Ok(Item::Null),
        (25, Some(bits)) => Ok(float(half(bits as u16))),
        (26, Some(bits)) => Ok(float(f64::from(f32::from_bits(bits as u32)))),
        (27, Some(bits)) => Ok(float(f64::from_bits(bits))),
        _ => Err(Unread::Malformed),
    }
}

/// A number of 16 bits (RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1_024.0) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

/// A whole number in bytes: as a number where it fits, else as its hexadecimal digits.
fn big(negative: bool, bytes: &[u8]) -> Item {
    let significant = bytes.iter().position(|byte| *byte != 0).map_or(&[][..], |first| bytes.split_at(first).1);
    if significant.len() < 16 {
        let size = significant.iter().fold(0_i128, |number, byte| number << 8 | i128::from(*byte));
        return Item::Number(if negative { -1 - size } else { size }.to_string());
    }
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    let digits = significant.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    Item::Text(if negative { "-0x" } else { "0x" }.chars().chain(digits).collect())
}

/// A decimal fraction: exponent and mantissa, both whole.
fn decimal(parts: &[Item]) -> Option<Item> {
    let [Item::Number(exponent), Item::Number(mantissa)] = parts else { return None };
    let whole = |number: &String| number.parse::<i128>().is_ok();
    (whole(exponent) && whole(mantissa)).then(|| Item::Number(format!("{mantissa}e{exponent}")))
}

fn by_shape(service: &Service, id: ShapeId, item: &Item) -> Value {
    match (service.shape(id).map(|shape| &shape.kind), item) {
        (Some(ShapeKind::Structure { members, .. }), Item::Map(entries)) => structure(service, members, entries),
        (Some(ShapeKind::List { of, .. }), Item::List(elements)) => {
            Value::List(elements.iter().map(|element| by_shape(service, *of, element)).collect())
        }
        (Some(ShapeKind::Map { of, .. }), Item::Map(entries)) => {
            Value::Object(entries.iter().map(|(key, item)| (key.clone(), by_shape(service, *of, item))).collect())
        }
        (Some(ShapeKind::Blob { .. }), Item::Bytes | Item::Text(_)) => Value::Blob,
        (Some(ShapeKind::Structure { .. } | ShapeKind::List { .. } | ShapeKind::Map { .. }) | None, _) => Value::Null,
        (Some(ShapeKind::Timestamp { .. }), Item::Number(number)) => {
            instant::since_1970(number).map_or_else(|| Value::text(number), Value::Instant)
        }
        (Some(_), Item::Number(number)) if number == "null" => Value::Null,
        (Some(_), Item::Number(number)) => Value::Number(number.clone()),
        (Some(_), Item::Text(text)) => Value::text(text),
        (Some(_), Item::Instant(instant)) => Value::Instant(*instant),
        (Some(_), Item::Boolean(yes)) => Value::Boolean(*yes),
        (Some(_), _) => Value::Null,
    }
}

fn structure(service: &Service, members: &[Member], entries: &[(String, Item)]) -> Value {
    let mut told: Vec<(String, Value)> = Vec::new();
    let mut places: Vec<Option<usize>> = vec![None; members.len()];
    for (name, item) in entries {
        let found = members.iter().position(|member| wire_name(member) == name && !member.event_stream);
        let Some((member, place)) = found.and_then(|found| Some((members.get(found)?, places.get_mut(found)?))) else {
            continue;
        };
        let value = by_shape(service, member.shape, item);
        if let Some((_, earlier)) = place.and_then(|place| told.get_mut(place)) {
            earlier.again(value, is_list(service, member.shape));
        } else {
            *place = Some(told.len());
            told.push((member.name.clone(), value));
        }
    }
    Value::Object(told)
}

#[cfg(test)]
mod tests;
