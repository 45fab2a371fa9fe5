//! Fetching: many files at a time, handed on in the order of their keys.
//!
//! Room for a file is taken before it is fetched and in order, so that the file whose turn it is always has its room: those
//! behind it can wait for it without ever holding it up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::listing::Listed;
use super::patience::Patience;
use super::source::{Fault, Source, Unread};

/// Files fetched or waiting for their turn: enough that those waiting fill the readers' hands while a slow one comes.
pub(super) const FILES_IN_FLIGHT_MAX: usize = 256;
/// Files fetched at a time: the first byte of each takes some 30 ms from S3.
pub(super) const FETCHES_MAX: usize = 64;
/// Memory for files as they are stored, of all imports together.
pub(super) const FETCHED_BYTES_MAX: u64 = 96 << 20;
/// The unit in which memory is handed out.
const UNIT_BYTES: u64 = 4 << 10;
/// What a file takes besides its bytes: its key, twice, and places in queues.
const FILE_BYTES: u64 = 4 << 10;

/// A file that was fetched, or not.
pub(super) struct Fetched {
    pub(super) key: String,
    /// Events of it that are in from an earlier try.
    pub(super) events: u64,
    pub(super) content: Result<Bytes, Fault>,
    /// Room for its bytes; given back when they are gone.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// What all fetches of an import share.
pub(super) struct Fetching {
    source: Arc<Source>,
    /// Shared by all imports.
    room: Arc<Semaphore>,
    fetches: Arc<Semaphore>,
    /// Files that were had: tells a fault of one file from a source that is out of reach.
    had: AtomicU64,
    stop: CancellationToken,
}

/// The room for files of all imports.
pub(super) fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new((FETCHED_BYTES_MAX / UNIT_BYTES) as usize))
}

impl Fetching {
    pub(super) fn new(source: Arc<Source>, room: Arc<Semaphore>, stop: CancellationToken) -> Arc<Self> {
        let fetches = Arc::new(Semaphore::new(FETCHES_MAX));
        Arc::new(Self { source, room, fetches, had: AtomicU64::new(0), stop })
    }

    /// The files of `pages`, fetched, in order. It ends with an error if the source is out of reach.
    pub(super) fn files(
        self: &Arc<Self>,
        pages: mpsc::Receiver<Vec<Listed>>,
    ) -> impl Stream<Item = Result<Fetched, Fault>> + Send + use<> {
        let fetching = Arc::clone(self);
        let listed = stream::unfold(pages, |mut pages| async { pages.recv().await.map(|page| (stream::iter(page), pages)) });
        let started = listed.flatten().then(move |listed| Arc::clone(&fetching).start(listed));
        started.buffered(FILES_IN_FLIGHT_MAX).map(|fetched| match fetched {
            Ok(fetched) => fetched,
            Err(error) => Err(Fault::new("InternalError", format!("a fetch ended by itself: {error}"))),
        })
    }

    /// Begins to fetch a file once there is room for it.
    async fn start(self: Arc<Self>, listed: Listed) -> tokio::task::JoinHandle<Result<Fetched, Fault>> {
        let bytes = if listed.foreign.is_some() { FILE_BYTES } else { listed.bytes + FILE_BYTES };
        let units = bytes.div_ceil(UNIT_BYTES).min(FETCHED_BYTES_MAX / UNIT_BYTES) as u32;
        let room = Arc::clone(&self.room).acquire_many_owned(units).await.ok();
        tokio::spawn(self.fetch(listed, room))
    }

    async fn fetch(self: Arc<Self>, listed: Listed, room: Option<OwnedSemaphorePermit>) -> Result<Fetched, Fault> {
        let Listed { key, events, foreign, .. } = listed;
        let content = match foreign {
            Some(fault) => Err(fault),
            None => self.get(&key).await?,
        };
        Ok(Fetched { key, events, content, room })
    }

    /// A file or what is wrong with it; an error if it is the source that is wrong.
    async fn get(&self, key: &str) -> Result<Result<Bytes, Fault>, Fault> {
        let before = self.had.load(Ordering::Relaxed);
        let mut patience = Patience::default();
        loop {
            let tried = {
                let _turn = self.fetches.acquire().await;
                self.source.get(key).await
            };
            let fault = match tried {
                Ok(content) => {
                    self.had.fetch_add(1, Ordering::Relaxed);
                    return Ok(Ok(content));
                }
                Err(Unread::Refused(fault)) => return Ok(Err(fault)),
                Err(Unread::Passing(fault)) => fault,
            };
            if !patience.wait(&self.stop).await {
                let others = self.had.load(Ordering::Relaxed) > before;
                return if others && !self.stop.is_cancelled() { Ok(Err(fault)) } else { Err(fault) };
            }
        }
    }
}
