//! Where rows go, in the form that was asked for.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lake::result_file::ResultFile;
use lake::sql::Compiled;

use super::csv;
use super::page::{Page, distinct};
use super::table::Table;
use crate::lookup::terminal::Terminal;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    Table,
    Csv,
    Json,
    Parquet,
}

/// The rows of one statement on their way out.
pub(super) struct Out {
    form: Form,
    terminal: Terminal,
    target: Option<Target>,
    place: Place,
    columns: Vec<String>,
    rows: u64,
}

/// Where the bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Stdout,
    File(PathBuf),
}

/// What is being written.
enum Target {
    Lines { to: Box<dyn Write + Send>, table: Option<Table> },
    Parquet(Box<ResultFile<Box<dyn Write + Send>>>),
}

impl Out {
    pub(super) fn new(form: Form, place: Place, terminal: Terminal) -> Self {
        // A file is no terminal, whatever stdout is.
        let terminal = if place == Place::Stdout { terminal } else { Terminal::default() };
        Self { form, terminal, target: None, place, columns: Vec::new(), rows: 0 }
    }

    /// Begins: with the names of the columns and, if they are known, their types.
    pub(super) fn begin(&mut self, columns: &[String], statement: Option<&Compiled>) -> anyhow::Result<()> {
        let mut to: Box<dyn Write + Send> = match &self.place {
            Place::Stdout => Box::new(BufWriter::new(io::stdout())),
            Place::File(path) => {
                let part = unfinished(path);
                Box::new(BufWriter::new(File::create(&part).with_context(|| format!("cannot write {}", part.display()))?))
            }
        };
        self.columns = match self.form {
            Form::Json | Form::Parquet => distinct(columns),
            Form::Table | Form::Csv => columns.to_vec(),
        };
        self.target = Some(if self.form == Form::Parquet {
            Target::Parquet(Box::new(ResultFile::new(to, &self.columns, statement)?))
        } else {
            if self.form == Form::Csv && !columns.is_empty() {
                to.write_all(csv::line(columns.iter().map(|column| Some(column.as_str()))).as_bytes())?;
            }
            Target::Lines { to, table: None }
        });
        Ok(())
    }

    /// Whether it was begun.
    pub(super) fn is_begun(&self) -> bool {
        self.target.is_some()
    }

    /// How many rows there were.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes rows.
    pub(super) fn write(&mut self, page: &Page) -> anyhow::Result<()> {
        self.rows += page.len() as u64;
        match self.target.as_mut() {
            None => {}
            Some(Target::Parquet(file)) => file.add(page)?,
            Some(Target::Lines { to, table }) => {
                for row in page {
                    let line = match self.form {
                        Form::Csv => csv::line(row.iter().map(Option::as_deref)),
                        Form::Json => json(&self.columns, row)?,
                        Form::Table | Form::Parquet => {
                            if table.is_none() {
                                let new = Table::fitting(&self.columns, page, self.terminal);
                                to.write_all(new.header().as_bytes())?;
                                *table = Some(new);
                            }
                            table.as_mut().map(|table| table.row(row)).unwrap_or_default()
                        }
                    };
                    to.write_all(line.as_bytes())?;
                }
                to.flush()?;
            }
        }
        Ok(())
    }

    /// Ends: a file gets its name.
    pub(super) fn finish(&mut self) -> anyhow::Result<()> {
        match self.target.take() {
            None => return Ok(()),
            Some(Target::Parquet(file)) => file.finish()?,
            Some(Target::Lines { mut to, .. }) => to.flush()?,
        }
        if let Place::File(path) = &self.place {
            fs::rename(unfinished(path), path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        // What broke off is never taken for the whole.
        if let (Some(_), Place::File(path)) = (self.target.take(), &self.place) {
            fs::remove_file(unfinished(path)).ok();
        }
    }
}

/// What a file is called until it is whole.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// A row as an object, in the order of its columns.
fn json(columns: &[String], row: &[Option<String>]) -> serde_json::Result<String> {
    let mut line = String::from("{");
    for (at, (column, value)) in columns.iter().zip(row).enumerate() {
        if at > 0 {
            line.push(',');
        }
        line.push_str(&serde_json::to_string(column)?);
        line.push(':');
        line.push_str(&serde_json::to_string(value)?);
    }
    line.push_str("}\n");
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_an_object_in_order() {
        let columns = ["b", "a"].map(str::to_owned);
        assert_eq!(json(&columns, &[Some("\"1\"".to_owned()), None]).unwrap(), "{\"b\":\"\\\"1\\\"\",\"a\":null}\n");
    }

    #[test]
    fn a_file_has_its_name_once_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        let columns = ["n".to_owned()];
        let begun = || {
            let mut out = Out::new(Form::Csv, Place::File(path.clone()), Terminal::default());
            out.begin(&columns, None).unwrap();
            out.write(&vec![vec![Some("1".to_owned())]]).unwrap();
            out
        };
        drop(begun());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        begun().finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "n\n1\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
