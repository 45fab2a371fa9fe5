//! Groups rows by texts without looking at most of them.
//!
//! A column of a file is read through a dictionary, so that equal texts of a batch mostly have equal views: length, start,
//! buffer and place. Two places take advantage of that. Where the engine would hash and compare the text of every row to
//! find its group, [`Grouping`] looks its view up; where it would put every row's text into a set, [`distinct`] puts in each
//! view's once. Both stand for the partial step of an aggregation: what they give is merged by the engine's own final
//! step, so that groups may come more than once when memory is short.

mod distinct;
mod keys;
mod views;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DataFusionError, Result, internal_datafusion_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, aggregate_expressions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode, PlanProperties};
use futures_util::{StreamExt as _, stream};

use keys::Keys;

/// What groups may weigh before they are handed on; they are, too, when the memory of queries is used up. Own choice.
const BYTES_MAX: usize = 32 << 20;
/// The most groups before they are handed on. Own choice.
const GROUPS_MAX: usize = 131_072;
/// After so many rows it is looked whether grouping makes fewer of them (as the engine's own step does).
const PROBE_ROWS: usize = 100_000;
/// With more groups than this share of the rows they are handed on as they are (as the engine's own step does).
const GROUPS_PER_ROW_MAX: f64 = 0.8;

/// Puts our steps into a plan, wherever they can do what the engine's would.
pub(super) fn by_views(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(plan.transform_up(replaced)?.data)
}

fn replaced(plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let Some(aggregate) = plan.as_any().downcast_ref::<AggregateExec>() else { return Ok(Transformed::no(plan)) };
    let step = if can_group(aggregate)? {
        Step::TextGroups
    } else if distinct::can_count(aggregate)? {
        Step::DistinctTexts
    } else {
        return Ok(Transformed::no(plan));
    };
    Ok(Transformed::yes(Arc::new(ByViews { step, aggregate: aggregate.clone() })))
}

/// Whether it is the partial step of an aggregation by text columns.
fn can_group(aggregate: &AggregateExec) -> Result<bool> {
    let groups = aggregate.group_expr();
    let plain = *aggregate.mode() == AggregateMode::Partial
        && *aggregate.input_order_mode() == InputOrderMode::Linear
        && aggregate.limit_options().is_none()
        && groups.is_single()
        && !groups.expr().is_empty();
    if !plain {
        return Ok(false);
    }
    let schema = aggregate.input_schema();
    for (expression, _) in groups.expr() {
        if expression.data_type(&schema)? != DataType::Utf8View {
            return Ok(false);
        }
    }
    Ok(aggregate.aggr_expr().iter().all(|one| one.groups_accumulator_supported() && one.order_bys().is_empty()))
}

/// A step of ours in a plan.
#[derive(Debug)]
struct ByViews {
    step: Step,
    /// The step it stands for.
    aggregate: AggregateExec,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    TextGroups,
    DistinctTexts,
}

impl DisplayAs for ByViews {
    fn fmt_as(&self, form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name())?;
        self.aggregate.fmt_as(form, f)
    }
}

impl ExecutionPlan for ByViews {
    fn name(&self) -> &'static str {
        match self.step {
            Step::TextGroups => "TextGroups",
            Step::DistinctTexts => "DistinctTexts",
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.aggregate.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![self.aggregate.input()]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(replaced(Arc::new(self.aggregate.clone()).with_new_children(children)?)?.data)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.aggregate.input().execute(partition, Arc::clone(&context))?;
        match self.step {
            Step::TextGroups => groups(&self.aggregate, &context, input),
            Step::DistinctTexts => distinct::counts(&self.aggregate, &context, input),
        }
    }
}

/// The groups of the rows of `input`.
fn groups(
    aggregate: &AggregateExec,
    context: &TaskContext,
    input: SendableRecordBatchStream,
) -> Result<SendableRecordBatchStream> {
    let grouping = Some(Grouping::new(aggregate, context)?);
    let batches = stream::try_unfold((input, grouping), async |(mut input, mut grouping)| {
        let Some(work) = &mut grouping else { return Ok(None) };
        while let Some(batch) = input.next().await {
            if let Some(groups) = work.absorb(&batch?)? {
                return Ok(Some((groups, (input, grouping))));
            }
        }
        let last = work.emit()?;
        Ok(last.map(|groups| (groups, (input, None))))
    });
    Ok(Box::pin(RecordBatchStreamAdapter::new(aggregate.schema(), batches)))
}

/// An aggregation at work.
struct Grouping {
    schema: SchemaRef,
    by: Vec<Arc<dyn PhysicalExpr>>,
    aggregates: Vec<Aggregate>,
    keys: Keys,
    /// The group of each row of the batch at hand.
    groups: Vec<usize>,
    rows: usize,
    /// Groups that were handed on.
    emitted: usize,
    /// Whether it was looked if grouping is of use.
    probed: bool,
    /// Nothing is grouped any more, since hardly two rows are of one group.
    passing: bool,
    memory: MemoryReservation,
}

struct Aggregate {
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    state: Box<dyn GroupsAccumulator>,
}

impl Grouping {
    fn new(aggregate: &AggregateExec, context: &TaskContext) -> Result<Self> {
        let by: Vec<_> = aggregate.group_expr().expr().iter().map(|(expression, _)| Arc::clone(expression)).collect();
        let arguments = aggregate_expressions(aggregate.aggr_expr(), aggregate.mode(), 0)?;
        let aggregates = aggregate.aggr_expr().iter().zip(arguments).zip(aggregate.filter_expr());
        let aggregates = aggregates.map(|((function, arguments), filter)| {
            Ok(Aggregate { arguments, filter: filter.clone(), state: function.create_groups_accumulator()? })
        });
        Ok(Self {
            schema: aggregate.schema(),
            aggregates: aggregates.collect::<Result<_>>()?,
            keys: Keys::new(by.len()),
            by,
            groups: Vec::new(),
            rows: 0,
            emitted: 0,
            probed: false,
            passing: false,
            memory: MemoryConsumer::new("TextGroups").register(context.memory_pool()),
        })
    }

    /// Takes rows; gives groups that are to be handed on.
    fn absorb(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let columns = self.by.iter().map(|expression| evaluate(expression, batch)).collect::<Result<Vec<_>>>()?;
        self.rows += batch.num_rows();
        if self.passing {
            return self.pass(columns, batch).map(Some);
        }
        let texts = columns.iter().map(texts).collect::<Result<Vec<_>>>()?;
        self.keys.number(&texts, &mut self.groups);
        let count = self.keys.len();
        for aggregate in &mut self.aggregates {
            let (arguments, filter) = aggregate.evaluate(batch)?;
            aggregate.state.update_batch(&arguments, &self.groups, filter.as_ref(), count)?;
        }
        if self.rows >= PROBE_ROWS && !self.probed {
            self.probed = true;
            let useless = (self.emitted + count) as f64 > self.rows as f64 * GROUPS_PER_ROW_MAX;
            self.passing = useless && self.aggregates.iter().all(|aggregate| aggregate.state.supports_convert_to_state());
        }
        let weight = self.keys.bytes() + self.aggregates.iter().map(|aggregate| aggregate.state.size()).sum::<usize>();
        let bearable = count < GROUPS_MAX && weight < BYTES_MAX && self.memory.try_resize(weight).is_ok();
        if bearable && !self.passing { Ok(None) } else { self.emit() }
    }

    /// The groups so far, which are forgotten; none if there are none.
    fn emit(&mut self) -> Result<Option<RecordBatch>> {
        let count = self.keys.len();
        if count == 0 {
            return Ok(None);
        }
        self.emitted += count;
        let mut columns = self.keys.take();
        for aggregate in &mut self.aggregates {
            columns.extend(aggregate.state.state(EmitTo::All)?);
        }
        self.memory.free();
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }

    /// Rows as groups of their own.
    fn pass(&self, mut columns: Vec<ArrayRef>, batch: &RecordBatch) -> Result<RecordBatch> {
        for aggregate in &self.aggregates {
            let (arguments, filter) = aggregate.evaluate(batch)?;
            columns.extend(aggregate.state.convert_to_state(&arguments, filter.as_ref())?);
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

impl Aggregate {
    fn evaluate(&self, batch: &RecordBatch) -> Result<(Vec<ArrayRef>, Option<BooleanArray>)> {
        let arguments = self.arguments.iter().map(|expression| evaluate(expression, batch)).collect::<Result<_>>()?;
        let filter = self.filter.as_ref().map(|filter| Ok::<_, DataFusionError>(evaluate(filter, batch)?.as_boolean().clone()));
        Ok((arguments, filter.transpose()?))
    }
}

fn evaluate(expression: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<ArrayRef> {
    expression.evaluate(batch)?.into_array(batch.num_rows())
}

fn texts(array: &ArrayRef) -> Result<&StringViewArray> {
    array.as_string_view_opt().ok_or_else(|| internal_datafusion_err!("a text is {}", array.data_type()))
}

#[cfg(test)]
mod tests;
