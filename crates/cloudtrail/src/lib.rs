//! The CloudTrail domain: what an event, a trail, a log file and a digest are, and the rules they obey.
//! Pure: no input or output, no clock, no chance; both come in as arguments. The modules stand in the order in
//! which an event meets them: whose it is, the record itself, what a lookup finds it by, and the records
//! Trailkeep writes about itself.

pub mod account;
pub mod region;

pub mod json;

pub mod event;
pub mod identity;

pub mod lookup;
pub mod record;

pub mod arn;
pub mod bucket;
pub mod policy;
pub mod selectors;
pub mod trail;

pub mod digest;
pub mod log_file;
pub mod md5;
