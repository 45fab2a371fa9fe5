//! Where trails deliver to and imports read from: buckets of this installation, and buckets of any S3 service elsewhere.
//!
//! A bucket that exists here is meant; every other one is looked for at `s3.endpoint`. What is not here is reached with
//! endpoint, Region and credentials of our own configuration: the variables that point clients at this server must not
//! point it at itself.

mod local;
mod s3;

use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::log_file::{CONTENT_ENCODING, CONTENT_TYPE, Folder, Place};
use cloudtrail::trail::Settings;

use crate::buckets::{self, Store};
use crate::config;
use s3::S3;
pub use s3::reading::Bucket as BucketElsewhere;

/// Who delivers: the conditions of a bucket's policy speak of it.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// The ARN of the trail, or of the event data store.
    pub source_arn: &'a str,
    /// The account that owns it.
    pub account: AccountId,
}

/// What is delivered.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key.
    pub key: &'a str,
    /// The content: gzipped JSON, or nothing for a marker.
    pub body: &'a Bytes,
    /// User metadata; names in lower case, without `x-amz-meta-`.
    pub metadata: &'a [(&'a str, &'a str)],
}

impl Object<'_> {
    /// Content-Type and Content-Encoding. Results of queries are files of their own kinds (lake.md, section 12);
    /// everything else is gzipped JSON.
    fn content(&self) -> (&'static str, Option<&'static str>) {
        let name = self.key.rsplit_once('/').map_or(self.key, |(_, name)| name);
        match name.split_once('.').map_or("", |(_, extension)| extension) {
            "csv.gz" => ("application/gzip", None),
            "json" => (CONTENT_TYPE, None),
            _ => (CONTENT_TYPE, Some(CONTENT_ENCODING)),
        }
    }
}

/// Why something was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default())]
pub struct PutError {
    /// The code of S3. Without one nobody answered, or not in time.
    pub code: Option<String>,
    /// The reason in words.
    pub message: String,
}

impl PutError {
    /// The code of S3 for a bucket that does not exist.
    const NO_SUCH_BUCKET: &str = "NoSuchBucket";
    const ACCESS_DENIED: &str = "AccessDenied";

    fn coded(code: &str, message: impl Into<String>) -> Self {
        Self { code: Some(code.to_owned()), message: message.into() }
    }

    /// Whether there is no such bucket.
    pub fn is_no_such_bucket(&self) -> bool {
        self.code.as_deref() == Some(Self::NO_SUCH_BUCKET)
    }
}

/// An object in a bucket elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub bytes: u64,
}

/// A page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order of keys.
    pub found: Vec<Found>,
    /// Whether there is no more.
    pub complete: bool,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default())]
pub struct ReadError {
    /// The code of S3. Without one nobody answered, or not to the end.
    pub code: Option<String>,
    /// The reason in words.
    pub message: String,
}

impl ReadError {
    /// What is larger than the reader takes.
    pub fn too_large(bytes_max: u64) -> Self {
        Self { code: Some("TooLarge".to_owned()), message: format!("it is larger than {} MiB", bytes_max >> 20) }
    }
}

impl From<PutError> for ReadError {
    fn from(error: PutError) -> Self {
        Self { code: error.code, message: error.message }
    }
}

/// Why a trail cannot deliver to a bucket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreflightError {
    /// There is no such bucket.
    #[error("the bucket does not exist")]
    NoSuchBucket,
    /// The bucket does not let the trail in.
    #[error("the bucket does not admit the trail")]
    AccessDenied,
    /// It cannot be said: the bucket did not answer, or with something else.
    #[error("{0}")]
    Unreachable(String),
}

impl From<PutError> for PreflightError {
    fn from(error: PutError) -> Self {
        match error.code.as_deref() {
            Some(PutError::NO_SUCH_BUCKET) => Self::NoSuchBucket,
            Some(PutError::ACCESS_DENIED | "AllAccessDisabled") => Self::AccessDenied,
            _ => Self::Unreachable(error.to_string()),
        }
    }
}

/// A place to deliver to.
enum Destination<'a> {
    Local(&'a Store),
    S3(&'a S3),
}

/// All places to deliver to.
pub struct Destinations {
    store: Store,
    s3: Option<S3>,
    strict_aws: bool,
}

impl Destinations {
    /// The buckets of `store`, and those at `endpoint` if one is configured.
    pub async fn new(store: Store, endpoint: &config::Endpoint, strict_aws: bool) -> Self {
        let s3 = if endpoint.is_configured() { Some(S3::new(endpoint).await) } else { None };
        Self { store, s3, strict_aws }
    }

    /// Delivers an object. Delivering it again changes nothing.
    pub async fn put(&self, object: &Object<'_>, sender: Sender<'_>) -> Result<(), PutError> {
        match self.resolve(object.bucket).await? {
            Destination::Local(store) => {
                local::check(store, self.strict_aws, &local::Action::put(object), sender).await?;
                local::put(store, object).await
            }
            Destination::S3(s3) => s3.put(object).await,
        }
    }

    /// Tries a bucket as deliveries will use it, as AWS does when a trail is made or changed: reads its ACL and puts a
    /// marker where log files will be, and digests if there will be any.
    pub async fn preflight(&self, settings: &Settings, trail_arn: &str) -> Result<(), PreflightError> {
        let sender = Sender { source_arn: trail_arn, account: settings.account };
        let bucket = settings.s3_bucket_name.as_str();
        match self.resolve(bucket).await? {
            Destination::Local(store) => local::check(store, self.strict_aws, &local::Action::get_acl(bucket), sender).await?,
            Destination::S3(s3) => s3.check_acl(bucket).await?,
        }
        let place = Place {
            prefix: settings.s3_key_prefix.clone(),
            organization: None,
            account: settings.account,
            region: settings.home_region.clone(),
        };
        let folders = [Some(Folder::CloudTrail), settings.log_file_validation.then_some(Folder::Digest)];
        for folder in folders.into_iter().flatten() {
            let marker = Object { bucket, key: &place.marker(folder), body: &Bytes::new(), metadata: &[] };
            self.put(&marker, sender).await?;
        }
        Ok(())
    }

    /// Tries a bucket as the delivery of a query's results will use it: reads its ACL, and asks whether files may be put
    /// into `folder`. Elsewhere only a marker there can tell.
    pub async fn preflight_results(&self, bucket: &str, folder: &str, sender: Sender<'_>) -> Result<(), PreflightError> {
        let marker = Object { bucket, key: folder, body: &Bytes::new(), metadata: &[] };
        match self.resolve(bucket).await? {
            Destination::Local(store) => {
                local::check(store, self.strict_aws, &local::Action::get_acl(bucket), sender).await?;
                local::check(store, self.strict_aws, &local::Action::put(&marker), sender).await?;
            }
            Destination::S3(s3) => {
                s3.check_acl(bucket).await?;
                s3.put(&marker).await?;
            }
        }
        Ok(())
    }

    /// The bucket elsewhere of that name, to read it; nothing if the bucket is one of this installation.
    pub async fn elsewhere(&self, bucket: &str) -> Result<Option<BucketElsewhere>, ReadError> {
        match self.resolve(bucket).await? {
            Destination::Local(_) => Ok(None),
            Destination::S3(s3) => Ok(Some(s3.bucket_to_read(bucket).await?)),
        }
    }

    async fn resolve(&self, bucket: &str) -> Result<Destination<'_>, PutError> {
        if self.store.exists(bucket).await.map_err(|error| failed(&error))? {
            return Ok(Destination::Local(&self.store));
        }
        let no_such = || PutError::coded(PutError::NO_SUCH_BUCKET, "the bucket does not exist, and no s3.endpoint is configured");
        self.s3.as_ref().map(Destination::S3).ok_or_else(no_such)
    }
}

fn failed(error: &buckets::Error) -> PutError {
    PutError::coded(error.code(), error.to_string())
}
