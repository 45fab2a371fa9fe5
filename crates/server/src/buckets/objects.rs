//! The store's objects: put, found, deleted.

use std::io;
use std::sync::Arc;

use catalog::buckets;
use catalog::objects::{self, Attributes, Listed, Object};

use super::content;
use super::error::Error;
use super::files::Placed;
use super::lake;
use super::listing::{self, Page, Query};
use super::lock::Writer;
use super::store::{Record, Store, commit};

/// How often an object is looked up again when it was replaced before its file was open.
const OPEN_TRIES: u32 = 5;

/// Where an object is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
}

/// What must hold of the object that has the key, for a write to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Condition {
    #[default]
    None,
    /// There is none (If-None-Match: *).
    Absent,
    /// It has this entity tag (If-Match); None: there is any.
    Matches(Option<String>),
}

/// An object about to get its key.
pub(super) struct Incoming {
    pub(super) placed: Placed,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) attributes: Attributes,
    pub(super) condition: Condition,
    pub(super) writer: Writer,
}

impl Condition {
    pub(super) fn check(&self, present: Option<&Object>) -> Result<(), Error> {
        let failed = || Error::refused("PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
        match (self, present) {
            (Self::None, _) | (Self::Absent, None) | (Self::Matches(None), Some(_)) => Ok(()),
            (Self::Matches(Some(etag)), Some(object)) if *etag == object.etag => Ok(()),
            (Self::Matches(_), None) => Err(Error::no_such_key()),
            (Self::Absent | Self::Matches(Some(_)), Some(_)) => Err(failed()),
        }
    }
}

impl Store {
    /// Gives a key to what was received. Bytes and metadata become visible together; returns the object.
    pub(super) async fn put(&self, place: Place<'_>, incoming: Incoming, record: Record<'_>) -> Result<Object, Error> {
        let mut tx = self.catalog.begin().await?;
        buckets::find_in(&mut tx, place.bucket).await?.ok_or_else(Error::no_such_bucket)?;
        self.lock_in(&mut tx, place.bucket).await?.check_write(place.key, incoming.writer)?;
        let replaced = objects::find_in(&mut tx, place.bucket, place.key).await?;
        incoming.condition.check(replaced.as_ref())?;
        let object = Object {
            file: incoming.placed.number(),
            size: incoming.size,
            etag: incoming.etag,
            modified_at_us: self.clock.now_us(),
            attributes: incoming.attributes,
        };
        objects::put(&mut tx, place.bucket, place.key, &object).await?;
        self.commit_with_file(tx, incoming.placed, record).await?;
        self.discard(replaced.map(|replaced| replaced.file).into_iter().collect()).await;
        Ok(object)
    }

    /// The object with a key.
    pub(super) async fn object(&self, place: Place<'_>) -> Result<Object, Error> {
        if place.bucket == lake::BUCKET {
            return self.lake.object(place.key).await;
        }
        objects::find(&self.catalog, place.bucket, place.key).await?.ok_or_else(Error::no_such_key)
    }

    /// The object with a key, and its bytes: an open file, which stays whole when the object is replaced.
    pub(super) async fn open_object(&self, place: Place<'_>) -> Result<(Object, std::fs::File), Error> {
        if place.bucket == lake::BUCKET {
            return self.lake.open(place.key).await;
        }
        // Between the look-up and the opening the object may be replaced; then the next look finds the new one.
        let mut tries = OPEN_TRIES;
        loop {
            let object = self.object(place).await?;
            tries -= 1;
            match content::open(&self.files, object.file).await {
                Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound && tries > 0 => {}
                file => return Ok((object, file?)),
            }
        }
    }

    /// Removes files the catalog names no more.
    pub(super) async fn discard(&self, numbers: Vec<i64>) {
        let files = Arc::clone(&self.files);
        let removing = move || {
            for number in numbers {
                files.remove(number);
            }
            Ok(())
        };
        content::blocking(removing).await.expect("removing files reports no error");
    }

    /// Deletes objects, each for itself, in one commit. A key without object counts as deleted.
    pub(super) async fn delete(
        &self,
        bucket: &str,
        keys: &[(String, Condition)],
        record: Record<'_>,
    ) -> Result<Vec<Result<(), Error>>, Error> {
        let mut tx = self.catalog.begin().await?;
        let lock = self.lock_in(&mut tx, bucket).await?;
        let now_us = self.clock.now_us();
        let (mut outcomes, mut files) = (Vec::new(), Vec::new());
        for (key, condition) in keys {
            let present = objects::find_in(&mut tx, bucket, key).await?;
            let allowed = condition.check(present.as_ref()).and_then(|()| match &present {
                Some(object) => lock.check_delete(key, object.modified_at_us, now_us),
                None => Ok(()),
            });
            if let (Ok(()), Some(object)) = (&allowed, present) {
                objects::remove(&mut tx, bucket, key).await?;
                files.push(object.file);
            }
            outcomes.push(allowed);
        }
        if outcomes.iter().any(Result::is_ok) {
            commit(tx, record).await?;
        }
        self.discard(files).await;
        Ok(outcomes)
    }

    /// Changes what is kept of an object besides its bytes.
    pub(super) async fn update(
        &self,
        place: Place<'_>,
        change: impl FnOnce(&mut Attributes) + Send,
        record: Record<'_>,
    ) -> Result<(), Error> {
        let mut tx = self.catalog.begin().await?;
        self.lock_in(&mut tx, place.bucket).await?.check_write(place.key, Writer::Caller)?;
        let found = objects::find_in(&mut tx, place.bucket, place.key).await?;
        let mut object = found.ok_or_else(Error::no_such_key)?;
        change(&mut object.attributes);
        objects::put(&mut tx, place.bucket, place.key, &object).await?;
        commit(tx, record).await
    }

    /// A page of a bucket's objects.
    pub(super) async fn list(&self, bucket: &str, query: &Query) -> Result<Page<Listed>, Error> {
        listing::objects(&self.catalog, bucket, query).await
    }
}
