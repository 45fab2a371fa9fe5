//! Instants: how the protocols write them, and how records do.

use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::{Duration, Month, OffsetDateTime};

/// What the wire says, by the format of its member; `None`: it is no instant.
pub(crate) fn read(text: &str) -> Option<OffsetDateTime> {
    let text = text.trim();
    if text.bytes().next().is_some_and(|first| first.is_ascii_digit() || first == b'-') {
        if let Some(instant) = since_1970(text) {
            return Some(instant);
        }
        return iso_of(text);
    }
    // RFC 822's `GMT` is RFC 2822's `+0000`.
    let text = text.strip_suffix("GMT").map_or_else(|| text.to_owned(), |head| format!("{head}+0000"));
    OffsetDateTime::parse(&text, &Rfc2822).ok()
}

/// Seconds since 1970, with a fraction or without.
pub(crate) fn since_1970(text: &str) -> Option<OffsetDateTime> {
    if let Ok(seconds) = text.parse::<i64>() {
        return OffsetDateTime::from_unix_timestamp(seconds).ok();
    }
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 253_402_300_800.0)?;
    let millis = (seconds * 1_000.0).round() as i64;
    OffsetDateTime::UNIX_EPOCH.checked_add(Duration::milliseconds(millis))
}

/// `2026-01-31T09:30:00Z`, with what clients leave out (`2026-01-31T09:30:00`, `2026-01-31`) taken as UTC.
fn iso_of(text: &str) -> Option<OffsetDateTime> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ if text.get(19..).is_some_and(|rest| !rest.contains(['Z', 'z', '+', '-'])) => format!("{text}Z"),
        _ => text.to_owned(),
    };
    OffsetDateTime::parse(&whole, &Rfc3339).ok()
}

/// `2026-01-31T09:30:00Z`: whole seconds, or what more there is.
pub(crate) fn iso(instant: OffsetDateTime) -> String {
    let instant = instant.to_offset(time::UtcOffset::UTC);
    instant.format(&Rfc3339).unwrap_or_else(|_| instant.unix_timestamp().to_string())
}

/// `2026-01-31T09:30:00.000Z`, as EC2 writes it.
pub(crate) fn iso_millis(instant: OffsetDateTime) -> String {
    let instant = instant.to_offset(time::UtcOffset::UTC);
    let (year, month, day) = (instant.year(), u8::from(instant.month()), instant.day());
    let (hour, minute, second, millis) = (instant.hour(), instant.minute(), instant.second(), instant.millisecond());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// `Jan 31, 2026, 9:30:00 AM`: how most services' records have it, in UTC.
pub(crate) fn spoken(instant: OffsetDateTime) -> String {
    let instant = instant.to_offset(time::UtcOffset::UTC);
    let (half, hour) = match instant.hour() {
        hour @ 0..12 => ("AM", hour),
        hour => ("PM", hour - 12),
    };
    let hour = if hour == 0 { 12 } else { hour };
    let (month, day, year) = (short(instant.month()), instant.day(), instant.year());
    format!("{month} {day}, {year}, {hour}:{:02}:{:02} {half}", instant.minute(), instant.second())
}

/// Milliseconds since 1970.
pub(crate) fn millis(instant: OffsetDateTime) -> String {
    (instant.unix_timestamp_nanos() / 1_000_000).to_string()
}

fn short(month: Month) -> &'static str {
    match month {
        Month::January => "Jan",
        Month::February => "Feb",
        Month::March => "Mar",
        Month::April => "Apr",
        Month::May => "May",
        Month::June => "Jun",
        Month::July => "Jul",
        Month::August => "Aug",
        Month::September => "Sep",
        Month::October => "Oct",
        Month::November => "Nov",
        Month::December => "Dec",
    }
}

#[cfg(test)]
mod tests;
