//! Which segments to merge: as soon as there are several of about one size, they become one.

use super::config::Config;
use super::segment::Family;

/// A segment, as far as merging goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) id: u64,
    pub(super) family: Family,
    pub(super) first: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
}

/// The segments to merge next, neighbours in the journal, if any. Small ones come first.
pub(super) fn plan(candidates: &[Candidate], config: &Config) -> Option<Vec<u64>> {
    let fan_in = config.merge_fan_in.max(2);
    let mut sorted = candidates.to_vec();
    sorted.sort_unstable_by_key(|segment| (tier(segment.records, fan_in), segment.family, segment.first, segment.id));
    sorted
        .chunk_by(|a, b| a.family == b.family && tier(a.records, fan_in) == tier(b.records, fan_in))
        .filter(|alike| alike.len() >= fan_in)
        .find_map(|alike| (0..alike.len()).find_map(|from| window(&alike[from..], fan_in, config)))
}

/// The size of a segment in powers of the fan-in.
fn tier(records: u64, fan_in: usize) -> u32 {
    records.max(1).ilog(fan_in as u64)
}

/// As many of the first ones as fit together; None if that is not even two.
fn window(alike: &[Candidate], fan_in: usize, config: &Config) -> Option<Vec<u64>> {
    let mut ids = Vec::new();
    let (mut records, mut bytes) = (0, 0);
    for segment in &alike[..fan_in.min(alike.len())] {
        records += segment.records;
        bytes += segment.bytes;
        if records > config.merged_records_max || bytes > config.merged_bytes_max {
            break;
        }
        ids.push(segment.id);
    }
    (ids.len() >= 2).then_some(ids)
}

#[cfg(test)]
mod tests;
