//! The control plane: what each operation of the API does, a file per resource.
//!
//! This folder alone chooses AWS error codes. Every operation stands in [`dispatch`], so that none is forgotten; those
//! without behaviour yet are named there and listed in [`missing`].

pub mod audit_events;
pub mod call;
pub mod channels;
pub mod event_configuration;
pub mod event_data_stores;
pub mod event_selectors;
pub mod federation;
pub mod imports;
pub mod lookup_events;
pub mod missing;
pub mod next_token;
pub mod public_keys;
pub mod queries;
pub mod resource_policies;
pub mod sample_queries;
pub mod tags;
pub mod trails;
pub mod violations;

use api::Input;
use serde::Serialize;
use serde_json::Value;

pub use call::{Call, Failure};

/// Does what `input` asks for and returns the answer as JSON.
///
/// A change is left in the call's open transaction, which the caller commits together with the record of the call.
pub async fn dispatch(call: &mut Call<'_>, input: Input) -> Result<Value, Failure> {
    match input {
        Input::AddTags(input) => done(tags::add(call, input).await?),
        Input::CancelQuery(input) => done(queries::cancel(call, input).await?),
        Input::CreateChannel(input) => done(channels::create(call, input).await?),
        Input::CreateEventDataStore(input) => done(event_data_stores::create(call, input).await?),
        Input::CreateTrail(input) => done(trails::create(call, input).await?),
        Input::DeleteChannel(input) => done(channels::delete(call, input).await?),
        Input::DeleteResourcePolicy(input) => done(resource_policies::delete(call, input).await?),
        Input::DeleteEventDataStore(input) => done(event_data_stores::delete(call, input).await?),
        Input::DeleteTrail(input) => done(trails::delete(call, input).await?),
        Input::DescribeQuery(input) => done(queries::describe(call, input).await?),
        Input::DescribeTrails(input) => done(trails::describe(call, input).await?),
        Input::GenerateQuery(input) => done(sample_queries::generate(call, input).await?),
        Input::GetChannel(input) => done(channels::get(call, input).await?),
        Input::GetEventConfiguration(input) => done(event_configuration::get(call, input).await?),
        Input::GetEventDataStore(input) => done(event_data_stores::get(call, input).await?),
        Input::DisableFederation(input) => done(federation::disable(call, input).await?),
        Input::EnableFederation(input) => done(federation::enable(call, input).await?),
        Input::GetEventSelectors(input) => done(event_selectors::get(call, input).await?),
        Input::GetImport(input) => done(imports::get(call, input).await?),
        Input::GetQueryResults(input) => done(queries::results(call, input).await?),
        Input::GetResourcePolicy(input) => done(resource_policies::get(call, input).await?),
        Input::GetTrail(input) => done(trails::get(call, input).await?),
        Input::GetTrailStatus(input) => done(trails::status(call, input).await?),
        Input::ListChannels(input) => done(channels::list(call, input).await?),
        Input::ListEventDataStores(input) => done(event_data_stores::list(call, input).await?),
        Input::ListImportFailures(input) => done(imports::failures(call, input).await?),
        Input::ListImports(input) => done(imports::list(call, input).await?),
        Input::ListPublicKeys(input) => done(public_keys::list(call, input).await?),
        Input::ListQueries(input) => done(queries::list(call, input).await?),
        Input::ListTags(input) => done(tags::list(call, input).await?),
        Input::ListTrails(input) => done(trails::list(call, input).await?),
        Input::LookupEvents(input) => done(lookup_events::lookup(call, input).await?),
        Input::PutAuditEvents(input) => done(audit_events::put(call, input).await?),
        Input::PutEventConfiguration(input) => done(event_configuration::put(call, input).await?),
        Input::PutEventSelectors(input) => done(event_selectors::put(call, input).await?),
        Input::PutResourcePolicy(input) => done(resource_policies::put(call, input).await?),
        Input::RemoveTags(input) => done(tags::remove(call, input).await?),
        Input::RestoreEventDataStore(input) => done(event_data_stores::restore(call, input).await?),
        Input::SearchSampleQueries(input) => done(sample_queries::search(call, &input)?),
        Input::StartEventDataStoreIngestion(input) => done(event_data_stores::start(call, input).await?),
        Input::StartImport(input) => done(imports::start(call, input).await?),
        Input::StartLogging(input) => done(trails::start_logging(call, input).await?),
        Input::StartQuery(input) => done(queries::start(call, input).await?),
        Input::StopEventDataStoreIngestion(input) => done(event_data_stores::stop(call, input).await?),
        Input::StopImport(input) => done(imports::stop(call, input).await?),
        Input::StopLogging(input) => done(trails::stop_logging(call, input).await?),
        Input::UpdateChannel(input) => done(channels::update(call, input).await?),
        Input::UpdateEventDataStore(input) => done(event_data_stores::update(call, input).await?),
        Input::UpdateTrail(input) => done(trails::update(call, input).await?),
        Input::CreateDashboard(_)
        | Input::DeleteDashboard(_)
        | Input::DeregisterOrganizationDelegatedAdmin(_)
        | Input::GetDashboard(_)
        | Input::GetInsightSelectors(_)
        | Input::ListDashboards(_)
        | Input::ListInsightsData(_)
        | Input::ListInsightsMetricData(_)
        | Input::PutInsightSelectors(_)
        | Input::RegisterOrganizationDelegatedAdmin(_)
        | Input::StartDashboardRefresh(_)
        | Input::UpdateDashboard(_) => Err(missing::operation(input.operation())),
    }
}

/// The answer of an operation as JSON.
fn done<T: Serialize>(output: T) -> Result<Value, Failure> {
    serde_json::to_value(output).map_err(|error| Failure::internal(format!("cannot write the answer: {error}")))
}
