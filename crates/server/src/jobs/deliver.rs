//! Log files on their way from the spool into the bucket.

use bytes::Bytes;
use catalog::files::{self, File, Lane};
use catalog::trail_status::{self, Object as Kind};
use catalog::trails;
use cloudtrail::log_file::{Key, Place};

use super::{Error, Step, TrailJobs};
use crate::destinations::{Object, PutError, Sender};

impl TrailJobs {
    /// Delivers the oldest file of a lane.
    pub(super) async fn deliver_next(&self, lane: &Lane) -> Result<Step, Error> {
        let Some(file) = files::oldest(&self.parts.catalog, self.trail, lane).await? else { return Ok(Step::Idle) };
        let Some(name) = file.spool.clone() else { return Ok(Step::Idle) };
        let spool = self.parts.spool.clone();
        let reading = tokio::task::spawn_blocking(move || spool.read(&name));
        let body = Bytes::from(reading.await.map_err(|_| Error::Stopping)??);
        let object = Object { bucket: &file.bucket, key: &file.key, body: &body, metadata: &[] };
        match self.put(&object, lane.account).await {
            Ok(()) => self.delivered(&file).await?,
            Err(reason) => self.refused(&file, reason).await?,
        }
        Ok(Step::Done)
    }

    /// Uploads something of the trail's, with at most a few others.
    pub(super) async fn put(&self, object: &Object<'_>, account: cloudtrail::account::AccountId) -> Result<(), PutError> {
        // The trail's owner is in its ARN; an ARN of ours always has one.
        let owner = self.arn.split(':').nth(4).and_then(|owner| owner.parse().ok()).unwrap_or(account);
        let _turn = self.uploads.acquire().await;
        self.parts.destinations.put(object, Sender { source_arn: &self.arn, account: owner }).await
    }

    async fn delivered(&self, file: &File) -> Result<(), Error> {
        let now_s = self.parts.clock.now_s();
        let mut tx = self.parts.catalog.begin().await?;
        files::delivered(&mut tx, file.id).await?;
        trail_status::delivered(&mut tx, self.trail, file.region.as_str(), Kind::File, now_s).await?;
        trails::sweep(&mut tx, self.trail).await?;
        tx.commit().await?;
        metrics::counter!("trailkeep_delivery_files_total", "trail" => self.arn.clone()).increment(1);
        metrics::counter!("trailkeep_delivery_bytes_total", "trail" => self.arn.clone()).increment(file.bytes);
        self.unspool(file).await;
        if file.chain.is_some() {
            self.wake.work.notify_one();
        }
        Ok(())
    }

    /// What is not removed now is removed at the next start.
    async fn unspool(&self, file: &File) {
        let (spool, name) = (self.parts.spool.clone(), file.spool.clone().unwrap_or_default());
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || spool.remove(&name)).await {
            tracing::warn!(%error, "a file that was delivered stays in the spool");
        }
    }

    async fn refused(&self, file: &File, reason: PutError) -> Result<(), Error> {
        self.note_failure(file.region.as_str(), Kind::File, &reason).await?;
        if reason.is_no_such_bucket() && self.redirect(file).await? {
            return Ok(());
        }
        Err(Error::Put { bucket: file.bucket.clone(), key: file.key.clone(), reason })
    }

    pub(super) async fn note_failure(&self, region: &str, kind: Kind, reason: &PutError) -> Result<(), Error> {
        let now_s = self.parts.clock.now_s();
        let code = reason.code.clone().unwrap_or_else(|| "none".to_owned());
        let mut tx = self.parts.catalog.begin().await?;
        trail_status::failed(&mut tx, self.trail, region, kind, reason.code.as_deref(), now_s).await?;
        tx.commit().await?;
        match kind {
            Kind::File => metrics::counter!("trailkeep_delivery_failures_total", "trail" => self.arn.clone(), "code" => code),
            Kind::Digest => metrics::counter!("trailkeep_digest_failures_total", "trail" => self.arn.clone(), "code" => code),
        }
        .increment(1);
        Ok(())
    }

    /// Sends a file whose bucket is gone to where the trail delivers now, if that is elsewhere: nothing can be lying in a
    /// bucket that does not exist, and a trail that was given another one shall lose nothing.
    async fn redirect(&self, file: &File) -> Result<bool, Error> {
        let Some(trail) = trails::by_id(&self.parts.catalog, self.trail).await? else { return Ok(false) };
        let settings = trail.settings;
        let Some(Key { place, name }) = Key::parse(&file.key) else { return Ok(false) };
        if settings.s3_bucket_name == file.bucket {
            return Ok(false);
        }
        let key = Place { prefix: settings.s3_key_prefix, ..place }.key(name.folder, name.cut_at_s, &name.unique);
        let mut tx = self.parts.catalog.begin().await?;
        files::redirect(&mut tx, file.id, &settings.s3_bucket_name, &key).await?;
        tx.commit().await?;
        self.wake.work.notify_one();
        Ok(true)
    }
}
