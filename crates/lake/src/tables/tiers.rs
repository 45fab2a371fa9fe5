//! Which files to merge: as soon as there are several of about one size on a day, they become one; on a day to which
//! nothing is added any longer, whatever fits.

use super::config::Config;

/// A file, as far as merging goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) id: u64,
    pub(super) day: i32,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Whether the file is so new that more are to be expected.
    pub(super) fresh: bool,
}

/// The files to merge next, all of one day, if any. Small ones come first.
pub(super) fn plan(candidates: &[Candidate], config: &Config) -> Option<Vec<u64>> {
    let mut sorted = candidates.to_vec();
    sorted.sort_unstable_by_key(|file| (file.day, file.rows, file.id));
    let days = || sorted.chunk_by(|a, b| a.day == b.day);
    days().find_map(|day| alike(day, config)).or_else(|| days().find_map(|day| quiet(day, config)))
}

/// As many as the fan-in of one size.
fn alike(day: &[Candidate], config: &Config) -> Option<Vec<u64>> {
    let fan_in = config.merge_fan_in.max(2);
    let tier = |file: &Candidate| file.rows.max(1).ilog(fan_in as u64);
    let alike = day.chunk_by(|a, b| tier(a) == tier(b)).find(|alike| alike.len() >= fan_in && fits(&alike[..2], config))?;
    let count = (2..=fan_in).take_while(|count| fits(&alike[..*count], config)).last()?;
    Some(alike[..count].iter().map(|file| file.id).collect())
}

/// The smallest ones of a quiet day. One that is much larger than all before it together is left alone: it would be
/// written again for each late event.
fn quiet(day: &[Candidate], config: &Config) -> Option<Vec<u64>> {
    if day.iter().any(|file| file.fresh) {
        return None;
    }
    let mut rows = day.first()?.rows;
    let mut count = 1;
    while let Some(next) = day.get(count) {
        if count == config.merge_fan_in.max(2) || next.rows > rows * 4 || !fits(&day[..=count], config) {
            break;
        }
        rows += next.rows;
        count += 1;
    }
    (count >= 2).then(|| day[..count].iter().map(|file| file.id).collect())
}

fn fits(files: &[Candidate], config: &Config) -> bool {
    let rows: u64 = files.iter().map(|file| file.rows).sum();
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    rows <= config.merged_rows_max && bytes <= config.merged_bytes_max
}

#[cfg(test)]
mod tests;
