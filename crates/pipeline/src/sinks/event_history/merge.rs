//! Merging: from several segments of a family to one.
//!
//! Blocks whose records stand between no others are copied as they are, with their dictionary: for events that came in
//! about the order of their time that is nearly all of them. The rest is decompressed and goes into new blocks.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::vec;

use super::block::{RECORDS_MAX, Stored};
use super::dictionary;
use super::error::Error;
use super::place::Place;
use super::seal::BlockFiller;
use super::segment::{BlockEntry, BlockReader, Dictionary, Segment, SegmentWriter, Summary, TermWalk};
use super::term::{Scope, Term};

/// A block with fewer records is not copied: small blocks compress badly.
const COPY_RECORDS_MIN: u16 = RECORDS_MAX as u16 * 3 / 4;
/// To copy a block may leave a small one before it: one in so many blocks.
const SMALL_BLOCKS_SHARE: usize = 16;
/// Dictionaries of one segment: held in memory while it is made.
const DICTIONARIES_MAX: usize = 256;
/// Blocks looked at to choose a dictionary.
const SAMPLE_BLOCKS_MAX: usize = 64;
/// The program may be winding up: looked at once per so many terms.
const TERMS_PER_LOOK: usize = 1 << 12;

/// Writes the records of `sources` to a new file at `path`, but for those blocks whose events are all older than
/// `oldest_kept_s`; None, and no file, if nothing is left. `stop` ends it early, with [`Error::Closing`].
pub(super) fn merge(
    sources: &[Arc<Segment>],
    oldest_kept_s: i64,
    path: &Path,
    stop: &AtomicBool,
) -> Result<Option<Summary>, Error> {
    let Some(first) = sources.first() else { return Ok(None) };
    let mut merging: Vec<_> = sources.iter().map(|segment| Source::new(segment, oldest_kept_s)).collect();
    if merging.iter().all(|source| source.blocks == 0) {
        return Ok(None);
    }
    let mut writer = SegmentWriter::create(path)?;
    merge_blocks(&mut merging, &mut writer, stop)?;
    let ordinals: Vec<Vec<u32>> = merging.into_iter().map(|source| source.ordinals).collect();
    merge_terms(sources, &ordinals, &mut writer, stop)?;
    let begin = sources.iter().map(|segment| segment.summary().first).min().unwrap_or_default();
    let end = sources.iter().map(|segment| segment.summary().end).max().unwrap_or_default();
    writer.finish(first.summary().family, &scopes(sources), begin..end).map(Some)
}

/// A segment on its way into the merged one.
struct Source<'a> {
    segment: &'a Segment,
    /// Blocks that are kept.
    blocks: usize,
    /// The next block.
    block: usize,
    /// What is left of the one before it.
    records: vec::IntoIter<Stored>,
    /// For each ordinal here, the one in the merged segment.
    ordinals: Vec<u32>,
}

impl<'a> Source<'a> {
    fn new(segment: &'a Segment, oldest_kept_s: i64) -> Self {
        let blocks = segment.blocks().partition_point(|block| block.newest_s >= oldest_kept_s);
        Self { segment, blocks, block: 0, records: Vec::new().into_iter(), ordinals: Vec::new() }
    }

    /// No record that is left has a greater place; None at the end.
    fn bound(&self) -> Option<Place> {
        if let Some(record) = self.records.as_slice().first() {
            return Some(record.place);
        }
        let block = self.segment.blocks()[..self.blocks].get(self.block)?;
        Some(Place::end_of_second(block.newest_s))
    }
}

fn merge_blocks(sources: &mut [Source<'_>], writer: &mut SegmentWriter, stop: &AtomicBool) -> Result<(), Error> {
    let mut reader = BlockReader::new();
    let mut filler = BlockFiller::new(dictionary_for(sources, &mut reader)?, writer)?;
    let mut copies = Copies::new(&filler);
    while let Some((chosen, others)) = greatest(sources) {
        let source = &mut sources[chosen];
        if let Some(record) = source.records.next() {
            source.ordinals.push(writer.records() + filler.pending());
            filler.push(record, writer)?;
            continue;
        }
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Closing);
        }
        let number = source.block;
        source.block += 1;
        let entry = source.segment.blocks()[number];
        let alone = others.is_none_or(|others| entry.last > others);
        if alone && copies.may_copy(&entry, &filler, writer) {
            filler.flush(writer)?;
            source.ordinals.extend((0..u32::from(entry.records)).map(|i| writer.records() + i));
            copies.copy(chosen, source.segment, number, writer)?;
        } else {
            source.records = source.segment.block(number, &mut reader)?.into_iter();
        }
    }
    filler.flush(writer)
}

/// The source with the greatest bound, and the greatest bound of the others.
fn greatest(sources: &[Source<'_>]) -> Option<(usize, Option<Place>)> {
    let bounds = || sources.iter().enumerate().filter_map(|(number, source)| Some((source.bound()?, number)));
    let (_, chosen) = bounds().max()?;
    let others = bounds().filter(|(_, number)| *number != chosen).map(|(bound, _)| bound).max();
    Some((chosen, others))
}

/// Copying of whole blocks.
struct Copies {
    /// The number in the merged segment of each dictionary there, by source and number in the source.
    numbers: HashMap<(usize, u16), u16>,
    /// The dictionaries of the merged segment, numbered from 1. Many sources have the same ones.
    dictionaries: Vec<Vec<u8>>,
    small_blocks: usize,
}

impl Copies {
    fn new(filler: &BlockFiller) -> Self {
        let dictionaries = filler.dictionary().map(|(_, dictionary)| dictionary.bytes().to_vec()).into_iter().collect();
        Self { numbers: HashMap::new(), dictionaries, small_blocks: 0 }
    }

    fn may_copy(&mut self, entry: &BlockEntry, filler: &BlockFiller, writer: &SegmentWriter) -> bool {
        // Without a dictionary it would be larger than if it was compressed anew with the one that is here.
        let compressed_well = entry.dictionary != 0 || filler.dictionary().is_none();
        let worth = entry.records >= COPY_RECORDS_MIN && compressed_well && self.dictionaries.len() < DICTIONARIES_MAX;
        let leaves_small = (1..u32::from(COPY_RECORDS_MIN)).contains(&filler.pending());
        if worth && leaves_small {
            let allowed = self.small_blocks * SMALL_BLOCKS_SHARE <= writer.blocks();
            self.small_blocks += usize::from(allowed);
            return allowed;
        }
        worth
    }

    fn copy(&mut self, source: usize, segment: &Segment, number: usize, writer: &mut SegmentWriter) -> Result<(), Error> {
        let entry = &segment.blocks()[number];
        let dictionary = match (entry.dictionary, self.numbers.get(&(source, entry.dictionary))) {
            (0, _) => 0,
            (_, Some(here)) => *here,
            (there, None) => {
                let here = self.dictionary(segment.dictionary(there)?, writer)?;
                self.numbers.insert((source, there), here);
                here
            }
        };
        writer.copy(entry, &segment.compressed(entry)?, dictionary)
    }

    /// The number of the dictionary with these bytes, which is added if need be.
    fn dictionary(&mut self, bytes: Vec<u8>, writer: &mut SegmentWriter) -> Result<u16, Error> {
        if let Some(here) = self.dictionaries.iter().position(|known| *known == bytes) {
            return Ok(here as u16 + 1);
        }
        let here = writer.dictionary(&bytes)?;
        self.dictionaries.push(bytes);
        Ok(here)
    }
}

/// A dictionary for new blocks: one that the largest source has, else one chosen from a sample.
fn dictionary_for(sources: &[Source<'_>], reader: &mut BlockReader) -> Result<Option<Arc<Dictionary>>, Error> {
    let with_dictionary = sources.iter().filter(|source| source.segment.dictionaries() > 0);
    if let Some(source) = with_dictionary.max_by_key(|source| source.segment.summary().records) {
        return Ok(Some(Arc::new(Dictionary::new(source.segment.dictionary(1)?))));
    }
    if sources.iter().map(|source| source.segment.summary().raw_bytes).sum::<u64>() < dictionary::SEGMENT_BYTES_MIN {
        return Ok(None);
    }
    let blocks = || sources.iter().flat_map(|source| (0..source.blocks).map(|number| (source.segment, number)));
    let step = blocks().count().div_ceil(SAMPLE_BLOCKS_MAX).max(1);
    let mut sample = Vec::new();
    for (segment, number) in blocks().step_by(step) {
        sample.extend(segment.block(number, reader)?);
    }
    let sample_bytes = sample.iter().map(|record| record.bytes.len() as u64).sum();
    Ok(dictionary::train(sample.iter(), sample_bytes).map(Arc::new))
}

fn merge_terms(
    sources: &[Arc<Segment>],
    ordinals: &[Vec<u32>],
    writer: &mut SegmentWriter,
    stop: &AtomicBool,
) -> Result<(), Error> {
    let mut walks: Vec<TermWalk> = sources.iter().map(|segment| segment.terms()).collect();
    let mut heads = walks.iter_mut().map(TermWalk::next).collect::<Result<Vec<_>, Error>>()?;
    let (mut list, mut there) = (Vec::new(), Vec::new());
    for round in 0usize.. {
        if round.is_multiple_of(TERMS_PER_LOOK) && stop.load(Ordering::Relaxed) {
            return Err(Error::Closing);
        }
        let Some(term) = heads.iter().flatten().map(|(term, _)| *term).min() else { break };
        list.clear();
        for ((head, walk), ordinals) in heads.iter_mut().zip(&mut walks).zip(ordinals) {
            let Some((_, found)) = head.take_if(|(head, _): &mut (Term, _)| *head == term) else { continue };
            there.clear();
            walk.ordinals(found, &mut there)?;
            list.extend(there.iter().filter_map(|ordinal| ordinals.get(*ordinal as usize)));
            *head = walk.next()?;
        }
        if !list.is_empty() {
            list.sort_unstable();
            writer.term(term, &list)?;
        }
    }
    Ok(())
}

fn scopes(sources: &[Arc<Segment>]) -> Vec<Scope> {
    let mut scopes: Vec<Scope> = sources.iter().flat_map(|segment| segment.scopes()).cloned().collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}
