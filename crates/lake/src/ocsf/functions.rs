//! What the view needs and SQL has no word for.

use std::net::IpAddr;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, ListArray, StringBuilder, StringViewArray, StringViewBuilder, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Int32Type};
use cloudtrail::event_data_store::Family;
use datafusion::common::{DataFusionError, Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::activity::Activity;
use super::unmapped as rest;
use crate::schema;

/// Types of observables (OCSF 1.1.0, object `observable`).
const HOSTNAME: (i32, &str) = (1, "Hostname");
const IP_ADDRESS: (i32, &str) = (2, "IP Address");
const USER_NAME: (i32, &str) = (4, "User Name");
const RESOURCE_UID: (i32, &str) = (10, "Resource UID");

/// The number of what an operation does.
pub(super) fn activity_id() -> ScalarUDF {
    let work = |args: &[ColumnarValue]| {
        let [names] = texts(args)?;
        let ids: Int32Array = names.iter().map(|name| name.map(|name| Activity::of(name).id())).collect();
        Ok(ColumnarValue::Array(Arc::new(ids)))
    };
    create_udf("ocsf_activity_id", vec![DataType::Utf8View], DataType::Int32, Volatility::Immutable, Arc::new(work))
}

/// The name of what an operation does.
pub(super) fn activity_name() -> ScalarUDF {
    of_text("ocsf_activity_name", |operation| Some(Activity::of(operation).name().to_owned()))
}

/// Class and activity in words.
pub(super) fn type_name() -> ScalarUDF {
    of_text("ocsf_type_name", |operation| Some(format!("API Activity: {}", Activity::of(operation).name())))
}

/// A source that is an address.
pub(super) fn ip() -> ScalarUDF {
    of_text("ocsf_ip", |source| is_ip(source).then(|| source.to_owned()))
}

/// A source that is a name.
pub(super) fn domain() -> ScalarUDF {
    of_text("ocsf_domain", |source| (!is_ip(source)).then(|| source.to_owned()))
}

/// What of a record has no place.
pub(super) fn unmapped() -> ScalarUDF {
    of_text("ocsf_unmapped", rest::of)
}

/// The name of a user, or what was typed as one.
pub(super) fn user_name() -> ScalarUDF {
    let work = |args: &[ColumnarValue]| {
        let [names, additional] = texts(args)?;
        let pairs = names.iter().zip(additional.iter());
        let found = pairs.map(|(name, additional)| name.map(str::to_owned).or_else(|| typed_name(additional?)));
        Ok(ColumnarValue::Array(Arc::new(found.collect::<StringViewArray>())))
    };
    let text = DataType::Utf8View;
    create_udf("ocsf_user_name", vec![text.clone(), text.clone()], text, Volatility::Immutable, Arc::new(work))
}

fn typed_name(additional: &str) -> Option<String> {
    // Most records have other things there.
    if !additional.contains("\"UserName\"") {
        return None;
    }
    let members: serde_json::Value = serde_json::from_str(additional).ok()?;
    members.get("UserName")?.as_str().map(str::to_owned)
}

fn is_ip(source: &str) -> bool {
    source.parse::<IpAddr>().is_ok()
}

/// A function of one text.
fn of_text(name: &str, work: fn(&str) -> Option<String>) -> ScalarUDF {
    let work = move |args: &[ColumnarValue]| {
        let [values] = texts(args)?;
        let mut results = StringViewBuilder::with_capacity(values.len());
        for value in &values {
            results.append_option(value.and_then(work));
        }
        Ok(ColumnarValue::Array(Arc::new(results.finish())))
    };
    create_udf(name, vec![DataType::Utf8View], DataType::Utf8View, Volatility::Immutable, Arc::new(work))
}

/// The arguments as columns of texts.
fn texts<const N: usize>(args: &[ColumnarValue]) -> Result<[StringViewArray; N]> {
    let arrays = ColumnarValue::values_to_arrays(args)?;
    let texts = arrays.iter().map(|array| {
        let text = array.as_string_view_opt().cloned();
        text.ok_or_else(|| DataFusionError::Execution(format!("{} is no text", array.data_type())))
    });
    let texts: Vec<StringViewArray> = texts.collect::<Result<_>>()?;
    texts.try_into().map_err(|_| DataFusionError::Execution(format!("{N} arguments expected")))
}

/// The type of `resources` in a store.
fn resources_type() -> DataType {
    let column = schema::column(Family::Events, "resources").expect("CloudTrail events have resources");
    schema::arrow_type(column.kind)
}

fn text_field(name: &str) -> Field {
    Field::new(name, DataType::Utf8View, true)
}

fn account_fields() -> Fields {
    Fields::from(vec![text_field("uid")])
}

fn owner_fields() -> Fields {
    Fields::from(vec![Field::new("account", DataType::Struct(account_fields()), true)])
}

fn resource_fields() -> Fields {
    Fields::from(vec![text_field("uid"), text_field("type"), Field::new("owner", DataType::Struct(owner_fields()), true)])
}

fn list_of(fields: Fields) -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Struct(fields), true)))
}

/// The resources as OCSF has them: the same texts in other places.
pub(super) fn resources() -> ScalarUDF {
    let work = |args: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(args)?;
        let [array] = arrays.as_slice() else { return exec_err!("one argument expected") };
        Ok(ColumnarValue::Array(Arc::new(resources_of(array)?)))
    };
    create_udf("ocsf_resources", vec![resources_type()], list_of(resource_fields()), Volatility::Immutable, Arc::new(work))
}

fn resources_of(array: &ArrayRef) -> Result<ListArray> {
    let Some(lists) = array.as_list_opt::<i32>() else { return exec_err!("resources are no list") };
    let items = lists.values().as_struct();
    let member = |name: &str| {
        let column = items.column_by_name(name).cloned();
        column.ok_or_else(|| DataFusionError::Execution(format!("resources have no {name}")))
    };
    let account = StructArray::new(account_fields(), vec![member("accountid")?], None);
    let owner = StructArray::new(owner_fields(), vec![Arc::new(account)], None);
    let (arns, prefixes) = (member("arn")?, member("arnprefix")?);
    let uids: StringViewArray =
        arns.as_string_view().iter().zip(prefixes.as_string_view().iter()).map(|(arn, prefix)| arn.or(prefix)).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(uids), member("type")?, Arc::new(owner)];
    let values = StructArray::new(resource_fields(), columns, items.nulls().cloned());
    let field = Arc::new(Field::new("item", DataType::Struct(resource_fields()), true));
    Ok(ListArray::new(field, lists.offsets().clone(), Arc::new(values), lists.nulls().cloned()))
}

fn observable_fields() -> Fields {
    let id = Field::new("type_id", DataType::Int32, true);
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    Fields::from(vec![text("name"), text("type"), id, text("value")])
}

/// What one looks for: addresses, host names, user names, ARNs.
pub(super) fn observables() -> ScalarUDF {
    let work = |args: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(args)?;
        let [source, user, arn, resources] = arrays.as_slice() else { return exec_err!("four arguments expected") };
        let (source, user, arn) = (source.as_string_view(), user.as_string_view(), arn.as_string_view());
        let resources = resources_of(resources)?;
        let mut found = Observables::default();
        for row in 0..source.len() {
            let value = |column: &StringViewArray| column.is_valid(row).then(|| column.value(row).to_owned());
            if let Some(source) = value(source) {
                if is_ip(&source) {
                    found.push("src_endpoint.ip", IP_ADDRESS, &source);
                } else {
                    found.push("src_endpoint.domain", HOSTNAME, &source);
                }
            }
            found.extend("actor.user.name", USER_NAME, value(user));
            found.extend("actor.user.uid", RESOURCE_UID, value(arn));
            if resources.is_valid(row) {
                let items = resources.value(row);
                for uid in items.as_struct().column(0).as_string_view().iter().flatten() {
                    found.push("resources[].uid", RESOURCE_UID, uid);
                }
            }
            found.end_row();
        }
        Ok(ColumnarValue::Array(Arc::new(found.finish())))
    };
    let text = DataType::Utf8View;
    let takes = vec![text.clone(), text.clone(), text, resources_type()];
    create_udf("ocsf_observables", takes, list_of(observable_fields()), Volatility::Immutable, Arc::new(work))
}

#[derive(Default)]
struct Observables {
    names: StringBuilder,
    types: StringBuilder,
    type_ids: Vec<i32>,
    values: StringBuilder,
    ends: Vec<usize>,
}

impl Observables {
    fn push(&mut self, name: &str, (type_id, type_name): (i32, &str), value: &str) {
        self.names.append_value(name);
        self.types.append_value(type_name);
        self.type_ids.push(type_id);
        self.values.append_value(value);
    }

    fn extend(&mut self, name: &str, kind: (i32, &str), value: Option<String>) {
        if let Some(value) = value {
            self.push(name, kind, &value);
        }
    }

    fn end_row(&mut self) {
        self.ends.push(self.type_ids.len());
    }

    fn finish(mut self) -> ListArray {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let offsets = OffsetBuffer::<i32>::from_lengths(starts.zip(&self.ends).map(|(start, end)| end - start));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.names.finish()),
            Arc::new(self.types.finish()),
            Arc::new(arrow::array::PrimitiveArray::<Int32Type>::from(self.type_ids)),
            Arc::new(self.values.finish()),
        ];
        let values = StructArray::new(observable_fields(), columns, None);
        let field = Arc::new(Field::new("item", DataType::Struct(observable_fields()), true));
        ListArray::new(field, offsets, Arc::new(values), None)
    }
}
