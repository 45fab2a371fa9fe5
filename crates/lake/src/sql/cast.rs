//! CAST, TRY_CAST, and constants with a type's name before them.

use datafusion::sql::sqlparser::ast::{ArrayElemTypeDef, CastKind, DataType, Expr, TimezoneInfo, Value as SqlValue};

use super::body::{Use, place_of};
use super::compare::timestamp;
use super::compile::Compiler;
use super::error::{Error, Place};
use super::scope::{Scope, Value, call, quote};
use super::time_literal;
use super::typing::Type;

impl Compiler<'_> {
    /// `CAST(inner AS target)` and its kin.
    pub(crate) fn cast(&mut self, kind: &CastKind, inner: &Expr, target: &DataType, scope: &Scope<'_>) -> Result<Value, Error> {
        match kind {
            CastKind::Cast => {
                let value = self.exact(inner, scope)?;
                cast_to(value, target, place_of(inner))
            }
            // A cast that fails is NULL, and so is one of something that fails: that is what TRY does.
            CastKind::TryCast => {
                let value = self.exact(inner, scope)?;
                let params = [(" value".to_owned(), value.kind.clone())];
                let (name, captured, kind) = self.body(Use::Try, &params, |compiler| {
                    let inner_value = compiler.parameter(&datafusion::sql::sqlparser::ast::Ident::new(" value"));
                    cast_to(inner_value.unwrap_or_else(|| value.clone()), target, place_of(inner))
                })?;
                Ok(Value::new(call(&name, std::iter::once(value.sql).chain(captured)), kind))
            }
            CastKind::SafeCast | CastKind::DoubleColon => {
                let hint = Some("write CAST(x AS type) or TRY_CAST(x AS type)".to_owned());
                Err(Error::invalid(place_of(inner), "this form of CAST is not supported").hint(hint))
            }
        }
    }

    /// `DATE '…'`, `TIMESTAMP '…'`.
    pub(crate) fn typed_string(target: &DataType, text: &SqlValue, place: Place) -> Result<Value, Error> {
        let SqlValue::SingleQuotedString(text) = text else {
            return Err(Error::invalid(place, "a constant in single quotes is expected"));
        };
        let parsed = time_literal::parse_timestamp(text);
        let bad = || Error::invalid(place, format!("{} is not a {}", quote(text), target.to_string().to_ascii_lowercase()));
        match target {
            DataType::Timestamp(..) => parsed.map(timestamp).ok_or_else(bad),
            DataType::Date if text.trim().len() == 10 => {
                let time = timestamp(parsed.ok_or_else(bad)?);
                Ok(Value::new(format!("CAST({} AS DATE)", time.sql), Type::Date))
            }
            DataType::Boolean
            | DataType::Bool
            | DataType::Varchar(_)
            | DataType::JSON
            | DataType::Double(_)
            | DataType::BigInt(_) => cast_to(Value::text(text.clone()), target, place),
            _ => Err(bad()),
        }
    }
}

/// The value as one of the target's type, by Trino's rules.
fn cast_to(value: Value, target: &DataType, place: Place) -> Result<Value, Error> {
    let json = value.kind == Type::Json;
    let from = |function: &str, kind: Type| Ok(Value::new(call(function, [&value.sql]), kind));
    match target {
        DataType::Varchar(_) | DataType::Char(_) | DataType::Text | DataType::String(_) | DataType::CharacterVarying(_) => {
            from(if json { "json_cast_varchar" } else { "cast_varchar" }, Type::Text)
        }
        DataType::BigInt(_) | DataType::Int(_) | DataType::Integer(_) | DataType::SmallInt(_) | DataType::TinyInt(_) => {
            let bits = match target {
                DataType::BigInt(_) => 64,
                DataType::SmallInt(_) => 16,
                DataType::TinyInt(_) => 8,
                _ => 32,
            };
            let text = if json { call("json_cast_varchar", [&value.sql]) } else { value.sql };
            Ok(Value::new(call("cast_integer", [text, bits.to_string()]), Type::Integer))
        }
        DataType::Double(_) | DataType::DoublePrecision | DataType::Real | DataType::Float(_) => {
            let text = if json { call("json_cast_varchar", [&value.sql]) } else { value.sql };
            Ok(Value::new(call("cast_double", [text]), Type::Double))
        }
        DataType::Decimal(_) | DataType::Numeric(_) | DataType::Dec(_) => {
            Ok(Value::new(format!("CAST({} AS {target})", value.sql), Type::Double))
        }
        DataType::Boolean | DataType::Bool => {
            let text = if json { call("json_cast_varchar", [&value.sql]) } else { value.sql };
            Ok(Value::new(call("cast_boolean", [text]), Type::Boolean))
        }
        DataType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => from("cast_timestamp", Type::Timestamp),
        DataType::Timestamp(..) if value.kind == Type::Zoned => Ok(value),
        DataType::Timestamp(..) => from("cast_timestamp", Type::Timestamp),
        DataType::Date => from("cast_date", Type::Date),
        DataType::JSON => match value.kind {
            Type::Json | Type::Map => Ok(Value { kind: Type::Json, ..value }),
            _ => from("cast_json", Type::Json),
        },
        DataType::Map(..) if json || value.kind == Type::Map => from("json_cast_map", Type::Map),
        DataType::Array(element) if json => {
            let element = element_type(element);
            let (function, kind) = match element {
                Some(DataType::JSON) => ("json_items", Type::Json),
                Some(DataType::Map(..)) => ("json_items", Type::Map),
                _ => ("json_texts", Type::Text),
            };
            let list = Value::new(call(function, [&value.sql]), kind.list());
            match element {
                Some(DataType::Varchar(_) | DataType::JSON | DataType::Map(..)) | None => Ok(list),
                Some(_) => Ok(Value::new(format!("CAST({} AS {target})", list.sql), Type::Unknown)),
            }
        }
        DataType::Array(_) => Ok(Value::new(format!("CAST({} AS {})", value.sql, engine_array(target)), value.kind)),
        other => Err(Error::invalid(place, format!("CAST to {other} is not supported"))),
    }
}

fn element_type(element: &ArrayElemTypeDef) -> Option<&DataType> {
    match element {
        ArrayElemTypeDef::Parenthesis(inner)
        | ArrayElemTypeDef::AngleBracket(inner)
        | ArrayElemTypeDef::SquareBracket(inner, _) => Some(inner),
        ArrayElemTypeDef::None => None,
    }
}

/// An array's type as the engine spells it.
fn engine_array(target: &DataType) -> String {
    match target {
        DataType::Array(element) => element_type(element).map_or_else(String::new, |inner| format!("{}[]", engine_array(inner))),
        other => other.to_string(),
    }
}
