//! Runs compiled statements: on threads of its own, within a bound of memory beyond which it spills to disk, until a
//! deadline, and not a moment longer than wanted.
//!
//! A statement sees the tables it is given and nothing else: no file, no network, no other catalog. What must stay
//! true: whoever waits for rows learns of a cancellation or of the deadline at once, even while an operator computes;
//! the operator itself ends at its next batch.

mod failure;
mod grouping;
mod late;
mod session;
mod statistics;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::catalog::TableProvider;
use datafusion::common::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures_util::StreamExt as _;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use failure::Failure;

use crate::sql::{self, Compiled, Type};
use crate::text;

/// Stack of the threads that plan and compute: plans are trees that are walked recursively.
const STACK_BYTES: usize = 16 << 20;
/// How much less important queries are than taking events (nice levels).
const NICENESS: i32 = 10;
/// Pages of rows that wait for whoever reads them.
const PAGES_WAITING_MAX: usize = 2;

/// What an engine may use.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Memory of all queries together; beyond it they spill.
    pub memory_bytes: usize,
    /// Where they spill to.
    pub spill_dir: PathBuf,
    /// How much they may spill.
    pub spill_bytes: u64,
    /// Threads that compute.
    pub threads: usize,
    /// The largest result, as text.
    pub result_bytes: u64,
}

/// Runs statements.
pub struct Engine {
    result_bytes: u64,
    /// What sessions begin as.
    base: Arc<SessionState>,
    /// None only while it is dropped.
    runtime: Option<Runtime>,
}

/// What statements read, by the ids of stores.
type Tables = HashMap<String, Arc<dyn TableProvider>>;

/// A page of a result: rows of texts.
pub type Page = Vec<Vec<Option<String>>>;

/// A statement at work. Dropping it ends it.
pub struct Running {
    pages: mpsc::Receiver<Result<Page, Failure>>,
    work: JoinHandle<()>,
    cancelled: CancellationToken,
    deadline: Option<Instant>,
    plan: Arc<Mutex<Option<Arc<dyn ExecutionPlan>>>>,
    over: bool,
}

impl Engine {
    /// Starts the threads and makes the place to spill to.
    pub fn new(options: &EngineOptions) -> std::io::Result<Self> {
        std::fs::create_dir_all(&options.spill_dir)?;
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(options.memory_bytes)))
            .with_temp_file_path(&options.spill_dir)
            .with_max_temp_directory_size(options.spill_bytes)
            .build_arc()
            .map_err(std::io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.threads.max(1))
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .on_thread_start(lower_priority)
            .enable_all()
            .build()?;
        let base = session::base(environment, options).map_err(std::io::Error::other)?;
        Ok(Self { result_bytes: options.result_bytes, base: Arc::new(base), runtime: Some(runtime) })
    }

    /// Plans a statement against the columns of its tables without running it, so that wrong arguments and types are
    /// found before it starts. Takes some milliseconds.
    pub fn check(&self, compiled: &Compiled) -> Result<(), sql::Error> {
        let Some(runtime) = &self.runtime else { return Ok(()) };
        let handle = runtime.handle();
        let planned = std::thread::scope(|scope| {
            let builder = std::thread::Builder::new().name("check".to_owned()).stack_size(STACK_BYTES);
            let work = || handle.block_on(self.plan(compiled, session::empty_tables(compiled)));
            builder
                .spawn_scoped(scope, work)
                .map_err(DataFusionError::from)?
                .join()
                .map_err(|_| DataFusionError::Plan("the planner failed".to_owned()))?
        });
        planned.map(drop).map_err(|error| failure::at_its_place(&error, compiled))
    }

    /// Starts a statement over these tables; it ends at the deadline, if there is one.
    pub fn start(
        &self,
        compiled: Compiled,
        tables: HashMap<String, Arc<dyn TableProvider>>,
        deadline: Option<Duration>,
    ) -> Running {
        let (sender, pages) = mpsc::channel(PAGES_WAITING_MAX);
        let plan = Arc::new(Mutex::new(None));
        let work =
            Work { base: Arc::clone(&self.base), result_bytes: self.result_bytes, compiled, tables, plan: Arc::clone(&plan) };
        let task = work.run(sender);
        let work = match &self.runtime {
            Some(runtime) => runtime.spawn(task),
            None => tokio::spawn(async {}),
        };
        let deadline = deadline.map(|deadline| Instant::now() + deadline);
        Running { pages, work, cancelled: CancellationToken::new(), deadline, plan, over: false }
    }

    async fn plan(
        &self,
        compiled: &Compiled,
        tables: HashMap<String, Arc<dyn TableProvider>>,
    ) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
        let session = session::open(&self.base, compiled, tables)?;
        session::plan(&session, &compiled.sql).await
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn lower_priority() {
    // Only a wish: a system that does not allow it runs queries like everything else.
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "cannot lower the priority of a query thread");
    }
}

/// What the task of a statement needs.
struct Work {
    base: Arc<SessionState>,
    result_bytes: u64,
    compiled: Compiled,
    tables: Tables,
    plan: Arc<Mutex<Option<Arc<dyn ExecutionPlan>>>>,
}

impl Work {
    async fn run(self, pages: mpsc::Sender<Result<Page, Failure>>) {
        if let Err(failure) = self.pages(&pages).await {
            // Nobody may be waiting any more.
            let _ = pages.send(Err(failure)).await;
        }
    }

    async fn pages(self, pages: &mpsc::Sender<Result<Page, Failure>>) -> Result<(), Failure> {
        let kinds: Vec<Type> = self.compiled.kinds.clone();
        let Some((session, plan)) = self.last_step().await? else { return Ok(()) };
        let mut batches = execute_stream(plan, session.task_ctx())?;
        let mut bytes = 0;
        while let Some(batch) = batches.next().await {
            let page = text::rows(&batch?, &kinds);
            let texts = page.iter().flatten().flatten();
            bytes += texts.map(|text| text.len() as u64).sum::<u64>();
            if bytes > self.result_bytes {
                return Err(Failure::TooLarge);
            }
            if !page.is_empty() && pages.send(Ok(page)).await.is_err() {
                return Ok(());
            }
            // A stream that is always ready must not keep its thread.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// What yields the rows, and what it is run in; None if there are no rows.
    async fn last_step(&self) -> datafusion::common::Result<Option<(Arc<SessionState>, Arc<dyn ExecutionPlan>)>> {
        let session = session::open(&self.base, &self.compiled, self.tables.clone())?;
        let Some(late) = &self.compiled.late else {
            let plan = self.plan(&session, &self.compiled.sql).await?;
            return Ok(Some((session, plan)));
        };
        let plan = self.plan(&session, &late.find).await?;
        let rows = late::rows(execute_stream(plan, session.task_ctx())?).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let tables = late::counted(late, &self.tables);
        let session = session::open(&self.base, &self.compiled, tables.clone())?;
        let (session, sql) = match late::narrowed(late, &rows, &session, &tables).await? {
            Some(tables) => (session::open(&self.base, &self.compiled, tables)?, late.fetch_all()),
            None => (session, late.fetch(&rows)),
        };
        let plan = session::plan(&session, &sql).await?;
        Ok(Some((session, plan)))
    }

    /// Plans a statement whose scans tell how many rows fitted.
    async fn plan(&self, session: &Arc<SessionState>, sql: &str) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
        let plan = session::plan(session, sql).await?;
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&plan));
        Ok(plan)
    }
}

impl Running {
    /// The next rows; None at the end. A failure is the last there is.
    pub async fn next(&mut self) -> Option<Result<Page, Failure>> {
        if self.over {
            return None;
        }
        let deadline = self.deadline;
        let late = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let next = tokio::select! {
            biased;
            () = self.cancelled.cancelled() => Some(Err(Failure::Cancelled)),
            () = late => Some(Err(Failure::TimedOut)),
            page = self.pages.recv() => page,
        };
        let next = match next {
            None => self.end().await,
            other => other,
        };
        if !matches!(next, Some(Ok(_))) {
            self.over = true;
            self.work.abort();
        }
        next
    }

    /// The task is done: it said why, unless it panicked.
    async fn end(&mut self) -> Option<Result<Page, Failure>> {
        match (&mut self.work).await {
            Err(error) if error.is_panic() => Some(Err(Failure::broken())),
            _ => None,
        }
    }

    /// Ends the statement; `next` says so at once.
    pub fn cancel(&self) {
        self.cancelled.cancel();
        self.work.abort();
    }

    /// What ends the statement from elsewhere.
    pub fn canceller(&self) -> Canceller {
        Canceller { cancelled: self.cancelled.clone(), work: self.work.abort_handle() }
    }

    /// The rows that fitted the conditions so far, before they were grouped or joined.
    pub fn matched(&self) -> u64 {
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner).clone();
        plan.map_or(0, |plan| statistics::matched(plan.as_ref()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.work.abort();
    }
}

/// Ends a statement from elsewhere.
#[derive(Debug, Clone)]
pub struct Canceller {
    cancelled: CancellationToken,
    work: tokio::task::AbortHandle,
}

impl Canceller {
    /// Ends the statement.
    pub fn cancel(&self) {
        self.cancelled.cancel();
        self.work.abort();
    }
}

#[cfg(test)]
mod tests;
