//! What followers feed. Every sink has the same shape: see [`Sink`](crate::route::follower::Sink).

pub mod event_history;
pub mod log_files;
