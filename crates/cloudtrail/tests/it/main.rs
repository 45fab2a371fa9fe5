//! The crate against real records: those in `tests/fixtures`, and the corpus where it is at hand.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and shows what it counted")]

mod corpus;
mod door;
mod named;
