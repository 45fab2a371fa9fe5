//! The wire: what clients of CloudTrail's API send and receive, and how their requests are signed.
//!
//! A request is verified (`sigv4`), its target or path names an [`Operation`], its body becomes a JSON
//! document (`json`, `rest_json`), the document passes the operation's [`Constraints`] and comes out as a typed
//! [`Input`]. Answers are the output shapes in [`cloudtrail`] and [`cloudtrail_data`], written by `json` and
//! `rest_json` again. Nothing here knows what an operation does, and nothing here chooses its error code.
//!
//! The shapes and the constraint tables are generated from the stripped service models in `model/` by
//! `cargo xtask codegen`.

pub mod sigv4;

pub mod operation;

pub mod json;
pub mod rest_json;

pub mod constraints;
mod generated;

pub mod blob;
pub mod timestamp;

pub use blob::Blob;
pub use constraints::{Constraints, InputError, Violation, ViolationKind, Violations};
pub use generated::operation::{ErrorCode, Input, Operation};
pub use generated::{cloudtrail, cloudtrail_data};
pub use operation::Service;
pub use timestamp::Timestamp;
