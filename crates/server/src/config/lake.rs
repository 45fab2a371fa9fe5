//! Settings of event data stores.

use std::time::Duration;

use serde::Deserialize;

use super::{Error, at_least_a_second, duration, setting};

/// How long a deleted store can be restored (CloudTrail API reference, DeleteEventDataStore).
const RESTORE_WINDOW: &str = "7d";
/// How long events are kept in memory alone, besides the journal. Own choice: one file a minute while few events come.
const FLUSH_INTERVAL: &str = "60s";

/// `[lake]` of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LakeFile {
    /// How long a deleted event data store can be restored.
    pub restore_window: Option<String>,
    /// How long events wait at most before they are written into files, which other query engines see.
    pub flush_interval: Option<String>,
}

/// How event data stores are kept.
#[derive(Clone, Copy, Debug)]
pub struct Lake {
    /// How long a deleted store can be restored.
    pub restore_window: Duration,
    /// How long events wait at most before they are written into files.
    pub flush_interval: Duration,
}

impl LakeFile {
    pub(super) fn checked(&self) -> Result<Lake, Error> {
        let name = "lake.restore_window";
        let window = duration(name, self.restore_window.as_deref().unwrap_or(RESTORE_WINDOW))?;
        let restore_window = window.ok_or_else(|| setting(name, "must be a duration, such as 7d"))?;
        let flush_interval = at_least_a_second("lake.flush_interval", self.flush_interval.as_deref(), FLUSH_INTERVAL)?;
        Ok(Lake { restore_window, flush_interval })
    }
}
