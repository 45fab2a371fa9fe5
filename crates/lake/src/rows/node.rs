//! A column as a tree, and how a JSON value is put into it.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StructArray, TimestampMicrosecondArray, make_view,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use arrow::datatypes::{DataType, Field, Fields};
use cloudtrail::json::Json;

use super::bits::Bits;
use super::text::Text;
use super::{EXTRA_BLOCK, scalar_text};
use crate::schema::{self, Kind};

/// Where the record that is being put stands.
pub(super) struct Context<'a> {
    pub(super) record: &'a str,
    /// Its place in the block of records.
    pub(super) offset: u32,
    pub(super) extra: &'a mut Vec<u8>,
    pub(super) shadows: &'a mut [Text],
}

impl Context<'_> {
    /// A view of text; what is a piece of the record points into it.
    pub(super) fn view(&mut self, text: &str) -> u128 {
        let bytes = text.as_bytes();
        let begin = (text.as_ptr() as usize).wrapping_sub(self.record.as_ptr() as usize);
        if begin <= self.record.len() && begin + bytes.len() <= self.record.len() {
            return make_view(bytes, 0, self.offset + begin as u32);
        }
        let at = self.extra.len() as u32;
        if bytes.len() > 12 {
            self.extra.extend_from_slice(bytes);
        }
        make_view(bytes, EXTRA_BLOCK, at)
    }
}

/// A column, a member of one, or the elements of one.
pub(super) struct Node {
    values: Values,
    /// The flat copy of this value.
    copy: Option<usize>,
    /// The flat copies of keys of this map.
    picks: Vec<Pick>,
}

/// A key of a map that has a flat copy, or that leads to some.
pub(super) struct Pick {
    key: &'static str,
    copy: Option<usize>,
    inside: Vec<Self>,
}

enum Values {
    Text(Text),
    Map(Text),
    Boolean { values: Bits, valid: Bits, rows: usize },
    Timestamp(Numbers<i64>),
    Integer(Numbers<i64>),
    Double(Numbers<f64>),
    Struct { members: Vec<Member>, valid: Bits, rows: usize },
    List { element: Box<Node>, field: Arc<Field>, ends: Vec<i32>, valid: Bits, count: usize },
}

struct Member {
    field: Arc<Field>,
    key: &'static str,
    node: Node,
}

#[derive(Default)]
struct Numbers<T> {
    values: Vec<T>,
    valid: Bits,
}

impl<T: Copy + Default> Numbers<T> {
    fn set(&mut self, row: usize, value: T) {
        if self.values.len() <= row {
            self.values.resize(row, T::default());
            self.values.push(value);
            self.valid.set(row);
        }
    }
}

impl Node {
    pub(super) fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Text => Values::Text(Text::default()),
            Kind::Map => Values::Map(Text::default()),
            Kind::Boolean => Values::Boolean { values: Bits::default(), valid: Bits::default(), rows: 0 },
            Kind::Timestamp => Values::Timestamp(Numbers::default()),
            Kind::Integer => Values::Integer(Numbers::default()),
            Kind::Double => Values::Double(Numbers::default()),
            Kind::Struct(fields) => {
                let member = |field: &schema::Field| Member {
                    field: Arc::new(field.arrow()),
                    key: field.key,
                    node: Self::new(field.kind),
                };
                Values::Struct { members: fields.iter().map(member).collect(), valid: Bits::default(), rows: 0 }
            }
            Kind::List(element) => Values::List {
                element: Box::new(Self::new(element.kind)),
                field: Arc::new(element.arrow()),
                ends: Vec::new(),
                valid: Bits::default(),
                count: 0,
            },
        };
        Self { values, copy: None, picks: Vec::new() }
    }

    /// Has what stands at `path` below this value copied.
    pub(super) fn copy(&mut self, path: &[&'static str], to: usize) {
        match (&mut self.values, path) {
            (_, []) => self.copy = Some(to),
            (Values::Struct { members, .. }, [first, rest @ ..]) => {
                let member = members.iter_mut().find(|member| member.key == *first);
                member.expect("a copied member exists").node.copy(rest, to);
            }
            (_, path) => pick(&mut self.picks, path, to),
        }
    }

    /// Puts a value into a row, which must not be before the last one. What does not fit is not put.
    pub(super) fn put(&mut self, row: usize, value: Json<'_>, context: &mut Context<'_>) {
        if value.is_null() {
            return;
        }
        match &mut self.values {
            Values::Text(text) => {
                if let Some(scalar) = scalar_text(value)
                    && !text.is_set(row)
                {
                    let view = context.view(&scalar);
                    text.set(row, view);
                    if let Some(copy) = self.copy {
                        context.shadows[copy].set(row, view);
                    }
                }
            }
            Values::Map(text) => {
                text.set(row, context.view(value.raw()));
                if !self.picks.is_empty() {
                    put_picks(&self.picks, row, value, false, context);
                }
            }
            Values::Boolean { values, valid, rows } => {
                if let Some(boolean) = value.boolean()
                    && *rows <= row
                {
                    valid.set(row);
                    if boolean {
                        values.set(row);
                    }
                    *rows = row + 1;
                }
            }
            Values::Timestamp(numbers) => {
                if let Some(time_us) = value.string().and_then(|text| time_us(&text)) {
                    numbers.set(row, time_us);
                }
            }
            Values::Integer(numbers) => {
                if let Some(number) = scalar_text(value).and_then(|text| integer(&text)) {
                    numbers.set(row, number);
                }
            }
            Values::Double(numbers) => {
                if let Some(number) = scalar_text(value).and_then(|text| text.parse().ok()) {
                    numbers.set(row, number);
                }
            }
            Values::Struct { members, valid, rows } => {
                if value.is_object() && *rows <= row {
                    valid.set(row);
                    *rows = row + 1;
                    put_members(members, row, value, context);
                }
            }
            Values::List { element, ends, valid, count, .. } => {
                if ends.len() > row || !(value.is_array() || value.is_object()) {
                    return;
                }
                ends.resize(row, *count as i32);
                // A single one without its brackets, as hand-made records have it.
                let single = value.is_object().then_some(value);
                for value in value.elements().chain(single) {
                    element.put(*count, value, context);
                    *count += 1;
                }
                ends.push(*count as i32);
                valid.set(row);
            }
        }
    }

    /// The member of that name, of a struct.
    pub(super) fn member(&mut self, name: &str) -> Option<&mut Self> {
        let Values::Struct { members, .. } = &mut self.values else { return None };
        members.iter_mut().find(|member| member.field.name() == name).map(|member| &mut member.node)
    }

    /// Makes a row of a struct one that has a value, if it is not; whether it was none.
    pub(super) fn open(&mut self, row: usize) -> bool {
        match &mut self.values {
            Values::Struct { valid, rows, .. } if *rows <= row => {
                valid.set(row);
                *rows = row + 1;
                true
            }
            _ => false,
        }
    }

    pub(super) fn finish(self, rows: usize, buffers: &Arc<[Buffer]>) -> ArrayRef {
        match self.values {
            Values::Text(text) | Values::Map(text) => text.finish(rows, buffers),
            Values::Boolean { values, valid, .. } => Arc::new(BooleanArray::new(values.finish(rows), valid.nulls(rows))),
            Values::Timestamp(Numbers { mut values, valid }) => {
                values.resize(rows, 0);
                Arc::new(TimestampMicrosecondArray::new(ScalarBuffer::from(values), valid.nulls(rows)))
            }
            Values::Integer(Numbers { mut values, valid }) => {
                values.resize(rows, 0);
                Arc::new(Int64Array::new(ScalarBuffer::from(values), valid.nulls(rows)))
            }
            Values::Double(Numbers { mut values, valid }) => {
                values.resize(rows, 0.0);
                Arc::new(Float64Array::new(ScalarBuffer::from(values), valid.nulls(rows)))
            }
            Values::Struct { members, valid, .. } => {
                let (fields, arrays): (Vec<_>, Vec<_>) =
                    members.into_iter().map(|member| (member.field, member.node.finish(rows, buffers))).unzip();
                Arc::new(StructArray::new(Fields::from(fields), arrays, valid.nulls(rows)))
            }
            Values::List { element, field, mut ends, valid, count } => {
                ends.resize(rows, count as i32);
                ends.insert(0, 0);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
                debug_assert!(matches!(field.data_type(), DataType::Struct(_) | DataType::Utf8View));
                Arc::new(ListArray::new(field, offsets, element.finish(count, buffers), valid.nulls(rows)))
            }
        }
    }
}

fn pick(picks: &mut Vec<Pick>, path: &[&'static str], to: usize) {
    let [key, rest @ ..] = path else { return };
    let at = picks.iter().position(|pick| pick.key == *key).unwrap_or_else(|| {
        picks.push(Pick { key, copy: None, inside: Vec::new() });
        picks.len() - 1
    });
    if rest.is_empty() {
        picks[at].copy = Some(to);
    } else {
        pick(&mut picks[at].inside, rest, to);
    }
}

/// Copies keys of a map. At the top a value that is no scalar is its JSON text; deeper down it is not a value
/// (`json_extract_scalar`).
fn put_picks(picks: &[Pick], row: usize, map: Json<'_>, deeper: bool, context: &mut Context<'_>) {
    for (key, value) in map.members() {
        let Some(pick) = picks.iter().find(|pick| pick.key == key) else { continue };
        if let Some(copy) = pick.copy
            && !context.shadows[copy].is_set(row)
        {
            let scalar = scalar_text(value);
            let nested = || (!deeper && !value.is_null()).then_some(std::borrow::Cow::Borrowed(value.raw()));
            if let Some(text) = scalar.or_else(nested) {
                let view = context.view(&text);
                context.shadows[copy].set(row, view);
            }
        }
        if !pick.inside.is_empty() {
            put_picks(&pick.inside, row, value, true, context);
        }
    }
}

/// Puts the members of an object. A key in the documented spelling counts before one that differs by case.
fn put_members(members: &mut [Member], row: usize, object: Json<'_>, context: &mut Context<'_>) {
    let mut inexact = false;
    for (key, value) in object.members() {
        match members.iter_mut().find(|member| member.key == key) {
            Some(member) => member.node.put(row, value, context),
            None => inexact |= members.iter().any(|member| member.key.eq_ignore_ascii_case(&key)),
        }
    }
    if !inexact {
        return;
    }
    for (key, value) in object.members() {
        if let Some(member) = members.iter_mut().find(|member| member.key.eq_ignore_ascii_case(&key)) {
            member.node.put(row, value, context);
        }
    }
}

/// A time as records write it, in microseconds since 1970.
fn time_us(text: &str) -> Option<i64> {
    string_to_timestamp_nanos(text).ok().map(|time_ns| time_ns.div_euclid(1_000))
}

/// A whole number, also one written with a fraction of zero (`243.0`).
fn integer(text: &str) -> Option<i64> {
    let whole = text.split_once('.').filter(|(_, rest)| rest.bytes().all(|b| b == b'0')).map_or(text, |(whole, _)| whole);
    whole.parse().ok()
}
