//! A sealed segment, open for reading.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::event::Category;
use zstd::zstd_safe::{DCtx, DDict, get_error_name};

use super::super::block::{self, Stored};
use super::super::error::Error;
use super::super::place::Place;
use super::super::postings::{List, Postings};
use super::super::term::{Scope, Term};
use super::file::SegmentFile;
use super::footer::{Footer, Part, Summary};
use super::table::{
    BlockEntry, NoPage, PageEntry, TermWalk, decode_blocks, decode_pages, decode_scopes, find_in_page, undecodable,
};

/// A sealed segment.
pub(in super::super) struct Segment {
    id: u64,
    file: Arc<SegmentFile>,
    summary: Summary,
    scopes: Vec<Scope>,
    blocks: Vec<BlockEntry>,
    pages: Vec<PageEntry>,
    dictionaries: Vec<LazyDictionary>,
}

/// A dictionary that is read when it is first needed.
struct LazyDictionary {
    part: Part,
    prepared: OnceLock<DDict<'static>>,
}

/// Decompresses blocks.
pub(in super::super) struct BlockReader {
    context: DCtx<'static>,
}

impl BlockReader {
    pub(in super::super) fn new() -> Self {
        Self { context: DCtx::create() }
    }
}

impl Segment {
    /// Opens the file at `path`; `id` names it while the program runs.
    pub(in super::super) fn open(path: &Path, id: u64) -> Result<Self, Error> {
        let file = Arc::new(SegmentFile::open(path)?);
        let footer = Footer::read(&file)?;
        let undecodable = |part: &Part, name: &str| file.damage(part.offset, format!("{name} cannot be decoded"));
        let blocks = decode_blocks(&footer.blocks.read(&file, "block index")?);
        let blocks = blocks.ok_or_else(|| undecodable(&footer.blocks, "block index"))?;
        let pages = decode_pages(&footer.pages.read(&file, "page index")?);
        let pages = pages.ok_or_else(|| undecodable(&footer.pages, "page index"))?;
        let scopes = decode_scopes(&footer.scopes.read(&file, "scopes")?);
        let scopes = scopes.ok_or_else(|| undecodable(&footer.scopes, "scopes"))?;
        let lazy = |part| LazyDictionary { part, prepared: OnceLock::new() };
        let dictionaries = footer.dictionaries.into_iter().map(lazy).collect();
        let records: u64 = blocks.iter().map(|block| u64::from(block.records)).sum();
        if records != u64::from(footer.summary.records) {
            return Err(undecodable(&footer.blocks, "block index").into());
        }
        Ok(Self { id, file, summary: footer.summary, scopes, blocks, pages, dictionaries })
    }

    pub(in super::super) fn id(&self) -> u64 {
        self.id
    }

    pub(in super::super) fn file(&self) -> &SegmentFile {
        &self.file
    }

    pub(in super::super) fn summary(&self) -> &Summary {
        &self.summary
    }

    pub(in super::super) fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The scopes in which events of `region` (of any, without it) can be.
    pub(in super::super) fn scopes_of<'a>(
        &'a self,
        owner: AccountId,
        category: Category,
        region: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Scope> {
        self.scopes.iter().filter(move |scope| scope.covers(owner, category, region))
    }

    pub(in super::super) fn blocks(&self) -> &[BlockEntry] {
        &self.blocks
    }

    /// The number of the block that has the record with that ordinal.
    pub(in super::super) fn block_of(&self, ordinal: u32) -> usize {
        self.blocks.partition_point(|block| block.first_ordinal <= ordinal) - 1
    }

    /// The first ordinal of the first block that has records below `place`.
    pub(in super::super) fn first_ordinal_below(&self, place: Place) -> u32 {
        let block = self.blocks.partition_point(|block| block.last >= place);
        self.blocks.get(block).map_or(self.summary.records, |block| block.first_ordinal)
    }

    /// The records that have `term`.
    pub(in super::super) fn postings(&self, term: Term) -> Result<Option<Postings>, Error> {
        let Some(list) = self.list(term)? else { return Ok(None) };
        Postings::open(list, &self.file, self.summary.records).map(Some)
    }

    fn list(&self, term: Term) -> Result<Option<List>, Error> {
        let page = self.pages.partition_point(|page| page.first <= term);
        let Some(page) = page.checked_sub(1).map(|page| &self.pages[page]) else { return Ok(None) };
        let bytes = self.file.read(page.offset, page.len as usize, page.crc, "page of the term table")?;
        let found = find_in_page(&bytes, page.first, term, self.summary.records);
        found.map_err(|NoPage| undecodable(&self.file, page))
    }

    /// All terms.
    pub(in super::super) fn terms(&self) -> TermWalk {
        TermWalk::new(Arc::clone(&self.file), self.pages.clone(), self.summary.records)
    }

    /// The records of a block.
    pub(in super::super) fn block(&self, number: usize, reader: &mut BlockReader) -> Result<Vec<Stored>, Error> {
        let entry = &self.blocks[number];
        let compressed = self.compressed(entry)?;
        let damaged = |reason: &str| self.file.damage(entry.offset, reason);
        let mut raw = Vec::with_capacity(entry.raw_len as usize);
        let done = match entry.dictionary.checked_sub(1) {
            None => reader.context.decompress(&mut raw, &compressed),
            Some(number) => {
                let dictionary = self.dictionaries.get(usize::from(number));
                let dictionary = dictionary.ok_or_else(|| damaged("block names a dictionary that is not there"))?;
                reader.context.decompress_using_ddict(&mut raw, &compressed, dictionary.prepared(&self.file)?)
            }
        };
        done.map_err(|code| damaged(&format!("block cannot be decompressed: {}", get_error_name(code))))?;
        let records = block::decode(&Bytes::from(raw)).filter(|records| records.len() == usize::from(entry.records));
        Ok(records.ok_or_else(|| damaged("block cannot be decoded"))?)
    }

    /// The bytes of a block as they stand in the file.
    pub(in super::super) fn compressed(&self, entry: &BlockEntry) -> Result<Vec<u8>, Error> {
        self.file.read(entry.offset, entry.len as usize, entry.crc, "block")
    }

    /// How many dictionaries it has.
    pub(in super::super) fn dictionaries(&self) -> usize {
        self.dictionaries.len()
    }

    /// The bytes of a dictionary; numbers begin with 1, as in [`BlockEntry`].
    pub(in super::super) fn dictionary(&self, number: u16) -> Result<Vec<u8>, Error> {
        match self.dictionaries.get(usize::from(number).wrapping_sub(1)) {
            Some(dictionary) => dictionary.part.read(&self.file, "dictionary"),
            None => Err(self.file.damage(0, "block names a dictionary that is not there").into()),
        }
    }
}

impl LazyDictionary {
    fn prepared(&self, file: &SegmentFile) -> Result<&DDict<'static>, Error> {
        if let Some(prepared) = self.prepared.get() {
            return Ok(prepared);
        }
        let bytes = self.part.read(file, "dictionary")?;
        Ok(self.prepared.get_or_init(|| DDict::create(&bytes)))
    }
}
