//! Reading committed entries. Readers share nothing with the writer but short locks on lists in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;

use crate::frame::{Fault, Header};
use crate::handle::Shared;
use crate::segment::{self, Segment, Spot};
use crate::{Error, Frame, Position};

/// Least bytes read at once: an index step and a few frames.
const CHUNK_BYTES_MIN: usize = 128 << 10;
/// Most bytes read at once, whatever the caller asks for.
const CHUNK_BYTES_MAX: usize = 16 << 20;

/// Frames from a position on, of one segment: at least one unless `from` is the end, `bytes_max` together unless the
/// first is larger.
pub(crate) fn read(shared: &Shared, from: Position, bytes_max: usize) -> Result<Vec<Frame>, Error> {
    let committed = *shared.committed.borrow();
    if from > committed {
        return Err(Error::Ahead { from, committed });
    }
    if from == committed {
        return Ok(Vec::new());
    }
    let (segment, next) = shared.segments.find(from)?;
    let file = shared.segments.file(&segment)?;
    let (position, offset) = segment.spot(from);
    let mut reading = Reading {
        segment: &segment,
        end: next.unwrap_or(committed).min(committed),
        from,
        bytes_left: bytes_max.min(CHUNK_BYTES_MAX),
        position,
        offset,
        frames: Vec::new(),
        passed: Vec::new(),
    };
    reading.run(&file)?;
    segment.remember(&reading.passed, (reading.position, reading.offset));
    Ok(reading.frames)
}

struct Reading<'a> {
    segment: &'a Segment,
    /// Position after the last entry that may be read from this segment.
    end: Position,
    from: Position,
    bytes_left: usize,
    /// The entry to come, and where it (or a commit before it) begins.
    position: Position,
    offset: u64,
    frames: Vec<Frame>,
    passed: Vec<Spot>,
}

/// How a chunk ended.
enum Chunk {
    /// Nothing more is wanted.
    Enough,
    /// A frame began that needs this many bytes.
    Short(usize),
}

impl Reading<'_> {
    /// Reads chunks until a frame was found.
    fn run(&mut self, file: &File) -> Result<(), Error> {
        let mut wanted = (self.bytes_left + CHUNK_BYTES_MIN / 2).max(CHUNK_BYTES_MIN);
        loop {
            let left = self.segment.bytes().saturating_sub(self.offset) as usize;
            let mut chunk = vec![0; wanted.min(left)];
            file.read_exact_at(&mut chunk, self.offset).map_err(|error| self.unreadable(error))?;
            let more_follows = chunk.len() < left;
            match self.take(&Bytes::from(chunk))? {
                Chunk::Short(needed) if self.frames.is_empty() && more_follows => wanted = wanted.max(needed),
                Chunk::Short(_) if self.frames.is_empty() => {
                    return Err(self.corrupt(format!(
                        "segment ends before position {}, its last should be {}",
                        self.position,
                        self.end - 1
                    )));
                }
                Chunk::Enough | Chunk::Short(_) => return Ok(()),
            }
        }
    }

    /// Takes the frames of a chunk that begins at `self.offset`.
    fn take(&mut self, chunk: &Bytes) -> Result<Chunk, Error> {
        let start = self.offset;
        while self.position < self.end {
            let at = (self.offset - start) as usize;
            let bytes = chunk.get(at..).unwrap_or_default();
            let header = match Header::parse(bytes, self.segment.salt) {
                Ok(header) => header,
                Err(Fault::Short(needed)) => return Ok(Chunk::Short(needed)),
                Err(Fault::Bad(reason)) => return Err(self.corrupt(reason)),
            };
            if header.position != self.position {
                return Err(self.corrupt("frame does not follow the one before it"));
            }
            let wanted = self.position >= self.from && header.kind.is_some();
            if wanted && !self.frames.is_empty() && header.frame_bytes() > self.bytes_left {
                return Ok(Chunk::Enough);
            }
            match header.body(bytes) {
                Ok(_) => {}
                Err(Fault::Short(needed)) => return Ok(Chunk::Short(needed)),
                Err(Fault::Bad(reason)) => return Err(self.corrupt(reason)),
            }
            if let Some(kind) = header.kind {
                segment::note(&mut self.passed, (self.position, self.offset));
                if wanted {
                    self.bytes_left = self.bytes_left.saturating_sub(header.frame_bytes());
                    self.frames.push(header.frame(kind, chunk, at));
                }
                self.position += 1;
            }
            self.offset += header.frame_bytes() as u64;
        }
        Ok(Chunk::Enough)
    }

    fn corrupt(&self, reason: impl Into<String>) -> Error {
        Error::corrupt(&self.segment.path, self.offset, reason)
    }

    fn unreadable(&self, error: io::Error) -> Error {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return self.corrupt("segment is shorter than what was committed");
        }
        Error::io(&self.segment.path)(error)
    }
}
