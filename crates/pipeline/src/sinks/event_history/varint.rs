//! Numbers of variable length, as they stand in segment files: seven bits a byte, lowest first.

/// Most bytes of a number.
const BYTES_MAX: usize = 10;

/// Appends `value`.
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a number that may be negative; small ones are short.
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Reads numbers and bytes from the front of a slice.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// None at the end, or if it is too long to be a number.
    #[inline]
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for (i, byte) in self.rest.iter().take(BYTES_MAX).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[i + 1..];
                return Some(value);
            }
        }
        None
    }

    /// Leaves out `count` numbers.
    #[inline]
    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        let mut left = count;
        if left > 0 {
            let is_last = |byte: &u8| {
                left -= usize::from(byte & 0x80 == 0);
                left == 0
            };
            let last = self.rest.iter().position(is_last)?;
            self.rest = &self.rest[last + 1..];
        }
        Some(())
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A number that counts or measures something of which at most `max` is sensible.
    pub(super) fn up_to(&mut self, max: u64) -> Option<usize> {
        self.number().filter(|value| *value <= max).map(|value| value as usize)
    }

    pub(super) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests;
