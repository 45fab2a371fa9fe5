//! What is remembered of an event: a fingerprint of who it is and one of what it says.

use aws_lc_rs::digest::{Context, SHA256, digest};
use cloudtrail::event::Event;

/// The bytes of an [`Entry`] on disk.
pub const BYTES: usize = 24;

/// 128 bits of the SHA-256 of account, Region and eventID. Evenly spread, so its high half serves as position in a run
/// and its low half as filter bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    /// The first eight bytes, big-endian.
    pub high: u64,
    /// The next eight.
    pub low: u64,
}

/// One sighting: an identity together with one content seen under it. Ordered as its bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Account, Region and eventID.
    pub fingerprint: Fingerprint,
    /// 64 bits of the SHA-256 of the event's bytes.
    pub content: u64,
}

impl Entry {
    /// The entry of an event.
    pub fn of(event: &Event) -> Self {
        Self::from_parts(event.account().as_str(), event.region(), &event.event_id(), event.bytes())
    }

    /// The entry of an event given by its parts.
    pub fn from_parts(account: &str, region: &str, event_id: &str, bytes: &[u8]) -> Self {
        let mut identity = Context::new(&SHA256);
        for part in [account, "\0", region, "\0", event_id] {
            identity.update(part.as_bytes());
        }
        let identity = identity.finish();
        let fingerprint = Fingerprint { high: word(identity.as_ref(), 0), low: word(identity.as_ref(), 8) };
        Self { fingerprint, content: word(digest(&SHA256, bytes).as_ref(), 0) }
    }

    /// As stored: big-endian, so that byte order is the order of entries.
    pub fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.fingerprint.high.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.fingerprint.low.to_be_bytes());
        bytes[16..].copy_from_slice(&self.content.to_be_bytes());
        bytes
    }

    /// From at least [`BYTES`] stored bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self { fingerprint: Fingerprint { high: word(bytes, 0), low: word(bytes, 8) }, content: word(bytes, 16) }
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes were sliced"))
}
