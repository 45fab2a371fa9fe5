//! A column of text, as views: 16 bytes a row that hold a short text themselves and point to a longer one.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringViewArray, new_null_array};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::DataType;

use super::bits::Bits;

/// Rows without text cost nothing until the end.
#[derive(Default)]
pub(super) struct Text {
    views: Vec<u128>,
    valid: Bits,
}

impl Text {
    /// Gives a row its text; the first one stays.
    pub(super) fn set(&mut self, row: usize, view: u128) {
        if self.is_set(row) {
            return;
        }
        self.views.resize(row, 0);
        self.views.push(view);
        self.valid.set(row);
    }

    /// Whether the row, which must be the last one, has its text.
    pub(super) fn is_set(&self, row: usize) -> bool {
        self.views.len() > row
    }

    pub(super) fn finish(mut self, rows: usize, buffers: &Arc<[Buffer]>) -> ArrayRef {
        if self.valid.is_empty() {
            return new_null_array(&DataType::Utf8View, rows);
        }
        self.views.resize(rows, 0);
        self.views.shrink_to_fit();
        let nulls = self.valid.nulls(rows);
        let array = StringViewArray::try_new(ScalarBuffer::from(self.views), Arc::clone(buffers), nulls);
        Arc::new(array.expect("views point to text of their buffers")) as Arc<dyn Array>
    }
}
