//! Imports: copying trail events from log files in a bucket into an event data store.

use api::cloudtrail as wire;
use api::{ErrorCode, Timestamp};
use catalog::event_data_stores::Store;
use catalog::imports::{self, Import, Request, Source};
use cloudtrail::arn::{Arn, event_data_store_arn};
use cloudtrail::event_data_store::{Family, IdOrArn, Status as StoreStatus};
use cloudtrail::import::{Location, Range, Status};
use cloudtrail::region::Region;

use super::call::Effect;
use super::event_data_stores::{find, find_in, wrong_category, wrong_status};
use super::{Call, Failure, next_token};

/// Entries on a page unless fewer are asked for (API reference, ListImports: 1 to 1,000).
const PAGE: u32 = 1_000;

/// StartImport: a new import, or one that failed or was stopped, where it was.
pub async fn start(call: &mut Call<'_>, input: wire::StartImportRequest) -> Result<wire::StartImportResponse, Failure> {
    let import = match input.import_id {
        Some(_) if input.destinations.is_some() || input.import_source.is_some() => {
            return Err(invalid("An import that is retried keeps its Destinations and its ImportSource: give ImportId alone."));
        }
        Some(_) if input.start_event_time.is_some() || input.end_event_time.is_some() => {
            return Err(invalid("An import that is retried keeps its StartEventTime and its EndEventTime: give ImportId alone."));
        }
        Some(id) => retry(call, &id).await?,
        None => start_new(call, input).await?,
    };
    let request = import.request;
    Ok(wire::StartImportResponse {
        import_id: Some(request.id),
        destinations: Some(vec![request.store]),
        import_source: Some(source(request.source)),
        start_event_time: request.range.start_us.map(Timestamp::from_us),
        end_event_time: request.range.end_us.map(Timestamp::from_us),
        import_status: Some(import.status.as_str().to_owned()),
        created_timestamp: Some(Timestamp::from_us(import.created_at_us)),
        updated_timestamp: Some(Timestamp::from_us(import.updated_at_us)),
    })
}

async fn start_new(call: &mut Call<'_>, input: wire::StartImportRequest) -> Result<Import, Failure> {
    let destinations = input.destinations.unwrap_or_default();
    let (Some(destination), Some(wire::ImportSource { s3 })) = (destinations.first(), input.import_source) else {
        return Err(invalid("A new import needs Destinations and ImportSource."));
    };
    let range = Range { start_us: input.start_event_time.map(Timestamp::us), end_us: input.end_event_time.map(Timestamp::us) };
    if range.start_us.zip(range.end_us).is_some_and(|(start, end)| start > end) {
        return Err(invalid("StartEventTime must not be after EndEventTime."));
    }
    let store = find(call, destination).await?;
    refuse_store(&store)?;
    let location = check_source(&s3)?;
    let request = Request {
        id: call.service.random_uuid(),
        account: call.account(),
        region: call.region.to_string(),
        store: store.arn,
        source: Source { uri: s3.s3_location_uri, region: s3.s3_bucket_region, role: s3.s3_bucket_access_role_arn },
        range,
        principal: call.principal.arn(),
        elsewhere: call.principal.installation_root,
    };
    preflight(call, &request, &location).await?;

    let now_us = call.now_us;
    refuse_second(call).await?;
    refuse_store(&find_in(call, destination).await?)?;
    let tx = call.tx().await?;
    imports::insert(tx, &request, now_us).await?;
    let import = imports::get_in(tx, &request.id).await?;
    call.after_commit(Effect::ImportsChanged);
    import.ok_or_else(|| Failure::internal("an import is not there although it was just begun"))
}

async fn retry(call: &mut Call<'_>, id: &str) -> Result<Import, Failure> {
    let import = theirs(call, imports::get(call.catalog(), id).await?, id)?;
    refuse_status(&import)?;
    let location = Location::parse(&import.request.source.uri).map_err(Failure::internal)?;
    preflight(call, &import.request, &location).await?;

    let now_us = call.now_us;
    refuse_second(call).await?;
    let now = imports::get_in(call.tx().await?, id).await?;
    refuse_status(&theirs(call, now, id)?)?;
    refuse_store(&find_in(call, &import.request.store).await?)?;
    let tx = call.tx().await?;
    imports::retry(tx, id, now_us).await?;
    let import = imports::get_in(tx, id).await?;
    call.after_commit(Effect::ImportsChanged);
    import.ok_or_else(|| not_found(id))
}

/// StopImport: what is in stays; StartImport with the ImportId goes on. An import that has ended stays as it ended.
pub async fn stop(call: &mut Call<'_>, input: wire::StopImportRequest) -> Result<wire::StopImportResponse, Failure> {
    let id = &input.import_id;
    theirs(call, imports::get(call.catalog(), id).await?, id)?;
    let now_us = call.now_us;
    let tx = call.tx().await?;
    imports::set_status(tx, id, Status::Stopped, now_us).await?;
    let import = imports::get_in(tx, id).await?.ok_or_else(|| not_found(id))?;
    call.after_commit(Effect::ImportsChanged);
    let described = described(call, import).await?;
    Ok(wire::StopImportResponse {
        import_id: described.import_id,
        import_source: described.import_source,
        destinations: described.destinations,
        import_status: described.import_status,
        created_timestamp: described.created_timestamp,
        updated_timestamp: described.updated_timestamp,
        start_event_time: described.start_event_time,
        end_event_time: described.end_event_time,
        import_statistics: described.import_statistics,
    })
}

/// GetImport.
pub async fn get(call: &mut Call<'_>, input: wire::GetImportRequest) -> Result<wire::GetImportResponse, Failure> {
    let import = theirs(call, imports::get(call.catalog(), &input.import_id).await?, &input.import_id)?;
    described(call, import).await
}

/// ListImports: the newest first.
pub async fn list(call: &mut Call<'_>, input: wire::ListImportsRequest) -> Result<wire::ListImportsResponse, Failure> {
    let bound = (&input.destination, &input.import_status);
    let store = input.destination.as_deref().map(|destination| store_arn(call, destination)).transpose()?;
    let opened = |token: String| next_token::open::<(i64, String)>(call, &bound, &token).ok_or_else(bad_token);
    let after = input.next_token.map(opened).transpose()?;
    let limit = input.max_results.map_or(PAGE, |max| max as u32);
    let filter = imports::Filter {
        account: call.account(),
        region: call.region.as_str(),
        store: store.as_deref(),
        status: input.import_status.as_deref().and_then(Status::from_word),
        after: after.as_ref().map(|(at_us, id)| (*at_us, id.as_str())),
        limit: limit + 1,
    };
    let mut found = imports::list(call.catalog(), &filter).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| more).map(|import| (import.created_at_us, import.request.id.clone()));
    Ok(wire::ListImportsResponse {
        imports: Some(found.into_iter().map(item).collect()),
        next_token: last.map(|place| next_token::seal(call, &bound, &place)),
    })
}

/// ListImportFailures: the files that failed, also those that came in later, in the order in which they failed.
pub async fn failures(
    call: &mut Call<'_>,
    input: wire::ListImportFailuresRequest,
) -> Result<wire::ListImportFailuresResponse, Failure> {
    let id = input.import_id;
    // The operation has no error of its own for this.
    let import = theirs(call, imports::get(call.catalog(), &id).await?, &id).map_err(|failure| invalid(failure.message))?;
    let location = Location::parse(&import.request.source.uri).map_err(Failure::internal)?;
    let opened = |token: String| next_token::open::<i64>(call, &id, &token).ok_or_else(bad_token);
    let after = input.next_token.map(opened).transpose()?;
    let limit = input.max_results.map_or(PAGE, |max| max as u32);
    let mut found = imports::failures(call.catalog(), &id, after.unwrap_or_default(), limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| more).map(|failure| failure.place);
    let item = |failure: imports::Failure| wire::ImportFailureListItem {
        location: Some(if failure.key == imports::SOURCE { location.uri() } else { location.of_key(&failure.key) }),
        status: Some(failure.status.as_str().to_owned()),
        error_type: Some(failure.error_type),
        error_message: Some(failure.error_message),
        last_updated_time: Some(Timestamp::from_us(failure.updated_at_us)),
    };
    Ok(wire::ListImportFailuresResponse {
        failures: Some(found.into_iter().map(item).collect()),
        next_token: last.map(|place| next_token::seal(call, &id, &place)),
    })
}

/// Refuses a store that cannot take an import.
fn refuse_store(store: &Store) -> Result<(), Failure> {
    if store.settings.family() != Family::Events {
        return Err(wrong_category(store));
    }
    if !matches!(store.status, StoreStatus::Enabled | StoreStatus::StoppedIngestion) {
        return Err(wrong_status(store));
    }
    Ok(())
}

/// The ARN that a store of the caller named so would have.
fn store_arn(call: &Call<'_>, named: &str) -> Result<String, Failure> {
    Ok(match IdOrArn::parse(named)? {
        IdOrArn::Arn(arn) => arn.to_string(),
        IdOrArn::Id(id) => event_data_store_arn(&call.service.config.partition, &call.region, call.account(), &id).to_string(),
    })
}

/// Where a source is, if it can be one.
fn check_source(s3: &wire::S3ImportSource) -> Result<Location, Failure> {
    let role: Option<Arn> = s3.s3_bucket_access_role_arn.parse().ok();
    if !role.is_some_and(|role| role.service == "iam" && role.resource.starts_with("role/")) {
        return Err(invalid_source("S3BucketAccessRoleArn is not the ARN of a role."));
    }
    if s3.s3_bucket_region.parse::<Region>().is_err() {
        return Err(invalid_source(format!("{} is not a Region.", s3.s3_bucket_region)));
    }
    Location::parse(&s3.s3_location_uri).map_err(|error| invalid_source(format!("S3LocationUri is not valid: {error}.")))
}

/// Tries the source as the import will use it.
async fn preflight(call: &Call<'_>, request: &Request, location: &Location) -> Result<(), Failure> {
    let tried = call.service.imports.preflight(request, location).await;
    tried.map_err(|fault| invalid_source(format!("{} cannot be read: {fault}", request.source.uri)))
}

/// An account has one import at a time.
async fn refuse_second(call: &mut Call<'_>) -> Result<(), Failure> {
    let account = call.account();
    match imports::ongoing_of(call.tx().await?, account).await? {
        Some(id) => Err(ongoing(&id)),
        None => Ok(()),
    }
}

fn refuse_status(import: &Import) -> Result<(), Failure> {
    match import.status {
        status if status.is_ongoing() => Err(ongoing(&import.request.id)),
        status if status.is_retryable() => Ok(()),
        status => Err(invalid(format!("Import {} is {}: there is nothing to retry.", import.request.id, status.as_str()))),
    }
}

fn ongoing(id: &str) -> Failure {
    let message = format!("The account has an ongoing import: {id}. Wait for its end, or stop it.");
    Failure::new(ErrorCode::AccountHasOngoingImportException, message)
}

/// The import, if it is the caller's.
fn theirs(call: &Call<'_>, import: Option<Import>, id: &str) -> Result<Import, Failure> {
    let theirs = |import: &Import| import.request.account == call.account() && import.request.region == call.region.as_str();
    import.filter(theirs).ok_or_else(|| not_found(id))
}

fn not_found(id: &str) -> Failure {
    Failure::new(ErrorCode::ImportNotFoundException, format!("Import {id} was not found."))
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::InvalidParameterException, message)
}

fn invalid_source(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::InvalidImportSourceException, message)
}

async fn described(call: &Call<'_>, import: Import) -> Result<wire::GetImportResponse, Failure> {
    let failed = imports::failure_count(call.catalog(), &import.request.id).await?;
    let Import { request, status, created_at_us, updated_at_us, checkpoint } = import;
    Ok(wire::GetImportResponse {
        import_id: Some(request.id),
        destinations: Some(vec![request.store]),
        import_source: Some(source(request.source)),
        start_event_time: request.range.start_us.map(Timestamp::from_us),
        end_event_time: request.range.end_us.map(Timestamp::from_us),
        import_status: Some(status.as_str().to_owned()),
        created_timestamp: Some(Timestamp::from_us(created_at_us)),
        updated_timestamp: Some(Timestamp::from_us(updated_at_us)),
        import_statistics: Some(wire::ImportStatistics {
            prefixes_found: Some(checkpoint.prefixes_found as i64),
            prefixes_completed: Some(checkpoint.folders.completed() as i64),
            files_completed: Some(checkpoint.files_completed as i64),
            events_completed: Some(checkpoint.events_completed as i64),
            failed_entries: Some(failed as i64),
        }),
    })
}

fn item(import: Import) -> wire::ImportsListItem {
    wire::ImportsListItem {
        import_id: Some(import.request.id),
        import_status: Some(import.status.as_str().to_owned()),
        destinations: Some(vec![import.request.store]),
        created_timestamp: Some(Timestamp::from_us(import.created_at_us)),
        updated_timestamp: Some(Timestamp::from_us(import.updated_at_us)),
    }
}

fn source(source: Source) -> wire::ImportSource {
    let Source { uri, region, role } = source;
    wire::ImportSource {
        s3: wire::S3ImportSource { s3_location_uri: uri, s3_bucket_region: region, s3_bucket_access_role_arn: role },
    }
}

fn bad_token() -> Failure {
    Failure::new(ErrorCode::InvalidNextTokenException, "The specified token is not valid for this list.")
}
