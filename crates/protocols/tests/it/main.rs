//! What the crate promises, held against real records.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and shows what it counted")]

mod spelling;
