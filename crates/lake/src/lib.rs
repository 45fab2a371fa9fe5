//! The lake: event data stores and SQL over them.

pub mod engine;
pub mod export;
pub mod iceberg;
pub mod ocsf;
pub mod rows;
pub mod samples;
pub mod schema;
pub mod sql;
pub mod tables;
pub mod text;

mod functions;
