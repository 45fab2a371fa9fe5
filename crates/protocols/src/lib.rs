//! The protocols of AWS services: from a request and its answer to what a record says about the call. Pure.
//!
//! [`table`] holds what the models of all services say; [`recognition`] tells which operation a request calls;
//! [`parameters`] reads its input, and its answer, as CloudTrail spells them; [`s3`] knows what is S3's own. What a call
//! is to CloudTrail (its name, its nature, its resources) stands in [`nature`] and `resources`; who signed it, and whom an
//! answer gave credentials to, in [`signature`], [`upload`] and `sessions`. [`call`] ties them together.

pub mod table;

pub mod recognition;

pub mod parameters;

pub mod answers;

pub mod s3;

pub mod nature;
mod resources;
mod sessions;
pub mod signature;
pub mod upload;

pub mod call;

pub use recognition::Protocols;
