//! Time zones.

use arrow::array::temporal_conversions::as_datetime_with_timezone;
use arrow::array::timezone::Tz;
use arrow::datatypes::TimestampMicrosecondType;

/// Whether there is such a zone: a name such as `Europe/Berlin`, or an offset such as `+02:00`.
pub(super) fn is_known(zone: &str) -> bool {
    zone.parse::<Tz>().is_ok()
}

/// What clocks in a zone show at an instant, in microseconds.
pub(crate) fn local(time: i64, zone: &str) -> i64 {
    let shown = zone.parse().ok().and_then(|zone: Tz| as_datetime_with_timezone::<TimestampMicrosecondType>(time, zone));
    shown.map_or(time, |shown| shown.naive_local().and_utc().timestamp_micros())
}

/// The instant at which clocks in a zone show this time.
pub(super) fn instant(shown: i64, zone: &str) -> i64 {
    let guess = shown - (local(shown, zone) - shown);
    shown - (local(guess, zone) - guess)
}
