//! What is on disk and does not count: what a crash left.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::lake_files;

use super::error::Error;
use super::file::{self, File};
use super::writer::DATA_FOLDER;

/// The files that count; removes the others from the store's folder of data.
pub(super) fn open_files(folder: &Path, rows: Vec<lake_files::File>) -> Result<Vec<Arc<File>>, Error> {
    let data = folder.join(DATA_FOLDER);
    fs::create_dir_all(&data).map_err(|error| Error::io(&data, error))?;
    let counts: HashSet<PathBuf> = rows.iter().map(|row| folder.join(&row.path)).collect();
    for day in entries(&data)? {
        if !day.is_dir() {
            continue;
        }
        for path in entries(&day)? {
            if !counts.contains(&path) {
                tracing::info!(file = %path.display(), "removed: it was never committed");
                file::remove(&path);
            }
        }
        // Only an empty one goes.
        let _gone = fs::remove_dir(&day);
    }
    let files: Vec<_> = rows.into_iter().map(|row| Arc::new(File::new(row, folder))).collect();
    for file in &files {
        if let Err(error) = super::checked::Checked::open(file) {
            tracing::error!(%error, "queries that need it will fail");
        }
    }
    Ok(files)
}

/// The folders of stores, by their ids.
pub(super) fn store_folders(dir: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut folders = Vec::new();
    for account in entries(dir)?.into_iter().filter(|path| path.is_dir()) {
        for store in entries(&account)?.into_iter().filter(|path| path.join(DATA_FOLDER).is_dir()) {
            if let Some(id) = store.file_name() {
                folders.push((id.to_string_lossy().into_owned(), store));
            }
        }
    }
    Ok(folders)
}

/// Removes all that is in a dropped store's folder.
pub(super) fn remove_folder(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), %error, "was not removed");
    }
}

/// Removes what is in a dropped store's folder beside data files that snapshots hold: they remove themselves, and what
/// is left of the folder goes at the next start.
pub(super) fn empty_folder(folder: &Path) {
    for entry in entries(folder).unwrap_or_default() {
        if !entry.ends_with(DATA_FOLDER) {
            remove_folder(&entry);
        }
    }
    let data = folder.join(DATA_FOLDER);
    let days = entries(&data).unwrap_or_default();
    for empty in days.iter().chain([&data, &folder.to_owned()]) {
        // Only an empty one goes.
        let _gone = fs::remove_dir(empty);
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::io(folder, error))?;
    entries.map(|entry| Ok(entry.map_err(|error| Error::io(folder, error))?.path())).collect()
}
