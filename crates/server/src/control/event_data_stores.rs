//! Event data stores: making, changing, deleting and restoring them, and what they report.
//!
//! Stores are looked up in the transaction of the call that changes them: what was found is still so when it commits.

use api::cloudtrail as wire;
use api::{ErrorCode, Timestamp};
use catalog::event_data_stores::{self, Store};
use catalog::{channels, federation, imports};
use cloudtrail::event_data_store::{BillingMode, Change, IdOrArn, Invalid, PER_REGION_MAX, Settings, Status};
use cloudtrail::selectors::AdvancedEventSelector;
use cloudtrail::trail::{self, Tag};

use super::call::Effect;
use super::event_selectors::translate;
use super::{Call, Failure, missing, next_token};

/// What the files of a store are partitioned by, in [`wire::GetEventDataStoreResponse`].
const PARTITION_KEY: (&str, &str) = ("calendarday", "date");
/// Stores of one page unless fewer are asked for (CloudTrail API reference, ListEventDataStores).
const PAGE: usize = 1_000;

/// CreateEventDataStore. The store is at work a moment later.
pub async fn create(
    call: &mut Call<'_>,
    input: wire::CreateEventDataStoreRequest,
) -> Result<wire::CreateEventDataStoreResponse, Failure> {
    refuse_unbuilt(call, input.kms_key_id.as_ref(), input.organization_enabled)?;
    let change = Change {
        name: Some(input.name),
        selectors: selectors(input.advanced_event_selectors.as_ref())?,
        multi_region: input.multi_region_enabled,
        retention_days: input.retention_period.map(i64::from),
        termination_protection: input.termination_protection_enabled,
        billing_mode: billing_mode(input.billing_mode.as_deref()),
    };
    let settings = Settings::create(&change, call.account(), call.region.clone())?;
    let given: Vec<Tag> =
        input.tags_list.unwrap_or_default().into_iter().map(|tag| Tag { key: tag.key, value: tag.value }).collect();
    let tags = trail::add_tags(&[], &given)?;
    let id = call.service.random_uuid();
    let arn = settings.arn(&call.service.config.partition, &id).to_string();
    let ingests = input.start_ingestion.unwrap_or(true);
    let mut store = Store { ingests, ..Store::new(id, arn, settings, call.now_us) };

    let from = call.service.journal.committed();
    let tx = call.tx().await?;
    let others = event_data_stores::of_region_in(tx, store.settings.account, &store.settings.home_region).await?;
    refuse_taken(&others, &store)?;
    refuse_full(&others)?;
    store.number = event_data_stores::insert(tx, &store, from).await?.ok_or_else(full)?;
    event_data_stores::set_tags(tx, store.number, &tags).await?;
    call.after_commit(Effect::StoreChanged(store.number));
    created(&store, tags)
}

/// UpdateEventDataStore.
pub async fn update(
    call: &mut Call<'_>,
    input: wire::UpdateEventDataStoreRequest,
) -> Result<wire::UpdateEventDataStoreResponse, Failure> {
    refuse_unbuilt(call, input.kms_key_id.as_ref(), input.organization_enabled)?;
    let change = Change {
        name: input.name,
        selectors: selectors(input.advanced_event_selectors.as_ref())?,
        multi_region: input.multi_region_enabled,
        retention_days: input.retention_period.map(i64::from),
        termination_protection: input.termination_protection_enabled,
        billing_mode: billing_mode(input.billing_mode.as_deref()),
    };
    let store = active_in(call, &input.event_data_store).await?;
    refuse_importing(call, &store).await?;
    // A store that belongs to no organization may be told so; that is a setting, too.
    let told = input.organization_enabled.is_some() && change == Change::default();
    let settings = if told { store.settings.clone() } else { store.settings.update(&change)? };
    let store = Store { settings, updated_at_us: call.now_us, ..store };
    let tx = call.tx().await?;
    refuse_taken(&event_data_stores::of_region_in(tx, store.settings.account, &store.settings.home_region).await?, &store)?;
    event_data_stores::update(tx, &store).await?;
    let federation = federation::find_in(tx, &store.id).await?;
    call.after_commit(Effect::StoreChanged(store.number));
    updated(&store, federation)
}

/// DeleteEventDataStore. The store can be restored for a while.
pub async fn delete(
    call: &mut Call<'_>,
    input: wire::DeleteEventDataStoreRequest,
) -> Result<wire::DeleteEventDataStoreResponse, Failure> {
    let store = active_in(call, &input.event_data_store).await?;
    refuse_deletion(call, &store).await?;
    let window_us = i64::try_from(call.service.config.lake.restore_window.as_micros()).unwrap_or(i64::MAX);
    let store = Store {
        status: Status::PendingDeletion,
        updated_at_us: call.now_us,
        purge_at_us: Some(call.now_us.saturating_add(window_us)),
        ..store
    };
    event_data_stores::update(call.tx().await?, &store).await?;
    call.after_commit(Effect::StoreChanged(store.number));
    Ok(wire::DeleteEventDataStoreResponse::default())
}

/// RestoreEventDataStore. Live events come in again if they did before the deletion.
pub async fn restore(
    call: &mut Call<'_>,
    input: wire::RestoreEventDataStoreRequest,
) -> Result<wire::RestoreEventDataStoreResponse, Failure> {
    let store = find_in(call, &input.event_data_store).await?;
    if store.status != Status::PendingDeletion {
        return Err(wrong_status(&store));
    }
    let (from, now_us) = (call.service.journal.committed(), call.now_us);
    let tx = call.tx().await?;
    refuse_full(&event_data_stores::of_region_in(tx, store.settings.account, &store.settings.home_region).await?)?;
    let status = if store.ingests { Status::Enabled } else { Status::StoppedIngestion };
    let store = Store { status, updated_at_us: now_us, purge_at_us: None, ..store };
    event_data_stores::update(tx, &store).await?;
    event_data_stores::ensure_cursor(tx, &store, from).await?;
    call.after_commit(Effect::StoreChanged(store.number));
    restored(&store)
}

/// StartEventDataStoreIngestion.
pub async fn start(
    call: &mut Call<'_>,
    input: wire::StartEventDataStoreIngestionRequest,
) -> Result<wire::StartEventDataStoreIngestionResponse, Failure> {
    let store = find_in(call, &input.event_data_store).await?;
    turn_ingestion(call, store, Status::StoppedIngestion, Status::StartingIngestion).await?;
    Ok(wire::StartEventDataStoreIngestionResponse::default())
}

/// StopEventDataStoreIngestion: of live events; queries, imports and retention go on.
pub async fn stop(
    call: &mut Call<'_>,
    input: wire::StopEventDataStoreIngestionRequest,
) -> Result<wire::StopEventDataStoreIngestionResponse, Failure> {
    let store = find_in(call, &input.event_data_store).await?;
    turn_ingestion(call, store, Status::Enabled, Status::StoppingIngestion).await?;
    Ok(wire::StopEventDataStoreIngestionResponse::default())
}

async fn turn_ingestion(call: &mut Call<'_>, store: Store, from: Status, to: Status) -> Result<(), Failure> {
    if !store.settings.family().can_stop() {
        return Err(wrong_category(&store));
    }
    if store.status != from {
        return Err(wrong_status(&store));
    }
    let store = Store { status: to, ingests: to == Status::StartingIngestion, updated_at_us: call.now_us, ..store };
    event_data_stores::update(call.tx().await?, &store).await?;
    call.after_commit(Effect::StoreChanged(store.number));
    Ok(())
}

/// GetEventDataStore; also of one that is pending deletion.
pub async fn get(call: &mut Call<'_>, input: wire::GetEventDataStoreRequest) -> Result<wire::GetEventDataStoreResponse, Failure> {
    let store = find(call, &input.event_data_store).await?;
    let federation = federation::find(call.catalog(), &store.id).await?;
    let (name, type_) = PARTITION_KEY;
    Ok(wire::GetEventDataStoreResponse {
        partition_keys: Some(vec![wire::PartitionKey { name: name.to_owned(), type_: type_.to_owned() }]),
        ..translate(&updated(&store, federation)?)?
    })
}

/// ListEventDataStores: those at home in the Region that is called, the oldest first.
pub async fn list(
    call: &mut Call<'_>,
    input: wire::ListEventDataStoresRequest,
) -> Result<wire::ListEventDataStoresResponse, Failure> {
    let invalid = || Failure::new(ErrorCode::InvalidNextTokenException, "The specified token is not valid for this list.");
    let after: u16 = match &input.next_token {
        Some(token) => next_token::open(call, &(), token).ok_or_else(invalid)?,
        None => 0,
    };
    let size = input.max_results.map_or(PAGE, |max| max as usize);
    let all = event_data_stores::of_region(call.catalog(), call.account(), &call.region).await?;
    let mut rest: Vec<Store> = all.into_iter().filter(|store| store.number > after).collect();
    let more = rest.len() > size;
    rest.truncate(size);
    let next_token = rest.last().filter(|_| more).map(|last| next_token::seal(call, &(), &last.number));
    let event_data_stores = rest.iter().map(|store| translate(&restored(store)?)).collect::<Result<_, _>>()?;
    Ok(wire::ListEventDataStoresResponse { event_data_stores: Some(event_data_stores), next_token })
}

/// The store that an `EventDataStore` argument names: of the caller's account, at home in the Region that is called.
pub(super) async fn find(call: &Call<'_>, text: &str) -> Result<Store, Failure> {
    let name = IdOrArn::parse(text)?;
    let found = event_data_stores::get(call.catalog(), name.id()).await?;
    ours(call, text, &name, found)
}

/// The same, as the call's transaction sees it.
pub(super) async fn find_in(call: &mut Call<'_>, text: &str) -> Result<Store, Failure> {
    let name = IdOrArn::parse(text)?;
    let found = event_data_stores::get_in(call.tx().await?, name.id()).await?;
    ours(call, text, &name, found)
}

/// The same, if it is not pending deletion.
pub(super) async fn active_in(call: &mut Call<'_>, text: &str) -> Result<Store, Failure> {
    let store = find_in(call, text).await?;
    if store.status.is_active() { Ok(store) } else { Err(inactive(&store)) }
}

fn ours(call: &Call<'_>, text: &str, name: &IdOrArn, found: Option<Store>) -> Result<Store, Failure> {
    let here = |store: &Store| store.settings.account == call.account() && store.settings.home_region == call.region;
    let named = |store: &Store| if let IdOrArn::Arn(arn) = name { arn.to_string() == store.arn } else { true };
    found.filter(|store| here(store) && named(store)).ok_or_else(|| {
        Failure::new(ErrorCode::EventDataStoreNotFoundException, format!("The event data store {text} does not exist."))
    })
}

/// The answer where a store is pending deletion that must not be.
pub(super) fn inactive(store: &Store) -> Failure {
    let message = format!("The event data store {} is pending deletion.", store.arn);
    Failure::new(ErrorCode::InactiveEventDataStoreException, message)
}

/// The answer where a store is in a state in which the operation cannot be.
pub(super) fn wrong_status(store: &Store) -> Failure {
    let message = format!("The event data store {} has the status {}.", store.arn, store.status.as_str());
    Failure::new(ErrorCode::InvalidEventDataStoreStatusException, message)
}

/// The answer where a store holds events of a kind for which the operation is not.
pub(super) fn wrong_category(store: &Store) -> Failure {
    let categories = store.settings.family().categories().join(", ");
    let message = format!("The event data store {} holds events of the category {categories}.", store.arn);
    Failure::new(ErrorCode::InvalidEventDataStoreCategoryException, message)
}

fn refuse_unbuilt(call: &Call<'_>, kms_key_id: Option<&String>, organization: Option<bool>) -> Result<(), Failure> {
    let kms = kms_key_id.is_some_and(|key| !key.is_empty());
    missing::refuse(call.operation, &[("KmsKeyId", kms), ("OrganizationEnabled", organization == Some(true))])
}

/// A store that is pending deletion keeps its name: it may be restored.
fn refuse_taken(others: &[Store], store: &Store) -> Result<(), Failure> {
    let name = &store.settings.name;
    if others.iter().any(|other| other.number != store.number && other.settings.name == *name) {
        let message = format!("An event data store with the name {name} already exists.");
        return Err(Failure::new(ErrorCode::EventDataStoreAlreadyExistsException, message));
    }
    Ok(())
}

fn refuse_full(others: &[Store]) -> Result<(), Failure> {
    if others.iter().filter(|store| store.status.is_active()).count() >= PER_REGION_MAX { Err(full()) } else { Ok(()) }
}

fn full() -> Failure {
    let message = format!("You can have at most {PER_REGION_MAX} event data stores in a Region.");
    Failure::new(ErrorCode::EventDataStoreMaxLimitExceededException, message)
}

async fn refuse_importing(call: &mut Call<'_>, store: &Store) -> Result<(), Failure> {
    if !imports::ongoing(call.tx().await?, &store.arn).await? {
        return Ok(());
    }
    let message = format!("An import into the event data store {} is under way.", store.arn);
    Err(Failure::new(ErrorCode::EventDataStoreHasOngoingImportException, message))
}

async fn refuse_deletion(call: &mut Call<'_>, store: &Store) -> Result<(), Failure> {
    let arn = &store.arn;
    if store.settings.termination_protection {
        let message = format!("Termination protection is enabled for the event data store {arn}.");
        return Err(Failure::new(ErrorCode::EventDataStoreTerminationProtectedException, message));
    }
    if federation::find_in(call.tx().await?, &store.id).await?.is_some() {
        let message = format!("Disable federation of the event data store {arn} first.");
        return Err(Failure::new(ErrorCode::EventDataStoreFederationEnabledException, message));
    }
    if channels::lead_to(call.tx().await?, arn).await? {
        let message = format!("The event data store {arn} is the destination of a channel.");
        return Err(Failure::new(ErrorCode::ChannelExistsForEDSException, message));
    }
    refuse_importing(call, store).await
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        let code = match &invalid {
            Invalid::Parameter(_) => ErrorCode::InvalidParameterException,
            Invalid::Combination(_) => ErrorCode::InvalidParameterCombinationException,
            Invalid::Arn(_) => ErrorCode::EventDataStoreARNInvalidException,
            Invalid::Selectors(_) => ErrorCode::InvalidEventSelectorsException,
        };
        Self::new(code, invalid.to_string())
    }
}

fn selectors(given: Option<&Vec<wire::AdvancedEventSelector>>) -> Result<Option<Vec<AdvancedEventSelector>>, Failure> {
    given.map(translate).transpose()
}

/// The model has the words, so that any other does not get here.
fn billing_mode(word: Option<&str>) -> Option<BillingMode> {
    word.and_then(BillingMode::of)
}

/// CreateEventDataStore's answer.
fn created(store: &Store, tags: Vec<Tag>) -> Result<wire::CreateEventDataStoreResponse, Failure> {
    Ok(wire::CreateEventDataStoreResponse {
        tags_list: Some(tags.into_iter().map(|tag| wire::Tag { key: tag.key, value: tag.value }).collect()),
        ..translate(&restored(store)?)?
    })
}

/// RestoreEventDataStore's answer: what all answers have, which spell their members alike.
fn restored(store: &Store) -> Result<wire::RestoreEventDataStoreResponse, Failure> {
    let settings = &store.settings;
    Ok(wire::RestoreEventDataStoreResponse {
        event_data_store_arn: Some(store.arn.clone()),
        name: Some(settings.name.clone()),
        status: Some(store.status.as_str().to_owned()),
        advanced_event_selectors: Some(translate(&settings.selectors)?),
        multi_region_enabled: Some(settings.multi_region),
        organization_enabled: Some(false),
        retention_period: Some(settings.retention_days.into()),
        termination_protection_enabled: Some(settings.termination_protection),
        created_timestamp: Some(Timestamp::from_us(store.created_at_us)),
        updated_timestamp: Some(Timestamp::from_us(store.updated_at_us)),
        billing_mode: Some(settings.billing_mode.as_str().to_owned()),
        ..Default::default()
    })
}

/// UpdateEventDataStore's answer.
fn updated(store: &Store, federation: Option<federation::Federation>) -> Result<wire::UpdateEventDataStoreResponse, Failure> {
    let status = federation.as_ref().map_or(federation::DISABLED, |federation| federation.status.as_str());
    Ok(wire::UpdateEventDataStoreResponse {
        federation_status: Some(status.to_owned()),
        federation_role_arn: federation.map(|federation| federation.role_arn),
        ..translate(&restored(store)?)?
    })
}
