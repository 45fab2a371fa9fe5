//! Changes of a trail while it runs: other settings and selectors, and the end.
//!
//! Every change happens at a position of the journal and is in the catalog, together with the cursor, before anything
//! behind the position is looked at.

use catalog::trails::Version;
use catalog::{Catalog, cursors, digests, runs, trails};
use cloudtrail::digest::Interval;
use journal::Position;

use super::sink::{LogFiles, route};
use crate::route::follower::SinkError;

impl LogFiles {
    /// The version that applies to a run at its cursor, and those after it.
    pub(super) async fn versions_of(catalog: &Catalog, run: &runs::Run) -> Result<(Version, Vec<Version>), SinkError> {
        let mut versions = trails::versions(catalog, run.trail, run.version).await?;
        if versions.first().is_none_or(|first| first.version != run.version) {
            return Err(SinkError::Fatal(format!("version {} of {} is missing", run.version, run.arn)));
        }
        let version = versions.remove(0);
        Ok((version, versions))
    }

    /// Reads the trail again.
    pub(super) async fn refresh(&mut self) -> Result<(), SinkError> {
        let run = runs::get(&self.parts.catalog, self.run.id).await?;
        self.run = run.ok_or_else(|| SinkError::Fatal(format!("{} is gone", self.run.cursor())))?;
        (self.version, self.versions) = Self::versions_of(&self.parts.catalog, &self.run).await?;
        self.set_boundary();
        Ok(())
    }

    /// The next position at which something changes. A cut that a crash interrupted comes before everything else: it was
    /// made under what applied then.
    pub(super) fn set_boundary(&mut self) {
        let stop = self.run.stop_position.unwrap_or(Position::MAX);
        let version = self.versions.iter().filter_map(|version| version.position).min().unwrap_or(Position::MAX);
        self.boundary = self.replay.as_ref().map_or_else(|| stop.min(version), |cut| cut.to);
    }

    /// Does what is to be done at this position before the next entry is looked at.
    pub(super) async fn cross(&mut self) -> Result<(), SinkError> {
        while self.position >= self.boundary && !self.has_ended() {
            if self.replay.is_some() {
                self.cut_again().await?;
            } else if self.run.stop_position.is_some_and(|stop| self.position >= stop) {
                self.end().await?;
            } else {
                self.adopt().await?;
            }
            self.set_boundary();
        }
        Ok(())
    }

    /// Goes on with the newest version that applies here.
    async fn adopt(&mut self) -> Result<(), SinkError> {
        let here = self.position;
        let applies = |version: &&Version| version.position.is_some_and(|position| position <= here);
        let Some(next) = self.versions.iter().rfind(applies).cloned() else { return Ok(()) };
        if self.buffers.since().is_some() {
            self.cut().await?;
        }
        let was = &self.version.settings;
        let is = &next.settings;
        let change = ChainChange {
            end_all: was.log_file_validation && !is.log_file_validation,
            end_away: was.is_multi_region_trail && !is.is_multi_region_trail,
            begin: !was.log_file_validation && is.log_file_validation,
        };
        let now_s = self.now_s();
        let mut tx = self.parts.catalog.begin().await?;
        runs::adopt(&mut tx, &self.run, next.version).await?;
        cursors::set(&mut tx, &self.run.cursor(), here).await?;
        let (chains, activation_s) = self.change_chains(&mut tx, &change, now_s, &next).await?;
        runs::set_clock(&mut tx, self.run.id, now_s).await?;
        tx.commit().await?;
        self.chains = chains;
        self.run.activation_s = activation_s;
        self.run.clock_s = now_s.max(activation_s.unwrap_or(now_s));
        self.run.version = next.version;
        self.persisted = here;
        self.route = route(&self.run, &next, &self.parts.regions);
        self.versions.retain(|version| version.version > next.version);
        self.version = next;
        self.signals.output.notify_one();
        Ok(())
    }

    /// The end of the run: the last files, the last digests.
    async fn end(&mut self) -> Result<(), SinkError> {
        if self.buffers.since().is_some() {
            self.cut().await?;
        }
        let now_s = self.now_s();
        // A run that was stopped in the second of its activation, or before: its digests end no earlier than they began.
        let stop_s = self.run.stop_s.unwrap_or(now_s).max(self.run.activation_s.unwrap_or(i64::MIN));
        self.close_due(now_s.saturating_mul(1_000_000)).await?;
        let mut tx = self.parts.catalog.begin().await?;
        for chain in self.chains.values() {
            if let Some(Interval { end_s, .. }) = digests::end(&mut tx, chain, stop_s).await? {
                digests::set_last_end(&mut tx, &self.run.arn, end_s).await?;
            }
        }
        runs::end(&mut tx, &self.run, self.position).await?;
        tx.commit().await?;
        self.chains.clear();
        self.signals.ended.cancel();
        self.signals.output.notify_one();
        Ok(())
    }

    /// The time for a cut or the end of an interval: never before one that was given out.
    pub(super) fn now_s(&self) -> i64 {
        self.parts.clock.now_s().max(self.run.clock_s)
    }
}

/// What a change of settings means for digests.
pub(super) struct ChainChange {
    /// Validation was switched off.
    pub(super) end_all: bool,
    /// The trail left all Regions but its home.
    pub(super) end_away: bool,
    /// Validation was switched on.
    pub(super) begin: bool,
}
