//! Making a cut: journal it, spool its files, commit them. Each step can be taken again after an error or a crash.

use std::sync::Arc;

use catalog::files::{self, File};
use catalog::{cursors, runs};
use cloudtrail::log_file::{EXTENSION, Place, unique};

use super::buffers::Part;
use super::cut::Cut;
use super::gzip::gzip;
use super::intervals::Chains;
use super::sink::LogFiles;
use super::spool::{Error, Spool};
use crate::route::follower::SinkError;

/// A cut under way.
pub(super) struct Pending {
    cut: Cut,
    parts: Arc<Vec<Part>>,
    journaled: bool,
    /// The sizes of the compressed files, once they are in the spool.
    spooled: Option<Vec<u64>>,
}

impl LogFiles {
    /// Closes all buffers. There must be an event in them.
    pub(super) async fn cut(&mut self) -> Result<(), SinkError> {
        self.check_spool().await?;
        let Some(since) = self.buffers.since() else { return Ok(()) };
        let parts = self.buffers.take();
        let files = parts.iter().map(Part::described).collect();
        let cut = Cut::new(&self.run.arn, self.run.id, since.position..self.position, self.now_s(), files);
        self.pending = Some(Pending { cut, parts: Arc::new(parts), journaled: false, spooled: None });
        self.finish_cut().await
    }

    /// Makes the cut again that a crash interrupted: what was read since the cursor gives the same files.
    pub(super) async fn cut_again(&mut self) -> Result<(), SinkError> {
        let Some(mut cut) = self.replay.take() else { return Ok(()) };
        let parts = self.buffers.take();
        let files: Vec<_> = parts.iter().map(Part::described).collect();
        let same = files == cut.files;
        if !same {
            // The journal is checksummed: another version of the program selects other events. No file of the cut has left
            // this machine, so that it may be made anew.
            tracing::warn!(trail = self.run.arn, from = cut.from, to = cut.to, "the files of a cut have changed");
            cut.files = files;
        }
        if parts.is_empty() {
            return Ok(());
        }
        self.pending = Some(Pending { cut, parts: Arc::new(parts), journaled: same, spooled: None });
        self.finish_cut().await
    }

    /// Takes the steps of the cut under way that are left.
    pub(super) async fn finish_cut(&mut self) -> Result<(), SinkError> {
        self.journal_cut().await?;
        self.spool_cut().await?;
        self.commit_cut().await
    }

    async fn journal_cut(&mut self) -> Result<(), SinkError> {
        let Some(pending) = self.pending.as_mut().filter(|pending| !pending.journaled) else { return Ok(()) };
        let settings = &self.version.settings;
        let ledger = format!("{}/{}", settings.account, settings.home_region);
        let journaled = self.parts.recorder.control(&ledger, pending.cut.payload()).await;
        journaled.map_err(|error| SinkError::Retry(error.to_string()))?;
        pending.journaled = true;
        Ok(())
    }

    async fn spool_cut(&mut self) -> Result<(), SinkError> {
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.spooled.is_none()) else { return Ok(()) };
        let (spool, parts) = (self.parts.spool.clone(), Arc::clone(&pending.parts));
        let (level, cut_at_s) = (self.parts.config.compression_level, pending.cut.at);
        let names: Vec<String> = parts.iter().map(|part| spool_name(&pending.cut.trail, part)).collect();
        let write = tokio::task::spawn_blocking(move || write_all(&spool, &names, &parts, level, cut_at_s));
        let spooled = write.await.map_err(|error| SinkError::Retry(error.to_string()))?;
        pending.spooled = Some(spooled.map_err(|error| SinkError::Retry(error.to_string()))?);
        Ok(())
    }

    async fn commit_cut(&mut self) -> Result<(), SinkError> {
        let Some(Pending { cut, parts, spooled: Some(sizes), .. }) = &self.pending else { return Ok(()) };
        let mut tx = self.parts.catalog.begin().await?;
        let mut begun = Chains::new();
        for (part, bytes) in parts.iter().zip(sizes) {
            let chain = self.chain_for(&mut tx, &mut begun, (part.account, &part.region), cut.at).await?;
            files::insert(&mut tx, &self.file(cut, part, chain, *bytes)).await?;
        }
        cursors::set(&mut tx, &self.run.cursor(), cut.to).await?;
        runs::set_clock(&mut tx, self.run.id, cut.at).await?;
        tx.commit().await?;
        metrics::counter!("trailkeep_delivery_cut_files_total", "trail" => cut.trail.clone()).increment(parts.len() as u64);
        let events = parts.iter().map(|part| part.content.count).sum();
        metrics::counter!("trailkeep_delivery_cut_events_total", "trail" => cut.trail.clone()).increment(events);
        let (to, at) = (cut.to, cut.at);
        self.chains.extend(begun);
        self.run.clock_s = self.run.clock_s.max(at);
        self.persisted = to;
        self.persisted_at_us = self.parts.clock.now_us();
        self.pending = None;
        self.signals.output.notify_one();
        Ok(())
    }

    fn file(&self, cut: &Cut, part: &Part, chain: Option<i64>, bytes: u64) -> File {
        let settings = &self.version.settings;
        let place = Place {
            prefix: settings.s3_key_prefix.clone(),
            organization: None,
            account: part.account,
            region: part.region.clone(),
        };
        let unique = unique(&cut.trail, part.account, &part.region, part.first);
        File {
            id: 0,
            trail: self.run.trail,
            chain,
            account: part.account,
            region: part.region.clone(),
            bucket: settings.s3_bucket_name.clone(),
            key: place.key(part.folder, cut.at, &unique),
            spool: Some(spool_name(&cut.trail, part)),
            bytes,
            sha256: part.content.sha256,
            events: part.content.count,
            newest_s: part.content.newest_s,
            oldest_s: part.content.oldest_s,
            cut_at_s: cut.at,
        }
    }

    /// A trail whose bucket takes nothing delays itself alone: it stands still when so much waits for the bucket.
    async fn check_spool(&self) -> Result<(), SinkError> {
        let backlog = files::backlog(&self.parts.catalog, self.run.trail).await?;
        if backlog.bytes < self.parts.config.spool_bytes_max {
            return Ok(());
        }
        metrics::counter!("trailkeep_delivery_spool_full_total", "trail" => self.run.arn.clone()).increment(1);
        let files = backlog.files;
        Err(SinkError::Retry(format!("{files} files wait for the bucket of {}, as much as there may", self.run.arn)))
    }
}

/// The file's name in the spool: its unique part says whose it is and which.
fn spool_name(trail_arn: &str, part: &Part) -> String {
    format!("{}{EXTENSION}", unique(trail_arn, part.account, &part.region, part.first))
}

fn write_all(spool: &Spool, names: &[String], parts: &[Part], level: i32, cut_at_s: i64) -> Result<Vec<u64>, Error> {
    let write = |(name, part): (&String, &Part)| {
        let packed = gzip(&part.content.bytes, level, cut_at_s);
        spool.write(name, &packed)?;
        Ok(packed.len() as u64)
    };
    let sizes = names.iter().zip(parts).map(write).collect::<Result<_, Error>>()?;
    spool.sync()?;
    Ok(sizes)
}
