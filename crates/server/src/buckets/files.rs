//! The files that hold objects' bytes.
//!
//! A file is written under `incoming/`, synced, and moved to `content/XX/NUMBER`, where it stays as it is until it is
//! removed. Numbers rise with the clock, so a number is not given twice even when the catalog is put back from a
//! backup, and a file with a number from before the start is an orphan exactly if the catalog does not name it.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use pipeline::clock::SharedClock;
use rustix::fs::{CWD, RenameFlags, renameat_with, statvfs};

use super::error::Error;

const INCOMING: &str = "incoming";
const CONTENT: &str = "content";
/// Only the owner may read what is kept.
const MODE: u32 = 0o600;

/// The folder of files and the numbers to come.
pub(super) struct Files {
    root: PathBuf,
    last: AtomicI64,
    floor: i64,
    clock: SharedClock,
}

/// A file that has its place but is not yet named by the catalog. Dropped, it is removed again.
pub(super) struct Placed {
    files: Arc<Files>,
    number: i64,
    kept: bool,
}

/// A file being written. Dropped, it is removed again.
pub(super) struct Incoming {
    files: Arc<Files>,
    number: i64,
    file: Option<fs::File>,
}

impl Files {
    /// Opens the folder, makes it if needed, and removes what was being written when the program ended.
    pub(super) fn open(root: PathBuf, last: i64, clock: SharedClock) -> Result<Arc<Self>, Error> {
        for folder in [root.join(INCOMING), root.join(CONTENT)] {
            fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        }
        let incoming = root.join(INCOMING);
        for entry in fs::read_dir(&incoming).map_err(Error::file(&incoming))? {
            let path = entry.map_err(Error::file(&incoming))?.path();
            fs::remove_file(&path).map_err(Error::file(&path))?;
        }
        sync_folder(&root)?;
        let floor = clock.now_us().max(last + 1);
        Ok(Arc::new(Self { root, last: AtomicI64::new(floor), floor, clock }))
    }

    /// The number from which on files were written since the start.
    pub(super) fn floor(&self) -> i64 {
        self.floor
    }

    /// A number that was never given before.
    pub(super) fn next_number(&self) -> i64 {
        let now = self.clock.now_us();
        let next = |last: i64| Some(now.max(last + 1));
        let last = self.last.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).expect("the closure always gives a number");
        now.max(last + 1)
    }

    /// Refuses to write when less than this is free on the disk. Blocks.
    pub(super) fn check_room(&self, free_bytes_min: u64) -> Result<(), Error> {
        let disk = statvfs(&self.root).map_err(io::Error::from).map_err(Error::file(&self.root))?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < free_bytes_min {
            return Err(Error::file(&self.root)(io::Error::from(io::ErrorKind::StorageFull)));
        }
        Ok(())
    }

    /// Begins a file. Blocks.
    pub(super) fn create(self: &Arc<Self>) -> Result<Incoming, Error> {
        let number = self.next_number();
        let path = self.incoming_path(number);
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(MODE).open(&path).map_err(Error::file(&path))?;
        Ok(Incoming { files: Arc::clone(self), number, file: Some(file) })
    }

    /// Opens a file to read. Blocks.
    pub(super) fn read(&self, number: i64) -> Result<fs::File, Error> {
        let path = self.path(number);
        fs::File::open(&path).map_err(Error::file(&path))
    }

    /// Removes a file the catalog names no more; who has it open keeps reading. A failure leaves an orphan, which the
    /// next start sweeps.
    pub(super) fn remove(&self, number: i64) {
        let path = self.path(number);
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "cannot remove a replaced object's file");
        }
    }

    /// The folders of content, and the files in one of them by number.
    pub(super) fn folders(&self) -> Result<Vec<PathBuf>, Error> {
        let content = self.root.join(CONTENT);
        let entries = fs::read_dir(&content).map_err(Error::file(&content))?;
        entries.map(|entry| entry.map(|entry| entry.path()).map_err(Error::file(&content))).collect()
    }

    /// The numbers of the files in a folder. What is not named like a file of ours is left alone.
    pub(super) fn numbers(folder: &Path) -> Result<Vec<i64>, Error> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(folder).map_err(Error::file(folder))? {
            let name = entry.map_err(Error::file(folder))?.file_name();
            let number = name.to_str().filter(|name| name.len() == 16).and_then(|name| i64::from_str_radix(name, 16).ok());
            numbers.extend(number);
        }
        Ok(numbers)
    }

    pub(super) fn path(&self, number: i64) -> PathBuf {
        self.root.join(CONTENT).join(format!("{:02x}", number & 0xff)).join(format!("{number:016x}"))
    }

    fn incoming_path(&self, number: i64) -> PathBuf {
        self.root.join(INCOMING).join(format!("{number:016x}"))
    }
}

impl Incoming {
    /// The file to write to.
    pub(super) fn file(&mut self) -> &mut fs::File {
        self.file.as_mut().expect("the file is taken only by `place`")
    }

    /// Where it is while it is written.
    pub(super) fn path(&self) -> PathBuf {
        self.files.incoming_path(self.number)
    }

    /// Makes what was written durable and gives it its place. Blocks.
    pub(super) fn place(mut self) -> Result<Placed, Error> {
        let from = self.path();
        let to = self.files.path(self.number);
        let folder = to.parent().expect("content lies in a folder");
        self.file().sync_all().map_err(Error::file(&from))?;
        // Never over a file that is there: an immutable file has one content.
        let moved = || renameat_with(CWD, &from, CWD, &to, RenameFlags::NOREPLACE).map_err(io::Error::from);
        match moved() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(folder).map_err(Error::file(folder))?;
                sync_folder(&self.files.root.join(CONTENT))?;
                moved().map_err(Error::file(&to))?;
            }
            other => other.map_err(Error::file(&to))?,
        }
        self.file = None;
        let placed = Placed { files: Arc::clone(&self.files), number: self.number, kept: false };
        sync_folder(folder)?;
        Ok(placed)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if self.file.is_some() {
            let path = self.path();
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "cannot remove an unfinished file");
            }
        }
    }
}

impl Placed {
    /// The file's number.
    pub(super) fn number(&self) -> i64 {
        self.number
    }

    /// Leaves the file where it is. To be called before the commit that names it: a commit that was cut short may have
    /// succeeded, and if it did not, the file is an orphan that the next start sweeps.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if !self.kept {
            self.files.remove(self.number);
        }
    }
}

fn sync_folder(folder: &Path) -> Result<(), Error> {
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::file(folder))
}

#[cfg(test)]
mod tests;
