//! The intervals of digests: when chains begin, when an interval is over, when they end.
//!
//! The chain of the trail's account in its home Region begins with the activation, and its first digest covers the
//! interval before it; all others begin with the interval of their first file (architecture, section 7). From then on
//! every interval gets its digest, files or none.

use std::collections::BTreeMap;

use catalog::digests::Chain;
use catalog::trails::Version;
use catalog::{Tx, digests, runs};
use cloudtrail::account::AccountId;
use cloudtrail::digest::Interval;
use cloudtrail::region::Region;

use super::changes::ChainChange;
use super::sink::LogFiles;
use crate::route::follower::SinkError;

/// After a long absence no more than so many digests are made for one chain; the first of them covers the rest.
const MISSED_MAX: i64 = 1_000;

/// Chains that have not ended, by whose events they are of and where.
pub(super) type Chains = BTreeMap<(AccountId, Region), Chain>;

impl LogFiles {
    pub(super) async fn load_chains(&mut self) -> Result<(), SinkError> {
        let chains = digests::open_chains(&self.parts.catalog, self.run.id).await?;
        self.chains = chains.into_iter().map(|chain| ((chain.account, chain.region.clone()), chain)).collect();
        Ok(())
    }

    /// Begins the digests of a run that validates from its start.
    pub(super) async fn activate_if_new(&mut self) -> Result<(), SinkError> {
        if self.run.activation_s.is_some() || !self.version.settings.log_file_validation {
            return Ok(());
        }
        let mut tx = self.parts.catalog.begin().await?;
        let (activation_s, chain) = self.activate(&mut tx, self.run.start_s, &self.version).await?;
        tx.commit().await?;
        self.run.activation_s = Some(activation_s);
        self.run.clock_s = self.run.clock_s.max(activation_s);
        self.chains.insert((chain.account, chain.region.clone()), chain);
        Ok(())
    }

    /// Begins the chain of the home Region, later than every digest of an earlier chain, which may bear the same name.
    async fn activate(&self, tx: &mut Tx, at_s: i64, version: &Version) -> Result<(i64, Chain), SinkError> {
        let last_s = digests::last_end(&self.parts.catalog, &self.run.arn).await?;
        let activation_s = last_s.map_or(at_s, |last_s| at_s.max(last_s + 1));
        let interval = Interval::nth(activation_s, self.parts.config.digest_s(), 0);
        let chain = self.chain(version.settings.account, version.settings.home_region.clone(), interval.start_s);
        let id = digests::begin(tx, &chain).await?;
        runs::activate(tx, self.run.id, Some(activation_s)).await?;
        runs::set_clock(tx, self.run.id, activation_s).await?;
        Ok((activation_s, Chain { id, ..chain }))
    }

    /// The chain that lists the files of an account and Region cut at that second. It begins with that interval if it is
    /// new, and is then put into `begun`. None without validation.
    pub(super) async fn chain_for(
        &self,
        tx: &mut Tx,
        begun: &mut Chains,
        part: (AccountId, &Region),
        cut_at_s: i64,
    ) -> Result<Option<i64>, SinkError> {
        let Some(activation_s) = self.run.activation_s else { return Ok(None) };
        let key = (part.0, part.1.clone());
        if let Some(chain) = self.chains.get(&key).or_else(|| begun.get(&key)) {
            return Ok(Some(chain.id));
        }
        let interval = Interval::containing(activation_s, self.parts.config.digest_s(), cut_at_s);
        let chain = self.chain(part.0, part.1.clone(), interval.start_s);
        let id = digests::begin(tx, &chain).await?;
        begun.insert(key, Chain { id, ..chain });
        Ok(Some(id))
    }

    fn chain(&self, account: AccountId, region: Region, start_s: i64) -> Chain {
        Chain { id: 0, trail: self.run.trail, run: self.run.id, account, region, closed_s: start_s, link: None }
    }

    /// Closes the intervals that are over; tells when the next one is, in microseconds.
    pub(super) async fn close_due(&mut self, now_us: i64) -> Result<i64, SinkError> {
        let now_s = now_us.div_euclid(1_000_000);
        let limit_s = self.run.stop_s.map_or(now_s, |stop_s| stop_s.min(now_s));
        let length_s = self.parts.config.digest_s();
        let due: Vec<(i64, Vec<Interval>)> =
            self.chains.values().map(|chain| (chain.id, due(chain.closed_s, length_s, limit_s))).collect();
        if due.iter().any(|(_, intervals)| !intervals.is_empty()) {
            self.close(&due).await?;
        }
        let next_s = self.chains.values().map(|chain| chain.closed_s.saturating_add(length_s)).min();
        Ok(next_s.unwrap_or(i64::MAX).saturating_mul(1_000_000))
    }

    async fn close(&mut self, due: &[(i64, Vec<Interval>)]) -> Result<(), SinkError> {
        let last_s = due.iter().filter_map(|(_, intervals)| intervals.last()).map(|interval| interval.end_s).max();
        let last_s = last_s.unwrap_or(self.run.clock_s);
        let mut tx = self.parts.catalog.begin().await?;
        for (chain, intervals) in due {
            for interval in intervals {
                digests::close(&mut tx, *chain, *interval).await?;
            }
        }
        digests::set_last_end(&mut tx, &self.run.arn, last_s).await?;
        runs::set_clock(&mut tx, self.run.id, last_s).await?;
        tx.commit().await?;
        self.run.clock_s = self.run.clock_s.max(last_s);
        for chain in self.chains.values_mut() {
            let closed = due.iter().find(|(id, _)| *id == chain.id).and_then(|(_, intervals)| intervals.last());
            chain.closed_s = closed.map_or(chain.closed_s, |interval| interval.end_s);
        }
        self.signals.output.notify_one();
        Ok(())
    }

    /// Ends and begins chains as a change of settings asks for; returns the chains and the activation that count from
    /// now on.
    pub(super) async fn change_chains(
        &self,
        tx: &mut Tx,
        change: &ChainChange,
        now_s: i64,
        next: &Version,
    ) -> Result<(Chains, Option<i64>), SinkError> {
        let mut chains = self.chains.clone();
        let mut last_s = None;
        for (key, chain) in &self.chains {
            if change.end_all || (change.end_away && chain.region != next.settings.home_region) {
                last_s = last_s.max(digests::end(tx, chain, now_s).await?.map(|interval| interval.end_s));
                chains.remove(key);
            }
        }
        if let Some(last_s) = last_s {
            digests::set_last_end(tx, &self.run.arn, last_s).await?;
            runs::set_clock(tx, self.run.id, last_s).await?;
        }
        if change.end_all {
            runs::activate(tx, self.run.id, None).await?;
            return Ok((chains, None));
        }
        if change.begin {
            let (activation_s, chain) = self.activate(tx, now_s, next).await?;
            chains.insert((chain.account, chain.region.clone()), chain);
            return Ok((chains, Some(activation_s)));
        }
        Ok((chains, self.run.activation_s))
    }
}

/// The intervals after `closed_s` that are over at `limit_s`. Of more than [`MISSED_MAX`] the first covers what is too
/// much.
fn due(closed_s: i64, length_s: i64, limit_s: i64) -> Vec<Interval> {
    let count = limit_s.saturating_sub(closed_s).div_euclid(length_s).max(0);
    let excess = (count - MISSED_MAX).max(0);
    let nth = |k| Interval::nth(closed_s, length_s, k);
    let mut intervals: Vec<Interval> = (excess + 1..=count).map(nth).collect();
    if let Some(first) = intervals.first_mut() {
        first.start_s = closed_s;
    }
    intervals
}

#[cfg(test)]
mod tests;
