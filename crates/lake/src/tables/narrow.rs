//! Footers as one query needs them: with its columns and no others. Whoever opens a file makes an Arrow schema of all that
//! its footer names, and a store has many columns: for small files that takes longer than reading them.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use cloudtrail::event_data_store::Family;
use parquet::arrow::{ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, encode_arrow_schema, parquet_to_arrow_schema};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataBuilder, RowGroupMetaData, SortingColumn};
use parquet::schema::types::SchemaDescPtr;

use super::writer::leaves_of;
use crate::schema;

/// Some columns of a family's files.
#[derive(Debug)]
pub(super) struct Narrow {
    arrow: SchemaRef,
    parquet: SchemaDescPtr,
    /// What says which Arrow types the columns have.
    hint: KeyValue,
    /// Which columns of values they are in a whole file.
    leaves: Vec<usize>,
}

impl Narrow {
    /// These columns, in their order.
    pub(super) fn new(family: Family, arrow: SchemaRef) -> ParquetResult<Self> {
        let stored = schema::stored_schema(family);
        let of =
            |name: &str| leaves_of(&stored, name).ok_or_else(|| ParquetError::General(format!("no file has a column {name}")));
        let leaves = arrow.fields().iter().map(|field| of(field.name())).collect::<ParquetResult<Vec<_>>>()?;
        let parquet = Arc::new(ArrowSchemaConverter::new().convert(&arrow)?);
        let hint = KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(&arrow));
        Ok(Self { arrow, parquet, hint, leaves: leaves.into_iter().flatten().collect() })
    }

    /// The columns, as files are read with them.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.arrow
    }

    /// The footer, narrowed; the whole one if it is not of a file that this program writes today.
    pub(super) fn of(&self, footer: &Arc<ParquetMetaData>) -> ParquetResult<Arc<ParquetMetaData>> {
        let whole = footer.file_metadata();
        let theirs = |leaf: usize| whole.schema_descr().columns().get(leaf).map(|column| column.path());
        let ours = self.parquet.columns().iter().map(|column| Some(column.path()));
        if !ours.eq(self.leaves.iter().map(|leaf| theirs(*leaf))) {
            return with_views(footer).map(Arc::new);
        }
        let file = FileMetaData::new(
            whole.version(),
            whole.num_rows(),
            whole.created_by().map(str::to_owned),
            Some(vec![self.hint.clone()]),
            Arc::clone(&self.parquet),
            whole.column_orders().map(|orders| self.picked(orders)),
        );
        let groups = footer.row_groups().iter().map(|group| self.group(group)).collect::<ParquetResult<Vec<_>>>()?;
        let pages = footer.column_index().map(|index| index.iter().map(|group| self.picked(group)).collect());
        let offsets = footer.offset_index().map(|index| index.iter().map(|group| self.picked(group)).collect());
        let narrowed = ParquetMetaDataBuilder::new(file).set_row_groups(groups);
        Ok(Arc::new(narrowed.set_column_index(pages).set_offset_index(offsets).build()))
    }

    fn group(&self, group: &RowGroupMetaData) -> ParquetResult<RowGroupMetaData> {
        let sorting = |column: &SortingColumn| {
            let at = self.leaves.iter().position(|leaf| *leaf == column.column_idx as usize)?;
            Some(SortingColumn { column_idx: at as i32, ..column.clone() })
        };
        RowGroupMetaData::builder(Arc::clone(&self.parquet))
            .set_num_rows(group.num_rows())
            .set_total_byte_size(group.total_byte_size())
            .set_sorting_columns(group.sorting_columns().map(|columns| columns.iter().map_while(sorting).collect()))
            .set_column_metadata(self.picked(group.columns()))
            .build()
    }

    fn picked<T: Clone>(&self, of_all: &[T]) -> Vec<T> {
        self.leaves.iter().filter_map(|leaf| of_all.get(*leaf)).cloned().collect()
    }
}

/// The columns of these names, the time first: its statistics are the only ones that come with a file.
pub(super) fn columns(family: Family, names: &[String]) -> SchemaRef {
    let stored = schema::stored_schema(family);
    let (times, others): (Vec<_>, Vec<_>) = stored
        .fields()
        .iter()
        .filter(|field| field.name() == schema::EVENT_TIME || names.contains(field.name()))
        .cloned()
        .partition(|field| field.name() == schema::EVENT_TIME);
    Arc::new(Schema::new(times.into_iter().chain(others).collect::<Vec<_>>()))
}

/// A whole footer, saying what Arrow is to make of texts: views. The file itself does not say so.
fn with_views(footer: &ParquetMetaData) -> ParquetResult<ParquetMetaData> {
    let file = footer.file_metadata();
    let arrow = parquet_to_arrow_schema(file.schema_descr(), None)?;
    let fields: Vec<Field> = arrow.fields().iter().map(|field| viewed(field)).collect();
    let hint = KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(&Schema::new(fields)));
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        Some(vec![hint]),
        file.schema_descr_ptr(),
        file.column_orders().cloned(),
    );
    let whole = ParquetMetaDataBuilder::new(file).set_row_groups(footer.row_groups().to_vec());
    Ok(whole.set_column_index(footer.column_index().cloned()).set_offset_index(footer.offset_index().cloned()).build())
}

fn viewed(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::Utf8 => DataType::Utf8View,
        DataType::Struct(members) => DataType::Struct(members.iter().map(|member| viewed(member)).collect()),
        DataType::List(element) => DataType::List(Arc::new(viewed(element))),
        other => other.clone(),
    };
    field.clone().with_data_type(data_type)
}

#[cfg(test)]
mod tests;
