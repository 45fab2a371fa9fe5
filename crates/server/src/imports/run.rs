//! One import from where it is to its end: failed files first, then what the source lists after the checkpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use catalog::imports::{self, Import};
use cloudtrail::import::{Location, Status, Walk};
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use pipeline::capture::recorder::Outcome;
use pipeline::route::store::StoreRoute;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::fetching::Fetching;
use super::listing::{self, Listed, Listing};
use super::notes::{Notes, Pass};
use super::patience::Patience;
use super::reading::{self, Group, Queue, Read, Reading};
use super::recording::{PAUSE, Recording};
use super::source::{Fault, Source, Unread};

/// Groups on their way to the disk at a time: while one waits for it, the next is judged.
const RECORDINGS_MAX: usize = 3;
/// The pause before it is looked again whether the door knows a store.
const DOOR_PAUSE: Duration = Duration::from_millis(100);

/// An import at work.
pub(super) struct Run {
    pub(super) shared: Arc<Shared>,
    pub(super) import: Import,
    pub(super) location: Location,
    pub(super) stop: CancellationToken,
}

/// What the passes of a run work with.
struct Work {
    recording: Arc<Recording>,
    source: Arc<Source>,
    /// Prefixes listed.
    found: Arc<AtomicU64>,
}

/// A task that says why it could not go on.
type Task = JoinHandle<Result<(), Fault>>;

impl Run {
    /// Works until the import has an end or is stopped; whatever it is, what is in is noted.
    pub(super) async fn run(self) {
        let id = self.import.request.id.clone();
        let Some(store) = self.destination().await else { return };
        if !self.begin().await {
            return;
        }
        tracing::info!(import = id, "an import begins");
        let (shared, request, stop) = (Arc::clone(&self.shared), self.import.request.clone(), self.stop.clone());
        let recording = Arc::new(Recording { shared, store, request, stop });
        let Shared { catalog, clock, .. } = &*self.shared;
        let mut notes = Notes::new(catalog.clone(), Arc::clone(clock), id.clone(), self.import.checkpoint.clone());
        if let Err(fault) = self.work(&recording, &mut notes).await {
            tracing::warn!(import = id, %fault, "the source of an import cannot be read any further");
            notes.source_failed(fault);
        }
        if !self.stop.is_cancelled() {
            recording.visible(notes.checkpoint().position).await;
        }
        self.wind_up(&mut notes).await;
    }

    /// The store, once the door knows it; nothing if the import is stopped before. What came earlier would be kept by
    /// nobody.
    async fn destination(&self) -> Option<Arc<StoreRoute>> {
        loop {
            let known = self.shared.routes.load().stores.iter().find(|store| store.arn == self.import.request.store).cloned();
            if known.is_some() {
                return known;
            }
            self.stop.run_until_cancelled(tokio::time::sleep(DOOR_PAUSE)).await?;
        }
    }

    /// False if it was stopped before it began.
    async fn begin(&self) -> bool {
        loop {
            match self.try_begin().await {
                Ok(begun) => return begun,
                Err(error) if !self.again(&error).await => return false,
                Err(_) => {}
            }
        }
    }

    async fn try_begin(&self) -> Result<bool, catalog::Error> {
        let Shared { catalog, clock, .. } = &*self.shared;
        let mut tx = catalog.begin().await?;
        let begun = imports::set_status(&mut tx, &self.import.request.id, Status::InProgress, clock.now_us()).await?;
        tx.commit().await?;
        Ok(begun)
    }

    async fn wind_up(&self, notes: &mut Notes) {
        let id = &self.import.request.id;
        while !self.stop.is_cancelled() {
            match notes.finish().await {
                Ok(status) => return tracing::info!(import = id, status = status.as_str(), "an import ended"),
                Err(error) if !self.again(&error).await => break,
                Err(_) => {}
            }
        }
        // The status is whose who stopped it, or the next start's. What is not noted is done again.
        match notes.commit().await {
            Ok(()) => tracing::info!(import = id, "an import was stopped"),
            Err(error) => tracing::warn!(import = id, %error, "how far an import was is not noted"),
        }
    }

    /// Waits before something is tried again that the catalog did not do; false if the import is stopped.
    async fn again(&self, error: &catalog::Error) -> bool {
        tracing::warn!(import = self.import.request.id, %error, "an import waits for the catalog");
        self.stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_some()
    }

    /// Reads everything; an error says why the source cannot be read any further.
    async fn work(&self, recording: &Arc<Recording>, notes: &mut Notes) -> Result<(), Fault> {
        let Some(source) = self.open().await? else { return Ok(()) };
        let found = Arc::new(AtomicU64::new(notes.checkpoint().prefixes_found));
        let work = Work { recording: Arc::clone(recording), source, found };
        let (pages, listed) = mpsc::channel(listing::PAGES_AHEAD);
        let feeding = tokio::spawn(retries(self.shared.catalog.clone(), self.import.request.id.clone(), pages));
        self.pass(Pass::Retry, &work, listed, feeding, notes).await?;
        if notes.checkpoint().listed || self.stop.is_cancelled() {
            return Ok(());
        }
        let (pages, listed) = mpsc::channel(listing::PAGES_AHEAD);
        let listing = Listing {
            source: Arc::clone(&work.source),
            prefix: self.location.prefix.clone(),
            walk: Walk::new(&self.location.prefix, self.import.request.range),
            after: notes.checkpoint().last_key.clone(),
            folders: notes.checkpoint().folders.clone(),
            found: Arc::clone(&work.found),
            stop: self.stop.clone(),
        };
        self.pass(Pass::Listing, &work, listed, tokio::spawn(listing.run(pages)), notes).await?;
        if !self.stop.is_cancelled() {
            notes.listed();
        }
        Ok(())
    }

    /// The source; nothing if the import was stopped before it answered.
    async fn open(&self) -> Result<Option<Arc<Source>>, Fault> {
        let Shared { store, destinations, .. } = &*self.shared;
        let mut patience = Patience::default();
        loop {
            match Source::open(store, destinations, &self.location, &self.import.request).await {
                Ok(source) => return Ok(Some(Arc::new(source))),
                Err(Unread::Refused(fault)) => return Err(fault),
                Err(Unread::Passing(fault)) if !patience.wait(&self.stop).await => {
                    return if self.stop.is_cancelled() { Ok(None) } else { Err(fault) };
                }
                Err(Unread::Passing(_)) => {}
            }
        }
    }

    /// Fetches, reads and records what is fed, and notes what became of it.
    async fn pass(
        &self,
        pass: Pass,
        work: &Work,
        listed: mpsc::Receiver<Vec<Listed>>,
        feeding: Task,
        notes: &mut Notes,
    ) -> Result<(), Fault> {
        let Shared { room, turns, .. } = &*self.shared;
        let halt = self.stop.child_token();
        let fetching = Fetching::new(Arc::clone(&work.source), Arc::clone(room), halt.clone());
        let (sender, mut queues) = reading::queues();
        let reading = Arc::new(Reading {
            account: self.import.request.account,
            region: work.recording.store.home_region.clone(),
            range: self.import.request.range,
            event_bytes_max: work.recording.store.event_bytes_max(),
        });
        let reading = tokio::spawn(reading::read_all(fetching, listed, reading, Arc::clone(turns), sender));
        let recorded = self.record_all(pass, work, &mut queues, notes).await;
        // Whoever still feeds or fetches learns that nobody wants it.
        drop(queues);
        halt.cancel();
        let read = joined(reading).await;
        let fed = joined(feeding).await;
        if self.stop.is_cancelled() { Ok(()) } else { recorded.and(read).and(fed) }
    }

    /// Records group by group, in order, until there are no more or the import is stopped.
    async fn record_all(
        &self,
        pass: Pass,
        work: &Work,
        queues: &mut mpsc::Receiver<Queue>,
        notes: &mut Notes,
    ) -> Result<(), Fault> {
        let mut under_way = FuturesOrdered::new();
        let mut groups = Groups { queues, current: None };
        let mut more = true;
        let mut ended = Ok(());
        while more || !under_way.is_empty() {
            tokio::select! {
                () = self.stop.cancelled(), if more => more = false,
                Some(recorded) = under_way.next(), if !under_way.is_empty() => match recorded {
                    Ok((files, Some(outcomes))) => note(pass, files, outcomes, notes),
                    Ok((_, None)) => break,
                    Err(error) => return Err(ended_by_itself("a recording", &error)),
                },
                next = groups.next(), if more && under_way.len() < RECORDINGS_MAX => match next {
                    Ok(Some(Group { files, parcels, .. })) => {
                        under_way.push_back(tokio::spawn(Arc::clone(&work.recording).record(files, parcels)));
                    }
                    Ok(None) => more = false,
                    Err(fault) => (more, ended) = (false, Err(fault)),
                },
                () = notes.due() => {
                    notes.found(work.found.load(Ordering::Relaxed));
                    self.commit(notes).await;
                }
            }
        }
        ended
    }

    async fn commit(&self, notes: &mut Notes) {
        while let Err(error) = notes.commit().await {
            if !self.again(&error).await {
                return;
            }
        }
    }
}

/// The groups of all queues, in order.
struct Groups<'a> {
    queues: &'a mut mpsc::Receiver<Queue>,
    current: Option<Queue>,
}

impl Groups<'_> {
    /// The next group. Dropped before it is there, it loses none.
    async fn next(&mut self) -> Result<Option<Group>, Fault> {
        loop {
            if self.current.is_none() {
                self.current = self.queues.recv().await;
            }
            let Some(queue) = &mut self.current else { return Ok(None) };
            if let Some(group) = queue.groups.recv().await {
                return Ok(Some(group));
            }
            let read = (&mut queue.reader).await;
            self.current = None;
            read.map_err(|error| ended_by_itself("the reader of a batch", &error))?;
        }
    }
}

/// Notes the files of a group that is on disk.
fn note(pass: Pass, files: Vec<Read>, outcomes: Vec<Outcome>, notes: &mut Notes) {
    let mut outcomes = outcomes.into_iter();
    for file in files {
        let outcome = if file.fault.is_none() { outcomes.next() } else { None };
        notes.file(pass, file, outcome);
    }
}

async fn retries(catalog: catalog::Catalog, import: String, pages: mpsc::Sender<Vec<Listed>>) -> Result<(), Fault> {
    let listed = listing::failed(catalog, import, pages).await;
    listed.map_err(|error| Fault::new("InternalError", error.to_string()))
}

async fn joined(task: Task) -> Result<(), Fault> {
    task.await.unwrap_or_else(|error| Err(ended_by_itself("a task", &error)))
}

/// What the log has more of: something of ours is wrong.
fn ended_by_itself(what: &str, error: &tokio::task::JoinError) -> Fault {
    Fault::new("InternalError", format!("{what} ended by itself: {error}"))
}
