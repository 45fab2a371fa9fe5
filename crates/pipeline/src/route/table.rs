//! Which trails and event data stores want an event: the snapshot of the configuration that the door and the sinks route
//! by.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use cloudtrail::account::AccountId;
use cloudtrail::event::{Category, Event, SIZE_MAX};
use cloudtrail::region::{LEADER, Region};
use cloudtrail::selectors::Matcher;

use crate::capture::origin::{Origin, Route};
use crate::route::store::StoreRoute;

/// A table that changes under its readers: each load sees one whole state.
pub type SharedTable = Arc<ArcSwap<Table>>;

/// The Regions that log files are delivered for; shared by all trails.
pub type Regions = Arc<BTreeSet<Region>>;

/// A trail, as far as routing goes.
#[derive(Clone, Debug)]
pub struct TrailRoute {
    /// Its ARN.
    pub arn: String,
    /// The account that owns it.
    pub account: AccountId,
    /// The Region it was made in.
    pub home_region: Region,
    /// Whether it takes the events of all Regions.
    pub multi_region: bool,
    /// Whether it takes the events of global services.
    pub global_events: bool,
    /// Whether it is started.
    pub logging: bool,
    /// What it selects.
    pub matcher: Matcher,
    /// The configured Regions: events of others are kept, not delivered.
    pub regions: Regions,
}

impl TrailRoute {
    /// Whether the trail is started and selects `event`, which is `owner`'s.
    pub fn takes(&self, event: &Event, owner: AccountId) -> bool {
        self.logging && self.selects(event, owner)
    }

    /// Whether the trail, if it is started, selects `event`, which is `owner`'s.
    pub fn selects(&self, event: &Event, owner: AccountId) -> bool {
        self.covers(event, owner) && self.matcher.matches(event)
    }

    /// Whether `event`, which is `owner`'s, is the trail's to judge; its selectors come after.
    pub fn covers(&self, event: &Event, owner: AccountId) -> bool {
        self.account == owner && self.regions.contains(event.region()) && self.covers_region(event)
    }

    /// The Region rule, and the rule of global services (event-record.md, section 8).
    fn covers_region(&self, event: &Event) -> bool {
        let home = self.home_region.as_str();
        if event.is_global_service() {
            return self.global_events && (self.multi_region || home == LEADER);
        }
        self.multi_region || event.region() == home
    }
}

/// Everything that wants events.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The trails, in no particular order.
    pub trails: Vec<Arc<TrailRoute>>,
    /// The event data stores, in the order of their numbers; also those that are pending deletion and still read what was
    /// acknowledged before.
    pub stores: Vec<Arc<StoreRoute>>,
    /// How old live events may be in event history; older ones are not kept there.
    pub history_retention_us: i64,
    /// The same for imported ones; kept for ever without it.
    pub import_retention_us: Option<i64>,
}

impl Table {
    /// The table as it is shared.
    pub fn shared(self) -> SharedTable {
        Arc::new(ArcSwap::from_pointee(self))
    }

    /// The trails that take `event`, which is `owner`'s.
    pub fn trails_of<'a>(&'a self, event: &'a Event, owner: AccountId) -> impl Iterator<Item = &'a Arc<TrailRoute>> {
        self.trails.iter().filter(move |trail| trail.takes(event, owner))
    }

    /// The event data store of that number.
    pub fn store(&self, number: u16) -> Option<&Arc<StoreRoute>> {
        let place = self.stores.binary_search_by_key(&number, |store| store.number).ok()?;
        self.stores.get(place)
    }

    /// Whether anything that `route` names keeps `event`, which is `owner`'s. What is larger than an event usually may be
    /// is for event data stores alone.
    pub fn keeps(&self, event: &Event, owner: AccountId, origin: Origin, route: Route, now_us: i64) -> bool {
        if let Some(number) = route.names_store() {
            return self.store(number).is_some_and(|store| store.takes(event, owner, origin, route, now_us));
        }
        let usual = event.bytes().len() <= SIZE_MAX;
        (usual && route.has(Route::HISTORY) && self.history_keeps(event, origin, now_us))
            || (usual && route.has(Route::TRAILS) && self.trails_of(event, owner).next().is_some())
            || (route.has(Route::STORES) && self.stores.iter().any(|store| store.takes(event, owner, origin, route, now_us)))
    }

    /// The most bytes an event of `owner` may have: what its stores take.
    pub fn event_bytes_max(&self, owner: AccountId) -> usize {
        let theirs = self.stores.iter().filter(|store| store.account == owner && store.is_active);
        theirs.map(|store| store.event_bytes_max()).fold(SIZE_MAX, usize::max)
    }

    /// Whether any trail or event data store selects data events at all.
    pub fn selects_data(&self) -> bool {
        self.trails.iter().any(|trail| trail.logging && trail.matcher.selects(Category::Data))
            || self.stores.iter().any(|store| store.ingests(Category::Data))
    }

    /// Whether event history keeps `event`.
    pub fn history_keeps(&self, event: &Event, origin: Origin, now_us: i64) -> bool {
        let retention_us = match origin {
            Origin::Own | Origin::Ingest | Origin::Channel | Origin::Proxy => Some(self.history_retention_us),
            Origin::Import => self.import_retention_us,
        };
        let young = |retention_us: i64| event.event_time_s() >= now_us.saturating_sub(retention_us).div_euclid(1_000_000);
        in_history(event.category()) && retention_us.is_none_or(young)
    }
}

/// Whether event history holds events of that category.
pub fn in_history(category: Category) -> bool {
    matches!(category, Category::Management | Category::Insight)
}

#[cfg(test)]
mod tests;
