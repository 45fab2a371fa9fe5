//! Sizes and times of a trail's files.

use std::time::Duration;

/// Sizes and times of a trail's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long an event waits at most before the files are cut (`trails.delivery_interval`).
    pub delivery_interval: Duration,
    /// The time a digest covers (`trails.digest_interval`).
    pub digest_interval: Duration,
    /// Bytes of files that may wait on disk for one trail's bucket; with more the trail stands still.
    pub spool_bytes_max: u64,
    /// libdeflate's compression level, 1 to 12.
    pub compression_level: i32,
    /// All files of the trail are cut when one has so many bytes, before compression …
    pub file_bytes_max: usize,
    /// … or all of them together so many: they are in memory …
    pub buffer_bytes_max: usize,
    /// … or when there are so many of them: a cut names them all in one journal entry.
    pub files_max: usize,
}

impl Default for Config {
    /// The times are AWS's; level 1 is enough, measured on two cores (measurements.md); the sizes are own choices, a third
    /// of AWS's limit for one file, and memory for five trails.
    fn default() -> Self {
        Self {
            delivery_interval: Duration::from_mins(5),
            digest_interval: Duration::from_hours(1),
            spool_bytes_max: 10 << 30,
            compression_level: 1,
            file_bytes_max: 16 << 20,
            buffer_bytes_max: 32 << 20,
            files_max: 4096,
        }
    }
}

impl Config {
    pub(super) fn delivery_us(&self) -> i64 {
        i64::try_from(self.delivery_interval.as_micros()).unwrap_or(i64::MAX)
    }

    /// A digest covers whole seconds, at least one.
    pub(super) fn digest_s(&self) -> i64 {
        i64::try_from(self.digest_interval.as_secs()).unwrap_or(i64::MAX).max(1)
    }
}
