//! FROM: event data stores, common table expressions, sub-queries, joins.

use cloudtrail::event_data_store::Family;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, TableAlias, TableFactor, TableWithJoins,
};

use super::compile::Compiler;
use super::error::{Error, Place};
use super::names::{Resolved, Shape};
use super::query::{Output, refuse, renamed};
use super::scope::{Column, Relation, Scope, Stored, call, ident};
use super::typing::Type;
use crate::schema;

/// A part of FROM: the engine's SQL, and what can be named in it.
pub(crate) struct From {
    pub(crate) sql: String,
    pub(crate) relations: Vec<Relation>,
}

impl Compiler<'_> {
    /// Compiles a FROM clause.
    pub(crate) fn from(
        &mut self,
        tables: &[TableWithJoins],
        outer: Option<&Scope<'_>>,
    ) -> Result<(String, Vec<Relation>), Error> {
        let mut whole: Option<From> = None;
        for table in tables {
            whole = Some(match (&table.relation, whole) {
                (TableFactor::UNNEST { .. }, before) => {
                    let first = self.unnest(&table.relation, before, false, outer)?;
                    self.joins(first, &table.joins, outer)?
                }
                (_, before) => {
                    let first = self.factor(&table.relation, outer)?;
                    let joined = self.joins(first, &table.joins, outer)?;
                    match before {
                        Some(before) => side_by_side(before, joined, "CROSS JOIN", ""),
                        None => joined,
                    }
                }
            });
        }
        Ok(whole.map_or_else(|| (String::new(), Vec::new()), |from| (format!(" FROM {}", from.sql), from.relations)))
    }

    fn joins(&mut self, first: From, joins: &[Join], outer: Option<&Scope<'_>>) -> Result<From, Error> {
        joins.iter().try_fold(first, |left, join| self.join(left, join, outer))
    }

    fn join(&mut self, left: From, join: &Join, outer: Option<&Scope<'_>>) -> Result<From, Error> {
        let (kind, constraint) = match &join.join_operator {
            JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => ("INNER JOIN", constraint),
            JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => ("LEFT JOIN", constraint),
            JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => ("RIGHT JOIN", constraint),
            JoinOperator::FullOuter(constraint) => ("FULL JOIN", constraint),
            JoinOperator::CrossJoin(constraint) => ("CROSS JOIN", constraint),
            _ => return Err(Error::invalid(place_of_factor(&join.relation), "this kind of join is not supported")),
        };
        if matches!(join.relation, TableFactor::UNNEST { .. }) {
            let always = matches!(constraint, JoinConstraint::None) || is_true(constraint);
            refuse(
                !always || matches!(kind, "RIGHT JOIN" | "FULL JOIN"),
                place_of_factor(&join.relation),
                "this join with UNNEST",
            )?;
            return self.unnest(&join.relation, Some(left), kind == "LEFT JOIN", outer);
        }
        let right = self.factor(&join.relation, outer)?;
        match constraint {
            JoinConstraint::None if kind == "CROSS JOIN" => Ok(side_by_side(left, right, kind, "")),
            JoinConstraint::None => Err(Error::invalid(place_of_factor(&join.relation), "the join has no ON condition")),
            JoinConstraint::Natural => Err(Error::invalid(place_of_factor(&join.relation), "NATURAL JOIN is not supported")),
            JoinConstraint::On(condition) => {
                let mut joined = side_by_side(left, right, kind, "");
                let scope = Scope::of(&joined.relations, outer);
                // Rows that do not fit are kept by an outer join, but never because of NULL instead of false.
                let condition = self.condition(condition, &scope)?;
                joined.sql = format!("{} ON {condition}", joined.sql);
                Ok(joined)
            }
            JoinConstraint::Using(columns) => Self::using(left, right, kind, columns),
        }
    }

    /// `USING (column)`: an equality of both sides' columns, of which one is left.
    fn using(left: From, mut right: From, kind: &str, columns: &[ObjectName]) -> Result<From, Error> {
        let mut conditions = Vec::new();
        let mut left = left;
        for column in columns {
            let Some(name) = column.0.first().and_then(|part| part.as_ident()) else { continue };
            let parts = [name.clone()];
            let ours = Scope::of(&left.relations, None).find(&parts)?.map(|found| found.column.sql.clone());
            let theirs = Scope::of(&right.relations, None).find(&parts)?.map(|found| found.column.sql.clone());
            let (Some(ours), Some(theirs)) = (ours, theirs) else {
                return Err(Scope::of(&left.relations, None).unknown(&parts));
            };
            conditions.push(format!("{ours} = {theirs}"));
            let merged = match kind {
                "RIGHT JOIN" => theirs.clone(),
                "FULL JOIN" => call("coalesce", [&ours, &theirs]),
                _ => ours.clone(),
            };
            let lower = name.value.to_ascii_lowercase();
            for column in left.relations.iter_mut().flat_map(|relation| &mut relation.columns) {
                if column.name == lower {
                    column.sql.clone_from(&merged);
                }
            }
            for relation in &mut right.relations {
                relation.columns.retain(|column| column.name != lower);
            }
        }
        Ok(side_by_side(left, right, kind, &format!(" ON {}", conditions.join(" AND "))))
    }

    /// One table, sub-query or join in parentheses.
    fn factor(&mut self, factor: &TableFactor, outer: Option<&Scope<'_>>) -> Result<From, Error> {
        let place = place_of_factor(factor);
        match factor {
            TableFactor::Table { name, alias, args, sample, version, with_ordinality, json_path, partitions, .. } => {
                refuse(args.is_some(), place, "a table function")?;
                refuse(sample.is_some(), place, "TABLESAMPLE")?;
                refuse(version.is_some(), place, "FOR VERSION")?;
                refuse(*with_ordinality || json_path.is_some() || !partitions.is_empty(), place, "this form of a table")?;
                self.table(name, alias.as_ref())
            }
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                refuse(*lateral, place, "LATERAL")?;
                refuse(sample.is_some(), place, "TABLESAMPLE")?;
                let (sql, outputs) = self.query(subquery, outer)?;
                let written = alias.as_ref().map_or("subquery", |alias| &alias.name.value);
                let outputs = match alias {
                    Some(alias) => renamed(outputs, alias)?,
                    None => outputs,
                };
                let table = self.fresh(written);
                let name = alias.as_ref().map(|alias| alias.name.value.to_ascii_lowercase()).unwrap_or_default();
                Ok(derived(name, &table, &format!("({sql})"), outputs))
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                refuse(alias.is_some(), place, "an alias of a join in parentheses")?;
                let first = self.factor(&table_with_joins.relation, outer)?;
                let joined = self.joins(first, &table_with_joins.joins, outer)?;
                Ok(From { sql: format!("({})", joined.sql), ..joined })
            }
            TableFactor::UNNEST { .. } => self.unnest(factor, None, false, outer),
            _ => Err(Error::invalid(place, "this form of a table is not supported")),
        }
    }

    fn table(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> Result<From, Error> {
        let parts: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
        if let [one] = parts.as_slice()
            && let Some(with) = self.with.iter().rev().find(|with| with.name.eq_ignore_ascii_case(&one.value)).cloned()
        {
            let written = alias.map_or(&one.value, |alias| &alias.name.value).clone();
            let outputs = match alias {
                Some(alias) => renamed(with.outputs, alias)?,
                None => with.outputs,
            };
            let table = self.fresh(&written);
            return Ok(derived(written.to_ascii_lowercase(), &table, &ident(&with.table), outputs));
        }
        let resolved = self.names.resolve(&parts)?;
        self.reads(&resolved.id, resolved.shape);
        let written = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
        let written = alias.map_or(written, |alias| alias.name.value.clone());
        let table = self.fresh(&written);
        let stored = Stored { id: resolved.id.clone(), table: table.clone() };
        let stored = matches!(resolved.shape, Shape::Store(_)).then_some(stored);
        let columns = self.columns(&resolved, &table);
        let mut relation = Relation { name: written.to_ascii_lowercase(), columns, stored };
        if let Some(alias) = alias.filter(|alias| !alias.columns.is_empty()) {
            rename_shown(&mut relation, alias)?;
        }
        Ok(From { sql: format!("{} AS {}", ident(&resolved.id), ident(&table)), relations: vec![relation] })
    }

    /// The columns of a table, under the name it has in the engine's SQL.
    fn columns(&self, resolved: &Resolved, table: &str) -> Vec<Column> {
        let new = |name: &str, kind: Type, shown: bool| Column {
            name: name.to_owned(),
            label: name.to_owned(),
            sql: format!("{}.{}", ident(table), ident(name)),
            kind,
            shown,
            time: None,
        };
        let plain = |column: &schema::Column| Column {
            name: column.path().to_owned(),
            ..new(column.name, Type::of_kind(column.kind), column.shown)
        };
        match resolved.shape {
            Shape::Store(family) => schema::columns(family).iter().map(plain).collect(),
            Shape::Athena => schema::columns(Family::Events).iter().map(|column| athena(plain(column))).collect(),
            Shape::Ocsf => {
                let fields = self.names.ocsf.iter().flat_map(|schema| schema.fields().iter());
                fields.map(|field| new(field.name(), of_ocsf(field), true)).collect()
            }
        }
    }
}

/// The type of a column of an OCSF table; what OCSF has no place for is JSON text.
fn of_ocsf(field: &arrow::datatypes::Field) -> Type {
    if field.name() == "unmapped" { Type::Map } else { Type::of_arrow(field.data_type()) }
}

/// The columns that Athena's table of log files has (CloudTrail user guide, "Query AWS CloudTrail logs" of Athena).
const ATHENA_COLUMNS: &[&str] = &[
    "eventversion",
    "useridentity",
    "eventtime",
    "eventsource",
    "eventname",
    "awsregion",
    "sourceipaddress",
    "useragent",
    "errorcode",
    "errormessage",
    "requestparameters",
    "responseelements",
    "additionaleventdata",
    "requestid",
    "eventid",
    "resources",
    "eventtype",
    "apiversion",
    "readonly",
    "recipientaccountid",
    "serviceeventdetails",
    "sharedeventid",
    "vpcendpointid",
    "eventcategory",
    "tlsdetails",
];

/// A column as Athena shows it (R9): time and readonly are text.
fn athena(mut column: Column) -> Column {
    column.shown = column.shown && ATHENA_COLUMNS.contains(&column.name.as_str());
    match column.name.as_str() {
        "eventtime" => {
            column.time = Some(column.sql.clone());
            column.sql = call("athena_time", [&column.sql]);
            column.kind = Type::Text;
        }
        "readonly" => {
            column.sql = call("cast_varchar", [&column.sql]);
            column.kind = Type::Text;
        }
        _ => {}
    }
    column
}

fn rename_shown(relation: &mut Relation, alias: &TableAlias) -> Result<(), Error> {
    let shown = relation.columns.iter().filter(|column| column.shown).count();
    if shown != alias.columns.len() {
        let message = format!("{} names {} columns, but there are {shown}", alias.name.value, alias.columns.len());
        return Err(Error::invalid(alias.name.span, message));
    }
    relation.columns.retain(|column| column.shown);
    for (column, given) in relation.columns.iter_mut().zip(&alias.columns) {
        column.label.clone_from(&given.name.value);
        column.name = given.name.value.to_ascii_lowercase();
    }
    Ok(())
}

/// A relation whose columns are what a query yields.
fn derived(name: String, table: &str, sql: &str, outputs: Vec<Output>) -> From {
    let columns = outputs.into_iter().map(|output| Column {
        name: output.label.to_ascii_lowercase(),
        sql: format!("{}.{}", ident(table), ident(&output.column)),
        label: output.label,
        kind: output.kind,
        shown: true,
        time: None,
    });
    let relations = vec![Relation { name, columns: columns.collect(), stored: None }];
    From { sql: format!("{sql} AS {}", ident(table)), relations }
}

fn side_by_side(left: From, right: From, kind: &str, condition: &str) -> From {
    let sql = format!("{} {kind} {}{condition}", left.sql, right.sql);
    From { sql, relations: left.relations.into_iter().chain(right.relations).collect() }
}

fn is_true(constraint: &JoinConstraint) -> bool {
    matches!(constraint, JoinConstraint::On(Expr::Value(value)) if value.to_string().eq_ignore_ascii_case("true"))
}

pub(crate) fn place_of_factor(factor: &TableFactor) -> Place {
    use datafusion::sql::sqlparser::ast::Spanned as _;
    factor.span().into()
}
