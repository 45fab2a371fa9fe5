//! The first few rows of an order with all that is asked of them, in two steps: first which rows they are, by what the
//! conditions and the order need; then the rest, of these rows alone. In one step the engine would read every column of
//! every row that fits.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Distinct, Expr, GroupByExpr, OrderByExpr, Select, Visit, Visitor};

use super::compile::Compiler;
use super::error::Error;
use super::scope::{Relation, Scope, Stored, Value, ident};
use crate::functions::catalog::{Class, find};
use crate::schema;

/// The most rows that are worth it. Own choice: they are named in the second step's text one by one.
const ROWS_MAX: u64 = 1_000;
/// With so many columns, none of them heavy, one step takes less.
const FEW_COLUMNS_MAX: usize = 8;
/// Columns whose values weigh much.
const HEAVY: &[&str] =
    &[schema::EVENT_JSON, "additionaleventdata", "requestparameters", "resources", "responseelements", "useridentity"];

/// A statement in two steps.
#[derive(Debug, Clone)]
pub(crate) struct Late {
    /// Yields the position and the time of each row.
    pub(crate) find: String,
    /// The table that rows are of.
    pub(crate) store: Stored,
    /// So much is asked of them that reading their records and making the rows anew takes less than reading their columns.
    pub(crate) of_records: bool,
    fetch: String,
    /// ORDER BY and LIMIT.
    sorted: String,
}

impl Late {
    /// What is asked, of rows with these positions and times (microseconds); there must be some.
    pub(crate) fn fetch(&self, rows: &[(i64, i64)]) -> String {
        format!("{}{}{}", self.fetch, self.are(rows), self.sorted)
    }

    /// What is asked, of a table that has these rows alone.
    pub(crate) fn fetch_all(&self) -> String {
        format!("{}{}", self.fetch, self.sorted)
    }

    /// The records of rows with these positions and times, and what else a row is made of.
    pub(crate) fn records(&self, rows: &[(i64, i64)]) -> String {
        let columns = schema::RECORD.map(|name| self.column(name)).join(", ");
        format!("SELECT {columns} FROM {} AS {}{}", ident(&self.store.id), ident(&self.store.table), self.are(rows))
    }

    /// A condition: which rows.
    fn are(&self, rows: &[(i64, i64)]) -> String {
        let between = |value: fn(&(i64, i64)) -> i64| {
            (rows.iter().map(value).min().unwrap_or_default(), rows.iter().map(value).max().unwrap_or_default())
        };
        let ((first, last), (oldest, newest)) = (between(|row| row.0), between(|row| row.1));
        let (position, time) = (self.column(schema::POSITION), self.column(schema::EVENT_TIME));
        let positions = rows.iter().map(|row| row.0.to_string()).collect::<Vec<_>>().join(", ");
        format!(
            " WHERE {position} IN ({positions}) AND {position} BETWEEN {first} AND {last} \
             AND {time} BETWEEN to_timestamp_micros({oldest}) AND to_timestamp_micros({newest})"
        )
    }

    fn column(&self, name: &str) -> String {
        format!("{}.{}", ident(&self.store.table), ident(name))
    }
}

/// A SELECT as it was written and as it was compiled.
pub(crate) struct Parts<'a> {
    pub(crate) select: &'a Select,
    pub(crate) order: &'a [OrderByExpr],
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) list: &'a [(String, Value)],
    pub(crate) columns: &'a str,
    pub(crate) from: &'a str,
    pub(crate) condition: &'a str,
    pub(crate) sorted: &'a str,
}

impl Compiler<'_> {
    /// Notes how the statement could be run in two steps, but for its LIMIT.
    pub(crate) fn consider_late(&mut self, parts: &Parts<'_>) -> Result<(), Error> {
        let Parts { select, order, scope, list, .. } = parts;
        let [Relation { stored: Some(store), .. }] = scope.relations else { return Ok(()) };
        if !self.is_outermost() || scope.outer.is_some() || order.is_empty() || !is_wide(list) || !is_of_rows(select, order) {
            return Ok(());
        }
        // The first step has none of the list's columns: what is in the list is written out.
        let sorted = self.order_select(order, list, list, scope)?;
        let Parts { columns, from, condition, .. } = parts;
        let column = |name: &str| format!("{}.{}", ident(&store.table), ident(name));
        let (position, time) = (column(schema::POSITION), column(schema::EVENT_TIME));
        self.late = Some(Late {
            find: format!("SELECT {position} AS \"position\", {time} AS \"time\"{from}{condition}{sorted}"),
            fetch: format!("SELECT {columns}{from}"),
            store: store.clone(),
            of_records: list.len() > FEW_COLUMNS_MAX,
            sorted: parts.sorted.to_owned(),
        });
        Ok(())
    }

    /// Adds the outermost query's LIMIT, without which, or with many rows, one step is better.
    pub(crate) fn limit_late(&mut self, limit: &str) {
        let rows = limit.strip_prefix(" LIMIT ").and_then(|rows| rows.parse::<u64>().ok());
        self.late = match (self.late.take(), rows) {
            (Some(late), Some(rows)) if rows <= ROWS_MAX => {
                Some(Late { find: late.find + limit, sorted: late.sorted + limit, ..late })
            }
            _ => None,
        };
    }
}

/// Whether reading the list costs much more than reading what conditions and order need.
fn is_wide(list: &[(String, Value)]) -> bool {
    let heavy = |value: &Value| HEAVY.iter().any(|name| value.sql.contains(&ident(name)));
    list.len() > FEW_COLUMNS_MAX || list.iter().any(|(_, value)| heavy(value))
}

/// Whether each row of the result is made of one row of the table.
fn is_of_rows(select: &Select, order: &[OrderByExpr]) -> bool {
    let plain = matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty())
        && select.having.is_none()
        && !matches!(select.distinct, Some(Distinct::Distinct | Distinct::On(_)));
    plain && select.projection.visit(&mut OfRows).is_continue() && order.iter().all(|key| key.visit(&mut OfRows).is_continue())
}

/// Stops at what needs other rows.
struct OfRows;

impl Visitor for OfRows {
    type Break = ();

    fn pre_visit_query(&mut self, _: &datafusion::sql::sqlparser::ast::Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let known = find(&function.name.to_string().to_ascii_lowercase());
        let scalar = known.is_some_and(|known| matches!(known.class, Class::Scalar | Class::Special(_)));
        if scalar && function.over.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}
