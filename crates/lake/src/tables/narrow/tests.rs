use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::ParquetMetaDataReader;

use super::*;

/// The footer of a file with these columns and no rows.
fn footer(columns: &SchemaRef) -> Arc<ParquetMetaData> {
    let mut file = Vec::new();
    ArrowWriter::try_new(&mut file, Arc::clone(columns), None).unwrap().close().unwrap();
    Arc::new(ParquetMetaDataReader::new().parse_and_finish(&Bytes::from(file)).unwrap())
}

/// What a reader makes of it.
fn read(footer: &Arc<ParquetMetaData>) -> SchemaRef {
    Arc::clone(ArrowReaderMetadata::try_new(Arc::clone(footer), ArrowReaderOptions::default()).unwrap().schema())
}

fn narrow() -> Narrow {
    let names = ["useridentity".to_owned(), "eventid".to_owned()];
    Narrow::new(Family::Events, columns(Family::Events, &names)).unwrap()
}

#[test]
fn a_footer_is_narrowed_to_the_columns_of_a_query() {
    let narrow = narrow();
    let names: Vec<_> = narrow.schema().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["eventtime", "useridentity", "eventid"]);
    let narrowed = narrow.of(&footer(&schema::file_schema(Family::Events))).unwrap();
    assert_eq!(&read(&narrowed), narrow.schema(), "without the ids that files have");
}

#[test]
fn a_file_with_other_columns_is_read_with_all_of_its_own() {
    let all = schema::file_schema(Family::Events);
    let fewer = all.fields().iter().filter(|field| field.name() != "eventversion").cloned();
    let older = Arc::new(Schema::new(fewer.collect::<Vec<_>>()));
    let whole = narrow().of(&footer(&older)).unwrap();
    assert_eq!(read(&whole), older);
}
