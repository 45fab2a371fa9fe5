//! UNNEST: a row for every element of a list or entry of a map.
//!
//! The engine can only unnest in a select list. So everything before the UNNEST becomes a sub-query that yields all its
//! columns and the element; what is not used of them the planner drops again.

use datafusion::sql::sqlparser::ast::{Ident, TableFactor};

use super::body::place_of;
use super::compile::Compiler;
use super::error::Error;
use super::query::refuse;
use super::relations::{From, place_of_factor};
use super::scope::{Column, Relation, Scope, Value, call, ident, quote};
use super::typing::Type;

impl Compiler<'_> {
    /// Compiles `before CROSS JOIN UNNEST(…)`; `keep` rows of which there is no element, as LEFT JOIN does.
    pub(crate) fn unnest(
        &mut self,
        factor: &TableFactor,
        before: Option<From>,
        keep: bool,
        outer: Option<&Scope<'_>>,
    ) -> Result<From, Error> {
        let place = place_of_factor(factor);
        let TableFactor::UNNEST { alias, array_exprs, with_offset, with_ordinality, .. } = factor else {
            return Err(Error::invalid(place, "UNNEST is expected"));
        };
        refuse(*with_offset, place, "WITH OFFSET")?;
        let before = before.unwrap_or_else(|| From { sql: String::new(), relations: Vec::new() });
        let scope = Scope::of(&before.relations, outer);
        let mut lists = Vec::new();
        for expr in array_exprs {
            let value = self.value(expr, &scope)?;
            lists.push(unnestable(value).map_err(|kind| {
                Error::invalid(place_of(expr), format!("UNNEST expects an array or a map, not {}", kind.name()))
            })?);
        }
        let written = alias.as_ref().map_or("unnest", |alias| &alias.name.value);
        let table = self.fresh(written);
        let mut selected = Vec::new();
        let mut relations = before.relations;
        for column in relations.iter_mut().flat_map(|relation| &mut relation.columns) {
            column.sql = select_as(&mut selected, &table, &column.sql);
            if let Some(time) = &mut column.time {
                *time = select_as(&mut selected, &table, time);
            }
        }
        let first = lists.first().map(|list| list.sql.clone()).unwrap_or_default();
        let elements: Vec<Value> = lists
            .into_iter()
            .map(|list| {
                let sql = if keep { call("or_one_null", [&list.sql]) } else { list.sql };
                let element = match list.kind {
                    Type::List(element) => element.as_ref().clone(),
                    _ => Type::Unknown,
                };
                Value::new(select_as(&mut selected, &table, &call("unnest", [sql])), element)
            })
            .collect();
        let names: Vec<Ident> = alias.iter().flat_map(|alias| &alias.columns).map(|column| column.name.clone()).collect();
        let mut columns = element_columns(elements, &names, usize::from(*with_ordinality), written);
        if *with_ordinality {
            let numbers = select_as(&mut selected, &table, &call("unnest", [call("positions", [first])]));
            let name = names.get(columns.len()).map_or("ordinality", |name| &name.value);
            columns.push(column(name, numbers, Type::Integer));
        }
        if !names.is_empty() && names.len() != columns.len() {
            let message = format!("{written} names {} columns, but there are {}", names.len(), columns.len());
            return Err(Error::invalid(place, message));
        }
        relations.push(Relation { name: written.to_ascii_lowercase(), columns, stored: None });
        let from = if before.sql.is_empty() { String::new() } else { format!(" FROM {}", before.sql) };
        let sql = format!("(SELECT {}{from}) AS {}", selected.join(", "), ident(&table));
        self.weigh(&sql)?;
        Ok(From { sql, relations })
    }
}

/// Adds an expression to a select list, and answers what it is called from outside.
fn select_as(selected: &mut Vec<String>, table: &str, sql: &str) -> String {
    let name = selected.len().to_string();
    selected.push(format!("{sql} AS {}", ident(&name)));
    format!("{}.{}", ident(table), ident(&name))
}

/// The value as a list; a map is a list of entries.
fn unnestable(value: Value) -> Result<Value, Type> {
    match &value.kind {
        Type::List(_) | Type::Unknown => Ok(value),
        Type::Map => {
            let entry = Type::Struct(std::sync::Arc::new(vec![("key".to_owned(), Type::Text), ("value".to_owned(), Type::Text)]));
            Ok(Value::new(call("map_entries", [&value.sql]), entry.list()))
        }
        other => Err(other.clone()),
    }
}

/// The columns that elements become. An element with members becomes a column for each, unless the names given are as
/// many as the elements: then each is the whole element.
fn element_columns(elements: Vec<Value>, names: &[Ident], others: usize, written: &str) -> Vec<Column> {
    let whole = !names.is_empty() && names.len() == elements.len() + others && elements.iter().all(|element| !is_entry(element));
    let mut columns = Vec::new();
    for element in elements {
        let members = match &element.kind {
            Type::Struct(members) if !whole => members.as_ref().clone(),
            _ => {
                let name = names.get(columns.len()).map_or(written, |name| &name.value);
                columns.push(column(name, element.sql, element.kind));
                continue;
            }
        };
        for (member, kind) in members {
            let name = names.get(columns.len()).map_or(member.as_str(), |name| &name.value);
            columns.push(column(name, call("get_field", [element.sql.clone(), quote(&member)]), kind));
        }
    }
    columns
}

/// An entry of a map is a key and a value, never one column.
fn is_entry(element: &Value) -> bool {
    matches!(&element.kind, Type::Struct(members) if members.len() == 2 && members[0].0 == "key" && members[1].0 == "value")
}

fn column(name: &str, sql: String, kind: Type) -> Column {
    Column { name: name.to_ascii_lowercase(), label: name.to_owned(), sql, kind, shown: true, time: None }
}
