//! Log files: where they lie, what they are called, what is in them.
//!
//! What must stay true: name and bytes are a function of the records and of the cut, so that a crash between them
//! and the bucket reproduces both; and the records' bytes go in as they are.

mod key;
mod rendering;

pub(crate) use key::second;
pub use key::{Folder, Key, Name, Place};
pub use rendering::{Full, RECORDS_BYTES_MAX, Rendered, Rendering};

use aws_lc_rs::digest::{SHA256, digest};
use time::OffsetDateTime;

use crate::account::AccountId;
use crate::region::Region;

/// Every log file and digest ends so.
pub const EXTENSION: &str = ".json.gz";
/// The Content-Type of every object we deliver (log-files.md §2).
pub const CONTENT_TYPE: &str = "application/json";
/// The Content-Encoding of every object we deliver.
pub const CONTENT_ENCODING: &str = "gzip";
/// The canned ACL every object is written with; a bucket's policy may ask for it.
pub const ACL: &str = "bucket-owner-full-control";

/// The length of a file name's unique part.
pub const UNIQUE_CHARS: usize = 16;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The unique part of a log file's name: 16 characters of base62 of the SHA-256 of whose file it is and of the
/// journal position of its first record (architecture, section 7).
pub fn unique(trail_arn: &str, account: AccountId, region: &Region, first_position: u64) -> String {
    // None of the four can have a line break in it.
    let hash = digest(&SHA256, format!("{trail_arn}\n{account}\n{region}\n{first_position}").as_bytes());
    let mut number = hash.as_ref().first_chunk().copied().map_or(0, u128::from_be_bytes);
    let mut digit = || {
        let digit = BASE62.get((number % 62) as usize).copied().unwrap_or(b'0');
        number /= 62;
        char::from(digit)
    };
    (0..UNIQUE_CHARS).map(|_| digit()).collect()
}

/// The instant as a date; beyond the years 1 to 9999, which nothing here can write, the nearest of them.
pub(crate) fn utc(at_s: i64) -> OffsetDateTime {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_300_799;
    OffsetDateTime::from_unix_timestamp(at_s.clamp(FIRST, LAST)).expect("the years 1 to 9999 are in range")
}

#[cfg(test)]
mod tests;
