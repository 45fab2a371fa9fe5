//! PutAuditEvents: events of other sources, through a channel into its event data stores.
//!
//! An event is among the successful ones only once the journal has it on disk for every store the channel leads to.

use std::collections::HashSet;

use api::ErrorCode;
use api::cloudtrail_data as wire;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use catalog::channels::{self, Channel, Ingestion};
use catalog::event_data_stores::{self, Store};
use catalog::resource_policies;
use cloudtrail::audit_event::{Entry, Fault, Intake};
use cloudtrail::channel;
use cloudtrail::event::Event;
use cloudtrail::event_data_store::IdOrArn;
use cloudtrail::policy::Principal;
use cloudtrail::resource_policy::{self, ChannelPolicy};
use pipeline::capture::origin::{Origin, Route};
use pipeline::capture::recorder::{RecordError, Sender};

use super::channels::check_region;
use super::{Call, Failure};

/// Takes events in.
pub async fn put(call: &mut Call<'_>, input: wire::PutAuditEventsRequest) -> Result<wire::PutAuditEventsResponse, Failure> {
    if call.service.config.strict_aws && !call.service.throttle.admit(call.account(), &call.region, call.operation, call.now_us) {
        return Err(Failure::new(ErrorCode::ThrottlingException, "Rate exceeded"));
    }
    check_region(call)?;
    let channel = find(call, &input.channel_arn).await?;
    if let Err(failure) = admit(call, &channel, &input).await {
        let attempt =
            Ingestion { attempt_s: call.now_s(), error_code: Some(failure.code.name().to_owned()), ..Ingestion::default() };
        call.service.ingestion.note(&channel.arn, attempt);
        return Err(failure);
    }
    let mut entries = checked(call, &channel, input.audit_events).await?;
    keep(call, &channel, &mut entries).await?;
    call.service.ingestion.note(&channel.arn, noted(&entries, call.now_s()));
    Ok(answer(entries))
}

/// An entry of the request and what becomes of it.
struct Checked {
    id: String,
    event_id: String,
    outcome: Result<Event, Refused>,
}

struct Refused {
    code: &'static str,
    message: String,
}

async fn find(call: &Call<'_>, arn: &str) -> Result<Channel, Failure> {
    channel::parse_arn(arn).map_err(|invalid| Failure::new(ErrorCode::InvalidChannelARN, invalid.to_string()))?;
    let channel = channels::get(call.catalog(), arn).await?.filter(|channel| channel.region == call.region);
    channel.ok_or_else(|| Failure::new(ErrorCode::ChannelNotFound, format!("Channel {arn} does not exist.")))
}

/// Whether the request is taken as a whole.
async fn admit(call: &Call<'_>, channel: &Channel, input: &wire::PutAuditEventsRequest) -> Result<(), Failure> {
    let text = resource_policies::get(call.catalog(), &channel.arn).await?;
    let policy = text.map(|text| ChannelPolicy::parse(&channel.arn, &text)).transpose().map_err(Failure::internal)?;
    let caller = Principal::Root(call.account());
    if !resource_policy::may_put_audit_events(policy.as_ref(), channel.account, &caller, input.external_id.as_deref()) {
        let message = format!("User: {} may not put audit events into channel {}.", call.principal.arn(), channel.arn);
        return Err(Failure::new(ErrorCode::ChannelInsufficientPermission, message));
    }
    if channel.is_service_linked() {
        let message = format!("Channel {} is a service-linked channel: it does not take audit events.", channel.arn);
        return Err(Failure::new(ErrorCode::ChannelUnsupportedSchema, message));
    }
    let mut ids = HashSet::new();
    match input.audit_events.iter().find(|event| !ids.insert(event.id.as_str())) {
        Some(twice) => Err(Failure::new(ErrorCode::DuplicatedAuditEventId, format!("The id {} is given twice.", twice.id))),
        None => Ok(()),
    }
}

/// Makes records of the entries: a megabyte of JSON is not read where others wait.
async fn checked(call: &Call<'_>, channel: &Channel, events: Vec<wire::AuditEvent>) -> Result<Vec<Checked>, Failure> {
    let ids: Vec<String> = events.iter().map(|_| call.service.random_uuid()).collect();
    if !call.service.accounts.is_registered(channel.account) {
        let refused = || {
            let message = format!("Account {} is not an account of this installation any more.", channel.account);
            Refused { code: "AccountNotSubscribed", message }
        };
        let entry = |(event, event_id): (wire::AuditEvent, String)| Checked { id: event.id, event_id, outcome: Err(refused()) };
        return Ok(events.into_iter().zip(ids).map(entry).collect());
    }
    let (arn, owner, region, now_s) = (channel.arn.clone(), channel.account, call.region.clone(), call.now_s());
    let check = move || {
        let intake = Intake { channel_arn: &arn, owner, region: &region, now_s };
        events.into_iter().zip(ids).map(|(event, event_id)| check(&intake, event, event_id)).collect()
    };
    tokio::task::spawn_blocking(check).await.map_err(Failure::internal)
}

fn check(intake: &Intake<'_>, event: wire::AuditEvent, event_id: String) -> Checked {
    // What is no base64 is no checksum either.
    let checksum = event.event_data_checksum.map(|text| STANDARD.decode(text).unwrap_or_default());
    let entry = Entry { data: &event.event_data, checksum: checksum.as_deref() };
    let outcome = intake.take(&entry, &event_id).map(|taken| {
        metrics::counter!("trailkeep_audit_events_unknown_fields_total").increment(taken.unknown_fields as u64);
        taken.event
    });
    let outcome = outcome.map_err(|refusal| Refused { code: code(refusal.fault), message: refusal.message });
    Checked { id: event.id, event_id, outcome }
}

/// The errorCode of an entry.
fn code(fault: Fault) -> &'static str {
    match fault {
        Fault::TooLong => "FieldTooLong",
        Fault::NotFound => "FieldNotFound",
        Fault::Checksum => "InvalidChecksum",
        Fault::Data => "InvalidData",
        Fault::Recipient => "InvalidRecipient",
        Fault::Source => "InvalidEventSource",
    }
}

/// Has the records kept for every destination; what one of them cannot keep is refused.
async fn keep(call: &Call<'_>, channel: &Channel, entries: &mut [Checked]) -> Result<(), Failure> {
    let events: Vec<Event> = entries.iter().filter_map(|entry| entry.outcome.as_ref().ok().cloned()).collect();
    if events.is_empty() {
        return Ok(());
    }
    let kept = keep_everywhere(call, channel, &events).await?;
    let Err(error) = kept else { return Ok(()) };
    tracing::error!(%error, channel = channel.arn, "audit events could not be kept");
    let code = if matches!(error, KeepError::Recorder(RecordError::Busy { .. })) { "Throttling" } else { "InternalFailure" };
    for entry in entries.iter_mut().filter(|entry| entry.outcome.is_ok()) {
        entry.outcome = Err(Refused { code, message: "The event cannot be kept at the moment. Send it again.".to_owned() });
    }
    Ok(())
}

/// Why events were not kept for every destination.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Recorder(#[from] RecordError),
    #[error("event data store {0} is not there")]
    NoStore(String),
    #[error("event data store {0} did not take everything")]
    Refused(String),
}

async fn keep_everywhere(call: &Call<'_>, channel: &Channel, events: &[Event]) -> Result<Result<(), KeepError>, Failure> {
    let mut stores = Vec::with_capacity(channel.destinations.len());
    for destination in &channel.destinations {
        let id = IdOrArn::parse(&destination.location).map_err(Failure::internal)?;
        match event_data_stores::get(call.catalog(), id.id()).await? {
            Some(store) => stores.push(store),
            None => return Ok(Err(KeepError::NoStore(destination.location.clone()))),
        }
    }
    if stores.is_empty() {
        // The channel is being deleted.
        return Ok(Err(KeepError::NoStore(channel.arn.clone())));
    }
    let sender = Sender { principal: call.principal.arn().into(), ..Sender::own(channel.account) };
    Ok(record(call, &stores, events, &sender).await)
}

/// Enqueues for every store, then waits for all: they share a group commit.
async fn record(call: &Call<'_>, stores: &[Store], events: &[Event], sender: &Sender) -> Result<(), KeepError> {
    let mut under_way = Vec::with_capacity(stores.len());
    for store in stores {
        // What is older than the store keeps is taken and not kept (channels.md, "Traps").
        let oldest_s = call.now_us.saturating_sub(store.settings.retention_us()).div_euclid(1_000_000);
        let young: Vec<Event> = events.iter().filter(|event| event.event_time_s() >= oldest_s).cloned().collect();
        let count = young.len() as u64;
        let route = Some(Route::store(store.number));
        let pending = call.service.recorder.enqueue(vec![young.into()], Origin::Channel, route, sender).await?;
        under_way.push((store, count, pending));
    }
    for (store, count, pending) in under_way {
        let accepted: u64 = pending.durable().await?.iter().map(|outcome| outcome.accepted).sum();
        if accepted < count {
            return Err(KeepError::Refused(store.arn.clone()));
        }
    }
    Ok(())
}

fn noted(entries: &[Checked], now_s: i64) -> Ingestion {
    let successful = entries.iter().rfind(|entry| entry.outcome.is_ok());
    let refused = entries.iter().rev().find_map(|entry| entry.outcome.as_ref().err());
    Ingestion {
        attempt_s: now_s,
        attempt_event_id: entries.last().map(|entry| entry.event_id.clone()),
        success_s: successful.map(|_| now_s),
        success_event_id: successful.map(|entry| entry.event_id.clone()),
        error_code: refused.map(|refused| refused.code.to_owned()),
    }
}

/// Both lists in the order of the request.
fn answer(entries: Vec<Checked>) -> wire::PutAuditEventsResponse {
    let mut response = wire::PutAuditEventsResponse::default();
    for Checked { id, event_id, outcome } in entries {
        match outcome {
            Ok(_) => response.successful.push(wire::AuditEventResultEntry { id, event_id }),
            Err(Refused { code, message }) => {
                metrics::counter!("trailkeep_audit_events_refused_total", "code" => code).increment(1);
                response.failed.push(wire::ResultErrorEntry { id, error_code: code.to_owned(), error_message: message });
            }
        }
    }
    metrics::counter!("trailkeep_audit_events_total").increment(response.successful.len() as u64);
    response
}
