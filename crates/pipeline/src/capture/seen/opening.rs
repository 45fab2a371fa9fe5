//! What a start finds on disk: runs to use, remains to remove, damage to report.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::Position;

use super::run::{self, Fault, Run};
use super::{Damage, Error, remove};

/// What lies in the directory at the start.
pub(super) struct Found {
    runs: Vec<Run>,
    damages: Vec<Damage>,
}

impl Found {
    pub(super) fn look(dir: &Path, journal: &Range<Position>) -> Result<Self, Error> {
        let mut paths: BTreeMap<PathBuf, Range<Position>> = BTreeMap::new();
        for file in fs::read_dir(dir).map_err(|e| Error::new(dir, &e))? {
            let path = file.map_err(|e| Error::new(dir, &e))?.path();
            if path.to_string_lossy().ends_with(run::UNFINISHED_SUFFIX) {
                remove(&path);
            } else if let Some(positions) = Run::positions_of_name(&path) {
                paths.insert(path, positions);
            }
        }
        let mut found = Self { runs: Vec::new(), damages: Vec::new() };
        for (path, positions) in paths {
            if positions.end > journal.end {
                // Such a run was written by what followed another journal: its events may be in none.
                tracing::error!(path = %path.display(), "a record of events seen does not belong to this journal; dropped");
                remove(&path);
                continue;
            }
            match Self::open(path.clone(), &positions, journal) {
                Ok(run) => found.runs.push(run),
                Err(fault) => found.damages.push(Damage { path, reason: fault.to_string(), positions }),
            }
        }
        Ok(found)
    }

    fn open(path: PathBuf, positions: &Range<Position>, journal: &Range<Position>) -> Result<Run, Fault> {
        let run = Run::open(path)?;
        if run.positions != *positions {
            return Err(Fault::Damaged("its name does not match its footer".to_owned()));
        }
        if positions.start >= journal.start {
            run.verify()?;
        }
        Ok(run)
    }

    /// The usable runs in order, and the stretches to rebuild: damaged ones that no other run covers, and gaps.
    pub(super) fn settle(mut self, dir: &Path, journal: &Range<Position>) -> (Vec<Arc<Run>>, Vec<Damage>) {
        self.runs.sort_by_key(|run| (run.positions.start, u64::MAX - run.positions.end));
        let mut runs: Vec<Arc<Run>> = Vec::new();
        for run in self.runs {
            // A crash after a merge leaves its inputs beside the merged run.
            if runs.last().is_some_and(|last| run.positions.end <= last.positions.end) {
                remove(&run.path);
            } else {
                runs.push(Arc::new(run));
            }
        }
        let gaps = gaps(runs.iter().map(|run| run.positions.clone()), &self.damages, journal);
        let mut damages = Vec::new();
        for gap in gaps {
            let damaged = self.damages.iter().find(|damage| overlap(&damage.positions, &gap));
            let reason = damaged.map_or_else(|| "it is missing".to_owned(), |damage| damage.reason.clone());
            let path = damaged.map_or_else(|| Run::path_of(dir, &gap), |damage| damage.path.clone());
            damages.push(Damage { path, reason, positions: gap });
        }
        let still_needed = |path: &Path| damages.iter().any(|damage| damage.path == path);
        self.damages.iter().filter(|damage| !still_needed(&damage.path)).for_each(|damage| remove(&damage.path));
        (runs, damages)
    }
}

/// The stretches between the first and the last position known that no usable run covers.
fn gaps(runs: impl Iterator<Item = Range<Position>>, damages: &[Damage], journal: &Range<Position>) -> Vec<Range<Position>> {
    let mut covered: Vec<Range<Position>> = runs.collect();
    let first = covered.iter().chain(damages.iter().map(|damage| &damage.positions)).map(|range| range.start).min();
    let last = damages.iter().map(|damage| damage.positions.end).max();
    let Some(mut at) = first else { return Vec::new() };
    covered.extend(last.map(|end| end..end));
    let mut gaps = Vec::new();
    for range in covered {
        if range.start > at {
            gaps.push(at..range.start.min(journal.end));
        }
        at = at.max(range.end);
    }
    gaps
}

fn overlap(a: &Range<Position>, b: &Range<Position>) -> bool {
    a.start < b.end && b.start < a.end
}
