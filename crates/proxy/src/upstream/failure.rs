//! Why an upstream gave no answer.

use http::StatusCode;

/// Why an upstream gave no answer, or not a whole one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no connection.
    #[error("no connection to the upstream: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("the upstream took too long {0}")]
    TimedOut(&'static str),
    /// The connection ended, or what came was not HTTP.
    #[error("the upstream broke off: {0}")]
    Broken(String),
    /// The answer is HTTP that cannot be passed on.
    #[error("the answer of the upstream cannot be passed on: {0}")]
    Malformed(String),
}

impl Failure {
    /// What the client sees.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::TimedOut(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Unreachable(_) | Self::Broken(_) | Self::Malformed(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// What it is counted as.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut(_) => "timeout",
            Self::Broken(_) => "broken",
            Self::Malformed(_) => "malformed",
        }
    }
}

impl From<hyper::Error> for Failure {
    fn from(error: hyper::Error) -> Self {
        Self::Broken(with_causes(&error))
    }
}

/// An error, and what it comes from.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
