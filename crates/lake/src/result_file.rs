//! Results as a Parquet file. A result is text; where the statement's types are known, its numbers, times and booleans
//! get columns of their kind again. Maps, arrays and structs stay JSON text.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::engine::Page;
use crate::sql::{Compiled, Type};

/// A file being written.
pub struct ResultFile<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
}

impl<W: Write + Send> ResultFile<W> {
    /// A file with columns of these names. Their types are those of the statement, or all text if it is not known.
    pub fn new(out: W, columns: &[String], statement: Option<&Compiled>) -> Result<Self, ParquetError> {
        let kind = |at: usize| statement.and_then(|statement| statement.kinds.get(at));
        let field = |(at, name): (usize, &String)| Field::new(name, data_type(kind(at)), true);
        let schema = Arc::new(Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>()));
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        Ok(Self { writer: ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?, schema })
    }

    /// Adds rows.
    pub fn add(&mut self, rows: &Page) -> Result<(), ParquetError> {
        if rows.is_empty() {
            return Ok(());
        }
        let column = |(at, field): (usize, &Arc<Field>)| -> Result<ArrayRef, ArrowError> {
            let texts: StringArray = rows.iter().map(|row| row.get(at).and_then(Option::as_deref)).collect();
            // What does not fit its column is an error, not a NULL.
            let exactly = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(&texts, field.data_type(), &exactly)
        };
        let columns = self.schema.fields().iter().enumerate().map(column).collect::<Result<_, _>>()?;
        self.writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// Ends the file.
    pub fn finish(self) -> Result<(), ParquetError> {
        self.writer.close().map(drop)
    }
}

fn data_type(kind: Option<&Type>) -> DataType {
    match kind {
        Some(Type::Timestamp) => DataType::Timestamp(TimeUnit::Microsecond, None),
        Some(Type::Date) => DataType::Date32,
        Some(Type::Boolean) => DataType::Boolean,
        Some(Type::Integer) => DataType::Int64,
        Some(Type::Double) => DataType::Float64,
        _ => DataType::Utf8,
    }
}

#[cfg(test)]
mod tests {
    use cloudtrail::event_data_store::Family;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::sql::{self, Named, Names, Shape};

    fn written(columns: &[&str], statement: Option<&Compiled>, rows: &[&[Option<&str>]]) -> RecordBatch {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let rows: Page = rows.iter().map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect();
        let mut bytes = Vec::new();
        let mut file = ResultFile::new(&mut bytes, &columns, statement).unwrap();
        file.add(&rows).unwrap();
        file.finish().unwrap();
        let mut reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap().build().unwrap();
        reader.next().unwrap().unwrap()
    }

    #[test]
    fn a_result_gets_its_types_back() {
        let table = Named {
            id: "t".to_owned(),
            arn: String::new(),
            name: "t".to_owned(),
            shape: Shape::Store(Family::Events),
            default: true,
            active: true,
        };
        let names = Names { tables: vec![table], ..Names::default() };
        let statement = "SELECT eventTime, readOnly, COUNT(*) AS n, AVG(1.5) AS a, eventName FROM t GROUP BY 1, 2, 5";
        let compiled = sql::compile(statement, &names, 0).unwrap();
        let columns = ["eventTime", "readOnly", "n", "a", "eventName"];
        let row = [Some("2026-01-02 03:04:05.678"), Some("true"), Some("12"), Some("1.0E7"), Some("GetObject")];
        let batch = written(&columns, Some(&compiled), &[&row, &[None; 5]]);
        let types: Vec<String> = batch.schema().fields().iter().map(|field| field.data_type().to_string()).collect();
        assert_eq!(types, ["Timestamp(µs)", "Boolean", "Int64", "Float64", "Utf8"]);
        let shown = arrow::util::pretty::pretty_format_batches(&[batch]).unwrap().to_string();
        assert!(shown.contains("2026-01-02T03:04:05.678") && shown.contains("10000000.0"), "{shown}");
    }

    #[test]
    fn without_a_statement_all_is_text() {
        let batch = written(&["n", "m"], None, &[&[Some("1"), None]]);
        assert!(batch.columns().iter().all(|column| *column.data_type() == DataType::Utf8));
        assert_eq!(batch.num_rows(), 1);
    }
}
