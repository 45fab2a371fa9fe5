//! What was measured: a table for people, JSON for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

/// Everything a run measured.
#[derive(Default, Serialize)]
pub(super) struct Report {
    /// Where and with what it was measured.
    pub(super) about: Vec<(String, String)>,
    pub(super) figures: Vec<Figure>,
    /// Counts that were not what they should be.
    pub(super) wrong: Vec<String>,
}

/// One measured number.
#[derive(Serialize)]
pub(super) struct Figure {
    pub(super) section: String,
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) floor: Option<Floor>,
}

/// What a figure must reach.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Floor {
    AtLeast(f64),
    AtMost(f64),
}

impl Report {
    pub(super) fn about(&mut self, what: &str, value: String) {
        eprintln!("bench: {what}: {value}");
        self.about.push((what.to_owned(), value));
    }

    /// Begins a section: figures are added to it through what comes back.
    pub(super) fn section(&mut self, name: impl Into<String>) -> Section<'_> {
        Section { report: self, name: name.into() }
    }

    /// A count that has to be `expected`.
    pub(super) fn check(&mut self, what: &str, expected: u64, found: u64) {
        if expected != found {
            self.wrong(format!("{what}: {found}, not {expected}"));
        }
    }

    pub(super) fn wrong(&mut self, what: String) {
        eprintln!("bench: WRONG: {what}");
        self.wrong.push(what);
    }

    /// The table.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (what, value) in &self.about {
            let _ = writeln!(text, "{what:<12} {value}");
        }
        let wide = self.figures.iter().map(|figure| figure.name.chars().count()).max().unwrap_or_default();
        let mut section = "";
        let mut figures = self.figures.iter().peekable();
        while let Some(figure) = figures.next() {
            if figure.section != section {
                section = &figure.section;
                let _ = writeln!(text, "\n{section}");
            }
            // Median and tail of one thing stand side by side.
            let tail = figures.next_if(|next| {
                Some(next.name.as_str()) == figure.name.strip_suffix("p50").map(|what| format!("{what}p99")).as_deref()
            });
            let _ = match tail {
                None => writeln!(
                    text,
                    "  {:<wide$} {:>14} {:<12} {}",
                    figure.name,
                    number(figure.value),
                    figure.unit,
                    figure.verdict()
                ),
                Some(tail) => {
                    let what = format!("{}/ p99", figure.name);
                    let values = format!("{} / {}", number(figure.value), number(tail.value));
                    writeln!(text, "  {what:<wide$} {values:>14} {:<12} {}", figure.unit, tail.verdict())
                }
            };
        }
        for wrong in &self.wrong {
            let _ = writeln!(text, "\nWRONG: {wrong}");
        }
        text
    }
}

impl Figure {
    fn verdict(&self) -> String {
        let tell =
            |sign: &str, floor: f64, met: bool| format!("floor {sign} {}: {}", number(floor), if met { "met" } else { "MISSED" });
        match self.floor {
            None => String::new(),
            Some(Floor::AtLeast(floor)) => tell("≥", floor, self.value >= floor),
            Some(Floor::AtMost(floor)) => tell("≤", floor, self.value <= floor),
        }
    }
}

/// A section of the report that is being filled.
pub(super) struct Section<'a> {
    report: &'a mut Report,
    name: String,
}

impl Section<'_> {
    pub(super) fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.push(name.into(), value, unit, None);
    }

    pub(super) fn add_with_floor(&mut self, name: impl Into<String>, value: f64, unit: &'static str, floor: Floor) {
        self.push(name.into(), value, unit, Some(floor));
    }

    fn push(&mut self, name: String, value: f64, unit: &'static str, floor: Option<Floor>) {
        eprintln!("bench: {}: {name} {} {unit}", self.name, number(value));
        self.report.figures.push(Figure { section: self.name.clone(), name, value, unit, floor });
    }
}

/// A number with as many decimals as mean something.
fn number(value: f64) -> String {
    if value.abs() < 10.0 {
        return format!("{value:.2}");
    }
    if value.abs() < 1_000.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digit.is_ascii_digit() {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The value, in milliseconds, below which that share of the times lies.
pub(super) fn quantile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get((last as f64 * share).round() as usize).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (value, text) in [(0.5, "0.50"), (73.04, "73.0"), (1_234.0, "1,234"), (1_234_567.8, "1,234,568")] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn quantiles_are_of_the_sorted_times() {
        let mut times: Vec<Duration> = (0..=100).rev().map(Duration::from_millis).collect();
        assert!((quantile(&mut times, 0.5) - 50.0).abs() < 1e-9);
        assert!((quantile(&mut times, 0.99) - 99.0).abs() < 1e-9);
    }
}
