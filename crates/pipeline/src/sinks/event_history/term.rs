//! What records are found by: an attribute's value in a scope, as a number.
//!
//! A term is a hash; two values may share one, so whoever follows a posting looks at the record itself. A scope is a
//! part of history that lookups stay inside: an owner, a category and a Region.

use cloudtrail::account::AccountId;
use cloudtrail::event::{Category, Event};
use cloudtrail::lookup::{AttributeKey, Facts, facts};
use smol_str::SmolStr;

use super::config::Config;
use super::query::read_only_text;

/// A term has so many bits: with a million records in a segment about one term in 400,000 is shared.
const TERM_BITS: u32 = 40;

/// The hash of an attribute's value in a scope.
pub(super) type Term = u64;

/// A part of history that lookups stay inside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Scope {
    pub(super) owner: AccountId,
    pub(super) insight: bool,
    /// Empty for the Regions that have no scope of their own.
    pub(super) region: SmolStr,
}

impl Scope {
    /// The scope of an event; None if it does not belong into history.
    pub(super) fn of(event: &Event, owner: AccountId, config: &Config) -> Option<Self> {
        let insight = insight(event.category())?;
        let region = event.region();
        let region = if config.regions.contains(region) { SmolStr::new(region) } else { SmolStr::default() };
        Some(Self { owner, insight, region })
    }

    /// Whether events of `region` (of any, without it) can be in this scope.
    pub(super) fn covers(&self, owner: AccountId, category: Category, region: Option<&str>) -> bool {
        self.owner == owner
            && insight(category) == Some(self.insight)
            && region.is_none_or(|region| self.region == region || self.region.is_empty())
    }

    fn seed(&self) -> u64 {
        let seed = mix(0, self.owner.as_str().as_bytes());
        mix(mix(seed, &[u8::from(self.insight)]), self.region.as_bytes())
    }

    /// The term that all records of the scope have.
    pub(super) fn everything(&self) -> Term {
        term(self.seed(), 0, "")
    }

    /// The term of those whose `key` is `value`.
    pub(super) fn attribute(&self, key: AttributeKey, value: &str) -> Term {
        term(self.seed(), tag(key), value)
    }

    /// Puts all terms of `event` into `terms`.
    pub(super) fn terms(&self, event: &Event, terms: &mut Vec<Term>) {
        let Facts { event_id, event_name, event_source, read_only, username, access_key_id, resources } = facts(event);
        let seed = self.seed();
        let mut push = |key, value: &str| terms.push(term(seed, tag(key), value));
        push(AttributeKey::EventId, &event_id);
        push(AttributeKey::EventName, &event_name);
        push(AttributeKey::EventSource, &event_source);
        if let Some(read_only) = read_only {
            push(AttributeKey::ReadOnly, read_only_text(read_only));
        }
        if let Some(username) = &username {
            push(AttributeKey::Username, username);
        }
        if let Some(access_key_id) = &access_key_id {
            push(AttributeKey::AccessKeyId, access_key_id);
        }
        for resource in &resources {
            push(AttributeKey::ResourceName, &resource.name);
            if let Some(type_) = &resource.type_ {
                push(AttributeKey::ResourceType, type_);
            }
        }
        terms.push(self.everything());
    }
}

/// Whether it is the Insight part of history; None if events of the category are not in history.
fn insight(category: Category) -> Option<bool> {
    match category {
        Category::Management => Some(false),
        Category::Insight => Some(true),
        Category::Data
        | Category::NetworkActivity
        | Category::Aggregated
        | Category::ConfigurationItem
        | Category::Evidence
        | Category::ActivityAuditLog => None,
    }
}

/// Stored in segment files by way of the hash: numbers never change.
fn tag(key: AttributeKey) -> u8 {
    match key {
        AttributeKey::EventId => 1,
        AttributeKey::EventName => 2,
        AttributeKey::ReadOnly => 3,
        AttributeKey::Username => 4,
        AttributeKey::ResourceType => 5,
        AttributeKey::ResourceName => 6,
        AttributeKey::EventSource => 7,
        AttributeKey::AccessKeyId => 8,
    }
}

fn term(seed: u64, tag: u8, value: &str) -> Term {
    mix(seed ^ u64::from(tag), value.as_bytes()) >> (64 - TERM_BITS)
}

/// Multiply and fold, eight bytes a step. Nothing rests on it but speed: see the head of this file.
fn mix(seed: u64, bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(FACTOR);
        (product as u64) ^ ((product >> 64) as u64)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(!seed, |hash, word| fold(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let hash = fold(hash, u64::from_le_bytes(last));
    fold(hash, bytes.len() as u64 ^ FACTOR.rotate_left(32))
}
