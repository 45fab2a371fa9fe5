//! Services, and how a request names an operation.

use crate::{ErrorCode, Operation};

/// A service of the API. Both are served at one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// `cloudtrail`, AWS JSON 1.1.
    CloudTrail,
    /// `cloudtrail-data`, rest-json.
    CloudTrailData,
}

impl Operation {
    /// The operation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// The operation that an `X-Amz-Target` names, in the long form of the SDKs
    /// (`com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.ListTrails`) or the short one of AWS's
    /// documentation (`CloudTrail_20131101.ListTrails`).
    pub fn from_target(target: &str) -> Option<Self> {
        let (prefix, name) = target.rsplit_once('.')?;
        let operation = Self::from_name(name)?;
        let long = operation.service().target_prefix()?;
        let short = long.rsplit_once('.').map_or(long, |(_, short)| short);
        (prefix == long || prefix == short).then_some(operation)
    }

    /// The long form of its `X-Amz-Target`; none if its service has no targets.
    pub fn target(self) -> Option<String> {
        self.service().target_prefix().map(|prefix| format!("{prefix}.{}", self.name()))
    }
}

impl ErrorCode {
    /// The HTTP status it is sent with. The service models name none, so errors of operations are 400, but for two of
    /// the data API that say what 403 and 404 say; those of AWS's front door are as its list of common errors has them.
    pub const fn status(self) -> http::StatusCode {
        match self {
            Self::AccessDeniedException
            | Self::ExpiredTokenException
            | Self::IncompleteSignatureException
            | Self::InvalidSignatureException
            | Self::MissingAuthenticationTokenException
            | Self::UnrecognizedClientException
            | Self::ChannelInsufficientPermission => http::StatusCode::FORBIDDEN,
            Self::ChannelNotFound => http::StatusCode::NOT_FOUND,
            Self::RequestEntityTooLargeException => http::StatusCode::PAYLOAD_TOO_LARGE,
            Self::InternalFailure => http::StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailableException => http::StatusCode::SERVICE_UNAVAILABLE,
            _ => http::StatusCode::BAD_REQUEST,
        }
    }
}

#[cfg(test)]
mod tests;
