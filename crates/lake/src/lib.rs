//! The lake: event data stores and SQL over them.

pub mod export;
pub mod iceberg;
pub mod ocsf;
pub mod samples;
pub mod schema;
