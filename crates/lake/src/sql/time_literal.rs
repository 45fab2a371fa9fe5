//! Times written as text (R7).

/// Microseconds of a second.
pub(crate) const SECOND_US: i64 = 1_000_000;
/// Microseconds of a day.
pub(crate) const DAY_US: i64 = 86_400 * SECOND_US;

/// Reads a time: `yyyy-MM-dd`, optionally followed by a blank or `T` and `HH:mm[:ss[.f…]]`, optionally by `Z`, `UTC` or
/// `±hh[:mm]`. The answer is in microseconds since 1970 in UTC; without a zone the text is in UTC.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    parse(text).map(|(time, _)| time)
}

/// The same, with the length of the span that the text names: a day, a minute, a second, or a microsecond.
pub(crate) fn parse(text: &str) -> Option<(i64, i64)> {
    let mut rest = text.trim();
    let date = take_date(&mut rest)?;
    let mut time = civil::days(date) * DAY_US;
    let mut span = DAY_US;
    if let Some(after) = rest.strip_prefix(['T', 't', ' ']).filter(|after| after.starts_with(|c: char| c.is_ascii_digit())) {
        rest = after;
        let (hour, minute) = (digits(&mut rest, 2)?, {
            strip(&mut rest, ':')?;
            digits(&mut rest, 2)?
        });
        let mut second = 0;
        let mut fraction = 0;
        span = 60 * SECOND_US;
        if strip(&mut rest, ':').is_some() {
            second = digits(&mut rest, 2)?;
            span = SECOND_US;
            if strip(&mut rest, '.').is_some() {
                fraction = take_fraction(&mut rest)?;
                span = 1;
            }
        }
        // Leap seconds are the next minute's first.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        time += ((hour * 60 + minute) * 60 + second) * SECOND_US + fraction;
    }
    let offset = zone(rest.trim_start())?;
    Some((time - offset, span))
}

fn take_date(rest: &mut &str) -> Option<(i64, i64, i64)> {
    let year = digits(rest, 4)?;
    strip(rest, '-')?;
    let month = digits(rest, 2)?;
    strip(rest, '-')?;
    let day = digits(rest, 2)?;
    ((1..=12).contains(&month) && day >= 1 && day <= civil::days_of_month(year, month)).then_some((year, month, day))
}

fn strip(rest: &mut &str, char: char) -> Option<()> {
    *rest = rest.strip_prefix(char)?;
    Some(())
}

fn digits(rest: &mut &str, count: usize) -> Option<i64> {
    let text = rest.get(..count).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    *rest = &rest[count..];
    text.parse().ok()
}

/// Up to nine digits, as microseconds.
fn take_fraction(rest: &mut &str) -> Option<i64> {
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 || length > 9 {
        return None;
    }
    let kept = length.min(6);
    let value: i64 = rest[..kept].parse().ok()?;
    *rest = &rest[length..];
    Some(value * 10_i64.pow(6 - kept as u32))
}

/// The offset of a zone in microseconds; none written is UTC.
fn zone(text: &str) -> Option<i64> {
    if text.is_empty() || text.eq_ignore_ascii_case("Z") || text.eq_ignore_ascii_case("UTC") {
        return Some(0);
    }
    let (sign, mut rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let hours = digits(&mut rest, 2)?;
    let minutes = if rest.is_empty() {
        0
    } else {
        rest = rest.strip_prefix(':').unwrap_or(rest);
        digits(&mut rest, 2)?
    };
    (rest.is_empty() && hours <= 18 && minutes <= 59).then_some(sign * (hours * 60 + minutes) * 60 * SECOND_US)
}

/// The proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
pub(crate) mod civil {
    /// Days since 1970-01-01 of a year, a month and a day.
    pub(crate) fn days((year, month, day): (i64, i64, i64)) -> i64 {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year - era * 400;
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// Year, month and day of a day since 1970-01-01.
    pub(crate) fn date(days: i64) -> (i64, i64, i64) {
        let days = days + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days - era * 146_097;
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        (year + era * 400 + i64::from(month <= 2), month, day)
    }

    /// How many days a month has.
    pub(crate) fn days_of_month(year: i64, month: i64) -> i64 {
        let next = if month == 12 { (year + 1, 1, 1) } else { (year, month + 1, 1) };
        days(next) - days((year, month, 1))
    }
}
