//! The store: buckets and what is set on them. Objects are in [`super::objects`], uploads in [`super::uploads`].

use std::path::Path;
use std::sync::Arc;

use catalog::buckets::{self, Bucket, Setting};
use catalog::{Catalog, Tx, objects, outbox, uploads};
use cloudtrail::account::AccountId;
use pipeline::clock::SharedClock;

use super::error::Error;
use super::files::{Files, Placed};
use super::lake::Lake;
use super::limits;
use super::lock::Lock;

/// The folder below the data directory.
const FOLDER: &str = "buckets";

/// Makes the record of a call, to be committed with the change the call makes.
pub(super) type Record<'a> = &'a (dyn Fn() -> Option<Vec<u8>> + Send + Sync);

/// How buckets behave.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a delivered log file is kept from deletion (`buckets.lock`); 0 lets everything be overwritten and
    /// deleted.
    pub lock_us: i64,
    /// Buckets an account may have.
    pub buckets_max: u32,
    /// What uploads leave free on the disk: as much as the journal keeps for itself. Deliveries may use all but
    /// [`limits::DELIVERY_FREE_BYTES_MIN`].
    pub free_bytes_min: u64,
}

impl Default for Options {
    fn default() -> Self {
        const DAY_US: i64 = 86_400 * 1_000_000;
        Self { lock_us: 90 * DAY_US, buckets_max: limits::BUCKETS_MAX, free_bytes_min: limits::UPLOAD_FREE_BYTES_MIN }
    }
}

/// A handle on the buckets; clones share them.
#[derive(Clone)]
pub struct Store {
    pub(super) catalog: Catalog,
    pub(super) files: Arc<Files>,
    pub(super) clock: SharedClock,
    pub(super) options: Options,
    pub(super) lake: Lake,
}

/// What a sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files looked at.
    pub files: u64,
    /// Files removed because the catalog does not name them.
    pub orphans: u64,
}

impl Store {
    /// Opens the buckets of a data directory. Files left over by a crash are swept in the background.
    pub async fn open(catalog: Catalog, data_dir: &Path, clock: SharedClock, options: Options) -> Result<Self, Error> {
        let last = objects::last_file(&catalog).await?;
        let folder = data_dir.join(FOLDER);
        let opening = Arc::clone(&clock);
        let files = super::content::blocking(move || Files::open(folder, last, opening)).await?;
        let lake = Lake::new(catalog.clone(), data_dir);
        let store = Self { catalog, files, clock, options, lake };
        let sweeping = store.clone();
        tokio::spawn(async move {
            match sweeping.sweep().await {
                Ok(swept) => tracing::debug!(swept.files, swept.orphans, "swept the files of buckets"),
                Err(error) => tracing::warn!(%error, "cannot sweep the files of buckets"),
            }
        });
        Ok(store)
    }

    /// Removes files that no object and no part names. What was written since the start is not looked at: it may be on
    /// its way to its commit.
    pub async fn sweep(&self) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        let files = Arc::clone(&self.files);
        for folder in super::content::blocking(move || files.folders()).await? {
            let numbers = super::content::blocking(move || Files::numbers(&folder)).await?;
            for number in numbers.into_iter().filter(|number| *number < self.files.floor()) {
                swept.files += 1;
                if !objects::holds_file(&self.catalog, number).await? {
                    self.files.remove(number);
                    swept.orphans += 1;
                }
            }
        }
        Ok(swept)
    }

    /// The time.
    pub fn clock(&self) -> SharedClock {
        Arc::clone(&self.clock)
    }

    /// Whether there is a bucket of this name here.
    pub async fn exists(&self, bucket: &str) -> Result<bool, Error> {
        Ok(buckets::find(&self.catalog, bucket).await?.is_some())
    }

    /// The account that owns a bucket; None if there is no such bucket.
    pub async fn owner(&self, bucket: &str) -> Result<Option<AccountId>, Error> {
        buckets::find(&self.catalog, bucket).await?.map(|bucket| owner(&bucket)).transpose()
    }

    /// The Region of a bucket; None if there is no such bucket.
    pub async fn region(&self, bucket: &str) -> Result<Option<String>, Error> {
        Ok(buckets::find(&self.catalog, bucket).await?.map(|bucket| bucket.region))
    }

    /// The policy of a bucket as it was put; None without one.
    pub async fn policy(&self, bucket: &str) -> Result<Option<String>, Error> {
        self.setting(bucket, Setting::Policy).await
    }

    pub(super) async fn find(&self, bucket: &str) -> Result<Bucket, Error> {
        buckets::find(&self.catalog, bucket).await?.ok_or_else(Error::no_such_bucket)
    }

    pub(super) async fn setting(&self, bucket: &str, setting: Setting) -> Result<Option<String>, Error> {
        Ok(buckets::setting(&self.catalog, bucket, setting).await?)
    }

    /// Makes a bucket.
    pub(super) async fn create(&self, bucket: &Bucket, settings: &[(Setting, String)], record: Record<'_>) -> Result<(), Error> {
        let mut tx = self.catalog.begin().await?;
        if let Some(there) = buckets::find_in(&mut tx, &bucket.name).await? {
            return Err(taken(&there, bucket));
        }
        if buckets::count(&mut tx, &bucket.account).await? >= self.options.buckets_max {
            return Err(Error::refused("TooManyBuckets", "You have attempted to create more buckets than allowed"));
        }
        buckets::insert(&mut tx, bucket).await?;
        for (setting, value) in settings {
            buckets::set(&mut tx, &bucket.name, *setting, Some(value)).await?;
        }
        commit(tx, record).await
    }

    /// Removes a bucket that holds no object. Uploads under way end with it.
    pub(super) async fn remove(&self, bucket: &str, record: Record<'_>) -> Result<(), Error> {
        let mut tx = self.catalog.begin().await?;
        buckets::find_in(&mut tx, bucket).await?.ok_or_else(Error::no_such_bucket)?;
        if objects::any(&mut tx, bucket).await? {
            return Err(Error::refused("BucketNotEmpty", "The bucket you tried to delete is not empty"));
        }
        let files = uploads::files(&mut tx, bucket).await?;
        uploads::remove_all(&mut tx, bucket).await?;
        buckets::remove(&mut tx, bucket).await?;
        commit(tx, record).await?;
        self.discard(files).await;
        Ok(())
    }

    /// Sets or clears what can be set on a bucket.
    pub(super) async fn set(&self, bucket: &str, setting: Setting, value: Option<&str>, record: Record<'_>) -> Result<(), Error> {
        let mut tx = self.catalog.begin().await?;
        buckets::find_in(&mut tx, bucket).await?.ok_or_else(Error::no_such_bucket)?;
        buckets::set(&mut tx, bucket, setting, value).await?;
        commit(tx, record).await
    }

    /// What the lock says of a bucket.
    pub(super) async fn lock(&self, bucket: &str) -> Result<Lock, Error> {
        let prefixes = buckets::protected(&self.catalog, bucket).await?;
        Ok(Lock { prefixes, lock_us: self.options.lock_us })
    }

    pub(super) async fn lock_in(&self, tx: &mut Tx, bucket: &str) -> Result<Lock, Error> {
        let prefixes = buckets::protected_in(tx, bucket).await?;
        Ok(Lock { prefixes, lock_us: self.options.lock_us })
    }
}

/// Commits a change with the record of the call that makes it.
pub(super) async fn commit(mut tx: Tx, record: Record<'_>) -> Result<(), Error> {
    if let Some(record) = record() {
        outbox::push(&mut tx, &record).await?;
    }
    Ok(tx.commit().await?)
}

impl Store {
    /// Commits a change that names a new file, with the record of the call that makes it.
    pub(super) async fn commit_with_file(&self, tx: Tx, file: Placed, record: Record<'_>) -> Result<(), Error> {
        let number = file.number();
        file.keep();
        let committed = commit(tx, record).await;
        // A commit that fails may have happened all the same; if it is not known that it did not, the next start decides.
        if committed.is_err() && matches!(objects::holds_file(&self.catalog, number).await, Ok(false)) {
            self.discard(vec![number]).await;
        }
        committed
    }
}

/// The record of a change nobody called for.
pub(super) fn unrecorded() -> Option<Vec<u8>> {
    None
}

pub(super) fn owner(bucket: &Bucket) -> Result<AccountId, Error> {
    let parsed = bucket.account.parse();
    parsed.map_err(|error| catalog::Error::damaged(format!("bucket {}", bucket.name), error).into())
}

fn taken(there: &Bucket, wanted: &Bucket) -> Error {
    if there.account == wanted.account {
        let message = "Your previous request to create the named bucket succeeded and you already own it.";
        Error::refused("BucketAlreadyOwnedByYou", message)
    } else {
        let message = "The requested bucket name is not available. The bucket namespace is shared by all users of the system. \
                       Please select a different name and try again.";
        Error::refused("BucketAlreadyExists", message)
    }
}

#[cfg(test)]
mod tests;
