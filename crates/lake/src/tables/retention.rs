//! Files of which every event is older than the store keeps events are dropped whole. Until then scans leave out what is
//! too old.

use std::sync::Arc;

use catalog::lake_files;

use super::error::Error;
use super::file::File;
use super::store::Store;

/// Drops what is too old.
pub(super) async fn expire(store: &Store) -> Result<(), Error> {
    let cutoff_us = store.cutoff_us();
    let files = store.files();
    let old: Vec<Arc<File>> = files.iter().filter(|file| file.newest_us() < cutoff_us).cloned().collect();
    if old.is_empty() {
        return Ok(());
    }
    let mut tx = store.shared.catalog.begin().await?;
    for file in &old {
        lake_files::remove(&mut tx, file.id()).await?;
    }
    tx.commit().await?;
    let rows: u64 = old.iter().map(|file| file.rows()).sum();
    tracing::info!(store = store.info.id, files = old.len(), rows, "dropped: older than the store keeps events");
    store.replaced(&old, None);
    Ok(())
}
