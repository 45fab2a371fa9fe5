//! Imports at work: trail events copied from the log files of a bucket into an event data store.
//!
//! Log files are listed ([`listing`]), fetched ([`fetching`]) and read ([`reading`]) side by side, handed on by short
//! queues in the order of their keys, and recorded in groups through the recorder ([`recording`]), for the one store that
//! was named. [`notes`] of what is on disk are committed with the counts and the failures. What must stay true: a file is
//! noted after its events are on disk, so that an import that is interrupted at any moment does some files again and leaves
//! none out; the store keeps what comes again once.
//!
//! The catalog says which imports there are; what runs here follows it, from the start of the program on.

mod fetching;
mod listing;
mod notes;
mod patience;
mod reading;
mod recording;
mod run;
mod source;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use catalog::imports::{self, Request};
use catalog::{Catalog, Error};
use cloudtrail::import::Location;
use futures_util::future::BoxFuture;
use journal::Position;
use pipeline::capture::recorder::Recorder;
use pipeline::clock::SharedClock;
use pipeline::route::table::SharedTable;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::buckets::Store;
use crate::destinations::Destinations;
use patience::Patience;
use run::Run;
pub use source::Fault;
use source::{Source, Unread};

/// How soon a change is noticed that nobody told of.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How often a source is asked before an import is refused: whoever calls waits for it.
const PREFLIGHT_TRIES: u32 = 6;

/// Waits until everything before a journal position can be queried in the store of an id; false if that cannot be told at
/// the moment.
pub type Visible = Arc<dyn Fn(String, Position) -> BoxFuture<'static, bool> + Send + Sync>;

/// What imports are made of.
pub struct Parts {
    /// Which imports there are.
    pub catalog: Catalog,
    /// Where their events go.
    pub recorder: Recorder,
    /// Which stores there are.
    pub routes: SharedTable,
    /// The time.
    pub clock: SharedClock,
    /// Local buckets.
    pub store: Store,
    /// Buckets elsewhere.
    pub destinations: Destinations,
    /// How far stores are.
    pub visible: Visible,
}

/// A handle on the imports at work; clones are the same.
#[derive(Clone)]
pub struct Imports {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    /// What stops each, by id.
    running: Mutex<HashMap<String, CancellationToken>>,
    /// Something ended: there may be something else to begin.
    ended: Notify,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// What all imports share.
struct Shared {
    catalog: Catalog,
    recorder: Recorder,
    routes: SharedTable,
    clock: SharedClock,
    store: Store,
    destinations: Destinations,
    visible: Visible,
    /// Room for files that were fetched.
    room: Arc<Semaphore>,
    /// Turns to read them.
    turns: Arc<Semaphore>,
}

impl Imports {
    /// Takes up what there is to be done.
    pub async fn start(parts: Parts) -> Result<Self, Error> {
        let Parts { catalog, recorder, routes, clock, store, destinations, visible } = parts;
        let (room, turns) = (fetching::room(), reading::turns());
        let shared = Arc::new(Shared { catalog, recorder, routes, clock, store, destinations, visible, room, turns });
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let inner = Inner { shared, running: Mutex::default(), ended: Notify::new(), tasks, stop };
        let imports = Self { inner: Arc::new(inner) };
        imports.look().await?;
        let looking = imports.clone();
        imports.inner.tasks.spawn(async move { looking.keep_looking().await });
        Ok(imports)
    }

    /// Tries a source as an import will use it: whether the account may list it, and something is there that answers.
    pub async fn preflight(&self, request: &Request, location: &Location) -> Result<(), Fault> {
        let Shared { store, destinations, .. } = &*self.inner.shared;
        let mut patience = Patience::of(PREFLIGHT_TRIES);
        loop {
            let tried = async {
                let source = Source::open(store, destinations, location, request).await?;
                source.page(&location.prefix, None, 1).await
            };
            match tried.await {
                Ok(_) => return Ok(()),
                Err(Unread::Refused(fault)) => return Err(fault),
                Err(Unread::Passing(fault)) if !patience.wait(&self.inner.stop).await => return Err(fault),
                Err(Unread::Passing(_)) => {}
            }
        }
    }

    /// Brings what runs in line with the catalog: begins what is to be done, stops what is not.
    pub async fn look(&self) -> Result<(), Error> {
        let ongoing = imports::all_ongoing(&self.inner.shared.catalog).await?;
        let mut running = self.inner.running.lock().await;
        running.iter().filter(|(id, _)| !ongoing.contains(id)).for_each(|(_, stop)| stop.cancel());
        for id in ongoing {
            // What was stopped and asked for again begins when it has ended: whoever ends looks.
            if !running.contains_key(&id) && !self.inner.stop.is_cancelled() {
                let stop = self.inner.stop.child_token();
                running.insert(id.clone(), stop.clone());
                let imports = self.clone();
                self.inner.tasks.spawn(async move { imports.run(id, stop).await });
            }
        }
        Ok(())
    }

    /// Stops everything. What is under way is taken up again at the next start.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    async fn keep_looking(&self) {
        while self.inner.stop.run_until_cancelled(self.occasion()).await.is_some() {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "cannot see what imports there are");
            }
        }
    }

    /// Waits until there may be something to begin.
    async fn occasion(&self) {
        tokio::select! {
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
            () = self.inner.ended.notified() => {}
        }
    }

    async fn run(&self, id: String, stop: CancellationToken) {
        let ended = Arc::clone(&self.inner.shared).run(&id, stop).await;
        self.inner.running.lock().await.remove(&id);
        match ended {
            Ok(()) => self.inner.ended.notify_one(),
            // What is wrong with it is most likely wrong a moment later, too.
            Err(error) => tracing::error!(import = id, %error, "an import cannot be carried out"),
        }
    }
}

impl Shared {
    async fn run(self: Arc<Self>, id: &str, stop: CancellationToken) -> Result<(), Error> {
        let Some(import) = imports::get(&self.catalog, id).await? else { return Ok(()) };
        let location = Location::parse(&import.request.source.uri);
        let location = location.map_err(|error| Error::damaged(format!("the source of import {id}"), error))?;
        Box::pin(Run { shared: self, import, location, stop }.run()).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
