//! From what scans find in each segment to a page.

use std::collections::BinaryHeap;

use super::cache::Cache;
use super::config::Config;
use super::error::Error;
use super::place::Place;
use super::query::{Page, Query};
use super::scan::{Candidate, OpenScan, Scan, Search};
use super::view::{Member, View};

/// A scan, and the record it stands at if that was read.
struct Source {
    scan: Scan,
    candidate: Option<Candidate>,
}

/// Answers `query` from what is in `view`.
pub(super) fn lookup(view: &View, query: &Query, cache: &Cache, config: &Config, now_us: i64) -> Result<Page, Error> {
    let upper = query.upper.min(view.open.end());
    let mut search = Search::new(query, upper, cache, config, now_us);
    let mut sources = sources(view, &mut search);
    let mut heap = heap(&sources);
    let mut page = Page { hits: Vec::new(), next: None, upper };
    // Where all before is on the page or not wanted.
    let mut done: Option<Place> = None;
    while let Some((_, number)) = heap.pop() {
        if done.is_some() && search.is_spent() {
            page.next = done;
            return Ok(page);
        }
        let source = &mut sources[number];
        if let Some(Candidate { place, hit }) = source.candidate.take() {
            match hit {
                Some(_) if page.hits.len() == query.limit => {
                    page.next = done;
                    return Ok(page);
                }
                hit => page.hits.extend(hit),
            }
            done = Some(place);
        } else {
            match source.scan.step(&mut search) {
                Ok(candidate) => source.candidate = candidate,
                // Only whether there is a next page depends on it.
                Err(Error::Damaged(_)) if page.hits.len() == query.limit && done.is_some() => {
                    page.next = done;
                    return Ok(page);
                }
                Err(error) => return Err(error),
            }
        }
        heap.extend(bound(source).map(|bound| (bound, number)));
    }
    Ok(page)
}

/// The segments that can have answers.
fn sources(view: &View, search: &mut Search<'_>) -> Vec<Source> {
    let (below, start_s) = (search.below, search.start_s);
    let in_time = |member: &&Member| {
        let oldest = Place { event_time_s: member.oldest_s(), position: 0 };
        oldest < below && member.newest_s() >= start_s[member.family() as usize]
    };
    let sealed = view.sealed.iter().filter(in_time).map(|member| Scan::Member(member.clone()));
    let in_memory = view.sealing.iter().chain([&view.open]).map(|open| Scan::Open(OpenScan::begin(open, search)));
    let scans: Vec<Scan> = sealed.chain(in_memory).collect();
    scans.into_iter().map(|scan| Source { scan, candidate: None }).collect()
}

/// The sources by how new their next record can be; one that must still be read comes before one that was.
fn heap(sources: &[Source]) -> BinaryHeap<(Place, usize)> {
    sources.iter().enumerate().filter_map(|(number, source)| Some((bound(source)?, number))).collect()
}

fn bound(source: &Source) -> Option<Place> {
    source.candidate.as_ref().map(|candidate| candidate.place).or_else(|| source.scan.bound())
}
