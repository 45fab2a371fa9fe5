//! The file `COMMITTED`: how far callers may have been told that their entries are safe.
//!
//! It is written after each group's fdatasync and before its callers are answered, in place and without an fsync of
//! its own. So it survives a killed process, and after a power cut it is at worst old: always a lower bound. Recovery
//! compares it with what it finds, and tells a lost acknowledged entry from a torn group by it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::Position;
use crate::disk::Disk;
use crate::frame::Fields;

/// Its name in the journal's directory.
pub(crate) const FILE_NAME: &str = "COMMITTED";
const MAGIC: [u8; 8] = *b"TKMARK\r\n";

/// The open file.
#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
}

impl Mark {
    /// Opens the file, and creates it if there is none.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(dir.join(FILE_NAME))?;
        Ok(Self { file })
    }

    pub(crate) fn set(&self, disk: &Disk, committed: Position) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(20);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&committed.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        disk.write_all_at(&self.file, &bytes, 0)
    }
}

/// What the file says. Without one, or with one that a power cut has spoilt, nothing is known: 0.
pub(crate) fn read(dir: &Path) -> io::Result<Position> {
    match std::fs::read(dir.join(FILE_NAME)) {
        Ok(bytes) => Ok(parse(&bytes).unwrap_or(0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

fn parse(bytes: &[u8]) -> Option<Position> {
    let checked = bytes.get(..16)?;
    let mut fields = Fields(bytes);
    let magic: [u8; 8] = fields.array()?;
    let committed = fields.u64()?;
    (magic == MAGIC && fields.u32()? == crc32fast::hash(checked)).then_some(committed)
}
