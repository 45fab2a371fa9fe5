//! The walk over a document and the constraint table beside it.

use regex::Regex;
use serde_json::{Map, Value};

use super::violation::{Violation, ViolationKind, Violations};
use super::{Length, Member, Range, Shape};
use crate::generated::patterns::PATTERNS;
use crate::timestamp::Timestamp;

/// How many violations of one document are told (ours; AWS tells all).
const VIOLATIONS_MAX: usize = 50;
/// How much of a value a message repeats (ours; AWS repeats all).
const SHOWN_CHARACTERS_MAX: usize = 256;

/// A constraint that a value failed: its kind and AWS's words for it.
type Failed = (ViolationKind, String);

pub(super) struct Walk<'a> {
    patterns: &'a [Regex],
    path: String,
    violations: Vec<Violation>,
}

impl<'a> Walk<'a> {
    pub(super) const fn new(patterns: &'a [Regex]) -> Self {
        Self { patterns, path: String::new(), violations: Vec::new() }
    }

    pub(super) fn finish(self) -> Option<Violations> {
        Violations::new(self.violations)
    }

    /// Checks a value that is not null, and brings it to the form its type is read from: nulls are dropped, whole
    /// numbers become integers. The error is a wrong type.
    pub(super) fn value(&mut self, shape: &Shape, value: &mut Value) -> Result<(), String> {
        match (shape, &mut *value) {
            (Shape::Structure(members), Value::Object(object)) => return self.structure(members, object),
            (Shape::List { member, size }, Value::Array(_)) => return self.list(member, *size, value),
            (Shape::Map { key, value: of, size }, Value::Object(_)) => return self.map(key, of, *size, value),
            (Shape::Structure(_) | Shape::Map { .. }, other) => return Err(self.unlike("a structure or map", other)),
            (Shape::List { .. }, other) => return Err(self.unlike("a list", other)),
            _ => {}
        }
        self.plain_type(shape, value)?;
        for failed in self.plain_failures(shape, value) {
            self.violate(value, failed);
        }
        Ok(())
    }

    fn structure(&mut self, members: &[Member], object: &mut Map<String, Value>) -> Result<(), String> {
        object.retain(|name, value| !value.is_null() && members.iter().any(|member| member.name == name));
        for member in members {
            let outer = self.enter(&lower_first(member.name));
            match object.get_mut(member.name) {
                Some(value) => self.value(member.shape, value)?,
                None if member.required => self.violate(&Value::Null, required()),
                None => {}
            }
            self.path.truncate(outer);
        }
        Ok(())
    }

    fn list(&mut self, member: &Shape, size: Length, list: &mut Value) -> Result<(), String> {
        let count = list.as_array().map_or(0, Vec::len);
        for failed in length_failures(size, count) {
            self.violate(list, failed);
        }
        let mut bad = false;
        for (at, element) in list.as_array_mut().into_iter().flatten().enumerate() {
            let outer = self.enter(&format!("{}.member", at + 1));
            if element.is_null() {
                self.violate(element, required());
            } else if member.is_plain() {
                self.plain_type(member, element)?;
                bad |= !self.plain_failures(member, element).is_empty();
            } else {
                self.value(member, element)?;
            }
            self.path.truncate(outer);
        }
        if bad {
            self.violate(list, element_failure("Member", member));
        }
        Ok(())
    }

    fn map(&mut self, key: &Shape, of: &Shape, size: Length, map: &mut Value) -> Result<(), String> {
        let entries: &mut Map<String, Value> = map.as_object_mut().ok_or("not a map")?;
        entries.retain(|_, value| !value.is_null());
        let count = entries.len();
        let (mut bad_key, mut bad_value) = (false, false);
        for (name, value) in entries.iter_mut() {
            let outer = self.enter(&format!("{name}.member"));
            self.plain_type(of, value)?;
            bad_key |= !self.plain_failures(key, &Value::String(name.clone())).is_empty();
            bad_value |= !self.plain_failures(of, value).is_empty();
            self.path.truncate(outer);
        }
        let failures = length_failures(size, count)
            .into_iter()
            .chain(bad_key.then(|| element_failure("Map keys", key)))
            .chain(bad_value.then(|| element_failure("Map value", of)));
        for failed in failures {
            self.violate(map, failed);
        }
        Ok(())
    }

    /// Whether a plain value has its shape's type; AWS's words if not.
    fn plain_type(&self, shape: &Shape, value: &mut Value) -> Result<(), String> {
        match (shape, &*value) {
            (Shape::String { .. } | Shape::Blob, Value::String(_))
            | (Shape::Boolean, Value::Bool(_))
            | (Shape::Double, Value::Number(_)) => Ok(()),
            (Shape::Integer(_) | Shape::Long(_), Value::Number(number)) => {
                let whole = number.as_i64().or_else(|| number.as_f64().and_then(whole)).filter(|&whole| shape.holds(whole));
                *value = whole.ok_or_else(|| self.unlike(shape.type_name(), value))?.into();
                Ok(())
            }
            (Shape::Timestamp, Value::Number(number)) if number.as_f64().and_then(Timestamp::from_fraction).is_some() => Ok(()),
            _ => Err(self.unlike(shape.type_name(), value)),
        }
    }

    /// The constraints that a plain value of the right type fails.
    fn plain_failures(&self, shape: &Shape, value: &Value) -> Vec<Failed> {
        match (shape, value) {
            (Shape::String { length, pattern, values }, Value::String(text)) => {
                let mut failures = length_failures(*length, text.chars().count());
                if let Some(at) = pattern.filter(|&at| self.patterns.get(at).is_some_and(|regex| !regex.is_match(text))) {
                    failures.push((ViolationKind::Pattern, pattern_words(at)));
                }
                if !values.is_empty() && !values.contains(&text.as_str()) {
                    failures.push((ViolationKind::Enum, enum_words(values)));
                }
                failures
            }
            (Shape::Integer(range) | Shape::Long(range), Value::Number(number)) => range_failures(*range, number.as_i64()),
            _ => Vec::new(),
        }
    }

    fn violate(&mut self, value: &Value, (kind, constraint): Failed) {
        if self.violations.len() < VIOLATIONS_MAX {
            let shown = if value.is_null() { "null".to_owned() } else { format!("'{}'", shown(value)) };
            let message = format!("Value {shown} at '{}' failed to satisfy constraint: {constraint}", self.path);
            self.violations.push(Violation { path: self.path.clone(), kind, message });
        }
    }

    fn unlike(&self, wanted: &str, value: &Value) -> String {
        let found = match value {
            Value::Null => "NULL_VALUE",
            Value::Bool(true) => "TRUE_VALUE",
            Value::Bool(false) => "FALSE_VALUE",
            Value::Number(_) => "NUMBER_VALUE",
            Value::String(_) => "STRING_VALUE",
            Value::Array(_) => "START_ARRAY",
            Value::Object(_) => "START_OBJECT",
        };
        format!("{found} can not be converted to {wanted} at '{}'", self.path)
    }

    /// Goes one step down; the answer is what to cut the path to afterwards.
    fn enter(&mut self, step: &str) -> usize {
        let outer = self.path.len();
        if outer > 0 {
            self.path.push('.');
        }
        self.path.push_str(step);
        outer
    }
}

impl Shape {
    const fn is_plain(&self) -> bool {
        !matches!(self, Self::Structure(_) | Self::List { .. } | Self::Map { .. })
    }

    const fn type_name(&self) -> &'static str {
        match self {
            Self::Structure(_) | Self::Map { .. } => "a structure or map",
            Self::List { .. } => "a list",
            Self::String { .. } => "a String",
            Self::Integer(_) => "an Integer",
            Self::Long(_) => "a Long",
            Self::Double => "a Double",
            Self::Boolean => "a Boolean",
            Self::Timestamp => "milliseconds since epoch",
            Self::Blob => "a Blob",
        }
    }

    /// Whether the type, aside from constraints, has room for a number.
    fn holds(&self, number: i64) -> bool {
        matches!(self, Self::Long(_)) || i32::try_from(number).is_ok()
    }

    /// AWS's words for each constraint of a plain shape.
    fn words(&self) -> Vec<String> {
        match self {
            Self::String { length, pattern, values } => {
                let mut words = length_words(*length);
                words.extend(pattern.map(pattern_words));
                words.extend((!values.is_empty()).then(|| enum_words(values)));
                words
            }
            _ => Vec::new(),
        }
    }
}

fn required() -> Failed {
    (ViolationKind::Required, "Member must not be null".to_owned())
}

fn element_failure(what: &str, shape: &Shape) -> Failed {
    (ViolationKind::Element, format!("{what} must satisfy constraint: [{}]", shape.words().join(", ")))
}

fn length_failures(length: Length, count: usize) -> Vec<Failed> {
    let max = length.max.filter(|&max| count > max).map(|max| (ViolationKind::LengthMax, length_max_words(max)));
    let min = length.min.filter(|&min| count < min).map(|min| (ViolationKind::LengthMin, length_min_words(min)));
    max.into_iter().chain(min).collect()
}

fn length_words(length: Length) -> Vec<String> {
    length.max.map(length_max_words).into_iter().chain(length.min.map(length_min_words)).collect()
}

fn length_max_words(max: usize) -> String {
    format!("Member must have length less than or equal to {max}")
}

fn length_min_words(min: usize) -> String {
    format!("Member must have length greater than or equal to {min}")
}

fn range_failures(range: Range, number: Option<i64>) -> Vec<Failed> {
    let words = |side: &str, bound: i64| format!("Member must have value {side} than or equal to {bound}");
    let max = range.max.filter(|&max| number.is_some_and(|number| number > max));
    let min = range.min.filter(|&min| number.is_some_and(|number| number < min));
    max.map(|max| (ViolationKind::ValueMax, words("less", max)))
        .into_iter()
        .chain(min.map(|min| (ViolationKind::ValueMin, words("greater", min))))
        .collect()
}

fn pattern_words(at: usize) -> String {
    let aws = PATTERNS.get(at).map_or("", |pattern| pattern.aws);
    format!("Member must satisfy regular expression pattern: {aws}")
}

fn enum_words(values: &[&str]) -> String {
    format!("Member must satisfy enum value set: [{}]", values.join(", "))
}

/// A float without fraction that an i64 holds exactly.
fn whole(number: f64) -> Option<i64> {
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    exact.then_some(number as i64)
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A value as AWS repeats it in messages: as Java prints it, without quotes.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().take(SHOWN_CHARACTERS_MAX).map(shown).collect::<Vec<_>>().join(", ")),
        Value::Object(object) => {
            let entries = object.iter().map(|(name, value)| format!("{name}={}", shown(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    };
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
