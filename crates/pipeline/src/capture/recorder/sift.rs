//! What is decided about an event before it is its turn: whether its sender may send it, and whether anything keeps it.

use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::event::{Event, RejectionCode};
use cloudtrail::region::Region;
use journal::Kind;

use super::{GROUP_BYTES_MAX, GROUP_EVENTS_MAX, Inner, Outcome, Sender};
use crate::capture::origin::{Origin, Route};
use crate::capture::parcel::{Parcel, Rejected};
use crate::capture::seen;
use crate::route::table::Table;

/// Who sends, how, and where to.
#[derive(Clone)]
pub(super) struct Errand {
    sender: Sender,
    principal: Bytes,
    origin: Origin,
    route: Route,
}

impl Errand {
    /// A route that was asked for makes what is sent an import.
    pub(super) fn new(sender: Sender, origin: Origin, route: Option<Route>) -> Self {
        let origin = if route.is_some() && origin == Origin::Ingest { Origin::Import } else { origin };
        let usual = match origin {
            Origin::Own | Origin::Ingest => Route::LIVE,
            Origin::Import => Route::HISTORY.with(Route::STORES),
        };
        let principal = Bytes::copy_from_slice(sender.principal.as_bytes());
        Self { sender, principal, origin, route: route.unwrap_or(usual) }
    }
}

/// An event with the number of its parcel and its place there.
pub(super) struct Item {
    parcel: usize,
    index: usize,
    event: Event,
}

/// Cuts parcels into groups that are judged at once.
pub(super) struct Groups {
    items: std::iter::Peekable<std::vec::IntoIter<Item>>,
}

impl Groups {
    /// What the parcels had rejected moves to their outcomes.
    pub(super) fn new(parcels: Vec<Parcel>, outcomes: &mut [Outcome]) -> Self {
        let mut items = Vec::with_capacity(parcels.iter().map(|parcel| parcel.events.len()).sum());
        for (parcel, (Parcel { events, rejected }, outcome)) in parcels.into_iter().zip(outcomes).enumerate() {
            outcome.rejected = rejected;
            items.extend(events.into_iter().map(|(index, event)| Item { parcel, index, event }));
        }
        Self { items: items.into_iter().peekable() }
    }
}

impl Iterator for Groups {
    type Item = Vec<Item>;

    fn next(&mut self) -> Option<Vec<Item>> {
        let mut group = vec![self.items.next()?];
        let mut bytes = group[0].event.bytes().len();
        while group.len() < GROUP_EVENTS_MAX {
            let fits = |item: &Item| bytes + item.event.bytes().len() <= GROUP_BYTES_MAX;
            let Some(item) = self.items.next_if(fits) else { break };
            bytes += item.event.bytes().len();
            group.push(item);
        }
        Some(group)
    }
}

/// An event that is to be kept unless it has been.
pub(super) struct Candidate {
    pub(super) parcel: usize,
    pub(super) seen: seen::Entry,
    pub(super) entry: journal::Entry,
    pub(super) event: Event,
}

/// A group, sorted out.
#[derive(Default)]
pub(super) struct Sifted {
    pub(super) candidates: Vec<Candidate>,
    /// The parcel of each event that nothing keeps.
    pub(super) expired: Vec<usize>,
    pub(super) rejected: Vec<(usize, Rejected)>,
}

impl Inner {
    /// Sorts out a group and computes what each of its events is remembered by.
    pub(super) fn sift(&self, group: Vec<Item>, errand: &Errand) -> Sifted {
        let table = self.routes.load();
        let now_us = self.clock.now_us();
        let mut ledgers = Ledgers::default();
        let mut sifted = Sifted::default();
        for Item { parcel, index, event } in group {
            if let Some(message) = self.forbids(&errand.sender, event.account()) {
                let code = RejectionCode::AccountNotPermitted;
                sifted.rejected.push((parcel, Rejected { index, code, message }));
                continue;
            }
            match self.destinations(&table, &event, errand, now_us) {
                None => sifted.expired.push(parcel),
                Some(route) => sifted.candidates.push(Candidate {
                    parcel,
                    seen: seen::Entry::of(&event),
                    entry: journal::Entry {
                        kind: Kind::Event,
                        ledger: ledgers.of(&event),
                        origin: errand.origin as u8,
                        flags: route.bits(),
                        principal: errand.principal.clone(),
                        payload: event.bytes().clone(),
                    },
                    event,
                }),
            }
        }
        sifted
    }

    /// Why `sender` may not send events of `account`, if it may not.
    fn forbids(&self, sender: &Sender, account: AccountId) -> Option<String> {
        if account == sender.account || (sender.adopt && !self.accounts.is_registered(account)) {
            return None;
        }
        Some(format!("the sender may not send events of account {account}"))
    }

    /// Where the event goes, None if nothing keeps it. Whether a trail takes it is only asked if history does not.
    fn destinations(&self, table: &Table, event: &Event, errand: &Errand, now_us: i64) -> Option<Route> {
        let Errand { origin, route, .. } = *errand;
        if route.has(Route::HISTORY) && table.history_keeps(event, origin, now_us) {
            return Some(route);
        }
        let rest = route.only(Route::TRAILS.with(Route::STORES));
        table.keeps(event, self.accounts.owner_of(event.account()), origin, rest, now_us).then_some(rest)
    }
}

/// The ledger of each event; events of one ledger often come together and share its bytes.
#[derive(Default)]
struct Ledgers {
    last: Option<(AccountId, Region, Bytes)>,
}

impl Ledgers {
    fn of(&mut self, event: &Event) -> Bytes {
        match &self.last {
            Some((account, region, ledger)) if *account == event.account() && region == event.region_id() => ledger.clone(),
            _ => {
                let ledger = Bytes::from(format!("{}/{}", event.account(), event.region()));
                self.last = Some((event.account(), event.region_id().clone(), ledger.clone()));
                ledger
            }
        }
    }
}

/// The event of an entry, for a log line.
pub(super) fn describe(entry: &journal::Entry) -> String {
    let ledger = String::from_utf8_lossy(&entry.ledger);
    let account = ledger.split('/').next().and_then(|account| account.parse().ok());
    let event = account.and_then(|account| Event::stored(entry.payload.clone(), account).ok());
    event.map_or_else(|| ledger.to_string(), |event| format!("{ledger}/{}", event.event_id()))
}
