//! A segment file, sealed: records in blocks and postings over them.
//!
//! ```text
//! magic · { dictionary | block | long posting list | page of the term table }* · block index · page index · scopes
//!       · footer · length and checksum of the footer · magic
//! ```
//!
//! Everything behind the first magic has a checksum that stands somewhere else: dictionaries, indexes and scopes in the
//! footer, blocks in the block index, pages in the page index, long lists in their page and their skip table. Ordinals
//! number the records in order of place, newest first. What stays in memory is the indexes: about 3 MB per million
//! records.

mod file;
mod footer;
mod reader;
mod table;
mod writer;

pub(super) use file::SegmentFile;
pub(super) use footer::{Family, Summary};
pub(super) use reader::{BlockReader, Segment};
pub(super) use table::{BlockEntry, TermWalk};
pub(super) use writer::{Compressor, Dictionary, SegmentWriter};

/// The first and last eight bytes of a segment file.
const MAGIC: &[u8; 8] = b"TKHIST01";
