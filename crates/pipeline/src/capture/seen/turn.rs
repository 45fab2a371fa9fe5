//! Judging events: what is known of them is looked up first, without a lock, and then completed under one.

use std::ops::Range;
use std::sync::{Arc, MutexGuard};

use journal::Position;

use super::entry::Entry;
use super::run::Run;
use super::{Present, Seen, Shelf, State, Verdict};

/// What is known of some entries, but for the open table.
#[derive(Debug)]
pub struct Probe {
    shelf: Arc<Shelf>,
    entries: Vec<Entry>,
    verdicts: Vec<Verdict>,
    /// Entries to ask runs on disk about, by index.
    maybes: Vec<(usize, Arc<Run>)>,
    lost: Vec<String>,
}

impl Probe {
    pub(super) fn new(shelf: Arc<Shelf>, entries: Vec<Entry>) -> Self {
        let in_tables = |entry: &Entry| shelf.tables.iter().fold(Verdict::New, |verdict, table| verdict.and(table.find(entry)));
        let verdicts: Vec<Verdict> = entries.iter().map(in_tables).collect();
        let mut maybes = Vec::new();
        for run in &shelf.runs {
            let may = |i: &usize| verdicts[*i] != Verdict::Duplicate && run.may_hold(&entries[*i]);
            maybes.extend((0..entries.len()).filter(may).map(|i| (i, Arc::clone(run))));
        }
        Self { shelf, entries, verdicts, maybes, lost: Vec::new() }
    }

    /// Whether runs on disk have to be asked.
    pub fn needs_disk(&self) -> bool {
        !self.maybes.is_empty()
    }

    /// Asks the runs on disk. A block that cannot be read knows nothing.
    pub fn read_runs(&mut self) {
        for (i, run) in std::mem::take(&mut self.maybes) {
            match run.find(&self.entries[i]) {
                Ok(verdict) => self.verdicts[i] = self.verdicts[i].and(verdict),
                Err(fault) => self.lost.push(format!("{}: {fault}", run.path.display())),
            }
        }
    }

    /// The entries again, to probe them anew.
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

/// The lock under which events are judged and get their place in the journal. Dropping it lets the next one in.
#[derive(Debug)]
pub struct Turn<'a> {
    seen: &'a Seen,
    present: MutexGuard<'a, Present>,
    remembered: Vec<Entry>,
    /// Events that get their place without being remembered.
    passed: u64,
}

/// What a [`Turn`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// The entries are remembered for the positions given.
    Yes,
    /// The journal refused them; none is remembered.
    Refused,
    /// The journal has taken positions back, so duplicates may have been judged wrongly. See [`Seen::is_stale`].
    Stale,
}

impl<'a> Turn<'a> {
    pub(super) fn new(seen: &'a Seen) -> Self {
        Self { seen, present: seen.present(), remembered: Vec::new(), passed: 0 }
    }

    /// Whether events can be judged.
    pub fn is_open(&self) -> bool {
        self.present.state == State::True
    }

    /// Whether `probe` and the open table together are everything: no table was sealed in between, and no run is left to
    /// ask.
    pub fn is_current(&self, probe: &Probe) -> bool {
        probe.shelf.seals == self.seen.inner.shelf.load().seals && !probe.needs_disk()
    }

    /// Judges entry `i` of a current `probe`; what is not a duplicate is remembered from here on.
    pub fn judge(&mut self, probe: &Probe, i: usize) -> Verdict {
        let entry = &probe.entries[i];
        let verdict = probe.verdicts[i].and(self.present.table.find(entry));
        if verdict != Verdict::Duplicate {
            self.present.table.insert(*entry);
            self.remembered.push(*entry);
        }
        verdict
    }

    /// Lets one event pass that is neither judged nor remembered.
    pub fn pass(&mut self) {
        self.passed += 1;
    }

    /// Ends the turn: the journal gave `positions` to what was remembered in it or passed, or an empty range to a barrier.
    ///
    /// Everything that goes into the journal does so in a turn. So a position that was given before tells that the
    /// journal has taken it back in between.
    pub fn end(mut self, positions: Range<Position>, now_us: i64, payload_bytes: u64) -> Placed {
        let placed = self.note(&positions);
        if placed == Placed::Yes && positions.end - positions.start != self.remembered.len() as u64 + self.passed {
            self.remembered.iter().rev().for_each(|entry| self.present.table.remove(entry));
            return Placed::Refused;
        }
        if !self.remembered.is_empty() {
            self.seen.extend(&mut self.present, positions.end, now_us, payload_bytes);
        }
        placed
    }

    /// Ends a turn in which something other than events got `positions`.
    pub fn end_other(mut self, positions: &Range<Position>) {
        self.note(positions);
    }

    fn note(&mut self, positions: &Range<Position>) -> Placed {
        let taken_back = self.present.next.is_some_and(|next| positions.start < next);
        self.present.next = Some(positions.end);
        if taken_back {
            self.present.state = State::Stale;
            tracing::warn!("the journal took entries back; reading again what was seen");
            return Placed::Stale;
        }
        Placed::Yes
    }

    /// Logs what the probe could not read.
    pub fn complain_of(&self, probe: &Probe) {
        probe.lost.iter().for_each(|reason| self.seen.complain(reason));
    }
}
