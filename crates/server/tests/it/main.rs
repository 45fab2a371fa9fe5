//! The server's integration tests: over HTTP, the way users talk to it.

mod buckets;
mod delivery;
mod own_calls;
mod queries;
