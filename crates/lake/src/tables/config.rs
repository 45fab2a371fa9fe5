//! Sizes and times of stores.

/// Sizes and times of stores. Own choices, measured with `examples/tables.rs` on two cores.
#[derive(Clone, Debug)]
pub struct Config {
    /// The tail is flushed at so many rows …
    pub tail_rows_max: usize,
    /// … or so many bytes of memory: it is there twice while one is being flushed …
    pub tail_bytes_max: usize,
    /// … or at that age.
    pub tail_age_us_max: i64,
    /// So many files of about one size become one.
    pub merge_fan_in: usize,
    /// No merged file has more rows …
    pub merged_rows_max: u64,
    /// … or is made of more bytes.
    pub merged_bytes_max: u64,
    /// A day to which nothing was added for so long is merged into as few files as fit.
    pub day_quiet_us: i64,
    /// Rows of a row group: what one Bloom filter and one set of statistics is for.
    pub row_group_rows_max: usize,
    /// Bytes of files' footers kept in memory.
    pub footer_cache_bytes_max: usize,
    /// Bytes of files' Bloom filters kept in memory.
    pub filter_cache_bytes_max: usize,
    /// Bytes of keys kept in memory by each store that is imported into, to find duplicates.
    pub key_cache_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tail_rows_max: 65_536,
            tail_bytes_max: 64 << 20,
            tail_age_us_max: 60 * 1_000_000,
            merge_fan_in: 8,
            merged_rows_max: 1 << 20,
            merged_bytes_max: 512 << 20,
            day_quiet_us: 10 * 60 * 1_000_000,
            row_group_rows_max: 131_072,
            footer_cache_bytes_max: 64 << 20,
            filter_cache_bytes_max: 32 << 20,
            key_cache_bytes_max: 64 << 20,
        }
    }
}
