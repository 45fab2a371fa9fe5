//! The system bucket: the files of federated event data stores, to be read as they lie on disk.
//!
//! Every account sees its own stores below its id, and no others; nobody writes. What must stay true: no key leads out of
//! the folder of a store that is federated and belongs to the caller's account.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use catalog::Catalog;
use catalog::buckets::Bucket;
use catalog::federation::{self, Federation, Status};
use catalog::objects::{Attributes, Listed, Object};
use cloudtrail::account::AccountId;

use super::content;
use super::error::Error;
use super::listing::{Page, Query};

/// The bucket's name; no other may bear it (`cloudtrail::bucket`).
pub(super) const BUCKET: &str = lake::iceberg::BUCKET;
/// The operations there are.
const OPERATIONS: [&str; 6] = ["HeadBucket", "GetBucketLocation", "ListObjects", "ListObjectsV2", "GetObject", "HeadObject"];
/// What files of a table are called: data, manifests, metadata. All else is on its way to be one.
const EXTENSIONS: [&str; 3] = ["parquet", "avro", "json"];
/// Folders below a store's. Own choice: twice what there are.
const DEPTH_MAX: usize = 8;

/// The files of the lake.
#[derive(Clone)]
pub(super) struct Lake {
    catalog: Catalog,
    root: PathBuf,
}

/// Whether an operation may be done on the bucket, with that key.
pub(super) fn check(operation: &str, account: AccountId, key: Option<&str>) -> Result<(), Error> {
    if !OPERATIONS.contains(&operation) {
        let message = format!("{BUCKET} holds the tables of federated event data stores and can only be read.");
        return Err(Error::refused("AccessDenied", message));
    }
    match key.and_then(|key| key.split('/').next()) {
        Some(owner) if owner != account.as_str() => Err(Error::access_denied()),
        _ => Ok(()),
    }
}

/// The bucket as an account sees it.
pub(super) fn bucket(account: AccountId) -> Bucket {
    Bucket {
        name: BUCKET.to_owned(),
        account: account.to_string(),
        region: crate::service::default_region().to_string(),
        created_at_us: 0,
    }
}

impl Lake {
    pub(super) fn new(catalog: Catalog, data_dir: &Path) -> Self {
        Self { catalog, root: data_dir.join("lake") }
    }

    /// The object with a key.
    pub(super) async fn object(&self, key: &str) -> Result<Object, Error> {
        Ok(self.open(key).await?.0)
    }

    /// The object with a key, and its bytes.
    pub(super) async fn open(&self, key: &str) -> Result<(Object, fs::File), Error> {
        let path = self.path(key).await?;
        let key = key.to_owned();
        content::blocking(move || {
            let file = match fs::File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::no_such_key()),
                file => file.map_err(Error::file(&path))?,
            };
            let found = file.metadata().map_err(Error::file(&path))?;
            if !found.is_file() {
                return Err(Error::no_such_key());
            }
            let listed = listed(key, &found);
            let (size, etag, modified_at_us) = (listed.size, listed.etag, listed.modified_at_us);
            Ok((Object { file: 0, size, etag, modified_at_us, attributes: Attributes::default() }, file))
        })
        .await
    }

    /// A page of an account's objects.
    pub(super) async fn list(&self, account: AccountId, query: &Query) -> Result<Page<Listed>, Error> {
        let all = federation::all(&self.catalog).await?;
        let seen = all.into_iter().filter(|federation| is_open(federation) && federation.account == account.as_str());
        let starts: Vec<String> = seen.map(|federation| format!("{}/{}/", federation.account, federation.store)).collect();
        let asked = query.prefix.clone();
        // What lies elsewhere than asked for need not be looked at.
        let near = starts.into_iter().filter(|start| start.starts_with(&asked) || asked.starts_with(start.as_str())).collect();
        let root = self.root.clone();
        let mut objects = content::blocking(move || walk(&root, near)).await?;
        objects.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(query.page(objects))
    }

    /// Where the object with a key is.
    async fn path(&self, key: &str) -> Result<PathBuf, Error> {
        let parts: Vec<&str> = key.split('/').collect();
        let [account, store, inner @ .., name] = parts.as_slice() else { return Err(Error::no_such_key()) };
        if !inner.iter().chain([name, store, account]).all(|part| is_plain(part)) || !is_of_table(name) {
            return Err(Error::no_such_key());
        }
        match federation::find(&self.catalog, store).await? {
            Some(federation) if is_open(&federation) && federation.account == *account => Ok(self.root.join(key)),
            _ => Err(Error::no_such_key()),
        }
    }
}

fn is_open(federation: &Federation) -> bool {
    federation.status == Status::Enabled
}

/// Whether a part of a key names an entry of a folder that everybody may see.
fn is_plain(part: &str) -> bool {
    !part.is_empty() && !part.starts_with('.') && !part.contains('\0')
}

fn is_of_table(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

/// The files in the folders that keys begin with. Blocks.
fn walk(root: &Path, starts: Vec<String>) -> Result<Vec<Listed>, Error> {
    let (mut found, mut folders) = (Vec::new(), starts);
    while let Some(start) = folders.pop() {
        let folder = root.join(&start);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(Error::file(&folder))?,
        };
        for entry in entries {
            let entry = entry.map_err(Error::file(&folder))?;
            let Some(name) = entry.file_name().to_str().filter(|name| is_plain(name)).map(str::to_owned) else { continue };
            // A file that goes while it is looked at is gone.
            let Ok(metadata) = entry.metadata() else { continue };
            let key = format!("{start}{name}");
            if metadata.is_dir() && key.split('/').count() <= DEPTH_MAX {
                folders.push(format!("{key}/"));
            } else if metadata.is_file() && is_of_table(&name) {
                found.push(listed(key, &metadata));
            }
        }
    }
    Ok(found)
}

fn listed(key: String, metadata: &fs::Metadata) -> Listed {
    let modified_at_us = metadata.mtime().saturating_mul(1_000_000).saturating_add(metadata.mtime_nsec() / 1_000);
    Listed { key, size: metadata.len(), etag: etag(metadata.len(), modified_at_us), modified_at_us }
}

/// Files never change, so size and time tell one from another. The form is that of an object of several parts, whose tag
/// nobody takes for an MD5.
fn etag(size: u64, modified_at_us: i64) -> String {
    format!("{size:016x}{modified_at_us:016x}-1")
}

#[cfg(test)]
mod tests;
