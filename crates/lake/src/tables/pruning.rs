//! Files that no row of a query can be in, by eventTime.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, TimestampMicrosecondArray, UInt64Array};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_optimizer::pruning::PruningPredicate;

use super::file::File;
use crate::schema;

/// The files that may have rows for which all of `filters` hold.
pub(super) fn prune(files: Vec<Arc<File>>, filters: &[Expr], schema: &DFSchema, state: &dyn Session) -> Result<Vec<Arc<File>>> {
    let of_times = filters.iter().filter(|filter| filter.column_refs().iter().any(|column| column.name == schema::EVENT_TIME));
    let Some(filter) = conjunction(of_times.cloned()) else { return Ok(files) };
    let filter = state.create_physical_expr(filter, schema)?;
    // What cannot be pruned by is read: the filter itself is looked at later.
    let Ok(predicate) = PruningPredicate::try_new(filter, Arc::clone(schema.inner())) else { return Ok(files) };
    let kept = predicate.prune(&Times(&files))?;
    Ok(files.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(file, _)| file).collect())
}

struct Times<'a>(&'a [Arc<File>]);

impl Times<'_> {
    fn of(&self, column: &Column, time_us: impl Fn(&File) -> i64) -> Option<ArrayRef> {
        let times = self.0.iter().map(|file| time_us(file));
        (column.name == schema::EVENT_TIME).then(|| Arc::new(TimestampMicrosecondArray::from_iter_values(times)) as ArrayRef)
    }
}

impl PruningStatistics for Times<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.of(column, File::oldest_us)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.of(column, File::newest_us)
    }

    fn num_containers(&self) -> usize {
        self.0.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        (column.name == schema::EVENT_TIME).then(|| Arc::new(UInt64Array::from(vec![0; self.0.len()])) as ArrayRef)
    }

    fn row_counts(&self, _column: &Column) -> Option<ArrayRef> {
        Some(Arc::new(self.0.iter().map(|file| file.rows()).collect::<UInt64Array>()))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
