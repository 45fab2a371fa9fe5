//! `POST /v1/events`: records from anywhere, answered once they are on disk.

use std::sync::Arc;

use bytes::Bytes;
use cloudtrail::region::Region;
use http::header::{self, HeaderName};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use pipeline::capture::envelope::{self, EnvelopeError};
use pipeline::capture::origin::{Origin, Route};
use pipeline::capture::parcel::Rejected;
use pipeline::capture::recorder::{Outcome, RecordError, Sender};
use serde::Serialize;

use super::room::Taken;
use super::{Refusal, json};
use crate::control::Failure;
use crate::listener::Body;
use crate::principals::Principal;
use crate::service::Service;
use crate::{front, gate};

/// Bytes of a request's body as it comes, compressed or not (architecture, section 8).
pub(super) const BODY_BYTES_MAX: usize = 64 << 20;
/// A body up to this size that is not compressed is read at once; others wait for their turn.
const SMALL_BODY_BYTES: usize = 1 << 20;

/// Ways that a record may go at once. Own choice: each is an entry of its own in the journal.
const ROUTES_MAX: usize = 4;

/// The answer to a request that was readable.
#[derive(Serialize)]
pub(super) struct Answer {
    accepted: u64,
    duplicates: u64,
    conflicts: u64,
    expired: u64,
    rejected: Vec<RejectedRecord>,
}

#[derive(Serialize)]
struct RejectedRecord {
    index: usize,
    code: String,
    message: String,
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        let Outcome { accepted, duplicates, conflicts, expired, rejected, .. } = outcome;
        Self { accepted, duplicates, conflicts, expired, rejected: rejected.into_iter().map(RejectedRecord::from).collect() }
    }
}

impl From<Rejected> for RejectedRecord {
    fn from(rejected: Rejected) -> Self {
        Self { index: rejected.index, code: rejected.code.to_string(), message: rejected.message }
    }
}

/// Records the events of one request.
pub(super) async fn post(service: &Arc<Service>, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let Received { principal, region, body, room } = receive(service, &parts, body).await?;
    let routes = routes(service, &principal, &region, parts.uri.query().unwrap_or_default())?;
    // An explicit route loads what already happened elsewhere: it is kept as an import is.
    let origin = if routes.is_empty() { Origin::Ingest } else { Origin::Import };
    let (media_type, coding) = (text(&parts, header::CONTENT_TYPE), text(&parts, header::CONTENT_ENCODING));
    let may_grow = coding.is_some() || body.len() > SMALL_BODY_BYTES;
    let turn = if may_grow { Some(service.room.turn_to_read().await?) } else { None };
    let account = principal.account;
    let size_max = service.lake.event_bytes_max(account);
    let parcel = tokio::task::spawn_blocking(move || {
        let records = envelope::read(&body, media_type.as_deref(), coding.as_deref())?;
        Ok::<_, EnvelopeError>(records.admit_up_to(size_max, account, &region))
    })
    .await
    .map_err(|error| Refusal::from(Failure::internal(error)))??;
    let _room_for_records = service.room.for_records(&parcel).await?;
    drop((turn, room));
    let pending = service.recorder.enqueue_to(vec![parcel], origin, routes, &sender_of(&principal)).await?;
    let outcome = pending.durable().await?.into_iter().next().unwrap_or_default();
    json(&Answer::from(outcome))
}

/// The sender and the body, and the room the body takes while it is worked on.
///
/// Nothing is read from senders who could not be let in whatever their body is.
pub(super) async fn receive(service: &Service, parts: &Parts, body: Incoming) -> Result<Received, Refusal> {
    service.recorder.ready().map_err(|error| Refusal::unavailable(&error))?;
    let announced = gate::announced(service, parts).await?;
    let declared = body.size_hint().exact().unwrap_or(BODY_BYTES_MAX as u64);
    if declared > BODY_BYTES_MAX as u64 {
        return Err(Refusal::from(front::BodyError::TooLarge(BODY_BYTES_MAX)));
    }
    let room = service.room.for_body(declared).await?;
    let body = front::read_body(body, BODY_BYTES_MAX).await?;
    let (principal, region) = announced.verified(service, parts, &body)?;
    Ok(Received { principal, region, body, room })
}

/// A body that came whole, from someone who may send it.
pub(super) struct Received {
    pub(super) principal: Principal,
    /// The Region of records that name none.
    pub(super) region: Region,
    pub(super) body: Bytes,
    /// Taken until the work is done.
    pub(super) room: Taken,
}

pub(super) fn sender_of(principal: &Principal) -> Sender {
    Sender { account: principal.account, adopt: principal.may_adopt(), any_account: false, principal: principal.arn().into() }
}

/// `?route=history,stores,trails,store:NAME`: the ways that records are to go; `stores` is the default event data store.
/// None means everything a live event reaches, or an import.
pub(super) fn routes(service: &Service, principal: &Principal, region: &Region, query: &str) -> Result<Vec<Route>, Refusal> {
    let mut lists = query.split('&').filter_map(|pair| pair.strip_prefix("route="));
    let (Some(list), None) = (lists.next(), lists.next()) else {
        return if query.contains("route=") { Err(Refusal::malformed("route is given twice")) } else { Ok(Vec::new()) };
    };
    let list = percent_encoding::percent_decode_str(list).decode_utf8_lossy();
    let mut followers = Route::NONE;
    let mut routes = Vec::new();
    for word in list.split(',').filter(|word| !word.is_empty()) {
        match (word, word.strip_prefix("store:")) {
            ("history", _) => followers = followers.with(Route::HISTORY),
            ("stores", _) => followers = followers.with(Route::STORES),
            ("trails", _) => followers = followers.with(Route::TRAILS),
            (_, Some(name)) => {
                let store = service.lake.named(principal.account, region, name).ok_or_else(|| no_store(name))?;
                if !routes.contains(&Route::store(store)) {
                    routes.push(Route::store(store));
                }
            }
            _ => return Err(Refusal::malformed(format!("route {word:?} is none of history, stores, trails, store:NAME"))),
        }
    }
    if followers != Route::NONE {
        // What the sender is told of, if it goes there.
        routes.insert(0, followers);
    }
    match routes.len() {
        0 => Err(Refusal::malformed("route names nothing")),
        1..=ROUTES_MAX => Ok(routes),
        _ => Err(Refusal::malformed(format!("route names more than {ROUTES_MAX} ways"))),
    }
}

fn no_store(name: &str) -> Refusal {
    let message = format!("There is no event data store {name:?} that events could be put into.");
    Refusal::new(StatusCode::BAD_REQUEST, "EventDataStoreNotFoundException", message)
}

fn text(parts: &Parts, name: HeaderName) -> Option<String> {
    parts.headers.get(name)?.to_str().ok().map(str::to_owned)
}

impl From<EnvelopeError> for Refusal {
    fn from(error: EnvelopeError) -> Self {
        let message = error.to_string();
        match error {
            EnvelopeError::Malformed(_) => Self::malformed(message),
            EnvelopeError::TooLarge(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message),
            EnvelopeError::Unsupported(_) => Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message),
        }
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        Self::unavailable(&error)
    }
}
