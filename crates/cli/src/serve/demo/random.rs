//! Chance that comes out the same every time.

/// A generator of numbers (xorshift64*, Vigna 2016). Good enough to look like life, useless for secrets.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 to before `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end.max(1)
    }

    /// True `percent` times in a hundred.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `values`, each as likely.
    pub(super) fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        let index = self.below(values.len() as u64) as usize;
        &values[index]
    }

    pub(super) fn uuid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }

    /// Letters and digits as AWS's ids have them.
    pub(super) fn letters(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(*self.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))).collect()
    }

    pub(super) fn hex(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(*self.pick(b"0123456789abcdef"))).collect()
    }
}
