//! Records that the other installation refused: kept in a file, a line each with the reason, and counted. Nobody else has
//! them.
//!
//! What must stay true: every line is whole once records are put aside, and a failed write leaves no part of one behind.
//! The file is opened each time, so that whoever looks after the records may take it away.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

/// The file in the data directory.
const NAME: &str = "rejected.ndjson";
/// The one before it.
const NAME_BEFORE: &str = "rejected.1.ndjson";
/// Bytes of the file; what would go beyond begins a new one, and the one before is dropped. Own choice: some fifty
/// thousand records, and twice that is kept.
const BYTES_MAX: u64 = 64 << 20;
/// Bytes that are looked at at once for the end of the last line.
const PIECE_BYTES: u64 = 64 << 10;

/// The file.
#[derive(Clone)]
pub(super) struct Aside {
    dir: Arc<Path>,
    bytes_max: u64,
}

/// A record that was refused.
pub(super) struct Refused {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) record: Bytes,
}

#[derive(Serialize)]
struct Line<'a> {
    code: &'a str,
    message: &'a str,
    record: &'a RawValue,
}

impl Aside {
    /// Opens the file in this directory, or makes it.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        Self::bounded(dir, BYTES_MAX)
    }

    fn bounded(dir: &Path, bytes_max: u64) -> io::Result<Self> {
        let aside = Self { dir: dir.into(), bytes_max };
        mended(&aside.file()?)?;
        aside.sync_dir()?;
        Ok(aside)
    }

    /// Where it is.
    pub(super) fn path(dir: &Path) -> PathBuf {
        dir.join(NAME)
    }

    /// Puts records aside; returns when they are on disk. Blocks.
    pub(super) fn put(&self, refused: &[Refused]) -> io::Result<()> {
        let lines = lines(refused)?;
        let mut file = self.file()?;
        let mut length = mended(&file)?;
        if length > 0 && length + lines.len() as u64 > self.bytes_max {
            (file, length) = (self.begun_anew()?, 0);
        }
        let written = file.write_all(&lines).and_then(|()| file.sync_data());
        if written.is_err() {
            // Should this fail too, the next time mends it.
            drop(file.set_len(length));
        }
        written
    }

    fn file(&self) -> io::Result<File> {
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(Self::path(&self.dir))
    }

    /// Makes room for a new file.
    fn begun_anew(&self) -> io::Result<File> {
        let before = self.dir.join(NAME_BEFORE);
        if let Ok(dropped) = before.metadata() {
            tracing::error!(bytes = dropped.len(), "the older records that were refused are dropped: {}", before.display());
        }
        std::fs::rename(Self::path(&self.dir), &before)?;
        let file = self.file()?;
        self.sync_dir()?;
        Ok(file)
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}

fn lines(refused: &[Refused]) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for Refused { code, message, record } in refused {
        let record: &RawValue = serde_json::from_slice(record)?;
        serde_json::to_writer(&mut lines, &Line { code, message, record })?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Takes off what stands behind the last line's end: a write that failed, or that a crash cut short. Its records were not
/// settled and come again. Returns how long the file is.
fn mended(mut file: &File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let mut piece = Vec::new();
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(PIECE_BYTES);
        file.seek(SeekFrom::Start(start))?;
        piece.clear();
        file.take(end - start).read_to_end(&mut piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < length {
        file.set_len(end)?;
    }
    Ok(end)
}

#[cfg(test)]
mod tests;
