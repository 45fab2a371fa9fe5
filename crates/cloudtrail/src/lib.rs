//! The CloudTrail domain: what an event, a trail, a log file and a digest are, and the rules they obey.
//! Pure: no input or output, no clock, no chance; both come in as arguments. The modules stand in the order in
//! which an event meets them: whose it is and where, the record itself, the records Trailkeep writes about its own
//! calls, what a lookup finds an event by, the trails and event data stores that select it, the log files and digests
//! that carry it, the imports that bring them back, and the buckets that take them.

pub mod account;
pub mod arn;
pub mod region;

pub mod event;
pub mod identity;
pub mod json;
pub mod record;

pub mod audit_event;
pub mod channel;

pub mod lookup;

pub mod event_data_store;
pub mod selectors;
pub mod trail;

pub mod digest;
pub mod import;
pub mod log_file;
pub mod md5;

pub mod bucket;
pub mod policy;
pub mod resource_policy;
