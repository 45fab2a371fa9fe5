//! Which rows of a column have a value.

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};

/// Bits by row; those never set are zero.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    ones: usize,
}

impl Bits {
    pub(super) fn set(&mut self, row: usize) {
        let byte = row / 8;
        if byte >= self.bytes.len() {
            self.bytes.resize(byte + 1, 0);
        }
        self.bytes[byte] |= 1 << (row % 8);
        self.ones += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ones == 0
    }

    pub(super) fn finish(mut self, rows: usize) -> BooleanBuffer {
        self.bytes.resize(rows.div_ceil(8), 0);
        BooleanBuffer::new(Buffer::from_vec(self.bytes), 0, rows)
    }

    /// None when every row has a value.
    pub(super) fn nulls(self, rows: usize) -> Option<NullBuffer> {
        (self.ones < rows).then(|| NullBuffer::new(self.finish(rows)))
    }
}
