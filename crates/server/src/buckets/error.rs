//! Why a call on a bucket did not succeed, and how S3 says so.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use http::StatusCode;
use s3s::{S3Error, S3ErrorCode};

/// SQLite's result code for a full disk.
const SQLITE_FULL: &str = "13";

/// Why a call on a bucket did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The call is refused: the caller can act on it.
    #[error("{code}: {message}")]
    Refused {
        /// S3's code.
        code: &'static str,
        /// What the caller reads.
        message: Cow<'static, str>,
    },
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// A file could not be written or read.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// A refusal.
    pub fn refused(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused { code, message: message.into() }
    }

    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    pub(super) fn access_denied() -> Self {
        Self::refused("AccessDenied", "Access Denied")
    }

    pub(super) fn no_such_bucket() -> Self {
        Self::refused("NoSuchBucket", "The specified bucket does not exist")
    }

    pub(super) fn no_such_key() -> Self {
        Self::refused("NoSuchKey", "The specified key does not exist.")
    }

    pub(super) fn not_implemented(message: impl Into<Cow<'static, str>>) -> Self {
        Self::refused("NotImplemented", message)
    }

    /// S3's code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { code, .. } => code,
            _ if self.is_disk_full() => "SlowDown",
            _ => "InternalError",
        }
    }

    /// What the caller reads; the log has the rest.
    pub fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Refused { message, .. } => message.clone(),
            _ if self.is_disk_full() => "The disk is full. Nothing was stored.".into(),
            _ => "We encountered an internal error. Please try again.".into(),
        }
    }

    fn is_disk_full(&self) -> bool {
        match self {
            Self::File { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            Self::Catalog(catalog::Error::Database(error)) => {
                error.as_database_error().is_some_and(|error| error.code().as_deref() == Some(SQLITE_FULL))
            }
            _ => false,
        }
    }
}

impl From<Error> for S3Error {
    fn from(error: Error) -> Self {
        if !matches!(error, Error::Refused { .. }) {
            tracing::error!(%error, "a call on a bucket failed");
        }
        let code = S3ErrorCode::from_bytes(error.code().as_bytes()).unwrap_or(S3ErrorCode::InternalError);
        let known = code.status_code().is_some();
        let mut answer = Self::with_message(code, error.message());
        if !known {
            answer.set_status_code(status_of_other(error.code()));
        }
        answer
    }
}

/// The status of codes that s3s does not know.
fn status_of_other(code: &str) -> StatusCode {
    match code {
        "NoSuchPublicAccessBlockConfiguration" => StatusCode::NOT_FOUND,
        "InvalidPartNumber" => StatusCode::RANGE_NOT_SATISFIABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// What S3 says with a code for which s3s has no words.
pub(super) fn usual_message(code: &str) -> &'static str {
    match code {
        "AccessDenied" => "Access Denied",
        "BadDigest" => "The Content-MD5 or checksum value that you specified did not match what the server received.",
        "EntityTooLarge" => "Your proposed upload exceeds the maximum allowed object size.",
        "IncompleteBody" => "You did not provide the number of bytes specified by the Content-Length HTTP header.",
        "InternalError" => "We encountered an internal error. Please try again.",
        "InvalidAccessKeyId" => "The AWS Access Key Id you provided does not exist in our records.",
        "InvalidArgument" => "Invalid Argument",
        "InvalidBucketName" => "The specified bucket is not valid.",
        "InvalidRange" => "The requested range is not satisfiable",
        "InvalidRequest" => "Invalid Request",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "KeyTooLongError" => "Your key is too long",
        "MalformedXML" => "The XML you provided was not well-formed or did not validate against our published schema",
        "MaxMessageLengthExceeded" => "Your request was too big.",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "MissingRequestBodyError" => "Request body is empty.",
        "NotImplemented" => "A header or query you provided implies functionality that is not implemented.",
        "RequestTimeTooSkewed" => "The difference between the request time and the current time is too large.",
        "SignatureDoesNotMatch" => {
            "The request signature we calculated does not match the signature you provided. Check your key and signing method."
        }
        _ => "The request could not be carried out.",
    }
}

#[cfg(test)]
mod tests;
