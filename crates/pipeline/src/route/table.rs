//! Which trails want an event: the snapshot of the configuration that the door and the sinks route by.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use cloudtrail::account::AccountId;
use cloudtrail::event::{Category, Event};
use cloudtrail::region::{LEADER, Region};
use cloudtrail::selectors::Selectors;

use crate::capture::origin::{Origin, Route};

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
    pub selectors: Selectors,
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
        self.covers(event, owner) && self.selectors.matches(event)
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

    /// Whether anything that `route` names keeps `event`, which is `owner`'s.
    pub fn keeps(&self, event: &Event, owner: AccountId, origin: Origin, route: Route, now_us: i64) -> bool {
        let history = route.has(Route::HISTORY) && self.history_keeps(event, origin, now_us);
        history || (route.has(Route::TRAILS) && self.trails_of(event, owner).next().is_some())
    }

    /// Whether event history keeps `event`.
    pub fn history_keeps(&self, event: &Event, origin: Origin, now_us: i64) -> bool {
        let retention_us = match origin {
            Origin::Own | Origin::Ingest => Some(self.history_retention_us),
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
