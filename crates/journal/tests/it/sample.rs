//! Journals and entries to test with.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use journal::{Clock, Entry, Error, Frame, Journal, Kind, Options, Position, Recovery, Ticket};

pub(crate) const OPTIONS: Options = Options {
    segment_bytes: 64 << 10,
    queue_bytes_max: 4 << 20,
    group_bytes_max: 1 << 20,
    free_bytes_min: 0,
    control_free_bytes_min: 0,
};

/// A clock that shows what it is set to.
#[derive(Clone, Default)]
pub(crate) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(crate) fn set(&self, now_us: i64) {
        self.0.store(now_us, Ordering::Relaxed);
    }

    pub(crate) fn clock(&self) -> Clock {
        let hands = Arc::clone(&self.0);
        Arc::new(move || hands.load(Ordering::Relaxed))
    }
}

pub(crate) fn open(dir: &Path) -> Result<(Journal, Recovery), Error> {
    Journal::open(dir, OPTIONS, Hands::default().clock())
}

/// Different bytes for each id, which they begin with.
pub(crate) fn payload(id: u64, bytes: usize) -> Bytes {
    let mut chance = Chance(id.wrapping_mul(2).wrapping_add(1));
    let mut out = id.to_le_bytes().to_vec();
    while out.len() < bytes.max(8) {
        out.extend_from_slice(&chance.next().to_le_bytes());
    }
    out.truncate(bytes.max(8));
    out.into()
}

pub(crate) fn entry(id: u64, bytes: usize) -> Entry {
    Entry {
        kind: if id % 7 == 3 { Kind::Control } else { Kind::Event },
        ledger: format!("ledger {}", id % 3).into(),
        origin: (id % 5) as u8,
        flags: id as u32,
        principal: format!("principal {}", id % 11).into(),
        payload: payload(id, bytes),
    }
}

pub(crate) fn send(journal: &Journal, entries: Vec<Entry>) -> Ticket {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let bytes = entries.iter().map(Entry::bytes).sum();
    let permit = runtime.block_on(journal.reserve(bytes, Kind::Event, Duration::from_mins(1))).unwrap();
    journal.enqueue(permit, entries)
}

/// Everything the journal has, checked for dense numbers and times that do not step back.
pub(crate) fn read_all(journal: &Journal, bytes_max: usize) -> Result<Vec<Frame>, Error> {
    let mut from = journal.first();
    let mut frames: Vec<Frame> = Vec::new();
    while from < journal.committed() {
        for frame in journal.read(from, bytes_max)? {
            assert_eq!(frame.position, from);
            if let Some(last) = frames.last() {
                assert!(frame.accepted_at_us >= last.accepted_at_us);
            }
            if let Some(last) = frames.iter().rev().find(|last| last.ledger == frame.ledger) {
                assert_eq!(frame.sequence, last.sequence + 1);
            }
            from += 1;
            frames.push(frame);
        }
    }
    Ok(frames)
}

pub(crate) fn assert_is(frame: &Frame, position: Position, entry: &Entry) {
    let Frame { kind, ledger, origin, flags, principal, payload, .. } = frame.clone();
    assert_eq!((frame.position, &Entry { kind, ledger, origin, flags, principal, payload }), (position, entry));
}

/// Small, seeded, not for secrets: xorshift64*.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// Seeded from `TRAILKEEP_SEED`, or anew; the seed is printed.
    pub(crate) fn new(test: &str) -> Self {
        use std::hash::{BuildHasher, Hasher};
        let anew = || std::collections::hash_map::RandomState::new().build_hasher().finish();
        let given = std::env::var("TRAILKEEP_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(anew);
        eprintln!("{test}: TRAILKEEP_SEED={seed}");
        Self(seed | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
