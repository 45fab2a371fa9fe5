//! What an import has done, so that the next one does not do it again.
//!
//! A file of marks: 16 bytes of SHA-256 for each finished file, over its name, size and version. It is only ever appended
//! to, without fsync: a mark that is lost means that a file is sent again and found to be duplicates. A mark must never be
//! wrong, so a torn one at the end is cut off, and a file that belongs to another import is refused.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

/// How the file begins, before the import's identity.
const MAGIC: &[u8; 16] = b"trailkeep import";
const MARK_BYTES: usize = 16;
const HEAD_BYTES: u64 = 2 * MARK_BYTES as u64;

/// A finished file: its name, size and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u128);

/// Which import a state belongs to: what is sent, and whither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(u128);

/// Marks of earlier imports.
#[derive(Debug, Default)]
pub(super) struct Done(Vec<u128>);

/// Where finished files are noted.
#[derive(Debug, Default)]
pub(super) struct State {
    /// None if nothing is noted.
    file: Option<File>,
    path: PathBuf,
}

/// Why there is no state.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{}: another import of this source is under way", path.display())]
    Locked { path: PathBuf },
    #[error("{}: it is no note of an import", path.display())]
    Strange { path: PathBuf },
    #[error("{}: it belongs to another import: source or destination differ", path.display())]
    Foreign { path: PathBuf },
}

impl Mark {
    /// The mark of a file; `version` is its ETag or time of change.
    pub(super) fn of(name: &[u8], size: u64, version: &[u8]) -> Self {
        Self(hash(&[name, &size.to_be_bytes(), version]))
    }
}

impl Identity {
    /// The identity of an import.
    pub(super) fn of(parts: &[&str]) -> Self {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        Self(hash(&parts))
    }

    /// The file for it, in the folder where states are kept.
    pub(super) fn path(self, folder: &Path) -> PathBuf {
        folder.join(format!("{:032x}", self.0))
    }
}

/// 16 bytes of SHA-256 over the parts, each with its length.
fn hash(parts: &[&[u8]]) -> u128 {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().first_chunk().copied().map(u128::from_be_bytes).expect("SHA-256 has 32 bytes")
}

impl Done {
    /// Whether the file is done.
    pub(super) fn has(&self, mark: Mark) -> bool {
        self.0.binary_search(&mark.0).is_ok()
    }
}

impl State {
    /// Opens the state in `path`, made if it is not there, and reads what is done. With `afresh` it is emptied.
    pub(super) fn open(path: &Path, identity: Identity, afresh: bool) -> Result<(Done, Self), Error> {
        let io = |error| Error::Io { path: path.to_owned(), error };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(io)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        let done = if begin(&mut file, path, identity)? { read(&mut file).map_err(io)? } else { Done::default() };
        if !afresh {
            return Ok((done, Self { file: Some(file), path: path.to_owned() }));
        }
        file.set_len(HEAD_BYTES).map_err(io)?;
        Ok((Done::default(), Self { file: Some(file), path: path.to_owned() }))
    }

    /// Where it is, if anything is noted.
    pub(super) fn path(&self) -> Option<&Path> {
        self.file.is_some().then_some(self.path.as_path())
    }

    /// Notes finished files. Without success nothing is noted from then on.
    pub(super) fn note(&mut self, marks: &[Mark]) -> Result<(), Error> {
        let Some(file) = self.file.as_mut().filter(|_| !marks.is_empty()) else { return Ok(()) };
        let bytes: Vec<u8> = marks.iter().flat_map(|mark| mark.0.to_be_bytes()).collect();
        file.write_all(&bytes).map_err(|error| {
            self.file = None;
            Error::Io { path: self.path.clone(), error }
        })
    }
}

/// Checks the head, or writes it where there is none. Says whether there may be marks.
fn begin(file: &mut File, path: &Path, identity: Identity) -> Result<bool, Error> {
    let io = |error| Error::Io { path: path.to_owned(), error };
    let head = [MAGIC.as_slice(), &identity.0.to_be_bytes()].concat();
    let mut found = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut found).map_err(io)?;
    if found == head {
        return Ok(true);
    }
    if found.len() as u64 == HEAD_BYTES && found.starts_with(MAGIC) {
        return Err(Error::Foreign { path: path.to_owned() });
    }
    // A head that was torn by a crash; anything else is somebody's file.
    if !head.starts_with(&found) {
        return Err(Error::Strange { path: path.to_owned() });
    }
    file.set_len(0).map_err(io)?;
    file.write_all(&head).map_err(io)?;
    Ok(false)
}

/// The marks after the head; a torn one at the end is cut off.
fn read(file: &mut File) -> io::Result<Done> {
    let marks = (file.metadata()?.len() - HEAD_BYTES) / MARK_BYTES as u64;
    file.set_len(HEAD_BYTES + marks * MARK_BYTES as u64)?;
    file.seek(SeekFrom::Start(HEAD_BYTES))?;
    let mut done = Vec::with_capacity(usize::try_from(marks).unwrap_or_default());
    let mut reader = io::BufReader::with_capacity(1 << 20, &*file);
    let mut mark = [0; MARK_BYTES];
    for _ in 0..marks {
        reader.read_exact(&mut mark)?;
        done.push(u128::from_be_bytes(mark));
    }
    done.sort_unstable();
    done.dedup();
    Ok(Done(done))
}

/// Where states are kept: `$XDG_STATE_HOME/trailkeep/imports`, else `~/.local/state/trailkeep/imports`.
pub(super) fn folder() -> Option<PathBuf> {
    Some(home()?.join("imports"))
}

/// Where the program notes what it did: `$XDG_STATE_HOME/trailkeep`.
pub(crate) fn home() -> Option<PathBuf> {
    let xdg = std::env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").filter(|home| !home.is_empty()).map(|home| PathBuf::from(home).join(".local/state"));
    Some(xdg.or_else(home)?.join("trailkeep"))
}

#[cfg(test)]
mod tests;
