//! The content of a log file, `{"Records":[…]}`, put together record by record.

use aws_lc_rs::digest::{Context, SHA256};

/// How large a file gets before compression (CloudTrail quotas: 50 MB; older text counts after compression, and
/// this satisfies both).
pub const RECORDS_BYTES_MAX: usize = 50_000_000;

const HEAD: &[u8] = b"{\"Records\":[";
const TAIL: &[u8] = b"]}";

/// A log file being put together.
#[derive(Clone)]
pub struct Rendering {
    bytes: Vec<u8>,
    hash: Context,
    count: u64,
    newest_s: i64,
    oldest_s: i64,
}

/// A log file, before compression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The content.
    pub bytes: Vec<u8>,
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// How many records are in it; at least one.
    pub count: u64,
    /// The newest eventTime.
    pub newest_s: i64,
    /// The oldest eventTime.
    pub oldest_s: i64,
}

/// The record would make the file larger than [`RECORDS_BYTES_MAX`]: it belongs into the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log file is full")]
pub struct Full;

impl Default for Rendering {
    fn default() -> Self {
        let mut rendering =
            Self { bytes: Vec::new(), hash: Context::new(&SHA256), count: 0, newest_s: i64::MIN, oldest_s: i64::MAX };
        rendering.write(HEAD);
        rendering
    }
}

impl Rendering {
    /// A file without records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record's bytes as they are. The first record always fits.
    pub fn push(&mut self, event: &[u8], event_time_s: i64) -> Result<(), Full> {
        if !self.fits(event.len()) {
            return Err(Full);
        }
        if self.count > 0 {
            self.write(b",");
        }
        self.write(event);
        self.count += 1;
        self.newest_s = self.newest_s.max(event_time_s);
        self.oldest_s = self.oldest_s.min(event_time_s);
        Ok(())
    }

    /// Whether a record of so many bytes can be added.
    pub fn fits(&self, event_bytes: usize) -> bool {
        self.count == 0 || self.len() + 1 + event_bytes <= RECORDS_BYTES_MAX
    }

    /// The size the file would have now.
    #[expect(clippy::len_without_is_empty, reason = "a rendering is never empty; `count` says how many records it has")]
    pub fn len(&self) -> usize {
        self.bytes.len() + TAIL.len()
    }

    /// The records so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The file; `None` when there is no record, for a file without records is never written.
    pub fn finish(mut self) -> Option<Rendered> {
        if self.count == 0 {
            return None;
        }
        self.write(TAIL);
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.hash.finish().as_ref());
        let Self { bytes, count, newest_s, oldest_s, .. } = self;
        Some(Rendered { bytes, sha256, count, newest_s, oldest_s })
    }

    fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.hash.update(bytes);
    }
}
