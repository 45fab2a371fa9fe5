//! Instants, a number of seconds since the epoch on the wire.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The first second that a timestamp may name: 0001-01-01T00:00:00Z.
pub const S_MIN: i64 = -62_135_596_800;
/// The last second that a timestamp may name: 9999-12-31T23:59:59Z, the end of ISO 8601's four-digit years.
pub const S_MAX: i64 = 253_402_300_799;

const US_PER_S: i64 = 1_000_000;

/// An instant in microseconds since the epoch. Read from whole or fractional seconds (botocore sends whole ones,
/// the SDKs for Go and Java fractions), written as a whole number where it is one. Never ISO 8601.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    us: i64,
}

impl Timestamp {
    /// The instant that lies `us` microseconds after the epoch.
    pub const fn from_us(us: i64) -> Self {
        Self { us }
    }

    /// The instant that lies `s` seconds after the epoch; the far ends of time are cut to what fits.
    pub const fn from_s(s: i64) -> Self {
        Self { us: s.saturating_mul(US_PER_S) }
    }

    /// Microseconds since the epoch.
    pub const fn us(self) -> i64 {
        self.us
    }

    /// Seconds since the epoch, rounded down.
    pub const fn s(self) -> i64 {
        self.us.div_euclid(US_PER_S)
    }

    /// The instant that lies `s` seconds after the epoch, to the nearest microsecond; none outside the years 1 to
    /// 9999.
    pub(crate) fn from_fraction(s: f64) -> Option<Self> {
        let inside = s >= S_MIN as f64 && s < (S_MAX + 1) as f64;
        inside.then(|| Self { us: (s * US_PER_S as f64).round() as i64 })
    }

    fn from_whole(s: i64) -> Option<Self> {
        (S_MIN..=S_MAX).contains(&s).then(|| Self::from_s(s))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.us % US_PER_S == 0 {
            serializer.serialize_i64(self.us / US_PER_S)
        } else {
            serializer.serialize_f64(self.us as f64 / US_PER_S as f64)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Seconds)
    }
}

struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = Timestamp;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a number of seconds since the epoch, in the years 1 to 9999")
    }

    fn visit_i64<E: serde::de::Error>(self, s: i64) -> Result<Timestamp, E> {
        Timestamp::from_whole(s).ok_or_else(|| E::custom("timestamp out of range"))
    }

    fn visit_u64<E: serde::de::Error>(self, s: u64) -> Result<Timestamp, E> {
        i64::try_from(s).map_err(|_| E::custom("timestamp out of range")).and_then(|s| self.visit_i64(s))
    }

    fn visit_f64<E: serde::de::Error>(self, s: f64) -> Result<Timestamp, E> {
        Timestamp::from_fraction(s).ok_or_else(|| E::custom("timestamp out of range"))
    }
}

#[cfg(test)]
mod tests;
