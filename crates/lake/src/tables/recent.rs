//! A cache that forgets what was asked for longest ago.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// About what it takes to keep anything, however small.
const OWN_BYTES: usize = 256;

/// Values by their keys, at most so many bytes of them.
pub(super) struct Recent<K, V> {
    bytes_max: usize,
    state: Mutex<State<K, V>>,
}

struct State<K, V> {
    kept: HashMap<K, Kept<V>>,
    bytes: usize,
    /// Counts what was asked for.
    asked: u64,
}

struct Kept<V> {
    value: Arc<V>,
    bytes: usize,
    asked: u64,
}

impl<K: Hash + Eq + Copy, V> Recent<K, V> {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, state: Mutex::new(State { kept: HashMap::new(), bytes: 0, asked: 0 }) }
    }

    /// The value of that key, if it is still there.
    pub(super) fn get(&self, key: K) -> Option<Arc<V>> {
        let mut state = self.state();
        state.asked += 1;
        let asked = state.asked;
        let kept = state.kept.get_mut(&key)?;
        kept.asked = asked;
        Some(Arc::clone(&kept.value))
    }

    /// Keeps a value of so many bytes, and forgets others if that is too much.
    pub(super) fn keep(&self, key: K, value: &Arc<V>, bytes: usize) {
        let bytes = bytes + OWN_BYTES;
        let mut state = self.state();
        state.asked += 1;
        let kept = Kept { value: Arc::clone(value), bytes, asked: state.asked };
        state.bytes += bytes;
        if let Some(old) = state.kept.insert(key, kept) {
            state.bytes -= old.bytes;
        }
        if state.bytes > self.bytes_max {
            state.shrink(self.bytes_max / 8 * 7);
        }
    }

    /// Forgets the values of the keys for which `gone` is true.
    pub(super) fn forget(&self, gone: impl Fn(&K) -> bool) {
        let mut state = self.state();
        let State { kept, bytes, .. } = &mut *state;
        kept.retain(|key, value| {
            let goes = gone(key);
            *bytes -= if goes { value.bytes } else { 0 };
            !goes
        });
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Copy, V> State<K, V> {
    /// Forgets, in one go, what was asked for longest ago.
    fn shrink(&mut self, bytes_max: usize) {
        let mut oldest: Vec<(u64, K)> = self.kept.iter().map(|(key, kept)| (kept.asked, *key)).collect();
        oldest.sort_unstable_by_key(|(asked, _)| *asked);
        for (_, key) in oldest {
            if self.bytes <= bytes_max {
                break;
            }
            self.bytes -= self.kept.remove(&key).map_or(0, |kept| kept.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: usize = 1_000 - OWN_BYTES;

    fn there(recent: &Recent<u32, u32>) -> Vec<u32> {
        (0..10).filter(|key| recent.get(*key).is_some()).collect()
    }

    #[test]
    fn what_was_asked_for_longest_ago_goes_first() {
        let recent = Recent::new(8_000);
        for key in 0..8 {
            recent.keep(key, &Arc::new(key), PIECE);
        }
        assert!(recent.get(0).is_some());
        recent.keep(8, &Arc::new(8), PIECE);
        assert_eq!(there(&recent), [0, 3, 4, 5, 6, 7, 8]);
        recent.keep(9, &Arc::new(9), 8_000);
        assert!(there(&recent).is_empty(), "nothing fits beside what is too large itself");
    }

    #[test]
    fn what_is_forgotten_makes_room() {
        let recent = Recent::new(8_000);
        for key in 0..8 {
            recent.keep(key, &Arc::new(key), PIECE);
        }
        recent.forget(|key| *key > 0);
        recent.keep(9, &Arc::new(9), 7 * PIECE);
        assert_eq!(there(&recent), [0, 9]);
    }
}
