//! Points in time as people write them.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

const DAY_S: i64 = 86_400;
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const TO_MINUTE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]");
const TO_SECOND: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
/// Fewer digits are a year or a slip, not seconds since 1970.
const EPOCH_DIGITS_MIN: usize = 9;

/// A point in time, perhaps relative to when the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// So many seconds ago.
    Ago(i64),
    /// The beginning of a day in UTC, so many days ago.
    DaysAgo(i64),
    /// Seconds since 1970.
    At(i64),
}

impl When {
    /// Seconds since 1970.
    pub(crate) fn resolve(self, now_s: i64) -> i64 {
        match self {
            Self::Ago(seconds) => now_s.saturating_sub(seconds),
            Self::DaysAgo(days) => (now_s.div_euclid(DAY_S) - days) * DAY_S,
            Self::At(seconds) => seconds,
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.to_ascii_lowercase().as_str() {
            "now" => return Ok(Self::Ago(0)),
            "today" => return Ok(Self::DaysAgo(0)),
            "yesterday" => return Ok(Self::DaysAgo(1)),
            _ => {}
        }
        let found = relative(text).map(Self::Ago).or_else(|| absolute(text).map(Self::At));
        found.ok_or_else(|| "no time: try 30m, 2h, 7d, yesterday, 2026-01-31 or 2026-01-31T09:30:00Z".to_owned())
    }
}

/// `90s`, `30m`, `2h`, `7d`, `2w`, also one after the other: `1h30m`.
fn relative(text: &str) -> Option<i64> {
    let mut rest = text.strip_suffix(" ago").unwrap_or(text);
    let mut seconds = 0_i64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = match rest[digits..].chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => DAY_S,
            'w' => 7 * DAY_S,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then_some(seconds)
}

fn absolute(text: &str) -> Option<i64> {
    if text.len() >= EPOCH_DIGITS_MIN && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let text = text.replacen(' ', "T", 1);
    let zoned = || OffsetDateTime::parse(&text, &Rfc3339).ok();
    let utc = |format| PrimitiveDateTime::parse(&text, format).ok().map(PrimitiveDateTime::assume_utc);
    let date = || Some(PrimitiveDateTime::new(Date::parse(&text, DATE).ok()?, Time::MIDNIGHT).assume_utc());
    zoned().or_else(|| utc(TO_SECOND)).or_else(|| utc(TO_MINUTE)).or_else(date).map(OffsetDateTime::unix_timestamp)
}

/// What time it is for who asks.
#[expect(clippy::disallowed_methods, reason = "`2h ago` is meant by the caller's own clock")]
pub(crate) fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64
}

#[cfg(test)]
mod tests;
