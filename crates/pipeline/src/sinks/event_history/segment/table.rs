//! The tables of a segment file: its blocks, its scopes, and its terms in pages.

use std::sync::Arc;

use smol_str::SmolStr;

use super::super::error::Error;
use super::super::place::Place;
use super::super::postings::{self, List, LongList, SHORT_MAX};
use super::super::term::{Scope, Term};
use super::super::varint::{self, Reader};
use super::super::{block, postings::Postings};
use super::file::SegmentFile;

/// A page of the term table is full at so many bytes: one read from the disk.
pub(super) const PAGE_BYTES: usize = 4096;
/// A page has so many numbers for a long list: where it stands, and a checksum.
const LONG_NUMBERS: usize = 2;
/// Scopes of one segment: every account of an organization (10,000) in every Region and both categories.
const SCOPES_MAX: u64 = 1 << 20;
/// Longest name of a Region.
const REGION_BYTES_MAX: u64 = cloudtrail::region::CHARS_MAX as u64;

/// What the block index says of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct BlockEntry {
    pub(in super::super) offset: u64,
    pub(in super::super) len: u32,
    pub(in super::super) raw_len: u32,
    pub(in super::super) crc: u32,
    /// The number of its dictionary, from 1; 0 for none.
    pub(in super::super) dictionary: u16,
    pub(in super::super) records: u16,
    pub(in super::super) first_ordinal: u32,
    /// The eventTime of its first record.
    pub(in super::super) newest_s: i64,
    /// The place of its last record.
    pub(in super::super) last: Place,
}

pub(super) fn encode_blocks(blocks: &[BlockEntry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(blocks.len() * 24);
    let (mut end, mut place) = (0u64, Place { event_time_s: 0, position: 0 });
    for block in blocks {
        varint::put(&mut out, block.offset - end);
        varint::put(&mut out, u64::from(block.len));
        varint::put(&mut out, u64::from(block.raw_len));
        out.extend_from_slice(&block.crc.to_le_bytes());
        varint::put(&mut out, u64::from(block.dictionary));
        varint::put(&mut out, u64::from(block.records));
        varint::put_signed(&mut out, block.newest_s.wrapping_sub(place.event_time_s));
        varint::put_signed(&mut out, block.last.event_time_s.wrapping_sub(block.newest_s));
        varint::put_signed(&mut out, block.last.position.wrapping_sub(place.position) as i64);
        (end, place) = (block.offset + u64::from(block.len), block.last);
    }
    out
}

pub(super) fn decode_blocks(bytes: &[u8]) -> Option<Vec<BlockEntry>> {
    let mut reader = Reader::new(bytes);
    let mut blocks = Vec::new();
    let (mut end, mut first_ordinal, mut place) = (0u64, 0u32, Place { event_time_s: 0, position: 0 });
    while !reader.is_empty() {
        let offset = end.checked_add(reader.number()?)?;
        let len = reader.up_to(u64::from(u32::MAX))? as u32;
        let raw_len = reader.up_to(block::BYTES_MAX as u64)? as u32;
        let crc = u32::from_le_bytes(reader.bytes(4)?.try_into().ok()?);
        let dictionary = reader.up_to(u64::from(u16::MAX))? as u16;
        let records = reader.up_to(block::RECORDS_MAX as u64)? as u16;
        let newest_s = place.event_time_s.wrapping_add(reader.signed()?);
        let event_time_s = newest_s.wrapping_add(reader.signed()?);
        let position = place.position.wrapping_add(reader.signed()? as u64);
        let last = Place { event_time_s, position };
        blocks.push(BlockEntry { offset, len, raw_len, crc, dictionary, records, first_ordinal, newest_s, last });
        first_ordinal = first_ordinal.checked_add(u32::from(records))?;
        (end, place) = (offset.checked_add(u64::from(len))?, last);
    }
    Some(blocks)
}

pub(super) fn encode_scopes(scopes: &[Scope]) -> Vec<u8> {
    let mut out = Vec::new();
    varint::put(&mut out, scopes.len() as u64);
    for scope in scopes {
        out.extend_from_slice(scope.owner.as_str().as_bytes());
        out.push(u8::from(scope.insight));
        varint::put(&mut out, scope.region.len() as u64);
        out.extend_from_slice(scope.region.as_bytes());
    }
    out
}

pub(super) fn decode_scopes(bytes: &[u8]) -> Option<Vec<Scope>> {
    let mut reader = Reader::new(bytes);
    let count = reader.up_to(SCOPES_MAX)?;
    let mut scopes = Vec::new();
    for _ in 0..count {
        let owner = std::str::from_utf8(reader.bytes(12)?).ok()?.parse().ok()?;
        let insight = reader.bytes(1)?[0] == 1;
        let len = reader.up_to(REGION_BYTES_MAX)?;
        let region = SmolStr::new(std::str::from_utf8(reader.bytes(len)?).ok()?);
        scopes.push(Scope { owner, insight, region });
    }
    reader.is_empty().then_some(scopes)
}

/// What the page index says of a page of the term table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageEntry {
    /// Its first term.
    pub(super) first: Term,
    pub(super) offset: u64,
    pub(super) len: u32,
    pub(super) crc: u32,
}

pub(super) fn encode_pages(pages: &[PageEntry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pages.len() * 16);
    let (mut term, mut offset) = (0, 0);
    for page in pages {
        varint::put(&mut out, page.first - term);
        varint::put(&mut out, page.offset - offset);
        varint::put(&mut out, u64::from(page.len));
        out.extend_from_slice(&page.crc.to_le_bytes());
        (term, offset) = (page.first, page.offset);
    }
    out
}

pub(super) fn decode_pages(bytes: &[u8]) -> Option<Vec<PageEntry>> {
    let mut reader = Reader::new(bytes);
    let mut pages = Vec::new();
    let (mut term, mut end) = (0u64, 0u64);
    while !reader.is_empty() {
        let first = term.checked_add(reader.number()?)?;
        let offset = end.checked_add(reader.number()?)?;
        let len = reader.up_to(u64::from(u32::MAX))? as u32;
        let crc = u32::from_le_bytes(reader.bytes(4)?.try_into().ok()?);
        pages.push(PageEntry { first, offset, len, crc });
        (term, end) = (first, offset);
    }
    Some(pages)
}

/// A page of the term table while it is written.
#[derive(Default)]
pub(super) struct Page {
    pub(super) bytes: Vec<u8>,
    pub(super) first: Term,
    last: Term,
}

impl Page {
    pub(super) fn push_short(&mut self, term: Term, ordinals: &[u32]) {
        self.push(term, ordinals.len());
        postings::put_short(&mut self.bytes, ordinals);
    }

    pub(super) fn push_long(&mut self, term: Term, list: &LongList) {
        self.push(term, list.count as usize);
        varint::put(&mut self.bytes, list.offset);
        varint::put(&mut self.bytes, u64::from(list.skips_crc));
    }

    fn push(&mut self, term: Term, count: usize) {
        if self.bytes.is_empty() {
            (self.first, self.last) = (term, term);
        }
        varint::put(&mut self.bytes, term - self.last);
        varint::put(&mut self.bytes, count as u64);
        self.last = term;
    }
}

/// The next term of a page and how many records have it; `last` is the term before.
fn next_term(reader: &mut Reader<'_>, last: Term, records: u32) -> Option<(Term, usize)> {
    Some((last.checked_add(reader.number()?)?, reader.up_to(u64::from(records))?))
}

/// The list of a term that `count` records have.
fn list(reader: &mut Reader<'_>, count: usize, records: u32) -> Option<List> {
    if count <= SHORT_MAX {
        return postings::get_short(reader, count, records).map(List::Short);
    }
    let offset = reader.number()?;
    Some(List::Long(LongList { count: count as u32, offset, skips_crc: reader.up_to(u64::from(u32::MAX))? as u32 }))
}

/// The bytes are no page of a term table.
pub(super) struct NoPage;

/// Looks `term` up in its page, which begins with `first`.
pub(super) fn find_in_page(bytes: &[u8], first: Term, term: Term, records: u32) -> Result<Option<List>, NoPage> {
    let mut reader = Reader::new(bytes);
    let mut last = first;
    while !reader.is_empty() {
        let (found, count) = next_term(&mut reader, last, records).ok_or(NoPage)?;
        if found == term {
            return list(&mut reader, count, records).map(Some).ok_or(NoPage);
        }
        if found > term {
            return Ok(None);
        }
        reader.skip(if count <= SHORT_MAX { count } else { LONG_NUMBERS }).ok_or(NoPage)?;
        last = found;
    }
    Ok(None)
}

/// A walk over all terms of a segment, ascending.
pub(in super::super) struct TermWalk {
    file: Arc<SegmentFile>,
    pages: Vec<PageEntry>,
    records: u32,
    page: usize,
    terms: std::vec::IntoIter<(Term, List)>,
}

impl TermWalk {
    pub(super) fn new(file: Arc<SegmentFile>, pages: Vec<PageEntry>, records: u32) -> Self {
        Self { file, pages, records, page: 0, terms: Vec::new().into_iter() }
    }

    /// The next term and its list.
    pub(in super::super) fn next(&mut self) -> Result<Option<(Term, List)>, Error> {
        loop {
            if let Some(next) = self.terms.next() {
                return Ok(Some(next));
            }
            let Some(page) = self.pages.get(self.page) else { return Ok(None) };
            let bytes = self.file.read(page.offset, page.len as usize, page.crc, "page of the term table")?;
            let terms = terms_of_page(&bytes, page.first, self.records);
            self.terms = terms.ok_or_else(|| undecodable(&self.file, page))?.into_iter();
            self.page += 1;
        }
    }

    /// All ordinals of a list that this walk came by.
    pub(in super::super) fn ordinals(&self, list: List, out: &mut Vec<u32>) -> Result<(), Error> {
        Postings::open(list, &self.file, self.records)?.rest(out)
    }
}

pub(super) fn undecodable(file: &SegmentFile, page: &PageEntry) -> Error {
    file.damage(page.offset, "page of the term table cannot be decoded").into()
}

fn terms_of_page(bytes: &[u8], first: Term, records: u32) -> Option<Vec<(Term, List)>> {
    let mut reader = Reader::new(bytes);
    let mut terms: Vec<(Term, List)> = Vec::new();
    while !reader.is_empty() {
        let last = terms.last().map_or(first, |(term, _)| *term);
        let (term, count) = next_term(&mut reader, last, records)?;
        terms.push((term, list(&mut reader, count, records)?));
    }
    Some(terms)
}
