//! Times: which events an import wants, and which files may hold such events.

/// How much earlier than the date in its name a file's events may have happened. AWS says 15 minutes on average at most;
/// measured were 608 s (log-files.md, section 2; corpus profile).
pub const DELIVERY_LAG_S_MAX: i64 = 3_600;
/// How much later than the time in its name a file may have been delivered: published names are multiples of five
/// minutes.
pub const NAME_ROUNDING_S: i64 = 300;

const US_PER_S: i64 = 1_000_000;

/// The times of the events that are wanted, both ends included; without an end, no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The earliest, in microseconds since 1970.
    pub start_us: Option<i64>,
    /// The latest.
    pub end_us: Option<i64>,
}

/// When a file was delivered, as far as its key says: both ends included, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The earliest second.
    pub first_s: i64,
    /// The latest second.
    pub last_s: i64,
}

impl Range {
    /// Whether an event of that second is wanted.
    pub fn holds(&self, event_time_s: i64) -> bool {
        let us = event_time_s.saturating_mul(US_PER_S);
        self.start_us.is_none_or(|start| us >= start) && self.end_us.is_none_or(|end| us <= end)
    }

    /// Whether everything that is delivered in `span` happened before the range.
    pub fn is_after(&self, span: Span) -> bool {
        self.start_us.is_some_and(|start| span.last_s.saturating_add(NAME_ROUNDING_S).saturating_mul(US_PER_S) < start)
    }

    /// Whether everything that is delivered in `span` happened after the range.
    pub fn is_before(&self, span: Span) -> bool {
        self.end_us.is_some_and(|end| span.first_s.saturating_sub(DELIVERY_LAG_S_MAX).saturating_mul(US_PER_S) > end)
    }

    /// Whether nothing that is delivered in `span` is wanted.
    pub fn excludes(&self, span: Span) -> bool {
        self.is_after(span) || self.is_before(span)
    }
}
