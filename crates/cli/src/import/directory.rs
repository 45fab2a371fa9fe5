//! Log files in a folder, or a single one.

mod files;

use std::ffi::OsString;
use std::fs::{self, File, ReadDir};
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};

use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::archive::{self, FILE_BYTES_MAX, Packing};
use super::names::{self, Skip};
use super::progress::Total;
use super::source::Desk;
use super::state::Mark;
use super::tally::Damage;
use crate::exit::Failure;

/// Entries of a folder that are sorted together; a larger folder is gone through in parts, so that memory stays bounded.
const SORTED_MAX: usize = 100_000;
/// Files handed on together.
const BATCH_FILES_MAX: usize = 256;
/// Batches found ahead of the packers.
const BATCHES_AHEAD: usize = 16;
/// Threads that read files: while one waits for the disk the other packs.
const PACKERS: usize = 2;

/// A folder, or a file in it.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    only: Option<OsString>,
}

/// What a walk meets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Log files of one folder.
    Files(Batch),
    /// Files that are passed over.
    Skipped(Skip, u64),
    /// A folder that cannot be read.
    Unreadable(PathBuf, String),
}

/// Log files of one folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    folder: PathBuf,
    names: Vec<OsString>,
}

impl Folder {
    /// A folder or file that is there and can be read.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            fs::read_dir(path)?;
            return Ok(Self { root: path.to_owned(), only: None });
        }
        let name = path.file_name().filter(|_| metadata.is_file());
        let name = name.ok_or_else(|| io::Error::other("it is neither a file nor a folder"))?;
        File::open(path)?;
        Ok(Self { root: path.parent().map(Path::to_owned).unwrap_or_default(), only: Some(name.to_owned()) })
    }

    /// What tells it from others.
    pub(super) fn identity(&self) -> String {
        let path = self.only.as_ref().map_or_else(|| self.root.clone(), |name| self.root.join(name));
        format!("file {}", fs::canonicalize(&path).unwrap_or(path).display())
    }

    /// Whether it is a single file.
    pub(super) fn is_file(&self) -> bool {
        self.only.is_some()
    }

    /// Counts the log files; whether it came to the end.
    pub(super) async fn count(&self, total: &Arc<Total>, stop: &CancellationToken) -> bool {
        let (folder, total, stop) = (self.clone(), Arc::clone(total), stop.clone());
        let counted = spawn_blocking(move || {
            folder.walk(&mut |step| {
                if let Step::Files(batch) = step {
                    total.files.fetch_add(batch.names.len() as u64, Ordering::Relaxed);
                }
                if stop.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        });
        counted.await.is_ok_and(|walked| walked.is_continue())
    }

    /// Packs every log file.
    pub(super) async fn pack(&self, desk: Desk) -> Result<(), Failure> {
        let (batches, found) = sync_channel(BATCHES_AHEAD);
        let (folder, walkers_desk) = (self.clone(), desk.clone());
        let mut work = JoinSet::new();
        work.spawn_blocking(move || {
            let _ = folder.walk(&mut |step| {
                match step {
                    Step::Files(batch) => {
                        if batches.send(batch).is_err() {
                            return ControlFlow::Break(());
                        }
                    }
                    Step::Skipped(skip, files) => walkers_desk.tally.skipped(skip, files),
                    Step::Unreadable(path, error) => {
                        walkers_desk.tally.damaged(path.display().to_string(), Damage::new("Unreadable", error));
                    }
                }
                ControlFlow::Continue(())
            });
        });
        let found = Arc::new(Mutex::new(found));
        for _ in 0..PACKERS {
            let (root, found, desk) = (self.root.clone(), Arc::clone(&found), desk.clone());
            work.spawn_blocking(move || pack_batches(&root, &found, &desk));
        }
        // Only the threads may hold the receiving end: when they leave, the walk must notice.
        drop((found, desk));
        while let Some(ended) = work.join_next().await {
            ended.map_err(|error| Failure::Unreachable(format!("reading files broke off: {error}")))?;
        }
        Ok(())
    }

    /// Goes through the tree, each folder in the order of names, until told to stop.
    pub(super) fn walk(&self, each: &mut dyn FnMut(Step) -> ControlFlow<()>) -> ControlFlow<()> {
        match &self.only {
            Some(name) => each(Step::Files(Batch { folder: self.root.clone(), names: vec![name.clone()] })),
            None => walk_folder(&self.root, each),
        }
    }
}

fn walk_folder(folder: &Path, each: &mut dyn FnMut(Step) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut listing = match fs::read_dir(folder) {
        Ok(listing) => Some(listing),
        Err(error) => return each(Step::Unreadable(folder.to_owned(), error.to_string())),
    };
    let known = names::of_folder(&folder.to_string_lossy());
    while let Some(entries) = listing.as_mut() {
        let (part, error) = sorted_part(entries);
        // Closed before going deeper, as a rule: otherwise a deep tree would need many open folders.
        if part.len() < SORTED_MAX {
            listing = None;
        }
        let mut files = Files { folder, known, names: Vec::new(), each };
        for entry in part {
            files.take(entry)?;
        }
        files.flush()?;
        if let Some(error) = error {
            each(Step::Unreadable(folder.to_owned(), error.to_string()))?;
        }
    }
    ControlFlow::Continue(())
}

struct Entry {
    name: OsString,
    kind: Kind,
}

enum Kind {
    File,
    Folder,
    Other,
}

/// The next entries, in the order of names, and what kept from reading on.
fn sorted_part(listing: &mut ReadDir) -> (Vec<Entry>, Option<io::Error>) {
    let mut part = Vec::new();
    let mut failed = None;
    for entry in listing.by_ref() {
        match entry.and_then(|entry| Ok(Entry { kind: kind(&entry)?, name: entry.file_name() })) {
            Ok(entry) => part.push(entry),
            // What vanishes while it is looked at is not there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
        if part.len() == SORTED_MAX {
            break;
        }
    }
    part.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    (part, failed)
}

/// Links to files are files. Links to folders are not followed: they may lead in circles.
fn kind(entry: &fs::DirEntry) -> io::Result<Kind> {
    let type_ = entry.file_type()?;
    let is_file = type_.is_file() || type_.is_symlink() && fs::metadata(entry.path()).is_ok_and(|target| target.is_file());
    Ok(match (is_file, type_.is_dir()) {
        (true, _) => Kind::File,
        (_, true) => Kind::Folder,
        _ => Kind::Other,
    })
}

/// Files of a folder on their way.
struct Files<'a> {
    folder: &'a Path,
    known: Option<Skip>,
    names: Vec<OsString>,
    each: &'a mut dyn FnMut(Step) -> ControlFlow<()>,
}

impl Files<'_> {
    fn take(&mut self, entry: Entry) -> ControlFlow<()> {
        match entry.kind {
            Kind::Other => (self.each)(Step::Skipped(Skip::NotAFile, 1)),
            Kind::Folder => {
                self.flush()?;
                walk_folder(&self.folder.join(entry.name), self.each)
            }
            Kind::File => self.file(entry.name),
        }
    }

    fn file(&mut self, name: OsString) -> ControlFlow<()> {
        if let Some(skip) = names::of_file(self.known, &name.to_string_lossy()) {
            return (self.each)(Step::Skipped(skip, 1));
        }
        self.names.push(name);
        if self.names.len() == BATCH_FILES_MAX { self.flush() } else { ControlFlow::Continue(()) }
    }

    fn flush(&mut self) -> ControlFlow<()> {
        if self.names.is_empty() {
            return ControlFlow::Continue(());
        }
        (self.each)(Step::Files(Batch { folder: self.folder.to_owned(), names: std::mem::take(&mut self.names) }))
    }
}

/// Reads and packs until there is nothing more to read, or nobody takes archives.
fn pack_batches(root: &Path, found: &Mutex<Receiver<Batch>>, desk: &Desk) {
    let mut packing = Packing::default();
    loop {
        let batch = found.lock().expect("nothing panics while it waits").recv();
        let Ok(batch) = batch else { break };
        for name in batch.names {
            let path = batch.folder.join(name);
            match pack_file(&mut packing, root, &path, desk) {
                Ok(None) => {}
                Ok(Some(archive)) => {
                    if desk.archives.blocking_send(archive).is_err() {
                        return;
                    }
                }
                Err(damage) => desk.tally.damaged(path.display().to_string(), damage),
            }
        }
    }
    if let Some(archive) = packing.finish() {
        // Nobody takes it if the import was stopped.
        let _ = desk.archives.blocking_send(archive);
    }
}

fn pack_file(packing: &mut Packing, root: &Path, path: &Path, desk: &Desk) -> Result<Option<archive::Archive>, Damage> {
    let unreadable = |error: io::Error| Damage::new("Unreadable", error.to_string());
    let mut file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let size = metadata.len();
    let changed = [metadata.mtime().to_be_bytes(), metadata.mtime_nsec().to_be_bytes()].concat();
    let name = path.strip_prefix(root).unwrap_or(path);
    let mark = Mark::of(name.as_os_str().as_bytes(), size, &changed);
    if desk.done.has(mark) {
        desk.tally.done_before(1);
        return Ok(None);
    }
    archive::fits(size)?;
    packing.add(path.display().to_string(), mark, |body| {
        body.reserve(size as usize + 1);
        // One byte more than allowed shows that it has grown too large meanwhile.
        file.by_ref().take(FILE_BYTES_MAX as u64 + 1).read_to_end(body).map(drop).map_err(unreadable)
    })
}

#[cfg(test)]
mod tests;
