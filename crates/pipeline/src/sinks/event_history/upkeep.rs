//! What runs beside the follower: sealing, merging, dropping what is too old. Each is one catalog transaction; before
//! it the new files do not count, after it the old ones do not.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use catalog::{Catalog, Tx, cursors, segments};

use super::error::Error;
use super::handle::{Shared, file_name};
use super::open::Open;
use super::segment::{Family, Segment, Summary};
use super::sink::CURSOR;
use super::view::Member;
use super::{merge, seal, tiers};

impl Family {
    fn stored(self) -> segments::Family {
        match self {
            Self::Live => segments::Family::Live,
            Self::Imported => segments::Family::Imported,
        }
    }

    pub(super) fn from_stored(family: segments::Family) -> Self {
        match family {
            segments::Family::Live => Self::Live,
            segments::Family::Imported => Self::Imported,
        }
    }
}

/// Seals what the view says is being sealed.
pub(super) async fn seal(shared: Arc<Shared>, catalog: Catalog) -> Result<(), Error> {
    let Some(open) = shared.views.load().sealing.clone() else { return Ok(()) };
    if cursors::get(&catalog, CURSOR).await? != Some(open.first()) {
        return Err(Error::Catalog("a segment was committed in an unknown way: restart to go on".to_owned()));
    }
    let sealed = {
        let (shared, open) = (Arc::clone(&shared), Arc::clone(&open));
        blocking(move || seal_files(&shared, &open)).await?
    };
    let mut tx = catalog.begin().await?;
    let registered = register_sealed(&mut tx, &sealed, open.end()).await;
    commit(tx, registered, &sealed).await?;
    shared.views.sealed(&sealed);
    Ok(())
}

fn seal_files(shared: &Shared, open: &Open) -> Result<Vec<Arc<Segment>>, Error> {
    let mut sealed = Vec::new();
    for family in Family::ALL {
        match new_segment(shared, |path| seal::seal(open, family, &shared.dictionaries, path)) {
            Ok(segment) => sealed.extend(segment),
            Err(error) => {
                remove_files(&sealed);
                return Err(error);
            }
        }
    }
    sync_dir(&shared.dir)?;
    Ok(sealed)
}

async fn register_sealed(tx: &mut Tx, sealed: &[Arc<Segment>], end: u64) -> Result<(), Error> {
    for segment in sealed {
        segments::insert(tx, &row(segment)).await?;
    }
    Ok(cursors::set(tx, CURSOR, end).await?)
}

/// Merges `sources`.
pub(super) async fn merge(shared: Arc<Shared>, catalog: Catalog, sources: Vec<Arc<Segment>>) -> Result<(), Error> {
    let merged = {
        let (shared, sources) = (Arc::clone(&shared), sources.clone());
        blocking(move || merge_files(&shared, &sources)).await
    };
    let merged = merged.map_err(|error| shared.views.noted(error))?;
    let mut tx = catalog.begin().await?;
    let registered = register_merged(&mut tx, &sources, merged.as_ref()).await;
    commit(tx, registered, merged.as_slice()).await?;
    let gone = sources.iter().map(|segment| segment.id()).collect();
    shared.views.replaced(&gone, merged.as_ref());
    remove_files(&sources);
    Ok(())
}

/// The segments to merge next, if any; none that is known to be damaged.
pub(super) fn to_merge(shared: &Shared) -> Option<Vec<Arc<Segment>>> {
    let damaged: HashSet<u64> = shared.views.damaged().into_iter().map(|(id, _)| id).collect();
    let view = shared.views.load();
    let sound = view.sealed.iter().filter_map(|member| match member {
        Member::Sound(segment) if !damaged.contains(&segment.id()) => Some(segment),
        _ => None,
    });
    let candidates: Vec<_> = sound.clone().map(|segment| candidate(segment)).collect();
    let ids = tiers::plan(&candidates, &shared.config)?;
    Some(sound.filter(|segment| ids.contains(&segment.id())).cloned().collect())
}

fn candidate(segment: &Segment) -> tiers::Candidate {
    let Summary { family, records, first, .. } = *segment.summary();
    tiers::Candidate { id: segment.id(), family, first, records: u64::from(records), bytes: segment.file().len() }
}

fn merge_files(shared: &Shared, sources: &[Arc<Segment>]) -> Result<Option<Arc<Segment>>, Error> {
    let family = sources.first().map_or(Family::Live, |segment| segment.summary().family);
    let oldest_kept_s = shared.config.oldest_kept_s(family, shared.clock.now_us());
    let merged = new_segment(shared, |path| merge::merge(sources, oldest_kept_s, path, &shared.closing))?;
    sync_dir(&shared.dir)?;
    Ok(merged)
}

async fn register_merged(tx: &mut Tx, sources: &[Arc<Segment>], merged: Option<&Arc<Segment>>) -> Result<(), Error> {
    for segment in sources {
        segments::remove(tx, segment.id()).await?;
    }
    if let Some(segment) = merged {
        segments::insert(tx, &row(segment)).await?;
    }
    Ok(())
}

/// Drops the segments of which every event is too old.
pub(super) async fn expire(shared: &Shared, catalog: &Catalog) -> Result<(), Error> {
    let now_us = shared.clock.now_us();
    let is_old = |member: &&Member| member.newest_s() < shared.config.oldest_kept_s(member.family(), now_us);
    let gone: HashSet<u64> = shared.views.load().sealed.iter().filter(is_old).map(Member::id).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let mut tx = catalog.begin().await?;
    for id in &gone {
        segments::remove(&mut tx, *id).await?;
    }
    tx.commit().await?;
    shared.views.replaced(&gone, None);
    for id in gone {
        remove_file(&shared.dir.join(file_name(id)));
    }
    Ok(())
}

/// What the catalog keeps of a segment.
fn row(segment: &Segment) -> segments::Segment {
    let summary = segment.summary();
    segments::Segment {
        id: segment.id(),
        file: file_name(segment.id()),
        family: summary.family.stored(),
        records: u64::from(summary.records),
        bytes: segment.file().len(),
        newest_s: summary.newest_s,
        oldest_s: summary.oldest_s,
        first_position: summary.first,
        end_position: summary.end,
    }
}

/// Commits if `registered`, else removes the new files. If the commit itself fails nobody knows whether they count:
/// they stay, and the next start removes them if they do not.
async fn commit(tx: Tx, registered: Result<(), Error>, files: &[Arc<Segment>]) -> Result<(), Error> {
    if let Err(error) = registered {
        remove_files(files);
        return Err(error);
    }
    Ok(tx.commit().await?)
}

/// Lets `write` make a file and opens it; nothing is left of it if that fails.
fn new_segment(
    shared: &Shared,
    write: impl FnOnce(&Path) -> Result<Option<Summary>, Error>,
) -> Result<Option<Arc<Segment>>, Error> {
    let (id, path) = shared.new_file();
    let segment = write(&path).and_then(|summary| summary.map(|_| Segment::open(&path, id)).transpose());
    if segment.is_err() {
        remove_file(&path);
    }
    Ok(segment?.map(Arc::new))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Closing)?
}

fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| Error::io(dir, error))
}

fn remove_files(segments: &[Arc<Segment>]) {
    for segment in segments {
        remove_file(segment.file().path());
    }
}

/// Whoever still reads it goes on doing so. What cannot be removed is removed at the next start.
pub(super) fn remove_file(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(file = %path.display(), %error, "event history segment cannot be removed");
        }
        _ => {}
    }
}

/// Winding up: merges end early.
pub(super) fn close(shared: &Shared) {
    shared.closing.store(true, Ordering::Relaxed);
}
