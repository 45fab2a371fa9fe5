//! Completing what was seen from the journal: at the start, and when the journal took entries back.

use std::ops::Range;

use cloudtrail::event::Event;
use journal::{Frame, Journal, Kind, Position};

use super::OpenError;
use crate::capture::origin::Route;
use crate::capture::seen::{self, Damage, Seen};

/// Bytes read from the journal at once.
const READ_BYTES: usize = 8 << 20;

/// Rebuilds damaged runs, as far as the journal still has their stretch, then reads back what is in no run.
pub(super) fn complete(journal: &Journal, seen: &Seen, damages: Vec<Damage>) -> Result<(), OpenError> {
    for damage in damages {
        rebuild(journal, seen, damage)?;
    }
    replay(journal, seen)
}

/// Waits until everything in line is on disk, forgets what is in memory only, and reads it back.
pub(super) fn heal(journal: &Journal, seen: &Seen) -> Result<(), OpenError> {
    journal.barrier().wait()?;
    seen.forget_tables();
    replay(journal, seen)
}

fn rebuild(journal: &Journal, seen: &Seen, damage: Damage) -> Result<(), OpenError> {
    let Range { start, end } = damage.positions;
    let from = start.max(journal.first()).min(end);
    let path = damage.path.clone();
    metrics::counter!("trailkeep_seen_damaged_runs_total").increment(1);
    tracing::error!(
        path = %path.display(), reason = damage.reason, lost = from - start, rebuilt = end - from,
        "a record of events seen is damaged; what the journal still has is rebuilt, duplicates of the rest may be kept twice"
    );
    let mut rebuild = seen.rebuild(damage);
    events(journal, from..end, |entry, frame| rebuild.put(entry, frame.position, frame.accepted_at_us))?;
    Ok(rebuild.finish()?)
}

fn replay(journal: &Journal, seen: &Seen) -> Result<(), OpenError> {
    let (checkpoint, first) = (seen.checkpoint(), journal.first());
    if checkpoint < first {
        tracing::error!(
            checkpoint,
            first,
            "the journal does not hold all that was to be read back; duplicates may be kept twice"
        );
    }
    let from = checkpoint.max(first);
    events(journal, from..journal.committed(), |entry, frame| {
        seen.replay(entry, frame.position, frame.accepted_at_us, frame.payload.len() as u64)
    })?;
    seen.replayed();
    Ok(())
}

/// Calls `each` with every event of a stretch of the journal.
fn events(
    journal: &Journal,
    stretch: Range<Position>,
    mut each: impl FnMut(seen::Entry, &Frame) -> Result<(), seen::Error>,
) -> Result<(), OpenError> {
    let mut at = stretch.start;
    while at < stretch.end {
        let frames = journal.read(at, READ_BYTES)?;
        let Some(last) = frames.last() else { break };
        at = last.position + 1;
        for frame in frames.iter().filter(|frame| is_remembered(frame) && frame.position < stretch.end) {
            if let Some(entry) = entry(frame) {
                each(entry, frame)?;
            } else {
                tracing::error!(position = frame.position, "a journaled event cannot be read");
            }
        }
    }
    Ok(())
}

/// Events for a store that is named are not: that store makes its own unique.
fn is_remembered(frame: &Frame) -> bool {
    frame.kind == Kind::Event && Route::from_bits(frame.flags).names_store().is_none()
}

fn entry(frame: &Frame) -> Option<seen::Entry> {
    let ledger = std::str::from_utf8(&frame.ledger).ok()?;
    let account = ledger.split('/').next()?.parse().ok()?;
    Event::stored(frame.payload.clone(), account).ok().map(|event| seen::Entry::of(&event))
}
