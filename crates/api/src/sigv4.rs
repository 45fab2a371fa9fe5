//! AWS Signature Version 4: who signed a request, and whether they did.
//!
//! A listener asks [`Claim::of`] for which service and Region a request is signed. To let it in, it takes
//! [`Presented::parse`], finds the secret of the access key, and calls [`Presented::verify`]. Nothing is kept between
//! the two; the clock is an argument.
//!
//! Sources: AWS General Reference, "Create a signed AWS API request" and "Signature Version 4 test suite"; the
//! texts are those that AWS's services answer.

mod claim;
mod presented;
mod verification;

mod canonical;
mod instant;
mod key;

mod error;

pub use claim::Claim;
pub use error::AuthError;
pub use presented::{EXPIRES_S_MAX, Presented};
pub use verification::{Credential, Payload, S3_SKEW_S_MAX, SKEW_S_MAX, Session};

#[cfg(test)]
mod tests;
