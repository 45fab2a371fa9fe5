//! MD5 (RFC 1321), for the two places where AWS's formats ask for it: the fingerprint of a digest key and the ETag
//! of an object. Never for security. `aws-lc-rs` has one inside and does not offer it.

/// The rotations of the four rounds (RFC 1321, section 3.4).
const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// `floor(2^32 × |sin(i + 1)|)` (RFC 1321, section 3.4).
#[rustfmt::skip]
const SINES: [[u32; 16]; 4] = [
    [
        0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
        0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    ],
    [
        0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
        0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    ],
    [
        0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
        0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    ],
    [
        0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
        0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
    ],
];

const BLOCK: usize = 64;

/// A hash being computed.
#[derive(Debug, Clone)]
pub struct Md5 {
    state: [u32; 4],
    /// Bytes taken so far.
    length: u64,
    /// The bytes of the unfinished block: the first `length % 64` of these.
    pending: [u8; BLOCK],
}

impl Default for Md5 {
    fn default() -> Self {
        let state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
        Self { state, length: 0, pending: [0; BLOCK] }
    }
}

impl Md5 {
    /// The hash of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let held = self.held();
        self.length = self.length.wrapping_add(bytes.len() as u64);
        let (_, room) = self.pending.split_at_mut(held);
        if bytes.len() < room.len() {
            fill(room, bytes);
            return;
        }
        let (head, rest) = bytes.split_at(room.len());
        fill(room, head);
        let pending = self.pending;
        // A block that is held back comes first; with nothing held this is simply the first block.
        compress(&mut self.state, &pending);
        let (blocks, tail) = rest.as_chunks::<BLOCK>();
        for block in blocks {
            compress(&mut self.state, block);
        }
        fill(&mut self.pending, tail);
    }

    /// The hash.
    pub fn finish(mut self) -> [u8; 16] {
        let bits = self.length.wrapping_mul(8);
        let mut padding = [0_u8; BLOCK + 8];
        padding[0] = 0x80;
        // Up to the last 8 bytes of a block: 56 - held bytes, or one block more when there is no room.
        let zeros = if self.held() < 56 { 56 - self.held() } else { BLOCK + 56 - self.held() };
        let (padding, _) = padding.split_at(zeros);
        self.update(padding);
        self.update(&bits.to_le_bytes());
        let mut out = [0; 16];
        for (to, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *to = word.to_le_bytes();
        }
        out
    }

    fn held(&self) -> usize {
        (self.length % BLOCK as u64) as usize
    }
}

/// The MD5 of bytes that are all there.
pub fn digest(bytes: &[u8]) -> [u8; 16] {
    let mut md5 = Md5::new();
    md5.update(bytes);
    md5.finish()
}

/// The MD5 in lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    hex::encode(digest(bytes))
}

/// Copies all of `from` to the beginning of `to`, which has room.
fn fill(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// RFC 1321, section 3.4, step 4. One letter names are the RFC's.
#[expect(clippy::many_single_char_names, reason = "the names of RFC 1321")]
fn compress(state: &mut [u32; 4], block: &[u8; BLOCK]) {
    let mut words = [0_u32; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d] = *state;
    for round in 0..4 {
        for step in 0..16 {
            let (f, word) = match round {
                0 => ((b & c) | (!b & d), step),
                1 => ((d & b) | (!d & c), (5 * step + 1) % 16),
                2 => (b ^ c ^ d, (3 * step + 5) % 16),
                _ => (c ^ (b | !d), (7 * step) % 16),
            };
            let sum = a.wrapping_add(f).wrapping_add(SINES[round][step]).wrapping_add(words[word]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[round][step % 4]));
        }
    }
    for (word, add) in state.iter_mut().zip([a, b, c, d]) {
        *word = word.wrapping_add(add);
    }
}

#[cfg(test)]
mod tests;
