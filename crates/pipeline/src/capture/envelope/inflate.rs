//! Inflating, within bounds.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use libdeflater::{Decompressor, crc32};
use memchr::memmem;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    None,
    Gzip,
    Zstd,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InflateError {
    #[error("it is larger than {} MiB, inflated", super::INFLATED_BYTES_MAX >> 20)]
    TooLarge,
    #[error("the compressed data ends too early")]
    Truncated,
    #[error("the compressed data is damaged: {0}")]
    Damaged(String),
}

/// How every gzip member begins (RFC 1952): magic number and the only method there is.
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];
/// CRC-32 and length at the end of a gzip member.
const GZIP_TRAILER_BYTES: usize = 8;
/// DEFLATE cannot compress better than this (zlib's technical notes).
const DEFLATE_RATIO_MAX: usize = 1032;
/// The largest window a zstd frame may ask for: no more than all we would inflate.
const ZSTD_WINDOW_LOG_MAX: u32 = 26;
/// How much is inflated at a time when the size is not known.
const CHUNK_BYTES: usize = 64 << 10;

/// Whether the bytes begin as gzip does.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP_MAGIC[..2])
}

/// The bytes inflated, at most `max` of them.
pub(super) fn inflate(coding: Coding, bytes: &Bytes, max: usize) -> Result<Bytes, InflateError> {
    match coding {
        Coding::None if bytes.len() > max => Err(InflateError::TooLarge),
        Coding::None => Ok(bytes.clone()),
        Coding::Gzip => match single_gzip_member(bytes, max) {
            Some(inflated) => Ok(inflated.into()),
            None => bounded(MultiGzDecoder::new(&bytes[..]), max),
        },
        Coding::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(&bytes[..]).map_err(|e| damaged(&e))?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|e| damaged(&e))?;
            bounded(decoder, max)
        }
    }
}

/// Inflates the usual case, one member and nothing else, in one go; None if it may be another case, or is damaged.
///
/// The one-shot decoder does not say where it stopped. But another member would show its magic number, and anything
/// else behind the first would stand where the trailer is expected, unless it ends as the trailer does: then it is
/// passed over.
fn single_gzip_member(bytes: &[u8], max: usize) -> Option<Vec<u8>> {
    let (_, trailer) = bytes.split_last_chunk::<GZIP_TRAILER_BYTES>()?;
    let crc = u32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
    let size = u32::from_le_bytes([trailer[4], trailer[5], trailer[6], trailer[7]]) as usize;
    if size > max || size > bytes.len().saturating_mul(DEFLATE_RATIO_MAX) || memmem::find(&bytes[1..], &GZIP_MAGIC).is_some() {
        return None;
    }
    let mut inflated = vec![0; size];
    let written = Decompressor::new().gzip_decompress(bytes, &mut inflated).ok()?;
    (written == size && crc32(&inflated) == crc).then_some(inflated)
}

fn bounded(decoder: impl Read, max: usize) -> Result<Bytes, InflateError> {
    let mut inflated = Vec::with_capacity(CHUNK_BYTES);
    decoder.take(max as u64 + 1).read_to_end(&mut inflated).map_err(|e| damaged(&e))?;
    if inflated.len() > max { Err(InflateError::TooLarge) } else { Ok(inflated.into()) }
}

fn damaged(error: &io::Error) -> InflateError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => InflateError::Truncated,
        _ => InflateError::Damaged(error.to_string()),
    }
}
