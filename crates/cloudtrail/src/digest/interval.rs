//! The intervals of a chain: equal lengths from the second in which it was activated.

use serde::{Deserialize, Serialize};

/// A stretch of delivery times: from `start_s` on, up to but not including `end_s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// The first second.
    pub start_s: i64,
    /// The second after the last.
    pub end_s: i64,
}

impl Interval {
    /// The interval number `k` of a chain that was activated at that second. Number 0 is the starting digest's: it
    /// ends with the activation. A length below one second counts as one.
    pub fn nth(activation_s: i64, length_s: i64, k: i64) -> Self {
        let length_s = length_s.max(1);
        let end_s = activation_s.saturating_add(length_s.saturating_mul(k));
        Self { start_s: end_s.saturating_sub(length_s), end_s }
    }

    /// The interval that a second falls into.
    pub fn containing(activation_s: i64, length_s: i64, at_s: i64) -> Self {
        let k = at_s.saturating_sub(activation_s).div_euclid(length_s.max(1)).saturating_add(1);
        Self::nth(activation_s, length_s, k)
    }

    /// Whether a second is in it.
    pub fn contains(&self, at_s: i64) -> bool {
        (self.start_s..self.end_s).contains(&at_s)
    }
}
