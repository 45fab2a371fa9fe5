//! What tells whether an event may be there already: a hash of its account, Region and eventID, sorted, with its row.

use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::array::{AsArray, RecordBatch, StringViewArray};
use cloudtrail::event::Event;

use crate::schema;

/// The columns that keys are made of.
pub(super) const COLUMNS: [&str; 3] = [schema::ACCOUNT, "awsregion", "eventid"];

/// Keys of rows.
#[derive(Default)]
pub(super) struct Keys {
    sorted: Vec<(u64, u32)>,
}

impl Keys {
    /// The keys of a batch whose first row has that number.
    pub(super) fn of(batch: &RecordBatch, first: u32) -> Self {
        let mut keys = Self::default();
        keys.add(batch, first);
        keys.close();
        keys
    }

    pub(super) fn add(&mut self, batch: &RecordBatch, first: u32) {
        let column = |name| -> &StringViewArray { super::writer::column(batch, name).as_string_view() };
        let [account, region, id] = COLUMNS.map(column);
        let rows =
            (0..batch.num_rows()).map(|row| (key(account.value(row), region.value(row), id.value(row)), row as u32 + first));
        self.sorted.extend(rows);
    }

    pub(super) fn close(&mut self) {
        self.sorted.sort_unstable();
        self.sorted.shrink_to_fit();
    }

    /// The rows that have the key.
    pub(super) fn rows(&self, key: u64) -> impl Iterator<Item = u32> {
        let from = self.sorted.partition_point(|(other, _)| *other < key);
        self.sorted[from..].iter().take_while(move |(other, _)| *other == key).map(|(_, row)| *row)
    }

    pub(super) fn bytes(&self) -> usize {
        self.sorted.len() * size_of::<(u64, u32)>()
    }
}

/// The key of an event. Two events may share one by chance: what has the same key is compared byte by byte.
pub(super) fn key_of(event: &Event) -> u64 {
    key(event.account().as_str(), event.region(), &event.event_id())
}

fn key(account: &str, region: &str, id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (account, region, id).hash(&mut hasher);
    hasher.finish()
}
