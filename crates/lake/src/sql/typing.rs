//! What the compiler knows of a value: enough to rewrite, to refuse nonsense early and to print results.
//!
//! Arrow cannot tell a `map<string,string>`, a JSON value and a text apart (all three are text to it); this can.

use std::sync::Arc;

use arrow::datatypes::DataType;

use crate::schema;

/// The type of an expression, as CloudTrail Lake's users see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `varchar`.
    Text,
    /// `timestamp`, in UTC.
    Timestamp,
    /// `timestamp with time zone` in a zone other than UTC.
    Zoned,
    /// `date`.
    Date,
    /// `boolean`.
    Boolean,
    /// `bigint` and its smaller kin.
    Integer,
    /// `double`, `real`, `decimal`.
    Double,
    /// An interval.
    Interval,
    /// `map<varchar,varchar>`: the JSON text of an object.
    Map,
    /// `json`: JSON text.
    Json,
    /// `row`: members and their types.
    Struct(Arc<Vec<(String, Self)>>),
    /// `array`.
    List(Arc<Self>),
    /// Not known to the compiler; the planner knows.
    Unknown,
}

impl Type {
    /// An array of these.
    pub(crate) fn list(self) -> Self {
        Self::List(Arc::new(self))
    }

    /// The type of a column or member of a store.
    pub(crate) fn of_kind(kind: schema::Kind) -> Self {
        match kind {
            schema::Kind::Text => Self::Text,
            schema::Kind::Timestamp => Self::Timestamp,
            schema::Kind::Boolean => Self::Boolean,
            schema::Kind::Integer => Self::Integer,
            schema::Kind::Double => Self::Double,
            schema::Kind::Map => Self::Map,
            schema::Kind::List(element) => Self::of_kind(element.kind).list(),
            schema::Kind::Struct(fields) => {
                Self::Struct(Arc::new(fields.iter().map(|field| (field.name.to_owned(), Self::of_kind(field.kind))).collect()))
            }
        }
    }

    /// The type of a column of another table, of which only Arrow's type is known.
    pub(crate) fn of_arrow(data_type: &DataType) -> Self {
        match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::Zoned,
            DataType::Date32 => Self::Date,
            DataType::Boolean => Self::Boolean,
            integer if integer.is_integer() => Self::Integer,
            number if number.is_numeric() => Self::Double,
            DataType::List(field) => Self::of_arrow(field.data_type()).list(),
            DataType::Struct(fields) => {
                let members = fields.iter().map(|field| (field.name().clone(), Self::of_arrow(field.data_type())));
                Self::Struct(Arc::new(members.collect()))
            }
            _ => Self::Unknown,
        }
    }

    /// The type of a struct's member, whatever the case of its name.
    pub(crate) fn member(&self, name: &str) -> Option<(&str, &Self)> {
        let Self::Struct(members) = self else { return None };
        // AWS's page spells this one with a letter swapped.
        let name = if name.eq_ignore_ascii_case("credentiaisissuedto") { "credentialsissuedto" } else { name };
        members.iter().find(|(member, _)| member.eq_ignore_ascii_case(name)).map(|(member, kind)| (member.as_str(), kind))
    }

    /// Whether values are text to the planner.
    pub(crate) fn is_textual(&self) -> bool {
        matches!(self, Self::Text | Self::Map | Self::Json)
    }

    /// Whether it is a number.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Integer | Self::Double)
    }

    /// The type that values of both can have; what is known of them, if they differ.
    pub(crate) fn or(self, other: &Self) -> Self {
        match (&self, other) {
            (left, right) if left == right => self,
            (Self::Unknown, _) => other.clone(),
            (_, Self::Unknown) => self,
            (Self::Integer, Self::Double) | (Self::Double, Self::Integer) => Self::Double,
            (Self::Timestamp, Self::Date) | (Self::Date, Self::Timestamp) => Self::Timestamp,
            (left, right) if left.is_textual() && right.is_textual() => Self::Text,
            _ => Self::Unknown,
        }
    }

    /// The name that users know.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Text => "varchar",
            Self::Timestamp => "timestamp",
            Self::Zoned => "timestamp with time zone",
            Self::Date => "date",
            Self::Boolean => "boolean",
            Self::Integer => "bigint",
            Self::Double => "double",
            Self::Interval => "interval",
            Self::Map => "map(varchar, varchar)",
            Self::Json => "json",
            Self::Struct(_) => "row",
            Self::List(_) => "array",
            Self::Unknown => "unknown",
        }
    }
}
