//! Channels: making, changing and deleting them, and what they report.

use api::cloudtrail as wire;
use api::{ErrorCode, Timestamp};
use catalog::channels::{self, Channel, Ingestion};
use catalog::event_data_stores;
use cloudtrail::account::AccountId;
use cloudtrail::channel::{self, ArnOrId, Destination, DestinationType, Invalid, PER_REGION_MAX};
use cloudtrail::event_data_store::{Family, IdOrArn, Status};
use cloudtrail::region::Region;
use cloudtrail::trail::{self, Tag};

use super::{Call, Failure, next_token};

/// Channels on one page unless fewer are asked for (API reference, ListChannels).
const PAGE: usize = 1_000;

/// CreateChannel.
pub async fn create(call: &mut Call<'_>, input: wire::CreateChannelRequest) -> Result<wire::CreateChannelResponse, Failure> {
    check_region(call)?;
    check_source(call, &input.source)?;
    let locations = locations(&input.destinations)?;
    let given: Vec<Tag> = input.tags.iter().flatten().map(|tag| Tag { key: tag.key.clone(), value: tag.value.clone() }).collect();
    let tags = trail::add_tags(&[], &given)?;
    let arn = channel::arn(&call.service.config.partition, &call.region, call.account(), &call.service.random_uuid()).to_string();
    let mut channel = Channel {
        arn,
        account: call.account(),
        region: call.region.clone(),
        name: input.name,
        source: input.source,
        source_config: None,
        destinations: Vec::new(),
        created_at_us: call.now_us,
        updated_at_us: call.now_us,
    };
    let one_custom = call.service.config.channels.one_custom;
    let others = channels::of_region_in(call.tx().await?, channel.account, &channel.region).await?;
    refuse_taken(&others, &channel, one_custom)?;
    refuse_full(&others, &channel)?;
    channel.destinations = destinations(call, &locations).await?;
    let tx = call.tx().await?;
    channels::insert(tx, &channel).await?;
    channels::set_tags(tx, &channel.arn, &tags).await?;
    Ok(wire::CreateChannelResponse {
        destinations: Some(as_wire(&channel)),
        channel_arn: Some(channel.arn),
        name: Some(channel.name),
        source: Some(channel.source),
        tags: input.tags,
    })
}

/// UpdateChannel: the name, the destinations, or both. The source stays what it is.
pub async fn update(call: &mut Call<'_>, input: wire::UpdateChannelRequest) -> Result<wire::UpdateChannelResponse, Failure> {
    if input.name.is_none() && input.destinations.is_none() {
        return Err(Failure::new(ErrorCode::InvalidParameterException, "Specify a new name or new destinations of the channel."));
    }
    let locations = input.destinations.as_deref().map(locations).transpose()?;
    let before = changeable(call, &input.channel).await?;
    let mut channel = Channel { updated_at_us: call.now_us, ..before };
    if let Some(name) = input.name {
        channel.name = name;
        let others = channels::of_region_in(call.tx().await?, channel.account, &channel.region).await?;
        refuse_name(&others, &channel)?;
    }
    if let Some(locations) = locations {
        channel.destinations = destinations(call, &locations).await?;
    }
    channels::update(call.tx().await?, &channel).await?;
    Ok(wire::UpdateChannelResponse {
        destinations: Some(as_wire(&channel)),
        channel_arn: Some(channel.arn),
        name: Some(channel.name),
        source: Some(channel.source),
    })
}

/// DeleteChannel: nothing comes in any more. What came in stays.
pub async fn delete(call: &mut Call<'_>, input: wire::DeleteChannelRequest) -> Result<wire::DeleteChannelResponse, Failure> {
    let channel = changeable(call, &input.channel).await?;
    channels::delete(call.tx().await?, &channel.arn).await?;
    Ok(wire::DeleteChannelResponse::default())
}

/// GetChannel.
pub async fn get(call: &mut Call<'_>, input: wire::GetChannelRequest) -> Result<wire::GetChannelResponse, Failure> {
    let arn = arn_of(call, &input.channel)?;
    let channel = channels::get(call.catalog(), &arn).await?;
    let channel = channel.filter(|channel| is_here(channel, call)).ok_or_else(|| not_found(&input.channel))?;
    let ingestion = call.service.ingestion.of(&channel.arn).await?;
    let source_config = channel.source_config.as_ref().map(|config| {
        let advanced_event_selectors = super::event_selectors::translate(&config.advanced_event_selectors)?;
        let apply_to_all_regions = Some(config.apply_to_all_regions);
        Ok::<_, Failure>(wire::SourceConfig { apply_to_all_regions, advanced_event_selectors: Some(advanced_event_selectors) })
    });
    Ok(wire::GetChannelResponse {
        destinations: Some(as_wire(&channel)),
        source_config: source_config.transpose()?,
        channel_arn: Some(channel.arn),
        name: Some(channel.name),
        source: Some(channel.source),
        ingestion_status: ingestion.map(status),
    })
}

/// ListChannels: of the Region that is called, in order of name; service-linked ones too.
pub async fn list(call: &mut Call<'_>, input: wire::ListChannelsRequest) -> Result<wire::ListChannelsResponse, Failure> {
    let invalid = || Failure::new(ErrorCode::InvalidNextTokenException, "The specified token is not valid for this list.");
    let open = |text: &str| next_token::open::<String>(call, &(), text).ok_or_else(invalid);
    let after = input.next_token.as_deref().map(open).transpose()?;
    let mut all = channels::of_region(call.catalog(), call.account(), &call.region).await?;
    if let Some(after) = after {
        all.retain(|channel| channel.name > after);
    }
    let page = input.max_results.map_or(PAGE, |max| max as usize);
    let next_token = all.get(page).and_then(|_| all.get(page - 1)).map(|last| next_token::seal(call, &(), &last.name));
    let entry = |channel: Channel| wire::Channel { channel_arn: Some(channel.arn), name: Some(channel.name) };
    Ok(wire::ListChannelsResponse { channels: Some(all.into_iter().take(page).map(entry).collect()), next_token })
}

/// A channel of the caller, here, that is its to change; read in the call's transaction.
async fn changeable(call: &mut Call<'_>, text: &str) -> Result<Channel, Failure> {
    let arn = arn_of(call, text)?;
    let channel = channels::get_in(call.tx().await?, &arn).await?;
    let channel = channel.filter(|channel| is_here(channel, call)).ok_or_else(|| not_found(text))?;
    refuse_service_linked(&channel)?;
    Ok(channel)
}

/// What belongs to a service is for that service to change.
pub(super) fn refuse_service_linked(channel: &Channel) -> Result<(), Failure> {
    if channel.is_service_linked() {
        return Err(Failure::new(
            ErrorCode::OperationNotPermittedException,
            format!("Channel {} is a service-linked channel. Only the service that made it can change it.", channel.arn),
        ));
    }
    Ok(())
}

/// The ARN that a `Channel` means.
pub(super) fn arn_of(call: &Call<'_>, text: &str) -> Result<String, Failure> {
    Ok(ArnOrId::parse(text)?.arn(&call.service.config.partition, &call.region, call.account()))
}

/// Whether the caller sees it in the Region that is called.
pub(super) fn is_here(channel: &Channel, call: &Call<'_>) -> bool {
    channel.account == call.account() && channel.region == call.region
}

/// There is no such channel here.
pub(super) fn not_found(text: &str) -> Failure {
    Failure::new(ErrorCode::ChannelNotFoundException, format!("Channel {text} does not exist."))
}

/// Regions that are not the installation's take no audit events.
pub(super) fn check_region(call: &Call<'_>) -> Result<(), Failure> {
    if call.service.config.regions.contains(&call.region) {
        return Ok(());
    }
    let message = format!("{} is not supported in the Region {}, which is not enabled.", call.operation.name(), call.region);
    Err(Failure::new(ErrorCode::UnsupportedOperationException, message))
}

fn check_source(call: &Call<'_>, source: &str) -> Result<(), Failure> {
    channel::check_source(source)?;
    match &call.service.config.channels.sources {
        Some(sources) if source != channel::CUSTOM && !sources.iter().any(|known| known == source) => Err(Failure::new(
            ErrorCode::InvalidSourceException,
            format!("Source {source} is none of those that this installation takes channels of."),
        )),
        _ => Ok(()),
    }
}

/// A place where events are to go, as the request has it.
enum Location {
    /// A store of the caller, here.
    Id(String),
    /// A store of that account and Region.
    Elsewhere { text: String, id: String, account: AccountId, region: Region },
}

fn locations(given: &[wire::Destination]) -> Result<Vec<Location>, Failure> {
    given.iter().map(location).collect()
}

fn location(destination: &wire::Destination) -> Result<Location, Failure> {
    if destination.type_ != DestinationType::EventDataStore.as_str() {
        return Err(Failure::new(
            ErrorCode::InvalidParameterException,
            format!("The type of a channel's destination must be {}.", DestinationType::EventDataStore.as_str()),
        ));
    }
    let text = destination.location.clone();
    let malformed =
        || Failure::new(ErrorCode::EventDataStoreARNInvalidException, format!("The event data store ARN {text} is not valid."));
    let named = IdOrArn::parse(&text).map_err(|_| malformed())?;
    let id = named.id().to_owned();
    match named {
        IdOrArn::Id(_) => Ok(Location::Id(id)),
        IdOrArn::Arn(arn) => {
            let account = arn.account.parse().map_err(|_| malformed())?;
            let region = arn.region.parse().map_err(|_| malformed())?;
            Ok(Location::Elsewhere { text, id, account, region })
        }
    }
}

/// The stores that are meant, each of which has to be able to take events of integrations.
async fn destinations(call: &mut Call<'_>, locations: &[Location]) -> Result<Vec<Destination>, Failure> {
    let (account, region) = (call.account(), call.region.clone());
    let mut destinations = Vec::with_capacity(locations.len());
    for location in locations {
        let (text, id) = match location {
            Location::Id(id) => (id, id),
            Location::Elsewhere { text, id, .. } => (text, id),
        };
        let reachable = match location {
            Location::Id(_) => true,
            Location::Elsewhere { account: owner, region: home, .. } => *owner == account && *home == region,
        };
        let store = event_data_stores::get_in(call.tx().await?, id).await?;
        let store = store
            .filter(|store| reachable && store.settings.account == account && store.settings.home_region == region)
            .ok_or_else(|| {
                Failure::new(ErrorCode::EventDataStoreNotFoundException, format!("Event data store {text} does not exist."))
            })?;
        if store.settings.family() != Family::Activity {
            return Err(Failure::new(
                ErrorCode::InvalidEventDataStoreCategoryException,
                format!("Event data store {text} does not hold events of the category ActivityAuditLog."),
            ));
        }
        // One that is being made is on its way there.
        if !store.ingests || !matches!(store.status, Status::Enabled | Status::Created) {
            return Err(Failure::new(
                ErrorCode::InactiveEventDataStoreException,
                format!("Event data store {text} is {}.", store.status.as_str()),
            ));
        }
        destinations.push(Destination { type_: DestinationType::EventDataStore, location: store.arn });
    }
    channel::check_destinations(&destinations)?;
    Ok(destinations)
}

fn refuse_taken(others: &[Channel], channel: &Channel, one_custom: bool) -> Result<(), Failure> {
    refuse_name(others, channel)?;
    let exclusive = one_custom || channel::is_exclusive(&channel.source);
    if exclusive && others.iter().any(|other| other.source == channel.source) {
        return Err(Failure::new(
            ErrorCode::ChannelAlreadyExistsException,
            format!("A channel with the source {} already exists.", channel.source),
        ));
    }
    Ok(())
}

fn refuse_name(others: &[Channel], channel: &Channel) -> Result<(), Failure> {
    if others.iter().any(|other| other.name == channel.name && other.arn != channel.arn) {
        return Err(Failure::new(
            ErrorCode::ChannelAlreadyExistsException,
            format!("A channel with the name {} already exists.", channel.name),
        ));
    }
    Ok(())
}

fn refuse_full(others: &[Channel], channel: &Channel) -> Result<(), Failure> {
    let count = others.iter().filter(|other| !other.is_service_linked()).count();
    if count >= PER_REGION_MAX {
        return Err(Failure::new(
            ErrorCode::ChannelMaxLimitExceededException,
            format!("User: {} already has {PER_REGION_MAX} channels in {}.", channel.account, channel.region),
        ));
    }
    Ok(())
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        let code = match &invalid {
            Invalid::Arn(_) => ErrorCode::ChannelARNInvalidException,
            Invalid::Source(_) => ErrorCode::InvalidSourceException,
            Invalid::Destinations(_) => ErrorCode::InvalidParameterException,
        };
        Self::new(code, invalid.to_string())
    }
}

fn as_wire(channel: &Channel) -> Vec<wire::Destination> {
    let destination = |destination: &Destination| wire::Destination {
        type_: destination.type_.as_str().to_owned(),
        location: destination.location.clone(),
    };
    channel.destinations.iter().map(destination).collect()
}

fn status(ingestion: Ingestion) -> wire::IngestionStatus {
    wire::IngestionStatus {
        latest_ingestion_success_time: ingestion.success_s.map(Timestamp::from_s),
        latest_ingestion_success_event_id: ingestion.success_event_id,
        latest_ingestion_error_code: ingestion.error_code,
        latest_ingestion_attempt_time: Some(Timestamp::from_s(ingestion.attempt_s)),
        latest_ingestion_attempt_event_id: ingestion.attempt_event_id,
    }
}
