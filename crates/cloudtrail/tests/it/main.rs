//! The crate against real records: those in `tests/fixtures`, and the corpus where it is at hand.

mod corpus;
mod door;
mod named;
