//! Patterns of `date_format` and `date_parse`: MySQL's, as in Trino.

use datafusion::common::{Result, exec_datafusion_err, exec_err};

use super::shortened;
use super::time::{DAY_US, SECOND_US, date_of, iso_week, weekday, year_day};
use crate::sql::civil;

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A time by a pattern.
pub(super) fn format(time: i64, pattern: &str) -> Result<String> {
    let (year, month, day) = date_of(time);
    let of_day = time.rem_euclid(DAY_US);
    let (hour, minute, second) = (of_day / (3_600 * SECOND_US), of_day / (60 * SECOND_US) % 60, of_day / SECOND_US % 60);
    let hour12 = (hour + 11) % 12 + 1;
    let half = if hour < 12 { "AM" } else { "PM" };
    let month_name = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
    let weekday_name = WEEKDAYS.get(weekday(time) as usize - 1).copied().unwrap_or_default();
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        if char != '%' {
            out.push(char);
            continue;
        }
        let Some(field) = chars.next() else { break };
        match field {
            'Y' => out.push_str(&format!("{year:04}")),
            'y' => out.push_str(&format!("{:02}", year.rem_euclid(100))),
            'm' => out.push_str(&format!("{month:02}")),
            'c' => out.push_str(&month.to_string()),
            'M' => out.push_str(month_name),
            'b' => out.push_str(&month_name[..3]),
            'd' => out.push_str(&format!("{day:02}")),
            'e' => out.push_str(&day.to_string()),
            'j' => out.push_str(&format!("{:03}", year_day(time))),
            'W' => out.push_str(weekday_name),
            'a' => out.push_str(&weekday_name[..3]),
            'v' => out.push_str(&format!("{:02}", iso_week(time).1)),
            'x' => out.push_str(&format!("{:04}", iso_week(time).0)),
            'H' => out.push_str(&format!("{hour:02}")),
            'k' => out.push_str(&hour.to_string()),
            'h' | 'I' => out.push_str(&format!("{hour12:02}")),
            'l' => out.push_str(&hour12.to_string()),
            'i' => out.push_str(&format!("{minute:02}")),
            's' | 'S' => out.push_str(&format!("{second:02}")),
            'f' => out.push_str(&format!("{:06}", of_day % SECOND_US)),
            'p' => out.push_str(half),
            'r' => out.push_str(&format!("{hour12:02}:{minute:02}:{second:02} {half}")),
            'T' => out.push_str(&format!("{hour:02}:{minute:02}:{second:02}")),
            'D' | 'U' | 'u' | 'V' | 'w' | 'X' => return exec_err!("%{field} is not supported in a date format"),
            other => out.push(other),
        }
    }
    Ok(out)
}

#[derive(Default)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    afternoon: Option<bool>,
}

/// The time that a text means by a pattern.
pub(super) fn parse(text: &str, pattern: &str) -> Result<i64> {
    let unfit = || exec_datafusion_err!("'{}' does not fit the date format '{}'", shortened(text), shortened(pattern));
    read(text, pattern).ok_or_else(unfit)
}

fn read(text: &str, pattern: &str) -> Option<i64> {
    let mut parts = Parts::default();
    let mut rest = text;
    take(&mut rest, pattern, &mut parts)?;
    if !rest.is_empty() {
        return None;
    }
    let year = parts.year.unwrap_or(1970);
    let days = match parts.year_day {
        Some(day) if (1..=366).contains(&day) => civil::days((year, 1, 1)) + day - 1,
        Some(_) => return None,
        None => {
            let (month, day) = (parts.month.unwrap_or(1), parts.day.unwrap_or(1));
            let fits = (1..=12).contains(&month) && (1..=civil::days_of_month(year, month)).contains(&day);
            civil::days(fits.then_some((year, month, day))?)
        }
    };
    let hour = match parts.afternoon {
        Some(afternoon) => parts.hour % 12 + if afternoon { 12 } else { 0 },
        None => parts.hour,
    };
    let fits = hour < 24 && parts.minute < 60 && parts.second < 60;
    fits.then_some(days * DAY_US + ((hour * 60 + parts.minute) * 60 + parts.second) * SECOND_US + parts.micros)
}

fn take(rest: &mut &str, pattern: &str, parts: &mut Parts) -> Option<()> {
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        if char != '%' {
            *rest = rest.strip_prefix(char)?;
            continue;
        }
        match chars.next()? {
            'Y' => parts.year = Some(number(rest, 4)?),
            'y' => parts.year = number(rest, 2).map(|year| if year < 70 { year + 2000 } else { year + 1900 }),
            'm' | 'c' => parts.month = Some(number(rest, 2)?),
            'd' | 'e' => parts.day = Some(number(rest, 2)?),
            'j' => parts.year_day = Some(number(rest, 3)?),
            'H' | 'k' | 'h' | 'I' | 'l' => parts.hour = number(rest, 2)?,
            'i' => parts.minute = number(rest, 2)?,
            's' | 'S' => parts.second = number(rest, 2)?,
            'f' => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count().min(9);
                let value = number(rest, 9)?;
                let scale = 10_i64.pow(9 - digits as u32);
                parts.micros = value * scale / 1_000;
            }
            'p' => parts.afternoon = Some(name(rest, &["AM", "PM"], 2)? == 1),
            'M' => parts.month = Some(name(rest, &MONTHS, usize::MAX)? as i64 + 1),
            'b' => parts.month = Some(name(rest, &MONTHS, 3)? as i64 + 1),
            'W' => drop(name(rest, &WEEKDAYS, usize::MAX)?),
            'a' => drop(name(rest, &WEEKDAYS, 3)?),
            'T' => take(rest, "%H:%i:%s", parts)?,
            'r' => take(rest, "%h:%i:%s %p", parts)?,
            other => *rest = rest.strip_prefix(other)?,
        }
    }
    Some(())
}

/// Up to so many digits.
fn number(rest: &mut &str, most: usize) -> Option<i64> {
    let length = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let value = rest[..length].parse().ok()?;
    *rest = &rest[length..];
    Some(value)
}

/// Which of the names comes, of which so many letters are written.
fn name(rest: &mut &str, names: &[&str], letters: usize) -> Option<usize> {
    let written = |name: &&str| name.len().min(letters);
    let fits = |name: &&str| rest.get(..written(name)).is_some_and(|start| start.eq_ignore_ascii_case(&name[..written(name)]));
    let found = names.iter().position(fits)?;
    *rest = &rest[names.get(found).map(written)?..];
    Some(found)
}
