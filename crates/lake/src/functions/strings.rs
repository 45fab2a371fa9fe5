//! Text functions where Trino differs from the engine.

use arrow::array::{Array as _, ArrayRef};
use datafusion::common::{Result, exec_err};

use super::scalar::{Args, Row, Take, Texts, grown, yields};
use super::shortened;

/// The longest text that a function makes of a shorter one. Own choice: a text in a result can be this long, too.
const PADDED_CHARS_MAX: i64 = 1 << 20;

pub(super) const ROWS: &[Row] = &[
    Row::new("length", &[Take::Text], yields::integer, length),
    Row::new("substr", &[Take::Text, Take::Integer, Take::Integer], yields::text, substr).least(2),
    Row::new("strpos", &[Take::Text, Take::Text, Take::Integer], yields::integer, strpos).least(2),
    Row::new("split", &[Take::Text, Take::Text, Take::Integer], yields::texts, split).least(2),
    Row::new("split_part", &[Take::Text, Take::Text, Take::Integer], yields::text, split_part),
    Row::new("replace", &[Take::Text, Take::Text, Take::Text], yields::text, replace).least(2),
    Row::new("trim", &[Take::Text, Take::Text], yields::text, |args| trim(args, true, true)).least(1),
    Row::new("ltrim", &[Take::Text, Take::Text], yields::text, |args| trim(args, true, false)).least(1),
    Row::new("rtrim", &[Take::Text, Take::Text], yields::text, |args| trim(args, false, true)).least(1),
    Row::new("lpad", &[Take::Text, Take::Integer, Take::Text], yields::text, |args| pad(args, true)),
    Row::new("rpad", &[Take::Text, Take::Integer, Take::Text], yields::text, |args| pad(args, false)),
    Row::new("like", &[Take::Text, Take::Text, Take::Text], yields::boolean, like),
    Row::new("url_extract_host", &[Take::Text], yields::text, url_extract_host),
    Row::new("url_extract_path", &[Take::Text], yields::text, url_extract_path),
];

fn length(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.each_integer(|row| Ok(texts.get(row).map(|text| text.chars().count() as i64)))
}

/// Counted from 1, or from the end.
fn substr(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, starts) = (args.texts(0)?, args.integers(1)?);
    let lengths = (args.len() > 2).then(|| args.integers(2)).transpose()?;
    args.each_text(|row| {
        let missing = starts.is_null(row) || lengths.as_ref().is_some_and(|lengths| lengths.is_null(row));
        let Some(text) = texts.get(row).filter(|_| !missing) else { return Ok(None) };
        let count = text.chars().count() as i64;
        let start = starts.value(row);
        let first = if start < 0 { count + start } else { start - 1 };
        if first < 0 || first >= count {
            return Ok(Some(String::new()));
        }
        let length = lengths.as_ref().map_or(i64::MAX, |lengths| lengths.value(row)).clamp(0, count);
        Ok(Some(text.chars().skip(first as usize).take(length as usize).collect()))
    })
}

/// Where the n-th occurrence begins, counted from 1; 0 if there is none.
fn strpos(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, wanted) = (args.texts(0)?, args.texts(1)?);
    let instances = (args.len() > 2).then(|| args.integers(2)).transpose()?;
    args.each_integer(|row| {
        let Some((text, wanted)) = texts.get(row).zip(wanted.get(row)) else { return Ok(None) };
        let instance = instances.as_ref().map_or(1, |instances| instances.value(row));
        let in_chars = |at: usize| text[..at].chars().count() as i64 + 1;
        let found = match instance {
            0 => return exec_err!("the instance of strpos() must not be 0"),
            n if n > 0 => text.match_indices(wanted).nth(n as usize - 1),
            n => text.rmatch_indices(wanted).nth(n.unsigned_abs() as usize - 1),
        };
        Ok(Some(found.map_or(0, |(at, _)| in_chars(at))))
    })
}

fn split(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, delimiters) = (args.texts(0)?, args.texts(1)?);
    let limits = (args.len() > 2).then(|| args.integers(2)).transpose()?;
    args.each_texts(|row| {
        let Some((text, delimiter)) = texts.get(row).zip(delimiters.get(row)) else { return Ok(None) };
        let limit = limits.as_ref().map_or(i64::MAX, |limits| limits.value(row));
        if limit <= 0 {
            return exec_err!("the limit of split() must be positive");
        }
        if delimiter.is_empty() {
            return exec_err!("the delimiter of split() is empty");
        }
        Ok(Some(text.splitn(usize::try_from(limit).unwrap_or(usize::MAX), delimiter).map(Some).collect()))
    })
}

/// Counted from 1; NULL if there are not so many.
fn split_part(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, delimiters, places) = (args.texts(0)?, args.texts(1)?, args.integers(2)?);
    args.each_text(|row| {
        let Some((text, delimiter)) = texts.get(row).zip(delimiters.get(row)).filter(|_| places.is_valid(row)) else {
            return Ok(None);
        };
        let place = places.value(row);
        if place < 1 {
            return exec_err!("the index of split_part() must be positive");
        }
        Ok(if delimiter.is_empty() {
            text.chars().nth(place as usize - 1).map(String::from)
        } else {
            text.split(delimiter).nth(place as usize - 1).map(str::to_owned)
        })
    })
}

/// Without a third argument what is searched goes.
fn replace(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, searched) = (args.texts(0)?, args.texts(1)?);
    let with = if args.len() > 2 { args.texts(2)? } else { Texts::One(Some("")) };
    args.each_text(|row| {
        let found = texts.get(row).zip(searched.get(row)).zip(with.get(row));
        let Some(((text, searched), with)) = found else { return Ok(None) };
        if with.len() > searched.len() {
            grown(text.len() + text.matches(searched).count() * with.len())?;
        }
        Ok(Some(text.replace(searched, with)))
    })
}

fn trim(args: &Args<'_>, start: bool, end: bool) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    let characters = (args.len() > 1).then(|| args.texts(1)).transpose()?;
    args.each_text(|row| {
        let Some(mut text) = texts.get(row) else { return Ok(None) };
        let set = match &characters {
            None => None,
            Some(sets) => match sets.get(row) {
                None => return Ok(None),
                set => set,
            },
        };
        let goes = |char: char| set.map_or_else(|| char.is_whitespace(), |set| set.contains(char));
        if start {
            text = text.trim_start_matches(goes);
        }
        if end {
            text = text.trim_end_matches(goes);
        }
        Ok(Some(text))
    })
}

fn pad(args: &Args<'_>, left: bool) -> Result<ArrayRef> {
    let (texts, sizes, fillings) = (args.texts(0)?, args.integers(1)?, args.texts(2)?);
    args.each_text(|row| {
        let Some((text, filling)) = texts.get(row).zip(fillings.get(row)).filter(|_| sizes.is_valid(row)) else {
            return Ok(None);
        };
        let size = sizes.value(row);
        if !(0..=PADDED_CHARS_MAX).contains(&size) {
            return exec_err!("{}() pads to 0 to {PADDED_CHARS_MAX} characters", args.name);
        }
        if filling.is_empty() {
            return exec_err!("the padding of {}() is empty", args.name);
        }
        let count = text.chars().count();
        let size = size as usize;
        if count >= size {
            return Ok(Some(text.chars().take(size).collect::<String>()));
        }
        let padding: String = filling.chars().cycle().take(size - count).collect();
        Ok(Some(if left { format!("{padding}{text}") } else { format!("{text}{padding}") }))
    })
}

/// LIKE with a pattern that is not a constant.
fn like(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, patterns, escapes) = (args.texts(0)?, args.texts(1)?, args.texts(2)?);
    args.each_boolean(|row| {
        let Some((text, pattern)) = texts.get(row).zip(patterns.get(row)) else { return Ok(None) };
        let escape = escapes.get(row).and_then(|escape| escape.chars().next());
        Ok(Some(matches_like(text, &read_like(pattern, escape)?)))
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Char(char),
    One,
    Many,
}

fn read_like(pattern: &str, escape: Option<char>) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        parts.push(match char {
            char if Some(char) == escape => match chars.next() {
                Some(next) if matches!(next, '%' | '_') || Some(next) == escape => Part::Char(next),
                _ => return exec_err!("the escape character of LIKE must be followed by %, _ or itself"),
            },
            '%' => Part::Many,
            '_' => Part::One,
            char => Part::Char(char),
        });
    }
    Ok(parts)
}

/// Greedy matching that goes back to the last `%` only: never more than text × pattern steps.
fn matches_like(text: &str, parts: &[Part]) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut part) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        match parts.get(part) {
            None if at == text.len() => return true,
            Some(Part::Many) => {
                back = Some((at, part));
                part += 1;
                continue;
            }
            Some(Part::One) if at < text.len() => {
                at += 1;
                part += 1;
                continue;
            }
            Some(Part::Char(char)) if text.get(at) == Some(char) => {
                at += 1;
                part += 1;
                continue;
            }
            _ => {}
        }
        match back {
            Some((from, many)) if from < text.len() => {
                back = Some((from + 1, many));
                (at, part) = (from + 1, many + 1);
            }
            _ => return false,
        }
    }
}

/// What stands between the scheme and the path, without user and port.
fn url_extract_host(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.each_text(|row| {
        let authority = texts
            .get(row)
            .and_then(|url| url.split_once("://"))
            .map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
        let host = authority.map(|authority| authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        Ok(host.map(|host| match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        }))
    })
}

fn url_extract_path(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.each_text(|row| {
        let rest = texts
            .get(row)
            .and_then(|url| url.split_once("://"))
            .map(|(_, rest)| rest.split(['?', '#']).next().unwrap_or_default());
        Ok(rest.map(|rest| rest.find('/').map_or("", |at| &rest[at..])))
    })
}

/// Regular expressions of a call: made once if the pattern is a constant.
pub(super) fn bad_pattern<T>(pattern: &str, error: &impl std::fmt::Display) -> Result<T> {
    let error = error.to_string();
    let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    exec_err!("invalid regular expression '{}': {reason}", shortened(pattern))
}
