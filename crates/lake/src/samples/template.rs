//! The SQL of a sample with places for values.
//!
//! A place is written `[[kind:example]]`, where the example is what a reader of the sample sees. `[[?kind:example]]` may
//! stay empty: its line is left out then. `[[when:7 days]]` is a condition on eventTime, `[[when a:7 days]]` one on
//! `a.eventTime`; `[[also]]` takes conditions on whatever else a prompt names.

use super::facts::{Facts, Kind};
use super::period::Period;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value { kind: Kind, optional: bool, example: String },
    When { table: Option<String>, days: i64 },
    Also,
}

/// The SQL of a sample, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    lines: Vec<Vec<Part>>,
}

impl Template {
    pub(super) fn parse(text: &str) -> Self {
        Self { lines: text.lines().map(parse_line).collect() }
    }

    /// With example values.
    pub(super) fn example(&self) -> String {
        let line = |parts: &Vec<Part>| {
            let text: String = parts.iter().map(Part::example).collect();
            text.trim_end().to_owned()
        };
        self.lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// With `?` for the values it cannot do without, and without the others.
    pub(super) fn parameterised(&self) -> String {
        let is_optional = |part: &Part| matches!(part, Part::Value { optional: true, .. });
        let line = |parts: &Vec<Part>| {
            let text = |part: &Part| if matches!(part, Part::Value { .. }) { "'?'".to_owned() } else { part.example() };
            parts.iter().map(text).collect::<String>().trim_end().to_owned()
        };
        self.lines.iter().filter(|parts| !parts.iter().any(is_optional)).map(line).collect::<Vec<_>>().join("\n")
    }

    /// The kinds of values it cannot do without.
    pub(super) fn required(&self) -> impl Iterator<Item = Kind> {
        self.parts().filter_map(|part| match part {
            Part::Value { kind, optional: false, .. } => Some(*kind),
            _ => None,
        })
    }

    /// Whether it has a place for values of that kind.
    pub(super) fn takes(&self, kind: Kind) -> bool {
        self.parts().any(|part| matches!(part, Part::Value { kind: taken, .. } if *taken == kind))
    }

    /// Whether conditions on anything can be added.
    pub(super) fn takes_also(&self) -> bool {
        self.parts().any(|part| *part == Part::Also)
    }

    /// Whether it can be limited to a time.
    pub(super) fn takes_period(&self) -> bool {
        self.parts().any(|part| matches!(part, Part::When { .. }))
    }

    /// Whether a text stands in it as it is.
    pub(super) fn says(&self, text: &str) -> bool {
        self.parts().any(|part| matches!(part, Part::Text(said) if said.contains(text)))
    }

    /// With the values of `facts`; `also` goes where conditions can be added.
    pub(super) fn fill(&self, facts: &Facts, also: &str) -> String {
        let mut lines = Vec::new();
        for parts in &self.lines {
            let missing = |part: &Part| matches!(part, Part::Value { kind, optional: true, .. } if facts.first(*kind).is_none());
            if !parts.iter().any(missing) {
                lines.push(fill_line(parts, facts, also));
            }
        }
        if let Some(limit) = facts.limit
            && let Some(last) = lines.last_mut().filter(|last| last.starts_with("LIMIT "))
        {
            *last = format!("LIMIT {limit}");
        }
        lines.join("\n")
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.lines.iter().flatten()
    }
}

impl Part {
    fn example(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Value { example, .. } => example.clone(),
            Self::When { table, days } => Period::last_days(*days).condition(&event_time(table.as_deref())),
            Self::Also => String::new(),
        }
    }
}

fn fill_line(parts: &[Part], facts: &Facts, also: &str) -> String {
    let mut line = String::new();
    for part in parts {
        match part {
            Part::Value { kind, .. } => fill_value(&mut line, &facts.all(*kind)),
            Part::When { table, days } => {
                let period = facts.period.clone().unwrap_or_else(|| Period::last_days(*days));
                line.push_str(&period.condition(&event_time(table.as_deref())));
            }
            Part::Also => line.push_str(also),
            Part::Text(text) => line.push_str(text),
        }
    }
    line.trim_end().to_owned()
}

/// `= 'a'` becomes `IN ('a', 'b')` when there are several values; elsewhere the first counts.
fn fill_value(line: &mut String, values: &[&str]) {
    if values.len() > 1 && line.ends_with("= ") {
        line.truncate(line.len() - "= ".len());
        line.push_str(&one_of(values));
    } else if let Some(value) = values.first() {
        line.push_str(&quoted(value));
    }
}

/// `= 'a'` or `IN ('a', 'b')`.
pub(super) fn compared(values: &[&str]) -> String {
    match values {
        [value] => format!("= {}", quoted(value)),
        values => one_of(values),
    }
}

fn one_of(values: &[&str]) -> String {
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("IN ({})", values.join(", "))
}

/// A text as SQL writes it.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn event_time(table: Option<&str>) -> String {
    table.map_or_else(|| "eventTime".to_owned(), |table| format!("{table}.eventTime"))
}

fn parse_line(line: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some((before, place, after)) = cut(rest) {
        parts.push(Part::Text(before.to_owned()));
        parts.push(parse_place(place));
        rest = after;
    }
    parts.push(Part::Text(rest.to_owned()));
    parts
}

/// What is before the first place, in it, and after it.
fn cut(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("[[")?;
    let (place, after) = rest.split_once("]]")?;
    Some((before, place, after))
}

/// The library is part of the program: a place that cannot be read is a mistake that the tests show.
fn parse_place(place: &str) -> Part {
    let (head, example) = place.split_once(':').unwrap_or((place, ""));
    let (optional, head) = head.strip_prefix('?').map_or((false, head), |head| (true, head));
    match head.split_once(' ').unwrap_or((head, "")) {
        ("also", _) => Part::Also,
        ("when", table) => Part::When {
            table: Some(table.to_owned()).filter(|table| !table.is_empty()),
            days: example.split(' ').next().and_then(|days| days.parse().ok()).expect("a sample says how many days"),
        },
        (kind, _) => Part::Value {
            kind: Kind::parse(kind).expect("a sample names a kind of value"),
            optional,
            example: example.to_owned(),
        },
    }
}
