//! The youngest entries, in memory, until they are written as a run.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use journal::Position;

use super::entry::{Entry, Fingerprint};
use super::{Arrival, Verdict};

/// Entries of the journal positions `positions`, in memory. The first content of a fingerprint and further ones lie
/// apart, since further ones are conflicts and rare.
#[derive(Debug)]
pub(super) struct Table {
    first_contents: HashMap<Fingerprint, u64>,
    further: HashSet<Entry>,
    /// What of the journal it covers.
    pub(super) positions: Range<Position>,
    /// When its oldest and its youngest entry came.
    pub(super) arrival: Arrival,
    /// The bytes of the events behind its entries: what the journal must keep for it.
    pub(super) payload_bytes: u64,
}

impl Table {
    /// An empty table that begins at `first`.
    pub(super) fn new(first: Position) -> Self {
        Self {
            first_contents: HashMap::new(),
            further: HashSet::new(),
            positions: first..first,
            arrival: Arrival::NEVER,
            payload_bytes: 0,
        }
    }

    /// How many entries it holds.
    pub(super) fn len(&self) -> usize {
        self.first_contents.len() + self.further.len()
    }

    /// What it knows of an entry.
    pub(super) fn find(&self, entry: &Entry) -> Verdict {
        match self.first_contents.get(&entry.fingerprint) {
            None => Verdict::New,
            Some(content) if *content == entry.content || self.further.contains(entry) => Verdict::Duplicate,
            Some(_) => Verdict::Conflict,
        }
    }

    /// Adds an entry; one that is there already changes nothing.
    pub(super) fn insert(&mut self, entry: Entry) {
        let first = *self.first_contents.entry(entry.fingerprint).or_insert(entry.content);
        if first != entry.content {
            self.further.insert(entry);
        }
    }

    /// Takes back the entry that was inserted last; called in the reverse order of insertion.
    pub(super) fn remove(&mut self, entry: &Entry) {
        if !self.further.remove(entry) {
            self.first_contents.remove(&entry.fingerprint);
        }
    }

    /// All entries in their order.
    pub(super) fn sorted(&self) -> Vec<Entry> {
        let first = self.first_contents.iter().map(|(&fingerprint, &content)| Entry { fingerprint, content });
        let mut entries: Vec<Entry> = first.chain(self.further.iter().copied()).collect();
        entries.sort_unstable();
        entries
    }
}
