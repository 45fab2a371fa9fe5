//! What a lookup asks and what it answers.

use cloudtrail::account::AccountId;
use cloudtrail::event::{Category, Event};
use cloudtrail::lookup::{AttributeKey, Facts, facts, username};
use cloudtrail::region::Region;
use journal::Position;
use smol_str::SmolStr;

use super::place::Place;
use crate::capture::origin::Origin;

/// A question to event history.
#[derive(Clone, Debug)]
pub struct Query {
    /// Whose history.
    pub owner: AccountId,
    /// The Region; all of them without it.
    pub region: Option<Region>,
    /// [`Category::Management`] or [`Category::Insight`]; nothing else is in event history.
    pub category: Category,
    /// What an event must have; all of them.
    pub filters: Vec<(AttributeKey, String)>,
    /// The earliest eventTime, inclusive.
    pub start_s: Option<i64>,
    /// The latest eventTime, inclusive.
    pub end_s: Option<i64>,
    /// Most hits of the page.
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Place>,
    /// Only events that stand before this position in the journal; from the first page on, [`Page::upper`].
    pub upper: Position,
}

impl Query {
    /// The first page of everything that `owner` has of `category`.
    pub fn new(owner: AccountId, category: Category, limit: usize) -> Self {
        Self {
            owner,
            region: None,
            category,
            filters: Vec::new(),
            start_s: None,
            end_s: None,
            limit,
            after: None,
            upper: Position::MAX,
        }
    }

    /// Whether `event`, which is `owner`'s, is an answer, time and place aside.
    pub(super) fn matches(&self, event: &Event, owner: AccountId) -> bool {
        self.owner == owner
            && self.category == event.category()
            && self.region.as_ref().is_none_or(|region| region.as_str() == event.region())
            && self.filters.iter().all(|(key, value)| event_has(event, *key, value))
    }
}

/// An event that was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Where it stands in the journal.
    pub position: Position,
    /// When it was accepted, in microseconds since 1970.
    pub accepted_at_us: i64,
    /// How it came in.
    pub origin: Origin,
    /// Who sent it.
    pub principal: SmolStr,
    /// The event.
    pub event: Event,
}

/// An answer. It may be shorter than asked for, even empty, and still have a next one.
#[derive(Clone, Debug)]
pub struct Page {
    /// What was found, newest first.
    pub hits: Vec<Hit>,
    /// Where the next page begins; without it there is none.
    pub next: Option<Place>,
    /// The bound that holds for all pages of this question: events that arrive later are not in them.
    pub upper: Position,
}

/// Whether `value` is among the values of `key`; exact, as AWS compares.
pub fn has(facts: &Facts, key: AttributeKey, value: &str) -> bool {
    let mut resources = facts.resources.iter();
    match key {
        AttributeKey::EventId => facts.event_id == value,
        AttributeKey::EventName => facts.event_name == value,
        AttributeKey::EventSource => facts.event_source == value,
        AttributeKey::ReadOnly => facts.read_only.map(read_only_text) == Some(value),
        AttributeKey::Username => facts.username.as_deref() == Some(value),
        AttributeKey::AccessKeyId => facts.access_key_id.as_deref() == Some(value),
        AttributeKey::ResourceName => resources.any(|resource| resource.name == value),
        AttributeKey::ResourceType => resources.any(|resource| resource.type_.as_deref() == Some(value)),
    }
}

/// [`has`], without getting all facts where one is enough.
fn event_has(event: &Event, key: AttributeKey, value: &str) -> bool {
    match key {
        AttributeKey::EventId => event.event_id() == value,
        AttributeKey::EventName => event.event_name() == value,
        AttributeKey::EventSource => event.event_source() == value,
        AttributeKey::ReadOnly => event.read_only().map(read_only_text) == Some(value),
        AttributeKey::Username => username(&event.identity()).as_deref() == Some(value),
        AttributeKey::AccessKeyId | AttributeKey::ResourceName | AttributeKey::ResourceType => has(&facts(event), key, value),
    }
}

/// `ReadOnly` is a text in LookupEvents.
pub(super) fn read_only_text(read_only: bool) -> &'static str {
    if read_only { "true" } else { "false" }
}
