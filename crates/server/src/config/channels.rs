//! `[channels]`: what channels there may be.

use serde::Deserialize;

/// `[channels]` of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelsFile {
    /// The partners that channels may have as their source.
    pub sources: Option<Vec<String>>,
    /// Whether a Region of an account has at most one channel with the source `Custom`.
    pub one_custom: Option<bool>,
}

/// What channels there may be.
#[derive(Clone, Debug, Default)]
pub struct Channels {
    /// The partners that channels may have as their source; `None` is any.
    pub sources: Option<Vec<String>>,
    /// Whether a Region of an account has at most one channel with the source `Custom`.
    pub one_custom: bool,
}

impl ChannelsFile {
    /// With the defaults: any partner, and as many channels of one's own as fit.
    pub(super) fn checked(self) -> Channels {
        Channels { sources: self.sources, one_custom: self.one_custom.unwrap_or(false) }
    }
}
