//! Running statements here, over log files.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use indicatif::{BinaryBytes, HumanCount};
use lake::engine::{Engine, EngineOptions, Running};
use lake::raw_files::{Declaration, FileTables};
use lake::sql::{self, Compiled};
use tokio::time::{Instant, interval};

use super::files::Desk;
use super::mistake;
use super::output::Out;
use super::progress::Line;
use crate::exit::Failure;
use crate::import::bucket;

/// Memory that sorting and grouping take before they spill to disk. Own choice: a laptop has several times that.
const MEMORY_BYTES: usize = 1 << 30;
/// What may be spilled. Own choice.
const SPILL_BYTES: u64 = 64 << 30;
/// How often the line on the terminal is brought up to date.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Tables over log files, and what runs statements over them.
pub(super) struct Local {
    tables: FileTables,
    engine: Option<Engine>,
    desk: Desk,
    now_us: fn() -> i64,
}

impl Local {
    /// Nothing yet. `now_us` tells the time.
    pub(super) fn new(by_date: bool, now_us: fn() -> i64) -> Self {
        Self { tables: FileTables::default(), engine: None, desk: Desk { by_date, ..Desk::default() }, now_us }
    }

    /// The files at that place are what statements read that name no other.
    pub(super) async fn give(&mut self, place: &str, bucket: &bucket::Arguments) -> Result<(), Failure> {
        let files = self.desk.table(place, bucket).await?;
        self.tables.give(files);
        Ok(())
    }

    /// Declares a table over the files at that place.
    pub(super) async fn declare(
        &mut self,
        declaration: &Declaration,
        place: &str,
        bucket: &bucket::Arguments,
    ) -> Result<(), Failure> {
        let files = self.desk.table(place, bucket).await?;
        self.tables.declare(&declaration.name, files);
        Ok(())
    }

    /// What the declared tables are called.
    pub(super) fn declared(&self) -> impl Iterator<Item = &str> {
        self.tables.declared()
    }

    /// Whether anything was wrong with a file.
    pub(super) fn any_damage(&self) -> bool {
        self.desk.complaints.any()
    }

    /// Compiles a statement over the tables that there are here.
    pub(super) fn compile(&self, statement: &str) -> Result<Compiled, sql::Error> {
        self.tables.compile(statement, (self.now_us)())
    }

    /// Runs a statement and writes its rows.
    pub(super) async fn run(&mut self, statement: &str, compiled: Compiled, out: &mut Out) -> anyhow::Result<()> {
        self.desk.complaints.begin();
        let before = Before::of(self);
        let engine = match &mut self.engine {
            Some(engine) => engine,
            engine @ None => engine.insert(open_engine()?),
        };
        engine.check(&compiled).map_err(|error| anyhow!(mistake::told(&error.to_string(), statement)))?;
        let columns = compiled.columns.clone();
        let line = Line::start();
        self.desk.complaints.beside(Some(line.clone()));
        let mut running = engine.start(compiled.clone(), self.tables.providers(), None);
        let mut written = self.write(&mut running, &line, out, (&columns, &compiled)).await;
        drop(running);
        line.clear();
        self.desk.complaints.beside(None);
        if let Some(reason) = self.desk.complaints.take_unreachable() {
            return Err(Failure::Unreachable(reason).into());
        }
        if written.is_ok() {
            written = out.finish();
        }
        written?;
        self.tell(&before);
        Ok(())
    }

    async fn write(&self, running: &mut Running, line: &Line, out: &mut Out, head: (&[String], &Compiled)) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut looks = interval(LOOK_EVERY);
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        loop {
            tokio::select! {
                biased;
                _ = &mut interrupted => {
                    running.cancel();
                    return Err(Failure::Unreachable("interrupted".to_owned()).into());
                }
                page = running.next() => {
                    let page = match page {
                        Some(page) => Some(page.map_err(|failure| anyhow!("the query failed: {failure}"))?),
                        None => None,
                    };
                    if !out.is_begun() {
                        line.clear();
                        out.begin(head.0, Some(head.1))?;
                    }
                    let Some(page) = page else { return Ok(()) };
                    out.write(&page)?;
                }
                _ = looks.tick() => line.say(self.far(begun.elapsed())),
            }
        }
    }

    fn far(&self, elapsed: Duration) -> String {
        let events = self.desk.progress.events();
        let rate = (events as f64 / elapsed.as_secs_f64().max(0.001)) as u64;
        let (files, bytes) = (HumanCount(self.desk.progress.files()), BinaryBytes(self.desk.progress.bytes()));
        format!("{files} files  {} events  {bytes}  {} events/s", HumanCount(events), HumanCount(rate))
    }

    /// Says what was left out, so that no result is taken for more than it is.
    fn tell(&self, before: &Before) {
        let now = Before::of(self);
        let (files, folders) = (now.untimely - before.untimely, now.untimely_folders - before.untimely_folders);
        if files + folders > 0 {
            let folders = if folders > 0 { format!(" and the files of {} folders", HumanCount(folders)) } else { String::new() };
            let files = HumanCount(files);
            eprintln!(
                "{files} files{folders} were not read: their dates are not of the times asked for; --every-file reads them"
            );
        } else if now.scans > before.scans && now.found == before.found && now.damaged == 0 {
            eprintln!("trailkeep: no log files were found");
        }
        if now.damaged > 0 {
            eprintln!("trailkeep: the result is not complete: {} files are damaged", now.damaged);
        }
    }
}

/// How things stood before a statement ran.
struct Before {
    untimely: u64,
    untimely_folders: u64,
    scans: u64,
    found: u64,
    damaged: usize,
}

impl Before {
    fn of(local: &Local) -> Self {
        let Desk { progress, complaints, .. } = &local.desk;
        Self {
            untimely: progress.untimely(),
            untimely_folders: progress.untimely_folders(),
            scans: progress.scans(),
            found: progress.found(),
            damaged: complaints.files(),
        }
    }
}

fn open_engine() -> anyhow::Result<Engine> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let options = EngineOptions {
        memory_bytes: MEMORY_BYTES,
        spill_dir: spill_dir(),
        spill_bytes: SPILL_BYTES,
        threads,
        result_bytes: u64::MAX,
    };
    Engine::new(&options).context("cannot start the query engine")
}

/// A folder of this process alone.
fn spill_dir() -> PathBuf {
    std::env::temp_dir().join(format!("trailkeep-query-{}", std::process::id()))
}

impl Drop for Local {
    fn drop(&mut self) {
        if self.engine.take().is_some() {
            std::fs::remove_dir_all(spill_dir()).ok();
        }
    }
}
