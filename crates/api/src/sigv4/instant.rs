//! The two ways in which requests write their time.

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const BASIC: &[BorrowedFormatItem] = format_description!("[year][month][day]T[hour][minute][second]Z");
/// `YYYYMMDDTHHMMSSZ`.
const BASIC_LENGTH: usize = 16;

/// Seconds since the epoch of `20150830T123600Z`.
pub(super) fn basic(text: &str) -> Option<i64> {
    if text.len() != BASIC_LENGTH {
        return None;
    }
    PrimitiveDateTime::parse(text, BASIC).ok().map(|instant| instant.assume_utc().unix_timestamp())
}

/// Seconds since the epoch of a Date header, `Sun, 30 Aug 2015 12:36:00 GMT` or the basic form.
pub(super) fn http(text: &str) -> Option<i64> {
    basic(text).or_else(|| OffsetDateTime::parse(text, &Rfc2822).ok().map(OffsetDateTime::unix_timestamp))
}

/// `20150830T123600Z`.
pub(super) fn text(s: i64) -> String {
    let instant = OffsetDateTime::from_unix_timestamp(s).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    instant.format(BASIC).unwrap_or_default()
}
