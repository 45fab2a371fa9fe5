//! `POST /v1/lookup`: event history with several filters at once, in one Region or all, with what is known of how each
//! record came in.

use std::sync::Arc;

use cloudtrail::event::Category;
use cloudtrail::lookup::AttributeKey;
use cloudtrail::region::Region;
use http::{Request, Response};
use hyper::body::Incoming;
use pipeline::sinks::event_history::{Hit, Place, Query};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Refusal, SMALL_BODY_BYTES_MAX, json};
use crate::control::Failure;
use crate::listener::{Body, Connection};
use crate::own_calls::{Caller, Finished};
use crate::service::Service;
use crate::{front, gate};

/// Records on a page.
const LIMIT_MAX: usize = 1_000;
/// Filters in one lookup.
const FILTERS_MAX: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Attribute and value; all must hold.
    #[serde(default)]
    filters: Vec<(String, String)>,
    /// Without it, every Region.
    #[serde(default)]
    region: Option<Region>,
    /// Insights events instead of management events.
    #[serde(default)]
    insight: bool,
    #[serde(default)]
    start: Option<i64>,
    #[serde(default)]
    end: Option<i64>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    next: Option<Next>,
}

/// Where the next page begins.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Next {
    event_time_s: i64,
    position: u64,
    upper: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found<'a> {
    position: u64,
    accepted_at_us: i64,
    origin: &'static str,
    sender: &'a str,
    event: &'a RawValue,
}

#[derive(Serialize)]
struct Page<'a> {
    hits: Vec<Found<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
}

/// One page.
pub(super) async fn post(
    service: &Arc<Service>,
    connection: &Connection,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let body = front::read_body(body, SMALL_BODY_BYTES_MAX).await?;
    let (principal, region) = gate::signed(service, &parts, &body, "cloudtrail", service.clock.now_us())?;
    let asked: Asked = serde_json::from_slice(&body).map_err(|error| Refusal::malformed(error.to_string()))?;
    if asked.filters.len() > FILTERS_MAX {
        return Err(Refusal::malformed(format!("at most {FILTERS_MAX} filters")));
    }
    let filters = asked.filters.into_iter().map(|(key, value)| {
        let known: AttributeKey = key.parse().map_err(|_| Refusal::malformed(format!("{key:?} is no lookup attribute")))?;
        Ok((known, value))
    });
    let upper = asked.next.as_ref().map_or(u64::MAX, |next| next.upper);
    let query = Query {
        owner: principal.account,
        region: asked.region,
        category: if asked.insight { Category::Insight } else { Category::Management },
        filters: filters.collect::<Result<_, Refusal>>()?,
        start_s: asked.start,
        end_s: asked.end,
        limit: asked.limit.unwrap_or(50).clamp(1, LIMIT_MAX),
        after: asked.next.map(|next| Place { event_time_s: next.event_time_s, position: next.position }),
        upper,
    };
    let page = service.history.lookup(query).await.map_err(|error| Refusal::from(Failure::internal(error)))?;
    let caller = Caller::new(&principal, connection, &parts, &service.random_uuid());
    let parameters = serde_json::from_slice(&body).ok();
    let finished = Finished {
        operation: api::Operation::LookupEvents,
        region: &region,
        parameters: parameters.as_ref(),
        outcome: Ok(&serde_json::Value::Null),
    };
    service.own_calls.record(&caller, &finished, service.config.strict).await.map_err(|error| Refusal::unavailable(&error))?;
    let hits = page.hits.iter().map(found).collect::<Result<_, _>>().map_err(|error| Refusal::from(Failure::internal(error)))?;
    json(&Page {
        hits,
        next: page.next.map(|after| Next { event_time_s: after.event_time_s, position: after.position, upper: page.upper }),
    })
}

fn found(hit: &Hit) -> Result<Found<'_>, serde_json::Error> {
    Ok(Found {
        position: hit.position,
        accepted_at_us: hit.accepted_at_us,
        origin: hit.origin.as_str(),
        sender: &hit.principal,
        event: serde_json::from_str(hit.event.as_str())?,
    })
}
