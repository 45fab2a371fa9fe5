//! Expressions.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CeilFloorKind, DateTimeField, Expr, Interval, Query, TrimWhereField, UnaryOperator,
    Value as SqlValue,
};

use super::body::place_of;
use super::compile::Compiler;
use super::error::{Error, Place};
use super::risk::Risk;
use super::scope::{Literal, Scope, Value, call, quote};
use super::typing::Type;

/// How many operators of arithmetic may follow one another. Own choice: each is a level of nesting to the engine.
const CHAIN_MAX: usize = 100;

impl Compiler<'_> {
    /// Compiles an expression.
    pub(crate) fn value(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Value, Error> {
        let value = self.nested(|compiler| compiler.expression(expr, scope)).map_err(|error| error.at(place_of(expr)))?;
        self.weigh(&value.sql)?;
        Ok(value)
    }

    /// Compiles an expression whose being NULL is not the same as its being false.
    pub(crate) fn exact(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Value, Error> {
        self.filtering(false, |compiler| compiler.value(expr, scope))
    }

    fn expression(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Value, Error> {
        let place = place_of(expr);
        match expr {
            Expr::Identifier(name) => self.path(std::slice::from_ref(name), scope),
            Expr::CompoundIdentifier(parts) => self.path(parts, scope),
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain, scope),
            Expr::Nested(inner) => self.value(inner, scope),
            Expr::Value(value) => constant(&value.value, place),
            Expr::TypedString(typed) => Self::typed_string(&typed.data_type, &typed.value.value, place),
            Expr::Interval(written) => interval(written, place),
            Expr::BinaryOp { left, op: op @ (BinaryOperator::And | BinaryOperator::Or), right } => {
                self.junction(left, op, right, scope)
            }
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, scope),
            Expr::UnaryOp { op, expr: inner } => self.unary(*op, inner, scope, place),
            Expr::IsNull(inner) => {
                let value = self.exact(inner, scope)?;
                self.is_null(&value, false)
            }
            Expr::IsNotNull(inner) => {
                let value = self.exact(inner, scope)?;
                self.is_null(&value, true)
            }
            Expr::IsTrue(inner) => self.truth(inner, "IS TRUE", scope),
            Expr::IsNotTrue(inner) => self.truth(inner, "IS NOT TRUE", scope),
            Expr::IsFalse(inner) => self.truth(inner, "IS FALSE", scope),
            Expr::IsNotFalse(inner) => self.truth(inner, "IS NOT FALSE", scope),
            Expr::IsUnknown(inner) => self.truth(inner, "IS NULL", scope),
            Expr::IsNotUnknown(inner) => self.truth(inner, "IS NOT NULL", scope),
            Expr::IsDistinctFrom(left, right) => self.distinct(left, "IS DISTINCT FROM", right, scope, place),
            Expr::IsNotDistinctFrom(left, right) => self.distinct(left, "IS NOT DISTINCT FROM", right, scope, place),
            Expr::InList { expr: inner, list, negated } => {
                let value = self.exact(inner, scope)?;
                let items = list.iter().map(|item| self.exact(item, scope)).collect::<Result<Vec<_>, _>>()?;
                self.in_list(value, items, *negated, place)
            }
            Expr::Between { expr: inner, negated, low, high } => {
                let value = self.exact(inner, scope)?;
                let bounds = (self.exact(low, scope)?, self.exact(high, scope)?);
                self.between(value, bounds, *negated, place)
            }
            Expr::Like { negated, any: false, expr: inner, pattern, escape_char } => {
                self.like_expression((inner, pattern), (*negated, false), escape_char.as_ref(), scope, place)
            }
            Expr::ILike { negated, any: false, expr: inner, pattern, escape_char } if !self.names.strict => {
                self.like_expression((inner, pattern), (*negated, true), escape_char.as_ref(), scope, place)
            }
            Expr::InSubquery { expr: inner, subquery, negated } => {
                let not = if *negated { "NOT " } else { "" };
                self.sub_query(Some(inner), subquery, &format!("{not}IN "), scope)
            }
            // The other comparisons with ANY and ALL are no IN, and are refused.
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => match queried(right) {
                Some(query) => self.sub_query(Some(left), query, "IN ", scope),
                None => Err(unsupported(expr)),
            },
            Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => match queried(right) {
                Some(query) => self.sub_query(Some(left), query, "NOT IN ", scope),
                None => Err(unsupported(expr)),
            },
            Expr::Exists { subquery, negated } => {
                self.sub_query(None, subquery, if *negated { "NOT EXISTS " } else { "EXISTS " }, scope)
            }
            Expr::Subquery(query) => self.sub_query(None, query, "", scope),
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), scope)
            }
            Expr::Cast { kind, expr: inner, data_type, array: false, format: None } => self.cast(kind, inner, data_type, scope),
            Expr::Function(function) => self.function(function, scope),
            Expr::Extract { field, expr: inner, .. } => self.extract(field, inner, scope, place),
            Expr::Trim { expr: inner, trim_where, trim_what, trim_characters } => {
                let what = trim_what.as_deref().or_else(|| trim_characters.as_ref().and_then(|list| list.first()));
                let name = match trim_where {
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                    _ => "trim",
                };
                let args: Vec<&Expr> = std::iter::once(inner.as_ref()).chain(what).collect();
                self.call_named(name, &args, scope, place)
            }
            Expr::Substring { expr: inner, substring_from, substring_for, .. } => {
                let bounds = substring_from.iter().chain(substring_for.iter()).map(AsRef::as_ref);
                let args: Vec<&Expr> = std::iter::once(inner.as_ref()).chain(bounds).collect();
                self.call_named("substr", &args, scope, place)
            }
            Expr::Position { expr: needle, r#in } => self.call_named("strpos", &[r#in, needle], scope, place),
            Expr::Ceil { expr: inner, field } if is_plain(field) => self.call_named("ceil", &[inner], scope, place),
            Expr::Floor { expr: inner, field } if is_plain(field) => self.call_named("floor", &[inner], scope, place),
            Expr::AtTimeZone { timestamp, time_zone } => self.call_named("at_timezone", &[timestamp, time_zone], scope, place),
            Expr::Array(array) => self.array(&array.elem, scope),
            Expr::Lambda(_) => Err(Error::invalid(place, "a lambda expression can only be an argument of a function")),
            other => Err(unsupported(other)),
        }
    }

    /// A chain of ANDs or ORs: long ones become a shallow tree.
    ///
    /// An operand that can fail is computed only of the rows that the others leave in doubt, wherever it stands: who
    /// writes `x <> '' AND CAST(x AS bigint) > 1` has seen to it that it does not fail, and the engine may go by any order.
    fn junction(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr, scope: &Scope<'_>) -> Result<Value, Error> {
        let mut open = vec![right, left];
        let mut operands = Vec::new();
        while let Some(next) = open.pop() {
            match next {
                Expr::BinaryOp { left, op: same, right } if same == op => open.extend([right.as_ref(), left.as_ref()]),
                operand => operands.push(operand),
            }
        }
        let risks: Vec<Risk> = operands.iter().map(|operand| Risk::of(operand)).collect();
        let mut compiled = vec![String::new(); operands.len()];
        let mut tests = Vec::new();
        for (at, operand) in operands.iter().enumerate().filter(|(at, _)| risks[*at] != Risk::MayFail) {
            let value = self.value(operand, scope)?;
            compiled[at] = boolean(value, operand)?.sql;
            if risks[at] == Risk::None {
                tests.push(compiled[at].clone());
            }
        }
        let decided = if *op == BinaryOperator::And { "FALSE" } else { "TRUE" };
        for (at, operand) in operands.iter().enumerate().filter(|(at, _)| risks[*at] == Risk::MayFail) {
            let value = if tests.is_empty() {
                self.value(operand, scope)?
            } else {
                let test = format!("({} IS NOT {decided})", balanced(&tests, &op.to_string()));
                self.guarded(test, operand, scope)?
            };
            compiled[at] = boolean(value, operand)?.sql;
        }
        Ok(Value::new(balanced(&compiled, &op.to_string()), Type::Boolean))
    }

    /// Comparisons and arithmetic: a chain is walked from its left end.
    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr, scope: &Scope<'_>) -> Result<Value, Error> {
        let mut chain = vec![(op, right)];
        let mut first = left;
        while let Expr::BinaryOp { left, op, right } = first {
            if matches!(op, BinaryOperator::And | BinaryOperator::Or) {
                break;
            }
            chain.push((op, right));
            first = left;
        }
        if chain.iter().all(|(op, _)| **op == BinaryOperator::StringConcat) {
            let parts: Vec<&Expr> = std::iter::once(first).chain(chain.iter().rev().map(|(_, right)| *right)).collect();
            return self.call_named("concat", &parts, scope, place_of(first));
        }
        if chain.len() > CHAIN_MAX {
            return Err(Error::invalid(place_of(first), "the expression is too long"));
        }
        let filter = self.filter && chain.len() == 1;
        let mut value = self.exact(first, scope)?;
        for (op, right) in chain.into_iter().rev() {
            let place = place_of(right);
            let right = self.exact(right, scope)?;
            value = self.filtering(filter, |compiler| compiler.apply(value, op, right, place))?;
        }
        Ok(value)
    }

    fn apply(&mut self, left: Value, op: &BinaryOperator, right: Value, place: Place) -> Result<Value, Error> {
        let comparison = match op {
            BinaryOperator::Eq => "=",
            BinaryOperator::NotEq => "<>",
            BinaryOperator::Lt => "<",
            BinaryOperator::LtEq => "<=",
            BinaryOperator::Gt => ">",
            BinaryOperator::GtEq => ">=",
            BinaryOperator::StringConcat => {
                let kind = left.kind.clone();
                return Ok(Value::new(call("concat", [left.sql, right.sql]), kind));
            }
            BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply => {
                return arithmetic(&left, op, &right, place);
            }
            BinaryOperator::Divide | BinaryOperator::Modulo => return arithmetic(&left, op, &right, place),
            other => return Err(Error::invalid(place, format!("the operator {other} is not supported"))),
        };
        self.compare(left, comparison, right, place)
    }

    fn unary(&mut self, op: UnaryOperator, inner: &Expr, scope: &Scope<'_>, place: Place) -> Result<Value, Error> {
        let value = self.exact(inner, scope)?;
        match op {
            UnaryOperator::Not => Ok(Value::new(format!("(NOT {})", boolean(value, inner)?.sql), Type::Boolean)),
            UnaryOperator::Plus => Ok(value),
            UnaryOperator::Minus => {
                let literal = match &value.literal {
                    Some(Literal::Number(number)) => Some(Literal::Number(format!("-{number}"))),
                    _ => None,
                };
                Ok(Value { literal, ..Value::new(format!("(- {})", value.sql), value.kind) })
            }
            other => Err(Error::invalid(place, format!("the operator {other} is not supported"))),
        }
    }

    fn truth(&mut self, inner: &Expr, test: &str, scope: &Scope<'_>) -> Result<Value, Error> {
        let value = self.exact(inner, scope)?;
        Ok(Value::new(format!("({} {test})", boolean(value, inner)?.sql), Type::Boolean))
    }

    fn distinct(&mut self, left: &Expr, op: &str, right: &Expr, scope: &Scope<'_>, place: Place) -> Result<Value, Error> {
        let (left, right) = (self.exact(left, scope)?, self.exact(right, scope)?);
        let (left, right) = self.alike(&left, &right, op, place)?;
        Ok(Value::new(format!("({} {op} {})", left.sql, right.sql), Type::Boolean))
    }

    fn like_expression(
        &mut self,
        (inner, pattern): (&Expr, &Expr),
        modes: (bool, bool),
        escape: Option<&SqlValue>,
        scope: &Scope<'_>,
        place: Place,
    ) -> Result<Value, Error> {
        let (value, pattern) = (self.exact(inner, scope)?, self.exact(pattern, scope)?);
        let escape = match escape {
            None => None,
            Some(SqlValue::SingleQuotedString(text)) if text.chars().count() == 1 => text.chars().next(),
            Some(_) => return Err(Error::invalid(place, "ESCAPE takes one character")),
        };
        self.like(value, pattern, modes, escape, place)
    }

    /// A sub-query as a value, in IN or in EXISTS.
    fn sub_query(&mut self, left: Option<&Expr>, query: &Query, op: &str, scope: &Scope<'_>) -> Result<Value, Error> {
        self.outside(|compiler| {
            let tested = left.map(|left| compiler.exact(left, scope)).transpose()?;
            let (sql, outputs) = compiler.query(query, Some(scope))?;
            let exists = op.contains("EXISTS");
            if outputs.len() != 1 && !exists {
                let message = format!("the sub-query yields {} columns, not one", outputs.len());
                return Err(Error::invalid(Place::default(), message));
            }
            let kind = outputs.into_iter().next().map_or(Type::Unknown, |output| output.kind);
            Ok(match tested {
                Some(tested) => {
                    let inner = Value::new("", kind);
                    let (tested, _) = compiler.alike(&tested, &inner, "IN", Place::default())?;
                    Value::new(format!("({} {op}({sql}))", tested.sql), Type::Boolean)
                }
                None if exists => Value::new(format!("({op}({sql}))"), Type::Boolean),
                None => Value::new(format!("({sql})"), kind),
            })
        })
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
        scope: &Scope<'_>,
    ) -> Result<Value, Error> {
        let operand = operand.map(|operand| self.exact(operand, scope)).transpose()?;
        let mut sql = "CASE".to_owned();
        let mut kind = Type::Unknown;
        for CaseWhen { condition, result } in conditions {
            let place = place_of(condition);
            let condition = self.exact(condition, scope)?;
            let condition = match &operand {
                Some(operand) => self.filtering(false, |compiler| compiler.compare(operand.clone(), "=", condition, place))?,
                None => condition,
            };
            let result = self.exact(result, scope)?;
            kind = kind.or(&result.kind);
            sql = format!("{sql} WHEN {} THEN {}", condition.sql, result.sql);
        }
        if let Some(otherwise) = otherwise {
            let otherwise = self.exact(otherwise, scope)?;
            kind = kind.or(&otherwise.kind);
            sql = format!("{sql} ELSE {}", otherwise.sql);
        }
        Ok(Value::new(format!("({sql} END)"), kind))
    }

    fn extract(&mut self, field: &DateTimeField, inner: &Expr, scope: &Scope<'_>, place: Place) -> Result<Value, Error> {
        let name = field.to_string().to_ascii_lowercase();
        let name = match name.as_str() {
            "dayofweek" => "dow",
            "dayofyear" => "doy",
            "year" | "quarter" | "month" | "week" | "day" | "hour" | "minute" | "second" | "millisecond" | "dow" | "doy"
            | "day_of_week" | "day_of_year" | "day_of_month" | "yow" | "year_of_week" => &name,
            _ => return Err(Error::invalid(place, format!("EXTRACT knows no field {name}"))),
        };
        self.call_named(name, &[inner], scope, place)
    }

    fn array(&mut self, elements: &[Expr], scope: &Scope<'_>) -> Result<Value, Error> {
        let mut kind = Type::Unknown;
        let mut items = Vec::new();
        for element in elements {
            let value = self.exact(element, scope)?;
            kind = kind.or(&value.kind);
            items.push(value.sql);
        }
        Ok(Value::new(call("make_array", items), kind.list()))
    }
}

/// A chain of operands as a shallow tree.
fn balanced(operands: &[String], op: &str) -> String {
    match operands {
        [] => "true".to_owned(),
        [one] => one.clone(),
        several => {
            let (left, right) = several.split_at(several.len().div_ceil(2));
            format!("({} {op} {})", balanced(left, op), balanced(right, op))
        }
    }
}

pub(crate) fn boolean(value: Value, expr: &Expr) -> Result<Value, Error> {
    match value.kind {
        Type::Boolean | Type::Unknown => Ok(value),
        other => Err(Error::invalid(place_of(expr), format!("a condition is expected, not {}", other.name()))),
    }
}

fn arithmetic(left: &Value, op: &BinaryOperator, right: &Value, place: Place) -> Result<Value, Error> {
    let additive = matches!(op, BinaryOperator::Plus | BinaryOperator::Minus);
    let kind = match (&left.kind, &right.kind) {
        (a @ (Type::Timestamp | Type::Zoned | Type::Date), Type::Interval) if additive => a.clone(),
        (Type::Interval, b @ (Type::Timestamp | Type::Zoned | Type::Date)) if *op == BinaryOperator::Plus => b.clone(),
        (Type::Timestamp | Type::Zoned | Type::Date, Type::Timestamp | Type::Zoned | Type::Date)
            if *op == BinaryOperator::Minus =>
        {
            let difference = call("interval_between", [&left.sql, &right.sql]);
            return Ok(Value::new(difference, Type::Interval));
        }
        (Type::Interval, Type::Interval) if additive => Type::Interval,
        (Type::Interval, b) if b.is_number() && !additive => Type::Interval,
        (a, Type::Interval) if a.is_number() && *op == BinaryOperator::Multiply => Type::Interval,
        (Type::Integer, Type::Integer) => Type::Integer,
        (a, b) if a.is_number() && b.is_number() => Type::Double,
        (Type::Unknown, _) | (_, Type::Unknown) => Type::Unknown,
        (a, b) => {
            let message = format!("cannot apply {op} to {} and {}", a.name(), b.name());
            return Err(Error::invalid(place, message));
        }
    };
    Ok(Value::new(format!("({} {op} {})", left.sql, right.sql), kind))
}

fn constant(value: &SqlValue, place: Place) -> Result<Value, Error> {
    Ok(match value {
        SqlValue::Number(number, _) => {
            let kind = if number.bytes().all(|byte| byte.is_ascii_digit()) { Type::Integer } else { Type::Double };
            Value { literal: Some(Literal::Number(number.clone())), ..Value::new(number.clone(), kind) }
        }
        SqlValue::SingleQuotedString(text) => Value::text(text.clone()),
        SqlValue::Boolean(truth) => {
            Value { literal: Some(Literal::Boolean(*truth)), ..Value::new(truth.to_string(), Type::Boolean) }
        }
        SqlValue::Null => Value { literal: Some(Literal::Null), ..Value::new("NULL", Type::Unknown) },
        other => return Err(Error::invalid(place, format!("{other} is not supported"))),
    })
}

/// `INTERVAL '30' MINUTE`. Days and shorter are written in seconds, so that intervals compare by their length.
fn interval(written: &Interval, place: Place) -> Result<Value, Error> {
    let text = match written.value.as_ref() {
        Expr::Value(value) => match &value.value {
            SqlValue::SingleQuotedString(text) | SqlValue::Number(text, _) => text.trim().to_owned(),
            _ => String::new(),
        },
        _ => String::new(),
    };
    let Some(field) = &written.leading_field else {
        let hint = Some("write INTERVAL '30' MINUTE".to_owned());
        return Err(Error::invalid(place, "the interval has no unit").hint(hint));
    };
    if written.last_field.is_some() {
        return Err(Error::invalid(place, "intervals of several units are not supported"));
    }
    let bad = || Error::invalid(place, format!("{} is not a number of units", quote(&text)));
    let name = field.to_string().to_ascii_uppercase();
    let (unit, length) = match name.trim_end_matches('S') {
        "YEAR" => ("MONTH", 12),
        "MONTH" => ("MONTH", 1),
        "WEEK" => ("SECOND", 604_800),
        "DAY" => ("SECOND", 86_400),
        "HOUR" => ("SECOND", 3_600),
        "MINUTE" => ("SECOND", 60),
        "SECOND" => {
            let seconds: f64 = text.parse().map_err(|_| bad())?;
            return Ok(Value::new(format!("INTERVAL '{seconds} SECOND'"), Type::Interval));
        }
        _ => return Err(Error::invalid(place, format!("{name} is not a unit of intervals"))),
    };
    let count: i64 = text.parse().map_err(|_| bad())?;
    let length = count.checked_mul(length).filter(|length| length.abs() < 1 << 40).ok_or_else(bad)?;
    Ok(Value::new(format!("INTERVAL '{length} {unit}'"), Type::Interval))
}

/// `CEIL(x)` and not `CEIL(x TO DAY)`.
fn is_plain(field: &CeilFloorKind) -> bool {
    matches!(field, CeilFloorKind::DateTimeField(DateTimeField::NoDateTime))
}

fn unsupported(expr: &Expr) -> Error {
    Error::invalid(place_of(expr), format!("{expr} is not supported"))
}

/// The query that an operand of ANY or ALL is.
fn queried(operand: &Expr) -> Option<&Query> {
    match operand {
        Expr::Subquery(query) => Some(query),
        Expr::Nested(inner) => queried(inner),
        _ => None,
    }
}
