//! Few large files of many small ones. Rows stream through: of each source a piece is in memory, and of the new file a
//! row group.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use catalog::lake_files;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use super::checked::Checked;
use super::error::Error;
use super::file::{self, File};
use super::flush::BATCH_ROWS;
use super::merge::Merge;
use super::store::Store;
use super::tiers::{self, Candidate};
use super::writer::Writer;

/// Rows read of a source at once. With 1.5 kB of record each, and eight sources, some 25 MB.
const SOURCE_ROWS: usize = 2_048;

/// The files to merge next, if any; none that is known to be damaged.
pub(super) fn to_merge(store: &Store, damaged: &HashSet<PathBuf>, now_us: i64) -> Option<Vec<Arc<File>>> {
    let files = store.files();
    let config = &store.shared.config;
    let candidates: Vec<Candidate> = files
        .iter()
        .filter(|file| !damaged.contains(file.path()))
        .map(|file| Candidate {
            id: file.id(),
            day: file.day(),
            rows: file.rows(),
            bytes: file.bytes(),
            fresh: now_us - made_us(file) < config.day_quiet_us,
        })
        .collect();
    let ids = tiers::plan(&candidates, config)?;
    Some(files.iter().filter(|file| ids.contains(&file.id())).cloned().collect())
}

/// When a file was made: its name begins with it.
fn made_us(file: &File) -> i64 {
    let name = file.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let made = name.split('-').next().unwrap_or_default();
    i64::from_str_radix(made, 16).unwrap_or_default()
}

/// Merges `sources`, which are of one day.
pub(super) async fn merge(store: Arc<Store>, sources: Vec<Arc<File>>) -> Result<(), Error> {
    let mut row = {
        let (store, sources) = (Arc::clone(&store), sources.clone());
        tokio::task::spawn_blocking(move || write(&store, &sources)).await.map_err(|error| Error::of_task(&error))??
    };
    let mut tx = store.shared.catalog.begin().await?;
    for source in &sources {
        lake_files::remove(&mut tx, source.id()).await?;
    }
    row.id = lake_files::insert(&mut tx, &row).await?;
    tx.commit().await?;
    metrics::counter!("trailkeep_lake_rows_merged_total").increment(row.rows);
    store.replaced(&sources, Some(Arc::new(File::new(row, &store.folder))));
    Ok(())
}

fn write(store: &Store, sources: &[Arc<File>]) -> Result<lake_files::File, Error> {
    let day = sources.first().map_or(0, |file| file.day());
    let readers = sources.iter().map(|file| read(store, file)).collect::<Result<Vec<_>, _>>()?;
    let mut merge = Merge::of(readers)?;
    let mut writer = Writer::create(&store.plan(true), day)?;
    while let Some(batch) = merge.next(BATCH_ROWS)? {
        if store.is_closing() {
            return Err(Error::Stopping);
        }
        writer.write(&batch)?;
    }
    let rows: u64 = sources.iter().map(|file| file.rows()).sum();
    let (found, row) = (writer.rows(), writer.finish()?);
    if found != rows {
        file::remove(&store.folder.join(&row.path));
        let reason = format!("its files have {found} rows instead of {rows}");
        return Err(Error::Uncertain { store: store.info.id.clone(), reason });
    }
    Ok(row)
}

/// The rows of a file, in its order.
fn read(store: &Store, file: &Arc<File>) -> Result<impl Iterator<Item = Result<RecordBatch, Error>> + use<>, Error> {
    let checked = Checked::open(file)?;
    let footer = store.shared.footers.get(&checked)?;
    let path = file.path().to_owned();
    let failed = move |error| Error::parquet(&path, error);
    let options = ArrowReaderOptions::new().with_schema(crate::schema::file_schema(store.info.family));
    let footer = ArrowReaderMetadata::try_new(footer, options).map_err(&failed)?;
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(checked, footer).with_batch_size(SOURCE_ROWS).build();
    let reader = reader.map_err(&failed)?;
    Ok(reader.map(move |batch| batch.map_err(|error| failed(error.into()))))
}
