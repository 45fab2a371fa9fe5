//! The server: everything that answers requests, and what it is put together from.
//!
//! A request comes in at the [`listener`]; [`front`] tells what it is; [`gate`] says who calls; then it is CloudTrail's
//! API ([`aws_json`], [`rest_json`], [`control`]), [`sts`], S3 ([`buckets`]) or our own interface ([`v1`]). What is
//! called is recorded by [`own_calls`] and [`bucket_calls`]. Trails are carried out by [`delivery`]; [`proxies`] record the calls
//! of services behind them. [`service`] alone
//! knows every part.

pub mod config;
pub mod credentials;
pub mod principals;

pub mod listener;

pub mod front;
pub mod gate;

pub mod aws_json;
pub mod control;
pub mod rest_json;
pub mod sts;
pub mod throttle;
pub mod v1;

pub mod bucket_calls;
pub mod buckets;
pub mod own_calls;

pub mod data_reads;
pub mod iceberg;

pub mod ingestion;

pub mod delivery;
pub mod destinations;
pub mod imports;
pub mod jobs;
pub mod queries;

pub mod lake;

pub mod proxies;

mod registry;

pub mod service;
