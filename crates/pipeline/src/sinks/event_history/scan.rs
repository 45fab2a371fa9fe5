//! Walking one segment, newest first, along the records that a query may want.
//!
//! A scan always knows how new its next record can be at most, before it reads it: so a lookup reads only from segments
//! that have something new enough. Postings may promise too much, since terms are hashes: every record is looked at.

use std::collections::BinaryHeap;
use std::sync::Arc;

use cloudtrail::event::Event;
use cloudtrail::region::Region;
use journal::Position;

use super::block::Stored;
use super::cache::{Block, Cache};
use super::config::Config;
use super::error::Error;
use super::open::{Contents, Open};
use super::place::Place;
use super::postings::Postings;
use super::query::{Hit, Query};
use super::segment::{BlockReader, Family, Segment};
use super::term::{Scope, Term};
use super::view::Member;

/// What a lookup has in hand.
pub(super) struct Search<'a> {
    pub(super) query: &'a Query,
    /// Records at this place or above were on earlier pages, or are too new.
    pub(super) below: Place,
    /// The least eventTime, for each family.
    pub(super) start_s: [i64; 2],
    /// Records at this position or after it came too late.
    pub(super) upper: Position,
    pub(super) cache: &'a Cache,
    pub(super) reader: BlockReader,
    pub(super) blocks_left: usize,
    pub(super) steps_left: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(query: &'a Query, upper: Position, cache: &'a Cache, config: &Config, now_us: i64) -> Self {
        let end = query.end_s.map_or(Place::ABOVE_ALL, |end_s| match end_s.checked_add(1) {
            Some(event_time_s) => Place { event_time_s, position: 0 },
            None => Place::ABOVE_ALL,
        });
        let asked_s = query.start_s.unwrap_or(i64::MIN);
        Self {
            query,
            below: query.after.map_or(end, |after| after.min(end)),
            start_s: Family::ALL.map(|family| asked_s.max(config.oldest_kept_s(family, now_us))),
            upper,
            cache,
            reader: BlockReader::new(),
            blocks_left: config.lookup_blocks_max,
            steps_left: config.lookup_steps_max,
        }
    }

    /// Whether it has worked enough for one page.
    pub(super) fn is_spent(&self) -> bool {
        self.blocks_left == 0 || self.steps_left == 0
    }

    fn start_s(&self, family: Family) -> i64 {
        self.start_s[family as usize]
    }

    /// The terms that a record of `scope` must have.
    fn terms(&self, scope: &Scope) -> Vec<Term> {
        let filters = &self.query.filters;
        if filters.is_empty() {
            return vec![scope.everything()];
        }
        filters.iter().map(|(key, value)| scope.attribute(*key, value)).collect()
    }

    fn region(&self) -> Option<&'a str> {
        self.query.region.as_ref().map(Region::as_str)
    }

    /// The record as an answer, if it is one. Err says why it is no record.
    fn hit(&self, record: &Stored) -> Result<Option<Hit>, String> {
        if record.place.position >= self.upper {
            return Ok(None);
        }
        let event = Event::stored(record.bytes.clone(), record.account).map_err(|rejection| rejection.message)?;
        let hit = |event| Hit {
            position: record.place.position,
            accepted_at_us: record.accepted_at_us,
            origin: record.origin,
            principal: record.principal.clone(),
            event,
        };
        Ok(self.query.matches(&event, record.owner).then(|| hit(event)))
    }
}

/// A record that was read, in its order among all; an answer or not.
pub(super) struct Candidate {
    pub(super) place: Place,
    pub(super) hit: Option<Hit>,
}

/// A walk along one segment.
pub(super) enum Scan {
    /// Not begun.
    Member(Member),
    /// In a sealed segment.
    Sealed(SealedScan),
    /// In one in memory.
    Open(OpenScan),
}

impl Scan {
    /// No record that is left has a greater place; None at the end.
    pub(super) fn bound(&self) -> Option<Place> {
        match self {
            Self::Member(member) => Some(Place::end_of_second(member.newest_s())),
            Self::Sealed(scan) => scan.bound(),
            Self::Open(scan) => scan.candidates.peek().map(|(place, _)| *place),
        }
    }

    /// Goes on: to a record, or just to a better bound.
    pub(super) fn step(&mut self, search: &mut Search<'_>) -> Result<Option<Candidate>, Error> {
        match self {
            Self::Member(Member::Damaged(segment)) => Err(segment.damage.clone().into()),
            Self::Member(Member::Sound(segment)) => {
                *self = Self::Sealed(SealedScan::begin(Arc::clone(segment), search)?);
                Ok(None)
            }
            Self::Sealed(scan) => scan.step(search),
            Self::Open(scan) => Ok(scan.step(search)),
        }
    }
}

/// A walk along a sealed segment.
pub(super) struct SealedScan {
    segment: Arc<Segment>,
    streams: Vec<Conjunction>,
    /// The ordinal of the next record.
    head: Option<u32>,
    /// The block read last.
    block: Option<(usize, Block)>,
}

impl SealedScan {
    fn begin(segment: Arc<Segment>, search: &mut Search<'_>) -> Result<Self, Error> {
        let mut streams = Vec::new();
        for scope in segment.scopes_of(search.query.owner, search.query.category, search.region()) {
            streams.extend(Conjunction::open(&segment, &search.terms(scope))?);
        }
        let first = segment.first_ordinal_below(search.below);
        let mut scan = Self { segment, streams, head: None, block: None };
        scan.seek(first, search)?;
        Ok(scan)
    }

    fn bound(&self) -> Option<Place> {
        let block = self.segment.block_of(self.head?);
        Some(Place::end_of_second(self.segment.blocks()[block].newest_s))
    }

    /// Goes to the first record at `from` or after it.
    fn seek(&mut self, from: u32, search: &mut Search<'_>) -> Result<(), Error> {
        self.head = None;
        for stream in &mut self.streams {
            let found = stream.seek(from, &mut search.steps_left)?;
            self.head = self.head.into_iter().chain(found).min();
        }
        let start_s = search.start_s(self.segment.summary().family);
        if self.bound().is_some_and(|bound| bound.event_time_s < start_s) {
            self.head = None;
        }
        Ok(())
    }

    fn step(&mut self, search: &mut Search<'_>) -> Result<Option<Candidate>, Error> {
        let Some(ordinal) = self.head else { return Ok(None) };
        let number = self.segment.block_of(ordinal);
        let block = self.read(number, search)?;
        let entry = self.segment.blocks()[number];
        let record = &block[(ordinal - entry.first_ordinal) as usize];
        if record.place.event_time_s < search.start_s(self.segment.summary().family) {
            self.head = None;
            return Ok(None);
        }
        self.seek(ordinal + 1, search)?;
        if record.place >= search.below {
            return Ok(None);
        }
        let hit = search.hit(record).map_err(|reason| self.segment.file().damage(entry.offset, reason))?;
        Ok(Some(Candidate { place: record.place, hit }))
    }

    fn read(&mut self, number: usize, search: &mut Search<'_>) -> Result<Block, Error> {
        if let Some((last, block)) = &self.block
            && *last == number
        {
            return Ok(Arc::clone(block));
        }
        search.blocks_left = search.blocks_left.saturating_sub(1);
        let segment = &self.segment;
        let read = || {
            let records = segment.block(number, &mut search.reader)?;
            Ok::<_, Error>((records, segment.blocks()[number].raw_len as usize))
        };
        let block = search.cache.get((segment.id(), number), read)?;
        self.block = Some((number, Arc::clone(&block)));
        Ok(block)
    }
}

/// The records of a scope that have all of some terms.
struct Conjunction {
    /// The shortest list first.
    lists: Vec<Postings>,
}

impl Conjunction {
    /// None if a term is not in the segment.
    fn open(segment: &Segment, terms: &[Term]) -> Result<Option<Self>, Error> {
        let mut lists = Vec::with_capacity(terms.len());
        for term in terms {
            let Some(list) = segment.postings(*term)? else { return Ok(None) };
            lists.push(list);
        }
        lists.sort_by_key(Postings::len);
        Ok(Some(Self { lists }))
    }

    /// The first ordinal at `from` or after it that is in all lists. Once `steps_left` is used up, the first one of the
    /// shortest list will do: its record is looked at in any case.
    fn seek(&mut self, from: u32, steps_left: &mut usize) -> Result<Option<u32>, Error> {
        let Some((shortest, others)) = self.lists.split_first_mut() else { return Ok(None) };
        let mut from = from;
        'next: loop {
            let Some(ordinal) = shortest.seek(from)? else { return Ok(None) };
            *steps_left = steps_left.saturating_sub(1);
            for list in &mut *others {
                match list.seek(ordinal)? {
                    None => return Ok(None),
                    Some(found) if found == ordinal || *steps_left == 0 => {}
                    Some(found) => {
                        from = found;
                        continue 'next;
                    }
                }
            }
            return Ok(Some(ordinal));
        }
    }
}

/// A walk along a segment in memory: what it had when the walk began.
pub(super) struct OpenScan {
    open: Arc<Open>,
    candidates: BinaryHeap<(Place, u32)>,
}

impl OpenScan {
    pub(super) fn begin(open: &Arc<Open>, search: &mut Search<'_>) -> Self {
        let contents = open.contents();
        let mut candidates = Vec::new();
        let query = search.query;
        for scope in contents.scopes.iter().filter(|scope| scope.covers(query.owner, query.category, search.region())) {
            with_terms(&contents, &search.terms(scope), |number| {
                let record = &contents.records[number as usize];
                let in_time = record.place < search.below
                    && record.place.event_time_s >= search.start_s(Family::of(record.origin))
                    && record.place.position < search.upper;
                if in_time {
                    candidates.push((record.place, number));
                }
            });
        }
        drop(contents);
        Self { open: Arc::clone(open), candidates: candidates.into() }
    }

    fn step(&mut self, search: &mut Search<'_>) -> Option<Candidate> {
        let (place, number) = self.candidates.pop()?;
        search.steps_left = search.steps_left.saturating_sub(1);
        let record = self.open.contents().records[number as usize].clone();
        let hit = search.hit(&record).expect("a record in memory was an event when it came");
        Some(Candidate { place, hit })
    }
}

/// Calls `found` with the records that have all of `terms`.
fn with_terms(contents: &Contents, terms: &[Term], mut found: impl FnMut(u32)) {
    let lists: Option<Vec<&[u32]>> = terms.iter().map(|term| Some(contents.terms.get(term)?.as_slice())).collect();
    let Some(mut lists) = lists else { return };
    lists.sort_by_key(|list| list.len());
    let Some((shortest, others)) = lists.split_first_mut() else { return };
    for number in *shortest {
        let in_all = others.iter_mut().all(|list| {
            *list = &list[leap(list, *number)..];
            list.first() == Some(number)
        });
        if in_all {
            found(*number);
        }
    }
}

/// How many of the ascending `list` are less than `least`: quick if they are few.
fn leap(list: &[u32], least: u32) -> usize {
    let mut reach = 1;
    while list.get(reach - 1).is_some_and(|number| *number < least) {
        reach *= 2;
    }
    let (from, to) = (reach / 2, (reach - 1).min(list.len()));
    from + list[from..to].partition_point(|number| *number < least)
}
