//! Making one sorted stream of several, the newest rows first.

use arrow::array::{AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::TimestampMicrosecondType;

use super::error::Error;
use super::writer::column;
use crate::schema;

/// Merges batches of several sources, of each of which the rows come newest first.
pub(super) struct Merge<S> {
    sources: Vec<Source<S>>,
}

struct Source<S> {
    batches: S,
    now: Option<Place>,
}

/// A batch of a source, and the first row of it that was not taken.
struct Place {
    batch: RecordBatch,
    times: TimestampMicrosecondArray,
    at: usize,
}

/// Rows that follow each other in a batch.
struct Run {
    batch: usize,
    first: usize,
    rows: usize,
}

impl Place {
    fn of(batch: RecordBatch) -> Self {
        let times = column(&batch, schema::EVENT_TIME).as_primitive::<TimestampMicrosecondType>().clone();
        Self { batch, times, at: 0 }
    }

    fn head(&self) -> i64 {
        self.times.value(self.at)
    }
}

impl<S: Iterator<Item = Result<RecordBatch, Error>>> Merge<S> {
    pub(super) fn of(sources: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let mut sources: Vec<_> = sources.into_iter().map(|batches| Source { batches, now: None }).collect();
        for source in &mut sources {
            source.refill()?;
        }
        Ok(Self { sources })
    }

    /// The next rows, at most so many; none at the end.
    pub(super) fn next(&mut self, rows_max: usize) -> Result<Option<RecordBatch>, Error> {
        let (mut batches, mut runs, mut rows) = (Vec::new(), Vec::<Run>::new(), 0);
        let mut batch_of: Vec<Option<usize>> = vec![None; self.sources.len()];
        while rows < rows_max {
            let Some((source, second)) = self.newest() else { break };
            let Some(place) = &mut self.sources[source].now else { break };
            let index = *batch_of[source].get_or_insert_with(|| {
                batches.push(place.batch.clone());
                batches.len() - 1
            });
            let left = &place.times.values()[place.at..];
            let run = second.map_or(left.len(), |second| left.partition_point(|time| *time >= second)).min(rows_max - rows);
            runs.push(Run { batch: index, first: place.at, rows: run });
            place.at += run;
            rows += run;
            if place.at == place.times.len() {
                self.sources[source].refill()?;
                batch_of[source] = None;
            }
        }
        Ok(gather(&batches, &runs))
    }

    /// The source whose next row is the newest, and the time of the next row of all others.
    fn newest(&self) -> Option<(usize, Option<i64>)> {
        let mut first: Option<(usize, i64)> = None;
        let mut second = None;
        for (at, source) in self.sources.iter().enumerate() {
            let Some(head) = source.now.as_ref().map(Place::head) else { continue };
            match first {
                Some((_, newest)) if newest >= head => second = second.max(Some(head)),
                _ => {
                    second = first.map(|(_, newest)| newest);
                    first = Some((at, head));
                }
            }
        }
        first.map(|(at, _)| (at, second))
    }
}

impl<S: Iterator<Item = Result<RecordBatch, Error>>> Source<S> {
    fn refill(&mut self) -> Result<(), Error> {
        self.now = None;
        while self.now.is_none() {
            let Some(batch) = self.batches.next() else { break };
            let batch = batch?;
            if batch.num_rows() > 0 {
                self.now = Some(Place::of(batch));
            }
        }
        Ok(())
    }
}

fn gather(batches: &[RecordBatch], runs: &[Run]) -> Option<RecordBatch> {
    match runs {
        [] => None,
        [run] => Some(batches[run.batch].slice(run.first, run.rows)),
        runs => {
            let rows = runs.iter().flat_map(|run| (run.first..run.first + run.rows).map(|row| (run.batch, row)));
            let rows: Vec<(usize, usize)> = rows.collect();
            let batches: Vec<&RecordBatch> = batches.iter().collect();
            Some(interleave_record_batch(&batches, &rows).expect("batches of one table have one schema"))
        }
    }
}

#[cfg(test)]
mod tests;
