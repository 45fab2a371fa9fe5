//! Functions made of parts of a statement (see `sql::body`): they evaluate an expression over the elements of lists, all
//! elements of a batch at once, or over some rows of a batch.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, RecordBatch, UInt32Array, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, concat, filter, interleave, take};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{DFSchema, Result, ScalarValue, exec_datafusion_err, plan_datafusion_err, plan_err};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::physical_plan::PhysicalExpr;

use super::lists::used_values;
use crate::sql::{Body, Use};

/// Where the functions find what their expressions are planned with. The session knows the functions, so they must not
/// own it.
pub(crate) type Session = Arc<Mutex<Weak<SessionState>>>;

/// The function that a body is.
pub(crate) fn udf(body: Body, session: Session) -> ScalarUDF {
    ScalarUDF::new_from_impl(Lambda {
        body,
        session,
        planned: Mutex::default(),
        signature: Signature::new(TypeSignature::UserDefined, Volatility::Immutable),
    })
}

struct Lambda {
    body: Body,
    session: Session,
    /// The expression, planned for the types of arguments it met.
    planned: Mutex<HashMap<Vec<DataType>, Planned>>,
    signature: Signature,
}

#[derive(Clone)]
struct Planned {
    expr: Arc<dyn PhysicalExpr>,
    schema: Arc<Schema>,
    yields: DataType,
}

impl fmt::Debug for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.body.name, self.body.sql)
    }
}

impl PartialEq for Lambda {
    fn eq(&self, other: &Self) -> bool {
        self.body == other.body
    }
}

impl Eq for Lambda {}

impl Hash for Lambda {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.body.name.hash(state);
        self.body.sql.hash(state);
    }
}

impl ScalarUDFImpl for Lambda {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        &self.body.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match (self.body.used, given.first()) {
            (Use::Try | Use::Guarded, _) | (_, Some(DataType::List(_))) => Ok(given.to_vec()),
            (_, Some(DataType::Null)) => {
                Ok(std::iter::once(DataType::new_list(DataType::Null, true)).chain(given.iter().skip(1).cloned()).collect())
            }
            _ => plan_err!("{}() expects an array", self.body.used.name()),
        }
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        let planned = self.plan(&self.parameters(given)?)?;
        Ok(match self.body.used {
            Use::AnyMatch | Use::AllMatch | Use::NoneMatch => {
                if !matches!(planned.yields, DataType::Boolean | DataType::Null) {
                    return plan_err!("{}() expects a condition after ->", self.body.used.name());
                }
                DataType::Boolean
            }
            Use::Filter => given.first().cloned().unwrap_or(DataType::Null),
            Use::Transform => DataType::new_list(planned.yields, true),
            Use::Reduce => self.state_type(given)?,
            Use::Try | Use::Guarded => planned.yields,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arrays: Vec<ArrayRef> = args.args.into_iter().map(|arg| arg.into_array(rows)).collect::<Result<_>>()?;
        let array = match self.body.used {
            Use::Try => self.attempt(&arrays, rows, args.return_field.data_type())?,
            Use::Guarded => self.guarded(&arrays, args.return_field.data_type())?,
            Use::Reduce => self.reduce(&arrays, args.return_field.data_type())?,
            _ => self.over_elements(&arrays, args.return_field.data_type())?,
        };
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

impl Lambda {
    /// The types of the expression's parameters for arguments of these types.
    fn parameters(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let element = |list: &DataType| {
            let DataType::List(field) = list else { return plan_err!("{}() expects an array", self.body.used.name()) };
            Ok(field.data_type().clone())
        };
        match (self.body.used, given) {
            (Use::Try, given) | (Use::Guarded, [_, given @ ..]) => Ok(given.to_vec()),
            (Use::Reduce, [list, _, captured @ ..]) => {
                Ok([self.state_type(given)?, element(list)?].into_iter().chain(captured.iter().cloned()).collect())
            }
            (_, [list, captured @ ..]) => Ok(std::iter::once(element(list)?).chain(captured.iter().cloned()).collect()),
            _ => plan_err!("{}() lacks arguments", self.body.used.name()),
        }
    }

    /// What a state of `reduce` is: what it starts as, or what the expression makes of it.
    fn state_type(&self, given: &[DataType]) -> Result<DataType> {
        let [list, start, captured @ ..] = given else { return plan_err!("reduce() lacks arguments") };
        let DataType::List(element) = list else { return plan_err!("reduce() expects an array") };
        let with = |state: &DataType| {
            let types = [state.clone(), element.data_type().clone()];
            self.plan(&types.into_iter().chain(captured.iter().cloned()).collect::<Vec<_>>())
        };
        let first = with(start)?.yields;
        Ok(if &first == start { first } else { with(&first)?.yields })
    }

    fn plan(&self, types: &[DataType]) -> Result<Planned> {
        let known = self.planned.lock().unwrap_or_else(PoisonError::into_inner).get(types).cloned();
        if let Some(planned) = known {
            return Ok(planned);
        }
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        let session = session.ok_or_else(|| plan_datafusion_err!("the statement is no longer planned"))?;
        let fields = self.body.params.iter().zip(types).map(|(name, data_type)| Field::new(name, data_type.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let names = DFSchema::try_from(Arc::clone(&schema))?;
        let expr = session.create_logical_expr(&self.body.sql, &names)?;
        let expr = session.create_physical_expr(expr, &names)?;
        let planned = Planned { yields: expr.data_type(&schema)?, expr, schema };
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).insert(types.to_vec(), planned.clone());
        Ok(planned)
    }

    fn evaluate(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<ArrayRef> {
        let types: Vec<DataType> = columns.iter().map(|column| column.data_type().clone()).collect();
        let planned = self.plan(&types)?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(planned.schema, columns, &options)?;
        planned.expr.evaluate(&batch)?.into_array(rows)
    }

    fn over_elements(&self, arrays: &[ArrayRef], yields: &DataType) -> Result<ArrayRef> {
        let (lists, captured) = first_list(arrays)?;
        let values = used_values(lists);
        let row_of: UInt32Array =
            (0..lists.len()).flat_map(|row| std::iter::repeat_n(row as u32, lists.value_length(row) as usize)).collect();
        let mut columns = vec![Arc::clone(&values)];
        for array in captured {
            columns.push(take(array, &row_of, None)?);
        }
        let result = self.evaluate(columns, values.len())?;
        match self.body.used {
            Use::Transform => {
                let DataType::List(field) = yields else { return plan_err!("transform() yields an array") };
                let lengths = (0..lists.len()).map(|row| lists.value_length(row) as usize);
                let offsets = OffsetBuffer::from_lengths(lengths);
                let values = cast(&result, field.data_type())?;
                Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, lists.nulls().cloned())?))
            }
            Use::Filter => kept(lists, &values, &truths(&result)?),
            used => Ok(Arc::new(matched(used, lists, &truths(&result)?))),
        }
    }

    fn reduce(&self, arrays: &[ArrayRef], yields: &DataType) -> Result<ArrayRef> {
        let (lists, rest) = first_list(arrays)?;
        let [start, captured @ ..] = rest else { return plan_err!("reduce() lacks arguments") };
        let mut state = cast(start, yields)?;
        let most = (0..lists.len()).map(|row| lists.value_length(row)).max().unwrap_or_default();
        for step in 0..most {
            let active: Vec<u32> = (0..lists.len())
                .filter(|row| lists.is_valid(*row) && lists.value_length(*row) > step)
                .map(|row| row as u32)
                .collect();
            let rows = UInt32Array::from(active);
            let places: UInt32Array =
                rows.values().iter().map(|row| (lists.value_offsets()[*row as usize] + step) as u32).collect();
            let mut columns = vec![take(&state, &rows, None)?, take(lists.values(), &places, None)?];
            for array in captured {
                columns.push(take(array, &rows, None)?);
            }
            let next = cast(&self.evaluate(columns, rows.len())?, yields)?;
            let mut picks: Vec<(usize, usize)> = (0..state.len()).map(|row| (0, row)).collect();
            rows.values().iter().enumerate().for_each(|(at, row)| picks[*row as usize] = (1, at));
            state = interleave(&[state.as_ref(), next.as_ref()], &picks)?;
        }
        // A list that is not there has nothing to begin with.
        let mut picks: Vec<(usize, usize)> = (0..state.len()).map(|row| (0, row)).collect();
        (0..lists.len()).filter(|row| lists.is_null(*row)).for_each(|row| picks[row] = (1, 0));
        Ok(interleave(&[state.as_ref(), new_null_array(yields, 1).as_ref()], &picks)?)
    }

    /// The expression over all rows; if it fails, over each row: those that fail are NULL.
    fn attempt(&self, arrays: &[ArrayRef], rows: usize, yields: &DataType) -> Result<ArrayRef> {
        if let Ok(whole) = self.evaluate(arrays.to_vec(), rows) {
            return Ok(whole);
        }
        let single = |row: usize| {
            let columns = arrays.iter().map(|array| array.slice(row, 1)).collect();
            self.evaluate(columns, 1).unwrap_or_else(|_| new_null_array(yields, 1))
        };
        let parts: Vec<ArrayRef> = (0..rows).map(single).collect();
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(if parts.is_empty() { new_null_array(yields, 0) } else { concat(&parts)? })
    }

    /// The expression of the rows of which the first of `arrays` is true.
    fn guarded(&self, arrays: &[ArrayRef], yields: &DataType) -> Result<ArrayRef> {
        let [test, captured @ ..] = arrays else { return plan_err!("a condition is missing") };
        let test = truths(test)?;
        let rows: UInt32Array =
            (0..test.len()).filter(|row| test.is_valid(*row) && test.value(*row)).map(|row| row as u32).collect();
        if rows.is_empty() {
            return Ok(new_null_array(yields, test.len()));
        }
        if rows.len() == test.len() {
            return self.evaluate(captured.to_vec(), rows.len());
        }
        let columns = captured.iter().map(|array| Ok(take(array, &rows, None)?)).collect::<Result<_>>()?;
        let computed = self.evaluate(columns, rows.len())?;
        let mut places = vec![None; test.len()];
        rows.values().iter().enumerate().for_each(|(at, row)| places[*row as usize] = Some(at as u32));
        Ok(take(&computed, &UInt32Array::from(places), None)?)
    }
}

fn first_list(arrays: &[ArrayRef]) -> Result<(&ListArray, &[ArrayRef])> {
    let (first, rest) = arrays.split_first().ok_or_else(|| exec_datafusion_err!("an array is missing"))?;
    let list = first.as_list_opt::<i32>().ok_or_else(|| exec_datafusion_err!("an array is expected"))?;
    Ok((list, rest))
}

fn truths(array: &ArrayRef) -> Result<BooleanArray> {
    Ok(cast(array, &DataType::Boolean)?.as_boolean().clone())
}

/// Elements of each list, as a range of the values in use.
fn ranges(lists: &ListArray) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let start = lists.value_offsets().first().copied().unwrap_or_default();
    lists.value_offsets().windows(2).map(move |pair| (pair[0] - start) as usize..(pair[1] - start) as usize)
}

/// Whether any, all or none of the elements fit, with unknown as a third answer.
fn matched(used: Use, lists: &ListArray, truths: &BooleanArray) -> BooleanArray {
    let of_range = |(row, range): (usize, std::ops::Range<usize>)| {
        if lists.is_null(row) {
            return None;
        }
        let wanted = used != Use::AllMatch;
        let decided = range.clone().any(|at| truths.is_valid(at) && truths.value(at) == wanted);
        let unknown = range.into_iter().any(|at| truths.is_null(at));
        // One that fits decides any and none, one that does not fit decides all.
        let found = match (decided, unknown) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        };
        found.map(|found| if used == Use::AnyMatch { found } else { !found })
    };
    ranges(lists).enumerate().map(of_range).collect()
}

fn kept(lists: &ListArray, values: &ArrayRef, truths: &BooleanArray) -> Result<ArrayRef> {
    let keep: BooleanArray = truths.iter().map(|truth| Some(truth == Some(true))).collect();
    let lengths = ranges(lists).map(|range| range.filter(|at| keep.value(*at)).count());
    let offsets = OffsetBuffer::from_lengths(lengths);
    let DataType::List(field) = lists.data_type() else { return plan_err!("filter() expects an array") };
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, filter(values, &keep)?, lists.nulls().cloned())?))
}
