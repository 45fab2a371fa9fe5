//! The files of a trail that are being put together, in memory.

use std::collections::BTreeMap;

use cloudtrail::account::AccountId;
use cloudtrail::event::{Category, Event};
use cloudtrail::log_file::{Folder, Rendered, Rendering};
use cloudtrail::region::Region;
use journal::Position;

use super::config::Config;
use super::cut::FileCut;

/// Which file an event goes into.
type Key = (AccountId, Region, Folder);

struct Buffer {
    first: Position,
    rendering: Rendering,
}

/// Files being put together.
#[derive(Default)]
pub(super) struct Buffers {
    open: BTreeMap<Key, Buffer>,
    bytes: usize,
    full: bool,
    since: Option<Since>,
}

/// The first event in the buffers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    pub(super) position: Position,
    /// When the recorder took it.
    pub(super) accepted_at_us: i64,
    /// When it came here: later, for a follower that is behind.
    pub(super) buffered_at_us: i64,
}

/// A file that is put together.
pub(super) struct Part {
    pub(super) account: AccountId,
    pub(super) region: Region,
    pub(super) folder: Folder,
    pub(super) first: Position,
    pub(super) content: Rendered,
}

impl Buffers {
    /// Adds an event.
    pub(super) fn push(&mut self, event: &Event, since: Since, config: &Config) {
        let folder = folder_of(event.category());
        let key = (event.account(), event.region_id().clone(), folder);
        let fresh = || Buffer { first: since.position, rendering: Rendering::new() };
        let buffer = self.open.entry(key).or_insert_with(fresh);
        let before = buffer.rendering.len();
        // A full file is cut before its next event comes, and an event is far smaller than what is left then.
        buffer.rendering.push(event.bytes(), event.event_time_s()).expect("the buffer is cut long before it is full");
        let after = buffer.rendering.len();
        self.bytes += after - before;
        self.since.get_or_insert(since);
        self.full |= after > config.file_bytes_max || self.bytes > config.buffer_bytes_max;
        self.full |= self.open.len() >= config.files_max;
    }

    /// Whether they have to be cut before anything is added.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// The first event, if there is one.
    pub(super) fn since(&self) -> Option<Since> {
        self.since
    }

    /// The files, and empty buffers.
    pub(super) fn take(&mut self) -> Vec<Part> {
        let Self { open, .. } = std::mem::take(self);
        let part = |((account, region, folder), Buffer { first, rendering }): (Key, Buffer)| {
            rendering.finish().map(|content| Part { account, region, folder, first, content })
        };
        open.into_iter().filter_map(part).collect()
    }
}

impl Part {
    /// What the cut says of it.
    pub(super) fn described(&self) -> FileCut {
        let Self { account, region, folder, first, content } = self;
        FileCut::new(*account, region.clone(), *folder, *first, content.count, &content.sha256)
    }
}

fn folder_of(category: Category) -> Folder {
    match category {
        // No selector of a trail takes the last three.
        Category::Management | Category::Data | Category::ConfigurationItem | Category::Evidence | Category::ActivityAuditLog => {
            Folder::CloudTrail
        }
        Category::NetworkActivity => Folder::NetworkActivity,
        Category::Insight => Folder::Insight,
        Category::Aggregated => Folder::Aggregated,
    }
}
