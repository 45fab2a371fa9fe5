//! Events that were admitted moments ago, kept as the door decoded them: most of what followers read is still here, and
//! need not be read as JSON a second time.
//!
//! A place in the journal may be given twice: when the disk is full, the journal takes back what nobody was told of. So
//! an event is only ever taken for an entry that has the same account and the same bytes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::event::Event;
use journal::Position;

use crate::route::pace::Pace;

/// Most bytes of events kept. Own choice: a quarter of a second of full ingest, as far as followers usually are behind.
const BYTES_MAX: usize = 32 << 20;
/// What an event costs besides its bytes, about.
const EVENT_OVERHEAD_BYTES: usize = size_of::<Event>();

/// A handle; clones are the same.
#[derive(Clone, Default)]
pub struct Recent {
    state: Arc<Mutex<State>>,
    pace: Pace,
}

#[derive(Default)]
struct State {
    groups: BTreeMap<Position, Group>,
    bytes: usize,
}

struct Group {
    events: Arc<[Event]>,
    bytes: usize,
}

impl Recent {
    /// Keeps `events`, which stand in the journal from `first` on, if there is room: what came before them is read first.
    pub fn offer(&self, first: Position, events: Vec<Event>) {
        let bytes: usize = events.iter().map(|event| event.bytes().len() + EVENT_OVERHEAD_BYTES).sum();
        let mut state = self.state();
        state.forget_from(first);
        if state.bytes + bytes <= BYTES_MAX {
            state.bytes += bytes;
            state.groups.insert(first, Group { events: events.into(), bytes });
        }
    }

    /// What is kept of the entries from `first` to before `end`.
    pub fn view(&self, first: Position, end: Position) -> View {
        let mut state = self.state();
        let begin = state.groups.range(..=first).next_back().map_or(first, |(begin, _)| *begin);
        let groups =
            state.groups.range(begin..end.max(begin)).map(|(begin, group)| (*begin, Arc::clone(&group.events))).collect();
        state.forget_before(begin);
        View { groups, at: 0 }
    }

    /// Where those stand who read it.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_from(&mut self, first: Position) {
        for group in self.groups.split_off(&first).into_values() {
            self.bytes -= group.bytes;
        }
    }

    /// The feed decodes each piece once and goes on: what stands before the one it asks for is not asked for again.
    fn forget_before(&mut self, first: Position) {
        let kept = self.groups.split_off(&first);
        for group in std::mem::replace(&mut self.groups, kept).into_values() {
            self.bytes -= group.bytes;
        }
    }
}

/// Events by their places; asked in rising order.
#[derive(Default)]
pub struct View {
    groups: Vec<(Position, Arc<[Event]>)>,
    at: usize,
}

impl View {
    /// The event at `position`, if it is `account`'s and has those bytes.
    pub fn event(&mut self, position: Position, account: AccountId, bytes: &Bytes) -> Option<Event> {
        while let Some((first, events)) = self.groups.get(self.at) {
            if position < first + events.len() as Position {
                let event = events.get(position.checked_sub(*first)? as usize)?;
                return (event.account() == account && event.bytes() == bytes).then(|| event.clone());
            }
            self.at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests;
