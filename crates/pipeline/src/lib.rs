//! The data plane: the way of an event from the door to everything that keeps it.
//!
//! [`capture`] lets events in: it checks, makes unique, and appends them to the journal. [`route`] hands what the
//! journal holds to followers, each at its own pace. [`sinks`] are what followers feed: event history and the log files
//! of trails. Nothing behind the journal is needed to accept an event.

pub mod accounts;
pub mod capture;
pub mod clock;
pub mod route;
pub mod sinks;
