//! LookupEvents: pages of event history, newest first.

use api::cloudtrail::{Event, LookupAttribute, LookupEventsRequest, LookupEventsResponse, Resource};
use api::{ErrorCode, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloudtrail::event::Category;
use cloudtrail::lookup::{self, AttributeKey};
use pipeline::sinks::event_history::{Hit, Place, Query};
use serde::{Deserialize, Serialize};

use super::{Call, Failure};

/// Events on a page unless fewer are asked for (API reference, LookupEvents).
const PAGE: usize = 50;
/// Attributes in one lookup (same page).
const ATTRIBUTES_MAX: usize = 1;
/// The longest attribute value, with some characters counted twice (same page).
const VALUE_CHARS_MAX: usize = 2_000;
/// How far back AWS lets a lookup see, for `strict_aws`.
const STRICT_DAYS: i64 = 90;

/// One page of the events that match.
pub async fn lookup(call: &mut Call<'_>, input: LookupEventsRequest) -> Result<LookupEventsResponse, Failure> {
    if call.service.config.strict_aws && !call.service.throttle.admit(call.account(), &call.region, call.operation, call.now_us) {
        return Err(Failure::new(ErrorCode::ThrottlingException, "Rate exceeded"));
    }
    let fingerprint = fingerprint(&input);
    let category = if input.event_category.is_some() { Category::Insight } else { Category::Management };
    let filters = filters(input.lookup_attributes.unwrap_or_default(), category)?;
    let (start_s, end_s) = range(call, input.start_time, input.end_time)?;
    let token = input.next_token.map(|text| Token::open(call, &text, &fingerprint)).transpose()?;
    let upper = token.as_ref().map_or(u64::MAX, |token| token.upper);
    let query = Query {
        owner: call.account(),
        region: Some(call.region.clone()),
        category,
        filters,
        start_s,
        end_s,
        limit: input.max_results.map_or(PAGE, |max| max as usize),
        after: token.map(|token| token.after()),
        upper,
    };
    let page = call.service.history.lookup(query).await.map_err(Failure::internal)?;
    let next_token = page.next.map(|after| Token::new(fingerprint, after, page.upper).seal(call));
    Ok(LookupEventsResponse { events: Some(page.hits.iter().map(event).collect()), next_token })
}

fn filters(attributes: Vec<LookupAttribute>, category: Category) -> Result<Vec<(AttributeKey, String)>, Failure> {
    let invalid = |message: String| Failure::new(ErrorCode::InvalidLookupAttributesException, message);
    if attributes.len() > ATTRIBUTES_MAX {
        return Err(invalid(format!("You can specify at most {ATTRIBUTES_MAX} lookup attribute.")));
    }
    let mut filters = Vec::new();
    for LookupAttribute { attribute_key, attribute_value } in attributes {
        let key: AttributeKey = attribute_key.parse().map_err(|_| invalid(format!("{attribute_key} is no lookup attribute.")))?;
        let insight_key = matches!(key, AttributeKey::EventId | AttributeKey::EventName | AttributeKey::EventSource);
        if category == Category::Insight && !insight_key {
            return Err(invalid(format!("Insights events cannot be looked up by {key}.")));
        }
        if key == AttributeKey::ReadOnly && !matches!(attribute_value.as_str(), "true" | "false") {
            return Err(invalid("The value of ReadOnly must be true or false.".to_owned()));
        }
        let counted: usize = attribute_value.chars().map(|c| if matches!(c, '_' | ' ' | ',' | '\n') { 2 } else { 1 }).sum();
        if counted > VALUE_CHARS_MAX {
            return Err(invalid(format!("The attribute value must have at most {VALUE_CHARS_MAX} characters.")));
        }
        filters.push((key, attribute_value));
    }
    Ok(filters)
}

fn range(call: &Call<'_>, start: Option<Timestamp>, end: Option<Timestamp>) -> Result<(Option<i64>, Option<i64>), Failure> {
    let (start, end) = (start.map(Timestamp::s), end.map(Timestamp::s));
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        return Err(Failure::new(ErrorCode::InvalidTimeRangeException, "The start time must not be after the end time."));
    }
    let floor = call.service.config.strict_aws.then(|| call.now_s() - STRICT_DAYS * 86_400);
    Ok((start.max(floor), end))
}

fn event(hit: &Hit) -> Event {
    let facts = lookup::facts(&hit.event);
    let resource = |r: &lookup::Resource| Resource { resource_type: r.type_.clone(), resource_name: Some(r.name.clone()) };
    Event {
        event_id: Some(facts.event_id),
        event_name: Some(facts.event_name).filter(|name| !name.is_empty()),
        read_only: facts.read_only.map(|read_only| read_only.to_string()),
        access_key_id: facts.access_key_id,
        event_time: Some(Timestamp::from_s(hit.event.event_time_s())),
        event_source: Some(facts.event_source).filter(|source| !source.is_empty()),
        username: facts.username,
        resources: Some(facts.resources.iter().map(resource).collect()),
        cloud_trail_event: Some(hit.event.as_str().to_owned()),
    }
}

/// What a token is bound to: every parameter but the token and the page's size.
fn fingerprint(input: &LookupEventsRequest) -> String {
    let bound = (&input.lookup_attributes, input.start_time, input.end_time, &input.event_category, input.max_results);
    let text = serde_json::to_vec(&bound).expect("plain values serialise");
    hex::encode(&aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text).as_ref()[..12])
}

/// Where a lookup goes on. Signed, so that nobody makes one up.
#[derive(Serialize, Deserialize)]
struct Token {
    #[serde(rename = "f")]
    fingerprint: String,
    #[serde(rename = "t")]
    event_time_s: i64,
    #[serde(rename = "p")]
    position: u64,
    #[serde(rename = "u")]
    upper: u64,
}

impl Token {
    fn new(fingerprint: String, after: Place, upper: u64) -> Self {
        Self { fingerprint, event_time_s: after.event_time_s, position: after.position, upper }
    }

    fn after(&self) -> Place {
        Place { event_time_s: self.event_time_s, position: self.position }
    }

    fn seal(&self, call: &Call<'_>) -> String {
        let payload = serde_json::to_vec(self).expect("a token is plain values");
        let tag = call.service.token_tag(&scope(call), &payload);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&payload), URL_SAFE_NO_PAD.encode(tag))
    }

    fn open(call: &Call<'_>, text: &str, fingerprint: &str) -> Result<Self, Failure> {
        let invalid = || Failure::new(ErrorCode::InvalidNextTokenException, "The specified token is not valid for this lookup.");
        let (payload, tag) = text.split_once('.').ok_or_else(invalid)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| invalid())?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| invalid())?;
        if !call.service.is_token_tag(&scope(call), &payload, &tag) {
            return Err(invalid());
        }
        let token: Self = serde_json::from_slice(&payload).map_err(|_| invalid())?;
        if token.fingerprint == fingerprint { Ok(token) } else { Err(invalid()) }
    }
}

/// A token works for one account and one Region.
fn scope(call: &Call<'_>) -> String {
    format!("LookupEvents {} {}", call.account(), call.region)
}
