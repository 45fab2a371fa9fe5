//! Room for what is read of bodies before their calls go.
//!
//! What must stay true: no client has more of it than is left to all others. So one alone has half of it at most, two have
//! a third each, and a newcomer always finds some.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The room of a proxy.
pub(super) struct Room(Mutex<State>);

struct State {
    free: usize,
    taken: HashMap<Client, usize>,
}

/// An address of IPv4, or a network of IPv6 with 64 bits: the smallest that is given out.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Client(u128);

/// What a call takes of it; given back when it is dropped.
pub(super) struct Share {
    room: Arc<Room>,
    client: Client,
    bytes: usize,
}

impl Room {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { free: bytes, taken: HashMap::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Nothing yet, for a call of that client.
    pub(super) fn of(room: &Arc<Room>, client: IpAddr) -> Self {
        Self { room: Arc::clone(room), client: client.into(), bytes: 0 }
    }

    /// Takes more; whether there was room.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        if bytes == 0 {
            return true;
        }
        let mut state = self.room.state();
        let Some(left) = state.free.checked_sub(bytes) else { return false };
        let taken = state.taken.get(&self.client).map_or(bytes, |taken| taken + bytes);
        if taken > left {
            return false;
        }
        state.free = left;
        state.taken.insert(self.client, taken);
        self.bytes += bytes;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut state = self.room.state();
        state.free += self.bytes;
        if let Entry::Occupied(mut taken) = state.taken.entry(self.client) {
            *taken.get_mut() -= self.bytes;
            if *taken.get() == 0 {
                taken.remove();
            }
        }
    }
}

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() >> 64 << 64),
        }
    }
}

#[cfg(test)]
mod tests;
