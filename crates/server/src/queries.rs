//! Queries at work: each waits for its turn, runs, and leaves its results, which are kept for seven days; and what is to be
//! delivered of them is carried into buckets.
//!
//! The catalog says which queries there are and how far they are. What runs here follows it: a query that was
//! interrupted by the end of the program has failed, one that waited waits again, and a delivery that was not finished
//! goes on.

mod csv;
mod delivery;
mod execution;
pub mod model;
pub mod place;
mod results;
mod signing;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use catalog::Catalog;
use catalog::event_data_stores::Store;
use catalog::queries::{self, End, Query, Results, Statistics, Status};
use cloudtrail::account::AccountId;
use lake::engine::{Engine, EngineOptions};
use lake::ocsf;
use lake::samples::Library;
use lake::sql::{self, Compiled, Named, Names, Shape};
use lake::tables::Tables;
use pipeline::clock::SharedClock;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Generate;
use crate::destinations::{PreflightError, Sender};
use crate::jobs;
pub use model::Model;
pub use place::Place;
use results::Reader;
pub use results::{Page, Row};

/// How long queries and their results are kept (CloudTrail user guide, "Get query results").
pub const KEPT_S: i64 = 7 * 86_400;
/// Queries that run at a time, of all accounts; more wait. Own choice: every one of them holds memory.
const RUNNING_MAX: usize = 20;
/// Deliveries at a time, of all accounts; more wait.
const DELIVERIES_MAX: usize = 4;
/// How soon a query is noticed that nobody told of.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How often what is too old is removed.
const REMOVAL_INTERVAL_S: i64 = 600;
/// Memory of all queries together; beyond it they spill to disk. Own choice.
const MEMORY_BYTES: usize = 1 << 30;
/// What all queries together may spill to disk. Own choice.
const SPILL_BYTES: u64 = 32 << 30;
/// The folder of what is spilled, below the data directory; nothing in it outlives the program.
const SPILL: [&str; 2] = ["lake", "spill"];
/// The folder of results, below the data directory.
const FOLDER: [&str; 2] = ["lake", "results"];
/// What files of results end with.
const EXTENSION: &str = "rows";
/// Why a query has failed that the end of the program interrupted.
const INTERRUPTED: &str = "The query was interrupted because the server stopped. Start it again.";

/// What queries are made of.
pub struct Parts {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where queries are.
    pub catalog: Catalog,
    /// The tables that queries read.
    pub tables: Tables,
    /// Where results go, and what signs them.
    pub jobs: Arc<jobs::Parts>,
    /// The time.
    pub clock: SharedClock,
    /// How long a query may run.
    pub time_limit: Duration,
    /// Whether only what CloudTrail Lake itself accepts is accepted.
    pub strict_aws: bool,
    /// What writes queries, if anything is configured.
    pub generate: Option<Generate>,
}

/// A handle on the queries at work; clones are the same.
#[derive(Clone)]
pub struct Queries {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    engine: Arc<Engine>,
    folder: PathBuf,
    library: Library,
    model: Option<Model>,
    state: Mutex<State>,
    turns: Semaphore,
    deliveries: Semaphore,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// What is under way, by the query's id.
#[derive(Default)]
struct State {
    running: HashMap<String, Running>,
    delivering: HashSet<String>,
    removed_at_s: i64,
}

/// A query that waits or runs.
#[derive(Clone, Default)]
struct Running {
    cancel: CancellationToken,
    progress: execution::Progress,
}

impl Queries {
    /// Takes up what there is to be done.
    pub async fn start(parts: Parts) -> anyhow::Result<Self> {
        let folder = below(&parts.data_dir, FOLDER);
        let making = folder.clone();
        tokio::task::spawn_blocking(move || std::fs::create_dir_all(making))
            .await?
            .context("cannot make the folder of results")?;
        let model = parts.generate.clone().map(Model::new).transpose().context("the model that writes queries cannot be used")?;
        let engine = start_engine(&parts.data_dir).await.context("the engine of queries cannot be started")?;
        let inner = Inner {
            parts,
            engine: Arc::new(engine),
            folder,
            library: Library::default(),
            model,
            state: Mutex::default(),
            turns: Semaphore::new(RUNNING_MAX),
            deliveries: Semaphore::new(DELIVERIES_MAX),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let queries = Self { inner: Arc::new(inner) };
        queries.inner.fail_interrupted().await?;
        queries.inner.sweep().await?;
        queries.inner.look().await?;
        let looking = Arc::clone(&queries.inner);
        queries.inner.tasks.spawn(async move { looking.keep_looking().await });
        Ok(queries)
    }

    /// The sample queries.
    pub fn library(&self) -> &Library {
        &self.inner.library
    }

    /// The model that writes queries, if one is configured.
    pub fn model(&self) -> Option<&Model> {
        self.inner.model.as_ref()
    }

    /// Plans a statement without running it: what it finds wrong would fail the query.
    pub async fn check(&self, compiled: &Compiled) -> anyhow::Result<Result<(), sql::Error>> {
        let (engine, compiled) = (Arc::clone(&self.inner.engine), compiled.clone());
        Ok(tokio::task::spawn_blocking(move || engine.check(&compiled)).await?)
    }

    /// Tries a bucket as the delivery of results will use it.
    pub async fn preflight(&self, bucket: &str, folder: &str, sender: Sender<'_>) -> Result<(), PreflightError> {
        self.inner.parts.jobs.destinations.preflight_results(bucket, folder, sender).await
    }

    /// Tells that a query was started.
    pub fn begin(&self, id: &str) {
        self.inner.begin(id);
    }

    /// Tells that a query was cancelled: it stops at once.
    pub fn cancel(&self, id: &str) {
        if let Some(running) = self.inner.state().running.get(id) {
            running.cancel.cancel();
        }
    }

    /// What a query found; while it runs, what it has found so far.
    pub fn statistics(&self, query: &Query) -> Statistics {
        let running = self.inner.state().running.get(&query.id).cloned();
        running.filter(|_| !query.status.is_final()).map_or(query.statistics, |running| running.progress.statistics())
    }

    /// A page of a query's results, and what the columns are called.
    pub async fn page(&self, query: &Query, from: u64, rows_max: usize, bytes_max: usize) -> anyhow::Result<(Vec<String>, Page)> {
        let open = self.inner.results(query).await?;
        let reading = move || {
            let reader = open()?;
            let page = reader.page(from, rows_max, bytes_max)?;
            Ok((reader.columns().to_vec(), page))
        };
        tokio::task::spawn_blocking(reading).await?
    }

    /// Stops everything. Queries that run have failed; deliveries under way go on after the next start.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn results_path(&self, id: &str) -> PathBuf {
        self.folder.join(id).with_extension(EXTENSION)
    }

    /// What opens the results of a query; it blocks.
    async fn results(
        &self,
        query: &Query,
    ) -> Result<impl FnOnce() -> Result<Reader, results::Error> + Send + use<>, catalog::Error> {
        let path = self.results_path(&query.id);
        let small = queries::small_results(&self.parts.catalog, query.number).await?;
        Ok(move || Reader::open(&path, small))
    }

    /// Queries that ran when the program ended have failed; nobody knows how far they were.
    async fn fail_interrupted(&self) -> Result<(), catalog::Error> {
        let open = queries::open(&self.parts.catalog).await?;
        for query in open.iter().filter(|query| query.status == Status::Running) {
            self.end(&query.id, Status::Failed, Some(INTERRUPTED.to_owned()), query.statistics, None).await?;
        }
        Ok(())
    }

    /// Removes files that belong to no query: what a crash left.
    async fn sweep(&self) -> anyhow::Result<()> {
        let folder = self.folder.clone();
        let files = tokio::task::spawn_blocking(move || files_in(&folder)).await??;
        for file in files {
            let id = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let known = queries::get(&self.parts.catalog, id).await?;
            let whole = file.extension().is_some_and(|extension| extension == EXTENSION);
            if !whole || !known.is_some_and(|query| query.has_results) {
                remove(&file).await;
            }
        }
        Ok(())
    }

    async fn keep_looking(self: Arc<Self>) {
        while self.stop.run_until_cancelled(tokio::time::sleep(LOOK_INTERVAL)).await.is_some() {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "cannot see what queries there are");
            }
        }
    }

    /// Brings what runs in line with the catalog.
    async fn look(self: &Arc<Self>) -> Result<(), catalog::Error> {
        for query in queries::open(&self.parts.catalog).await? {
            if query.status == Status::Queued {
                self.begin(&query.id);
            }
        }
        for query in queries::to_deliver(&self.parts.catalog).await? {
            self.deliver(query);
        }
        let now_s = self.parts.clock.now_s();
        if now_s - self.state().removed_at_s >= REMOVAL_INTERVAL_S {
            self.remove_old(now_s).await?;
            self.state().removed_at_s = now_s;
        }
        Ok(())
    }

    /// Removes queries that are too old, with their results.
    async fn remove_old(&self, now_s: i64) -> Result<(), catalog::Error> {
        let mut tx = self.parts.catalog.begin().await?;
        let removed = queries::remove_old(&mut tx, (now_s - KEPT_S) * 1_000_000, now_s * 1_000_000).await?;
        tx.commit().await?;
        for id in removed {
            remove(&self.results_path(&id)).await;
        }
        Ok(())
    }

    fn begin(self: &Arc<Self>, id: &str) {
        let running = Running::default();
        {
            let mut state = self.state();
            if self.stop.is_cancelled() || state.running.contains_key(id) {
                return;
            }
            state.running.insert(id.to_owned(), running.clone());
        }
        let (inner, id) = (Arc::clone(self), id.to_owned());
        self.tasks.spawn(async move {
            inner.run(&id, &running).await;
            inner.state().running.remove(&id);
        });
    }

    /// Waits for a query's turn, and runs it.
    async fn run(self: &Arc<Self>, id: &str, running: &Running) {
        let turn = tokio::select! {
            turn = self.turns.acquire() => turn,
            () = running.cancel.cancelled() => return,
            () = self.stop.cancelled() => return,
        };
        let Ok(_turn) = turn else { return };
        if let Err(error) = self.run_now(id, running).await {
            tracing::error!(query = id, %error, "the state of a query cannot be kept");
        }
    }

    async fn run_now(self: &Arc<Self>, id: &str, running: &Running) -> Result<(), catalog::Error> {
        // It may have been taken up twice, and have ended meanwhile.
        let query = queries::get(&self.parts.catalog, id).await?.filter(|query| query.status == Status::Queued);
        let Some(query) = query else { return Ok(()) };
        let started_us = self.parts.clock.now_us();
        metrics::gauge!("trailkeep_queries_running").increment(1.0);
        // It runs while the catalog notes that it does: the note is for after a crash.
        let (begun, outcome) = tokio::join!(self.note_begin(id, started_us, running), execution::execute(self, &query, running));
        metrics::gauge!("trailkeep_queries_running").decrement(1.0);
        let statistics = running.progress.statistics();
        if begun.is_err() {
            // It still waits, as far as the catalog knows, and is taken up again.
            remove(&self.results_path(id)).await;
        }
        let won = begun?
            && match outcome {
                execution::Outcome::Finished(results) => self.end(id, Status::Finished, None, statistics, Some(results)).await?,
                execution::Outcome::TimedOut(results) => self.end(id, Status::TimedOut, None, statistics, results).await?,
                execution::Outcome::Failed(reason) => self.end(id, Status::Failed, Some(reason), statistics, None).await?,
                // Whoever cancelled it has noted it.
                execution::Outcome::Cancelled => false,
                execution::Outcome::Stopped => {
                    self.end(id, Status::Failed, Some(INTERRUPTED.to_owned()), statistics, None).await?
                }
            };
        if !won {
            remove(&self.results_path(id)).await;
        } else if let Some(query) = queries::get(&self.parts.catalog, id).await? {
            metrics::counter!("trailkeep_queries_total", "status" => query.status.as_str()).increment(1);
            self.deliver(query);
        }
        Ok(())
    }

    /// Notes that a query begins to run. One that was ended meanwhile, or of which that cannot be noted, is stopped.
    async fn note_begin(&self, id: &str, now_us: i64, running: &Running) -> Result<bool, catalog::Error> {
        let noting = async {
            let mut tx = self.parts.catalog.begin().await?;
            let begun = queries::begin(&mut tx, id, now_us).await?;
            tx.commit().await?;
            Ok(begun)
        };
        let noted = noting.await;
        if !matches!(noted, Ok(true)) {
            running.cancel.cancel();
        }
        noted
    }

    async fn end(
        &self,
        id: &str,
        status: Status,
        error: Option<String>,
        statistics: Statistics,
        results: Option<Results>,
    ) -> Result<bool, catalog::Error> {
        let end = End { status, now_us: self.parts.clock.now_us(), error, statistics, results };
        let mut tx = self.parts.catalog.begin().await?;
        let won = queries::end(&mut tx, id, &end).await?;
        tx.commit().await?;
        Ok(won)
    }

    /// Carries the results of a query into its bucket, if they are to be delivered.
    fn deliver(self: &Arc<Self>, query: Query) {
        let due =
            query.status == Status::Finished && query.delivery.as_ref().is_some_and(|delivery| delivery.status == "PENDING");
        if !due || self.stop.is_cancelled() || !self.state().delivering.insert(query.id.clone()) {
            return;
        }
        let inner = Arc::clone(self);
        self.tasks.spawn(async move {
            if let Some(Ok(_turn)) = inner.stop.run_until_cancelled(inner.deliveries.acquire()).await {
                delivery::deliver(&inner, &query).await;
            }
            inner.state().delivering.remove(&query.id);
        });
    }
}

/// The event data stores as statements of `caller` name them.
pub fn names(stores: &[Store], caller: AccountId, strict: bool) -> Names {
    let table = |store: &Store| {
        // Only the caller's own stores are ever meant without being named.
        let own = store.settings.account == caller;
        Named {
            id: store.id.clone(),
            arn: store.arn.clone(),
            name: store.settings.name.clone(),
            shape: Shape::Store(store.settings.family()),
            default: store.is_default && own,
            active: store.status.is_active() && own,
        }
    };
    Names { tables: stores.iter().map(table).collect(), strict, ocsf: ocsf::schema(), ..Names::default() }
}

/// The engine, on threads of its own.
async fn start_engine(data_dir: &Path) -> anyhow::Result<Engine> {
    let options = EngineOptions {
        memory_bytes: MEMORY_BYTES,
        spill_dir: below(data_dir, SPILL),
        spill_bytes: SPILL_BYTES,
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        result_bytes: results::ROWS_BYTES_MAX,
    };
    let starting = move || {
        match std::fs::remove_dir_all(&options.spill_dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Engine::new(&options)
    };
    Ok(tokio::task::spawn_blocking(starting).await??)
}

fn below(data_dir: &Path, names: [&str; 2]) -> PathBuf {
    names.iter().fold(data_dir.to_owned(), |path, name| path.join(name))
}

fn files_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// What is not removed now is removed at the next start.
async fn remove(path: &Path) {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "results that are not needed any more stay on disk");
        }
        _ => {}
    }
}

fn seconds(us: i64) -> i64 {
    us.div_euclid(1_000_000)
}
