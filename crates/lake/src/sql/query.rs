//! Queries: WITH, set operations, ORDER BY and LIMIT around them.

use datafusion::sql::sqlparser::ast::{
    Expr, Fetch, LimitClause, OrderBy, OrderByExpr, OrderByKind, Query, SetExpr, SetOperator, SetQuantifier, TableAlias,
    Value as SqlValue, Values,
};

use super::body::place_of;
use super::compile::Compiler;
use super::error::{Error, Place};
use super::scope::{Scope, Value, ident};
use super::typing::Type;

/// A column that a query yields.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// What it is called in the result.
    pub(crate) label: String,
    /// What it is called in the engine's SQL: no two columns of a query are called the same.
    pub(crate) column: String,
    pub(crate) kind: Type,
}

impl Output {
    pub(crate) fn new(number: usize, label: String, kind: Type) -> Self {
        Self { column: format!("{number}:{label}"), label, kind }
    }

    pub(crate) fn value(&self) -> Value {
        Value::new(ident(&self.column), self.kind.clone())
    }
}

/// A common table expression.
#[derive(Debug, Clone)]
pub(crate) struct With {
    /// Its name in lower case.
    pub(crate) name: String,
    /// Its name in the engine's SQL.
    pub(crate) table: String,
    pub(crate) outputs: Vec<Output>,
}

impl Compiler<'_> {
    /// Compiles a query.
    pub(crate) fn query(&mut self, query: &Query, outer: Option<&Scope<'_>>) -> Result<(String, Vec<Output>), Error> {
        self.nested(|compiler| {
            let known = compiler.with.len();
            let compiled = compiler.filtering(false, |compiler| compiler.query_within(query, outer));
            compiler.with.truncate(known);
            compiled
        })
    }

    fn query_within(&mut self, query: &Query, outer: Option<&Scope<'_>>) -> Result<(String, Vec<Output>), Error> {
        let place = place_of_query(query);
        refuse(!query.locks.is_empty() || query.for_clause.is_some(), place, "FOR")?;
        refuse(query.settings.is_some(), place, "SETTINGS")?;
        refuse(query.format_clause.is_some(), place, "FORMAT")?;
        refuse(!query.pipe_operators.is_empty(), place, "|>")?;
        let with = self.with_clause(query, outer)?;
        let order = order_by(query.order_by.as_ref(), place)?;
        let (body, outputs) = match query.body.as_ref() {
            SetExpr::Select(select) => self.select(select, order, outer)?,
            other => {
                let (sql, outputs) = self.set(other, outer)?;
                let sorted = self.order_outputs(order, &outputs)?;
                (format!("{sql}{sorted}"), outputs)
            }
        };
        let limit = limit(query.limit_clause.as_ref(), query.fetch.as_ref(), place)?;
        if self.is_outermost() {
            self.limit_late(&limit);
        }
        let sql = format!("{with}{body}{limit}");
        self.weigh(&sql)?;
        Ok((sql, outputs))
    }

    fn with_clause(&mut self, query: &Query, outer: Option<&Scope<'_>>) -> Result<String, Error> {
        let Some(with) = &query.with else { return Ok(String::new()) };
        let recursive = with.cte_tables.first().filter(|_| with.recursive);
        refuse(recursive.is_some(), recursive.map(|table| table.alias.name.span.into()).unwrap_or_default(), "WITH RECURSIVE")?;
        let mut tables = Vec::new();
        for table in &with.cte_tables {
            let (sql, outputs) = self.query(&table.query, outer)?;
            let outputs = renamed(outputs, &table.alias)?;
            let name = self.fresh(&table.alias.name.value);
            tables.push(format!("{} AS ({sql})", ident(&name)));
            self.with.push(With { name: table.alias.name.value.to_ascii_lowercase(), table: name, outputs });
        }
        Ok(format!("WITH {} ", tables.join(", ")))
    }

    /// One side of a set operation, or the operation.
    fn set(&mut self, set: &SetExpr, outer: Option<&Scope<'_>>) -> Result<(String, Vec<Output>), Error> {
        match set {
            SetExpr::Select(select) => self.select(select, &[], outer),
            SetExpr::Query(query) => {
                let (sql, outputs) = self.query(query, outer)?;
                Ok((format!("({sql})"), outputs))
            }
            SetExpr::Values(values) => self.values(values, outer),
            SetExpr::SetOperation { op, set_quantifier, left, right } => self.nested(|compiler| {
                let left = compiler.set(left, outer)?;
                let right = compiler.set(right, outer)?;
                compiler.combine(*op, *set_quantifier, left, &right, place_of_set(set))
            }),
            _ => Err(Error::invalid(place_of_set(set), "only SELECT statements are allowed")),
        }
    }

    fn combine(
        &mut self,
        op: SetOperator,
        quantifier: SetQuantifier,
        left: (String, Vec<Output>),
        right: &(String, Vec<Output>),
        place: Place,
    ) -> Result<(String, Vec<Output>), Error> {
        let name = match op {
            SetOperator::Union => "UNION",
            SetOperator::Except | SetOperator::Minus => "EXCEPT",
            SetOperator::Intersect => "INTERSECT",
        };
        let all = match quantifier {
            SetQuantifier::All => " ALL",
            SetQuantifier::None | SetQuantifier::Distinct => "",
            _ => return Err(Error::invalid(place, format!("{name} BY NAME is not supported"))),
        };
        if left.1.len() != right.1.len() {
            let message = format!("{name} has different numbers of columns: {} and {}", left.1.len(), right.1.len());
            return Err(Error::invalid(place, message));
        }
        let mut outputs = Vec::new();
        for (number, (a, b)) in left.1.into_iter().zip(&right.1).enumerate() {
            let kind = a.kind.clone().or(&b.kind);
            if kind == Type::Unknown && a.kind != Type::Unknown && b.kind != Type::Unknown {
                let (a, b) = (a.kind.name(), b.kind.name());
                let message = format!("column {} of {name} has incompatible types: {a} and {b}", number + 1);
                return Err(Error::invalid(place, message));
            }
            outputs.push(Output { kind, ..a });
        }
        let sql = format!(
            "(SELECT * FROM ({}) AS {}) {name}{all} (SELECT * FROM ({}) AS {})",
            left.0,
            self.side(),
            right.0,
            self.side()
        );
        // The engine names the columns after the left side.
        Ok((format!("SELECT * FROM ({sql}) AS {}", self.side()), outputs))
    }

    fn side(&mut self) -> String {
        ident(&self.fresh("side"))
    }

    fn values(&mut self, values: &Values, outer: Option<&Scope<'_>>) -> Result<(String, Vec<Output>), Error> {
        let scope = Scope::of(&[], outer);
        let mut kinds: Vec<Type> = Vec::new();
        let mut rows = Vec::new();
        for row in &values.rows {
            let mut cells = Vec::new();
            for (at, cell) in row.iter().enumerate() {
                let value = self.value(cell, &scope)?;
                match kinds.get_mut(at) {
                    Some(kind) => *kind = kind.clone().or(&value.kind),
                    None => kinds.push(value.kind.clone()),
                }
                cells.push(value.sql);
            }
            rows.push(format!("({})", cells.join(", ")));
        }
        let outputs: Vec<Output> =
            kinds.into_iter().enumerate().map(|(number, kind)| Output::new(number, format!("_col{number}"), kind)).collect();
        let columns = outputs.iter().enumerate();
        let columns: Vec<String> =
            columns.map(|(number, output)| format!("\"column{}\" AS {}", number + 1, ident(&output.column))).collect();
        let name = ident(&self.fresh("values"));
        Ok((format!("SELECT {} FROM (VALUES {}) AS {name}", columns.join(", "), rows.join(", ")), outputs))
    }

    /// ORDER BY over a whole set operation: it can only name what comes out.
    fn order_outputs(&mut self, order: &[OrderByExpr], outputs: &[Output]) -> Result<String, Error> {
        let named: Vec<(String, Value)> = outputs.iter().map(|output| (output.label.clone(), output.value())).collect();
        let scope = Scope { relations: &[], outer: None, outputs: &named };
        self.order(order, |compiler, expr| match ordinal(expr) {
            Some(number) => nth(&named, number, place_of(expr)),
            None => compiler.value(expr, &scope),
        })
    }

    /// ORDER BY with the given way to compile its expressions. NULLs come last unless said otherwise.
    pub(crate) fn order(
        &mut self,
        order: &[OrderByExpr],
        mut value: impl FnMut(&mut Self, &Expr) -> Result<Value, Error>,
    ) -> Result<String, Error> {
        let mut keys = Vec::new();
        for key in order {
            let compiled = value(self, &key.expr)?;
            let direction = if key.options.asc == Some(false) { "DESC" } else { "ASC" };
            let nulls = if key.options.nulls_first == Some(true) { "FIRST" } else { "LAST" };
            // Maps sort as text would, which is no worse than refusing.
            keys.push(format!("{} {direction} NULLS {nulls}", not_ordinal(compiled.sql)));
        }
        Ok(if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) })
    }
}

/// The names that an alias gives to the columns of what it names.
pub(crate) fn renamed(mut outputs: Vec<Output>, alias: &TableAlias) -> Result<Vec<Output>, Error> {
    if alias.columns.is_empty() {
        return Ok(outputs);
    }
    if alias.columns.len() != outputs.len() {
        let message = format!("{} names {} columns, but there are {}", alias.name.value, alias.columns.len(), outputs.len());
        return Err(Error::invalid(alias.name.span, message));
    }
    for (output, column) in outputs.iter_mut().zip(&alias.columns) {
        output.label.clone_from(&column.name.value);
    }
    Ok(outputs)
}

/// The number of a column, if an expression of GROUP BY or ORDER BY is one.
pub(crate) fn ordinal(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(value) => match &value.value {
            SqlValue::Number(number, _) => number.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// A key of GROUP BY or ORDER BY: a bare number would be taken for a place in the select list.
pub(crate) fn not_ordinal(sql: String) -> String {
    let bare = sql.trim_matches(|c| matches!(c, '(' | ')' | '+' | '-' | ' '));
    if bare.parse::<f64>().is_ok() { format!("({sql} + 0)") } else { sql }
}

/// The n-th column of a select list, from 1.
pub(crate) fn nth(outputs: &[(String, Value)], number: usize, place: Place) -> Result<Value, Error> {
    let found = number.checked_sub(1).and_then(|at| outputs.get(at));
    found.map(|(_, value)| value.clone()).ok_or_else(|| {
        let message = format!("column {number} is not in the select list, which has {}", outputs.len());
        Error::invalid(place, message)
    })
}

pub(crate) fn refuse(present: bool, place: Place, what: &str) -> Result<(), Error> {
    if present { Err(Error::invalid(place, format!("{what} is not supported"))) } else { Ok(()) }
}

fn order_by(order: Option<&OrderBy>, place: Place) -> Result<&[OrderByExpr], Error> {
    match order.map(|order| &order.kind) {
        None => Ok(&[]),
        Some(OrderByKind::Expressions(keys)) => Ok(keys),
        Some(OrderByKind::All(_)) => Err(Error::invalid(place, "ORDER BY ALL is not supported")),
    }
}

fn limit(limit: Option<&LimitClause>, fetch: Option<&Fetch>, place: Place) -> Result<String, Error> {
    let mut sql = String::new();
    match limit {
        None => {}
        Some(LimitClause::OffsetCommaLimit { .. }) => return Err(Error::invalid(place, "LIMIT takes one number")),
        Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
            refuse(!limit_by.is_empty(), place, "LIMIT BY")?;
            if let Some(limit) = limit {
                sql = format!(" LIMIT {}", row_count(limit, "LIMIT")?);
            }
            if let Some(offset) = offset {
                sql = format!("{sql} OFFSET {}", row_count(&offset.value, "OFFSET")?);
            }
        }
    }
    if let Some(fetch) = fetch {
        refuse(fetch.with_ties, place, "FETCH FIRST … WITH TIES")?;
        refuse(fetch.percent, place, "FETCH FIRST … PERCENT")?;
        refuse(sql.starts_with(" LIMIT"), place, "LIMIT together with FETCH FIRST")?;
        let rows = fetch.quantity.as_ref().map_or(Ok(1), |rows| row_count(rows, "FETCH FIRST"))?;
        sql = format!(" LIMIT {rows}{sql}");
    }
    Ok(sql)
}

fn row_count(expr: &Expr, clause: &str) -> Result<u64, Error> {
    let number = match expr {
        Expr::Value(value) => match &value.value {
            SqlValue::Number(number, _) => number.parse().ok(),
            _ => None,
        },
        _ => None,
    };
    number.ok_or_else(|| Error::invalid(place_of(expr), format!("{clause} takes a number of rows, written as digits")))
}

fn place_of_query(query: &Query) -> Place {
    place_of_set(&query.body)
}

fn place_of_set(set: &SetExpr) -> Place {
    match set {
        SetExpr::Select(select) => select.select_token.0.span.into(),
        SetExpr::Query(query) => place_of_query(query),
        SetExpr::SetOperation { left, .. } => place_of_set(left),
        SetExpr::Values(values) => values.rows.iter().flatten().next().map(place_of).unwrap_or_default(),
        _ => Place::default(),
    }
}
