//! The store's multipart uploads.

use std::collections::HashMap;

use catalog::objects::{Checksum, PartOfObject};
use catalog::uploads::{self, Part, Upload, Wanted};
use catalog::{buckets, objects};

use super::checksum::{self, Algorithm};
use super::content::{self, Received};
use super::error::Error;
use super::limits;
use super::listing::{self, Page, Query};
use super::lock::Writer;
use super::objects::{Condition, Place};
use super::store::{Record, Store, commit};

/// A part as the client names it to complete an upload.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) number: i32,
    pub(super) etag: String,
    /// A checksum in base64, if the client sends one.
    pub(super) checksum: Option<String>,
}

/// How an upload is completed.
pub(super) struct Completion {
    pub(super) parts: Vec<Named>,
    /// The checksum the object must have, in base64.
    pub(super) checksum: Option<String>,
    /// The bytes the object must have.
    pub(super) size: Option<u64>,
    pub(super) condition: Condition,
}

impl Store {
    /// Begins an upload; returns it.
    pub(super) async fn begin_upload(
        &self,
        place: Place<'_>,
        account: &str,
        wanted: Wanted,
        record: Record<'_>,
    ) -> Result<Upload, Error> {
        let upload = Upload {
            id: format!("{:016x}", self.files.next_number()),
            bucket: place.bucket.to_owned(),
            key: place.key.to_owned(),
            account: account.to_owned(),
            created_at_us: self.clock.now_us(),
            wanted,
        };
        let mut tx = self.catalog.begin().await?;
        buckets::find_in(&mut tx, place.bucket).await?.ok_or_else(Error::no_such_bucket)?;
        self.lock_in(&mut tx, place.bucket).await?.check_write(place.key, Writer::Caller)?;
        uploads::insert(&mut tx, &upload).await?;
        commit(tx, record).await?;
        Ok(upload)
    }

    /// An upload of this key.
    pub(super) async fn upload(&self, place: Place<'_>, id: &str) -> Result<Upload, Error> {
        let upload = uploads::find(&self.catalog, id).await?;
        upload.filter(|upload| upload.bucket == place.bucket && upload.key == place.key).ok_or_else(no_such_upload)
    }

    /// Adds a part, in place of one of the same number.
    pub(super) async fn put_part(&self, id: &str, number: i32, received: Received, record: Record<'_>) -> Result<Part, Error> {
        let mut tx = self.catalog.begin().await?;
        let upload = uploads::find_in(&mut tx, id).await?.ok_or_else(no_such_upload)?;
        self.lock_in(&mut tx, &upload.bucket).await?.check_write(&upload.key, Writer::Caller)?;
        let part = Part {
            number,
            file: received.placed.number(),
            size: received.size,
            etag: received.etag(),
            modified_at_us: self.clock.now_us(),
            checksum: upload.wanted.checksum_algorithm.is_some().then_some(received.checksum.value),
        };
        let replaced = uploads::put_part(&mut tx, id, &part).await?;
        self.commit_with_file(tx, received.placed, record).await?;
        self.discard(replaced.into_iter().collect()).await;
        Ok(part)
    }

    /// Ends an upload without an object.
    pub(super) async fn abort_upload(&self, id: &str, record: Record<'_>) -> Result<(), Error> {
        let mut tx = self.catalog.begin().await?;
        uploads::find_in(&mut tx, id).await?.ok_or_else(no_such_upload)?;
        let parts = uploads::parts_in(&mut tx, id).await?;
        uploads::remove(&mut tx, id).await?;
        commit(tx, record).await?;
        self.discard(parts.iter().map(|part| part.file).collect()).await;
        Ok(())
    }

    /// Puts the parts together to an object and ends the upload; returns the object.
    pub(super) async fn complete_upload(
        &self,
        upload: &Upload,
        completion: &Completion,
        record: Record<'_>,
    ) -> Result<objects::Object, Error> {
        let place = Place { bucket: &upload.bucket, key: &upload.key };
        self.lock(place.bucket).await?.check_write(place.key, Writer::Caller)?;
        let all = uploads::parts(&self.catalog, &upload.id, 0, limits::PART_NUMBER_MAX as u32).await?;
        let chosen = choose(&all, &completion.parts)?;
        let algorithm = upload.wanted.checksum_algorithm.as_deref().and_then(Algorithm::parse);
        let full = algorithm.filter(|_| !upload.wanted.composite);
        let numbers = chosen.iter().map(|part| part.file).collect();
        let (placed, sum) = content::join(&self.files, numbers, full, self.options.free_bytes_min).await?;
        let mut object = assemble(upload, &chosen, algorithm, sum)?;
        object.file = placed.number();
        check_completion(&object, completion)?;

        let mut tx = self.catalog.begin().await?;
        uploads::find_in(&mut tx, &upload.id).await?.ok_or_else(no_such_upload)?;
        if uploads::parts_in(&mut tx, &upload.id).await? != all {
            return Err(Error::refused("OperationAborted", "The parts of the upload changed while it was completed."));
        }
        self.lock_in(&mut tx, place.bucket).await?.check_write(place.key, Writer::Caller)?;
        let replaced = objects::find_in(&mut tx, place.bucket, place.key).await?;
        completion.condition.check(replaced.as_ref())?;
        object.modified_at_us = self.clock.now_us();
        objects::put(&mut tx, place.bucket, place.key, &object).await?;
        uploads::remove(&mut tx, &upload.id).await?;
        self.commit_with_file(tx, placed, record).await?;
        let gone = all.iter().map(|part| part.file).chain(replaced.map(|object| object.file));
        self.discard(gone.collect()).await;
        Ok(object)
    }

    /// A page of an upload's parts.
    pub(super) async fn parts(&self, id: &str, after: i32, limit: u32) -> Result<Vec<Part>, Error> {
        Ok(uploads::parts(&self.catalog, id, after, limit).await?)
    }

    /// A page of a bucket's uploads.
    pub(super) async fn list_uploads(
        &self,
        bucket: &str,
        query: &Query,
        after_id: Option<String>,
    ) -> Result<Page<Upload>, Error> {
        listing::uploads(&self.catalog, bucket, query, after_id).await
    }
}

fn no_such_upload() -> Error {
    let message =
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
    Error::refused("NoSuchUpload", message)
}

/// The parts that the client names, checked as S3 does: in rising order, present, unchanged, and large enough.
fn choose<'a>(all: &'a [Part], named: &[Named]) -> Result<Vec<&'a Part>, Error> {
    if named.is_empty() {
        return Err(Error::refused("MalformedXML", super::error::usual_message("MalformedXML")));
    }
    if named.windows(2).any(|pair| matches!(pair, [one, two] if one.number >= two.number)) {
        let message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
        return Err(Error::refused("InvalidPartOrder", message));
    }
    let by_number: HashMap<i32, &Part> = all.iter().map(|part| (part.number, part)).collect();
    let mut chosen = Vec::with_capacity(named.len());
    for (place, name) in named.iter().enumerate() {
        let found = by_number.get(&name.number).filter(|part| {
            part.etag == name.etag && (name.checksum.is_none() || part.checksum.is_none() || name.checksum == part.checksum)
        });
        let part = *found.ok_or_else(|| {
            let message = "One or more of the specified parts could not be found. The part may not have been uploaded, or the \
                           specified entity tag may not match the part's entity tag.";
            Error::refused("InvalidPart", message)
        })?;
        if part.size < limits::PART_BYTES_MIN && place + 1 < named.len() {
            let message = "Your proposed upload is smaller than the minimum allowed size";
            return Err(Error::refused("EntityTooSmall", message));
        }
        chosen.push(part);
    }
    Ok(chosen)
}

/// The object that parts make: its tag is the MD5 of theirs, with their number.
fn assemble(
    upload: &Upload,
    parts: &[&Part],
    algorithm: Option<Algorithm>,
    full: Option<String>,
) -> Result<objects::Object, Error> {
    use s3s::crypto::{Checksum as _, Md5};
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(&hex::decode(&part.etag).map_err(|error| catalog::Error::damaged(format!("upload {}", upload.id), error))?);
    }
    let mut attributes = upload.wanted.attributes.clone();
    attributes.parts =
        parts.iter().map(|part| PartOfObject { number: part.number, size: part.size, checksum: part.checksum.clone() }).collect();
    attributes.checksum = algorithm.and_then(|algorithm| {
        let composite = full.is_none();
        let values = parts.iter().map(|part| part.checksum.as_deref().unwrap_or_default());
        let value = full.or_else(|| checksum::composite(algorithm, values))?;
        Some(Checksum { algorithm: algorithm.as_str().to_owned(), value, composite })
    });
    Ok(objects::Object {
        file: 0,
        size: parts.iter().map(|part| part.size).sum(),
        etag: format!("{}-{}", hex::encode(md5.finalize()), parts.len()),
        modified_at_us: 0,
        attributes,
    })
}

fn check_completion(object: &objects::Object, completion: &Completion) -> Result<(), Error> {
    if object.size > limits::OBJECT_BYTES_MAX {
        return Err(Error::refused("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size."));
    }
    if completion.size.is_some_and(|size| size != object.size) {
        return Err(Error::refused("InvalidRequest", "The x-amz-mp-object-size does not match the size of the object."));
    }
    let stored = object.attributes.checksum.as_ref().map(|checksum| checksum.value.as_str());
    // A composite may be sent without its number of parts.
    let same = |wanted: &String| {
        stored.is_some_and(|stored| stored == wanted || stored.split_once('-').is_some_and(|(v, _)| v == wanted))
    };
    if completion.checksum.as_ref().is_some_and(|wanted| !same(wanted)) {
        return Err(Error::refused("BadDigest", "The checksum you specified did not match the calculated checksum."));
    }
    Ok(())
}
