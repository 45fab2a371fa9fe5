//! Events on their way to the recorder, together with what was refused before they got there.

use cloudtrail::event::{Event, Rejection, RejectionCode};

/// The events of one request or one file, each with its place in it.
#[derive(Clone, Debug, Default)]
pub struct Parcel {
    /// What was admitted.
    pub events: Vec<(usize, Event)>,
    /// What was not, in the order of index.
    pub rejected: Vec<Rejected>,
}

/// A record that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the request or file, from 0.
    pub index: usize,
    /// The kind of reason.
    pub code: RejectionCode,
    /// The reason in words.
    pub message: String,
}

impl Rejected {
    /// The record at `index`, refused.
    pub fn new(index: usize, rejection: Rejection) -> Self {
        Self { index, code: rejection.code, message: rejection.message }
    }
}

impl From<Vec<Event>> for Parcel {
    fn from(events: Vec<Event>) -> Self {
        Self { events: events.into_iter().enumerate().collect(), rejected: Vec::new() }
    }
}
