//! Files that are too long to be held whole: hundreds of thousands of records that somebody put together.
//!
//! Records are found as the bytes come: those in the `Records` array of each object that has one, else the objects
//! themselves, one after the other. What is inflated at a time is one record and a buffer's worth more.

use std::io::{self, BufReader, Read};

use cloudtrail::event::RAW_SIZE_FACTOR;
use cloudtrail::event_data_store::SIZE_LARGE_MAX;
use flate2::bufread::MultiGzDecoder;
use pipeline::capture::envelope::FileErrorCode;

/// The longest text between the beginning of a record and its end. A longer one could not be admitted.
const RECORD_BYTES_MAX: usize = SIZE_LARGE_MAX * RAW_SIZE_FACTOR;
/// How much is read at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// How a gzip file begins (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const RECORDS: &[u8] = b"Records";

/// Why a file cannot be read on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) code: FileErrorCode,
    pub(super) message: String,
}

/// A file being read.
pub(super) struct LongFile {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// Where in the buffer the next unread byte is.
    at: usize,
    /// How many bytes were dropped from the buffer.
    dropped: u64,
    ended: bool,
    /// Whether the place is within the array of records of an object.
    in_records: bool,
    found: bool,
}

/// What an object turned out to be.
enum Object {
    /// A record, which ends here.
    Record(usize),
    /// A log file, whose first record comes here.
    Records(usize),
}

impl LongFile {
    pub(super) fn open(mut file: impl Read + Send + 'static) -> io::Result<Self> {
        let mut magic = [0; 2];
        let mut read = 0;
        while read < magic.len() {
            match file.read(&mut magic[read..])? {
                0 => break,
                bytes => read += bytes,
            }
        }
        let whole = io::Cursor::new(magic).take(read as u64).chain(file);
        let input: Box<dyn Read + Send> = if magic == GZIP_MAGIC {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(CHUNK_BYTES, whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self { input, buffer: Vec::new(), at: 0, dropped: 0, ended: false, in_records: false, found: false })
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Broken> {
        loop {
            let Some(first) = self.peek()? else { return self.end().map(|()| None) };
            if self.in_records {
                match first {
                    b',' => self.at += 1,
                    b']' => {
                        self.at += 1;
                        self.rest_of_object()?;
                    }
                    _ => {
                        let end = self.value_end(self.at)?;
                        return Ok(Some(self.take(end)));
                    }
                }
                continue;
            }
            if first != b'{' {
                return Err(self.syntax("expected an object"));
            }
            self.found = true;
            match self.object()? {
                Object::Record(end) => return Ok(Some(self.take(end))),
                Object::Records(start) => {
                    self.at = start;
                    self.in_records = true;
                }
            }
        }
    }

    fn end(&self) -> Result<(), Broken> {
        match (self.in_records, self.found) {
            (true, _) => Err(self.syntax("the text ends within \"Records\"")),
            (false, false) => Err(Broken { code: FileErrorCode::Empty, message: "the file is empty".to_owned() }),
            (false, true) => Ok(()),
        }
    }

    fn take(&mut self, end: usize) -> &[u8] {
        let start = std::mem::replace(&mut self.at, end);
        &self.buffer[start..end]
    }

    /// What the object at this place is.
    fn object(&mut self) -> Result<Object, Broken> {
        let mut at = self.at + 1;
        loop {
            at = self.blank_end(at)?;
            match self.byte(at)? {
                Some(b'}') => return Ok(Object::Record(at + 1)),
                Some(b',') => at += 1,
                Some(b'"') => {
                    let end = self.value_end(at)?;
                    let is_records = self.buffer[at + 1..end - 1] == *RECORDS;
                    at = self.blank_end(end)?;
                    if self.byte(at)? != Some(b':') {
                        return Err(self.syntax("expected a colon"));
                    }
                    at = self.blank_end(at + 1)?;
                    if is_records && self.byte(at)? == Some(b'[') {
                        return Ok(Object::Records(at + 1));
                    }
                    at = self.value_end(at)?;
                }
                Some(_) => return Err(self.syntax("expected a key")),
                None => return Err(self.syntax("the text ends within an object")),
            }
        }
    }

    /// Goes behind the object whose records came to their end.
    fn rest_of_object(&mut self) -> Result<(), Broken> {
        self.in_records = false;
        loop {
            match self.peek()? {
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b',' | b':') => self.at += 1,
                Some(_) => self.at = self.value_end(self.at)?,
                None => return Err(self.syntax("the text ends within an object")),
            }
        }
    }

    /// The end of the value that begins here: brackets and strings are counted, what else is in it is for who admits it.
    fn value_end(&mut self, start: usize) -> Result<usize, Broken> {
        match self.byte(start)? {
            Some(b'"') => self.string_end(start),
            Some(b'{' | b'[') => self.nested_end(start),
            None | Some(b',' | b':' | b'}' | b']') => Err(self.syntax("expected a value")),
            Some(_) => {
                let mut at = start;
                while self.byte(at)?.is_some_and(|byte| !byte.is_ascii_whitespace() && !b",:}]".contains(&byte)) {
                    at += 1;
                }
                Ok(at)
            }
        }
    }

    fn nested_end(&mut self, start: usize) -> Result<usize, Broken> {
        let (mut at, mut depth) = (start, 0_usize);
        loop {
            match self.byte(at)? {
                Some(b'"') => {
                    at = self.string_end(at)?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth -= 1,
                Some(_) => {}
                None => return Err(self.syntax("the text ends within an object or array")),
            }
            at += 1;
            if depth == 0 {
                return Ok(at);
            }
        }
    }

    fn string_end(&mut self, start: usize) -> Result<usize, Broken> {
        let mut at = start + 1;
        loop {
            match self.byte(at)? {
                Some(b'"') => return Ok(at + 1),
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
                None => return Err(self.syntax("the text ends within a string")),
            }
        }
    }

    fn blank_end(&mut self, mut at: usize) -> Result<usize, Broken> {
        while self.byte(at)?.is_some_and(|byte| byte.is_ascii_whitespace()) {
            at += 1;
        }
        Ok(at)
    }

    /// The first byte that is not blank, at which the place is then.
    fn peek(&mut self) -> Result<Option<u8>, Broken> {
        if self.dropped == 0 && self.at == 0 {
            self.byte(BYTE_ORDER_MARK.len() - 1)?;
            if self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.at = BYTE_ORDER_MARK.len();
            }
        }
        loop {
            self.drop_read();
            match self.byte(self.at)? {
                Some(byte) if byte.is_ascii_whitespace() => self.at += 1,
                found => return Ok(found),
            }
        }
    }

    /// Forgets what was read, now and then.
    fn drop_read(&mut self) {
        if self.at >= CHUNK_BYTES {
            self.buffer.drain(..self.at);
            self.dropped += self.at as u64;
            self.at = 0;
        }
    }

    /// The byte at a place of the buffer, which is filled up to there.
    fn byte(&mut self, at: usize) -> Result<Option<u8>, Broken> {
        while at >= self.buffer.len() {
            if self.ended {
                return Ok(None);
            }
            if at - self.at > RECORD_BYTES_MAX {
                let message = format!("a record at byte {} is longer than {RECORD_BYTES_MAX} bytes", self.place());
                return Err(Broken { code: FileErrorCode::TooLarge, message });
            }
            self.fill()?;
        }
        Ok(self.buffer.get(at).copied())
    }

    /// Reads more. Places in the buffer stay what they are.
    fn fill(&mut self) -> Result<(), Broken> {
        let length = self.buffer.len();
        self.buffer.resize(length + CHUNK_BYTES, 0);
        let read = self.input.read(&mut self.buffer[length..]);
        self.buffer.truncate(length + read.as_ref().copied().unwrap_or_default());
        match read {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broken(&error)),
        }
        Ok(())
    }

    fn place(&self) -> u64 {
        self.dropped + self.at as u64
    }

    fn syntax(&self, reason: &str) -> Broken {
        Broken { code: FileErrorCode::InvalidJson, message: format!("invalid JSON at byte {}: {reason}", self.place()) }
    }
}

fn broken(error: &io::Error) -> Broken {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Broken { code: FileErrorCode::TruncatedGzip, message: "the compressed data ends too early".to_owned() }
        }
        _ => Broken { code: FileErrorCode::DamagedGzip, message: format!("the compressed data is damaged: {error}") },
    }
}
