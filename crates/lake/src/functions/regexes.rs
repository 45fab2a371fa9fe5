//! Regular expressions. Patterns are Java's, as far as an engine without backtracking goes: no look-around, no
//! back-references.

use arrow::array::{Array as _, ArrayRef};
use datafusion::common::{Result, exec_datafusion_err};
use regex::{Captures, Regex, RegexBuilder};

use super::scalar::{Args, Row, Take, Texts, grown, yields};
use super::strings::bad_pattern;

/// The largest compiled pattern. Own choice: a pattern that needs more is an attack.
const PATTERN_BYTES_MAX: usize = 4 << 20;

pub(super) const ROWS: &[Row] = &[
    Row::new("regexp_like", &[Take::Text, Take::Text], yields::boolean, regexp_like),
    Row::new("regexp_extract", &[Take::Text, Take::Text, Take::Integer], yields::text, regexp_extract).least(2),
    Row::new("regexp_extract_all", &[Take::Text, Take::Text, Take::Integer], yields::texts, regexp_extract_all).least(2),
    Row::new("regexp_replace", &[Take::Text, Take::Text, Take::Text], yields::text, regexp_replace).least(2),
    Row::new("regexp_split", &[Take::Text, Take::Text], yields::texts, regexp_split),
    Row::new("regexp_count", &[Take::Text, Take::Text], yields::integer, regexp_count),
];

/// The patterns of a call: made once if it is a constant.
struct Patterns<'a> {
    texts: Texts<'a>,
    last: Option<(String, Regex)>,
}

impl<'a> Patterns<'a> {
    fn of(args: &Args<'a>, at: usize) -> Result<Self> {
        Ok(Self { texts: args.texts(at)?, last: None })
    }

    fn get(&mut self, row: usize) -> Result<Option<&Regex>> {
        let Some(pattern) = self.texts.get(row) else { return Ok(None) };
        if self.last.as_ref().is_none_or(|(known, _)| known != pattern) {
            self.last = Some((pattern.to_owned(), compiled(pattern)?));
        }
        Ok(self.last.as_ref().map(|(_, regex)| regex))
    }
}

/// A pattern as an engine.
pub(super) fn compiled(pattern: &str) -> Result<Regex> {
    let made = RegexBuilder::new(&translated(pattern)).size_limit(PATTERN_BYTES_MAX).build();
    made.or_else(|error| bad_pattern(pattern, &error))
}

/// Java's spelling of some things in ours.
fn translated(pattern: &str) -> String {
    const SPELLINGS: &[(&str, &str)] = &[
        ("\\Z", "\\z"),
        ("\\h", "[ \\t]"),
        ("\\R", "(?:\\r\\n|[\\n\\r])"),
        ("\\p{Alpha}", "[[:alpha:]]"),
        ("\\p{Digit}", "[[:digit:]]"),
        ("\\p{Alnum}", "[[:alnum:]]"),
        ("\\p{Upper}", "[[:upper:]]"),
        ("\\p{Lower}", "[[:lower:]]"),
        ("\\p{Punct}", "[[:punct:]]"),
        ("\\p{Space}", "[[:space:]]"),
        ("\\p{XDigit}", "[[:xdigit:]]"),
        // ASCII digits, as Java's.
        ("\\d", "[0-9]"),
        ("\\/", "/"),
        ("\\\"", "\""),
        ("\\'", "'"),
    ];
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(char) = rest.chars().next() {
        let found = SPELLINGS.iter().find(|(java, _)| rest.starts_with(java));
        match found {
            // Within a class the brackets of a class would nest, which means the same.
            Some((java, ours)) => {
                out.push_str(ours);
                rest = &rest[java.len()..];
            }
            None if char == '\\' => {
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                out.push_str(&rest[..length]);
                rest = &rest[length..];
            }
            None => {
                out.push(char);
                rest = &rest[char.len_utf8()..];
            }
        }
    }
    out
}

fn regexp_like(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, mut patterns) = (args.texts(0)?, Patterns::of(args, 1)?);
    args.each_boolean(|row| {
        let Some(regex) = patterns.get(row)? else { return Ok(None) };
        Ok(texts.get(row).map(|text| regex.is_match(text)))
    })
}

/// The group that is asked for: the whole match unless said otherwise.
fn group(args: &Args<'_>) -> Result<impl Fn(usize, &Regex) -> Result<Option<usize>>> {
    let groups = (args.len() > 2).then(|| args.integers(2)).transpose()?;
    Ok(move |row: usize, regex: &Regex| match &groups {
        None => Ok(Some(0)),
        Some(groups) if groups.is_null(row) => Ok(None),
        Some(groups) => {
            let wanted = groups.value(row);
            let known = usize::try_from(wanted).ok().filter(|wanted| *wanted < regex.captures_len());
            let groups = regex.captures_len() - 1;
            known.map(Some).ok_or_else(|| exec_datafusion_err!("pattern has {groups} groups, cannot access group {wanted}"))
        }
    })
}

fn regexp_extract(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, mut patterns, group) = (args.texts(0)?, Patterns::of(args, 1)?, group(args)?);
    args.each_text(|row| {
        let Some((text, regex)) = texts.get(row).zip(patterns.get(row)?) else { return Ok(None) };
        let Some(group) = group(row, regex)? else { return Ok(None) };
        Ok(regex.captures(text).and_then(|found| found.get(group)).map(|found| found.as_str()))
    })
}

fn regexp_extract_all(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, mut patterns, group) = (args.texts(0)?, Patterns::of(args, 1)?, group(args)?);
    args.each_texts(|row| {
        let Some((text, regex)) = texts.get(row).zip(patterns.get(row)?) else { return Ok(None) };
        let Some(group) = group(row, regex)? else { return Ok(None) };
        Ok(Some(regex.captures_iter(text).map(|found| found.get(group).map(|found| found.as_str())).collect()))
    })
}

/// Without a third argument what matches goes; in it `$1` and `${name}` stand for groups.
fn regexp_replace(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, mut patterns) = (args.texts(0)?, Patterns::of(args, 1)?);
    let with = if args.len() > 2 { args.texts(2)? } else { Texts::One(Some("")) };
    args.each_text(|row| {
        let Some(((text, regex), with)) = texts.get(row).zip(patterns.get(row)?).zip(with.get(row)) else { return Ok(None) };
        if with.len() > 1 {
            // A group is no longer than the text.
            let groups = with.matches('$').count();
            grown(text.len() + regex.find_iter(text).count() * (with.len() + groups * text.len()))?;
        }
        if !with.contains(['$', '\\']) {
            return Ok(Some(regex.replace_all(text, regex::NoExpand(with)).into_owned()));
        }
        Ok(Some(regex.replace_all(text, |found: &Captures<'_>| expanded(with, found)).into_owned()))
    })
}

/// Java's replacement text: `$1`, `${name}`, and a backslash before what stands for itself.
fn expanded(with: &str, found: &Captures<'_>) -> String {
    let mut out = String::new();
    let mut rest = with;
    while let Some(char) = rest.chars().next() {
        let after = &rest[char.len_utf8()..];
        match char {
            '\\' => {
                let next = after.chars().next();
                out.extend(next);
                rest = &after[next.map_or(0, char::len_utf8)..];
            }
            '$' if after.starts_with('{') => {
                let (name, left) = after[1..].split_once('}').unwrap_or_else(|| (&after[1..], ""));
                out.push_str(found.name(name).map_or("", |group| group.as_str()));
                rest = left;
            }
            '$' => {
                let digits = after.bytes().take_while(u8::is_ascii_digit).count();
                // As many digits as there are groups for.
                let length = (1..=digits).rev().find(|length| after[..*length].parse::<usize>().is_ok_and(|n| n < found.len()));
                if let Some(length) = length {
                    let number = after[..length].parse().unwrap_or_default();
                    out.push_str(found.get(number).map_or("", |group| group.as_str()));
                    rest = &after[length..];
                } else {
                    out.push('$');
                    rest = after;
                }
            }
            other => {
                out.push(other);
                rest = after;
            }
        }
    }
    out
}

fn regexp_split(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, mut patterns) = (args.texts(0)?, Patterns::of(args, 1)?);
    args.each_texts(|row| {
        let found = texts.get(row).zip(patterns.get(row)?);
        Ok(found.map(|(text, regex)| regex.split(text).map(Some).collect()))
    })
}

fn regexp_count(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, mut patterns) = (args.texts(0)?, Patterns::of(args, 1)?);
    args.each_integer(|row| {
        let found = texts.get(row).zip(patterns.get(row)?);
        Ok(found.map(|(text, regex)| regex.find_iter(text).count() as i64))
    })
}
