//! The footers of files, kept in memory: a query asks for many files, and for the same ones as the query before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{
    FileMetaData, KeyValue, PageIndexPolicy, ParquetMetaData, ParquetMetaDataBuilder, ParquetMetaDataReader,
};

use super::checked::Checked;
use super::error::Error;

/// The footer, saying what Arrow is to make of texts: views. The file itself does not say so.
fn with_views(footer: ParquetMetaData) -> ParquetResult<ParquetMetaData> {
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
    let mut parts = footer.into_builder();
    let whole = ParquetMetaDataBuilder::new(file).set_row_groups(parts.take_row_groups());
    Ok(whole.set_column_index(parts.take_column_index()).set_offset_index(parts.take_offset_index()).build())
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

/// A cache that forgets what was asked for longest ago.
pub(super) struct Footers {
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: HashMap<u64, Kept>,
    bytes: usize,
    /// Counts what was asked for.
    asked: u64,
}

struct Kept {
    footer: Arc<ParquetMetaData>,
    bytes: usize,
    asked: u64,
}

impl Footers {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, state: Mutex::default() }
    }

    /// The footer of a file, its page index with it.
    pub(super) fn get(&self, checked: &Checked) -> Result<Arc<ParquetMetaData>, Error> {
        let id = checked.file().id();
        if let Some(footer) = self.kept(id) {
            return Ok(footer);
        }
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        let footer = reader.parse_and_finish(checked).and_then(with_views);
        let footer = Arc::new(footer.map_err(|error| Error::parquet(checked.file().path(), error))?);
        self.keep(id, &footer);
        Ok(footer)
    }

    /// A file is gone.
    pub(super) fn forget(&self, id: u64) {
        let mut state = self.state();
        if let Some(kept) = state.kept.remove(&id) {
            state.bytes -= kept.bytes;
        }
    }

    fn kept(&self, id: u64) -> Option<Arc<ParquetMetaData>> {
        let mut state = self.state();
        state.asked += 1;
        let asked = state.asked;
        let kept = state.kept.get_mut(&id)?;
        kept.asked = asked;
        Some(Arc::clone(&kept.footer))
    }

    fn keep(&self, id: u64, footer: &Arc<ParquetMetaData>) {
        let mut state = self.state();
        let (bytes, asked) = (footer.memory_size(), state.asked);
        let kept = Kept { footer: Arc::clone(footer), bytes, asked };
        state.bytes += bytes;
        if let Some(old) = state.kept.insert(id, kept) {
            state.bytes -= old.bytes;
        }
        while state.bytes > self.bytes_max {
            let oldest = state.kept.iter().min_by_key(|(_, kept)| kept.asked).map(|(id, _)| *id);
            let Some(old) = oldest.and_then(|id| state.kept.remove(&id)) else { break };
            state.bytes -= old.bytes;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
