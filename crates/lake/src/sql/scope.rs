//! What names mean at a place of the statement: relations, their columns, and the SQL that stands for each.

use datafusion::sql::sqlparser::ast::Ident;

use super::error::{Error, did_you_mean};
use super::typing::Type;

/// A compiled expression.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    /// The engine's SQL.
    pub(crate) sql: String,
    pub(crate) kind: Type,
    /// The constant it is, if it is one.
    pub(crate) literal: Option<Literal>,
    /// Whether it is one member of every element of a list (R6): predicates ask whether there is a fitting one.
    pub(crate) each: bool,
    /// If it is read out of JSON text: the SQL in pieces, between which a needle can be put (a text that must occur in
    /// the JSON for the value to be of interest).
    pub(crate) pieces: Vec<String>,
    /// If it is a time shown as text: the time itself.
    pub(crate) time: Option<String>,
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Literal {
    Text(String),
    Number(String),
    Boolean(bool),
    Null,
}

impl Value {
    pub(crate) fn new(sql: impl Into<String>, kind: Type) -> Self {
        Self { sql: sql.into(), kind, literal: None, each: false, pieces: Vec::new(), time: None }
    }

    /// A text constant.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { literal: Some(Literal::Text(text.clone())), ..Self::new(quote(&text), Type::Text) }
    }

    /// What is read out of JSON text, with room for a needle.
    pub(crate) fn read(pieces: Vec<String>, kind: Type) -> Self {
        Self { sql: pieces.join("''"), pieces, ..Self::new("", kind) }
    }

    /// The same, or NULL where the needle does not occur.
    pub(crate) fn with_needle(self, needle: &str) -> Self {
        if self.pieces.is_empty() || needle.is_empty() {
            return self;
        }
        Self { sql: self.pieces.join(&quote(needle)), ..self }
    }

    /// The text it is, if it is a text constant.
    pub(crate) fn literal_text(&self) -> Option<&str> {
        match &self.literal {
            Some(Literal::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// A string literal of the engine's SQL.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An identifier of the engine's SQL.
pub(crate) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A call in the engine's SQL.
pub(crate) fn call<S: AsRef<str>>(function: &str, args: impl IntoIterator<Item = S>) -> String {
    let args: Vec<String> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
    format!("{}({})", ident(function), args.join(", "))
}

/// A table, view or sub-query in FROM.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// What it is called, in lower case.
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// Which event data store it is, if it is one as it is.
    pub(crate) stored: Option<Stored>,
}

/// An event data store in FROM.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// The id of the store.
    pub(crate) id: String,
    /// What it is called in the engine's SQL.
    pub(crate) table: String,
}

/// A column of a relation.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Its name in lower case; a shadow column's path as its table spells it.
    pub(crate) name: String,
    /// What it is called in a result if it comes by `*`.
    pub(crate) label: String,
    pub(crate) sql: String,
    pub(crate) kind: Type,
    /// Whether `*` shows it.
    pub(crate) shown: bool,
    /// If it is a time shown as text: the time itself.
    pub(crate) time: Option<String>,
}

impl Column {
    pub(crate) fn value(&self) -> Value {
        Value { time: self.time.clone(), ..Value::new(self.sql.clone(), self.kind.clone()) }
    }
}

impl Relation {
    /// The column of that name, whatever its case.
    fn column(&self, name: &str, place: &Ident) -> Result<Option<&Column>, Error> {
        let name = name.to_ascii_lowercase();
        // AWS's published schema has this misprint.
        let name = if name == "errormssage" { "errormessage" } else { &name };
        let mut found = self.columns.iter().filter(|column| column.name == name);
        let first = found.next();
        if found.next().is_some() {
            return Err(Error::invalid(place.span, format!("column {} is ambiguous", place.value)));
        }
        Ok(first)
    }

    /// The flat copy of what stands at a path.
    pub(crate) fn shadow(&self, path: &str) -> Option<&Column> {
        self.columns.iter().find(|column| !column.shown && column.name == path)
    }
}

/// The relations of one SELECT, and those around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) relations: &'a [Relation],
    pub(crate) outer: Option<&'a Self>,
    /// What the select list is called, for places where it can be named.
    pub(crate) outputs: &'a [(String, Value)],
}

/// A column that a path begins with.
pub(crate) struct Found<'a> {
    pub(crate) relation: &'a Relation,
    pub(crate) column: &'a Column,
    /// How many of the path's parts it took.
    pub(crate) taken: usize,
}

impl<'a> Scope<'a> {
    pub(crate) fn of(relations: &'a [Relation], outer: Option<&'a Self>) -> Self {
        Self { relations, outer, outputs: &[] }
    }

    /// The column with which the path begins: a relation's name comes before a column's, the inner query before the
    /// outer one.
    pub(crate) fn find(&self, parts: &[Ident]) -> Result<Option<Found<'a>>, Error> {
        let [first, rest @ ..] = parts else { return Ok(None) };
        if let Some(second) = rest.first() {
            let named = self.relations.iter().find(|relation| relation.name.eq_ignore_ascii_case(&first.value));
            if let Some(relation) = named
                && let Some(column) = relation.column(&second.value, second)?
            {
                return Ok(Some(Found { relation, column, taken: 2 }));
            }
        }
        let mut found = None;
        for relation in self.relations {
            if let Some(column) = relation.column(&first.value, first)? {
                if found.is_some() {
                    let message = format!("column {} is ambiguous", first.value);
                    let hint = "put the table's name before it".to_owned();
                    return Err(Error::invalid(first.span, message).hint(Some(hint)));
                }
                found = Some(Found { relation, column, taken: 1 });
            }
        }
        match (found, self.outer) {
            (Some(found), _) => Ok(Some(found)),
            (None, Some(outer)) => outer.find(parts),
            (None, None) => Ok(None),
        }
    }

    /// What to answer if no column fits.
    pub(crate) fn unknown(&self, parts: &[Ident]) -> Error {
        let Some(first) = parts.first() else { return Error::invalid(super::error::Place::default(), "no column is named") };
        let named = self.relations.iter().find(|relation| relation.name.eq_ignore_ascii_case(&first.value));
        if let (Some(relation), Some(second)) = (named, parts.get(1)) {
            let message = format!("column {} does not exist in {}", second.value, first.value);
            let columns = relation.columns.iter().filter(|column| column.shown).map(|column| column.name.as_str());
            return Error::invalid(second.span, message).hint(did_you_mean(&second.value, columns));
        }
        let columns = self.relations.iter().flat_map(|relation| &relation.columns).filter(|column| column.shown);
        let hint = did_you_mean(&first.value, columns.map(|column| column.name.as_str()));
        Error::invalid(first.span, format!("column {} does not exist", first.value)).hint(hint)
    }
}
