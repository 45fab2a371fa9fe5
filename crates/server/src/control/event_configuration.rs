//! Event configurations: how large the events of an event data store may be, and what they are enriched with.

use api::ErrorCode;
use api::cloudtrail as wire;
use catalog::event_data_stores::{self, Store};
use cloudtrail::event_data_store::{ConfigurationChange, EventSize, Family};

use super::call::Effect;
use super::event_data_stores::{active_in, find, wrong_category, wrong_status};
use super::event_selectors::translate;
use super::{Call, Failure, missing, trails};

/// What a request is about.
enum Target<'a> {
    Trail(&'a str),
    Store(&'a str),
}

impl<'a> Target<'a> {
    fn of(trail: Option<&'a String>, store: Option<&'a String>) -> Result<Self, Failure> {
        match (trail, store) {
            (Some(trail), None) => Ok(Self::Trail(trail)),
            (None, Some(store)) => Ok(Self::Store(store)),
            (Some(_), Some(_)) => Err(Failure::new(
                ErrorCode::InvalidParameterCombinationException,
                "Specify either TrailName or EventDataStore, but not both.",
            )),
            (None, None) => {
                Err(Failure::new(ErrorCode::InvalidParameterException, "Specify either TrailName or EventDataStore."))
            }
        }
    }
}

/// GetEventConfiguration.
pub async fn get(
    call: &mut Call<'_>,
    input: wire::GetEventConfigurationRequest,
) -> Result<wire::GetEventConfigurationResponse, Failure> {
    match Target::of(input.trail_name.as_ref(), input.event_data_store.as_ref())? {
        Target::Trail(name) => Ok(wire::GetEventConfigurationResponse {
            trail_arn: Some(trails::find(call, name).await?.arn),
            aggregation_configurations: Some(Vec::new()),
            ..Default::default()
        }),
        Target::Store(name) => {
            let store = find(call, name).await?;
            check_category(&store)?;
            if !store.status.is_active() {
                return Err(wrong_status(&store));
            }
            translate(&described(&store)?)
        }
    }
}

/// PutEventConfiguration: what is not given stays.
pub async fn put(
    call: &mut Call<'_>,
    input: wire::PutEventConfigurationRequest,
) -> Result<wire::PutEventConfigurationResponse, Failure> {
    let aggregates = input.aggregation_configurations.as_ref().is_some_and(|given| !given.is_empty());
    missing::refuse(call.operation, &[("AggregationConfigurations", aggregates)])?;
    match Target::of(input.trail_name.as_ref(), input.event_data_store.as_ref())? {
        Target::Trail(name) => put_on_trail(call, name, &input).await,
        Target::Store(name) => put_on_store(call, name, &input).await,
    }
}

/// A trail's events are of standard size and are not enriched; it can be told to aggregate nothing.
async fn put_on_trail(
    call: &Call<'_>,
    name: &str,
    input: &wire::PutEventConfigurationRequest,
) -> Result<wire::PutEventConfigurationResponse, Failure> {
    let trail = trails::at_home(call, name).await?;
    if input.max_event_size.is_some() || input.context_key_selectors.is_some() {
        return Err(Failure::new(
            ErrorCode::InvalidParameterCombinationException,
            "MaxEventSize and ContextKeySelectors are settings of event data stores.",
        ));
    }
    if input.aggregation_configurations.is_none() {
        return Err(Failure::new(ErrorCode::InvalidParameterException, "Specify AggregationConfigurations."));
    }
    Ok(wire::PutEventConfigurationResponse {
        trail_arn: Some(trail.arn),
        aggregation_configurations: Some(Vec::new()),
        ..Default::default()
    })
}

async fn put_on_store(
    call: &mut Call<'_>,
    name: &str,
    input: &wire::PutEventConfigurationRequest,
) -> Result<wire::PutEventConfigurationResponse, Failure> {
    if input.aggregation_configurations.is_some() {
        return Err(Failure::new(
            ErrorCode::InvalidParameterCombinationException,
            "AggregationConfigurations is a setting of trails.",
        ));
    }
    let store = active_in(call, name).await?;
    check_category(&store)?;
    let change = ConfigurationChange {
        size: input.max_event_size.as_deref().and_then(EventSize::of),
        context_keys: input.context_key_selectors.as_ref().map(translate).transpose()?,
    };
    let configuration = store.configuration.update(&change)?;
    let store = Store { configuration, updated_at_us: call.now_us, ..store };
    event_data_stores::update(call.tx().await?, &store).await?;
    call.after_commit(Effect::StoreChanged(store.number));
    described(&store)
}

fn check_category(store: &Store) -> Result<(), Failure> {
    if store.settings.family() == Family::Events { Ok(()) } else { Err(wrong_category(store)) }
}

fn described(store: &Store) -> Result<wire::PutEventConfigurationResponse, Failure> {
    Ok(wire::PutEventConfigurationResponse {
        event_data_store_arn: Some(store.arn.clone()),
        max_event_size: Some(store.configuration.size.as_str().to_owned()),
        context_key_selectors: Some(translate(&store.configuration.context_keys)?),
        ..Default::default()
    })
}
