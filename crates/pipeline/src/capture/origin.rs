//! How an event came in and where it is meant to go.

/// How an event came in. Stored in the journal: numbers never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Origin {
    /// Trailkeep's own record of a call it served.
    Own = 1,
    /// Sent to `/v1/events` as it happened.
    Ingest = 2,
    /// Imported from existing log files, or sent with a route.
    Import = 3,
    /// Put into a channel.
    Channel = 4,
    /// A call that went through a recording proxy.
    Proxy = 5,
}

impl Origin {
    /// The origin with that stored number.
    pub fn from_stored(number: u8) -> Option<Self> {
        [Self::Own, Self::Ingest, Self::Import, Self::Channel, Self::Proxy].into_iter().find(|origin| *origin as u8 == number)
    }

    /// The word that users see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Ingest => "ingest",
            Self::Import => "import",
            Self::Channel => "channel",
            Self::Proxy => "proxy",
        }
    }
}

/// Which kinds of followers an event is meant for, or which one event data store alone. Stored in the journal: bits never
/// change. The three lowest bits are kinds; with the fourth one set, the upper sixteen are the number of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route(u32);

impl Route {
    /// Event history.
    pub const HISTORY: Self = Self(1);
    /// Every trail that selects it.
    pub const TRAILS: Self = Self(2);
    /// Every event data store that selects it.
    pub const STORES: Self = Self(4);
    /// Nowhere.
    pub const NONE: Self = Self(0);
    /// Everything a live event reaches.
    pub const LIVE: Self = Self(7);

    /// The bit that tells that a store is named.
    const NAMED: u32 = 8;
    /// Where the number of the store begins.
    const NUMBER_SHIFT: u32 = 16;

    /// The event data store of that number, and nothing else.
    pub const fn store(number: u16) -> Self {
        Self(Self::NAMED | (number as u32) << Self::NUMBER_SHIFT)
    }

    /// The number of the event data store it is meant for alone, if there is one.
    pub const fn names_store(self) -> Option<u16> {
        if self.0 & Self::NAMED == 0 { None } else { Some((self.0 >> Self::NUMBER_SHIFT) as u16) }
    }

    /// Both. A route that names a store cannot be combined.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether it includes all of `other`.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// As stored.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// From what was stored.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}
