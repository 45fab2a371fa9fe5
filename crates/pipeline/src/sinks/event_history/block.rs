//! Records that are compressed together.
//!
//! A block holds some tens of records in order of place, newest first: first what is known about each of them, column
//! by column in short numbers, then their bytes one after the other.

use bytes::Bytes;
use cloudtrail::account::AccountId;
use smol_str::SmolStr;

use super::place::Place;
use super::varint::{self, Reader};
use crate::capture::origin::Origin;

/// A block is full at so many records (measurements.md: 5.9 times smaller, and 50 µs to read).
pub(super) const RECORDS_MAX: usize = 32;
/// Or at so many bytes: a lookup that wants one small record should not have to read megabytes of large ones.
const FULL_BYTES: usize = 128 << 10;
/// Room for everything but the records' bytes.
const HEAD_BYTES_MAX: usize = 128 << 10;
/// The largest record.
const RECORD_BYTES_MAX: usize = journal::PAYLOAD_BYTES_MAX;
/// No block is larger, decompressed.
pub(super) const BYTES_MAX: usize = FULL_BYTES + RECORD_BYTES_MAX + HEAD_BYTES_MAX;
/// Longest principal (journal::PRINCIPAL_BYTES_MAX).
const PRINCIPAL_BYTES_MAX: u64 = journal::PRINCIPAL_BYTES_MAX as u64;

/// A record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) place: Place,
    pub(super) accepted_at_us: i64,
    pub(super) origin: Origin,
    pub(super) owner: AccountId,
    pub(super) account: AccountId,
    pub(super) principal: SmolStr,
    pub(super) bytes: Bytes,
}

/// Whether a block with so many records and bytes takes no further record.
pub(super) fn is_full(records: usize, bytes: usize) -> bool {
    records >= RECORDS_MAX || bytes >= FULL_BYTES
}

/// The block of `records`, before compression.
pub(super) fn encode(records: &[Stored], out: &mut Vec<u8>) {
    let (mut accounts, mut principals) = (Vec::new(), Vec::new());
    for record in records {
        number_of(&mut accounts, &record.owner);
        number_of(&mut accounts, &record.account);
        number_of(&mut principals, &record.principal);
    }
    varint::put(out, records.len() as u64);
    varint::put(out, accounts.len() as u64);
    for account in &accounts {
        out.extend_from_slice(account.as_str().as_bytes());
    }
    varint::put(out, principals.len() as u64);
    for principal in &principals {
        varint::put(out, principal.len() as u64);
        out.extend_from_slice(principal.as_bytes());
    }
    let (mut place, mut accepted_at_us) = (Place { event_time_s: 0, position: 0 }, 0);
    for record in records {
        varint::put_signed(out, record.place.event_time_s.wrapping_sub(place.event_time_s));
        varint::put_signed(out, record.place.position.wrapping_sub(place.position) as i64);
        varint::put_signed(out, record.accepted_at_us.wrapping_sub(accepted_at_us));
        out.push(record.origin as u8);
        varint::put(out, number_of(&mut accounts, &record.owner) as u64);
        varint::put(out, number_of(&mut accounts, &record.account) as u64);
        varint::put(out, number_of(&mut principals, &record.principal) as u64);
        varint::put(out, record.bytes.len() as u64);
        (place, accepted_at_us) = (record.place, record.accepted_at_us);
    }
    for record in records {
        out.extend_from_slice(&record.bytes);
    }
}

/// The records of a block; their bytes are slices of `raw`. None if it is not a block.
pub(super) fn decode(raw: &Bytes) -> Option<Vec<Stored>> {
    let mut reader = Reader::new(raw);
    let count = reader.up_to(RECORDS_MAX as u64)?;
    let accounts = many(&mut reader, 2 * RECORDS_MAX, |reader| account(reader.bytes(12)?))?;
    let principals = many(&mut reader, RECORDS_MAX, |reader| {
        let len = reader.up_to(PRINCIPAL_BYTES_MAX)?;
        std::str::from_utf8(reader.bytes(len)?).ok().map(SmolStr::new)
    })?;
    let (mut place, mut accepted_at_us) = (Place { event_time_s: 0, position: 0 }, 0i64);
    let mut records = Vec::with_capacity(count);
    let mut lengths = [0; RECORDS_MAX];
    for length in lengths.iter_mut().take(count) {
        place.event_time_s = place.event_time_s.wrapping_add(reader.signed()?);
        place.position = place.position.wrapping_add(reader.signed()? as u64);
        accepted_at_us = accepted_at_us.wrapping_add(reader.signed()?);
        let origin = Origin::from_stored(reader.bytes(1)?[0])?;
        let owner = *accounts.get(reader.number()? as usize)?;
        let account = *accounts.get(reader.number()? as usize)?;
        let principal = principals.get(reader.number()? as usize)?.clone();
        *length = reader.up_to(RECORD_BYTES_MAX as u64)?;
        records.push(Stored { place, accepted_at_us, origin, owner, account, principal, bytes: Bytes::new() });
    }
    for (record, length) in records.iter_mut().zip(lengths) {
        record.bytes = raw.slice_ref(reader.bytes(length)?);
    }
    reader.is_empty().then_some(records)
}

fn many<T>(reader: &mut Reader<'_>, max: usize, item: impl Fn(&mut Reader<'_>) -> Option<T>) -> Option<Vec<T>> {
    let count = reader.up_to(max as u64)?;
    (0..count).map(|_| item(reader)).collect()
}

fn account(id: &[u8]) -> Option<AccountId> {
    std::str::from_utf8(id).ok()?.parse().ok()
}

/// The number of `item` in `items`, where it is put if need be. They are few: mostly one.
fn number_of<T: PartialEq + Clone>(items: &mut Vec<T>, item: &T) -> usize {
    items.iter().position(|known| known == item).unwrap_or_else(|| {
        items.push(item.clone());
        items.len() - 1
    })
}

#[cfg(test)]
mod tests;
