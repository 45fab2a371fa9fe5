//! Listing: which files there are to be read, page by page, ahead of those who fetch them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use catalog::{Catalog, imports};
use cloudtrail::import::{Folders, Step, Walk};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::patience::Patience;
use super::source::{Fault, Source, Unread};
use crate::destinations::{Found, Page};

/// Keys asked for at once: a page of S3's.
const PAGE: u32 = 1_000;
/// What is reckoned for a file whose size is not known.
const UNKNOWN_BYTES: u64 = 1 << 20;
/// Pages listed ahead of those who fetch.
pub(super) const PAGES_AHEAD: usize = 4;

/// A file that is to be read, or a failure already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) bytes: u64,
    /// Why it need not be opened.
    pub(super) foreign: Option<Fault>,
    /// Events of it that are in from an earlier try.
    pub(super) events: u64,
}

/// The kind of fault of what is seen to be no log file without being opened.
const NOT_A_LOG_FILE: &str = "NotALogFile";
const TOO_LARGE: &str = "TooLarge";

/// Lists what a walk takes.
pub(super) struct Listing {
    pub(super) source: Arc<Source>,
    pub(super) prefix: String,
    pub(super) walk: Walk,
    /// The key to begin after.
    pub(super) after: Option<String>,
    /// The prefixes before that key.
    pub(super) folders: Folders,
    /// How many prefixes there are, as far as they are listed.
    pub(super) found: Arc<AtomicU64>,
    pub(super) stop: CancellationToken,
}

impl Listing {
    /// Sends every file, until there are no more or nobody wants them.
    pub(super) async fn run(mut self, pages: mpsc::Sender<Vec<Listed>>) -> Result<(), Fault> {
        loop {
            let Some(page) = self.page().await? else { return Ok(()) };
            let (before, last) = (self.after.clone(), page.found.last().map(|found| found.key.clone()));
            let files = self.sift(page.found);
            self.found.store(self.folders.found(), Ordering::Relaxed);
            if !files.is_empty() && pages.send(files).await.is_err() {
                return Ok(());
            }
            if page.complete || last.is_none() {
                return Ok(());
            }
            // What was jumped over reaches farther than the page, or not.
            self.after = self.after.max(last);
            if self.after <= before {
                return Err(Fault::new("InvalidListing", "the source does not list the keys after a given one in order"));
            }
        }
    }

    /// The files of a page; `after` is what the last of them is passed over with.
    fn sift(&mut self, found: Vec<Found>) -> Vec<Listed> {
        let mut files = Vec::with_capacity(found.len());
        for Found { key, bytes } in found {
            if self.after.as_ref().is_some_and(|after| key <= *after) {
                continue;
            }
            let foreign = match self.walk.step(&key, bytes) {
                Step::Pass => continue,
                Step::Jump(behind) => {
                    self.after = Some(behind);
                    continue;
                }
                Step::Take => None,
                Step::Foreign(why) => Some(fault(why)),
            };
            self.folders.enter(&key);
            files.push(Listed { key, bytes, foreign, events: 0 });
        }
        files
    }

    /// The next page; nothing if it is not wanted any more.
    async fn page(&self) -> Result<Option<Page>, Fault> {
        let mut patience = Patience::default();
        loop {
            match self.source.page(&self.prefix, self.after.as_deref(), PAGE).await {
                Ok(page) => return Ok(Some(page)),
                Err(Unread::Refused(fault)) => return Err(fault),
                Err(Unread::Passing(fault)) if !patience.wait(&self.stop).await => {
                    return if self.stop.is_cancelled() { Ok(None) } else { Err(fault) };
                }
                Err(Unread::Passing(_)) => {}
            }
        }
    }
}

fn fault(why: cloudtrail::import::Foreign) -> Fault {
    let kind = match why {
        cloudtrail::import::Foreign::Digest => NOT_A_LOG_FILE,
        cloudtrail::import::Foreign::TooLarge => TOO_LARGE,
    };
    Fault::new(kind, why.to_string())
}

/// Sends the files that failed and are to be tried again.
pub(super) async fn failed(catalog: Catalog, import: String, pages: mpsc::Sender<Vec<Listed>>) -> Result<(), catalog::Error> {
    let mut after = 0;
    loop {
        let page = imports::to_retry(&catalog, &import, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.place;
        let again =
            |failure: imports::Failure| Listed { key: failure.key, bytes: UNKNOWN_BYTES, foreign: None, events: failure.events };
        if pages.send(page.into_iter().map(again).collect()).await.is_err() {
            return Ok(());
        }
    }
}
