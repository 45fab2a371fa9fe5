//! The tail becomes files: one for each day of eventTime, and one catalog transaction for them and the cursor.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use catalog::{cursors, lake_files};

use super::error::Error;
use super::file::{self, File};
use super::merge::Merge;
use super::sink::cursor_name;
use super::store::{Flushing, Store};
use super::writer::{Plan, Writer, column, day_of};
use crate::schema;

/// Rows handed to the writer at once.
pub(super) const BATCH_ROWS: usize = 8_192;

/// Flushes what the store says is being flushed. Until the commit nothing counts; when the commit's outcome is unknown,
/// the next attempt finds out by the cursor.
pub(super) async fn flush(store: Arc<Store>) -> Result<(), Error> {
    let Some(flushing) = store.flushing() else { return Ok(()) };
    let cursor = cursor_name(&store.info.id);
    let catalog = &store.shared.catalog;
    if cursors::get(catalog, &cursor).await? != Some(flushing.first) {
        let reason = "rows were committed in an unknown way: restart to go on".to_owned();
        return Err(Error::Uncertain { store: store.info.id.clone(), reason });
    }
    let written = if flushing.chunks.is_empty() {
        Vec::new()
    } else {
        let (plan, flushing) = (store.plan(false), flushing.clone());
        tokio::task::spawn_blocking(move || write(&plan, &flushing)).await.map_err(|error| Error::of_task(&error))??
    };
    let mut tx = match catalog.begin().await {
        Ok(tx) => tx,
        Err(error) => return Err(unmade(&store, &written, error)),
    };
    let mut files = Vec::new();
    for mut row in written.clone() {
        row.id = match lake_files::insert(&mut tx, &row).await {
            Ok(id) => id,
            Err(error) => return Err(unmade(&store, &written, error)),
        };
        files.push(Arc::new(File::new(row, &store.folder)));
    }
    if let Err(error) = cursors::set(&mut tx, &cursor, flushing.end).await {
        return Err(unmade(&store, &written, error));
    }
    tx.commit().await?;
    let rows: u64 = files.iter().map(|file| file.rows()).sum();
    metrics::counter!("trailkeep_lake_rows_flushed_total").increment(rows);
    store.flushed(files);
    Ok(())
}

/// Nothing was committed: the files are in the way.
fn unmade(store: &Store, written: &[lake_files::File], error: catalog::Error) -> Error {
    for row in written {
        file::remove(&store.folder.join(&row.path));
    }
    error.into()
}

fn write(plan: &Plan, flushing: &Flushing) -> Result<Vec<lake_files::File>, Error> {
    let sources = flushing.chunks.iter().map(|chunk| std::iter::once(Ok(chunk.batch.clone())));
    let mut days = Days { plan, writer: None, written: Vec::new() };
    let mut merge = Merge::of(sources)?;
    let filled = (|| {
        while let Some(batch) = merge.next(BATCH_ROWS)? {
            days.write(&batch)?;
        }
        days.close()
    })();
    if let Err(error) = filled {
        for row in &days.written {
            file::remove(&plan.folder.join(&row.path));
        }
        return Err(error);
    }
    Ok(days.written)
}

/// Writes rows, the newest first, into a file for each day.
struct Days<'a> {
    plan: &'a Plan,
    writer: Option<(i32, Writer)>,
    written: Vec<lake_files::File>,
}

impl Days<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let times = column(batch, schema::EVENT_TIME).as_primitive::<TimestampMicrosecondType>().values();
        let mut from = 0;
        while let Some(time) = times.get(from) {
            let day = day_of(*time);
            let rows = times[from..].partition_point(|time| day_of(*time) >= day);
            self.writer_of(day)?.write(&batch.slice(from, rows))?;
            from += rows;
        }
        Ok(())
    }

    fn writer_of(&mut self, day: i32) -> Result<&mut Writer, Error> {
        if self.writer.as_ref().is_none_or(|(open, _)| *open != day) {
            self.close()?;
        }
        let (_, writer) = match self.writer.take() {
            Some(open) => self.writer.insert(open),
            None => self.writer.insert((day, Writer::create(self.plan, day)?)),
        };
        Ok(writer)
    }

    fn close(&mut self) -> Result<(), Error> {
        if let Some((_, writer)) = self.writer.take() {
            self.written.push(writer.finish()?);
        }
        Ok(())
    }
}
