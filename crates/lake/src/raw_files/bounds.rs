//! The times that a query's conditions leave.

use cloudtrail::import::Range;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};

use crate::schema::EVENT_TIME;

/// The eventTime bounds that all the conditions together set. It may be wider than they are, never narrower.
pub(super) fn of(filters: &[Expr]) -> Range {
    let mut range = Range::default();
    for filter in filters.iter().flat_map(split_conjunction) {
        narrow(&mut range, filter);
    }
    range
}

fn narrow(range: &mut Range, filter: &Expr) {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            if let (true, Some(us)) = (is_event_time(left), time_us(right)) {
                bound(range, *op, us);
            } else if let (true, Some(us), Some(op)) = (is_event_time(right), time_us(left), op.swap()) {
                bound(range, op, us);
            }
        }
        Expr::Between(Between { expr, negated: false, low, high }) if is_event_time(expr) => {
            if let Some(us) = time_us(low) {
                bound(range, Operator::GtEq, us);
            }
            if let Some(us) = time_us(high) {
                bound(range, Operator::LtEq, us);
            }
        }
        _ => {}
    }
}

fn bound(range: &mut Range, op: Operator, us: i64) {
    if matches!(op, Operator::Gt | Operator::GtEq | Operator::Eq) {
        range.start_us = Some(range.start_us.map_or(us, |start| start.max(us)));
    }
    if matches!(op, Operator::Lt | Operator::LtEq | Operator::Eq) {
        range.end_us = Some(range.end_us.map_or(us, |end| end.min(us)));
    }
}

fn is_event_time(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if column.name == EVENT_TIME)
}

fn time_us(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::TimestampMicrosecond(us, _), _) => *us,
        _ => None,
    }
}
