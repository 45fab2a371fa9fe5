//! A blocked Bloom filter: one cache line answers whether a run may hold a fingerprint.

use super::entry::Fingerprint;

/// The bytes of a line: one cache line.
pub(super) const LINE_BYTES: usize = 64;
/// Bits kept per fingerprint: about 1.5 % of foreign fingerprints pass.
const BITS_PER_KEY: u64 = 10;
/// Bits set per fingerprint, each addressed by nine bits of its low half.
const PROBES: u32 = 7;
const WORDS: usize = LINE_BYTES / 8;
const LINE_BITS: u64 = LINE_BYTES as u64 * 8;

/// Says for sure that a fingerprint is absent, or that it may be present.
#[derive(Debug)]
pub(super) struct Filter {
    lines: Vec<[u64; WORDS]>,
}

impl Filter {
    /// An empty filter for so many fingerprints.
    pub(super) fn new(keys: u64) -> Self {
        Self { lines: vec![[0; WORDS]; Self::lines_for(keys) as usize] }
    }

    /// The lines that a filter for so many fingerprints has.
    pub(super) fn lines_for(keys: u64) -> u64 {
        (keys * BITS_PER_KEY).div_ceil(LINE_BITS).max(1)
    }

    /// Adds a fingerprint.
    pub(super) fn insert(&mut self, fingerprint: Fingerprint) {
        let line = self.line_of(fingerprint);
        for bit in bits(fingerprint) {
            self.lines[line][(bit / 64) as usize] |= 1 << (bit % 64);
        }
    }

    /// Whether the fingerprint may have been added.
    pub(super) fn may_hold(&self, fingerprint: Fingerprint) -> bool {
        let line = &self.lines[self.line_of(fingerprint)];
        bits(fingerprint).all(|bit| line[(bit / 64) as usize] & (1 << (bit % 64)) != 0)
    }

    /// As stored.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.lines.iter().flatten().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// From what was stored: whole lines, at least one.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (lines, rest) = bytes.as_chunks::<LINE_BYTES>();
        if lines.is_empty() || !rest.is_empty() {
            return None;
        }
        let words = |line: &[u8; LINE_BYTES]| {
            let (words, _) = line.as_chunks::<8>();
            std::array::from_fn(|i| u64::from_le_bytes(words[i]))
        };
        Some(Self { lines: lines.iter().map(words).collect() })
    }

    fn line_of(&self, fingerprint: Fingerprint) -> usize {
        ((u128::from(fingerprint.high) * self.lines.len() as u128) >> 64) as usize
    }
}

fn bits(fingerprint: Fingerprint) -> impl Iterator<Item = u64> {
    (0..PROBES).map(move |probe| (fingerprint.low >> (probe * 9)) % LINE_BITS)
}
