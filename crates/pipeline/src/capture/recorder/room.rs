//! Room that is taken before there is anything to record: what must not happen unrecorded takes it before it begins.

use std::time::Duration;

use cloudtrail::event::Event;
use journal::Permit;

use super::sift::{Errand, Item};
use super::{Pending, RecordError, Recorder, Sender};
use crate::capture::origin::Origin;

/// Room in the journal's queue for one event, given back when the event is on disk or this is dropped.
#[derive(Debug)]
pub struct Room {
    permit: Permit,
}

impl Room {
    /// Nobody waits for the event: it may be put on disk together with others that come a few milliseconds later.
    #[must_use]
    pub fn unhurried(self) -> Self {
        Self { permit: self.permit.unhurried() }
    }
}

impl Recorder {
    /// Room for an event of about `bytes` that is still to come, waiting up to `wait` for it. Says no whenever events are
    /// not taken at all.
    pub async fn admit_room(&self, bytes: usize, wait: Duration) -> Result<Room, RecordError> {
        Ok(Room { permit: self.room(bytes, wait).await? })
    }

    /// Puts `event` in line in the `room` that was taken for it. One that turned out larger takes what more it needs of
    /// what is left, and does not wait for it.
    pub async fn record_in(&self, room: Room, event: Event, origin: Origin, sender: &Sender) -> Result<Pending, RecordError> {
        if self.inner.seen.is_stale() {
            self.heal().await?;
        }
        let errand = Errand::new(sender.clone(), origin, Vec::new());
        let mut pending = Pending::new(1);
        let sifted = self.inner.sift(vec![Item::single(event)], &errand);
        self.place(sifted, Some(room.permit), &mut pending).await?;
        Ok(pending)
    }
}
