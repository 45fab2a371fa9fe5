//! The spool: files on disk that wait for their bucket.
//!
//! A file has its name only once its bytes are on disk. What has a name and is not in the catalog is left over from a
//! crash and of no use: it is written again, with the same bytes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Marks files that are being written.
const UNFINISHED: &str = ".tmp";

/// A file of the spool that cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct Error {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error { path, source }
}

/// The folder with the files. Everything here blocks.
#[derive(Clone, Debug)]
pub struct Spool {
    dir: PathBuf,
}

impl Spool {
    /// The spool in that folder, which is made if need be.
    pub fn open(dir: PathBuf) -> Result<Self, Error> {
        if !dir.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(at(&dir))?;
            if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                sync_dir(parent)?;
            }
        }
        Ok(Self { dir })
    }

    /// Writes a file. It is there for good after the next [`sync`](Self::sync).
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path(name);
        let unfinished = self.path(&format!("{name}{UNFINISHED}"));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(at(&unfinished))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(at(&path))
    }

    /// Makes the names of all files written before durable.
    pub fn sync(&self) -> Result<(), Error> {
        sync_dir(&self.dir)
    }

    /// The bytes of a file.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.path(name);
        fs::read(&path).map_err(at(&path))
    }

    /// Removes a file; one that is gone already is no error.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&path)(error)),
            _ => Ok(()),
        }
    }

    /// The names of all files, unfinished ones too.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        let entries = fs::read_dir(&self.dir).map_err(at(&self.dir))?;
        let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().to_string_lossy().into_owned());
        entries.map(name).collect::<io::Result<_>>().map_err(at(&self.dir))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|file| file.sync_all()).map_err(at(dir))
}
