//! Rows as a table that fits the terminal; if there are too many columns for it, as a block for each row.

use crate::lookup::cell::{clean, cut, fitted, width};
use crate::lookup::terminal::{Paint, Terminal};

/// Blanks between columns.
const GAP: usize = 2;
/// A column is not made narrower than this for others' sake, unless it needs less.
const COLUMN_MIN: usize = 12;
/// A column is as wide as this at most where nothing limits the line.
const COLUMN_MAX: usize = 120;
/// What stands for NULL.
const NULL: &str = "NULL";

/// How rows are laid out: decided by the first of them.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<String>,
    layout: Layout,
    terminal: Terminal,
    rows: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Layout {
    /// Side by side, in these widths.
    Wide(Vec<usize>),
    /// Below each other.
    Blocks,
}

impl Table {
    /// A table for rows like these.
    pub(super) fn fitting(columns: &[String], rows: &[Vec<Option<String>>], terminal: Terminal) -> Self {
        let columns: Vec<String> = columns.iter().map(|column| clean(column)).collect();
        let natural: Vec<usize> = columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| width(&shown(cell.as_deref())));
                cells.max().unwrap_or(0).clamp(width(column).min(COLUMN_MAX), COLUMN_MAX)
            })
            .collect();
        let layout = match terminal.width {
            None => Layout::Wide(natural),
            Some(room) => {
                let room = room.saturating_sub(GAP * columns.len().saturating_sub(1));
                let least: usize = natural.iter().map(|width| (*width).min(COLUMN_MIN)).sum();
                if least > room { Layout::Blocks } else { Layout::Wide(shrunk(natural, room)) }
            }
        };
        Self { columns, layout, terminal, rows: 0 }
    }

    /// The lines before the rows.
    pub(super) fn header(&self) -> String {
        let Layout::Wide(widths) = &self.layout else { return String::new() };
        let heads = self.lay(widths, &self.columns);
        let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        let rule = self.terminal.paint(Paint::Dim, &rule.join(&" ".repeat(GAP)));
        format!("{}\n{rule}\n", self.terminal.paint(Paint::Bold, &heads))
    }

    /// A row's line or lines.
    pub(super) fn row(&mut self, row: &[Option<String>]) -> String {
        self.rows += 1;
        let cells: Vec<String> = row.iter().map(|cell| shown(cell.as_deref())).collect();
        match &self.layout {
            Layout::Wide(widths) => format!("{}\n", self.lay(widths, &cells)),
            Layout::Blocks => self.block(&cells, row),
        }
    }

    fn lay(&self, widths: &[usize], cells: &[String]) -> String {
        let mut line = String::new();
        for (at, (cell, columns)) in cells.iter().zip(widths).enumerate() {
            if at > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            // Without a terminal nothing is cut.
            match self.terminal.width {
                None if width(cell) > *columns => line.push_str(cell),
                _ if at + 1 == cells.len() => line.push_str(&cut(cell, *columns).0),
                _ => line.push_str(&fitted(cell, *columns)),
            }
        }
        line.trim_end().to_owned()
    }

    /// The values that are not NULL, a line each.
    fn block(&self, cells: &[String], row: &[Option<String>]) -> String {
        let mut block = self.terminal.paint(Paint::Bold, &format!("── row {} ──", self.rows));
        let names = self.columns.iter().map(|column| width(column)).max().unwrap_or_default();
        let room = self.terminal.width.map_or(usize::MAX, |width| width.saturating_sub(names + GAP).max(COLUMN_MIN));
        for ((column, cell), value) in self.columns.iter().zip(cells).zip(row) {
            if value.is_some() {
                let name = self.terminal.paint(Paint::Dim, &fitted(column, names));
                block.push_str(&format!("\n{name}  {}", cut(cell, room).0));
            }
        }
        block.push('\n');
        block
    }
}

fn shown(cell: Option<&str>) -> String {
    cell.map_or_else(|| NULL.to_owned(), clean)
}

/// Widths that fit into `room` together: the widest give way first.
fn shrunk(mut widths: Vec<usize>, room: usize) -> Vec<usize> {
    let mut excess = widths.iter().sum::<usize>().saturating_sub(room);
    while excess > 0 {
        let Some(widest) = widths.iter_mut().max_by_key(|width| **width).filter(|width| **width > 1) else { break };
        *widest -= 1;
        excess -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(room: Option<usize>, columns: &[&str], rows: &[&[Option<&str>]]) -> String {
        let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
        let rows: Vec<Vec<Option<String>>> =
            rows.iter().map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect();
        let mut table = Table::fitting(&columns, &rows, Terminal { width: room, colour: false });
        let mut text = table.header();
        for row in &rows {
            text.push_str(&table.row(row));
        }
        text
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let expected = "n    name\n───  ────\n1    NULL\n100\n";
        assert_eq!(table(None, &["n", "name"], &[&[Some("1"), None], &[Some("100"), Some("")]]), expected);
        assert_eq!(table(Some(80), &["n", "name"], &[&[Some("1"), None], &[Some("100"), Some("")]]), expected);
    }

    #[test]
    fn wide_cells_give_way_on_a_terminal_only() {
        let long = "x".repeat(50);
        let cut = table(Some(30), &["a", "b"], &[&[Some(&long), Some("y")]]);
        assert!(cut.lines().all(|line| width(line) <= 30) && cut.contains('…') && cut.ends_with("  y\n"), "{cut}");
        assert!(table(None, &["a", "b"], &[&[Some(&long), Some("y")]]).contains(&long));
    }

    #[test]
    fn too_many_columns_become_blocks() {
        let names = ["eventVersionAndMore", "second_column_name", "third_column_name"];
        let value = Some("a value that is long");
        let shown = table(Some(30), &names, &[&[value, None, value], &[None, value, None]]);
        assert!(shown.starts_with("── row 1 ──\neventVersionAndMore  a val"), "{shown}");
        assert!(shown.contains("── row 2 ──\nsecond_column_name ") && !shown.contains("NULL"), "{shown}");
    }

    #[test]
    fn strangers_texts_do_nothing_to_the_terminal() {
        assert!(!table(Some(40), &["a"], &[&[Some("\u{1b}[31mred\nx")]]).contains('\u{1b}'));
    }
}
