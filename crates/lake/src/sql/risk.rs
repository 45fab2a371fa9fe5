//! Which conditions can fail: for one row, and with it for the whole statement.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArguments, Query, Visit, Visitor,
};

use crate::functions::catalog::{Class, find};

/// Functions that fail for some values of their first argument.
const FAILING: &[&str] = &[
    "chr",
    "date",
    "date_parse",
    "from_iso8601_date",
    "from_iso8601_timestamp",
    "from_unixtime",
    "json_parse",
    "map",
    "mod",
    "sequence",
];
/// Functions that fail for some values of the other ones; where these are constants, they were looked at already.
const FAILING_BY_OTHERS: &[&str] = &[
    "element_at",
    "json_extract",
    "json_extract_scalar",
    "json_size",
    "lpad",
    "regexp_count",
    "regexp_extract",
    "regexp_extract_all",
    "regexp_like",
    "regexp_replace",
    "regexp_split",
    "rpad",
    "slice",
    "split",
    "split_part",
    "strpos",
];

/// What can go wrong with an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Risk {
    /// Nothing is known to.
    None,
    /// It can fail, by what a row has.
    MayFail,
    /// It has a sub-query, which stands where it is written.
    HasQuery,
}

impl Risk {
    /// Looks at an expression. What is made of constants fails before any row is read, or never.
    pub(super) fn of(expr: &Expr) -> Self {
        let mut looking = Looking { may_fail: false };
        match expr.visit(&mut looking) {
            ControlFlow::Break(()) => Self::HasQuery,
            ControlFlow::Continue(()) if looking.may_fail => Self::MayFail,
            ControlFlow::Continue(()) => Self::None,
        }
    }
}

struct Looking {
    may_fail: bool,
}

impl Visitor for Looking {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.may_fail = self.may_fail || fails(expr);
        ControlFlow::Continue(())
    }
}

fn fails(expr: &Expr) -> bool {
    match expr {
        Expr::Cast { kind: CastKind::Cast, data_type, expr: inner, .. } => !is_text(data_type) && has_column(inner),
        Expr::BinaryOp { op: BinaryOperator::Divide | BinaryOperator::Modulo, right, .. } => has_column(right),
        // A key that the map has not.
        Expr::CompoundFieldAccess { access_chain, .. } => {
            access_chain.iter().any(|access| matches!(access, AccessExpr::Subscript(_))) && has_column(expr)
        }
        Expr::Function(function) => {
            let name = function.name.to_string().to_ascii_lowercase();
            let FunctionArguments::List(list) = &function.args else { return false };
            let mut others = list.args.iter().skip(1);
            FAILING.contains(&name.as_str()) && list.args.iter().any(has_column)
                || FAILING_BY_OTHERS.contains(&name.as_str()) && others.any(has_column)
        }
        _ => false,
    }
}

fn is_text(data_type: &DataType) -> bool {
    use DataType::{Char, CharacterVarying, JSON, String, Text, Varchar};
    matches!(data_type, Varchar(_) | Char(_) | Text | String(_) | CharacterVarying(_) | JSON)
}

/// Whether a row has a say in it.
fn has_column(part: &impl Visit) -> bool {
    struct Columns;
    impl Visitor for Columns {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
                Expr::Function(function) if is_of_rows(function) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    part.visit(&mut Columns).is_break()
}

/// `count(*)` names no column.
fn is_of_rows(function: &Function) -> bool {
    find(&function.name.to_string().to_ascii_lowercase())
        .is_some_and(|known| matches!(known.class, Class::Aggregate | Class::Window))
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::{dialect::GenericDialect, parser::Parser};

    use super::Risk;

    fn risk(sql: &str) -> Risk {
        Risk::of(&Parser::new(&GenericDialect {}).try_with_sql(sql).unwrap().parse_expr().unwrap())
    }

    #[test]
    fn what_rows_can_break_may_fail() {
        for sql in [
            "CAST(a AS bigint) > 1",
            "1 / a > 2",
            "a % b = 0",
            "m['k'] = 'v'",
            "NOT (date_parse(a, '%Y') > b)",
            "1 / count(*) > 0",
        ] {
            assert_eq!(risk(sql), Risk::MayFail, "{sql}");
        }
    }

    #[test]
    fn what_rows_cannot_break_does_not() {
        for sql in
            ["a = 'x'", "CAST(a AS varchar) = 'x'", "a / 2 > 1", "TRY_CAST(a AS bigint) > 1", "a > CAST('2026-01-01' AS date)"]
        {
            assert_eq!(risk(sql), Risk::None, "{sql}");
        }
        assert_eq!(risk("a > from_iso8601_timestamp('2026-01-01T00:00:00Z')"), Risk::None);
        assert_eq!(risk("a IN (SELECT CAST(b AS bigint) FROM t)"), Risk::HasQuery);
    }
}
