//! Why a request is not let in, with AWS's codes and words.

use crate::ErrorCode;

/// A failed authentication. `Display` is the message for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The request is not signed.
    #[error("Missing Authentication Token")]
    Missing,
    /// The signature's parts are missing or cannot be read; the text says which.
    #[error("{0}")]
    Incomplete(String),
    /// No such access key, or a session token that is not this key's.
    #[error("The security token included in the request is invalid.")]
    Unrecognized,
    /// The session of a temporary key is over.
    #[error("The security token included in the request is expired")]
    TokenExpired,
    /// Signed for another service than the one asked.
    #[error("Credential should be scoped to correct service: '{expected}'.")]
    Service {
        /// The service that was asked.
        expected: String,
    },
    /// The scope's date is not that of the request.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != '{http}', from '{from}'."
    )]
    ScopeDate {
        /// The date in the credential scope.
        scope: String,
        /// The day on which the request says it was signed.
        http: String,
        /// The instant at which the request says it was signed.
        from: String,
    },
    /// A header that decides what is done is not among the signed ones.
    #[error("'{0}' must be a 'SignedHeader' in the AWS Authorization.")]
    HeaderNotSigned(String),
    /// Signed too long ago.
    #[error("Signature expired: {signed} is now earlier than {bound} ({now} - {skew_min} min.)")]
    Expired {
        /// When it was signed.
        signed: String,
        /// The earliest instant that is accepted.
        bound: String,
        /// The server's time.
        now: String,
        /// How far clocks may differ.
        skew_min: i64,
    },
    /// Signed in the future.
    #[error("Signature not yet current: {signed} is still later than {bound} ({now} + {skew_min} min.)")]
    NotYetCurrent {
        /// When it was signed.
        signed: String,
        /// The latest instant that is accepted.
        bound: String,
        /// The server's time.
        now: String,
        /// How far clocks may differ.
        skew_min: i64,
    },
    /// A presigned request after its time.
    #[error("Signature expired: {until} is now earlier than {now} (signed at {signed} for {expires_s} seconds)")]
    LinkExpired {
        /// When it was signed.
        signed: String,
        /// For how long.
        expires_s: i64,
        /// When that ended.
        until: String,
        /// The server's time.
        now: String,
    },
    /// The payload is not the one whose hash was sent.
    #[error("The value passed in as x-amz-content-sha256 does not match the SHA-256 of the payload.")]
    PayloadHash,
    /// A payload form that this service does not take.
    #[error("The payload form '{0}' is not accepted here.")]
    PayloadForm(String),
    /// The signature is wrong.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and \
         signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

impl AuthError {
    /// AWS's code for it.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Missing => ErrorCode::MissingAuthenticationTokenException,
            Self::Incomplete(_) => ErrorCode::IncompleteSignatureException,
            Self::Unrecognized => ErrorCode::UnrecognizedClientException,
            Self::TokenExpired => ErrorCode::ExpiredTokenException,
            _ => ErrorCode::InvalidSignatureException,
        }
    }
}
