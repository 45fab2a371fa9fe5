//! Merging runs, so that a lookup asks few of them.
//!
//! Runs stay in the order of arrival: only neighbours are merged, so that the window moves by dropping the oldest.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::entry::Entry;
use super::run::{Fault, Run, Writer};
use super::{Arrival, Options};

/// How many neighbours of one size make one of the next.
const FANOUT: usize = 4;
/// No merged run is more than this part of the window, in bytes or in time: it leaves in such portions.
const WINDOW_PORTIONS: u64 = 8;

/// What choosing looks at, of one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) entries: u64,
    pub(super) bytes: u64,
    pub(super) arrival: Arrival,
}

impl From<&Arc<Run>> for Size {
    fn from(run: &Arc<Run>) -> Self {
        Self { entries: run.entries, bytes: run.bytes, arrival: run.arrival }
    }
}

/// Which neighbouring runs to merge next: the smallest tier that has [`FANOUT`] of them.
pub(super) fn choose(runs: &[Size], options: &Options) -> Option<Range<usize>> {
    let tiers: Vec<u32> = runs.iter().map(|run| tier(run.entries, options.table_entries_max as u64)).collect();
    let highest = tiers.iter().copied().max()?;
    (0..=highest).find_map(|wanted| {
        let mut starts = 0..runs.len();
        starts.find_map(|start| {
            let end = start + longest(&runs[start..], &tiers[start..], wanted, options);
            let of_the_tier = tiers[start..end].iter().filter(|tier| **tier == wanted).count();
            (of_the_tier >= FANOUT).then_some(start..end)
        })
    })
}

fn tier(entries: u64, table_entries_max: u64) -> u32 {
    (entries / table_entries_max.max(1)).max(1).ilog(FANOUT as u64)
}

/// How many runs from the first on are of `wanted` tier or below, and together within a portion of the window.
fn longest(runs: &[Size], tiers: &[u32], wanted: u32, options: &Options) -> usize {
    let bytes_max = options.window_bytes / WINDOW_PORTIONS;
    let span_max_us = options.window_us / WINDOW_PORTIONS as i64;
    let mut bytes = 0;
    let mut arrival = Arrival::NEVER;
    let fits = |(run, tier): &(&Size, &u32)| {
        bytes += run.bytes;
        arrival = arrival.with(run.arrival);
        **tier <= wanted && bytes <= bytes_max && arrival.span_us() <= span_max_us
    };
    runs.iter().zip(tiers).take_while(fits).count()
}

/// Merges neighbouring runs into one; returns it and a word for each block that could not be read, whose entries are
/// lost.
pub(super) fn merge(dir: &Path, inputs: &[Arc<Run>]) -> Result<(Run, Vec<String>), Fault> {
    let first = inputs.first().ok_or_else(|| Fault::Damaged("nothing to merge".to_owned()))?;
    let positions = first.positions.start..inputs.iter().map(|run| run.positions.end).max().unwrap_or_default();
    let entries_max = inputs.iter().map(|run| run.entries).sum();
    let arrival = inputs.iter().fold(Arrival::NEVER, |arrival, run| arrival.with(run.arrival));
    let mut writer = Writer::create(dir, positions, entries_max)?;
    let mut readers: Vec<Reader> = inputs.iter().map(|run| Reader::new(run)).collect();
    let mut heap: BinaryHeap<_> =
        readers.iter_mut().enumerate().filter_map(|(i, reader)| Some(Reverse((reader.next()?, i)))).collect();
    let mut last = None;
    while let Some(Reverse((entry, i))) = heap.pop() {
        if last != Some(entry) {
            writer.push(entry)?;
            last = Some(entry);
        }
        if let Some(next) = readers[i].next() {
            heap.push(Reverse((next, i)));
        }
    }
    let lost = readers.into_iter().flat_map(|reader| reader.lost).collect();
    Ok((writer.finish(arrival)?, lost))
}

/// Reads a run from its first to its last entry; blocks that cannot be read are noted and passed over.
struct Reader<'a> {
    run: &'a Run,
    next_block: usize,
    block: std::vec::IntoIter<Entry>,
    lost: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(run: &'a Run) -> Self {
        Self { run, next_block: 0, block: Vec::new().into_iter(), lost: Vec::new() }
    }
}

impl Iterator for Reader<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            if let Some(entry) = self.block.next() {
                return Some(entry);
            }
            if self.next_block == self.run.blocks() {
                return None;
            }
            match self.run.block(self.next_block) {
                Ok(block) => self.block = block.into_iter(),
                Err(fault) => self.lost.push(format!("{}: {fault}", self.run.path.display())),
            }
            self.next_block += 1;
        }
    }
}
