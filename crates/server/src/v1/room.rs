//! Room for what is being taken in: memory is bounded for all requests together, whatever they send.
//!
//! A body takes room for its size as sent until its records are read; records take room for their size until they are on
//! disk. In between, when neither is known to be small, only a few requests are worked on at a time. Nobody who holds
//! room for records waits for other room, so that requests cannot block each other for good.

use std::sync::Arc;
use std::time::Duration;

use pipeline::capture::parcel::Parcel;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Refusal;
use crate::control::Failure;

/// Memory that bodies may take together, as sent.
const BODIES_BYTES_MAX: u64 = 192 << 20;
/// Memory that records on their way to the disk may take together.
const RECORDS_BYTES_MAX: u64 = 256 << 20;
/// The unit in which memory is handed out.
const UNIT_BYTES: u64 = 4 << 10;
/// What the answer says of one record that is refused takes about so much.
const REJECTED_BYTES: usize = 256;
/// How many requests are worked on at a time for each kind of work: more than there are processors gains nothing.
const TURNS_MAX: usize = 8;
/// The same at least: one large request must not hold up all others.
const TURNS_MIN: usize = 2;
/// How long a request waits for room before it is told to come back.
const WAIT: Duration = Duration::from_secs(20);

/// Room that is taken, until it is dropped.
pub(super) type Taken = OwnedSemaphorePermit;

/// The room there is.
#[derive(Debug)]
pub struct Room {
    bodies: Arc<Semaphore>,
    records: Arc<Semaphore>,
    reading: Arc<Semaphore>,
    importing: Arc<Semaphore>,
}

impl Default for Room {
    fn default() -> Self {
        let turns = std::thread::available_parallelism().map_or(TURNS_MIN, usize::from).clamp(TURNS_MIN, TURNS_MAX);
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            bodies: semaphore((BODIES_BYTES_MAX / UNIT_BYTES) as usize),
            records: semaphore((RECORDS_BYTES_MAX / UNIT_BYTES) as usize),
            reading: semaphore(turns),
            importing: semaphore(turns),
        }
    }
}

impl Room {
    /// Room for a body of so many bytes.
    pub(super) async fn for_body(&self, bytes: u64) -> Result<Taken, Refusal> {
        take(&self.bodies, units(bytes)).await
    }

    /// Room for the records of a parcel.
    pub(super) async fn for_records(&self, parcel: &Parcel) -> Result<Taken, Refusal> {
        let admitted: usize = parcel.events.iter().map(|(_, event)| event.bytes().len()).sum();
        let bytes = admitted + parcel.rejected.len() * REJECTED_BYTES;
        take(&self.records, units((bytes as u64).min(RECORDS_BYTES_MAX))).await
    }

    /// A turn to read a body that may become large.
    pub(super) async fn turn_to_read(&self) -> Result<Taken, Refusal> {
        take(&self.reading, 1).await
    }

    /// A turn to read an archive.
    pub(super) async fn turn_to_import(&self) -> Result<Taken, Refusal> {
        take(&self.importing, 1).await
    }
}

fn units(bytes: u64) -> u32 {
    bytes.div_ceil(UNIT_BYTES).max(1) as u32
}

async fn take(room: &Arc<Semaphore>, units: u32) -> Result<Taken, Refusal> {
    tokio::time::timeout(WAIT, Arc::clone(room).acquire_many_owned(units))
        .await
        .map_err(|_| Refusal::unavailable(&"there is no room for one more request"))?
        .map_err(|error| Refusal::from(Failure::internal(error)))
}
