//! Archives as `POST /v1/import` takes them: tars of log files, each as it was found.

use std::borrow::Cow;

use bytes::Bytes;
use tar::{EntryType, Header};

use super::state::Mark;
use super::tally::Damage;

/// An archive is sent when the next file would make it larger: large enough that the way to the server does not matter,
/// small enough that several are under way.
pub(super) const ARCHIVE_BYTES: usize = 8 << 20;
/// The most files in an archive; their names and marks are kept until the answer is there.
pub(super) const FILES_MAX: usize = 4_096;
/// The largest file that is sent: what the server takes in a request (64 MiB; architecture, section 8), less the tar around it.
pub(super) const FILE_BYTES_MAX: usize = 60 << 20;
/// A tar is made of blocks; a file has one before it.
const BLOCK: usize = 512;
/// Two empty blocks end a tar.
const END: usize = 2 * BLOCK;
/// What an archive is given at first: with room for the file that shows that it is full, as a rule.
const ROOM: usize = ARCHIVE_BYTES + (256 << 10);
/// The longest name in a plain header.
const LABEL_BYTES_MAX: usize = 100;

/// An archive that is ready to be sent.
#[derive(Debug)]
pub(super) struct Archive {
    pub(super) body: Bytes,
    /// In the order in which the archive has them.
    pub(super) files: Vec<Packed>,
}

/// A file in an archive.
#[derive(Debug)]
pub(super) struct Packed {
    /// The whole name, as the user knows it.
    pub(super) name: String,
    /// What it is called in the archive.
    pub(super) label: String,
    pub(super) mark: Mark,
    pub(super) bytes: u64,
}

/// An archive being filled.
#[derive(Debug, Default)]
pub(super) struct Packing {
    body: Vec<u8>,
    files: Vec<Packed>,
}

impl Packing {
    /// Adds a file whose content `fill` appends. Gives back an archive if one is complete. A file that cannot be had leaves
    /// no trace.
    pub(super) fn add(
        &mut self,
        name: String,
        mark: Mark,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), Damage>,
    ) -> Result<Option<Archive>, Damage> {
        if self.body.capacity() == 0 {
            self.body.reserve_exact(ROOM);
        }
        let start = self.body.len();
        self.body.resize(start + BLOCK, 0);
        let filled = fill(&mut self.body);
        let size = self.body.len() - start - BLOCK;
        if let Err(damage) = filled.and_then(|()| fits(size as u64)) {
            self.body.truncate(start);
            return Err(damage);
        }
        let label = label(&name);
        self.body[start..start + BLOCK].copy_from_slice(header(&label, size as u64).as_bytes());
        self.body.resize(self.body.len().next_multiple_of(BLOCK), 0);
        let file = Packed { name, label, mark, bytes: size as u64 };
        if start > 0 && self.body.len() > ARCHIVE_BYTES {
            let mut rest = Self { body: Vec::with_capacity(ROOM), files: vec![file] };
            rest.body.extend_from_slice(&self.body[start..]);
            self.body.truncate(start);
            return Ok(std::mem::replace(self, rest).finish());
        }
        self.files.push(file);
        Ok(if self.files.len() == FILES_MAX { std::mem::take(self).finish() } else { None })
    }

    /// What is left at the end, if anything.
    pub(super) fn finish(mut self) -> Option<Archive> {
        if self.files.is_empty() {
            return None;
        }
        self.body.resize(self.body.len() + END, 0);
        Some(Archive { body: self.body.into(), files: self.files })
    }
}

/// An archive with nothing in it.
pub(super) fn empty() -> Bytes {
    Bytes::from_static(&[0; END])
}

/// Refuses a file that is too large to be sent.
pub(super) fn fits(size: u64) -> Result<(), Damage> {
    if size <= FILE_BYTES_MAX as u64 {
        return Ok(());
    }
    Err(Damage::new("TooLarge", format!("it is larger than {} MiB", FILE_BYTES_MAX >> 20)))
}

/// The last part of a name, as much of its end as a plain header holds: answers come in order, so it need not be unique.
fn label(name: &str) -> String {
    let last = name.rsplit('/').next().filter(|last| !last.is_empty()).unwrap_or("file");
    let mut start = last.len().saturating_sub(LABEL_BYTES_MAX);
    while !last.is_char_boundary(start) {
        start += 1;
    }
    let end: Cow<'_, str> = Cow::Borrowed(&last[start..]);
    end.replace('\0', "?")
}

fn header(label: &str, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..label.len()].copy_from_slice(label.as_bytes());
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

#[cfg(test)]
mod tests;
