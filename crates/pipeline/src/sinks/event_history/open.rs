//! The open segment: the newest records, in memory.
//!
//! It takes whole batches of the journal; what it has is lost with the process and built again from the journal. Records
//! are numbered as they came. When it is full it takes no more, is sealed, and answers lookups until the sealed segment
//! does.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bytes::BytesMut;
use journal::Position;

use super::block::Stored;
use super::config::Config;
use super::place::Place;
use super::segment::Family;
use super::term::{Scope, Term};
use crate::accounts::Accounts;
use crate::capture::origin::{Origin, Route};
use crate::route::batch::{Batch, Record};

/// The open segment.
pub(super) struct Open {
    first: Position,
    began_at_us: i64,
    contents: RwLock<Contents>,
}

/// What is in an open segment.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) end: Position,
    pub(super) records: Vec<Stored>,
    pub(super) record_bytes: usize,
    pub(super) scopes: Vec<Scope>,
    pub(super) terms: HashMap<Term, Ordinals, BuildHasherDefault<TermHasher>>,
}

/// The records that have a term, as they came.
pub(super) enum Ordinals {
    One(u32),
    Many(Vec<u32>),
}

/// A term is a hash already.
#[derive(Default)]
pub(super) struct TermHasher(u64);

/// What a batch brings, ready to be taken in.
#[derive(Default)]
pub(super) struct Arrivals {
    end: Position,
    records: Vec<Stored>,
    scopes: Vec<Scope>,
    terms: Vec<Term>,
    /// For each record, where its terms end.
    terms_end: Vec<usize>,
}

impl Family {
    /// The family that records of that origin belong to.
    pub(super) fn of(origin: Origin) -> Self {
        match origin {
            Origin::Own | Origin::Ingest | Origin::Channel | Origin::Proxy => Self::Live,
            Origin::Import => Self::Imported,
        }
    }
}

impl Config {
    /// The least eventTime that is kept of a family.
    pub(super) fn oldest_kept_s(&self, family: Family, now_us: i64) -> i64 {
        let retention_us = match family {
            Family::Live => Some(self.retention_us),
            Family::Imported => self.import_retention_us,
        };
        retention_us.map_or(i64::MIN, |retention_us| now_us.saturating_sub(retention_us).div_euclid(1_000_000))
    }
}

impl Arrivals {
    /// What of `batch` belongs into history. The bytes are copied: those of the batch are slices of a read that may
    /// hold much else.
    pub(super) fn of(batch: &Batch, accounts: &Accounts, config: &Config, now_us: i64) -> Self {
        let oldest_s = Family::ALL.map(|family| config.oldest_kept_s(family, now_us));
        let is_kept = |record: &&Record| {
            record.route.has(Route::HISTORY) && record.event.event_time_s() >= oldest_s[Family::of(record.origin) as usize]
        };
        let scoped = |record| {
            let Record { event, .. }: &Record = record;
            let owner = accounts.owner_of(event.account());
            Some((record, owner, Scope::of(event, owner, config)?))
        };
        let kept: Vec<_> = batch.records().filter(is_kept).filter_map(scoped).collect();
        let mut bytes = BytesMut::with_capacity(kept.iter().map(|(record, ..)| record.event.bytes().len()).sum());
        let mut arrivals = Self { end: batch.end, ..Self::default() };
        for (record, owner, scope) in kept {
            scope.terms(&record.event, &mut arrivals.terms);
            arrivals.terms_end.push(arrivals.terms.len());
            arrivals.scopes.push(scope);
            bytes.extend_from_slice(record.event.bytes());
            arrivals.records.push(Stored {
                place: Place { event_time_s: record.event.event_time_s(), position: record.position },
                accepted_at_us: record.accepted_at_us,
                origin: record.origin,
                owner,
                account: record.event.account(),
                principal: record.principal.clone(),
                bytes: bytes.split().freeze(),
            });
        }
        arrivals
    }
}

impl Open {
    /// An empty one that takes what the journal has from `first` on.
    pub(super) fn new(first: Position, now_us: i64) -> Self {
        let contents = RwLock::new(Contents { end: first, ..Contents::default() });
        Self { first, began_at_us: now_us, contents }
    }

    pub(super) fn first(&self) -> Position {
        self.first
    }

    /// What it has. Whoever holds this holds up the writer.
    pub(super) fn contents(&self) -> RwLockReadGuard<'_, Contents> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of what it has seen of the journal.
    pub(super) fn end(&self) -> Position {
        self.contents().end
    }

    /// Takes in the next batch, all of it at once.
    pub(super) fn append(&self, arrivals: Arrivals) {
        let mut contents = self.contents.write().unwrap_or_else(PoisonError::into_inner);
        let contents = &mut *contents;
        let mut begin = 0;
        let scoped = arrivals.records.into_iter().zip(arrivals.scopes);
        for ((record, scope), end) in scoped.zip(arrivals.terms_end) {
            let ordinal = contents.records.len() as u32;
            for term in &arrivals.terms[begin..end] {
                contents.terms.entry(*term).and_modify(|list| list.push(ordinal)).or_insert(Ordinals::One(ordinal));
            }
            begin = end;
            if !contents.scopes.contains(&scope) {
                contents.scopes.push(scope);
            }
            contents.record_bytes += record.bytes.len();
            contents.records.push(record);
        }
        contents.end = arrivals.end;
    }

    /// Whether it should be sealed.
    pub(super) fn is_due(&self, config: &Config, now_us: i64) -> bool {
        let old = now_us - self.began_at_us >= config.segment_age_us_max;
        self.is_full(config) || (old && self.end() > self.first)
    }

    /// Whether it must be sealed before it takes more.
    pub(super) fn is_full(&self, config: &Config) -> bool {
        let contents = self.contents();
        contents.records.len() >= config.segment_records_max || contents.record_bytes >= config.segment_bytes_max
    }
}

impl Ordinals {
    /// Adds the newest record, once.
    fn push(&mut self, ordinal: u32) {
        match self {
            Self::One(first) if *first == ordinal => {}
            Self::One(first) => *self = Self::Many(vec![*first, ordinal]),
            Self::Many(list) if list.last() == Some(&ordinal) => {}
            Self::Many(list) => list.push(ordinal),
        }
    }

    /// The ordinals, ascending.
    pub(super) fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(ordinal) => std::slice::from_ref(ordinal),
            Self::Many(list) => list,
        }
    }
}

impl Hasher for TermHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    /// The map wants its entropy in the highest seven bits too.
    fn write_u64(&mut self, term: u64) {
        self.0 = term ^ term << 32;
    }
}
