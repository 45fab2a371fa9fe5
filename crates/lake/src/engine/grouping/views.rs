//! What is known of texts, by their views.

use arrow::array::StringViewArray;
use arrow::buffer::Buffer;

/// Keys that are remembered: they fit into a processor's second cache. A batch has 8,192 rows.
const SLOTS_LOG2: u32 = 13;
/// Spreads keys that differ in few bits (the golden ratio, as in Knuth's multiplicative hashing).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// Texts of so many bytes are in the view itself (Arrow columnar format, "Variable-size Binary View Layout").
const INLINE_BYTES_MAX: u32 = 12;
/// The age of what was never filled.
const EMPTY: u32 = 0;

/// The numbers of keys that were asked for lately.
pub(super) struct Slots {
    slots: Box<[Slot]>,
    age: u32,
}

#[derive(Clone, Copy)]
struct Slot {
    key: u128,
    number: u32,
    age: u32,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self { slots: vec![Slot { key: 0, number: 0, age: EMPTY }; 1 << SLOTS_LOG2].into(), age: EMPTY + 1 }
    }

    /// The number of a key, which `find` finds if it is not known. A key that is `lasting` means the same after
    /// [`Slots::renew`].
    pub(super) fn number(&mut self, key: u128, lasting: bool, find: impl FnOnce() -> u32) -> u32 {
        let folded = (key as u64) ^ ((key >> 64) as u64);
        let slot = &mut self.slots[(folded.wrapping_mul(SPREAD) >> (u64::BITS - SLOTS_LOG2)) as usize];
        if slot.key != key || (slot.age != self.age && (!lasting || slot.age == EMPTY)) {
            *slot = Slot { key, number: find(), age: self.age };
        }
        slot.number
    }

    /// Forgets all keys but lasting ones.
    pub(super) fn renew(&mut self) {
        match self.age.checked_add(1) {
            Some(age) => self.age = age,
            None => self.clear(),
        }
    }

    pub(super) fn clear(&mut self) {
        for slot in &mut self.slots {
            slot.age = EMPTY;
        }
        self.age = EMPTY + 1;
    }
}

/// The numbers of views that were asked for lately.
pub(super) struct Views {
    slots: Slots,
    /// What the views point into: kept, so that no other text can come to lie in the same place.
    buffers: Vec<Buffer>,
}

impl Views {
    pub(super) fn new() -> Self {
        Self { slots: Slots::new(), buffers: Vec::new() }
    }

    /// Takes an array whose views are asked for next: what was known stays so if it has the same buffers.
    pub(super) fn turn_to(&mut self, array: &StringViewArray) {
        let buffers = array.data_buffers();
        let same = |(old, new): (&Buffer, &Buffer)| old.as_ptr() == new.as_ptr() && old.len() == new.len();
        if buffers.len() != self.buffers.len() || !self.buffers.iter().zip(buffers).all(same) {
            self.buffers = buffers.to_vec();
            self.slots.renew();
        }
    }

    /// The number of the text with this view of the array turned to, which `find` finds if it is not known.
    pub(super) fn number(&mut self, view: u128, find: impl FnOnce() -> u32) -> u32 {
        // A view begins with the length.
        self.slots.number(view, view as u32 <= INLINE_BYTES_MAX, find)
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.buffers.clear();
    }
}
