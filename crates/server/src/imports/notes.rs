//! Notes of what is in: checkpoint, counts and failures, committed together.

use std::time::Duration;

use catalog::imports::{self, Checkpoint, Failure};
use catalog::{Catalog, Tx};
use cloudtrail::import::{FailureStatus, Status};
use pipeline::capture::parcel::Rejected;
use pipeline::capture::recorder::Outcome;
use pipeline::clock::SharedClock;
use tokio::time::Instant;

use super::reading::Read;
use super::source::Fault;

/// How long notes wait for others before they are committed: what a crash makes an import do again.
const INTERVAL: Duration = Duration::from_millis(500);
/// Failures that wait at most.
const CHANGES_MAX: usize = 1_000;
/// The longest message of a failure: what the API takes for such texts (ErrorMessage of DescribeQuery).
const MESSAGE_CHARS_MAX: usize = 1_000;

/// The notes of one import.
pub(super) struct Notes {
    catalog: Catalog,
    clock: SharedClock,
    import: String,
    checkpoint: Checkpoint,
    changes: Vec<Change>,
    /// When to commit; nothing is to be committed without it.
    due: Option<Instant>,
}

/// What became of a file that is worth a row.
enum Change {
    Failed(Failure),
    Succeeded(String),
}

/// Which files are noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Files that failed before: the checkpoint stays where it is.
    Retry,
    /// Files as they are listed.
    Listing,
}

impl Notes {
    pub(super) fn new(catalog: Catalog, clock: SharedClock, import: String, checkpoint: Checkpoint) -> Self {
        Self { catalog, clock, import, checkpoint, changes: Vec::new(), due: None }
    }

    pub(super) fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Notes a file that was read, with what became of its events, or with its fault.
    pub(super) fn file(&mut self, pass: Pass, file: Read, outcome: Option<Outcome>) {
        let Read { key, events: before, fault } = file;
        let Outcome { accepted, duplicates, rejected, end, .. } = outcome.unwrap_or_default();
        let checkpoint = &mut self.checkpoint;
        checkpoint.position = checkpoint.position.max(end);
        // What an earlier try had in is not counted twice; what it had in and this one has not is in all the same.
        let events = (accepted + duplicates).max(before);
        checkpoint.events_completed += events - before;
        if pass == Pass::Listing {
            checkpoint.folders.enter(&key);
            checkpoint.last_key = Some(key.clone());
        }
        if let Some(fault) = fault.or_else(|| refusals(&rejected)) {
            self.fail(key, fault, events);
        } else {
            checkpoint.files_completed += 1;
            if pass == Pass::Retry {
                self.changes.push(Change::Succeeded(key));
            }
        }
        self.touch();
    }

    /// Notes that the source could not be read any further.
    pub(super) fn source_failed(&mut self, fault: Fault) {
        self.fail(imports::SOURCE.to_owned(), fault, 0);
        self.touch();
    }

    /// Notes that the source has no further key.
    pub(super) fn listed(&mut self) {
        self.checkpoint.listed = true;
        self.checkpoint.folders.finish();
        self.checkpoint.prefixes_found = self.checkpoint.folders.found();
        self.changes.push(Change::Succeeded(imports::SOURCE.to_owned()));
        self.touch();
    }

    /// Notes how many prefixes are listed.
    pub(super) fn found(&mut self, prefixes: u64) {
        self.checkpoint.prefixes_found = prefixes;
    }

    fn fail(&mut self, key: String, Fault { kind, message }: Fault, events: u64) {
        let failure = Failure {
            place: 0,
            key,
            status: FailureStatus::Failed,
            error_type: kind,
            error_message: message.chars().take(MESSAGE_CHARS_MAX).collect(),
            events,
            updated_at_us: self.clock.now_us(),
        };
        self.changes.push(Change::Failed(failure));
    }

    fn touch(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + INTERVAL);
    }

    /// Waits until it is time to commit.
    pub(super) async fn due(&self) {
        match self.due {
            Some(_) if self.changes.len() >= CHANGES_MAX => {}
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Commits what was noted.
    pub(super) async fn commit(&mut self) -> Result<(), catalog::Error> {
        if self.due.is_none() {
            return Ok(());
        }
        let mut tx = self.catalog.begin().await?;
        self.write(&mut tx).await?;
        tx.commit().await?;
        self.changes.clear();
        self.due = None;
        Ok(())
    }

    /// Ends the import, unless it was stopped.
    pub(super) async fn finish(&mut self) -> Result<Status, catalog::Error> {
        let mut tx = self.catalog.begin().await?;
        self.write(&mut tx).await?;
        let status = imports::finish(&mut tx, &self.import, self.clock.now_us()).await?;
        tx.commit().await?;
        self.changes.clear();
        self.due = None;
        Ok(status)
    }

    async fn write(&self, tx: &mut Tx) -> Result<(), catalog::Error> {
        let now_us = self.clock.now_us();
        imports::set_checkpoint(tx, &self.import, &self.checkpoint, now_us).await?;
        for change in &self.changes {
            match change {
                Change::Failed(failure) => imports::fail(tx, &self.import, failure).await?,
                Change::Succeeded(key) => imports::succeed(tx, &self.import, key, now_us).await?,
            }
        }
        Ok(())
    }
}

/// The fault of a file with records that were refused; the others are in.
fn refusals(rejected: &[Rejected]) -> Option<Fault> {
    let first = rejected.first()?;
    let records = if rejected.len() == 1 { "1 record was".to_owned() } else { format!("{} records were", rejected.len()) };
    let message = format!("{records} refused; record {}: {}", first.index, first.message);
    Some(Fault::new(first.code.to_string(), message))
}
