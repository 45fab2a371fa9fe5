//! What `cargo xtask codegen` writes from the stripped service models.

pub mod cloudtrail;
pub mod cloudtrail_data;
pub(crate) mod operation;

pub(crate) mod cloudtrail_constraints;
pub(crate) mod cloudtrail_data_constraints;
pub(crate) mod patterns;
