//! Results on their way into a bucket: the files of rows, then what signs them.
//!
//! A delivery can be begun again at any time: names and bytes are a function of the query and its results, and putting
//! an object again changes nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use catalog::queries::{self, Query};

use super::csv::CsvFile;
use super::place::Place;
use super::results::{self, Reader};
use super::signing::{MANIFEST_FILE, ResultFile, SIGN_FILE, Signed};
use super::{Inner, seconds};
use crate::destinations::{Object, PutError, Sender};
use crate::jobs::keys::{self, Signer};

/// How long a bucket that fails is tried, from the end of the query on. Own choice; AWS says nothing.
const PATIENCE_S: i64 = 24 * 3_600;
/// The pause after a first failure; it doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_mins(5);
/// Rows that are read at a time.
const PAGE_ROWS: usize = 1_000;
/// Bytes of rows that are read at a time.
const PAGE_BYTES: usize = 4 << 20;

/// Why results are not delivered.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// The bucket does not take them, and will not.
    #[error("{key}: {reason}")]
    Refused { key: String, reason: PutError },
    /// The results cannot be read.
    #[error(transparent)]
    Results(#[from] results::Error),
    /// The catalog, where small results are, cannot be read.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// There is nothing to sign with.
    #[error(transparent)]
    Key(#[from] keys::Error),
    /// Compression failed.
    #[error("the rows cannot be compressed: {0}")]
    Compression(#[from] std::io::Error),
    /// The URI that StartQuery took is none.
    #[error("{0}")]
    Place(#[from] cloudtrail::trail::Invalid),
    /// The program winds up, and the delivery goes on after the next start.
    #[error("the program stops")]
    Stopping,
}

impl Error {
    /// DeliveryStatus as the API writes it.
    fn status(&self) -> &'static str {
        let Self::Refused { key, reason } = self else {
            return if matches!(self, Self::Key(_)) { "FAILED_SIGNING_FILE" } else { "FAILED" };
        };
        let signing = !key.ends_with(".csv.gz");
        match reason.code.as_deref() {
            Some("NoSuchBucket") => "RESOURCE_NOT_FOUND",
            Some("AccessDenied" | "AllAccessDisabled") if signing => "ACCESS_DENIED_SIGNING_FILE",
            Some("AccessDenied" | "AllAccessDisabled") => "ACCESS_DENIED",
            _ if signing => "FAILED_SIGNING_FILE",
            _ => "FAILED",
        }
    }
}

/// Whether trying again cannot help.
fn is_final(error: &PutError) -> bool {
    matches!(error.code.as_deref(), Some("NoSuchBucket" | "AccessDenied" | "AllAccessDisabled" | "InvalidBucketName"))
}

/// Delivers the results of a query that has finished, and notes how that ended.
pub(super) async fn deliver(inner: &Arc<Inner>, query: &Query) {
    let Some(delivery) = &query.delivery else { return };
    let carrying = Carrying { inner, query, source_arn: &delivery.source_arn };
    let (status, reason) = match carrying.carry(&delivery.uri).await {
        Ok(()) => ("SUCCESS", None),
        Err(Error::Stopping) => return,
        Err(error) => (error.status(), Some(error.to_string())),
    };
    if let Some(reason) = &reason {
        tracing::warn!(query = query.id, reason, status, "the results of a query are not delivered");
    }
    metrics::counter!("trailkeep_query_deliveries_total", "status" => status).increment(1);
    if let Err(error) = note(inner, &query.id, status, reason.as_deref()).await {
        // It is still to be delivered as far as the catalog knows, and is taken up again.
        tracing::warn!(query = query.id, %error, "the delivery of results cannot be noted");
    }
}

async fn note(inner: &Inner, id: &str, status: &str, reason: Option<&str>) -> Result<(), catalog::Error> {
    let mut tx = inner.parts.catalog.begin().await?;
    queries::delivered(&mut tx, id, status, reason).await?;
    tx.commit().await
}

struct Carrying<'a> {
    inner: &'a Arc<Inner>,
    query: &'a Query,
    source_arn: &'a str,
}

impl Carrying<'_> {
    async fn carry(&self, uri: &str) -> Result<(), Error> {
        let query = self.query;
        let place = Place::parse(uri)?;
        let folder = place.folder(query.owner, seconds(query.created_at_us), &query.id);
        let open = self.inner.results(query).await?;
        let reader = Arc::new(blocking(move || Ok(open()?)).await?);
        let mut files = Vec::new();
        let mut next = Some(0);
        while let Some(from) = next {
            let reading = Arc::clone(&reader);
            let (bytes, after) = blocking(move || file_from(&reading, from)).await?;
            let name = format!("result_{}.csv.gz", files.len() + 1);
            files.push(ResultFile::new(name.clone(), &bytes));
            self.put(&place.bucket, &format!("{folder}{name}"), bytes.into()).await?;
            next = after;
        }
        let completed_s = seconds(query.ended_at_us.unwrap_or(query.created_at_us));
        let signer: Signer = self.inner.parts.jobs.keys.signer_for(&query.region, completed_s).await?;
        let signed = Signed {
            region: &query.region,
            query_id: &query.id,
            statement: &query.statement,
            stores: query.stores.iter().map(String::as_str).collect(),
            rows: query.rows,
            started_s: seconds(query.created_at_us),
            completed_s,
            files: &files,
        };
        // AWS's file comes last: whoever waits for it has everything.
        self.put(&place.bucket, &format!("{folder}{MANIFEST_FILE}"), signed.manifest(&signer).into()).await?;
        self.put(&place.bucket, &format!("{folder}{SIGN_FILE}"), signed.sign_file(&signer).into()).await
    }

    /// Puts an object; tries again while the bucket fails and there is hope.
    async fn put(&self, bucket: &str, key: &str, body: Bytes) -> Result<(), Error> {
        let parts = &self.inner.parts;
        let object = Object { bucket, key, body: &body, metadata: &[] };
        let sender = Sender { source_arn: self.source_arn, account: self.query.owner };
        let give_up_s = seconds(self.query.ended_at_us.unwrap_or(self.query.created_at_us)) + PATIENCE_S;
        let mut failures = 0;
        loop {
            let put = Box::pin(parts.jobs.destinations.put(&object, sender));
            let Some(done) = self.inner.stop.run_until_cancelled(put).await else { return Err(Error::Stopping) };
            let Err(reason) = done else { return Ok(()) };
            if is_final(&reason) || parts.clock.now_s() > give_up_s {
                return Err(Error::Refused { key: key.to_owned(), reason });
            }
            let pause = pause(failures, (parts.jobs.random)());
            tracing::warn!(query = self.query.id, bucket, key, %reason, "results are tried again in {pause:?}");
            failures += 1;
            if self.inner.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return Err(Error::Stopping);
            }
        }
    }
}

/// The result file that begins with row `from`, and the row after it if there is one. Blocks.
fn file_from(reader: &Reader, from: u64) -> Result<(Vec<u8>, Option<u64>), Error> {
    let mut file = CsvFile::new(reader.columns())?;
    let mut next = Some(from);
    while let Some(from) = next {
        if file.is_full() {
            break;
        }
        let page = reader.page(from, PAGE_ROWS, PAGE_BYTES)?;
        for row in &page.rows {
            file.push(row)?;
        }
        next = page.next;
    }
    Ok((file.finish()?, next))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Stopping)?
}

/// Between half of the full pause and all of it, so that many deliveries do not knock at the same time.
fn pause(failures: u32, random: u64) -> Duration {
    let full = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(failures)).min(PAUSE_MAX);
    full / 2 + (full / 2).mul_f64((random % 1024) as f64 / 1024.0)
}
