//! The journal, decoded once for everyone who stands near its tail.
//!
//! Followers at the tail ask for the same positions within moments: the first one reads and decodes, the others wait for
//! it and share the result. A follower far behind reads for itself and does not push out what is kept for the others:
//! the lowest positions go first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::{Journal, Position};
use tokio::sync::OnceCell;

use crate::route::batch::{Batch, Damaged};
use crate::route::pace::Pace;
use crate::route::recent::Recent;

/// Most bytes read at once: some thousands of records, a few milliseconds of work.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Most bytes of decoded batches kept for others. Own choice: about a third of a second of full ingest.
const KEPT_BYTES_MAX: usize = 32 << 20;

/// Why there is no next batch.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FeedError {
    /// The journal cannot be read there.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// An entry cannot be decoded.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The journal was closed.
    #[error("journal is closed")]
    Closed,
}

impl FeedError {
    /// Whether asking again may help.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Journal(journal::Error::Io { .. }))
    }
}

/// A handle; clones share what is decoded.
#[derive(Clone)]
pub struct Feed {
    inner: Arc<Inner>,
}

struct Inner {
    journal: Journal,
    recent: Recent,
    kept_bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: BTreeMap<Position, (Arc<Batch>, usize)>,
    kept_bytes: usize,
    flights: HashMap<Position, Flight>,
}

/// A decoding under way; whoever waits on it takes over if the one who does it goes away.
type Flight = Arc<OnceCell<Arc<Batch>>>;

impl Feed {
    /// A feed from `journal`.
    pub fn new(journal: Journal) -> Self {
        Self::keeping(journal, KEPT_BYTES_MAX)
    }

    /// A feed that takes what is still `recent` as it was decoded at the door.
    pub fn sharing(journal: Journal, recent: Recent) -> Self {
        Self { inner: Arc::new(Inner { journal, recent, kept_bytes_max: KEPT_BYTES_MAX, state: Mutex::default() }) }
    }

    /// A feed that keeps at most so many bytes of decoded batches.
    pub fn keeping(journal: Journal, kept_bytes_max: usize) -> Self {
        Self { inner: Arc::new(Inner { journal, recent: Recent::default(), kept_bytes_max, state: Mutex::default() }) }
    }

    /// Where followers say how far they are, so that the door keeps in step.
    pub fn pace(&self) -> &Pace {
        self.inner.recent.pace()
    }

    /// The journal's end, exclusive.
    pub fn committed(&self) -> Position {
        self.inner.journal.committed()
    }

    /// The batch that begins at `from`; waits until there is one. Dropping the wait loses nothing.
    pub async fn next(&self, from: Position) -> Result<Arc<Batch>, FeedError> {
        self.wait_past(from).await?;
        if let Some(batch) = self.inner.kept(from) {
            return Ok(batch);
        }
        let flight = Boarding::new(&self.inner, from);
        let batch = flight.cell.get_or_try_init(|| self.decode(from)).await?;
        Ok(Arc::clone(batch))
    }

    async fn wait_past(&self, from: Position) -> Result<(), FeedError> {
        let committed = self.inner.journal.committed();
        if from > committed {
            return Err(journal::Error::Ahead { from, committed }.into());
        }
        let mut ends = self.inner.journal.subscribe();
        ends.wait_for(|end| *end > from).await.map_err(|_| FeedError::Closed)?;
        Ok(())
    }

    async fn decode(&self, from: Position) -> Result<Arc<Batch>, FeedError> {
        let (journal, recent) = (self.inner.journal.clone(), self.inner.recent.clone());
        let read = move || -> Result<Batch, FeedError> {
            let frames = journal.read(from, BATCH_BYTES_MAX)?;
            let mut known = recent.view(from, from + frames.len() as Position);
            Ok(Batch::decode_with(from, frames, &mut known)?)
        };
        let batch = tokio::task::spawn_blocking(read).await.map_err(|_| FeedError::Closed)??;
        let batch = Arc::new(batch);
        self.inner.keep(&batch);
        Ok(batch)
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept from `from` on; a reader that begins in the middle of a batch gets the rest of it.
    fn kept(&self, from: Position) -> Option<Arc<Batch>> {
        let state = self.state();
        let (_, (batch, _)) = state.kept.range(..=from).next_back()?;
        if batch.first == from {
            return Some(Arc::clone(batch));
        }
        (from < batch.end).then(|| Arc::new(batch.from(from)))
    }

    fn keep(&self, batch: &Arc<Batch>) {
        let bytes = batch.bytes();
        let mut state = self.state();
        let state = &mut *state;
        if let Some((_, old)) = state.kept.insert(batch.first, (Arc::clone(batch), bytes)) {
            state.kept_bytes -= old;
        }
        state.kept_bytes += bytes;
        while state.kept_bytes > self.kept_bytes_max {
            let Some((_, (_, bytes))) = state.kept.pop_first() else { break };
            state.kept_bytes -= bytes;
        }
    }
}

/// A place on a flight; the last one off removes it.
struct Boarding<'a> {
    inner: &'a Inner,
    from: Position,
    cell: Flight,
}

impl<'a> Boarding<'a> {
    fn new(inner: &'a Inner, from: Position) -> Self {
        let cell = Arc::clone(inner.state().flights.entry(from).or_default());
        Self { inner, from, cell }
    }
}

impl Drop for Boarding<'_> {
    fn drop(&mut self) {
        let mut state = self.inner.state();
        // One reference is the map's, one is ours: nobody else is aboard.
        if Arc::strong_count(&self.cell) == 2 {
            state.flights.remove(&self.from);
        }
    }
}
