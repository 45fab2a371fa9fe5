//! One SELECT: its list, GROUP BY, HAVING, ORDER BY, and what its columns are called.

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, NamedWindowDefinition, NamedWindowExpr, ObjectName, OrderByExpr, Select, SelectFlavor,
    SelectItem, SelectItemQualifiedWildcardKind, WindowSpec,
};

use super::body::place_of;
use super::compile::Compiler;
use super::error::{Error, Place};
use super::expression::boolean;
use super::late::Parts;
use super::query::{Output, not_ordinal, nth, ordinal, refuse};
use super::scope::{Relation, Scope, Value, ident};

impl Compiler<'_> {
    /// Compiles a SELECT with the ORDER BY that belongs to it.
    pub(crate) fn select(
        &mut self,
        select: &Select,
        order: &[OrderByExpr],
        outer: Option<&Scope<'_>>,
    ) -> Result<(String, Vec<Output>), Error> {
        let place = Place::from(select.select_token.0.span);
        refuse_clauses(select, place)?;
        let windows = self.open_windows(&select.named_window)?;
        let done = self.select_within(select, order, outer, place);
        self.close_windows(windows);
        done
    }

    fn select_within(
        &mut self,
        select: &Select,
        order: &[OrderByExpr],
        outer: Option<&Scope<'_>>,
        place: Place,
    ) -> Result<(String, Vec<Output>), Error> {
        let (from, relations) = self.from(&select.from, outer)?;
        let scope = Scope::of(&relations, outer);
        let condition = match &select.selection {
            Some(condition) => format!(" WHERE {}", self.condition(condition, &scope)?),
            None => String::new(),
        };
        let list = self.select_list(&select.projection, &scope)?;
        if list.is_empty() {
            return Err(Error::invalid(place, "the select list is empty"));
        }
        let group = self.group_by(&select.group_by, &list, &scope, place)?;
        let having = match &select.having {
            Some(having) => {
                let value = self.value(having, &Scope { outputs: &list, ..scope })?;
                format!(" HAVING {}", boolean(value, having)?.sql)
            }
            None => String::new(),
        };
        let outputs: Vec<Output> = list
            .iter()
            .enumerate()
            .map(|(number, (label, value))| Output::new(number, label.clone(), value.kind.clone()))
            .collect();
        let named: Vec<(String, Value)> = outputs.iter().map(|output| (output.label.clone(), output.value())).collect();
        let sorted = self.order_select(order, &list, &named, &scope)?;
        let columns = list.iter().zip(&outputs).map(|((_, value), output)| format!("{} AS {}", value.sql, ident(&output.column)));
        let columns = columns.collect::<Vec<_>>().join(", ");
        let parts = Parts {
            select,
            order,
            scope: &scope,
            list: &list,
            columns: &columns,
            from: &from,
            condition: &condition,
            sorted: &sorted,
        };
        self.consider_late(&parts)?;
        let distinct = if matches!(select.distinct, Some(Distinct::Distinct)) { "DISTINCT " } else { "" };
        let sql = format!("SELECT {distinct}{columns}{from}{condition}{group}{having}{sorted}");
        self.weigh(&sql)?;
        Ok((sql, outputs))
    }

    /// A condition on rows: of those for which it is not true, none is kept.
    pub(crate) fn condition(&mut self, condition: &Expr, scope: &Scope<'_>) -> Result<String, Error> {
        let value = self.filtering(true, |compiler| compiler.value(condition, scope))?;
        Ok(boolean(value, condition)?.sql)
    }

    fn select_list(&mut self, items: &[SelectItem], scope: &Scope<'_>) -> Result<Vec<(String, Value)>, Error> {
        let mut list: Vec<(String, Value)> = Vec::new();
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let label = label(expr).unwrap_or_else(|| format!("_col{}", list.len()));
                    list.push((label, self.value(expr, scope)?));
                }
                SelectItem::ExprWithAlias { expr, alias } => list.push((alias.value.clone(), self.value(expr, scope)?)),
                SelectItem::Wildcard(_) => {
                    if scope.relations.is_empty() {
                        return Err(Error::invalid(Place::default(), "SELECT * needs a FROM clause"));
                    }
                    list.extend(scope.relations.iter().flat_map(all_columns));
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    let relation = named_relation(name, scope)?;
                    list.extend(all_columns(relation));
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), _) => {
                    return Err(Error::invalid(place_of(expr), ".* is only supported after a table's name"));
                }
            }
        }
        Ok(list)
    }

    /// GROUP BY (R13): a name is a column before it is an alias, a number is a place in the select list.
    fn group_by(
        &mut self,
        group: &GroupByExpr,
        list: &[(String, Value)],
        scope: &Scope<'_>,
        place: Place,
    ) -> Result<String, Error> {
        let GroupByExpr::Expressions(keys, modifiers) = group else {
            return Err(Error::invalid(place, "GROUP BY ALL is not supported"));
        };
        refuse(!modifiers.is_empty(), place, "GROUP BY … WITH")?;
        let mut compiled = Vec::new();
        for key in keys {
            compiled.push(self.group_key(key, list, scope)?);
        }
        Ok(if compiled.is_empty() { String::new() } else { format!(" GROUP BY {}", compiled.join(", ")) })
    }

    fn group_key(&mut self, key: &Expr, list: &[(String, Value)], scope: &Scope<'_>) -> Result<String, Error> {
        let sets = match key {
            Expr::Rollup(sets) => ("ROLLUP", sets),
            Expr::Cube(sets) => ("CUBE", sets),
            Expr::GroupingSets(sets) => ("GROUPING SETS", sets),
            _ => {
                let value = match ordinal(key) {
                    Some(number) => nth(list, number, place_of(key))?,
                    None => self.value(key, &Scope { outputs: list, ..*scope })?,
                };
                return Ok(not_ordinal(value.sql));
            }
        };
        let mut compiled = Vec::new();
        for set in sets.1 {
            let mut keys = Vec::new();
            for key in set {
                keys.push(self.group_key(key, list, scope)?);
            }
            compiled.push(match keys.as_slice() {
                [one] if sets.0 != "GROUPING SETS" => one.clone(),
                _ => format!("({})", keys.join(", ")),
            });
        }
        Ok(format!("{} ({})", sets.0, compiled.join(", ")))
    }

    /// ORDER BY of a SELECT: a name is an alias before it is a column. What is in the list is called as in `named`.
    pub(crate) fn order_select(
        &mut self,
        order: &[OrderByExpr],
        list: &[(String, Value)],
        named: &[(String, Value)],
        scope: &Scope<'_>,
    ) -> Result<String, Error> {
        self.order(order, |compiler, expr| {
            if let Some(number) = ordinal(expr) {
                return nth(named, number, place_of(expr));
            }
            if let Expr::Identifier(name) = expr
                && let Some(value) = output_named(named, name)
            {
                return Ok(value);
            }
            // The same expression as in the select list is that column; else it is computed from the rows.
            let value = compiler.value(expr, &Scope { outputs: list, ..*scope })?;
            let known = list.iter().position(|(_, known)| known.sql == value.sql);
            Ok(known.and_then(|at| named.get(at)).map_or(value, |(_, known)| known.clone()))
        })
    }

    fn open_windows(&mut self, windows: &[NamedWindowDefinition]) -> Result<usize, Error> {
        let known = self.windows.len();
        for NamedWindowDefinition(name, window) in windows {
            let spec = match window {
                NamedWindowExpr::WindowSpec(spec) => spec.clone(),
                NamedWindowExpr::NamedWindow(other) => self.window(other)?,
            };
            self.windows.push((name.value.to_ascii_lowercase(), spec));
        }
        Ok(known)
    }

    fn close_windows(&mut self, known: usize) {
        self.windows.truncate(known);
    }

    /// The window of that name.
    pub(crate) fn window(&self, name: &Ident) -> Result<WindowSpec, Error> {
        let found = self.windows.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(&name.value));
        let unknown = || Error::invalid(name.span, format!("window {} does not exist", name.value));
        found.map(|(_, spec)| spec.clone()).ok_or_else(unknown)
    }
}

/// The value of the select list that has this name; of several the first.
pub(crate) fn output_named(outputs: &[(String, Value)], name: &Ident) -> Option<Value> {
    outputs.iter().find(|(label, _)| label.eq_ignore_ascii_case(&name.value)).map(|(_, value)| value.clone())
}

/// What a column is called if it has no alias: the last name of its path, as it is written.
fn label(expr: &Expr) -> Option<String> {
    use datafusion::sql::sqlparser::ast::AccessExpr;
    match expr {
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|part| part.value.clone()),
        Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last() {
            Some(AccessExpr::Dot(member)) => label(member),
            _ => None,
        },
        Expr::Nested(inner) => label(inner),
        _ => None,
    }
}

/// What `*` stands for.
fn all_columns(relation: &Relation) -> Vec<(String, Value)> {
    let shown = relation.columns.iter().filter(|column| column.shown);
    shown.map(|column| (column.label.clone(), column.value())).collect()
}

fn named_relation<'a>(name: &ObjectName, scope: &Scope<'a>) -> Result<&'a Relation, Error> {
    let written = name.0.iter().filter_map(|part| part.as_ident());
    let written = written.map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
    let place = name.0.first().and_then(|part| part.as_ident()).map(|part| Place::from(part.span)).unwrap_or_default();
    let found = scope.relations.iter().find(|relation| relation.name.eq_ignore_ascii_case(&written));
    found.ok_or_else(|| Error::invalid(place, format!("table {written} is not in the FROM clause")))
}

fn refuse_clauses(select: &Select, place: Place) -> Result<(), Error> {
    refuse(select.top.is_some(), place, "TOP")?;
    refuse(select.into.is_some(), place, "SELECT INTO")?;
    refuse(!select.lateral_views.is_empty(), place, "LATERAL VIEW")?;
    refuse(select.prewhere.is_some(), place, "PREWHERE")?;
    refuse(select.qualify.is_some(), place, "QUALIFY")?;
    refuse(!select.connect_by.is_empty(), place, "CONNECT BY")?;
    refuse(!select.cluster_by.is_empty() || !select.distribute_by.is_empty(), place, "CLUSTER BY")?;
    refuse(!select.sort_by.is_empty(), place, "SORT BY")?;
    refuse(select.value_table_mode.is_some(), place, "SELECT AS")?;
    refuse(select.exclude.is_some(), place, "EXCLUDE")?;
    refuse(select.flavor != SelectFlavor::Standard, place, "FROM before SELECT")?;
    refuse(matches!(select.distinct, Some(Distinct::On(_))), place, "DISTINCT ON")
}
