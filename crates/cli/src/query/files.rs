//! Log files that are read here: where they come from, and what is wrong with them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloudtrail::import::Range;
use lake::raw_files::{Damage, Finding, Progress, RawFiles, Source as RawSource};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::progress::Line;
use crate::exit::Failure;
use crate::import::bucket;
use crate::import::source::{Reader, Source};
use crate::lookup::cell::clean;

/// Files found ahead of who reads them. Those of buckets are in memory, which is bounded where they are fetched.
const FILES_AHEAD: usize = 64;
/// Damage that is remembered, so that a file that is read twice is told of once; beyond it, it is told again.
const REMEMBERED_MAX: usize = 100_000;

/// What went wrong while files were read; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Complaints(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    told: HashSet<Damage>,
    files: HashSet<String>,
    /// Why not all files could be listed.
    unreachable: Option<String>,
    line: Option<Line>,
    any: bool,
}

impl Complaints {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another statement begins: what is wrong is told of again.
    pub(super) fn begin(&self) {
        let mut known = self.known();
        known.told.clear();
        known.files.clear();
    }

    /// From here on they are told beside this line.
    pub(super) fn beside(&self, line: Option<Line>) {
        self.known().line = line;
    }

    fn damaged(&self, damage: Damage) {
        let mut known = self.known();
        known.any = true;
        if known.told.contains(&damage) {
            return;
        }
        let text = format!("damaged: {}", clean(&damage.to_string()));
        match &known.line {
            Some(line) => line.note(&text),
            None => eprintln!("{text}"),
        }
        if known.told.len() < REMEMBERED_MAX {
            known.files.insert(damage.file.clone());
            known.told.insert(damage);
        }
    }

    /// How many files are damaged or hold records that are none.
    pub(super) fn files(&self) -> usize {
        self.known().files.len()
    }

    /// Whether anything was wrong.
    pub(super) fn any(&self) -> bool {
        self.known().any
    }

    /// Why not all files could be listed, if so; it is told once.
    pub(super) fn take_unreachable(&self) -> Option<String> {
        self.known().unreachable.take()
    }
}

/// How log files become tables.
#[derive(Default)]
pub(super) struct Desk {
    /// How far reading is.
    pub(super) progress: Arc<Progress>,
    /// What goes wrong.
    pub(super) complaints: Complaints,
    /// Whether files are left out by the dates in their names.
    pub(super) by_date: bool,
}

impl Desk {
    /// The files below a place as a table.
    pub(super) async fn table(&self, place: &str, bucket: &bucket::Arguments) -> Result<RawFiles, Failure> {
        let source = Arc::new(Source::open(place, bucket).await?);
        let lister = Lister { handle: Handle::current(), source, complaints: self.complaints.clone() };
        let teller = self.complaints.clone();
        let raw = RawSource {
            list: Box::new(move |range, progress| lister.list(range, progress)),
            damaged: Box::new(move |damage| teller.damaged(damage)),
        };
        Ok(RawFiles::new(Arc::new(raw), Arc::clone(&self.progress), self.by_date))
    }
}

/// Lists on the program's own threads: the engine's are for computing.
struct Lister {
    handle: Handle,
    source: Arc<Source>,
    complaints: Complaints,
}

impl Lister {
    fn list(&self, range: Range, progress: &Arc<Progress>) -> Finding {
        let (files, found) = mpsc::channel(FILES_AHEAD);
        let (complaints, teller) = (self.complaints.clone(), self.complaints.clone());
        let complain = Arc::new(move |damage| teller.damaged(damage));
        let reader = Reader { files: files.clone(), progress: Arc::clone(progress), complain };
        let source = Arc::clone(&self.source);
        self.handle.spawn(async move {
            if let Err(failure) = source.find(range, reader).await {
                let reason = failure.to_string();
                complaints.known().unreachable = Some(reason.clone());
                // Nobody may be listening any more.
                let _ = files.send(Err(reason)).await;
            }
        });
        found
    }
}
