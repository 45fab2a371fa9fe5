//! Which snapshots lead from what is published to what a store has.
//!
//! Several things may have happened since the last publication: rows came, small files were merged, old ones went. Each
//! becomes a snapshot of its own with the operation that says so, because engines that read only what is new (Iceberg's
//! incremental scans) skip a `replace` and must not skip an `append`.

use std::collections::{BTreeMap, BTreeSet};

use super::DataFile;

/// What a snapshot did (Apache Iceberg table specification, "Optional Snapshot Summary Fields").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    /// Files went: retention.
    Delete,
    /// Files were merged: the same rows in other files.
    Replace,
    /// Files were merged with some that were never published.
    Overwrite,
    /// Files came.
    Append,
}

impl Operation {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Replace => "replace",
            Self::Overwrite => "overwrite",
            Self::Append => "append",
        }
    }
}

/// What a snapshot changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) operation: Operation,
    pub(super) added: Vec<DataFile>,
    /// Paths.
    pub(super) removed: BTreeSet<String>,
}

/// Day and rows of a published file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) day: i32,
    pub(super) rows: u64,
}

#[derive(Default)]
struct Day<'a> {
    gone: Vec<(&'a str, u64)>,
    merged: Vec<&'a DataFile>,
    fresh: Vec<&'a DataFile>,
}

impl Day<'_> {
    fn operation(&self) -> Option<Operation> {
        if self.gone.is_empty() {
            return None;
        }
        if self.merged.is_empty() {
            return Some(Operation::Delete);
        }
        let gone: u64 = self.gone.iter().map(|(_, rows)| rows).sum();
        let merged: u64 = self.merged.iter().map(|file| file.rows).sum();
        Some(if gone == merged { Operation::Replace } else { Operation::Overwrite })
    }
}

/// The snapshots to make, in order; none if nothing changed.
pub(super) fn steps(published: &BTreeMap<String, Known>, current: &[DataFile]) -> Vec<Step> {
    let mut days: BTreeMap<i32, Day<'_>> = BTreeMap::new();
    let paths: BTreeSet<&str> = current.iter().map(|file| file.path.as_str()).collect();
    for (path, known) in published.iter().filter(|(path, _)| !paths.contains(path.as_str())) {
        days.entry(known.day).or_default().gone.push((path, known.rows));
    }
    for file in current.iter().filter(|file| !published.contains_key(&file.path)) {
        let day = days.entry(file.day).or_default();
        if file.merged { &mut day.merged } else { &mut day.fresh }.push(file);
    }
    let mut steps: BTreeMap<Operation, Step> = BTreeMap::new();
    let mut step = |operation, added: &[&DataFile], removed: &[(&str, u64)]| {
        if added.is_empty() && removed.is_empty() {
            return;
        }
        let step = steps.entry(operation).or_insert_with(|| Step { operation, added: Vec::new(), removed: BTreeSet::new() });
        step.added.extend(added.iter().map(|file| (*file).clone()));
        step.removed.extend(removed.iter().map(|(path, _)| (*path).to_owned()));
    };
    for day in days.values() {
        // Without files to take the place of, merged ones are merely new.
        step(day.operation().unwrap_or(Operation::Append), &day.merged, &day.gone);
        step(Operation::Append, &day.fresh, &[]);
    }
    steps.into_values().collect()
}
