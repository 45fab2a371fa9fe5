//! Letting events in: [`Recorder`](recorder::Recorder) is the one door.
//!
//! Bytes become records in [`envelope`] (a request, a log file) and [`archive`] (a tar of log files), records become
//! events in a [`parcel`], and the [`recorder`] makes them unique by what was [`seen`] and journals them.

pub mod archive;
pub mod envelope;
pub mod origin;
pub mod parcel;
pub mod recorder;
pub mod seen;
