//! Sizes and times of event history.

use std::collections::BTreeSet;

use cloudtrail::region::Region;

const DAY_US: i64 = 86_400 * 1_000_000;

/// Sizes and times of event history.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long live events are kept: AWS keeps 90 days.
    pub retention_us: i64,
    /// How long imported events are kept; for ever without it.
    pub import_retention_us: Option<i64>,
    /// The Regions that get postings of their own. Events of all others share theirs: found as surely, a little slower.
    pub regions: BTreeSet<Region>,
    /// The open segment is sealed at so many records …
    pub segment_records_max: usize,
    /// … or so many bytes of records: it holds them in memory, twice while one is being sealed …
    pub segment_bytes_max: usize,
    /// … or at that age.
    pub segment_age_us_max: i64,
    /// So many segments of about one size become one.
    pub merge_fan_in: usize,
    /// No merged segment has more records …
    pub merged_records_max: u64,
    /// … or more bytes on disk.
    pub merged_bytes_max: u64,
    /// Bytes of decompressed blocks kept in memory.
    pub cache_bytes_max: usize,
    /// Blocks read for one page, unless none could be finished with fewer.
    pub lookup_blocks_max: usize,
    /// Entries of posting lists looked at for one page, likewise.
    pub lookup_steps_max: usize,
}

impl Default for Config {
    /// Measured on two cores (measurements.md); the limits of one lookup amount to about 100 ms.
    fn default() -> Self {
        Self {
            retention_us: 90 * DAY_US,
            import_retention_us: None,
            regions: BTreeSet::new(),
            segment_records_max: 131_072,
            segment_bytes_max: 64 << 20,
            segment_age_us_max: 10 * 60 * 1_000_000,
            merge_fan_in: 8,
            merged_records_max: 1 << 20,
            merged_bytes_max: 512 << 20,
            cache_bytes_max: 32 << 20,
            lookup_blocks_max: 1_024,
            lookup_steps_max: 4 << 20,
        }
    }
}
