//! The data plane as its users see it.

mod event_history;
mod log_files;
mod recorder;
mod route;
