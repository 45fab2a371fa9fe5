//! The lake: event data stores and SQL over them.

pub mod engine;
pub mod export;
pub mod iceberg;
pub mod ocsf;
pub mod raw_files;
pub mod result_file;
pub mod rows;
pub mod samples;
pub mod schema;
pub mod sql;
pub mod tables;
pub mod text;
pub mod words;

mod functions;
