//! The time that a prompt speaks of.

use cloudtrail::event::time_text;

const DAY_S: i64 = 86_400;
const HOUR_S: i64 = 3_600;

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const NUMBERS: [&str; 12] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
/// Units as `date_add` names them.
const UNITS: [&str; 5] = ["minute", "hour", "day", "week", "month"];

/// A time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Period {
    /// So many units back from when the query runs.
    Last { count: i64, unit: &'static str },
    /// From a second on, up to another and without it.
    Between { from_s: Option<i64>, to_s: Option<i64> },
}

impl Period {
    pub(super) fn last_days(count: i64) -> Self {
        Self::Last { count, unit: "day" }
    }

    /// The condition on a column.
    pub(super) fn condition(&self, column: &str) -> String {
        match self {
            Self::Last { count, unit } => format!("{column} > date_add('{unit}', -{count}, current_timestamp)"),
            Self::Between { from_s, to_s } => {
                let from = from_s.map(|from_s| format!("{column} >= '{}'", literal(from_s)));
                let to = to_s.map(|to_s| format!("{column} < '{}'", literal(to_s)));
                from.into_iter().chain(to).collect::<Vec<_>>().join(" AND ")
            }
        }
    }
}

/// `2026-01-31 09:30:00`.
fn literal(time_s: i64) -> String {
    time_text(time_s).replace('T', " ").replace('Z', "")
}

/// What a prompt says about time, and which of its words say so. The words are in lower case.
pub(super) fn find(words: &[String], now_s: i64) -> (Option<Period>, Vec<usize>) {
    let mut reader = Reader { words, now_s, used: Vec::new() };
    let period = reader.relative().or_else(|| reader.absolute());
    (period, reader.used)
}

struct Reader<'a> {
    words: &'a [String],
    now_s: i64,
    used: Vec<usize>,
}

/// How an instant bounds a time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    From,
    /// Without it.
    Before,
    /// With it.
    Through,
    Whole,
}

/// An instant, and how long what was named lasts: a day, an hour.
#[derive(Clone, Copy)]
struct Instant {
    at_s: i64,
    lasts_s: i64,
}

impl Reader<'_> {
    fn word(&self, n: usize) -> &str {
        self.words.get(n).map_or("", String::as_str)
    }

    /// `last 7 days`, `past hour`, `3 days ago`, `today`, `this week`.
    fn relative(&mut self) -> Option<Period> {
        for n in 0..self.words.len() {
            let last = matches!(self.word(n), "last" | "past" | "previous" | "recent");
            if last && let Some(unit) = unit(self.word(n + 1)) {
                return Some(self.took([n, n + 1], Period::Last { count: 1, unit }));
            }
            if let (Some(count), Some(unit)) = (number(self.word(n)), unit(self.word(n + 1)))
                && (n > 0 && matches!(self.word(n - 1), "last" | "past" | "previous") || self.word(n + 2) == "ago")
            {
                let other = if self.word(n + 2) == "ago" { n + 2 } else { n - 1 };
                return Some(self.took([n, n + 1, other], Period::Last { count, unit }));
            }
            if self.word(n) == "this"
                && let Some(unit) = unit(self.word(n + 1))
            {
                let period = Period::Between { from_s: Some(self.begin_of(unit)), to_s: None };
                return Some(self.took([n, n + 1], period));
            }
        }
        None
    }

    fn took<const N: usize>(&mut self, words: [usize; N], period: Period) -> Period {
        self.used.extend(words);
        period
    }

    fn begin_of(&self, unit: &str) -> i64 {
        let today = self.now_s.div_euclid(DAY_S);
        match unit {
            // The first of January 1970 was a Thursday; weeks begin on Monday.
            "week" => (today - (today + 3).rem_euclid(7)) * DAY_S,
            "month" => {
                let (year, month, _) = civil(today);
                days(year, month, 1) * DAY_S
            }
            "hour" => self.now_s - self.now_s.rem_euclid(HOUR_S),
            _ => today * DAY_S,
        }
    }

    /// Dates and times, with what stands before them.
    fn absolute(&mut self) -> Option<Period> {
        let (mut from, mut to) = (None, None);
        let mut day = None;
        let mut n = 0;
        while n < self.words.len() {
            let Some((instant, length)) = self.instant(n, day) else {
                n += 1;
                continue;
            };
            day = Some(instant.at_s.div_euclid(DAY_S));
            let bound = if n == 0 { Bound::Whole } else { self.bound(n - 1, from.is_some()) };
            match bound {
                Bound::From => from = Some(instant.at_s),
                Bound::Before => to = Some(instant.at_s),
                Bound::Through => to = Some(instant.at_s + if instant.lasts_s == DAY_S { DAY_S } else { 1 }),
                // A time within the day that was named, or another day of several.
                Bound::Whole => {
                    from = Some(from.map_or(instant.at_s, |from: i64| if instant.lasts_s < DAY_S { instant.at_s } else { from }));
                    to = Some(instant.at_s + instant.lasts_s);
                }
            }
            if bound != Bound::Whole || self.is_preposition(n) {
                self.used.push(n - 1);
            }
            self.used.extend(n..n + length);
            n += length;
        }
        (from.is_some() || to.is_some()).then_some(Period::Between { from_s: from, to_s: to })
    }

    fn is_preposition(&self, n: usize) -> bool {
        n > 0 && matches!(self.word(n - 1), "on" | "at" | "in" | "during")
    }

    fn bound(&self, n: usize, ranged: bool) -> Bound {
        match self.word(n) {
            "since" | "after" | "from" | "between" | "starting" => Bound::From,
            "before" => Bound::Before,
            "until" | "till" | "to" | "through" | "-" | "–" => Bound::Through,
            "and" if ranged => Bound::Through,
            _ => Bound::Whole,
        }
    }

    /// The instant that begins at word `n`, and how many words it takes.
    fn instant(&self, n: usize, day: Option<i64>) -> Option<(Instant, usize)> {
        let today = self.now_s.div_euclid(DAY_S);
        let word = self.word(n);
        let (date, length) = match word {
            "today" => (Some(today), 1),
            "yesterday" => (Some(today - 1), 1),
            _ => match self.written_month(n, today) {
                Some(Ok((days, length))) => (Some(days), length),
                Some(Err((instant, length))) => return Some((instant, length)),
                None => (date(word.get(..10).unwrap_or_default()), 1),
            },
        };
        let Some(date) = date else {
            // A time alone belongs to the day that was named last.
            let time_s = time(word)?;
            let day = day.or_else(|| self.day_after(n)).unwrap_or(today);
            return Some((Instant { at_s: day * DAY_S + time_s, lasts_s: HOUR_S }, 1));
        };
        if let Some(time_s) = word.get(10..).filter(|rest| !rest.is_empty()).and_then(|rest| time(rest.trim_start_matches('t'))) {
            return Some((Instant { at_s: date * DAY_S + time_s, lasts_s: HOUR_S }, 1));
        }
        if let Some(time_s) = time(self.word(n + length)) {
            return Some((Instant { at_s: date * DAY_S + time_s, lasts_s: HOUR_S }, length + 1));
        }
        Some((Instant { at_s: date * DAY_S, lasts_s: DAY_S }, length))
    }

    /// The first day that is named after word `n`: `between 14:00 and 15:00 on 2025-09-24`.
    fn day_after(&self, n: usize) -> Option<i64> {
        let today = self.now_s.div_euclid(DAY_S);
        self.words.iter().skip(n + 1).find_map(|word| match word.as_str() {
            "today" => Some(today),
            "yesterday" => Some(today - 1),
            word => date(word),
        })
    }

    /// `24 september 2025`, `september 24 2025`: a day. `september 2025`, `september`: a month.
    fn written_month(&self, n: usize, today: i64) -> Option<Result<(i64, usize), (Instant, usize)>> {
        let month = |n: usize| MONTHS.iter().position(|name| *name == self.word(n)).map(|month| month as i64 + 1);
        let number = |n: usize, range: std::ops::RangeInclusive<i64>| {
            let word = self.word(n).trim_end_matches(|c: char| c.is_ascii_alphabetic());
            word.parse::<i64>().ok().filter(|number| range.contains(number))
        };
        let (this_year, this_month, _) = civil(today);
        let recent = |month: i64| if month > this_month { this_year - 1 } else { this_year };
        if let (Some(day), Some(month)) = (number(n, 1..=31), month(n + 1)) {
            let year = number(n + 2, 1970..=9999);
            return Some(Ok((days(year.unwrap_or_else(|| recent(month)), month, day), 2 + usize::from(year.is_some()))));
        }
        let month = month(n)?;
        if let Some(day) = number(n + 1, 1..=31) {
            let year = number(n + 2, 1970..=9999);
            return Some(Ok((days(year.unwrap_or_else(|| recent(month)), month, day), 2 + usize::from(year.is_some()))));
        }
        let year = number(n + 1, 1970..=9999);
        if year.is_none() && month == 5 {
            return None; // "may" is mostly a verb.
        }
        let from = days(year.unwrap_or_else(|| recent(month)), month, 1);
        let (next_year, next_month) = if month == 12 { (1, 1) } else { (0, month + 1) };
        let to = days(year.unwrap_or_else(|| recent(month)) + next_year, next_month, 1);
        let instant = Instant { at_s: from * DAY_S, lasts_s: (to - from) * DAY_S };
        Some(Err((instant, 1 + usize::from(year.is_some()))))
    }
}

fn unit(word: &str) -> Option<&'static str> {
    let word = word.strip_suffix('s').unwrap_or(word);
    UNITS.into_iter().find(|unit| *unit == word)
}

fn number(word: &str) -> Option<i64> {
    let written = NUMBERS.iter().position(|number| *number == word).map(|number| number as i64 + 1);
    written.or_else(|| word.parse().ok()).filter(|number| (1..=10_000).contains(number))
}

/// The days since 1970 of `2025-09-24`.
fn date(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && (year.len(), month.len(), day.len()) == (4, 2, 2);
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let found = days(year, month, day);
    (whole && civil(found) == (year, month, day)).then_some(found)
}

/// The seconds since midnight of `14:00`, `14:00:30` or `14:00z`.
fn time(text: &str) -> Option<i64> {
    let text = text.trim_end_matches("utc").trim_end_matches('z');
    let text = text.split('.').next().unwrap_or_default();
    let mut parts = text.split(':').map(|part| part.parse::<i64>().ok().filter(|_| part.len() <= 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let legal = parts.next().is_none() && (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    legal.then_some(hour * HOUR_S + minute * 60 + second)
}

/// The days from 1970-01-01 to a date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date that many days after 1970-01-01 (same source).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}
