//! The walk through a bucket: which keys are taken, which are passed over, and how far.
//!
//! The walk goes through `CloudTrail/` folders and what is below them; any other folder only if the location names it
//! (CloudTrail user guide, "Copy trail events to CloudTrail Lake"). What lies in a folder of the walk is a log file or a
//! failure, but for the empty objects that stand for folders.

use time::{Date, Month};

use super::{Range, Span};

/// The largest file that is read: log files have 50 MB before compression (CloudTrail quotas); larger ones are no log
/// files.
pub const FILE_BYTES_MAX: u64 = 64 << 20;

/// The folder of a trail's tree, and the folder in it that is walked.
const TREE: &str = "AWSLogs";
const WALKED: &str = "CloudTrail";
/// What the names of digests contain.
const DIGEST: &str = "_CloudTrail-Digest_";
/// Behind every key that begins with what stands before it.
const BEHIND: char = char::MAX;
const DAY_S: i64 = 86_400;
const MINUTE_S: i64 = 60;

/// A walk through the keys of a location, in order.
#[derive(Clone, Debug)]
pub struct Walk {
    prefix: String,
    range: Range,
}

/// What to do with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read it.
    Take,
    /// It is in the walk and no log file.
    Foreign(Foreign),
    /// Pass it over.
    Pass,
    /// Pass over all keys that are not greater than this one.
    Jump(String),
}

/// Why a file need not be opened to see that it is no log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// It proves log files and holds no events.
    #[error("a digest file holds no events")]
    Digest,
    /// It is larger than a log file can be.
    #[error("it is larger than {} MiB", FILE_BYTES_MAX >> 20)]
    TooLarge,
}

impl Walk {
    /// A walk through what begins with `prefix`, for the events of `range`.
    pub fn new(prefix: &str, range: Range) -> Self {
        Self { prefix: prefix.to_owned(), range }
    }

    /// What to do with the object of that key and size.
    pub fn step(&self, key: &str, bytes: u64) -> Step {
        let (folder, name) = key.rsplit_once('/').map_or(("", key), |(folder, name)| (folder, name));
        let segments = Segments::of(folder);
        if let Some(outside) = self.outside(&segments) {
            return outside;
        }
        if let Some(untimely) = self.untimely(&segments) {
            return Step::Jump(untimely);
        }
        if name.is_empty() || name_span(name).is_some_and(|span| self.range.excludes(span)) {
            return Step::Pass;
        }
        if name.contains(DIGEST) {
            return Step::Foreign(Foreign::Digest);
        }
        if bytes > FILE_BYTES_MAX { Step::Foreign(Foreign::TooLarge) } else { Step::Take }
    }

    /// How a key is passed over whose folder is not in the walk.
    fn outside(&self, segments: &Segments<'_>) -> Option<Step> {
        let named = self.prefix.matches('/').count();
        if segments.names.contains(&WALKED) {
            return None;
        }
        let Some(tree) = segments.names.iter().position(|name| *name == TREE) else {
            // Not a trail's tree: the location has to name it, and the root of a bucket names nothing.
            return self.prefix.is_empty().then_some(Step::Pass);
        };
        match segments.service(tree) {
            Some(service) if service < named => None,
            Some(service) => Some(Step::Jump(behind(segments.through(service)))),
            None if segments.names.len() <= named => None,
            None => Some(Step::Pass),
        }
    }

    /// Behind what to go on when the folder's date is not in the range: its year, month or day.
    fn untimely(&self, segments: &Segments<'_>) -> Option<String> {
        let at = segments.date()?;
        [1, 2, 3].into_iter().find_map(|parts| {
            let span = folder_span(segments.names.get(at..at + parts)?)?;
            self.range.excludes(span).then(|| behind(segments.through(at + parts - 1)))
        })
    }
}

/// When a file was delivered, as far as its name says; nothing if it has another name than log files have.
pub fn delivered(name: &str) -> Option<Span> {
    name_span(name)
}

/// The key behind which to go on when the folder of `key` has a date, and nothing that was delivered then is wanted.
pub fn untimely(key: &str, range: Range) -> Option<String> {
    let folder = key.rsplit_once('/')?.0;
    Walk::new("", range).untimely(&Segments::of(folder))
}

/// The last string, in the order of keys, of those that begin with `folder`.
fn behind(folder: &str) -> String {
    format!("{folder}/{BEHIND}")
}

/// A folder, taken apart.
struct Segments<'a> {
    folder: &'a str,
    names: Vec<&'a str>,
}

impl<'a> Segments<'a> {
    fn of(folder: &'a str) -> Self {
        let names = if folder.is_empty() { Vec::new() } else { folder.split('/').collect() };
        Self { folder, names }
    }

    /// The folder down to the segment `at`, without a closing slash.
    fn through(&self, at: usize) -> &'a str {
        let bytes: usize = self.names.iter().take(at + 1).map(|name| name.len() + 1).sum();
        self.folder.get(..bytes.saturating_sub(1)).unwrap_or(self.folder)
    }

    /// Which segment of a trail's tree names the service: the one below the account.
    fn service(&self, tree: usize) -> Option<usize> {
        let mut at = tree + 1;
        if self.names.get(at)?.starts_with("o-") {
            at += 1;
        }
        let account = self.names.get(at)?;
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (is_account && self.names.get(at + 1).is_some()).then_some(at + 1)
    }

    /// Where `YYYY/MM/DD` begins.
    fn date(&self) -> Option<usize> {
        (0..self.names.len()).find(|at| self.names.get(*at..at + 3).and_then(folder_span).is_some())
    }
}

/// The days that `YYYY`, `YYYY/MM` or `YYYY/MM/DD` stands for.
fn folder_span(parts: &[&str]) -> Option<Span> {
    let year = number(parts.first()?, 4)?;
    let month = parts.get(1).map_or(Some(1), |month| number(month, 2))?;
    let day = parts.get(2).map_or(Some(1), |day| number(day, 2))?;
    let first = date(year, month, day)?;
    let next = match parts.len() {
        1 => date(year + 1, 1, 1)?,
        2 if month == 12 => date(year + 1, 1, 1)?,
        2 => date(year, month + 1, 1)?,
        _ => first.next_day()?,
    };
    Some(Span { first_s: second(first), last_s: second(next) - 1 })
}

/// The time in a file's name: `YYYYMMDDTHHMMZ`, or with seconds, between underscores or points.
fn name_span(name: &str) -> Option<Span> {
    name.split(['_', '.']).find_map(|part| {
        let (day, time) = part.strip_suffix('Z')?.split_once('T')?;
        let seconds = if time.len() == 6 { number(time.get(4..)?, 2)? } else { 0 };
        if day.len() != 8 || !matches!(time.len(), 4 | 6) {
            return None;
        }
        let day = date(number(day.get(..4)?, 4)?, number(day.get(4..6)?, 2)?, number(day.get(6..)?, 2)?)?;
        let (hours, minutes) = (number(time.get(..2)?, 2)?, number(time.get(2..4)?, 2)?);
        let first_s = second(day) + i64::from(hours) * 3_600 + i64::from(minutes) * MINUTE_S + i64::from(seconds);
        (hours < 24 && minutes < 60 && seconds < 60).then_some(Span { first_s, last_s: first_s + MINUTE_S - 1 })
    })
}

fn number(text: &str, digits: usize) -> Option<u16> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn date(year: u16, month: u16, day: u16) -> Option<Date> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()
}

fn second(date: Date) -> i64 {
    date.midnight().assume_utc().unix_timestamp().div_euclid(DAY_S) * DAY_S
}
