//! `POST /v1/export`: the events of a store by time, as OCSF, Parquet or the records themselves.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use catalog::event_data_stores::{self, Store};
use cloudtrail::account::AccountId;
use cloudtrail::region::Region;
use futures_util::stream;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use lake::export::{self, Format, Pieces};
use lake::tables::ScanStats;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::{Refusal, SMALL_BODY_BYTES_MAX};
use crate::control::Failure;
use crate::listener::{Body, Connection};
use crate::own_calls::Caller;
use crate::service::Service;
use crate::{data_reads, front, gate};

/// Exports under way at a time: each has a thread and its memory.
pub(super) const EXPORTS_MAX: usize = 2;

/// How long an export waits for events that were just acknowledged. Own choice: they are there within a second, unless
/// the store cannot keep up.
const VISIBLE_TIMEOUT: Duration = Duration::from_secs(30);

type StdError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Asked {
    /// Id, ARN or name.
    event_data_store: String,
    /// `ocsf`, `parquet` or `ndjson`.
    format: String,
    /// The earliest eventTime, in seconds.
    #[serde(default)]
    start: Option<i64>,
    /// The latest eventTime, in seconds.
    #[serde(default)]
    end: Option<i64>,
}

impl Asked {
    fn format(&self) -> Result<Format, Refusal> {
        let all = Format::ALL.map(Format::as_str).join(", ");
        Format::of(&self.format).ok_or_else(|| Refusal::malformed(format!("format {:?} is none of {all}", self.format)))
    }
}

/// The events, as they are read.
pub(super) async fn post(
    service: &Arc<Service>,
    connection: &Connection,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let body = front::read_body(body, SMALL_BODY_BYTES_MAX).await?;
    let (principal, region) = gate::signed(service, &parts, &body, "cloudtrail", service.clock.now_us())?;
    let asked: Asked = serde_json::from_slice(&body).map_err(|error| Refusal::malformed(error.to_string()))?;
    let format = asked.format()?;
    let store = store(service, principal.account, &region, &asked.event_data_store).await?;
    let family = store.settings.family();
    if !format.suits(family) {
        return Err(Refusal::malformed("only CloudTrail events are API activity; this event data store has others"));
    }
    let permit = Arc::clone(&service.exports)
        .try_acquire_owned()
        .map_err(|_| Refusal::unavailable(&format!("{EXPORTS_MAX} exports are under way")))?;
    let caller = Caller::new(&principal, connection, &parts, &service.random_uuid());
    let parameters = json!({ "format": format.as_str(), "startTime": asked.start, "endTime": asked.end });
    data_reads::record(service, &caller, &region, &store, parameters).await.map_err(|error| Refusal::unavailable(&error))?;
    let request = export::Request {
        family,
        format,
        since_us: asked.start.map(|start| start.saturating_mul(1_000_000)),
        // Events have whole seconds, and the last one belongs to the range.
        until_us: asked.end.map(|end| end.saturating_add(1).saturating_mul(1_000_000)),
    };
    let pieces = begin(service, &store, request).await?;
    let mut response = Response::new(streamed(pieces, permit));
    let media_type = match format {
        Format::Parquet => "application/vnd.apache.parquet",
        Format::Ocsf | Format::Ndjson => "application/x-ndjson",
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(response)
}

async fn store(service: &Service, account: AccountId, region: &Region, name: &str) -> Result<Store, Refusal> {
    let unknown = || {
        let message = format!("The event data store {name:.256} does not exist.");
        Refusal::new(StatusCode::NOT_FOUND, "EventDataStoreNotFoundException", message)
    };
    let number = service.lake.named(account, region, name).ok_or_else(unknown)?;
    event_data_stores::by_number(&service.catalog, number).await?.ok_or_else(unknown)
}

/// Reads all that was acknowledged before the call.
async fn begin(service: &Service, store: &Store, request: export::Request) -> Result<Pieces, Refusal> {
    let tables = service.lake.tables();
    let closed = || Refusal::unavailable(&"the event data store is not open");
    let visible = tables.wait_visible(&store.id, service.journal.committed());
    match tokio::time::timeout(VISIBLE_TIMEOUT, visible).await {
        Ok(true) => {}
        Ok(false) => return Err(closed()),
        Err(_) => return Err(Refusal::unavailable(&"the event data store is behind")),
    }
    let snapshot = tables.snapshot(&store.id).ok_or_else(closed)?;
    let rows = snapshot.provider(Arc::new(ScanStats::default()));
    export::start(rows, request).map_err(|error| Refusal::from(Failure::internal(error)))
}

/// The bytes as a body; a failure breaks it off, so that nobody takes a part for the whole.
fn streamed(pieces: Pieces, permit: OwnedSemaphorePermit) -> Body {
    let frames = stream::unfold((pieces, permit), |(mut pieces, permit)| async move {
        let frame = pieces.recv().await?.map(|bytes: Bytes| Frame::data(bytes)).map_err(|error| {
            tracing::error!(%error, "an export broke off");
            StdError::from(error)
        });
        Some((frame, (pieces, permit)))
    });
    BodyExt::boxed_unsync(StreamBody::new(frames))
}
