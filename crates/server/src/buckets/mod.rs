//! Local buckets: S3 on our own port, so that log files have a place and the AWS CLI works against it.
//!
//! A request is looked at by [`signature`], told apart and checked by [`s3s`], let through or refused by [`access`], and
//! carried out on the [`store`]: bytes are in immutable files, keys and metadata in the catalog, and both become visible
//! with one commit. What must stay true: below `AWSLogs/` of a trail's bucket only the service writes; no x-amz header
//! counts that was not signed; a file is never changed once it has its name.

mod error;
pub mod limits;

mod checksum;
mod content;
mod files;
mod lake;
mod lock;

mod delivery;
mod listing;
mod objects;
mod reader;
mod store;
mod uploads;

pub mod operations;
pub mod unsupported;

mod access;
mod answer;
pub mod called;
mod calls;
mod query;
mod service;
mod signature;

pub use delivery::{PutError, PutHeaders, ServiceObject};
pub use error::Error;
pub use reader::Reader;
pub use s3s::Body;
pub use service::{Options as ServiceOptions, Random, Root, Roots, Service};
pub use store::{Options, Store, Swept};
