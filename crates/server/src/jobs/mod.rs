//! What goes on in the background for a trail: log files and digests on their way into its bucket.
//!
//! A trail's work is in lanes: the files of one bucket, account and Region, and the digests of one chain. Within a lane
//! things go one after the other; a lane that fails waits and tries again, for ever, and holds up no other.

mod deliver;
mod digests;
pub mod keys;
mod lanes;

use std::sync::Arc;

use catalog::{Catalog, trails};
use pipeline::capture::recorder::Recorder;
use pipeline::clock::SharedClock;
use pipeline::sinks::log_files::spool::Spool;
use tokio::sync::{Notify, Semaphore};

use crate::destinations::{Destinations, PutError};
use keys::Keys;
pub use lanes::Lane;

/// Uploads of one trail at a time.
const UPLOADS_MAX: usize = 4;

/// What the jobs of all trails share.
pub struct Parts {
    /// What is to be delivered, and what was.
    pub catalog: Catalog,
    /// Where digests are journaled.
    pub recorder: Recorder,
    /// Where they go.
    pub destinations: Destinations,
    /// Where files wait.
    pub spool: Spool,
    /// What signs digests.
    pub keys: Keys,
    /// The time.
    pub clock: SharedClock,
    /// libdeflate's compression level.
    pub compression_level: i32,
    /// A random number, to spread attempts out.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// A file that waits cannot be read.
    #[error(transparent)]
    Spool(#[from] pipeline::sinks::log_files::spool::Error),
    /// A digest cannot be signed.
    #[error(transparent)]
    Key(#[from] keys::Error),
    /// The journal does not take the entry of a digest.
    #[error("the digest cannot be journaled: {0}")]
    Journal(String),
    /// The bucket did not take it.
    #[error("{key} cannot be delivered to bucket {bucket}: {reason}")]
    Put {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// What the bucket said.
        reason: PutError,
    },
    /// The program winds up.
    #[error("the runtime is shutting down")]
    Stopping,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something was done; there may be more.
    Done,
    /// There is nothing to be done at the moment.
    Idle,
}

/// Wakes the jobs of a trail.
#[derive(Clone, Debug, Default)]
pub struct Wake {
    /// There is something new to be done.
    pub work: Arc<Notify>,
    /// What failed may be tried again at once.
    pub again: Arc<Notify>,
}

/// The jobs of one trail.
pub struct TrailJobs {
    parts: Arc<Parts>,
    trail: i64,
    arn: String,
    wake: Wake,
    uploads: Semaphore,
}

impl TrailJobs {
    /// The jobs of the trail with that id; None if there is none.
    pub async fn open(parts: Arc<Parts>, trail: i64, wake: Wake) -> Result<Option<Self>, Error> {
        let found = trails::by_id(&parts.catalog, trail).await?;
        Ok(found.map(|found| Self { parts, trail, arn: found.arn, wake, uploads: Semaphore::new(UPLOADS_MAX) }))
    }

    /// Takes the next step in a lane.
    pub async fn step(&self, lane: &Lane) -> Result<Step, Error> {
        match lane {
            Lane::Files(lane) => self.deliver_next(lane).await,
            Lane::Digests { chain } => self.advance(*chain).await,
        }
    }
}
