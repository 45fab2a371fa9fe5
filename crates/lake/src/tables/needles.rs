//! Files that a single value which is looked for cannot be in, by their Bloom filters. To have a scan begin with a file
//! costs far more than to ask its filters, of which many are in memory.

use std::sync::Arc;

use cloudtrail::event_data_store::Family;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::utils::{split_binary, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::checked::Checked;
use super::error::Error;
use super::file::File;
use super::footers::Footers;
use super::statistics::ScanStats;
use super::writer::leaves_of;
use crate::schema;

/// Of more files none is looked at here: they are large then, and scans ask the filters of several at a time.
const FILES_MAX: usize = 256;

/// A column of values, and the texts one of which it must have.
struct Needle<'a> {
    leaf: usize,
    column: &'static str,
    texts: Vec<&'a str>,
}

/// Where filters come from, and what is read of files for them.
pub(super) struct Source<'a> {
    pub(super) family: Family,
    pub(super) footers: &'a Footers,
    pub(super) stats: &'a ScanStats,
}

/// The files that may have rows for which all of `filters` hold. Gives way after each file.
pub(super) async fn prune(files: Vec<Arc<File>>, filters: &[Expr], source: Source<'_>) -> Result<Vec<Arc<File>>, Error> {
    let conditions = filters.iter().flat_map(|filter| split_conjunction(filter));
    let needles: Vec<Needle<'_>> = conditions.filter_map(|condition| needle(condition, source.family)).collect();
    if needles.is_empty() || files.len() > FILES_MAX {
        return Ok(files);
    }
    let mut kept = Vec::new();
    for file in files {
        if may_have(&file, &needles, &source)? {
            kept.push(file);
        }
        tokio::task::yield_now().await;
    }
    Ok(kept)
}

/// Whether one of `filters` looks for single values of which few rows have any.
pub(super) fn sought(filters: &[Expr], family: Family) -> bool {
    filters.iter().flat_map(|filter| split_conjunction(filter)).any(|condition| needle(condition, family).is_some())
}

fn may_have(file: &Arc<File>, needles: &[Needle<'_>], source: &Source<'_>) -> Result<bool, Error> {
    let checked = Checked::open(file)?;
    let groups = source.footers.get(&checked)?.num_row_groups();
    let may = |group: usize, needle: &Needle<'_>| {
        let filter = source.footers.filter(&checked, group, (needle.leaf, needle.column), source.stats);
        let filter = filter.unwrap_or_else(|error| {
            // The rows may be whole; a scan says what of them is not.
            tracing::warn!(%error, "a Bloom filter cannot be read");
            None
        });
        filter.is_none_or(|filter| needle.texts.iter().any(|text| filter.check(*text)))
    };
    Ok((0..groups).any(|group| needles.iter().all(|needle| may(group, needle))))
}

/// `column = 'text'`, `column IN ('text', …)`, and several of these about one column between OR, which is what planning
/// makes of a short list; where the column has Bloom filters.
fn needle(condition: &Expr, family: Family) -> Option<Needle<'_>> {
    if let Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }) = condition {
        let either = split_binary(condition, Operator::Or).into_iter().map(|condition| needle(condition, family));
        let mut either = either.collect::<Option<Vec<_>>>()?.into_iter();
        let first = either.next()?;
        return either.try_fold(first, |mut all, other| {
            all.texts.extend(&other.texts);
            (all.leaf == other.leaf).then_some(all)
        });
    }
    let (column, texts) = match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), value) | (value, Expr::Column(column)) => (column, vec![text(value)?]),
            _ => return None,
        },
        Expr::InList(InList { expr, list, negated: false }) => match expr.as_ref() {
            Expr::Column(column) => (column, list.iter().map(text).collect::<Option<Vec<_>>>()?),
            _ => return None,
        },
        _ => return None,
    };
    let column = schema::column(family, &column.name).filter(|column| column.needle)?.name;
    let leaf = leaves_of(&schema::stored_schema(family), column)?.start;
    Some(Needle { leaf, column, texts })
}

fn text(value: &Expr) -> Option<&str> {
    let Expr::Literal(value, _) = value else { return None };
    value.try_as_str()?
}
