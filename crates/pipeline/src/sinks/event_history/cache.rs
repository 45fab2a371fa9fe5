//! Blocks that were read lately, decompressed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::block::Stored;

/// The records of a block.
pub(super) type Block = Arc<Vec<Stored>>;

/// A block, by the segment's id and its number there.
type Key = (u64, usize);

/// Keeps the blocks that were used last, up to a number of bytes.
pub(super) struct Cache {
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    blocks: HashMap<Key, Kept>,
    /// Keys by when they were used last.
    order: BTreeMap<u64, Key>,
    uses: u64,
    bytes: usize,
}

struct Kept {
    block: Block,
    bytes: usize,
    used: u64,
}

impl Cache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, state: Mutex::default() }
    }

    /// The block with that key; `read` gets it and tells its size if it is not here.
    pub(super) fn get<E>(&self, key: Key, read: impl FnOnce() -> Result<(Vec<Stored>, usize), E>) -> Result<Block, E> {
        if let Some(block) = self.state(|state| state.touch(key)) {
            return Ok(block);
        }
        let (records, bytes) = read()?;
        let block = Arc::new(records);
        self.state(|state| state.put(key, &block, bytes, self.bytes_max));
        Ok(block)
    }

    /// Bytes that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.state(|state| state.bytes)
    }

    fn state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn touch(&mut self, key: Key) -> Option<Block> {
        let kept = self.blocks.get_mut(&key)?;
        self.uses += 1;
        self.order.remove(&kept.used);
        self.order.insert(self.uses, key);
        kept.used = self.uses;
        Some(Arc::clone(&kept.block))
    }

    fn put(&mut self, key: Key, block: &Block, bytes: usize, bytes_max: usize) {
        self.uses += 1;
        let kept = Kept { block: Arc::clone(block), bytes, used: self.uses };
        if let Some(old) = self.blocks.insert(key, kept) {
            self.order.remove(&old.used);
            self.bytes -= old.bytes;
        }
        self.order.insert(self.uses, key);
        self.bytes += bytes;
        while self.bytes > bytes_max {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.bytes -= self.blocks.remove(&oldest).map_or(0, |kept| kept.bytes);
        }
    }
}

#[cfg(test)]
mod tests;
