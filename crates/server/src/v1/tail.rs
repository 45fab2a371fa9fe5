//! `GET /v1/tail`: records as they come in, one a line, until the client leaves.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::event::Event;
use cloudtrail::lookup::{self, AttributeKey};
use futures_util::stream;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use pipeline::route::batch::Record;
use pipeline::sinks::event_history;

use super::Refusal;
use crate::gate;
use crate::listener::{Body, Connection};
use crate::own_calls::{Caller, Finished};
use crate::service::Service;

/// Streams open at a time.
pub(super) const STREAMS_MAX: usize = 64;

/// Which records a stream shows.
struct Filter {
    owner: AccountId,
    region: Option<String>,
    attributes: Vec<(AttributeKey, String)>,
}

impl Filter {
    fn parse(owner: AccountId, query: &str) -> Result<Self, Refusal> {
        let mut filter = Self { owner, region: None, attributes: Vec::new() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_encoding::percent_decode_str(value)
                .decode_utf8()
                .map_err(|_| Refusal::malformed(format!("{name} is not UTF-8")))?
                .into_owned();
            if name == "region" {
                filter.region = Some(value);
            } else {
                let key = name.parse().map_err(|_| Refusal::malformed(format!("{name:?} is no lookup attribute")))?;
                filter.attributes.push((key, value));
            }
        }
        Ok(filter)
    }

    fn shows(&self, service: &Service, event: &Event) -> bool {
        service.accounts.owner_of(event.account()) == self.owner
            && self.region.as_deref().is_none_or(|region| region == event.region())
            && (self.attributes.is_empty() || self.matches(event))
    }

    fn matches(&self, event: &Event) -> bool {
        let facts = lookup::facts(event);
        self.attributes.iter().all(|(key, value)| event_history::has(&facts, *key, value))
    }
}

/// The stream, from now on.
pub(super) async fn get(
    service: &Arc<Service>,
    connection: &Connection,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let (parts, _) = request.into_parts();
    let (principal, region) = gate::signed(service, &parts, &Bytes::new(), "cloudtrail", service.clock.now_us())?;
    let filter = Filter::parse(principal.account, parts.uri.query().unwrap_or_default())?;
    let permit = Arc::clone(&service.tail_streams)
        .try_acquire_owned()
        .map_err(|_| Refusal::unavailable(&format!("{STREAMS_MAX} streams are open")))?;
    let caller = Caller::new(&principal, connection, &parts, &service.random_uuid());
    let parameters: HashMap<&str, &str> = [("follow", "true")].into();
    let finished = Finished {
        operation: api::Operation::LookupEvents,
        region: &region,
        parameters: Some(&serde_json::json!(parameters)),
        outcome: Ok(&serde_json::Value::Null),
    };
    service.own_calls.record(&caller, &finished, service.config.strict).await.map_err(|error| Refusal::unavailable(&error))?;
    let start = (Arc::clone(service), filter, service.journal.committed(), permit);
    let lines = stream::unfold(start, |(service, filter, mut from, permit)| async move {
        loop {
            let batch = tokio::select! {
                batch = service.feed.next(from) => batch,
                () = service.shutdown.cancelled() => return None,
            };
            let batch = batch.inspect_err(|error| tracing::warn!(%error, "a live stream ends")).ok()?;
            from = batch.end;
            let shown = batch.records().filter(|record| filter.shows(&service, &record.event));
            let lines: Vec<u8> = shown.flat_map(line).collect();
            if !lines.is_empty() {
                return Some((Ok::<_, Infallible>(Frame::data(Bytes::from(lines))), (service, filter, from, permit)));
            }
        }
    });
    let mut response = Response::new(BodyExt::map_err(StreamBody::new(lines), |never| match never {}).boxed_unsync());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

fn line(record: &Record) -> Vec<u8> {
    let mut line = record.event.bytes().to_vec();
    line.push(b'\n');
    line
}
