//! Channels: where events of other sources come in, and which event data stores they go to (channels.md, sections 1 to 3).
//!
//! Pure: which error code an answer bears is the control plane's to choose.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::account::AccountId;
use crate::arn::Arn;
use crate::event_data_store::is_uuid;
use crate::region::Region;
use crate::selectors::AdvancedEventSelector;

/// Integration channels in one Region of an account (CloudTrail quotas); service-linked ones do not count.
pub const PER_REGION_MAX: usize = 25;
/// The source of an application of one's own. There may be several such channels (own choice: AWS's text says one per
/// source; what it does here is not known).
pub const CUSTOM: &str = "Custom";
/// The source of every service-linked channel, and of no other.
pub const SERVICE_LINKED: &str = "CloudTrail";

/// What stands before a channel's id in the last part of its ARN.
const CHANNEL: &str = "channel/";

/// What is wrong with a request about a channel. The text is the message of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not the ARN of a channel.
    #[error("{0}")]
    Arn(String),
    /// The source.
    #[error("{0}")]
    Source(String),
    /// The destinations.
    #[error("{0}")]
    Destinations(String),
}

/// Where a channel's events go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// What kind of place it is.
    pub type_: DestinationType,
    /// The ARN of an event data store, or the name of a service.
    pub location: String,
}

/// What kind of place a destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DestinationType {
    /// An event data store.
    EventDataStore,
    /// The service that owns a service-linked channel.
    AwsService,
}

impl DestinationType {
    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventDataStore => "EVENT_DATA_STORE",
            Self::AwsService => "AWS_SERVICE",
        }
    }
}

/// What a service-linked channel takes; its service sets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceConfig {
    /// Whether it takes the events of all Regions.
    pub apply_to_all_regions: bool,
    /// Which events it takes.
    pub advanced_event_selectors: Vec<AdvancedEventSelector>,
}

/// Checks the source of an integration: `Custom`, or the name of a partner. AWS has a list of those and adds to it; we
/// take any name that cannot be mistaken for one with a meaning of its own.
pub fn check_source(source: &str) -> Result<(), Invalid> {
    let reserved = source.eq_ignore_ascii_case(SERVICE_LINKED);
    let misspelt = source != CUSTOM && source.eq_ignore_ascii_case(CUSTOM);
    if reserved || misspelt || source.trim() != source || source.chars().any(char::is_control) {
        return Err(Invalid::Source(format!(
            "Source {source} is not valid. It must be {CUSTOM}, or the name of the partner from whom the events come."
        )));
    }
    Ok(())
}

/// Whether only one channel of an account and Region may have that source.
pub fn is_exclusive(source: &str) -> bool {
    source != CUSTOM
}

/// Checks that no destination is given twice, in whatever form. They are [resolved](Destination) already.
pub fn check_destinations(destinations: &[Destination]) -> Result<(), Invalid> {
    let again = |(nth, destination): (usize, &Destination)| destinations.iter().take(nth).any(|other| other == destination);
    match destinations.iter().enumerate().find(|&each| again(each)) {
        Some((_, twice)) => Err(Invalid::Destinations(format!("Destination {} is given twice.", twice.location))),
        None => Ok(()),
    }
}

/// The ARN of a channel: `arn:{partition}:cloudtrail:{Region}:{owner}:channel/{id}`.
pub fn arn(partition: &str, region: &Region, owner: AccountId, id: &str) -> Arn {
    Arn {
        partition: SmolStr::new(partition),
        service: SmolStr::new_static("cloudtrail"),
        region: SmolStr::new(region.as_str()),
        account: SmolStr::new(owner.as_str()),
        resource: smol_str::format_smolstr!("{CHANNEL}{id}"),
    }
}

/// Reads the ARN of a channel: well-formed, with a Region, an account and an id in it.
pub fn parse_arn(text: &str) -> Result<Arn, Invalid> {
    let invalid = || Invalid::Arn(format!("{text} is not the ARN of a channel."));
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    let placed = arn.region.parse::<Region>().is_ok() && arn.account.parse::<AccountId>().is_ok();
    let named = arn.service == "cloudtrail" && arn.resource.strip_prefix(CHANNEL).is_some_and(is_uuid);
    if placed && named { Ok(arn) } else { Err(invalid()) }
}

/// How a request names a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArnOrId {
    /// By its ARN.
    Arn(Arn),
    /// By the last part of it: a channel of the caller in the Region that is called.
    Id(String),
}

impl ArnOrId {
    /// Reads a `Channel`. Only what begins like an ARN can be a bad one.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.starts_with("arn:") { parse_arn(text).map(Self::Arn) } else { Ok(Self::Id(text.to_owned())) }
    }

    /// The channel's ARN, if an id means one of `owner` in `region`.
    pub fn arn(&self, partition: &str, region: &Region, owner: AccountId) -> String {
        match self {
            Self::Arn(arn) => arn.to_string(),
            Self::Id(id) => arn(partition, region, owner, id).to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
