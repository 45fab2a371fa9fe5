//! What an import reads from: a bucket of this installation, or one elsewhere.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use catalog::imports::Request;
use cloudtrail::account::AccountId;
use cloudtrail::import::{FILE_BYTES_MAX, Location};

use crate::buckets::{self, Reader, Store, limits};
use crate::destinations::{BucketElsewhere, Destinations, Found, Page, ReadError};

/// Codes with which S3 and what stands before it say that asking again may help, or that nobody could read anything at the
/// moment: the second is no fault of a file (S3 API reference, "Error responses").
const PASSING: [&str; 17] = [
    "BadDigest",
    "BandwidthLimitExceeded",
    "ExpiredToken",
    "InternalError",
    "InternalFailure",
    "InvalidAccessKeyId",
    "InvalidToken",
    "OperationAborted",
    "RequestLimitExceeded",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
];
/// The code of what nobody answered.
const UNREACHABLE: &str = "Unreachable";
const ACCESS_DENIED: &str = "AccessDenied";

/// What is wrong with a file or with the source: what ListImportFailures tells.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Fault {
    /// The kind, as one word.
    pub kind: String,
    /// The reason in words.
    pub message: String,
}

impl Fault {
    /// A fault of that kind.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into() }
    }
}

/// Why something was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It will not be read by asking again.
    Refused(Fault),
    /// Asking again may help.
    Passing(Fault),
}

impl From<ReadError> for Unread {
    fn from(error: ReadError) -> Self {
        let ReadError { code, message } = error;
        match code {
            None => Self::Passing(Fault::new(UNREACHABLE, message)),
            Some(code) if PASSING.contains(&code.as_str()) => Self::Passing(Fault::new(code, message)),
            Some(code) => Self::Refused(Fault::new(code, message)),
        }
    }
}

impl From<buckets::Error> for Unread {
    fn from(error: buckets::Error) -> Self {
        let fault = Fault::new(error.code(), error.to_string());
        match error {
            buckets::Error::Refused { message, .. } => Self::Refused(Fault { message: message.into_owned(), ..fault }),
            _ => Self::Passing(fault),
        }
    }
}

/// A bucket to read from.
pub(super) enum Source {
    /// One of this installation.
    Local(Local),
    /// One elsewhere.
    Elsewhere(BucketElsewhere),
}

/// A bucket of this installation, read on behalf of an account.
pub(super) struct Local {
    store: Store,
    bucket: String,
    account: AccountId,
    /// What the account may read, as it was at the last page.
    reader: Mutex<Arc<Reader>>,
}

impl Source {
    /// The bucket of a request. Only who may use the installation's own credentials reads buckets elsewhere.
    pub(super) async fn open(
        store: &Store,
        destinations: &Destinations,
        location: &Location,
        request: &Request,
    ) -> Result<Self, Unread> {
        let Some(bucket) = destinations.elsewhere(&location.bucket).await? else {
            let reader = Arc::new(store.reader(&location.bucket, request.account).await?);
            let (store, bucket) = (store.clone(), location.bucket.clone());
            return Ok(Self::Local(Local { store, bucket, account: request.account, reader: Mutex::new(reader) }));
        };
        if !request.elsewhere {
            let message = "only the root of the installation reads buckets that are not of this installation";
            return Err(Unread::Refused(Fault::new(ACCESS_DENIED, message)));
        }
        Ok(Self::Elsewhere(bucket))
    }

    /// The objects whose keys begin with `prefix` and come after `after`, in order; a page of them.
    pub(super) async fn page(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, Unread> {
        match self {
            Self::Local(local) => local.page(prefix, after, limit).await,
            Self::Elsewhere(bucket) => Ok(bucket.list(prefix, after, limit as i32).await?),
        }
    }

    /// The bytes of an object.
    pub(super) async fn get(&self, key: &str) -> Result<Bytes, Unread> {
        match self {
            Self::Local(local) => local.get(key).await,
            Self::Elsewhere(bucket) => Ok(bucket.get(key, FILE_BYTES_MAX).await?),
        }
    }
}

impl Local {
    async fn page(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, Unread> {
        let reader = Arc::new(self.store.reader(&self.bucket, self.account).await?);
        reader.may_list(prefix)?;
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = reader;
        let limit = limit.min(limits::PAGE_MAX);
        let listed = self.store.service_list(&self.bucket, prefix, after, limit).await?;
        let complete = listed.len() < limit as usize;
        let found = listed.into_iter().map(|object| Found { key: object.key, bytes: object.size }).collect();
        Ok(Page { found, complete })
    }

    async fn get(&self, key: &str) -> Result<Bytes, Unread> {
        let reader = Arc::clone(&self.reader.lock().unwrap_or_else(PoisonError::into_inner));
        reader.may_get(key)?;
        match self.store.service_get(&self.bucket, key).await? {
            Some(object) if object.body.len() as u64 > FILE_BYTES_MAX => Err(ReadError::too_large(FILE_BYTES_MAX).into()),
            Some(object) => Ok(object.body),
            None => Err(Unread::Refused(Fault::new("NoSuchKey", "the object is not there any more"))),
        }
    }
}
