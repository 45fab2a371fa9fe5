//! What Trailkeep itself does with local buckets: delivers log files and digests, and reads buckets to import.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use bytes::Bytes;
use catalog::buckets;
use catalog::objects::{self, Attributes, Listed, Object};

use super::checksum::Algorithm;
use super::content::{self, Expected};
use super::error::Error;
use super::limits;
use super::listing::{Entry, Query};
use super::lock::Writer;
use super::objects::{Condition, Incoming, Place};
use super::store::{Store, unrecorded};

/// Headers and metadata of a delivered object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutHeaders {
    /// Content-Type.
    pub content_type: Option<String>,
    /// Content-Encoding.
    pub content_encoding: Option<String>,
    /// User metadata: names in lower case, without `x-amz-meta-`.
    pub metadata: Vec<(String, String)>,
    /// The account that must own the bucket.
    pub expected_owner: Option<String>,
}

/// Why a delivery did not succeed, in S3's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct PutError {
    /// S3's code, as GetTrailStatus shows it.
    pub code: String,
    /// What it is about.
    pub message: String,
}

impl From<Error> for PutError {
    fn from(error: Error) -> Self {
        // The operator reads this, not a stranger: the whole reason.
        let message = if let Error::Refused { message, .. } = &error { message.to_string() } else { error.to_string() };
        Self { code: error.code().to_owned(), message }
    }
}

/// An object as the service reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceObject {
    /// Its bytes.
    pub body: Bytes,
    /// The entity tag, without quotes.
    pub etag: String,
    /// When it was put.
    pub modified_at_us: i64,
    /// Content-Type.
    pub content_type: Option<String>,
    /// Content-Encoding.
    pub content_encoding: Option<String>,
    /// User metadata.
    pub metadata: BTreeMap<String, String>,
}

impl Store {
    /// Delivers an object. Doing it again with the same bytes and headers changes nothing; with others it is refused,
    /// unless the lock is off.
    pub async fn service_put(&self, bucket: &str, key: &str, body: Bytes, headers: PutHeaders) -> Result<(), PutError> {
        Ok(self.deliver(Place { bucket, key }, body, headers).await?)
    }

    async fn deliver(&self, place: Place<'_>, body: Bytes, headers: PutHeaders) -> Result<(), Error> {
        let bucket = self.find(place.bucket).await?;
        if headers.expected_owner.is_some_and(|owner| owner != bucket.account) {
            return Err(Error::access_denied());
        }
        cloudtrail::bucket::check_key(place.key).map_err(|error| Error::refused("InvalidArgument", error.to_string()))?;
        let attributes = Attributes {
            content_type: headers.content_type,
            content_encoding: headers.content_encoding,
            metadata: headers.metadata.into_iter().collect(),
            ..Attributes::default()
        };
        let present = objects::find(&self.catalog, place.bucket, place.key).await?;
        let condition = match present {
            Some(object) if self.is_same(&object, &body, &attributes).await? => return Ok(()),
            Some(_) if self.options.lock_us > 0 => {
                let message = "Access Denied: another object has the key, and what was delivered is not overwritten";
                return Err(Error::refused("AccessDenied", message));
            }
            Some(object) => Condition::Matches(Some(object.etag)),
            None => Condition::Absent,
        };
        let expected = Expected {
            algorithm: Some(Algorithm::Sha256),
            bytes_max: limits::PUT_BYTES_MAX,
            free_bytes_min: limits::DELIVERY_FREE_BYTES_MIN,
            ..Expected::default()
        };
        let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]);
        let received = content::receive(&self.files, stream, expected).await?;
        let incoming = Incoming {
            etag: received.etag(),
            attributes: Attributes { checksum: Some(received.checksum), ..attributes },
            placed: received.placed,
            size: received.size,
            condition,
            writer: Writer::Service,
        };
        self.put(place, incoming, &unrecorded).await?;
        Ok(())
    }

    async fn is_same(&self, object: &Object, body: &Bytes, attributes: &Attributes) -> Result<bool, Error> {
        let kept = &object.attributes;
        let same_headers = (&kept.content_type, &kept.content_encoding, &kept.metadata)
            == (&attributes.content_type, &attributes.content_encoding, &attributes.metadata);
        if !same_headers || object.size != body.len() as u64 {
            return Ok(false);
        }
        let file = content::open(&self.files, object.file).await?;
        Ok(read_whole(file, self.files.path(object.file)).await? == *body)
    }

    /// Reads an object whole; None if there is none. What is larger than a log file can be is refused.
    pub async fn service_get(&self, bucket: &str, key: &str) -> Result<Option<ServiceObject>, Error> {
        self.find(bucket).await?;
        let (object, file) = match self.open_object(Place { bucket, key }).await {
            Err(Error::Refused { code: "NoSuchKey", .. }) => return Ok(None),
            opened => opened?,
        };
        if object.size > limits::SERVICE_GET_BYTES_MAX {
            return Err(Error::refused("EntityTooLarge", format!("the object has {} bytes", object.size)));
        }
        let body = read_whole(file, self.files.path(object.file)).await?;
        Ok(Some(service_object(object, body)))
    }

    /// The objects of a bucket whose keys begin with `prefix` and come after `after`, in order, at most `limit` and
    /// [`limits::PAGE_MAX`].
    pub async fn service_list(&self, bucket: &str, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<Listed>, Error> {
        self.find(bucket).await?;
        let query = Query {
            prefix: prefix.to_owned(),
            delimiter: None,
            after: after.map(str::to_owned),
            limit: limit.min(limits::PAGE_MAX),
        };
        let page = self.list(bucket, &query).await?;
        let object = |entry| match entry {
            Entry::Item(object) => Some(object),
            Entry::CommonPrefix(_) => None,
        };
        Ok(page.entries.into_iter().filter_map(object).collect())
    }

    /// Notes that a trail delivers to a bucket: below `{prefix}AWSLogs/` only the service writes from now on. `prefix`
    /// is a trail's S3KeyPrefix with a slash at its end, or empty.
    pub async fn protect(tx: &mut catalog::Tx, bucket: &str, prefix: &str) -> Result<(), catalog::Error> {
        buckets::protect(tx, bucket, prefix).await
    }
}

async fn read_whole(mut file: std::fs::File, path: PathBuf) -> Result<Bytes, Error> {
    content::blocking(move || {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::file(path))?;
        Ok(bytes.into())
    })
    .await
}

fn service_object(object: Object, body: Bytes) -> ServiceObject {
    ServiceObject {
        body,
        etag: object.etag,
        modified_at_us: object.modified_at_us,
        content_type: object.attributes.content_type,
        content_encoding: object.attributes.content_encoding,
        metadata: object.attributes.metadata,
    }
}
