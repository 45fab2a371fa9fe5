//! Reading the last segment as a crash left it: which groups are whole, and what is to be thought of the rest.

use std::collections::HashMap;

use bytes::Bytes;
use crc32fast::Hasher;

use crate::Position;
use crate::frame::{self, Fault, Group, Header};
use crate::header::Parsed;
use crate::segment::{Spot, note};

#[cfg(test)]
mod tests;

/// Disks write a sector or leave it; files of ours only grow, so a sector that was left reads as zeros.
const SECTOR_BYTES: usize = 512;

/// What a segment holds.
#[derive(Debug)]
pub(crate) struct Scan {
    /// State after the last whole group.
    pub(crate) tail: Tail,
    /// Offset after the last whole group.
    pub(crate) end: usize,
    /// Offset where the last whole group begins; `end` if there is none.
    pub(crate) last_group: usize,
    /// Some of the frames passed, in order.
    pub(crate) spots: Vec<Spot>,
    /// What comes after `end`.
    pub(crate) rest: Rest,
}

/// State of the journal after a group.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    pub(crate) position: Position,
    pub(crate) accepted_at_us: i64,
    pub(crate) ledgers: HashMap<Bytes, u64>,
}

/// What comes after the last whole group.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing.
    Empty,
    /// A group that a crash interrupted: it was never acknowledged.
    Torn,
    /// Bytes that were written whole and are not what they were.
    Corrupt {
        /// Where the damaged frame begins.
        offset: usize,
        /// What is wrong there.
        reason: &'static str,
    },
}

/// Scans a segment's bytes after its header.
pub(crate) fn scan(data: &[u8], parsed: &Parsed) -> Scan {
    let header = &parsed.header;
    let start = parsed.bytes as usize;
    let mut scan = Scan {
        tail: Tail {
            position: header.first,
            accepted_at_us: header.accepted_at_us,
            ledgers: header.ledgers.iter().cloned().collect(),
        },
        end: start,
        last_group: start,
        spots: Vec::new(),
        rest: Rest::Empty,
    };
    while scan.end < data.len() {
        if let Err((offset, fault)) = scan.group(data, parsed.salt) {
            scan.rest = judge(data, scan.end, offset, &fault, parsed.salt);
            break;
        }
    }
    scan
}

impl Scan {
    /// Takes the group at `self.end`, or says where it fails and leaves everything as it was.
    fn group(&mut self, data: &[u8], salt: u32) -> Result<(), (usize, Fault)> {
        let start = self.end;
        let mut at = start;
        let mut position = self.tail.position;
        let mut accepted_at_us = self.tail.accepted_at_us;
        let mut sizes: HashMap<&[u8], u64> = HashMap::new();
        let mut checksum = Hasher::new();
        loop {
            let bytes = data.get(at..).unwrap_or_default();
            let fail = |fault| (at, fault);
            let header = Header::parse(bytes, salt).map_err(fail)?;
            let body = header.body(bytes).map_err(fail)?;
            if header.position != position || header.accepted_at_us < accepted_at_us {
                return Err(fail(Fault::Bad("frame does not follow the one before it")));
            }
            if header.kind.is_none() {
                let group = Group::parse(body).map_err(fail)?;
                let expected = (self.tail.position, start as u64, checksum.finalize(), sizes.len());
                let found = (group.first, group.start, group.checksum, group.rows.len());
                if expected != found || group.rows.iter().any(|row| sizes.get(row.key) != Some(&row.size)) {
                    return Err(fail(Fault::Bad("commit does not match its group")));
                }
                accepted_at_us = header.accepted_at_us;
                at += header.frame_bytes();
                break;
            }
            let ledger = header.ledger(body);
            let size = sizes.entry(ledger).or_insert_with(|| self.tail.ledgers.get(ledger).copied().unwrap_or_default());
            if *size != header.sequence {
                return Err(fail(Fault::Bad("frame does not follow the one before it in its ledger")));
            }
            *size += 1;
            checksum.update(&header.checksum.to_le_bytes());
            note(&mut self.spots, (position, at as u64));
            accepted_at_us = header.accepted_at_us;
            position += 1;
            at += header.frame_bytes();
        }
        for (key, size) in sizes {
            match self.tail.ledgers.get_mut(key) {
                Some(known) => *known = size,
                None => drop(self.tail.ledgers.insert(Bytes::copy_from_slice(key), size)),
            }
        }
        self.tail.position = position;
        self.tail.accepted_at_us = accepted_at_us;
        self.last_group = start;
        self.end = at;
        Ok(())
    }
}

/// Whether what follows the last whole group was left so by a crash. A group is begun only after the one before it is
/// on disk; so if a later group's commit exists, this one was once whole. Otherwise it is torn if something of it is
/// missing, which shows as a file that ends too early or as a sector never written. If all is there and is wrong
/// nevertheless, it rotted, and may have been acknowledged.
fn judge(data: &[u8], group: usize, offset: usize, fault: &Fault, salt: u32) -> Rest {
    let reason = match fault {
        Fault::Short(_) => "file ends within a frame",
        Fault::Bad(reason) => reason,
    };
    let corrupt = Rest::Corrupt { offset, reason };
    if later_group_exists(data, group, offset, salt) {
        return corrupt;
    }
    if matches!(fault, Fault::Short(_)) || sector_missing(data, group) { Rest::Torn } else { corrupt }
}

fn later_group_exists(data: &[u8], group: usize, from: usize, salt: u32) -> bool {
    (from..data.len()).any(|at| {
        let bytes = data.get(at..).unwrap_or_default();
        frame::may_be_commit(bytes)
            && commit_of(bytes, salt).is_some_and(|found| (group as u64 + 1..=at as u64).contains(&found.start))
    })
}

fn commit_of(bytes: &[u8], salt: u32) -> Option<Group<'_>> {
    let header = Header::parse(bytes, salt).ok().filter(|header| header.kind.is_none())?;
    Group::parse(header.body(bytes).ok()?).ok()
}

fn sector_missing(data: &[u8], from: usize) -> bool {
    let bytes = data.get(from..).unwrap_or_default();
    let (head, rest) = bytes.split_at(bytes.len().min(from.next_multiple_of(SECTOR_BYTES) - from));
    let missing = |piece: &[u8]| !piece.is_empty() && piece.iter().all(|byte| *byte == 0);
    missing(head) || rest.chunks(SECTOR_BYTES).any(missing)
}
