//! The beginning of a segment: what must be known of all segments before it, so that they can be removed.
//!
//! ```text
//! magic 8 B | version u16 | zero u16 | length u32 | first u64 | accepted_at_us i64 | previous_first u64 |
//! previous_bytes u64 | count u32 | count × (key_len u16, key, root 32 B, size u64) | crc32 u32
//! ```
//!
//! The crc32 is also the salt of the segment's frames.

use bytes::Bytes;

use crate::Position;
use crate::frame::{Fault, Fields, Row, encode_rows};

#[cfg(test)]
mod tests;

const MAGIC: &[u8; 8] = b"TKJRNL\r\n";
const VERSION: u16 = 1;
/// Bytes needed to learn how long the header is.
const LENGTH_END: usize = 16;

/// What a segment says about the journal up to its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Position of its first entry.
    pub(crate) first: Position,
    /// Time of the last entry before it.
    pub(crate) accepted_at_us: i64,
    /// First position and size in bytes of the segment before it.
    pub(crate) previous: Option<(Position, u64)>,
    /// Size of each ledger; together they are `first`.
    pub(crate) ledgers: Vec<(Bytes, u64)>,
}

/// A header as found in a file.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) header: Header,
    pub(crate) bytes: u64,
    pub(crate) salt: u32,
}

impl Header {
    /// Its bytes, and the salt of the frames that follow.
    pub(crate) fn encode(&self) -> (Vec<u8>, u32) {
        let (previous_first, previous_bytes) = self.previous.unwrap_or_default();
        let rows: Vec<_> = self.ledgers.iter().map(|(key, size)| Row { key, size: *size }).collect();
        let mut rest = Vec::with_capacity(64 + rows.len() * 96);
        rest.extend_from_slice(&self.first.to_le_bytes());
        rest.extend_from_slice(&self.accepted_at_us.to_le_bytes());
        rest.extend_from_slice(&previous_first.to_le_bytes());
        rest.extend_from_slice(&previous_bytes.to_le_bytes());
        encode_rows(&mut rest, &rows);

        let length = LENGTH_END + rest.len() + 4;
        let mut out = Vec::with_capacity(length);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&(length as u32).to_le_bytes());
        out.extend_from_slice(&rest);
        let salt = crc32fast::hash(&out);
        out.extend_from_slice(&salt.to_le_bytes());
        (out, salt)
    }

    /// Reads the header at the beginning of a segment's bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, Fault> {
        let head = bytes.get(..LENGTH_END).ok_or(Fault::Short(LENGTH_END))?;
        if !head.starts_with(MAGIC) {
            return Err(Fault::Bad("file does not begin as a journal segment"));
        }
        let malformed = || Fault::Bad("segment header is not laid out as one");
        let mut fields = Fields(head);
        fields.array::<8>().ok_or_else(malformed)?;
        let version = fields.u32().ok_or_else(malformed)?;
        let length = fields.u32().ok_or_else(malformed)? as usize;
        let whole = bytes.get(..length).ok_or(Fault::Short(length))?;
        let (checked, salt) = whole.split_last_chunk::<4>().ok_or_else(malformed)?;
        let salt = u32::from_le_bytes(*salt);
        if crc32fast::hash(checked) != salt {
            return Err(Fault::Bad("segment header does not match its checksum"));
        }
        if version != u32::from(VERSION) {
            return Err(Fault::Bad("segment is of a format version not known here"));
        }
        let rest = checked.get(LENGTH_END..).ok_or_else(malformed)?;
        let header = Self::fields(&mut Fields(rest)).ok_or_else(malformed)?;
        Ok(Parsed { header, bytes: length as u64, salt })
    }

    fn fields(fields: &mut Fields<'_>) -> Option<Self> {
        let first = fields.u64()?;
        let accepted_at_us = fields.i64()?;
        let previous = Some((fields.u64()?, fields.u64()?)).filter(|(_, bytes)| *bytes > 0);
        let ledgers: Vec<_> = fields.rows()?.into_iter().map(|row| (Bytes::copy_from_slice(row.key), row.size)).collect();
        let sum = ledgers.iter().try_fold(0u64, |sum, (_, size)| sum.checked_add(*size))?;
        (fields.0.is_empty() && sum == first).then_some(Self { first, accepted_at_us, previous, ledgers })
    }
}
