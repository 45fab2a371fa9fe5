//! What statements over log files may name: the files that were given, and tables that were declared.

use std::collections::HashMap;
use std::sync::Arc;

use cloudtrail::event_data_store::Family;
use datafusion::catalog::TableProvider;

use super::RawFiles;
use crate::sql::{self, Compiled, Named, Names, Shape};

/// The tables of a session: `event_data_store` and `cloudtrail_logs` if files were given, and what was declared.
#[derive(Debug, Default)]
pub struct FileTables {
    names: Names,
    files: HashMap<String, Arc<RawFiles>>,
}

impl FileTables {
    /// These files are what `event_data_store`, and as Athena shows it `cloudtrail_logs`, stand for.
    pub fn give(&mut self, files: RawFiles) {
        self.add("event_data_store", Shape::Store(Family::Events), files);
    }

    /// Declares a table as Athena shows log files. One that was declared under that name before is replaced.
    pub fn declare(&mut self, name: &str, files: RawFiles) {
        self.names.tables.retain(|table| table.shape != Shape::Athena || !table.name.eq_ignore_ascii_case(name));
        self.add(name, Shape::Athena, files);
    }

    /// What the declared tables are called.
    pub fn declared(&self) -> impl Iterator<Item = &str> {
        self.names.tables.iter().filter(|table| table.shape == Shape::Athena).map(|table| table.name.as_str())
    }

    fn add(&mut self, name: &str, shape: Shape, files: RawFiles) {
        let id = format!("log_files_{}", self.files.len());
        self.files.insert(id.clone(), Arc::new(files));
        let default = shape != Shape::Athena;
        self.names.tables.push(Named { id, arn: String::new(), name: name.to_owned(), shape, default, active: true });
    }

    /// Compiles a statement that reads these tables and no others.
    pub fn compile(&self, statement: &str, now_us: i64) -> Result<Compiled, sql::Error> {
        sql::compile(statement, &self.names, now_us)
    }

    /// What the engine is to be given.
    pub fn providers(&self) -> HashMap<String, Arc<dyn TableProvider>> {
        let provider = |files: &Arc<RawFiles>| Arc::clone(files) as Arc<dyn TableProvider>;
        self.files.iter().map(|(id, files)| (id.clone(), provider(files))).collect()
    }
}
