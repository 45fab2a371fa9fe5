//! Comparisons (R6–R8, R10, R11): both sides are brought to one type while constants are still known as such.

use super::body::Use;
use super::compile::Compiler;
use super::error::{Error, Place};
use super::scope::{Literal, Value, call, quote};
use super::time_literal::{self, DAY_US, civil};
use super::typing::Type;

impl Compiler<'_> {
    /// `left op right`.
    pub(crate) fn compare(&mut self, left: Value, op: &str, right: Value, place: Place) -> Result<Value, Error> {
        if left.each != right.each {
            let (list, other, op) = if left.each { (left, right, op) } else { (right, left, mirrored(op)) };
            // `<>` of every element: none is equal.
            let (used, op) = if op == "<>" { (Use::NoneMatch, "=") } else { (Use::AnyMatch, op) };
            return self.quantify(used, &list, |compiler, element| {
                let other = compiler.carry(other);
                compiler.compare(element, op, other, place)
            });
        }
        let bound = time_bound(&left, op, &right).or_else(|| time_bound(&right, mirrored(op), &left));
        let (left, right) = self.alike(&left, &right, op, place)?;
        let (left, right) = if op == "=" && self.filter { needles(left, right) } else { (left, right) };
        let sql = format!("({} {op} {})", left.sql, right.sql);
        Ok(Value::new(with_bound(sql, bound), Type::Boolean))
    }

    /// `value [NOT] BETWEEN low AND high`.
    pub(crate) fn between(
        &mut self,
        value: Value,
        (low, high): (Value, Value),
        negated: bool,
        place: Place,
    ) -> Result<Value, Error> {
        if value.each {
            let used = if negated { Use::NoneMatch } else { Use::AnyMatch };
            return self.quantify(used, &value, |compiler, element| {
                let (low, high) = (compiler.carry(low), compiler.carry(high));
                compiler.between(element, (low, high), false, place)
            });
        }
        if value.time.is_some() && !negated {
            let low = self.compare(value.clone(), ">=", low, place)?;
            let high = self.compare(value, "<=", high, place)?;
            return Ok(Value::new(format!("({} AND {})", low.sql, high.sql), Type::Boolean));
        }
        let (value, low) = self.alike(&value, &low, "BETWEEN", place)?;
        let (value, high) = self.alike(&value, &high, "BETWEEN", place)?;
        let not = if negated { "NOT " } else { "" };
        Ok(Value::new(format!("({} {not}BETWEEN {} AND {})", value.sql, low.sql, high.sql), Type::Boolean))
    }

    /// `value [NOT] IN (list)`.
    pub(crate) fn in_list(&mut self, value: Value, list: Vec<Value>, negated: bool, place: Place) -> Result<Value, Error> {
        if value.each {
            let used = if negated { Use::NoneMatch } else { Use::AnyMatch };
            return self.quantify(used, &value, |compiler, element| {
                let list = list.into_iter().map(|item| compiler.carry(item)).collect();
                compiler.in_list(element, list, false, place)
            });
        }
        let mut value = value;
        let mut items = Vec::new();
        for item in list {
            let (same, item) = self.alike(&value, &item, "IN", place)?;
            value = same;
            items.push(item.sql);
        }
        let not = if negated { "NOT " } else { "" };
        Ok(Value::new(format!("({} {not}IN ({}))", value.sql, items.join(", ")), Type::Boolean))
    }

    /// `value IS [NOT] NULL`.
    pub(crate) fn is_null(&mut self, value: &Value, negated: bool) -> Result<Value, Error> {
        if !value.each {
            let not = if negated { " NOT" } else { "" };
            return Ok(Value::new(format!("({} IS{not} NULL)", value.sql), Type::Boolean));
        }
        let found = self.quantify(Use::AnyMatch, value, |compiler, element| compiler.is_null(&element, negated))?;
        // A list that is not there or empty has no member either.
        let default = if negated { "false" } else { "true" };
        let none = if negated { String::new() } else { format!(" OR {} = 0", call("cardinality", [&value.sql])) };
        Ok(Value::new(format!("(coalesce({}, {default}){none})", found.sql), Type::Boolean))
    }

    /// `value [NOT] LIKE pattern [ESCAPE escape]`.
    pub(crate) fn like(
        &mut self,
        value: Value,
        pattern: Value,
        (negated, insensitive): (bool, bool),
        escape: Option<char>,
        place: Place,
    ) -> Result<Value, Error> {
        if value.each {
            let used = if negated { Use::NoneMatch } else { Use::AnyMatch };
            return self.quantify(used, &value, |compiler, element| {
                let pattern = compiler.carry(pattern);
                compiler.like(element, pattern, (false, insensitive), escape, place)
            });
        }
        let textual = |value: &Value| value.kind.is_textual() || value.kind == Type::Unknown;
        if !textual(&value) || !textual(&pattern) {
            let wrong = if textual(&value) { &pattern } else { &value };
            return Err(Error::invalid(place, format!("LIKE compares varchar, not {}", wrong.kind.name())));
        }
        let not = if negated { "NOT " } else { "" };
        let Some(text) = pattern.literal_text() else {
            let escape = escape.map(String::from).unwrap_or_default();
            let sql = call("like", [&value.sql, &pattern.sql, &quote(&escape)]);
            return Ok(Value::new(format!("({not}{sql})"), Type::Boolean));
        };
        let read = read_pattern(text, escape).map_err(|message| Error::invalid(place, message))?;
        let value = if self.filter && !negated && !insensitive { value.with_needle(&read.needle) } else { value };
        let like = if insensitive { "ILIKE" } else { "LIKE" };
        Ok(Value::new(format!("({} {not}{like} {})", value.sql, quote(&read.pattern)), Type::Boolean))
    }

    /// A value from around the innermost lambda, seen from within it.
    pub(crate) fn carry(&mut self, value: Value) -> Value {
        if value.literal.is_some() || self.frames.is_empty() {
            return value;
        }
        let level = self.frames.len() - 1;
        Value { sql: self.lift(value.sql.clone(), level), pieces: Vec::new(), time: None, ..value }
    }

    /// Brings two values to one type, as far as the rules say; else they cannot be compared.
    pub(crate) fn alike(&mut self, left: &Value, right: &Value, op: &str, place: Place) -> Result<(Value, Value), Error> {
        let same = self.converted(left.clone(), right, place)?;
        let right = self.converted(right.clone(), left, place)?;
        if comparable(&same.kind, &right.kind) {
            return Ok((same, right));
        }
        let message = format!("cannot apply {op} to {} and {}", same.kind.name(), right.kind.name());
        let list = matches!((&same.kind, &right.kind), (Type::List(_), _) | (_, Type::List(_)));
        Err(Error::invalid(place, message).hint(list.then(|| "use any_match or contains".to_owned())))
    }

    /// The value as one that can be compared with the other.
    fn converted(&mut self, value: Value, other: &Value, place: Place) -> Result<Value, Error> {
        let lenient = !self.names.strict;
        Ok(match (&other.kind, &value.kind, &value.literal) {
            (Type::Timestamp | Type::Zoned | Type::Date, Type::Text, Some(Literal::Text(text))) => {
                let hint = || Some("write yyyy-MM-dd, optionally with HH:mm:ss".to_owned());
                let bad = || Error::invalid(place, format!("{} is not a time", quote(text))).hint(hint());
                timestamp(time_literal::parse_timestamp(text).ok_or_else(bad)?)
            }
            (Type::Timestamp | Type::Date, Type::Zoned, _) => Value::new(call("to_utc", [&value.sql]), Type::Timestamp),
            (Type::Timestamp, Type::Date, _) => Value::new(format!("CAST({} AS TIMESTAMP(6))", value.sql), Type::Timestamp),
            (Type::Zoned, Type::Timestamp | Type::Date, _) => Value::new(call("zoned", [&value.sql]), Type::Zoned),
            (Type::Timestamp, Type::Text, None) if lenient => Value::new(call("cast_timestamp", [&value.sql]), Type::Timestamp),
            (Type::Boolean, Type::Text, Some(Literal::Text(text))) if lenient && is_truth(text) => {
                Value::new(text.to_ascii_lowercase(), Type::Boolean)
            }
            (kind, _, Some(Literal::Number(number))) if lenient && kind.is_textual() => Value::text(number.clone()),
            (kind, _, Some(Literal::Boolean(truth))) if lenient && kind.is_textual() => Value::text(truth.to_string()),
            (kind, Type::Text, Some(Literal::Text(text))) if lenient && kind.is_number() && other.literal.is_none() => {
                match text.trim().parse::<f64>() {
                    Ok(number) if number.is_finite() => Value::new(text.trim(), Type::Double),
                    _ => value,
                }
            }
            _ => value,
        })
    }
}

/// Whether values of both types can be compared.
fn comparable(left: &Type, right: &Type) -> bool {
    let times = |kind: &Type| matches!(kind, Type::Timestamp | Type::Zoned | Type::Date);
    left == right
        || matches!((left, right), (Type::Unknown, _) | (_, Type::Unknown) | (Type::List(_), Type::List(_)))
        || matches!((left, right), (Type::Struct(_), Type::Struct(_)))
        || (left.is_number() && right.is_number())
        || (left.is_textual() && right.is_textual())
        || (times(left) && times(right))
}

fn is_truth(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// A time as the engine's constant.
pub(crate) fn timestamp(time_us: i64) -> Value {
    let (year, month, day) = civil::date(time_us.div_euclid(DAY_US));
    let of_day = time_us.rem_euclid(DAY_US);
    let seconds = of_day / time_literal::SECOND_US;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let fraction = of_day % time_literal::SECOND_US;
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}");
    Value::new(format!("CAST('{text}' AS TIMESTAMP(6))"), Type::Timestamp)
}

/// What is read out of JSON need not be read where the constant it shall equal does not occur.
fn needles(left: Value, right: Value) -> (Value, Value) {
    let (on_left, on_right) = (right.literal_text().map(str::to_owned), left.literal_text().map(str::to_owned));
    (left.with_needle(on_left.as_deref().unwrap_or_default()), right.with_needle(on_right.as_deref().unwrap_or_default()))
}

/// The operator with its sides changed over.
fn mirrored(op: &str) -> &str {
    match op {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    }
}

/// What a comparison of a time shown as text says of the time itself (R8): files without such times need not be read.
fn time_bound(shown: &Value, op: &str, constant: &Value) -> Option<String> {
    let (time, text) = (shown.time.as_ref()?, constant.literal_text()?);
    let form = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        19 => byte == b'Z',
        0..=18 => byte.is_ascii_digit(),
        _ => false,
    };
    if !text.bytes().enumerate().all(form) {
        return None;
    }
    let (start, span) = time_literal::parse(text)?;
    let (start, end) = (timestamp(start).sql, timestamp(start + span).sql);
    match op {
        ">" | ">=" => Some(format!("{time} >= {start}")),
        "<" | "<=" => Some(format!("{time} < {end}")),
        "=" => Some(format!("{time} >= {start} AND {time} < {end}")),
        _ => None,
    }
}

fn with_bound(sql: String, bound: Option<String>) -> String {
    match bound {
        Some(bound) => format!("({bound} AND {sql})"),
        None => sql,
    }
}

struct Pattern {
    /// The pattern with the backslash as its escape, as the engine wants it.
    pattern: String,
    /// The longest text that whatever fits must contain.
    needle: String,
}

fn read_pattern(written: &str, escape: Option<char>) -> Result<Pattern, String> {
    let mut pattern = String::new();
    let mut runs = vec![String::new()];
    let mut chars = written.chars();
    let literal = |char: char, pattern: &mut String, runs: &mut Vec<String>| {
        if matches!(char, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
        if let Some(run) = runs.last_mut() {
            run.push(char);
        }
    };
    while let Some(char) = chars.next() {
        if Some(char) == escape {
            match chars.next() {
                Some(next) if matches!(next, '%' | '_') || Some(next) == escape => literal(next, &mut pattern, &mut runs),
                _ => return Err("the escape character of LIKE must be followed by %, _ or itself".to_owned()),
            }
        } else if matches!(char, '%' | '_') {
            pattern.push(char);
            runs.push(String::new());
        } else {
            literal(char, &mut pattern, &mut runs);
        }
    }
    let needle = runs.into_iter().max_by_key(String::len).unwrap_or_default();
    Ok(Pattern { pattern, needle })
}
