//! Which partition of a scan reads which files, so that each one's rows come newest first.

use std::cmp::Reverse;
use std::sync::Arc;

use super::file::File;

/// More sorted partitions are not made: each one that is merged holds a batch, and its files are open.
const SORTED_MAX: usize = 16;

/// Files by partition, in the order in which they are read.
pub(super) struct Groups {
    pub(super) files: Vec<Vec<Arc<File>>>,
    /// Whether each partition's rows come newest first.
    pub(super) sorted: bool,
}

/// Deals files out to partitions: to `target` of them, or to more when more files overlap in time.
pub(super) fn of(files: &[Arc<File>], target: usize) -> Groups {
    let mut newest_first = files.to_vec();
    newest_first.sort_by_key(|file| (Reverse(file.newest_us()), Reverse(file.oldest_us()), file.id()));
    let target = target.max(1);
    sorted(&newest_first, target).unwrap_or_else(|| Groups { files: dealt(&newest_first, target), sorted: false })
}

/// Chains of files that do not overlap; None when that takes too many.
fn sorted(newest_first: &[Arc<File>], target: usize) -> Option<Groups> {
    let mut chains: Vec<(u64, Vec<Arc<File>>)> = Vec::new();
    for file in newest_first {
        let follows =
            |chain: &&mut (u64, Vec<Arc<File>>)| chain.1.last().is_some_and(|last| last.oldest_us() >= file.newest_us());
        if chains.len() >= target
            && let Some((rows, chain)) = chains.iter_mut().filter(follows).min_by_key(|(rows, _)| *rows)
        {
            *rows += file.rows();
            chain.push(Arc::clone(file));
        } else if chains.len() < SORTED_MAX.max(target) {
            chains.push((file.rows(), vec![Arc::clone(file)]));
        } else {
            return None;
        }
    }
    Some(Groups { files: chains.into_iter().map(|(_, chain)| chain).collect(), sorted: true })
}

fn dealt(newest_first: &[Arc<File>], target: usize) -> Vec<Vec<Arc<File>>> {
    let mut groups = vec![(0, Vec::new()); target];
    for file in newest_first {
        if let Some((rows, group)) = groups.iter_mut().min_by_key(|(rows, _)| *rows) {
            *rows += file.rows();
            group.push(Arc::clone(file));
        }
    }
    groups.into_iter().map(|(_, group)| group).filter(|group| !group.is_empty()).collect()
}
