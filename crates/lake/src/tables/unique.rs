//! Events that name the store (imports, channels) are kept once: same account, Region and eventID, and equal content.
//! Only what covers an event's eventTime is looked at. Live events need not be asked for: the door has done it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};

use super::checked::Checked;
use super::error::Error;
use super::file::File;
use super::keys::{self, Keys, key_of};
use super::store::Store;
use super::tail::{Chunk, Taken};
use super::writer::column;
use crate::rows::event_time_us;
use crate::schema;

/// Rows read of a file at once.
const BATCH_ROWS: usize = 8_192;

/// Finds events that a store has already. Keeps the keys of the files that were asked last.
pub(super) struct Unique {
    bytes_max: usize,
    kept: VecDeque<(u64, Arc<Keys>)>,
}

/// An event that the store may have already.
struct Doubt<'a> {
    taken: &'a Taken,
    at: usize,
    key: u64,
    time_us: i64,
}

impl Unique {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, kept: VecDeque::new() }
    }

    /// What of `taken` is new; asks for those at `named`, which are in order.
    pub(super) fn retain(&mut self, store: &Store, taken: Vec<Taken>, named: &[usize]) -> Result<Vec<Taken>, Error> {
        let known = self.known(store, &taken, named)?;
        metrics::counter!("trailkeep_lake_duplicates_total").increment(known.len() as u64);
        Ok(taken.into_iter().enumerate().filter(|(at, _)| !known.contains(at)).map(|(_, taken)| taken).collect())
    }

    fn known(&mut self, store: &Store, taken: &[Taken], named: &[usize]) -> Result<HashSet<usize>, Error> {
        let mut known = known_in_batch(taken, named);
        let (chunks, waiting) = store.in_memory();
        let mut doubts: Vec<Doubt<'_>> = Vec::new();
        for at in named.iter().copied().filter(|at| !known.contains(at)) {
            let taken = &taken[at];
            doubts.push(Doubt { taken, at, key: key_of(&taken.event), time_us: event_time_us(&taken.event) });
        }
        let waiting: HashMap<u64, Vec<&Taken>> = by_key(waiting.iter());
        known.extend(settle(&mut doubts, |doubt| {
            let same = |other: &&Taken| other.event == doubt.taken.event;
            waiting.get(&doubt.key).is_some_and(|others| others.iter().any(same)) || chunks.iter().any(|chunk| chunk.has(doubt))
        }));
        for file in store.files().iter() {
            let covered = |doubt: &&Doubt<'_>| (file.oldest_us()..=file.newest_us()).contains(&doubt.time_us);
            if doubts.iter().any(|doubt| covered(&doubt)) {
                let there = self.there(store, file, doubts.iter().filter(covered))?;
                doubts.retain(|doubt| !there.contains(&doubt.at));
                known.extend(there);
            }
        }
        Ok(known)
    }

    /// Which of the doubts are rows of the file.
    fn there<'a>(
        &mut self,
        store: &Store,
        file: &Arc<File>,
        doubts: impl Iterator<Item = &'a Doubt<'a>>,
    ) -> Result<Vec<usize>, Error> {
        let keys = self.keys(store, file)?;
        let mut rows: Vec<(u32, &Doubt<'_>)> =
            doubts.flat_map(|doubt| keys.rows(doubt.key).map(move |row| (row, doubt))).collect();
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        rows.sort_unstable_by_key(|(row, _)| *row);
        let mut numbers: Vec<u32> = rows.iter().map(|(row, _)| *row).collect();
        numbers.dedup();
        let mut there = Vec::new();
        let mut read = 0;
        for batch in open(store, file, &[schema::ACCOUNT, schema::EVENT_JSON], Some(&numbers))? {
            let batch = batch.map_err(|error| Error::parquet(file.path(), error.into()))?;
            let of_batch = numbers.get(read..read + batch.num_rows()).unwrap_or_default();
            for (at, number) in of_batch.iter().enumerate() {
                let from = rows.partition_point(|(row, _)| row < number);
                let asked = rows[from..].iter().take_while(|(row, _)| row == number);
                there.extend(asked.filter(|(_, doubt)| is_row(&batch, at, doubt.taken)).map(|(_, doubt)| doubt.at));
            }
            read += batch.num_rows();
        }
        Ok(there)
    }

    fn keys(&mut self, store: &Store, file: &Arc<File>) -> Result<Arc<Keys>, Error> {
        if let Some(at) = self.kept.iter().position(|(id, _)| *id == file.id())
            && let Some(kept) = self.kept.remove(at)
        {
            let keys = Arc::clone(&kept.1);
            self.kept.push_back(kept);
            return Ok(keys);
        }
        let mut keys = Keys::default();
        let mut first = 0;
        for batch in open(store, file, &keys::COLUMNS, None)? {
            let batch = batch.map_err(|error| Error::parquet(file.path(), error.into()))?;
            keys.add(&batch, first);
            first += batch.num_rows() as u32;
        }
        keys.close();
        let keys = Arc::new(keys);
        self.kept.push_back((file.id(), Arc::clone(&keys)));
        let mut bytes: usize = self.kept.iter().map(|(_, keys)| keys.bytes()).sum();
        while bytes > self.bytes_max && self.kept.len() > 1 {
            let Some((_, old)) = self.kept.pop_front() else { break };
            bytes -= old.bytes();
        }
        Ok(keys)
    }
}

impl Chunk {
    fn has(&self, doubt: &Doubt<'_>) -> bool {
        (self.oldest_us..=self.newest_us).contains(&doubt.time_us)
            && self.keys().rows(doubt.key).any(|row| is_row(&self.batch, row as usize, doubt.taken))
    }
}

/// Those at `named` that stand in the batch before.
fn known_in_batch(taken: &[Taken], named: &[usize]) -> HashSet<usize> {
    let mut seen: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut known = HashSet::new();
    for (at, record) in taken.iter().enumerate() {
        let same = seen.entry(key_of(&record.event)).or_default();
        if named.binary_search(&at).is_ok() && same.iter().any(|other| taken[*other].event == record.event) {
            known.insert(at);
        } else {
            same.push(at);
        }
    }
    known
}

fn by_key<'a>(taken: impl Iterator<Item = &'a Taken>) -> HashMap<u64, Vec<&'a Taken>> {
    let mut by_key: HashMap<u64, Vec<&Taken>> = HashMap::new();
    for taken in taken {
        by_key.entry(key_of(&taken.event)).or_default().push(taken);
    }
    by_key
}

/// Takes those out of `doubts` that are known; tells which.
fn settle(doubts: &mut Vec<Doubt<'_>>, is_known: impl Fn(&Doubt<'_>) -> bool) -> Vec<usize> {
    let mut known = Vec::new();
    doubts.retain(|doubt| {
        let there = is_known(doubt);
        if there {
            known.push(doubt.at);
        }
        !there
    });
    known
}

fn is_row(batch: &RecordBatch, row: usize, taken: &Taken) -> bool {
    let text = |name| column(batch, name).as_string_view().value(row);
    text(schema::EVENT_JSON) == taken.event.as_str() && text(schema::ACCOUNT) == taken.event.account().as_str()
}

/// Reads columns of a file: of these rows, or of all.
fn open(store: &Store, file: &Arc<File>, names: &[&str], rows: Option<&[u32]>) -> Result<ParquetRecordBatchReader, Error> {
    let failed = |error| Error::parquet(file.path(), error);
    let checked = Checked::open(file)?;
    let footer = store.shared.footers.get(&checked)?;
    let options = ArrowReaderOptions::new().with_schema(schema::file_schema(store.info.family));
    let footer = ArrowReaderMetadata::try_new(footer, options).map_err(failed)?;
    let arrow = Arc::clone(footer.schema());
    let roots: Vec<usize> = names.iter().filter_map(|name| arrow.index_of(name).ok()).collect();
    let mask = ProjectionMask::roots(footer.parquet_schema(), roots);
    let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(checked, footer);
    if let Some(rows) = rows {
        let ranges = rows.iter().map(|row| *row as usize..*row as usize + 1);
        builder = builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, file.rows() as usize));
    }
    builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(failed)
}
