//! eventTime: RFC 3339, `YYYY-MM-DDTHH:MM:SS[.fff]` and `Z` or an offset.

use time::OffsetDateTime;
use time::macros::format_description;

/// Seconds since 1970 as records write them: `2026-01-31T09:30:00Z`. Times outside the years 0 to 9999 become the
/// nearest one inside.
pub fn time_text(time_s: i64) -> String {
    const FORMAT: &[time::format_description::BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    const YEAR_0_S: i64 = -62_167_219_200;
    const YEAR_9999_END_S: i64 = 253_402_300_799;
    let time = OffsetDateTime::from_unix_timestamp(time_s.clamp(YEAR_0_S, YEAR_9999_END_S));
    time.ok().and_then(|time| time.format(FORMAT).ok()).expect("years 0 to 9999 can be written")
}

/// Seconds since 1970; `None` for anything that is no such time. Fractions of a second, up to nine digits, are
/// dropped. A leap second is refused: AWS smears them.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (fixed, rest) = bytes.split_at_checked(19)?;
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|&(at, byte)| fixed.get(at) != Some(&byte)) {
        return None;
    }
    let (year, month, day) = (number(fixed, 0, 4)?, number(fixed, 5, 2)?, number(fixed, 8, 2)?);
    let (hour, minute, second) = (number(fixed, 11, 2)?, number(fixed, 14, 2)?, number(fixed, 17, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_since_1970(year, month, day)?;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second - offset_s(fraction_end(rest)?)?)
}

/// What follows the fraction of a second, if there is one.
fn fraction_end(rest: &[u8]) -> Option<&[u8]> {
    let Some(fraction) = rest.strip_prefix(b".") else {
        return Some(rest);
    };
    let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    if (1..=9).contains(&digits) { fraction.get(digits..) } else { None }
}

/// `Z`, `+HH:MM` or `-HH:MM`, in seconds.
fn offset_s(zone: &[u8]) -> Option<i64> {
    let sign = match zone.first()? {
        b'Z' if zone.len() == 1 => return Some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    if zone.len() != 6 || zone.get(3) != Some(&b':') {
        return None;
    }
    let (hours, minutes) = (number(zone, 1, 2)?, number(zone, 4, 2)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn number(bytes: &[u8], at: usize, digits: usize) -> Option<i64> {
    let digits = bytes.get(at..at + digits)?;
    digits.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

/// Days of the proleptic Gregorian calendar. Years are counted from March, so that leap days come last.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let century = year.div_euclid(100);
    Some(365 * year + year.div_euclid(4) - century + century.div_euclid(4) + (153 * month + 2) / 5 + day - 719_469)
}
