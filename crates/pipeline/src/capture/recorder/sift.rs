//! What is decided about an event before it is its turn: whether its sender may send it, and whether anything keeps it.

use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::event::{Event, RejectionCode, SIZE_MAX};
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
    /// The first is the one whose outcome the sender is told.
    routes: Vec<Route>,
}

impl Errand {
    /// A route that was asked for makes what is sent an import. Without one an event goes where events of its origin go.
    pub(super) fn new(sender: Sender, origin: Origin, mut routes: Vec<Route>) -> Self {
        let origin = if !routes.is_empty() && origin == Origin::Ingest { Origin::Import } else { origin };
        if routes.is_empty() {
            routes.push(match origin {
                Origin::Own | Origin::Ingest | Origin::Proxy => Route::LIVE,
                Origin::Import => Route::HISTORY.with(Route::STORES),
                // A channel names the stores it leads to.
                Origin::Channel => Route::NONE,
            });
        }
        let principal = Bytes::copy_from_slice(sender.principal.as_bytes());
        Self { sender, principal, origin, routes }
    }

    /// Whether events of any account may be sent: only into stores that are named.
    fn passes_walls(&self) -> bool {
        self.sender.any_account && self.routes.iter().all(|route| route.names_store().is_some())
    }
}

/// An event with the number of its parcel and its place there.
pub(super) struct Item {
    parcel: usize,
    index: usize,
    event: Event,
}

impl Item {
    /// An event that comes by itself.
    pub(super) fn single(event: Event) -> Self {
        Self { parcel: 0, index: 0, event }
    }
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
    /// What it is remembered by; nothing for a store that is named, which makes its own events unique.
    pub(super) seen: Option<seen::Entry>,
    /// Whether the sender is told what becomes of it: of an event that goes several ways, one.
    pub(super) told: bool,
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
            if let Some(message) = self.forbids(errand, event.account()) {
                let code = RejectionCode::AccountNotPermitted;
                sifted.rejected.push((parcel, Rejected { index, code, message }));
                continue;
            }
            let mut told = true;
            for route in errand.routes.iter().filter_map(|route| self.destination(&table, &event, errand, *route, now_us)) {
                sifted.candidates.push(Candidate {
                    parcel,
                    seen: route.names_store().is_none().then(|| seen::Entry::of(&event)),
                    told: std::mem::take(&mut told),
                    entry: journal::Entry {
                        kind: Kind::Event,
                        ledger: ledgers.of(&event),
                        origin: errand.origin as u8,
                        flags: route.bits(),
                        principal: errand.principal.clone(),
                        payload: event.bytes().clone(),
                    },
                    event: event.clone(),
                });
            }
            if !told {
                continue;
            }
            match too_large(&event) {
                Some(message) => sifted.rejected.push((parcel, Rejected { index, code: RejectionCode::TooLarge, message })),
                None => sifted.expired.push(parcel),
            }
        }
        sifted
    }

    /// Why the sender may not send events of `account`, if it may not.
    fn forbids(&self, errand: &Errand, account: AccountId) -> Option<String> {
        let sender = &errand.sender;
        let adopts = sender.adopt && !self.accounts.is_registered(account);
        if account == sender.account || adopts || errand.passes_walls() {
            return None;
        }
        Some(format!("the sender may not send events of account {account}"))
    }

    /// Where the event goes by `route`, None if nothing keeps it. Whether a trail or a store takes it is only asked if
    /// history does not. What is larger than events usually are is for stores alone.
    fn destination(&self, table: &Table, event: &Event, errand: &Errand, route: Route, now_us: i64) -> Option<Route> {
        let usual = event.bytes().len() <= SIZE_MAX;
        if usual && route.has(Route::HISTORY) && table.history_keeps(event, errand.origin, now_us) {
            return Some(route);
        }
        let rest = match route.names_store() {
            Some(_) => route,
            None if usual => route.only(Route::TRAILS.with(Route::STORES)),
            None => route.only(Route::STORES),
        };
        let owner = self.accounts.owner_of(event.account());
        table.keeps(event, owner, errand.origin, rest, now_us).then_some(rest)
    }
}

/// Why an event that nothing keeps is not merely expired.
fn too_large(event: &Event) -> Option<String> {
    let size = event.bytes().len();
    let message = || format!("the record has {size} bytes, {SIZE_MAX} are allowed where no event data store takes it");
    (size > SIZE_MAX).then(message)
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
