//! After a crash: the cut that was journaled and whose files may not exist.

use journal::{Error, Journal, Kind, Position};

use super::cut::Cut;
use crate::route::follower::SinkError;

/// Most bytes of the journal read at once.
const READ_BYTES_MAX: usize = 4 << 20;

/// The cut of a run from `from` on that stands in the journal. There can be one only, since the next is not journaled
/// before the catalog has the files of this one; of several attempts at it the last counts. Blocks.
pub(super) fn find(journal: &Journal, run: i64, from: Position) -> Result<Option<Cut>, SinkError> {
    let mut position = from;
    let mut found = None;
    let end = journal.committed();
    while position < end {
        let frames = journal.read(position, READ_BYTES_MAX).map_err(|error| failed(&error))?;
        let Some(last) = frames.last() else { break };
        position = last.position + 1;
        for frame in frames.iter().filter(|frame| frame.kind == Kind::Control) {
            let ours = |cut: &Cut| cut.run == run && cut.from >= from;
            found = Cut::parse(&frame.payload).filter(ours).or(found);
        }
    }
    Ok(found)
}

fn failed(error: &Error) -> SinkError {
    match error {
        Error::Io { .. } => SinkError::Retry(error.to_string()),
        _ => SinkError::Fatal(error.to_string()),
    }
}
