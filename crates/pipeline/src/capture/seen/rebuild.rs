//! Rebuilding what a damaged run held.

use std::sync::Arc;

use journal::Position;

use super::entry::Entry;
use super::table::Table;
use super::{Arrival, Damage, Error, Seen, Shelf, remove};

/// Rebuilds a damaged run from the journal, or marks its stretch as lost.
#[derive(Debug)]
pub struct Rebuild<'a> {
    seen: &'a Seen,
    table: Table,
    damage: Damage,
}

impl<'a> Rebuild<'a> {
    pub(super) fn new(seen: &'a Seen, damage: Damage) -> Self {
        Self { seen, table: Table::new(damage.positions.start), damage }
    }

    /// Remembers an entry that lies in the stretch.
    pub fn put(&mut self, entry: Entry, position: Position, accepted_at_us: i64) -> Result<(), Error> {
        self.table.insert(entry);
        self.table.arrival = self.table.arrival.with(Arrival::at(accepted_at_us));
        if self.table.len() >= self.seen.inner.options.table_entries_max && position + 1 < self.damage.positions.end {
            self.write(position + 1)?;
        }
        Ok(())
    }

    /// Puts what was remembered in the place of the damaged run. Without entries an empty run marks the place, so that
    /// the loss is reported once.
    pub fn finish(mut self) -> Result<(), Error> {
        let end = self.damage.positions.end;
        self.write(end)?;
        let damaged = &self.damage.path;
        if self.seen.inner.shelf.load().runs.iter().all(|run| run.path != *damaged) {
            remove(damaged);
        }
        Ok(())
    }

    fn write(&mut self, end: Position) -> Result<(), Error> {
        let table = std::mem::replace(&mut self.table, Table::new(end));
        let run = Arc::new(self.seen.write(&table, table.positions.start..end)?);
        self.seen.inner.shelf.rcu(|shelf| {
            let mut shelf = Shelf::clone(shelf);
            let at = shelf.runs.partition_point(|other| other.positions.start < run.positions.start);
            shelf.runs.insert(at, Arc::clone(&run));
            shelf
        });
        Ok(())
    }
}
