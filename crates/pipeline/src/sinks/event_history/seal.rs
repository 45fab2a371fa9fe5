//! Sealing: from the open segment to files.

use std::path::Path;
use std::sync::Arc;

use super::block::{self, Stored};
use super::dictionary::Dictionaries;
use super::error::Error;
use super::open::{Contents, Open};
use super::segment::{Compressor, Dictionary, Family, SegmentWriter, Summary};
use super::term::{Scope, Term};

/// Stands for a record of another family.
const ELSEWHERE: u32 = u32::MAX;

/// Writes the records of one family to a new file at `path`; None, and no file, if there are none.
pub(super) fn seal(open: &Open, family: Family, dictionaries: &Dictionaries, path: &Path) -> Result<Option<Summary>, Error> {
    let contents = open.contents();
    let order = order(&contents, family);
    if order.is_empty() {
        return Ok(None);
    }
    let mut writer = SegmentWriter::create(path)?;
    let bytes_of = |number: &u32| contents.records[*number as usize].bytes.len() as u64;
    let records = order.iter().map(|number| &contents.records[*number as usize]);
    let dictionary = dictionaries.choose(family, records, order.iter().map(bytes_of).sum());
    write_blocks(&mut writer, &contents, &order, dictionary.clone())?;
    if let Some(dictionary) = dictionary {
        dictionaries.learn(family, &dictionary, writer.ratio());
    }
    write_terms(&mut writer, &contents, &order)?;
    let scopes = scopes(&contents, &order);
    Ok(Some(writer.finish(family, &scopes, open.first()..contents.end)?))
}

/// The records of `family`, newest first, by the numbers they came with.
fn order(contents: &Contents, family: Family) -> Vec<u32> {
    let mut order: Vec<_> = (0u32..)
        .zip(&contents.records)
        .filter(|(_, record)| Family::of(record.origin) == family)
        .map(|(number, record)| (record.place, number))
        .collect();
    order.sort_unstable_by(|a, b| b.cmp(a));
    order.into_iter().map(|(_, number)| number).collect()
}

fn write_blocks(
    writer: &mut SegmentWriter,
    contents: &Contents,
    order: &[u32],
    dictionary: Option<Arc<Dictionary>>,
) -> Result<(), Error> {
    let mut blocks = BlockFiller::new(dictionary, writer)?;
    for number in order {
        blocks.push(contents.records[*number as usize].clone(), writer)?;
    }
    blocks.flush(writer)
}

fn write_terms(writer: &mut SegmentWriter, contents: &Contents, order: &[u32]) -> Result<(), Error> {
    let mut ordinals = vec![ELSEWHERE; contents.records.len()];
    for (ordinal, number) in (0u32..).zip(order) {
        ordinals[*number as usize] = ordinal;
    }
    let mut terms: Vec<(Term, &[u32])> = contents.terms.iter().map(|(term, list)| (*term, list.as_slice())).collect();
    terms.sort_unstable_by_key(|(term, _)| *term);
    let mut list = Vec::new();
    for (term, numbers) in terms {
        list.clear();
        list.extend(numbers.iter().map(|number| ordinals[*number as usize]).filter(|ordinal| *ordinal != ELSEWHERE));
        if !list.is_empty() {
            list.sort_unstable();
            writer.term(term, &list)?;
        }
    }
    Ok(())
}

/// The scopes that have records of the family: one that has none would only be looked for in vain.
fn scopes(contents: &Contents, order: &[u32]) -> Vec<Scope> {
    if order.len() == contents.records.len() {
        return contents.scopes.clone();
    }
    let mut ours = vec![false; contents.records.len()];
    for number in order {
        ours[*number as usize] = true;
    }
    let has_ours = |scope: &&Scope| {
        let list = contents.terms.get(&scope.everything());
        list.is_some_and(|list| list.as_slice().iter().any(|number| ours[*number as usize]))
    };
    contents.scopes.iter().filter(has_ours).cloned().collect()
}

/// Gathers records into blocks.
pub(super) struct BlockFiller {
    compressor: Compressor,
    dictionary: Option<(u16, Arc<Dictionary>)>,
    records: Vec<Stored>,
    bytes: usize,
}

impl BlockFiller {
    pub(super) fn new(dictionary: Option<Arc<Dictionary>>, writer: &mut SegmentWriter) -> Result<Self, Error> {
        let numbered = |dictionary: Arc<Dictionary>| Ok::<_, Error>((writer.dictionary(dictionary.bytes())?, dictionary));
        let dictionary = dictionary.map(numbered).transpose()?;
        let records = Vec::with_capacity(block::RECORDS_MAX);
        Ok(Self { compressor: Compressor::new(), dictionary, records, bytes: 0 })
    }

    /// Adds the next record in order of place.
    pub(super) fn push(&mut self, record: Stored, writer: &mut SegmentWriter) -> Result<(), Error> {
        self.bytes += record.bytes.len();
        self.records.push(record);
        if block::is_full(self.records.len(), self.bytes) { self.flush(writer) } else { Ok(()) }
    }

    /// Ends the block that is begun.
    pub(super) fn flush(&mut self, writer: &mut SegmentWriter) -> Result<(), Error> {
        let dictionary = self.dictionary.as_ref().map(|(number, dictionary)| (*number, &**dictionary));
        writer.block(&self.records, &mut self.compressor, dictionary)?;
        self.records.clear();
        self.bytes = 0;
        Ok(())
    }

    /// Records that are not written yet.
    pub(super) fn pending(&self) -> u32 {
        self.records.len() as u32
    }
    /// The dictionary of the blocks, and its number.
    pub(super) fn dictionary(&self) -> Option<(u16, &Dictionary)> {
        self.dictionary.as_ref().map(|(number, dictionary)| (*number, &**dictionary))
    }
}
