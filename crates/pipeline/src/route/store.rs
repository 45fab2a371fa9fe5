//! Which events an event data store wants, and wanted: the door asks for the present, a follower of the journal for the
//! time when an event was acknowledged.

use cloudtrail::account::AccountId;
use cloudtrail::event::{Category, Event};
use cloudtrail::event_data_store::Family;
use cloudtrail::region::Region;
use cloudtrail::selectors::Matcher;
use journal::Position;

use crate::capture::origin::{Origin, Route};
use crate::route::batch::Record;

/// An event data store, as far as routing goes.
#[derive(Clone, Debug)]
pub struct StoreRoute {
    /// How journal entries name it.
    pub number: u16,
    /// The last part of its ARN.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name, unique in its account and Region.
    pub name: String,
    /// The account that owns it.
    pub account: AccountId,
    /// The Region it was made in.
    pub home_region: Region,
    /// Whether imports go here that name no store.
    pub is_default: bool,
    /// Whether anything new comes in; not while it is pending deletion.
    pub is_active: bool,
    /// What kind of events it holds.
    pub family: Family,
    /// How old events may be, by eventTime.
    pub retention_us: i64,
    /// Which live events it takes, in the order of positions; at least one.
    pub rules: Vec<Rule>,
}

/// Which live events a store takes, from a position in the journal on.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where it begins to apply.
    pub from: Position,
    /// Whether it takes any.
    pub ingesting: bool,
    /// Whether it takes the events of all Regions.
    pub multi_region: bool,
    /// How large any event may be, imported ones too.
    pub event_bytes_max: usize,
    /// Which of the live events of its family.
    pub matcher: Matcher,
}

/// Where an event comes from and is to go.
#[derive(Clone, Copy)]
struct Way {
    owner: AccountId,
    origin: Origin,
    route: Route,
    now_us: i64,
}

impl StoreRoute {
    /// Whether the store takes `event`, which is `owner`'s, at the door.
    pub fn takes(&self, event: &Event, owner: AccountId, origin: Origin, route: Route, now_us: i64) -> bool {
        let rule = self.rules.last().filter(|_| self.is_active);
        rule.is_some_and(|rule| self.takes_by(rule, event, Way { owner, origin, route, now_us }))
    }

    /// Whether the store takes `record`, whose event is `owner`'s, from the journal: by what applied there.
    pub fn takes_record(&self, record: &Record, owner: AccountId, now_us: i64) -> bool {
        let rule = self.rules.iter().rfind(|rule| rule.from <= record.position);
        let way = Way { owner, origin: record.origin, route: record.route, now_us };
        rule.is_some_and(|rule| self.takes_by(rule, &record.event, way))
    }

    /// The most bytes an event may have to be taken.
    pub fn event_bytes_max(&self) -> usize {
        self.rules.last().map_or(0, |rule| rule.event_bytes_max)
    }

    /// Whether it takes live events of that category at all.
    pub fn ingests(&self, category: Category) -> bool {
        self.is_active && self.rules.last().is_some_and(|rule| rule.ingesting && rule.matcher.selects(category))
    }

    fn takes_by(&self, rule: &Rule, event: &Event, way: Way) -> bool {
        let wanted = match way.route.names_store() {
            // Who names the store has asked for all there is (CloudTrail user guide, "Considerations for copying trail
            // events"): selectors, Regions and accounts do not count.
            Some(number) => number == self.number,
            None if !way.route.has(Route::STORES) || way.owner != self.account => false,
            None if way.origin == Origin::Import => self.is_default,
            None => rule.ingesting && self.selects(rule, event),
        };
        wanted && event.bytes().len() <= rule.event_bytes_max && self.is_young(event, way.now_us) && self.family.holds(event)
    }

    /// Events of global services are in the leader Region: a single-Region store takes them there.
    fn selects(&self, rule: &Rule, event: &Event) -> bool {
        let here = rule.multi_region || event.region() == self.home_region.as_str();
        here && (self.family != Family::Events || rule.matcher.matches(event))
    }

    fn is_young(&self, event: &Event, now_us: i64) -> bool {
        event.event_time_s() >= now_us.saturating_sub(self.retention_us).div_euclid(1_000_000)
    }
}

#[cfg(test)]
mod tests;
