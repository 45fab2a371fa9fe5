//! A table that fits the terminal.

use super::cell;
use super::terminal::{Paint, Terminal};

/// Blanks between columns.
const GAP: usize = 2;
/// A column is not made narrower than this for others' sake.
const COLUMN_MIN: usize = 8;
/// A column is as wide as this at most where nothing limits the line, so that one long cell does not push the others away.
const COLUMN_MAX: usize = 120;
/// Where the error stands, which is red.
const ERROR_COLUMN: usize = 6;

/// The widths of the columns, decided once.
#[derive(Debug)]
pub(super) struct Table {
    heads: Vec<&'static str>,
    widths: Vec<usize>,
    terminal: Terminal,
}

/// What the columns are called.
pub(super) fn heads(sender: bool) -> Vec<&'static str> {
    let mut heads = vec!["TIME (UTC)", "EVENT", "USER", "SOURCE IP", "REGION", "RESOURCES", "ERROR"];
    if sender {
        heads.extend(["ACCEPTED", "ORIGIN", "SENDER"]);
    }
    heads
}

impl Table {
    /// A table for rows like these on that terminal.
    pub(super) fn fitting(heads: &[&'static str], rows: &[Vec<String>], terminal: Terminal) -> Self {
        let natural: Vec<usize> = heads
            .iter()
            .enumerate()
            .map(|(column, head)| {
                let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell::width(cell));
                cells.max().unwrap_or(0).clamp(cell::width(head), COLUMN_MAX)
            })
            .collect();
        let widths = match terminal.width {
            Some(columns) => shrunk(natural, columns.saturating_sub(GAP * heads.len().saturating_sub(1))),
            None => natural,
        };
        Self { heads: heads.to_vec(), widths, terminal }
    }

    /// The first line.
    pub(super) fn header(&self) -> String {
        let line = self.lay(self.heads.iter().copied(), |_, text| text.to_owned());
        format!("{}\n", self.terminal.paint(Paint::Bold, &line))
    }

    /// A row's line.
    pub(super) fn line(&self, row: &[String]) -> String {
        let paint = |column, text: &str| match column {
            0 => self.terminal.paint(Paint::Dim, text),
            1 => self.terminal.paint(Paint::Cyan, text),
            ERROR_COLUMN => self.terminal.paint(Paint::Red, text),
            _ => text.to_owned(),
        };
        format!("{}\n", self.lay(row.iter().map(String::as_str), paint))
    }

    /// Cells side by side. The last that has anything in it is not filled up; without a terminal nothing is cut.
    fn lay<'a>(&self, cells: impl Iterator<Item = &'a str>, paint: impl Fn(usize, &str) -> String) -> String {
        let cells: Vec<&str> = cells.collect();
        let end = cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
        let mut line = String::new();
        for (column, (cell, width)) in cells.iter().zip(&self.widths).take(end).enumerate() {
            let whole = self.terminal.width.is_none() && cell::width(cell) > *width;
            let shown = match (whole, column + 1 == end) {
                (true, _) => (*cell).to_owned(),
                (false, true) => cell::cut(cell, *width).0,
                (false, false) => cell::fitted(cell, *width),
            };
            if column > 0 {
                line.extend(std::iter::repeat_n(' ', GAP));
            }
            line.push_str(&paint(column, &shown));
        }
        line
    }
}

/// Widths that fit into `columns` together, as far as [`COLUMN_MIN`] allows: the widest give way first.
fn shrunk(mut widths: Vec<usize>, columns: usize) -> Vec<usize> {
    let mut excess = widths.iter().sum::<usize>().saturating_sub(columns);
    while excess > 0 {
        // The time is only legible whole.
        let Some(widest) = widths.iter_mut().skip(1).max_by_key(|width| **width) else { break };
        if *widest <= COLUMN_MIN {
            break;
        }
        *widest -= 1;
        excess -= 1;
    }
    widths
}

#[cfg(test)]
mod tests;
