//! Reading a segment file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::super::error::{Damage, Error};

/// An open segment file. Its bytes never change; it may be removed while it is read.
pub(in super::super) struct SegmentFile {
    file: File,
    path: PathBuf,
    len: u64,
}

impl SegmentFile {
    pub(in super::super) fn open(path: &Path) -> Result<Self, Error> {
        let open = || {
            let file = File::open(path)?;
            let len = file.metadata()?.len();
            Ok((file, len))
        };
        match open() {
            Ok((file, len)) => Ok(Self { file, path: path.to_owned(), len }),
            Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => {
                Err(Damage { file: path.to_owned(), offset: 0, reason: "file is missing".to_owned() }.into())
            }
            Err(error) => Err(Error::io(path, error)),
        }
    }

    pub(in super::super) fn path(&self) -> &Path {
        &self.path
    }

    pub(in super::super) fn len(&self) -> u64 {
        self.len
    }

    pub(in super::super) fn damage(&self, offset: u64, reason: impl Into<String>) -> Damage {
        Damage { file: self.path.clone(), offset, reason: reason.into() }
    }

    /// The bytes at `offset`; `crc` is theirs.
    pub(in super::super) fn read(&self, offset: u64, len: usize, crc: u32, part: &str) -> Result<Vec<u8>, Error> {
        let bytes = self.read_unchecked(offset, len)?;
        if crc32fast::hash(&bytes) != crc {
            return Err(self.damage(offset, format!("{part} does not match its checksum")).into());
        }
        Ok(bytes)
    }

    /// The bytes at `offset`, which the caller checks.
    pub(in super::super) fn read_unchecked(&self, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
        if offset.checked_add(len as u64).is_none_or(|end| end > self.len) {
            return Err(self.damage(offset, format!("{len} bytes reach beyond the end of the file")).into());
        }
        let mut bytes = vec![0; len];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.damage(offset, "file became shorter while it was open").into())
            }
            Err(error) => Err(Error::io(&self.path, error)),
        }
    }
}
