//! The order of event history.

use journal::Position;

/// Where a record stands in event history: by eventTime, and among those of one second by arrival. Lookups go from the
/// greatest place to the least: newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The record's eventTime, in seconds since 1970.
    pub event_time_s: i64,
    /// Its position in the journal.
    pub position: Position,
}

impl Place {
    /// Above every record.
    pub(super) const ABOVE_ALL: Self = Self { event_time_s: i64::MAX, position: Position::MAX };

    /// Not below any record of that second.
    pub(super) fn end_of_second(event_time_s: i64) -> Self {
        Self { event_time_s, position: Position::MAX }
    }
}
