//! Time functions. Times are microseconds in UTC; one with a zone is computed with in its local time.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Date32Array, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, exec_datafusion_err, exec_err};

use super::scalar::{Args, Row, Take, yields};
use super::{local, shortened, time_format, zone};
use crate::sql::civil;
use crate::text;

/// Microseconds of a second.
pub(super) const SECOND_US: i64 = 1_000_000;
/// Microseconds of a day.
pub(super) const DAY_US: i64 = 86_400 * SECOND_US;

/// The function whose type says the zone that its second argument names.
pub(super) const AT_TIMEZONE: &str = "at_timezone";

macro_rules! field {
    ($name:literal, $of:expr) => {
        Row::new($name, &[Take::Time], yields::integer, |args| field(args, $of))
    };
}

pub(super) const ROWS: &[Row] = &[
    Row::new("date_add", &[Take::Text, Take::Integer, Take::Time], third, date_add),
    Row::new("date_diff", &[Take::Text, Take::Time, Take::Time], yields::integer, date_diff),
    Row::new("date_trunc", &[Take::Text, Take::Time], second, date_trunc),
    Row::new("date_format", &[Take::Time, Take::Text], yields::text, date_format),
    Row::new("date_parse", &[Take::Text, Take::Text], yields::time, date_parse),
    Row::new("from_iso8601_timestamp", &[Take::Text], yields::time, from_iso8601_timestamp),
    Row::new("to_iso8601", &[Take::Time], yields::text, to_iso8601),
    Row::new("to_unixtime", &[Take::Time], yields::number, to_unixtime),
    Row::new("from_unixtime", &[Take::Number], yields::time, from_unixtime),
    Row::new("to_utc", &[Take::Time], yields::time, to_utc),
    Row::new("zoned", &[Take::Time], |_| DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())), to_utc),
    Row::new(AT_TIMEZONE, &[Take::Time, Take::Text], yields::time, at_timezone),
    Row::new("last_day_of_month", &[Take::Time], yields::date, last_day_of_month),
    Row::new("interval_between", &[Take::Time, Take::Time], |_| DataType::Duration(TimeUnit::Microsecond), interval_between),
    field!("time_year", |time| date_of(time).0),
    field!("time_quarter", |time| (date_of(time).1 + 2) / 3),
    field!("time_month", |time| date_of(time).1),
    field!("time_day", |time| date_of(time).2),
    field!("time_week", |time| iso_week(time).1),
    field!("time_week_year", |time| iso_week(time).0),
    field!("time_week_day", weekday),
    field!("time_year_day", year_day),
    field!("time_hour", |time| time.rem_euclid(DAY_US) / (3_600 * SECOND_US)),
    field!("time_minute", |time| time.rem_euclid(DAY_US) / (60 * SECOND_US) % 60),
    field!("time_second", |time| time.rem_euclid(DAY_US) / SECOND_US % 60),
    field!("time_millisecond", |time| time.rem_euclid(SECOND_US) / 1_000),
];

fn as_time(given: Option<&DataType>) -> DataType {
    match given {
        Some(DataType::Timestamp(_, zone)) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        _ => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}

fn second(given: &[DataType]) -> DataType {
    as_time(given.get(1))
}

fn third(given: &[DataType]) -> DataType {
    as_time(given.get(2))
}

/// Year, month and day of a time.
pub(super) fn date_of(time: i64) -> (i64, i64, i64) {
    civil::date(time.div_euclid(DAY_US))
}

/// 1 is Monday.
pub(super) fn weekday(time: i64) -> i64 {
    (time.div_euclid(DAY_US) + 3).rem_euclid(7) + 1
}

pub(super) fn year_day(time: i64) -> i64 {
    time.div_euclid(DAY_US) - civil::days((date_of(time).0, 1, 1)) + 1
}

/// Year and number of the week by ISO 8601: the week of the year's first Thursday is its first.
pub(super) fn iso_week(time: i64) -> (i64, i64) {
    let day = time.div_euclid(DAY_US);
    let thursday = day - (weekday(time) - 1) + 3;
    let year = civil::date(thursday).0;
    (year, (thursday - civil::days((year, 1, 1))) / 7 + 1)
}

/// The times of an argument and how to see one in its zone.
struct Times {
    times: TimestampMicrosecondArray,
    zone: Option<String>,
}

impl Times {
    fn of(args: &Args<'_>, at: usize) -> Result<Self> {
        let times = args.times(at)?;
        let zone = times.timezone().map(str::to_owned);
        Ok(Self { times, zone })
    }

    /// The instant.
    fn utc(&self, row: usize) -> Option<i64> {
        self.times.is_valid(row).then(|| self.times.value(row))
    }

    /// What clocks show.
    fn shown(&self, row: usize) -> Option<i64> {
        let time = self.utc(row)?;
        Some(self.zone.as_deref().map_or(time, |zone| local(time, zone)))
    }

    /// The instant at which clocks show this.
    fn instant(&self, shown: i64) -> i64 {
        self.zone.as_deref().map_or(shown, |zone| zone::instant(shown, zone))
    }
}

fn field(args: &Args<'_>, of: fn(i64) -> i64) -> Result<ArrayRef> {
    let times = Times::of(args, 0)?;
    args.each_integer(|row| Ok(times.shown(row).map(of)))
}

/// A unit of date_add, date_diff and date_trunc.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Micros(i64),
    Months(i64),
    Week,
}

pub(super) fn unit(name: &str) -> Result<Unit> {
    Ok(match name.to_ascii_lowercase().trim_end_matches('s') {
        "millisecond" => Unit::Micros(1_000),
        "second" => Unit::Micros(SECOND_US),
        "minute" => Unit::Micros(60 * SECOND_US),
        "hour" => Unit::Micros(3_600 * SECOND_US),
        "day" => Unit::Micros(DAY_US),
        "week" => Unit::Week,
        "month" => Unit::Months(1),
        "quarter" => Unit::Months(3),
        "year" => Unit::Months(12),
        _ => return exec_err!("'{}' is not a unit of time: use second, minute, hour, day, week, month or year", shortened(name)),
    })
}

fn units(args: &Args<'_>) -> Result<impl Fn(usize) -> Result<Option<Unit>>> {
    let constant = args.constant(0).map(unit).transpose()?;
    let names = args.array(0)?;
    Ok(move |row: usize| match constant {
        Some(unit) => Ok(Some(unit)),
        None => text::plain(&names, row).map(|name| unit(&name)).transpose(),
    })
}

fn add_months(time: i64, months: i64) -> i64 {
    let (year, month, day) = date_of(time);
    let total = year * 12 + month - 1 + months;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    let day = day.min(civil::days_of_month(year, month));
    civil::days((year, month, day)) * DAY_US + time.rem_euclid(DAY_US)
}

fn date_add(args: &Args<'_>) -> Result<ArrayRef> {
    let (unit, amounts, times) = (units(args)?, args.integers(1)?, Times::of(args, 2)?);
    let overflow = || exec_datafusion_err!("date_add() goes beyond the times that there are");
    args.each_time(|row| {
        let Some(((unit, time), amount)) =
            unit(row)?.zip(times.shown(row)).zip(amounts.is_valid(row).then(|| amounts.value(row)))
        else {
            return Ok(None);
        };
        let step = match unit {
            Unit::Micros(micros) => micros,
            Unit::Week => 7 * DAY_US,
            Unit::Months(months) => {
                let months = amount.checked_mul(months).filter(|months| months.abs() < 120_000).ok_or_else(overflow)?;
                return Ok(Some(times.instant(add_months(time, months))));
            }
        };
        let sum = amount.checked_mul(step).and_then(|span| time.checked_add(span));
        Ok(Some(times.instant(sum.ok_or_else(overflow)?)))
    })
}

/// Whole units from the first time to the second.
fn date_diff(args: &Args<'_>) -> Result<ArrayRef> {
    let (unit, from, to) = (units(args)?, Times::of(args, 1)?, Times::of(args, 2)?);
    args.each_integer(|row| {
        let Some(unit) = unit(row)? else { return Ok(None) };
        let Some((start, end)) = from.shown(row).zip(to.shown(row)) else { return Ok(None) };
        Ok(Some(match unit {
            Unit::Micros(micros) => (end - start) / micros,
            Unit::Week => (end - start) / (7 * DAY_US),
            Unit::Months(months) => whole_months(start, end) / months,
        }))
    })
}

fn whole_months(start: i64, end: i64) -> i64 {
    if end < start {
        return -whole_months(end, start);
    }
    let (a, b) = (date_of(start), date_of(end));
    let months = (b.0 - a.0) * 12 + b.1 - a.1;
    if add_months(start, months) > end { months - 1 } else { months }
}

fn date_trunc(args: &Args<'_>) -> Result<ArrayRef> {
    let (unit, times) = (units(args)?, Times::of(args, 1)?);
    args.each_time(|row| {
        let Some((unit, time)) = unit(row)?.zip(times.shown(row)) else { return Ok(None) };
        let cut = match unit {
            Unit::Micros(micros) => time - time.rem_euclid(micros),
            Unit::Week => (time.div_euclid(DAY_US) - weekday(time) + 1) * DAY_US,
            Unit::Months(months) => {
                let (year, month, _) = date_of(time);
                civil::days((year, (month - 1) / months * months + 1, 1)) * DAY_US
            }
        };
        Ok(Some(times.instant(cut)))
    })
}

fn date_format(args: &Args<'_>) -> Result<ArrayRef> {
    let (times, formats) = (Times::of(args, 0)?, args.texts(1)?);
    args.each_text(|row| match times.shown(row).zip(formats.get(row)) {
        Some((time, format)) => time_format::format(time, format).map(Some),
        None => Ok(None),
    })
}

fn date_parse(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, formats) = (args.texts(0)?, args.texts(1)?);
    args.each_time(|row| match texts.get(row).zip(formats.get(row)) {
        Some((text, format)) => time_format::parse(text, format).map(Some),
        None => Ok(None),
    })
}

fn from_iso8601_timestamp(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.each_time(|row| texts.get(row).map(super::casts::to_timestamp).transpose())
}

fn to_iso8601(args: &Args<'_>) -> Result<ArrayRef> {
    let times = Times::of(args, 0)?;
    args.each_text(|row| Ok(times.utc(row).map(|time| text::timestamp(time).replacen(' ', "T", 1))))
}

fn to_unixtime(args: &Args<'_>) -> Result<ArrayRef> {
    let times = Times::of(args, 0)?;
    args.each_number(|row| Ok(times.utc(row).map(|time| time as f64 / SECOND_US as f64)))
}

fn from_unixtime(args: &Args<'_>) -> Result<ArrayRef> {
    let numbers = args.numbers(0)?;
    args.each_time(|row| {
        let seconds = numbers.is_valid(row).then(|| numbers.value(row));
        match seconds {
            Some(seconds) if !seconds.is_finite() || seconds.abs() > 1e12 => {
                exec_err!("from_unixtime() goes beyond the times that there are")
            }
            seconds => Ok(seconds.map(|seconds| (seconds * 1_000.0).round() as i64 * 1_000)),
        }
    })
}

fn to_utc(args: &Args<'_>) -> Result<ArrayRef> {
    let times = Times::of(args, 0)?;
    args.each_time(|row| Ok(times.utc(row)))
}

/// The same instant, to be shown in a zone.
fn at_timezone(args: &Args<'_>) -> Result<ArrayRef> {
    let times = Times::of(args, 0)?;
    match args.constant(1) {
        Some(zone) if zone::is_known(zone) => args.each_time(|row| Ok(times.utc(row))),
        Some(zone) => exec_err!("'{}' is not a time zone", shortened(zone)),
        None => exec_err!("the time zone must be a constant"),
    }
}

fn last_day_of_month(args: &Args<'_>) -> Result<ArrayRef> {
    let times = Times::of(args, 0)?;
    let days = (0..args.rows).map(|row| {
        let (year, month, _) = date_of(times.shown(row)?);
        Some(civil::days((year, month, civil::days_of_month(year, month))) as i32)
    });
    Ok(Arc::new(days.collect::<Date32Array>()))
}

/// How long it is from the second time to the first.
fn interval_between(args: &Args<'_>) -> Result<ArrayRef> {
    let (end, start) = (Times::of(args, 0)?, Times::of(args, 1)?);
    let spans = (0..args.rows).map(|row| Some(end.utc(row)? - start.utc(row)?));
    Ok(Arc::new(spans.collect::<arrow::array::DurationMicrosecondArray>()))
}
