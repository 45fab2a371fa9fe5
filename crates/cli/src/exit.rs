//! Exit codes: 0 fine; 1 something wrong was found, or the server refused; 2 inconclusive; 3 usage.

use std::process::ExitCode;

/// All went well.
pub(crate) const FINE: u8 = 0;
/// Something wrong was found, or the server refused.
pub(crate) const WRONG: u8 = 1;
/// The server or a source could not be reached: nothing is known.
pub(crate) const INCONCLUSIVE: u8 = 2;
/// The program was called in a way it does not take.
pub(crate) const USAGE: u8 = 3;

/// An error that decides the exit code; errors of other kinds mean [`WRONG`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The other side cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The program was called in a way it does not take.
    #[error("{0}")]
    Usage(String),
}

/// Tells the user what went wrong.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("trailkeep: {error:#}");
    ExitCode::from(match error.downcast_ref::<Failure>() {
        Some(Failure::Unreachable(_)) => INCONCLUSIVE,
        Some(Failure::Usage(_)) => USAGE,
        None => WRONG,
    })
}
