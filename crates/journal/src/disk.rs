//! Every change the journal makes to the file system, in one place, so that tests can make it fail.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

#[cfg(test)]
pub(crate) mod faults;

/// The file system, or in tests one that fails when told to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    #[cfg(test)]
    pub(crate) faults: std::sync::Arc<faults::Faults>,
}

#[allow(clippy::unused_self, reason = "only the disk of tests has state")]
impl Disk {
    /// A new file, readable by its owner alone: records say who did what.
    pub(crate) fn create(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
    }

    pub(crate) fn write_all_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(test)]
        let bytes = match self.faults.room_for(bytes.len()) {
            room if room < bytes.len() => {
                file.write_all_at(&bytes[..room], offset)?;
                return Err(io::ErrorKind::StorageFull.into());
            }
            _ => bytes,
        };
        file.write_all_at(bytes, offset)
    }

    pub(crate) fn sync_data(&self, file: &File) -> io::Result<()> {
        #[cfg(test)]
        self.faults.before_sync()?;
        file.sync_data()
    }

    /// Cuts the file at `len`, durably.
    pub(crate) fn truncate(&self, file: &File, len: u64) -> io::Result<()> {
        #[cfg(test)]
        self.faults.before_truncate()?;
        file.set_len(len)?;
        file.sync_all()
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    pub(crate) fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        #[cfg(test)]
        self.faults.before_sync()?;
        File::open(dir)?.sync_all()
    }

    /// Bytes an unprivileged process may still write.
    pub(crate) fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        #[cfg(test)]
        if let Some(bytes) = self.faults.free_bytes() {
            return Ok(bytes);
        }
        let stat = rustix::fs::statvfs(dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// Whether a write failed for want of room, so that nothing else is known to be wrong.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
