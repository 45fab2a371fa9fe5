//! Arrays: counted from 1, and from the end with negative numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, UInt64Array, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{SortOptions, cast, interleave, kernels::cmp, sort_to_indices, take};
use arrow::datatypes::{DataType, Field, Float64Type};
use datafusion::common::{Result, exec_datafusion_err, exec_err};

use super::scalar::{Args, Row, Take, Texts, grown, yields};
use super::{scan, shortened};
use crate::text;

pub(super) const ROWS: &[Row] = &[
    Row::new("cardinality", &[Take::Any], yields::integer, cardinality),
    Row::new("element_at", &[Take::Any, Take::Any], element_type, element_at),
    Row::new("subscript", &[Take::Any, Take::Any], element_type, subscript),
    Row::new("contains", &[Take::List, Take::Any], yields::boolean, contains),
    Row::new("array_join", &[Take::List, Take::Text, Take::Text], yields::text, array_join).least(2),
    Row::new("array_sort", &[Take::List], yields::first, array_sort),
    Row::new("slice", &[Take::List, Take::Integer, Take::Integer], yields::first, slice),
    Row::new("concat", &[Take::Any], concat_type, concat).more(),
    Row::new("or_one_null", &[Take::List], yields::first, or_one_null),
    Row::new("positions", &[Take::List], integers_type, positions),
    Row::new("sequence", &[Take::Integer, Take::Integer, Take::Integer], integers_type, sequence).least(2),
    Row::new("percentile_of", &[Take::List, Take::Any], percentile_type, percentile_of),
];

fn element(list: &DataType) -> DataType {
    match list {
        DataType::List(field) => field.data_type().clone(),
        // A map's values are text.
        _ => DataType::Utf8,
    }
}

fn element_type(given: &[DataType]) -> DataType {
    given.first().map_or(DataType::Null, element)
}

fn cardinality(args: &Args<'_>) -> Result<ArrayRef> {
    if let DataType::List(_) = args.data_type(0) {
        let lists = args.list(0)?;
        return args.each_integer(|row| Ok(lists.is_valid(row).then(|| i64::from(lists.value_length(row)))));
    }
    let maps = args.texts(0)?;
    args.each_integer(|row| Ok(maps.get(row).and_then(scan::members).map(|members| members.count() as i64)))
}

/// The element at a place, or of a key; NULL if there is none.
fn element_at(args: &Args<'_>) -> Result<ArrayRef> {
    if !matches!(args.data_type(0), DataType::List(_)) {
        let (maps, keys) = (args.texts(0)?, args.texts(1)?);
        return args.each_text(|row| {
            let value = maps.get(row).zip(keys.get(row)).and_then(|(map, key)| scan::member(map, key));
            Ok(value.and_then(scan::plain))
        });
    }
    let (lists, places) = (args.list(0)?, places(args, 1)?);
    let at = |row: usize| -> Result<Option<u64>> {
        if lists.is_null(row) || places.is_null(row) {
            return Ok(None);
        }
        if places.value(row) == 0 {
            return exec_err!("array subscripts start at 1");
        }
        Ok(place(&lists, row, places.value(row)))
    };
    let indexes = (0..args.rows).map(at).collect::<Result<UInt64Array>>()?;
    Ok(take(lists.values(), &indexes, None)?)
}

/// The element that must be there.
fn subscript(args: &Args<'_>) -> Result<ArrayRef> {
    if !matches!(args.data_type(0), DataType::List(_)) {
        let (maps, keys) = (args.texts(0)?, args.texts(1)?);
        return args.each_text(|row| {
            let Some((map, key)) = maps.get(row).zip(keys.get(row)) else { return Ok(None) };
            let value =
                scan::member(map, key).ok_or_else(|| exec_datafusion_err!("key not present in map: {}", shortened(key)))?;
            Ok(scan::plain(value))
        });
    }
    let (lists, places) = (args.list(0)?, places(args, 1)?);
    let at = |row: usize| -> Result<Option<u64>> {
        if lists.is_null(row) || places.is_null(row) {
            return Ok(None);
        }
        match places.value(row) {
            0 => exec_err!("array subscripts start at 1"),
            negative if negative < 0 => exec_err!("array subscript is negative: {negative}"),
            wanted => {
                let length = lists.value_length(row);
                let beyond = || {
                    let rule = "array subscript must be less than or equal to array length";
                    exec_datafusion_err!("{rule}: {wanted} > {length}")
                };
                place(&lists, row, wanted).map(Some).ok_or_else(beyond)
            }
        }
    };
    let indexes = (0..args.rows).map(at).collect::<Result<UInt64Array>>()?;
    Ok(take(lists.values(), &indexes, None)?)
}

/// A whole number argument of a function that takes other things there too.
fn places(args: &Args<'_>, at: usize) -> Result<Int64Array> {
    let array = args.array(at)?;
    if !array.data_type().is_integer() && !array.data_type().is_null() {
        return exec_err!("{}() expects bigint as the place in an array", args.name);
    }
    Ok(cast(&array, &DataType::Int64)?.as_primitive().clone())
}

/// Where in the values of all lists the n-th element of a row's list is.
fn place(lists: &ListArray, row: usize, wanted: i64) -> Option<u64> {
    let length = i64::from(lists.value_length(row));
    let at = if wanted > 0 { wanted - 1 } else { length + wanted };
    let start = i64::from(lists.value_offsets()[row]);
    ((0..length).contains(&at) && wanted != 0).then_some((start + at) as u64)
}

/// The row of each element of all lists.
fn row_of_elements(lists: &ListArray) -> UInt64Array {
    (0..lists.len()).flat_map(|row| std::iter::repeat_n(row as u64, lists.value_length(row) as usize)).collect()
}

fn contains(args: &Args<'_>) -> Result<ArrayRef> {
    let (lists, wanted) = (args.list(0)?, args.array(1)?);
    let values = used_values(&lists);
    let wanted = take(&cast(&wanted, values.data_type())?, &row_of_elements(&lists), None)?;
    let equal: BooleanArray = cmp::eq(&values, &wanted)?;
    let start = lists.value_offsets().first().copied().unwrap_or_default();
    args.each_boolean(|row| {
        if lists.is_null(row) {
            return Ok(None);
        }
        let offsets = lists.value_offsets();
        let range = (offsets[row] - start) as usize..(offsets[row + 1] - start) as usize;
        let found = range.clone().any(|at| equal.is_valid(at) && equal.value(at));
        let unknown = range.into_iter().any(|at| equal.is_null(at));
        Ok(if found {
            Some(true)
        } else if unknown {
            None
        } else {
            Some(false)
        })
    })
}

/// The values that the lists use: a slice of a larger array has more.
pub(super) fn used_values(lists: &ListArray) -> ArrayRef {
    let offsets = lists.value_offsets();
    let (Some(start), Some(end)) = (offsets.first(), offsets.last()) else { return Arc::clone(lists.values()) };
    lists.values().slice(*start as usize, (end - start) as usize)
}

fn array_join(args: &Args<'_>) -> Result<ArrayRef> {
    let (lists, separators) = (args.list(0)?, args.texts(1)?);
    let nulls = if args.len() > 2 { args.texts(2)? } else { Texts::One(None) };
    args.each_text(|row| {
        let Some(separator) = separators.get(row).filter(|_| lists.is_valid(row)) else { return Ok(None) };
        let items = lists.value(row);
        grown(items.len() * separator.len())?;
        let items = (0..items.len()).filter_map(|at| text::plain(&items, at).or_else(|| nulls.get(row).map(str::to_owned)));
        Ok(Some(items.collect::<Vec<_>>().join(separator)))
    })
}

/// A list for every row of elements of several arrays: which array, which place.
fn gathered(element: &DataType, sources: &[ArrayRef], rows: Vec<Option<Vec<(usize, usize)>>>) -> Result<ArrayRef> {
    let lengths = rows.iter().map(|row| row.as_ref().map_or(0, Vec::len));
    let offsets = OffsetBuffer::from_lengths(lengths);
    let nulls = rows.iter().map(Option::is_some).collect::<NullBuffer>();
    let picks: Vec<(usize, usize)> = rows.into_iter().flatten().flatten().collect();
    let sources: Vec<&dyn Array> = sources.iter().map(AsRef::as_ref).collect();
    let values = if picks.is_empty() { new_null_array(element, 0) } else { interleave(&sources, &picks)? };
    let field = Arc::new(Field::new_list_field(element.clone(), true));
    Ok(Arc::new(ListArray::try_new(field, offsets, values, Some(nulls))?))
}

fn picks_of(lists: &ListArray, row: usize, source: usize) -> Option<Vec<(usize, usize)>> {
    let offsets = lists.value_offsets();
    lists.is_valid(row).then(|| (offsets[row]..offsets[row + 1]).map(|at| (source, at as usize)).collect())
}

/// The lists with the fields that their type says.
fn like_first(args: &Args<'_>, array: ArrayRef) -> Result<ArrayRef> {
    if array.data_type() == args.yields { Ok(array) } else { Ok(cast(&array, args.yields)?) }
}

fn array_sort(args: &Args<'_>) -> Result<ArrayRef> {
    let lists = args.list(0)?;
    let mut rows = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if lists.is_null(row) {
            rows.push(None);
            continue;
        }
        let options = SortOptions { descending: false, nulls_first: false };
        let order = sort_to_indices(&lists.value(row), Some(options), None)?;
        let start = lists.value_offsets()[row] as usize;
        rows.push(Some(order.values().iter().map(|at| (0, start + *at as usize)).collect()));
    }
    like_first(args, gathered(&element(lists.data_type()), &[Arc::clone(lists.values())], rows)?)
}

fn slice(args: &Args<'_>) -> Result<ArrayRef> {
    let (lists, starts, lengths) = (args.list(0)?, args.integers(1)?, args.integers(2)?);
    let mut rows = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if lists.is_null(row) || starts.is_null(row) || lengths.is_null(row) {
            rows.push(None);
            continue;
        }
        let (start, length) = (starts.value(row), lengths.value(row));
        if start == 0 {
            return exec_err!("array subscripts start at 1");
        }
        if length < 0 {
            return exec_err!("the length of slice() is negative: {length}");
        }
        let all = picks_of(&lists, row, 0).unwrap_or_default();
        let first = if start > 0 { start - 1 } else { all.len() as i64 + start };
        let kept = match usize::try_from(first) {
            Ok(first) => all.into_iter().skip(first).take(length as usize).collect(),
            Err(_) => Vec::new(),
        };
        rows.push(Some(kept));
    }
    like_first(args, gathered(&element(lists.data_type()), &[Arc::clone(lists.values())], rows)?)
}

fn concat_type(given: &[DataType]) -> DataType {
    let list = given.iter().find(|given| matches!(given, DataType::List(_)));
    match list {
        Some(list) => DataType::new_list(element(list), true),
        None => DataType::Utf8,
    }
}

/// Texts one after another, or arrays. NULL if one of them is.
fn concat(args: &Args<'_>) -> Result<ArrayRef> {
    if !matches!(args.yields, DataType::List(_)) {
        let arrays: Vec<ArrayRef> = (0..args.len()).map(|at| args.array(at)).collect::<Result<_>>()?;
        let texts: Vec<Option<Texts<'_>>> = arrays.iter().map(|array| Texts::of(array)).collect();
        return args.each_text(|row| {
            let mut joined = String::new();
            for (array, texts) in arrays.iter().zip(&texts) {
                match texts {
                    Some(texts) => match texts.get(row) {
                        Some(text) => joined.push_str(text),
                        None => return Ok(None),
                    },
                    None => match text::plain(array, row) {
                        Some(text) => joined.push_str(&text),
                        None => return Ok(None),
                    },
                }
            }
            Ok(Some(joined))
        });
    }
    let kind = element(args.yields);
    let mut sources: Vec<ArrayRef> = Vec::new();
    let mut lists: Vec<Option<ListArray>> = Vec::new();
    for at in 0..args.len() {
        let array = args.array(at)?;
        let list = array.as_list_opt::<i32>().cloned();
        let values = list.as_ref().map_or(&array, |list| list.values());
        sources.push(cast(values, &kind)?);
        lists.push(list);
    }
    let mut rows = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let mut picks = Some(Vec::new());
        for (source, list) in lists.iter().enumerate() {
            let found = match list {
                Some(list) => picks_of(list, row, source),
                None => Some(vec![(source, row)]),
            };
            picks = picks.zip(found).map(|(mut picks, found)| {
                picks.extend(found);
                picks
            });
        }
        rows.push(picks);
    }
    gathered(&kind, &sources, rows)
}

/// A list of one NULL in place of none and of an empty one.
fn or_one_null(args: &Args<'_>) -> Result<ArrayRef> {
    let lists = args.list(0)?;
    let kind = element(lists.data_type());
    let sources = [Arc::clone(lists.values()), new_null_array(&kind, 1)];
    let picks = |row| match picks_of(&lists, row, 0) {
        Some(picks) if !picks.is_empty() => Some(picks),
        _ => Some(vec![(1, 0)]),
    };
    like_first(args, gathered(&kind, &sources, (0..args.rows).map(picks).collect())?)
}

fn positions(args: &Args<'_>) -> Result<ArrayRef> {
    let lists = args.list(0)?;
    let mut builder = arrow::array::ListBuilder::new(arrow::array::Int64Builder::new());
    for row in 0..args.rows {
        let length = if lists.is_valid(row) { i64::from(lists.value_length(row)) } else { 0 };
        (1..=length).for_each(|number| builder.values().append_value(number));
        builder.append(lists.is_valid(row));
    }
    Ok(Arc::new(builder.finish()))
}

fn integers_type(_: &[DataType]) -> DataType {
    DataType::new_list(DataType::Int64, true)
}

/// The longest sequence (Trino's own limit).
const SEQUENCE_ITEMS_MAX: i128 = 10_000;

/// The whole numbers from one to another.
fn sequence(args: &Args<'_>) -> Result<ArrayRef> {
    let (starts, stops) = (args.integers(0)?, args.integers(1)?);
    let steps = (args.len() > 2).then(|| args.integers(2)).transpose()?;
    let mut builder = arrow::array::ListBuilder::new(arrow::array::Int64Builder::new());
    for row in 0..args.rows {
        if starts.is_null(row) || stops.is_null(row) || steps.as_ref().is_some_and(|steps| steps.is_null(row)) {
            builder.append(false);
            continue;
        }
        let (start, stop) = (starts.value(row), stops.value(row));
        let step = steps.as_ref().map_or(if stop < start { -1 } else { 1 }, |steps| steps.value(row));
        let distance = i128::from(stop) - i128::from(start);
        if step == 0 || distance.signum() * i128::from(step.signum()) < 0 {
            return exec_err!("the step of sequence() does not lead from {start} to {stop}");
        }
        let count = distance / i128::from(step) + 1;
        if count > SEQUENCE_ITEMS_MAX {
            return exec_err!("the result of sequence() has more than {SEQUENCE_ITEMS_MAX} entries");
        }
        (0..count as i64).for_each(|number| builder.values().append_value(start + number * step));
        builder.append(true);
    }
    Ok(Arc::new(builder.finish()))
}

fn percentile_type(given: &[DataType]) -> DataType {
    match given {
        [list, DataType::List(_)] => DataType::new_list(element(list), true),
        [list, ..] => element(list),
        [] => DataType::Null,
    }
}

/// The value below which a share of a sorted list lies.
fn percentile_of(args: &Args<'_>) -> Result<ArrayRef> {
    let (lists, shares) = (args.list(0)?, args.array(1)?);
    let kind = element(lists.data_type());
    let several = shares.as_list_opt::<i32>().cloned();
    let values = several.as_ref().map_or_else(|| Arc::clone(&shares), |list| Arc::clone(list.values()));
    let values = cast(&values, &DataType::Float64)?;
    let values = values.as_primitive::<Float64Type>();
    let pick = |row: usize, at: usize| -> Result<Option<(usize, usize)>> {
        let length = lists.value_length(row) as usize;
        if values.is_null(at) || lists.is_null(row) || length == 0 {
            return Ok(None);
        }
        let share = values.value(at);
        if !(0.0..=1.0).contains(&share) {
            return exec_err!("percentile must be between 0 and 1");
        }
        let rank = ((share * length as f64).ceil() as usize).clamp(1, length) - 1;
        Ok(Some((0, lists.value_offsets()[row] as usize + rank)))
    };
    match several {
        None => {
            let picks =
                (0..args.rows).map(|row| Ok(pick(row, row)?.map(|(_, at)| at as u64))).collect::<Result<UInt64Array>>()?;
            Ok(take(lists.values(), &picks, None)?)
        }
        Some(several) => {
            let sources = [Arc::clone(lists.values()), new_null_array(&kind, 1)];
            let mut rows = Vec::new();
            for row in 0..args.rows {
                let wanted = picks_of(&several, row, 0).filter(|_| lists.is_valid(row));
                let picks = |wanted: Vec<(usize, usize)>| -> Result<Vec<(usize, usize)>> {
                    wanted.into_iter().map(|(_, at)| Ok(pick(row, at)?.unwrap_or((1, 0)))).collect()
                };
                rows.push(wanted.map(picks).transpose()?);
            }
            gathered(&kind, &sources, rows)
        }
    }
}
