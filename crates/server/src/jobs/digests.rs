//! Digests: sealed in order once all their files are delivered, then delivered.
//!
//! A digest is written and signed once. Its bytes, its signature and the head of its chain are in the catalog before
//! anything of it leaves the machine, so that no crash can fork the chain. The next digest of a chain waits until the one
//! before it is delivered.

use bytes::Bytes;
use catalog::digests::{self, Digest, Sealed};
use catalog::files::{self, File};
use catalog::trail_status::{self, Object as Kind};
use catalog::trails;
use cloudtrail::digest::{ALGORITHM_METADATA, Chain, Document, Link, LogFile, SIGNATURE_ALGORITHM, SIGNATURE_METADATA, Series};
use cloudtrail::log_file::Place;
use pipeline::sinks::log_files::gzip::gzip;
use serde::Serialize;

use super::{Error, Step, TrailJobs};
use crate::destinations::{Object, PutError};

/// The entry of a digest in the journal.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    trail: &'a str,
    account: &'a str,
    region: &'a str,
    start: i64,
    end: i64,
    bucket: &'a str,
    key: &'a str,
    sha256: &'a str,
    signature: &'a str,
}

impl TrailJobs {
    /// Brings the oldest digest of a chain on its way.
    pub(super) async fn advance(&self, chain: i64) -> Result<Step, Error> {
        let Some(chain) = digests::chain(&self.parts.catalog, chain).await? else { return Ok(Step::Idle) };
        let Some(digest) = digests::oldest(&self.parts.catalog, chain.id).await? else { return Ok(Step::Idle) };
        match &digest.sealed {
            Some(sealed) if digest.journaled => self.deliver_digest(&chain, &digest, sealed).await?,
            Some(sealed) => self.journal(&chain, &digest, sealed).await?,
            None if digests::is_ready(&self.parts.catalog, digest.id).await? => self.seal(&chain, &digest).await?,
            None => return Ok(Step::Idle),
        }
        Ok(Step::Done)
    }

    async fn seal(&self, chain: &digests::Chain, digest: &Digest) -> Result<(), Error> {
        let Some(trail) = trails::by_id(&self.parts.catalog, self.trail).await? else { return Ok(()) };
        let settings = trail.settings;
        let signer = self.parts.keys.signer_for(chain.region.as_str(), digest.interval.end_s).await?;
        let place =
            Place { prefix: settings.s3_key_prefix, organization: None, account: chain.account, region: chain.region.clone() };
        let series = Series {
            bucket: settings.s3_bucket_name,
            place,
            trail: settings.name,
            home: settings.home_region.clone(),
            fingerprint: signer.fingerprint.clone(),
        };
        let files = files::of_digest(&self.parts.catalog, digest.id).await?;
        let at = Chain { next_start_s: digest.interval.start_s, previous: chain.link.clone() };
        let unsigned = at.next(&series, files.iter().map(listed).collect(), digest.interval.end_s);
        let signature = signer.sign(unsigned.string_to_sign.as_bytes());
        let link = unsigned.signed(&signature).previous.expect("a signed digest can be named by the next one");
        let sealed = Sealed {
            bucket: link.bucket.clone(),
            key: link.object.clone(),
            body: gzip(&unsigned.bytes, self.parts.compression_level, digest.interval.end_s),
            signature: link.signature.clone(),
        };
        let mut tx = self.parts.catalog.begin().await?;
        digests::seal(&mut tx, chain.id, digest.id, &sealed, &link).await?;
        tx.commit().await?;
        metrics::counter!("trailkeep_digest_sealed_total", "trail" => self.arn.clone()).increment(1);
        Ok(())
    }

    async fn journal(&self, chain: &digests::Chain, digest: &Digest, sealed: &Sealed) -> Result<(), Error> {
        let Some(trail) = trails::by_id(&self.parts.catalog, self.trail).await? else { return Ok(()) };
        let Some(link) = &chain.link else { return Ok(()) };
        let entry = Entry {
            kind: "digest",
            trail: &self.arn,
            account: chain.account.as_str(),
            region: chain.region.as_str(),
            start: digest.interval.start_s,
            end: digest.interval.end_s,
            bucket: &sealed.bucket,
            key: &sealed.key,
            sha256: &link.sha256,
            signature: &sealed.signature,
        };
        let payload = serde_json::to_vec(&entry).expect("a struct of texts and numbers is written as JSON");
        let ledger = format!("{}/{}", trail.settings.account, trail.settings.home_region);
        let journaled = self.parts.recorder.control(&ledger, payload.into()).await;
        journaled.map_err(|error| Error::Journal(error.to_string()))?;
        let mut tx = self.parts.catalog.begin().await?;
        digests::journaled(&mut tx, digest.id).await?;
        Ok(tx.commit().await?)
    }

    async fn deliver_digest(&self, chain: &digests::Chain, digest: &Digest, sealed: &Sealed) -> Result<(), Error> {
        let metadata = [(SIGNATURE_METADATA, sealed.signature.as_str()), (ALGORITHM_METADATA, SIGNATURE_ALGORITHM)];
        let body = Bytes::from(sealed.body.clone());
        let object = Object { bucket: &sealed.bucket, key: &sealed.key, body: &body, metadata: &metadata };
        if let Err(reason) = self.put(&object, chain.account).await {
            return self.digest_refused(chain, digest, sealed, reason).await;
        }
        let now_s = self.parts.clock.now_s();
        let mut tx = self.parts.catalog.begin().await?;
        digests::delivered(&mut tx, chain.id, digest.id).await?;
        trail_status::delivered(&mut tx, self.trail, chain.region.as_str(), Kind::Digest, now_s).await?;
        trails::sweep(&mut tx, self.trail).await?;
        tx.commit().await?;
        metrics::counter!("trailkeep_digest_delivered_total", "trail" => self.arn.clone()).increment(1);
        Ok(())
    }

    async fn digest_refused(
        &self,
        chain: &digests::Chain,
        digest: &Digest,
        sealed: &Sealed,
        reason: PutError,
    ) -> Result<(), Error> {
        self.note_failure(chain.region.as_str(), Kind::Digest, &reason).await?;
        let bucket = trails::by_id(&self.parts.catalog, self.trail).await?.map(|trail| trail.settings.s3_bucket_name);
        if reason.is_no_such_bucket() && bucket.is_some_and(|bucket| bucket != sealed.bucket) {
            // It was never delivered and names a bucket that is gone: it is sealed again for where the trail delivers now.
            let mut tx = self.parts.catalog.begin().await?;
            digests::unseal(&mut tx, chain.id, digest.id, previous(sealed)?.as_ref()).await?;
            return Ok(tx.commit().await?);
        }
        Err(Error::Put { bucket: sealed.bucket.clone(), key: sealed.key.clone(), reason })
    }
}

fn listed(file: &File) -> LogFile {
    LogFile::delivered(&file.bucket, &file.key, &file.sha256, file.newest_s, file.oldest_s)
}

/// What a sealed digest says of the one before it.
fn previous(sealed: &Sealed) -> Result<Option<Link>, Error> {
    let damaged = |reason: String| catalog::Error::damaged(format!("digest {}", sealed.key), reason);
    let mut bytes = Vec::new();
    let mut decompressor = libdeflater::Decompressor::new();
    // The last four bytes of a gzip member are its size (RFC 1952, section 2.3.1).
    let size = sealed.body.last_chunk::<4>().map_or(0, |size| u32::from_le_bytes(*size) as usize);
    bytes.resize(size, 0);
    decompressor.gzip_decompress(&sealed.body, &mut bytes).map_err(|error| damaged(error.to_string()))?;
    let document = Document::parse(&bytes).map_err(|error| damaged(error.to_string()))?;
    let link = |bucket, object, sha256, signature| Link { bucket, object, sha256, signature };
    Ok(document
        .previous_digest_s3_bucket
        .zip(document.previous_digest_s3_object)
        .zip(document.previous_digest_hash_value.zip(document.previous_digest_signature))
        .map(|((bucket, object), (sha256, signature))| link(bucket, object, sha256, signature)))
}
