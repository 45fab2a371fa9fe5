//! Compression of what is delivered: gzip, one member, dated.

use libdeflater::{CompressionLvl, Compressor};

/// Where the time stands in the header of a gzip member (RFC 1952, section 2.3). No checksum covers it.
const MTIME: std::ops::Range<usize> = 4..8;

/// `bytes` as one gzip member with that time, in seconds since 1970. The same input gives the same output.
pub fn gzip(bytes: &[u8], level: i32, mtime_s: i64) -> Vec<u8> {
    let level = CompressionLvl::new(level.clamp(1, 12)).expect("libdeflate has the levels 1 to 12");
    let mut compressor = Compressor::new(level);
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    let size = compressor.gzip_compress(bytes, &mut out).expect("the bound is large enough");
    out.truncate(size);
    // A time that does not fit is 0, which means that there is none.
    out[MTIME].copy_from_slice(&u32::try_from(mtime_s).unwrap_or(0).to_le_bytes());
    out
}

#[cfg(test)]
mod tests;
