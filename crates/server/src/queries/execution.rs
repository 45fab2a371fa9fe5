//! One query at work: its statement over its tables, and its rows on their way to where results are kept.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use catalog::event_data_stores;
use catalog::queries::{Query, Results, Statistics};
use lake::engine::{self, Failure};
use lake::ocsf;
use lake::sql::{self, Compiled, OCSF_PREFIX};
use lake::tables::ScanStats;
use tokio::sync::mpsc;

use super::results::{self, Writer};
use super::{Inner, Running, names};

/// How often the statistics of a query are brought up to date while it computes.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);
/// Pages of rows that wait to be written.
const PAGES_WAITING_MAX: usize = 2;
/// The longest reason (API reference, DescribeQuery: ErrorMessage).
const REASON_CHARS_MAX: usize = 1_000;

/// What a query has found so far; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Progress {
    scanned: Arc<ScanStats>,
    matched: Arc<AtomicU64>,
}

impl Progress {
    pub(super) fn statistics(&self) -> Statistics {
        Statistics {
            events_matched: self.matched.load(Ordering::Relaxed),
            events_scanned: self.scanned.rows_scanned.load(Ordering::Relaxed),
            bytes_scanned: self.scanned.bytes_scanned.load(Ordering::Relaxed),
        }
    }
}

/// How a query ended.
pub(super) enum Outcome {
    /// With all its rows; if they have a file, it is on disk.
    Finished(Results),
    /// It ran for too long; with the rows it had by then, if they could be kept.
    TimedOut(Option<Results>),
    /// It failed, and why.
    Failed(String),
    /// Someone cancelled it.
    Cancelled,
    /// The program stops.
    Stopped,
}

/// Why no more rows come.
enum Halt {
    /// There are no more.
    Complete,
    /// The time is over.
    Late,
    Failed(String),
    /// The rows cannot be written: whoever writes says why.
    Unwritten,
    Cancelled,
    Stopped,
}

/// What whoever writes rows is told.
enum Rows {
    Page(engine::Page),
    /// Keep what came.
    Keep,
}

/// Runs a query to its end.
pub(super) async fn execute(inner: &Arc<Inner>, query: &Query, running: &Running) -> Outcome {
    let compiled = match compile(inner, query).await {
        Ok(compiled) => compiled,
        Err(reason) => return failed(&reason),
    };
    let columns = compiled.columns.clone();
    let mut statement = match begin(inner, compiled, &running.progress) {
        Ok(statement) => statement,
        Err(reason) => return failed(&reason),
    };
    let (sender, receiver) = mpsc::channel(PAGES_WAITING_MAX);
    let path = inner.results_path(&query.id);
    let writing = tokio::task::spawn_blocking(move || write(&path, columns, receiver));
    let halt = rows(inner, &mut statement, running, sender).await;
    running.progress.matched.store(statement.matched(), Ordering::Relaxed);
    drop(statement);
    let written = writing.await.map_err(|error| error.to_string()).and_then(|written| written.map_err(|error| told(&error)));
    match (halt, written) {
        (Halt::Cancelled, _) => Outcome::Cancelled,
        (Halt::Stopped, _) => Outcome::Stopped,
        (Halt::Late, written) => Outcome::TimedOut(written.ok().flatten()),
        (Halt::Complete, Ok(Some(results))) => Outcome::Finished(results),
        (Halt::Complete | Halt::Unwritten, Ok(_)) => failed("The results of the query could not be kept."),
        (Halt::Failed(reason), _) | (Halt::Complete | Halt::Unwritten, Err(reason)) => failed(&reason),
    }
}

/// Compiles the statement once more, over the event data stores that were authorised and no others.
async fn compile(inner: &Inner, query: &Query) -> Result<Compiled, String> {
    let mut stores = Vec::new();
    for id in &query.stores {
        let store = event_data_stores::get(&inner.parts.catalog, id).await.map_err(|error| internal(&error))?;
        match store.filter(|store| store.status.is_active()) {
            Some(store) => stores.push(store),
            None => return Err(format!("The event data store {id} is inactive.")),
        }
    }
    let names = names(&stores, query.caller, inner.parts.strict_aws);
    let (text, now_us) = (query.statement.clone(), inner.parts.clock.now_us());
    let compiling = tokio::task::spawn_blocking(move || sql::compile(&text, &names, now_us));
    compiling.await.map_err(|error| internal(&error))?.map_err(|error| error.to_string())
}

/// Starts the statement over one view of each of its tables.
fn begin(inner: &Inner, compiled: Compiled, progress: &Progress) -> Result<engine::Running, String> {
    let mut tables = HashMap::new();
    for table in &compiled.tables {
        let store = table.strip_prefix(OCSF_PREFIX).unwrap_or(table);
        let snapshot = inner.parts.tables.snapshot(store);
        let snapshot = snapshot.ok_or_else(|| format!("The event data store {store} cannot be read at the moment."))?;
        let rows = snapshot.provider(Arc::clone(&progress.scanned));
        let rows = if store.len() == table.len() { rows } else { ocsf::provider(rows).map_err(|error| internal(&error))? };
        tables.insert(table.clone(), rows);
    }
    Ok(inner.engine.start(compiled, tables, Some(inner.parts.time_limit)))
}

/// Hands the rows of a statement on, until there are no more or something ends it.
async fn rows(inner: &Inner, statement: &mut engine::Running, running: &Running, sender: mpsc::Sender<Rows>) -> Halt {
    loop {
        let next = tokio::select! {
            () = running.cancel.cancelled() => return Halt::Cancelled,
            () = inner.stop.cancelled() => return Halt::Stopped,
            next = next(statement, &running.progress) => next,
        };
        let (rows, halt) = match next {
            Some(Ok(page)) => (Rows::Page(page), None),
            None => (Rows::Keep, Some(Halt::Complete)),
            Some(Err(Failure::TimedOut)) => (Rows::Keep, Some(Halt::Late)),
            Some(Err(Failure::Cancelled)) => return Halt::Cancelled,
            Some(Err(failure)) => return Halt::Failed(failure.to_string()),
        };
        if sender.send(rows).await.is_err() {
            return Halt::Unwritten;
        }
        if let Some(halt) = halt {
            return halt;
        }
    }
}

/// The next page; what was found is brought up to date meanwhile.
async fn next(statement: &mut engine::Running, progress: &Progress) -> Option<Result<engine::Page, Failure>> {
    loop {
        match tokio::time::timeout(PROGRESS_INTERVAL, statement.next()).await {
            Ok(next) => return next,
            Err(_) => progress.matched.store(statement.matched(), Ordering::Relaxed),
        }
    }
}

/// Writes what comes; without [`Rows::Keep`] at the end nothing is kept. Blocks.
fn write(path: &Path, columns: Vec<String>, mut pages: mpsc::Receiver<Rows>) -> Result<Option<Results>, results::Error> {
    let mut writer = Writer::new(path, columns);
    while let Some(rows) = pages.blocking_recv() {
        match rows {
            Rows::Page(page) => page.iter().try_for_each(|row| writer.push(row))?,
            Rows::Keep => return writer.finish().map(Some),
        }
    }
    Ok(None)
}

/// What the caller reads; the log has the rest.
fn told(error: &results::Error) -> String {
    match error {
        // In the words of AWS: people search for them.
        results::Error::TooLarge => Failure::TooLarge.to_string(),
        results::Error::DiskFull => "There is no room for the results of the query at the moment.".to_owned(),
        error => internal(error),
    }
}

fn internal(error: &impl std::fmt::Display) -> String {
    tracing::error!(%error, "a query failed by a fault of ours");
    metrics::counter!("trailkeep_internal_failures_total").increment(1);
    "The query failed because of an internal error.".to_owned()
}

fn failed(reason: &str) -> Outcome {
    Outcome::Failed(reason.chars().take(REASON_CHARS_MAX).collect())
}
