//! What is newer than the files: rows in memory, rebuilt from the journal after a restart.
//!
//! Records wait until there are enough of them for a [`Chunk`], or until somebody looks.

use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use bytes::Bytes;
use cloudtrail::event::Event;
use cloudtrail::event_data_store::Family;

use super::keys::Keys;
use crate::rows::{self, event_time_us};

/// So many waiting records become a chunk. Larger chunks cost a query more that comes before they are full, smaller ones
/// cost every query more.
const CHUNK_ROWS: usize = 2_048;
/// So many records at once become a chunk of their own.
const CHUNK_ROWS_MIN: usize = 512;
/// So many bytes of waiting records become a chunk.
const CHUNK_BYTES: usize = 4 << 20;
/// What a row holds in memory beside its record: 16 bytes for each column of text, about.
const ROW_BYTES: usize = 1_500;

/// A record that the store takes.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) event: Event,
    pub(super) position: u64,
    pub(super) accepted_at_us: i64,
}

impl Taken {
    /// The same, in memory of its own.
    pub(super) fn alone(mut self) -> Self {
        let bytes = Bytes::copy_from_slice(self.event.bytes());
        if let Ok(event) = Event::stored(bytes, self.event.account()) {
            self.event = event;
        }
        self
    }
}

/// What a store takes of a batch.
pub(super) enum Rows {
    /// Few records, which wait for others.
    Few(Vec<Taken>),
    /// Many.
    Chunk(Chunk),
}

impl Rows {
    /// Makes a chunk of many; better not on a thread that must not block.
    pub(super) fn of(family: Family, taken: Vec<Taken>) -> Self {
        if taken.len() < CHUNK_ROWS_MIN { Self::Few(taken) } else { Self::Chunk(Chunk::of(family, &taken)) }
    }
}

/// Rows, sorted by eventTime, the newest first.
pub(super) struct Chunk {
    pub(super) batch: RecordBatch,
    pub(super) oldest_us: i64,
    pub(super) newest_us: i64,
    record_bytes: usize,
    keys: OnceLock<Keys>,
}

/// Rows that become files together.
pub(super) struct Part {
    /// The position in the journal from which on it has everything …
    pub(super) first: u64,
    /// … to before this one.
    pub(super) end: u64,
    /// When the first row came.
    pub(super) since_us: Option<i64>,
    pub(super) chunks: Vec<Arc<Chunk>>,
    waiting: Vec<Taken>,
    waiting_bytes: usize,
    /// What is waiting, as somebody looked at it.
    seen: Option<Arc<Chunk>>,
    rows: usize,
    bytes: usize,
}

impl Chunk {
    pub(super) fn of(family: Family, taken: &[Taken]) -> Self {
        let mut order: Vec<&Taken> = taken.iter().collect();
        order.sort_by_key(|taken| std::cmp::Reverse((event_time_us(&taken.event), taken.position)));
        let mut rows = rows::Rows::new(family);
        rows.reserve(taken.len(), taken.iter().map(|taken| taken.event.bytes().len()).sum());
        for taken in &order {
            rows.push(&taken.event, taken.position, taken.accepted_at_us);
        }
        let time_us = |taken: Option<&&Taken>| taken.map_or(0, |taken| event_time_us(&taken.event));
        Self {
            oldest_us: time_us(order.last()),
            newest_us: time_us(order.first()),
            record_bytes: rows.record_bytes(),
            batch: rows.finish(),
            keys: OnceLock::new(),
        }
    }

    /// The keys of its events.
    pub(super) fn keys(&self) -> &Keys {
        self.keys.get_or_init(|| Keys::of(&self.batch, 0))
    }
}

impl Part {
    /// Nothing yet, from `first` on.
    pub(super) fn new(first: u64) -> Self {
        Self {
            first,
            end: first,
            since_us: None,
            chunks: Vec::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            seen: None,
            rows: 0,
            bytes: 0,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// About how much memory it holds.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What waits to become a chunk.
    pub(super) fn waiting(&self) -> &[Taken] {
        &self.waiting
    }

    /// Takes what the store takes of the journal's entries to before `end`.
    pub(super) fn append(&mut self, family: Family, rows: Rows, end: u64, now_us: i64) {
        self.end = end;
        let (count, bytes) = match &rows {
            Rows::Few(taken) => (taken.len(), taken.iter().map(|taken| taken.event.bytes().len()).sum()),
            Rows::Chunk(chunk) => (chunk.batch.num_rows(), chunk.record_bytes),
        };
        if count == 0 {
            return;
        }
        self.since_us.get_or_insert(now_us);
        self.rows += count;
        self.bytes += bytes + count * ROW_BYTES;
        match rows {
            Rows::Chunk(chunk) => self.chunks.push(Arc::new(chunk)),
            Rows::Few(taken) => self.wait(family, taken, bytes),
        }
    }

    fn wait(&mut self, family: Family, taken: Vec<Taken>, bytes: usize) {
        self.waiting_bytes += bytes;
        self.waiting.extend(taken);
        self.seen = None;
        if self.waiting.len() >= CHUNK_ROWS || self.waiting_bytes >= CHUNK_BYTES {
            self.close_chunk(family);
        }
    }

    /// What is there, all of it.
    pub(super) fn look(&mut self, family: Family) -> Vec<Arc<Chunk>> {
        let mut chunks = self.chunks.clone();
        if !self.waiting.is_empty() {
            chunks.push(Arc::clone(self.seen.get_or_insert_with(|| Arc::new(Chunk::of(family, &self.waiting)))));
        }
        chunks
    }

    /// Nothing waits any longer.
    pub(super) fn close_chunk(&mut self, family: Family) {
        if self.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let chunk = self.seen.take().unwrap_or_else(|| Arc::new(Chunk::of(family, &waiting)));
        self.chunks.push(chunk);
    }
}
