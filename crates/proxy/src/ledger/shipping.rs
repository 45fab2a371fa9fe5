//! Shipping: carries the records of a proxy's own journal to another installation, over `/v1/events`.
//!
//! The cursor moves only when the other side has answered for every record: kept, kept before, of no use to anybody, or
//! refused and [put aside](super::aside). What is sent twice is a duplicate there, by its eventID.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use catalog::{Catalog, cursors};
use http::{StatusCode, header};
use journal::{Frame, Journal, Kind, Position};
use serde::Deserialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::aside::{Aside, Refused};

/// The name of the cursor.
pub(super) const CURSOR: &str = "shipping";
/// Bytes of records that are sent at once. Own choice: sixteen requests' worth of the other side's limit.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Records that are sent at once: the other side's limit (architecture, section 8).
const BATCH_RECORDS_MAX: usize = 100_000;
/// Bytes of an answer that are read: every record of a batch refused.
const ANSWER_BYTES_MAX: usize = 32 << 20;
/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// How long the program waits at its end for what is still to be shipped.
const LAST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long is waited after a first failure; twice as long after each that follows.
const BACK_OFF_MIN: Duration = Duration::from_millis(200);
/// How long is waited at most.
const BACK_OFF_MAX: Duration = Duration::from_secs(30);
/// zstd's level: the cheapest.
const LEVEL: i32 = 1;

/// Where records are shipped to.
#[derive(Clone)]
pub struct Target {
    /// The other installation: `https://trailkeep.example:4750`.
    pub url: String,
    /// A token that may send events.
    pub token: String,
    /// The client, with what it trusts.
    pub client: reqwest::Client,
}

/// The task.
pub(super) struct Shipping {
    journal: Journal,
    catalog: Catalog,
    target: Target,
    aside: Aside,
    jitter: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// Fewer after a batch that was refused as a whole.
    records_max: usize,
    failures: u32,
}

/// Why a batch did not arrive.
#[derive(Debug, thiserror::Error)]
enum ShipError {
    #[error("{0}")]
    Unreachable(String),
    #[error("answer {status}: {message}")]
    Refused { status: StatusCode, message: String, retry_after: Option<Duration>, of_batch: bool },
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error("records that were refused cannot be put aside: {0}")]
    Aside(std::io::Error),
}

/// The records of a stretch of the journal.
struct Batch {
    records: Vec<Bytes>,
    end: Position,
}

/// What the other side answers: of each record something.
#[derive(Deserialize)]
struct Answer {
    accepted: usize,
    #[serde(default)]
    duplicates: usize,
    #[serde(default)]
    expired: usize,
    #[serde(default)]
    rejected: Vec<Rejected>,
}

impl Answer {
    fn records(&self) -> usize {
        [self.duplicates, self.expired, self.rejected.len()].into_iter().fold(self.accepted, usize::saturating_add)
    }
}

#[derive(Deserialize)]
struct Rejected {
    index: usize,
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Shipping {
    pub(super) fn new(
        journal: Journal,
        catalog: Catalog,
        target: Target,
        aside: Aside,
        jitter: Arc<dyn Fn() -> f64 + Send + Sync>,
    ) -> Self {
        Self { journal, catalog, target, aside, jitter, records_max: BATCH_RECORDS_MAX, failures: 0 }
    }

    /// Ships until `shutdown`; what is left then is tried once.
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        let mut committed = self.journal.subscribe();
        loop {
            // What is given up half-way is sent again at the next start.
            let shipped = tokio::select! {
                shipped = self.ship_all() => shipped,
                () = late(&shutdown) => return,
            };
            let pause = shipped.err().map(|error| self.after(&error));
            if shutdown.is_cancelled() {
                return;
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = wake(pause, &mut committed) => {}
            }
        }
    }

    /// Ships everything that is committed.
    async fn ship_all(&mut self) -> Result<(), ShipError> {
        let mut from = cursors::get(&self.catalog, CURSOR).await?.unwrap_or(0).max(self.journal.first());
        while from < self.journal.committed() {
            from = self.ship(from).await?;
            self.failures = 0;
            metrics::gauge!("trailkeep_proxy_shipping_behind").set((self.journal.committed() - from) as f64);
        }
        Ok(())
    }

    /// Ships a batch; returns where the next one begins.
    async fn ship(&mut self, from: Position) -> Result<Position, ShipError> {
        let batch = self.read(from).await?;
        if !batch.records.is_empty() {
            match self.send(&batch).await {
                Ok(answer) if answer.records() != batch.records.len() => {
                    let (told, sent) = (answer.records(), batch.records.len());
                    return Err(ShipError::Unreachable(format!("the answer is about {told} records and not {sent}")));
                }
                Ok(answer) => self.settle(&batch, answer).await?,
                Err(error @ ShipError::Refused { of_batch: true, .. }) => self.shrink(&batch, &error).await?,
                Err(error) => return Err(error),
            }
            if self.records_max < batch.records.len() {
                return Ok(from);
            }
        }
        let mut tx = self.catalog.begin().await?;
        cursors::set(&mut tx, CURSOR, batch.end).await?;
        tx.commit().await?;
        self.records_max = (self.records_max * 2).min(BATCH_RECORDS_MAX);
        Ok(batch.end)
    }

    async fn read(&self, from: Position) -> Result<Batch, ShipError> {
        let journal = self.journal.clone();
        let read = tokio::task::spawn_blocking(move || journal.read(from, BATCH_BYTES_MAX)).await;
        let frames = read.map_err(|error| ShipError::Unreachable(error.to_string()))??;
        let mut batch = Batch { records: Vec::new(), end: from };
        for Frame { position, kind, payload, .. } in frames {
            if kind == Kind::Event {
                if batch.records.len() == self.records_max {
                    break;
                }
                batch.records.push(payload);
            }
            batch.end = position + 1;
        }
        Ok(batch)
    }

    async fn send(&self, batch: &Batch) -> Result<Answer, ShipError> {
        let body = compressed(batch.records.clone()).await?;
        let url = format!("{}/v1/events", self.target.url.trim_end_matches('/'));
        let request = self.target.client.post(url).bearer_auth(&self.target.token);
        let request = request.header(header::CONTENT_TYPE, "application/x-ndjson").header(header::CONTENT_ENCODING, "zstd");
        let exchange = async {
            let response = request.body(body).send().await.map_err(|error| unreachable(&error))?;
            let (status, retry_after) = (response.status(), retry_after(&response));
            let text = whole(response).await?;
            if status != StatusCode::OK {
                let message = String::from_utf8_lossy(text.get(..text.len().min(512)).unwrap_or_default()).into_owned();
                let of_batch = is_of_the_batch(status, &text);
                return Err(ShipError::Refused { status, message, retry_after, of_batch });
            }
            serde_json::from_slice(&text).map_err(|error| ShipError::Unreachable(format!("answer cannot be read: {error}")))
        };
        let late = |_| ShipError::Unreachable(format!("no answer within {} seconds", REQUEST_TIMEOUT.as_secs()));
        tokio::time::timeout(REQUEST_TIMEOUT, exchange).await.map_err(late)?
    }

    /// Puts aside what was refused.
    async fn settle(&self, batch: &Batch, answer: Answer) -> Result<(), ShipError> {
        let refused: BTreeMap<usize, Rejected> = answer.rejected.into_iter().map(|rejected| (rejected.index, rejected)).collect();
        metrics::counter!("trailkeep_proxy_shipped_total").increment(batch.records.len().saturating_sub(refused.len()) as u64);
        let of_batch =
            |Rejected { index, code, message }| Some(Refused { code, message, record: batch.records.get(index)?.clone() });
        self.put_aside(refused.into_values().filter_map(of_batch).collect()).await
    }

    /// A batch was refused as a whole: the next one has half as many records. A record that is refused alone is put aside.
    async fn shrink(&mut self, batch: &Batch, error: &ShipError) -> Result<(), ShipError> {
        if let [record] = &batch.records[..] {
            let alone = Refused { code: "RequestRefused".to_owned(), message: error.to_string(), record: record.clone() };
            return self.put_aside(vec![alone]).await;
        }
        tracing::warn!(%error, records = batch.records.len(), "records were refused together; fewer are sent at once");
        self.records_max = batch.records.len() / 2;
        Ok(())
    }

    async fn put_aside(&self, refused: Vec<Refused>) -> Result<(), ShipError> {
        if refused.is_empty() {
            return Ok(());
        }
        let count = refused.len();
        let first = format!("{}: {}", refused[0].code, refused[0].message);
        let aside = self.aside.clone();
        let put = tokio::task::spawn_blocking(move || aside.put(&refused)).await;
        put.map_err(|error| ShipError::Unreachable(error.to_string()))?.map_err(ShipError::Aside)?;
        metrics::counter!("trailkeep_proxy_rejected_total").increment(count as u64);
        tracing::error!(count, first, "records were refused by the other installation; they are in rejected.ndjson");
        Ok(())
    }

    /// How long to wait after a failure.
    fn after(&mut self, error: &ShipError) -> Duration {
        self.failures = self.failures.saturating_add(1);
        if self.failures.is_power_of_two() {
            tracing::warn!(%error, failures = self.failures, "records cannot be shipped; they stay in the proxy's journal");
        }
        metrics::counter!("trailkeep_proxy_shipping_failures_total").increment(1);
        let wanted = match error {
            ShipError::Refused { retry_after: Some(wanted), .. } => *wanted,
            _ => BACK_OFF_MIN * 2_u32.saturating_pow(self.failures.min(16) - 1),
        };
        wanted.min(BACK_OFF_MAX).mul_f64(0.5 + (self.jitter)().clamp(0.0, 1.0) / 2.0)
    }
}

/// Returns when the program has waited long enough for what is still to be shipped.
async fn late(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(LAST_TIMEOUT).await;
}

/// Waits until there may be something to ship.
async fn wake(pause: Option<Duration>, committed: &mut watch::Receiver<Position>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None if committed.changed().await.is_ok() => {}
        // The journal is closed: nothing more comes.
        None => std::future::pending().await,
    }
}

/// Whether it is what was sent that is refused: fewer records may be taken. Of what stands in between only that it takes
/// no more is believed; it answers 400 to whatever reason it has.
fn is_of_the_batch(status: StatusCode, answer: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "__type")]
        code: String,
    }
    let malformed = || serde_json::from_slice::<Refusal>(answer).is_ok_and(|refusal| refusal.code == "MalformedRequest");
    status == StatusCode::PAYLOAD_TOO_LARGE || (status == StatusCode::BAD_REQUEST && malformed())
}

/// The records as lines, compressed.
async fn compressed(records: Vec<Bytes>) -> Result<Vec<u8>, ShipError> {
    let lines = tokio::task::spawn_blocking(move || {
        let mut lines = Vec::with_capacity(records.iter().map(|record| record.len() + 1).sum());
        for record in records {
            lines.extend_from_slice(&record);
            lines.push(b'\n');
        }
        zstd::bulk::compress(&lines, LEVEL)
    });
    let lines = lines.await.map_err(|error| ShipError::Unreachable(error.to_string()))?;
    lines.map_err(|error| ShipError::Unreachable(error.to_string()))
}

/// The body of an answer, which is bounded.
async fn whole(mut response: reqwest::Response) -> Result<Vec<u8>, ShipError> {
    let mut text = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
        if text.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(ShipError::Unreachable("the answer is too long".to_owned()));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// An error with its causes, which reqwest keeps to itself.
fn unreachable(error: &reqwest::Error) -> ShipError {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    ShipError::Unreachable(text)
}
