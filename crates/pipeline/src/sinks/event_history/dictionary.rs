//! Dictionaries: what the blocks of a segment have in common, trained from its records.
//!
//! Training costs as much as compressing some ten thousand records, and one segment is much like the next: a dictionary
//! is used for as long as it does what it did for the segment that it was trained from.

use std::sync::{Arc, Mutex, PoisonError};

use super::block::Stored;
use super::segment::{Dictionary, Family};

/// Measured: twice as large it saves 1 % more.
const DICTIONARY_BYTES: usize = 64 << 10;
/// Trained from so many bytes of records: more take longer than they are worth.
const SAMPLE_BYTES: u64 = 1 << 20;
/// A smaller segment has none: it would cost more than it saves.
pub(super) const SEGMENT_BYTES_MIN: u64 = 1 << 20;
/// A dictionary that does so much worse than at first is given up.
const RATIO_GROWTH_MAX: f64 = 1.05;

/// The dictionaries in use.
#[derive(Default)]
pub(super) struct Dictionaries {
    of_family: [Mutex<Option<Trained>>; Family::ALL.len()],
}

#[derive(Clone)]
struct Trained {
    dictionary: Arc<Dictionary>,
    /// What it did for the segment that it was trained from.
    ratio: Option<f64>,
}

impl Dictionaries {
    /// A dictionary for a segment of `records`, which have `record_bytes`; small ones have none.
    pub(super) fn choose<'a>(
        &self,
        family: Family,
        records: impl Iterator<Item = &'a Stored>,
        record_bytes: u64,
    ) -> Option<Arc<Dictionary>> {
        if record_bytes < SEGMENT_BYTES_MIN {
            return None;
        }
        self.slot(family, |slot| {
            if slot.is_none() {
                let dictionary = Arc::new(train(records, record_bytes)?);
                *slot = Some(Trained { dictionary, ratio: None });
            }
            slot.as_ref().map(|trained| Arc::clone(&trained.dictionary))
        })
    }

    /// Learns what `dictionary` did for a segment: bytes after compression by bytes before.
    pub(super) fn learn(&self, family: Family, dictionary: &Arc<Dictionary>, ratio: f64) {
        self.slot(family, |slot| {
            let Some(trained) = slot.as_mut().filter(|trained| Arc::ptr_eq(&trained.dictionary, dictionary)) else {
                return;
            };
            let at_first = *trained.ratio.get_or_insert(ratio);
            if ratio > at_first * RATIO_GROWTH_MAX {
                *slot = None;
            }
        });
    }

    fn slot<T>(&self, family: Family, act: impl FnOnce(&mut Option<Trained>) -> T) -> T {
        act(&mut self.of_family[family as usize].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A dictionary from an even sample of `records`, which have `record_bytes`; None if they are too few to learn from.
pub(super) fn train<'a>(records: impl Iterator<Item = &'a Stored>, record_bytes: u64) -> Option<Dictionary> {
    let step = record_bytes.div_ceil(SAMPLE_BYTES).max(1) as usize;
    let (mut sample, mut sizes) = (Vec::new(), Vec::new());
    for record in records.step_by(step) {
        sample.extend_from_slice(&record.bytes);
        sizes.push(record.bytes.len());
    }
    match zstd::dict::from_continuous(&sample, &sizes, DICTIONARY_BYTES) {
        Ok(bytes) => Some(Dictionary::new(bytes)),
        Err(error) => {
            tracing::debug!(%error, samples = sizes.len(), "no dictionary");
            None
        }
    }
}
