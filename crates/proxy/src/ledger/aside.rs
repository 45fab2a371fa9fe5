//! Records that the other installation refused: kept in a file, a line each with the reason, and counted. Nobody else has
//! them.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

/// The file.
#[derive(Clone)]
pub(super) struct Aside {
    file: Arc<File>,
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
    /// Opens the file, or makes it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        if let Some(dir) = path.parent() {
            File::open(dir)?.sync_all()?;
        }
        Ok(Self { file: Arc::new(file) })
    }

    /// Puts records aside; returns when they are on disk. Blocks.
    pub(super) fn put(&self, refused: &[Refused]) -> io::Result<()> {
        let mut lines = Vec::new();
        for Refused { code, message, record } in refused {
            let record: &RawValue = serde_json::from_slice(record)?;
            serde_json::to_writer(&mut lines, &Line { code, message, record })?;
            lines.push(b'\n');
        }
        (&*self.file).write_all(&lines)?;
        self.file.sync_data()
    }
}
