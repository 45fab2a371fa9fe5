//! Counts different texts of all rows.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Accumulator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_plan::ExecutionPlan as _;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, aggregate_expressions, finalize_aggregation};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures_util::{StreamExt as _, stream};

use super::views::Views;
use super::{evaluate, texts};

/// Whether it is the first step of an aggregation of all rows, of which a part does not mind how often a text comes.
pub(super) fn can_count(aggregate: &AggregateExec) -> Result<bool> {
    let plain = matches!(aggregate.mode(), AggregateMode::Partial | AggregateMode::Single)
        && aggregate.group_expr().is_true_no_grouping()
        && aggregate.filter_expr().iter().all(Option::is_none);
    if !plain {
        return Ok(false);
    }
    for function in aggregate.aggr_expr() {
        if is_of_different_texts(function, aggregate)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The counts of the rows of `input`.
pub(super) fn counts(
    aggregate: &AggregateExec,
    context: &TaskContext,
    mut input: SendableRecordBatchStream,
) -> Result<SendableRecordBatchStream> {
    let mut counting = Counting::new(aggregate, context)?;
    let (schema, mode) = (aggregate.schema(), *aggregate.mode());
    let row = stream::once(async move {
        while let Some(batch) = input.next().await {
            counting.absorb(&batch?)?;
        }
        let mut states: Vec<_> = counting.counts.into_iter().map(|count| count.state).collect();
        Ok(RecordBatch::try_new(schema, finalize_aggregation(&mut states, &mode)?)?)
    });
    Ok(Box::pin(RecordBatchStreamAdapter::new(aggregate.schema(), row)))
}

/// Whether the result is the same if each text comes once.
fn is_of_different_texts(function: &AggregateFunctionExpr, aggregate: &AggregateExec) -> Result<bool> {
    let name = function.fun().name();
    let counts = (name == "count" && function.is_distinct()) || name == "approx_distinct";
    let [argument] = &function.expressions()[..] else { return Ok(false) };
    Ok(counts && argument.data_type(&aggregate.input_schema())? == DataType::Utf8View)
}

struct Counting {
    counts: Vec<Count>,
    memory: MemoryReservation,
}

struct Count {
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    state: Box<dyn Accumulator>,
    /// Views that were counted, if texts need to come only once.
    seen: Option<Views>,
}

impl Counting {
    fn new(aggregate: &AggregateExec, context: &TaskContext) -> Result<Self> {
        let arguments = aggregate_expressions(aggregate.aggr_expr(), aggregate.mode(), 0)?;
        let counts = aggregate.aggr_expr().iter().zip(arguments).map(|(function, arguments)| {
            let seen = is_of_different_texts(function, aggregate)?.then(Views::new);
            Ok(Count { arguments, state: function.create_accumulator()?, seen })
        });
        let memory = MemoryConsumer::new("DistinctTexts").register(context.memory_pool());
        Ok(Self { counts: counts.collect::<Result<_>>()?, memory })
    }

    fn absorb(&mut self, batch: &RecordBatch) -> Result<()> {
        for count in &mut self.counts {
            let mut arguments = count.arguments.iter().map(|one| evaluate(one, batch)).collect::<Result<Vec<_>>>()?;
            if let (Some(seen), [texts]) = (&mut count.seen, arguments.as_mut_slice()) {
                *texts = unseen(seen, texts)?;
            }
            count.state.update_batch(&arguments)?;
        }
        self.memory.try_resize(self.counts.iter().map(|count| count.state.size()).sum())
    }
}

/// The texts with views that were not seen.
fn unseen(seen: &mut Views, array: &ArrayRef) -> Result<ArrayRef> {
    let text = texts(array)?;
    seen.turn_to(text);
    let mut rows = Vec::new();
    for (row, view) in text.views().iter().enumerate() {
        if text.is_valid(row) {
            seen.number(*view, || {
                rows.push(row as u64);
                0
            });
        }
    }
    Ok(take(array, &UInt64Array::from(rows), None)?)
}
