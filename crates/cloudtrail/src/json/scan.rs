//! One pass over a record: is it JSON, is it an object, where are its members, is there blank space to drop.

use std::ops::Range;

use super::DEPTH_MAX;

/// Why a text is no acceptable JSON object, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("not JSON: {expected} expected at byte {at}")]
    Syntax { expected: &'static str, at: usize },
    #[error("nested deeper than {DEPTH_MAX} at byte {at}")]
    TooDeep { at: usize },
}

/// Checks that the text is one JSON object and calls `member` with the place of each of its keys (without the
/// quotes) and values. Says whether there is blank space outside strings. The text must be UTF-8.
pub(crate) fn scan<E: From<Fault>>(
    text: &[u8],
    mut member: impl FnMut(Range<usize>, Range<usize>) -> Result<(), E>,
) -> Result<bool, E> {
    let mut scanner = Scanner { text, at: 0, blank: false };
    scanner.skip_blank();
    scanner.expect(b'{', "an object")?;
    scanner.skip_blank();
    if !scanner.take(b'}') {
        loop {
            let key = scanner.key()?;
            scanner.skip_blank();
            let start = scanner.at;
            scanner.value()?;
            member(key, start..scanner.at)?;
            scanner.skip_blank();
            if scanner.take(b'}') {
                break;
            }
            scanner.expect(b',', "',' or '}'")?;
            scanner.skip_blank();
        }
    }
    scanner.skip_blank();
    if scanner.at == text.len() { Ok(scanner.blank) } else { Err(scanner.fault("the end").into()) }
}

/// Drops blank space outside strings from a text that `scan` accepted.
pub(crate) fn compact(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let end = match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'"' => string_end(text, at),
            _ => at + 1,
        };
        out.extend_from_slice(text.get(at..end).unwrap_or_default());
        at = end;
    }
    out
}

/// The end of the string that opens at `at`, in checked text.
pub(super) fn string_end(text: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    loop {
        match memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
            Some(plain) if text.get(at + plain) == Some(&b'"') => return at + plain + 1,
            Some(plain) => at += plain + 2,
            None => return text.len(),
        }
    }
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    blank: bool,
}

/// The containers that are open around a value, innermost in the lowest bit: objects are ones.
#[derive(Default)]
struct Open {
    objects: u128,
    depth: u32,
}

const _: () = assert!(DEPTH_MAX <= u128::BITS);

impl Scanner<'_> {
    fn fault(&self, expected: &'static str) -> Fault {
        Fault::Syntax { expected, at: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Fault> {
        if self.take(byte) { Ok(()) } else { Err(self.fault(expected)) }
    }

    #[inline]
    fn skip_blank(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
            self.blank = true;
        }
    }

    /// A key and its colon; the place of the key without the quotes.
    fn key(&mut self) -> Result<Range<usize>, Fault> {
        self.expect(b'"', "a string")?;
        let start = self.at;
        self.string()?;
        let key = start..self.at - 1;
        self.skip_blank();
        self.expect(b':', "':'")?;
        Ok(key)
    }

    /// One value of any depth, inside the record's object.
    fn value(&mut self) -> Result<(), Fault> {
        let mut open = Open::default();
        loop {
            self.skip_blank();
            if self.begin(&mut open)? {
                continue;
            }
            loop {
                if open.depth == 0 {
                    return Ok(());
                }
                self.skip_blank();
                if self.next(&mut open)? {
                    break;
                }
            }
        }
    }

    /// Steps over a scalar or an empty container, or into a container. True: a value must follow.
    fn begin(&mut self, open: &mut Open) -> Result<bool, Fault> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string()?;
            }
            Some(b'{') => {
                self.open(open, 1)?;
                if !self.take(b'}') {
                    self.key()?;
                    return Ok(true);
                }
                open.close();
            }
            Some(b'[') => {
                self.open(open, 0)?;
                if !self.take(b']') {
                    return Ok(true);
                }
                open.close();
            }
            Some(b't') => self.literal(b"true")?,
            Some(b'f') => self.literal(b"false")?,
            Some(b'n') => self.literal(b"null")?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.fault("a value")),
        }
        Ok(false)
    }

    /// After a value in a container. True: there is another one; false: the container is closed.
    fn next(&mut self, open: &mut Open) -> Result<bool, Fault> {
        let in_object = open.objects & 1 == 1;
        if self.take(b',') {
            if in_object {
                self.skip_blank();
                self.key()?;
            }
            return Ok(true);
        }
        if in_object {
            self.expect(b'}', "',' or '}'")?;
        } else {
            self.expect(b']', "',' or ']'")?;
        }
        open.close();
        Ok(false)
    }

    fn open(&mut self, open: &mut Open, object: u128) -> Result<(), Fault> {
        open.objects = open.objects << 1 | object;
        open.depth += 1;
        // The record's own object is one level.
        if open.depth >= DEPTH_MAX {
            return Err(Fault::TooDeep { at: self.at });
        }
        self.at += 1;
        self.skip_blank();
        Ok(())
    }

    /// The rest of a string, after its opening quote.
    fn string(&mut self) -> Result<(), Fault> {
        loop {
            self.at = plain_end(self.text, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.fault("no control character")),
                None => return Err(self.fault("'\"'")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        let length = match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
            Some(b'u') => {
                let digits = self.text.get(self.at + 1..self.at + 5);
                if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(self.fault("four hexadecimal digits"));
                }
                5
            }
            _ => return Err(self.fault("an escape")),
        };
        self.at += length;
        Ok(())
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), Fault> {
        if self.text.get(self.at..self.at + literal.len()) != Some(literal) {
            return Err(self.fault("a value"));
        }
        self.at += literal.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.fault("a digit")) } else { Ok(()) }
    }
}

impl Open {
    fn close(&mut self) {
        self.objects >>= 1;
        self.depth -= 1;
    }
}

/// The first byte from `at` on that is a quote, a backslash or a control character, or the end. Eight bytes at a
/// time: most strings of a record are longer, and this is where the time of a scan goes.
#[inline]
fn plain_end(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let below_space = word.wrapping_sub(SPACES) & !word;
        let found = (zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES) | below_space) & HIGH;
        if found != 0 {
            // The lowest mark is exact: a borrow can only spoil the bytes above it.
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|&b| b != b'"' && b != b'\\' && b >= b' ') {
        at += 1;
    }
    at
}
