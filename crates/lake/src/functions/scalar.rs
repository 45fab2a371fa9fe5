//! What our functions of a row's values have in common: a table row says what one takes, what it yields, and how.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, LargeStringArray, ListArray, StringArray, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// Text: varchar, a map, JSON.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// A timestamp or a date, with or without a zone; text is read as one.
    Time,
    /// An array.
    List,
    /// Anything.
    Any,
}

/// A function: a row of a table.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) takes: &'static [Take],
    /// How many of the arguments must be there.
    pub(crate) least: usize,
    /// Whether the last kind of argument may come again.
    pub(crate) more: bool,
    pub(crate) yields: fn(&[DataType]) -> DataType,
    pub(crate) run: fn(&Args<'_>) -> Result<ArrayRef>,
}

impl Row {
    pub(crate) const fn new(
        name: &'static str,
        takes: &'static [Take],
        yields: fn(&[DataType]) -> DataType,
        run: fn(&Args<'_>) -> Result<ArrayRef>,
    ) -> Self {
        Self { name, takes, least: takes.len(), more: false, yields, run }
    }

    /// The last arguments may be left out.
    pub(crate) const fn least(self, least: usize) -> Self {
        Self { least, ..self }
    }

    /// The last argument may come again and again.
    pub(crate) const fn more(self) -> Self {
        Self { more: true, ..self }
    }

    pub(crate) fn udf(self) -> ScalarUDF {
        ScalarUDF::new_from_impl(Function {
            row: self,
            signature: Signature::new(TypeSignature::UserDefined, Volatility::Immutable),
        })
    }
}

/// The table row as the engine wants it.
struct Function {
    row: Row,
    signature: Signature,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.row.name == other.row.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.row.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        self.row.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let row = &self.row;
        let most = if row.more { usize::MAX } else { row.takes.len() };
        if given.len() < row.least || given.len() > most {
            return plan_err!("{}() does not take {} arguments", row.name, given.len());
        }
        let takes = |at: usize| row.takes.get(at).or_else(|| row.takes.last()).copied().unwrap_or(Take::Any);
        given
            .iter()
            .enumerate()
            .map(|(at, given)| {
                let expected = described(takes(at));
                let unfit =
                    || plan_datafusion_err!("{}() expects {expected} as argument {}, not {}", row.name, at + 1, shown(given));
                coerced(takes(at), given).ok_or_else(unfit)
            })
            .collect()
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok((self.row.yields)(given))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let given: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let mut yields = self.return_type(&given)?;
        if self.row.name == super::time::AT_TIMEZONE {
            let zone = args.scalar_arguments.get(1).copied().flatten().and_then(ScalarValue::try_as_str).flatten();
            let known = zone.filter(|zone| super::zone::is_known(zone));
            let Some(zone) = known else { return plan_err!("at_timezone() expects a time zone such as 'Europe/Berlin'") };
            yields = DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()));
        }
        Ok(Arc::new(Field::new(self.row.name, yields, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let array =
            (self.row.run)(&Args { name: self.row.name, values: &args.args, rows, yields: args.return_field.data_type() })?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

/// The type an argument is brought to before the call, if it fits.
fn coerced(take: Take, given: &DataType) -> Option<DataType> {
    let text = |given: &DataType| match given {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(given.clone()),
        DataType::Null => Some(DataType::Utf8),
        DataType::Dictionary(_, inner) if matches!(inner.as_ref(), DataType::Utf8 | DataType::Utf8View) => {
            Some(DataType::Utf8View)
        }
        _ => None,
    };
    match take {
        Take::Any => Some(given.clone()),
        Take::Text => text(given),
        Take::Integer => (given.is_integer() || given.is_null()).then_some(DataType::Int64),
        Take::Number => (given.is_numeric() || given.is_null()).then_some(DataType::Float64),
        Take::Time => match given {
            DataType::Timestamp(_, zone) => Some(DataType::Timestamp(TimeUnit::Microsecond, zone.clone())),
            DataType::Date32 | DataType::Date64 | DataType::Null => Some(DataType::Timestamp(TimeUnit::Microsecond, None)),
            other => text(other),
        },
        Take::List => match given {
            DataType::List(_) => Some(given.clone()),
            DataType::LargeList(field) | DataType::FixedSizeList(field, _) | DataType::ListView(field) => {
                Some(DataType::List(Arc::clone(field)))
            }
            DataType::Null => Some(DataType::new_list(DataType::Null, true)),
            _ => None,
        },
    }
}

fn described(take: Take) -> &'static str {
    match take {
        Take::Text => "varchar",
        Take::Integer => "bigint",
        Take::Number => "a number",
        Take::Time => "timestamp",
        Take::List => "an array",
        Take::Any => "anything",
    }
}

/// A type by the name that users know.
pub(crate) fn shown(data_type: &DataType) -> String {
    crate::sql::Type::of_arrow(data_type).name().to_owned()
}

/// The arguments of one call over a batch of rows.
pub(crate) struct Args<'a> {
    pub(crate) name: &'static str,
    pub(crate) values: &'a [ColumnarValue],
    pub(crate) rows: usize,
    pub(crate) yields: &'a DataType,
}

impl<'a> Args<'a> {
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    fn value(&self, at: usize) -> Result<&'a ColumnarValue> {
        self.values.get(at).ok_or_else(|| exec_datafusion_err!("{}() lacks argument {}", self.name, at + 1))
    }

    /// The type of an argument.
    pub(crate) fn data_type(&self, at: usize) -> DataType {
        self.values.get(at).map_or(DataType::Null, ColumnarValue::data_type)
    }

    /// An argument as an array of all rows.
    pub(crate) fn array(&self, at: usize) -> Result<ArrayRef> {
        self.value(at)?.clone().into_array(self.rows)
    }

    /// A text argument.
    pub(crate) fn texts(&self, at: usize) -> Result<Texts<'a>> {
        let bad = |data_type: &DataType| exec_datafusion_err!("{}() expects varchar, not {}", self.name, shown(data_type));
        match self.value(at)? {
            ColumnarValue::Scalar(scalar) => match scalar.try_as_str() {
                Some(text) => Ok(Texts::One(text)),
                None if scalar.is_null() => Ok(Texts::One(None)),
                None => Err(bad(&scalar.data_type())),
            },
            ColumnarValue::Array(array) => Texts::of(array).ok_or_else(|| bad(array.data_type())),
        }
    }

    /// The text that an argument is for every row.
    pub(crate) fn constant(&self, at: usize) -> Option<&'a str> {
        match self.values.get(at) {
            Some(ColumnarValue::Scalar(scalar)) => scalar.try_as_str().flatten(),
            _ => None,
        }
    }

    pub(crate) fn integers(&self, at: usize) -> Result<Int64Array> {
        let array = self.array(at)?;
        array.as_primitive_opt::<Int64Type>().cloned().ok_or_else(|| exec_datafusion_err!("{}() expects bigint", self.name))
    }

    pub(crate) fn numbers(&self, at: usize) -> Result<Float64Array> {
        let array = self.array(at)?;
        array.as_primitive_opt::<Float64Type>().cloned().ok_or_else(|| exec_datafusion_err!("{}() expects a number", self.name))
    }

    /// A time in microseconds; text is read as a time.
    pub(crate) fn times(&self, at: usize) -> Result<TimestampMicrosecondArray> {
        let array = self.array(at)?;
        if let Some(times) = array.as_primitive_opt::<TimestampMicrosecondType>() {
            return Ok(times.clone());
        }
        let texts = Texts::of(&array).ok_or_else(|| exec_datafusion_err!("{}() expects timestamp", self.name))?;
        (0..self.rows).map(|row| texts.get(row).map(super::casts::to_timestamp).transpose()).collect()
    }

    pub(crate) fn list(&self, at: usize) -> Result<ListArray> {
        let array = self.array(at)?;
        array.as_list_opt::<i32>().cloned().ok_or_else(|| exec_datafusion_err!("{}() expects an array", self.name))
    }

    /// Text for every row.
    pub(crate) fn each_text<S: AsRef<str>>(&self, row: impl FnMut(usize) -> Result<Option<S>>) -> Result<ArrayRef> {
        let mut row = row;
        let mut builder = arrow::array::StringBuilder::with_capacity(self.rows, self.rows * 16);
        for at in 0..self.rows {
            let text = row(at)?;
            grown(builder.values_slice().len() + text.as_ref().map_or(0, |text| text.as_ref().len()))?;
            builder.append_option(text);
        }
        Ok(Arc::new(builder.finish()))
    }

    pub(crate) fn each_integer(&self, row: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(row).collect::<Result<Int64Array>>()?))
    }

    pub(crate) fn each_number(&self, row: impl FnMut(usize) -> Result<Option<f64>>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(row).collect::<Result<Float64Array>>()?))
    }

    pub(crate) fn each_boolean(&self, row: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(row).collect::<Result<BooleanArray>>()?))
    }

    pub(crate) fn each_time(&self, row: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
        let times = (0..self.rows).map(row).collect::<Result<TimestampMicrosecondArray>>()?;
        let zone = match self.yields {
            DataType::Timestamp(_, zone) => zone.clone(),
            _ => None,
        };
        Ok(Arc::new(times.with_timezone_opt(zone)))
    }

    /// A list of texts for every row.
    pub(crate) fn each_texts<S: AsRef<str>>(
        &self,
        mut row: impl FnMut(usize) -> Result<Option<Vec<Option<S>>>>,
    ) -> Result<ArrayRef> {
        let mut builder = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
        for at in 0..self.rows {
            match row(at)? {
                Some(items) => {
                    let bytes: usize = items.iter().flatten().map(|item| item.as_ref().len()).sum();
                    grown(builder.values().values_slice().len() + bytes)?;
                    for item in &items {
                        builder.values().append_option(item.as_ref().map(AsRef::as_ref));
                    }
                    builder.append(true);
                }
                None => builder.append(false),
            }
        }
        Ok(Arc::new(builder.finish()))
    }
}

/// What a function may make of a batch of rows. Own choice: far more than rows hold, far less than memory does.
const TEXT_BYTES_MAX: usize = 64 << 20;

/// Refuses text that grows beyond bounds, before it is made.
pub(crate) fn grown(bytes: usize) -> Result<()> {
    if bytes <= TEXT_BYTES_MAX {
        return Ok(());
    }
    Err(DataFusionError::ResourcesExhausted("a function made too much text".to_owned()))
}

/// A text per row, in whichever way the engine holds it.
pub(crate) enum Texts<'a> {
    One(Option<&'a str>),
    Plain(&'a StringArray),
    View(&'a StringViewArray),
    Large(&'a LargeStringArray),
}

impl<'a> Texts<'a> {
    pub(crate) fn of(array: &'a dyn Array) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => array.as_string_opt::<i32>().map(Self::Plain),
            DataType::LargeUtf8 => array.as_string_opt::<i64>().map(Self::Large),
            DataType::Utf8View => array.as_string_view_opt().map(Self::View),
            DataType::Null => Some(Self::One(None)),
            _ => None,
        }
    }

    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::One(text) => *text,
            Self::Plain(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Large(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

/// The types that functions yield.
pub(crate) mod yields {
    use super::{DataType, TimeUnit};

    pub(crate) fn text(_: &[DataType]) -> DataType {
        DataType::Utf8
    }

    pub(crate) fn integer(_: &[DataType]) -> DataType {
        DataType::Int64
    }

    pub(crate) fn number(_: &[DataType]) -> DataType {
        DataType::Float64
    }

    pub(crate) fn boolean(_: &[DataType]) -> DataType {
        DataType::Boolean
    }

    pub(crate) fn date(_: &[DataType]) -> DataType {
        DataType::Date32
    }

    pub(crate) fn time(_: &[DataType]) -> DataType {
        DataType::Timestamp(TimeUnit::Microsecond, None)
    }

    pub(crate) fn texts(_: &[DataType]) -> DataType {
        DataType::new_list(DataType::Utf8, true)
    }

    /// What the first argument is.
    pub(crate) fn first(given: &[DataType]) -> DataType {
        given.first().cloned().unwrap_or(DataType::Null)
    }
}
