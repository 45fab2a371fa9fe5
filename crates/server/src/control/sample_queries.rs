//! Sample queries: searching them, and making a query of a prompt.

use api::ErrorCode;
use api::cloudtrail as wire;
use catalog::event_data_stores::Store;
use catalog::queries::{self, Alias};
use lake::samples::{Found, TABLE};

use super::queries::{Scope, compile, usable};
use super::{Call, Failure, next_token};

/// Samples on a page unless another number is asked for (API reference, SearchSampleQueries).
const PAGE: usize = 10;
/// How long a query that was made of a prompt can be started by its alias. Own choice: as long as results are kept.
const ALIAS_KEPT_US: i64 = 7 * 86_400 * 1_000_000;

/// SearchSampleQueries: the nearest first.
pub fn search(call: &Call<'_>, input: &wire::SearchSampleQueriesRequest) -> Result<wire::SearchSampleQueriesResponse, Failure> {
    let bad_token = || Failure::new(ErrorCode::InvalidParameterException, "The specified token is not valid for this search.");
    let from = match &input.next_token {
        Some(token) => next_token::open::<usize>(call, &input.search_phrase, token).ok_or_else(bad_token)?,
        None => 0,
    };
    let page = input.max_results.map_or(PAGE, |max| max as usize);
    let found = call.service.queries.library().search(&input.search_phrase);
    let next = from.saturating_add(page);
    let result = |found: &Found<'_>| wire::SearchSampleQueriesSearchResult {
        name: Some(found.sample.name.clone()),
        description: Some(found.sample.description.clone()),
        sql: Some(found.sample.sql()),
        relevance: Some(found.relevance),
    };
    Ok(wire::SearchSampleQueriesResponse {
        search_results: Some(found.iter().skip(from).take(page).map(result).collect()),
        next_token: (next < found.len()).then(|| next_token::seal(call, &input.search_phrase, &next)),
    })
}

/// GenerateQuery: the statement is planned before it is answered, and never run unasked.
pub async fn generate(call: &mut Call<'_>, input: wire::GenerateQueryRequest) -> Result<wire::GenerateQueryResponse, Failure> {
    let named = input.event_data_stores.first().map(String::as_str).unwrap_or_default();
    let store = usable(call, named).await?;
    let statement = match written(call, &store, &input.prompt).await {
        Some(statement) => statement,
        None => drafted(call, &store, &input.prompt).await?,
    };
    let alias = Alias {
        owner: store.settings.account,
        region: call.region.to_string(),
        alias: format!("GeneratedQuery-{}", call.service.random_uuid()),
        statement,
        prompt: Some(input.prompt),
        created_at_us: call.now_us,
        expires_at_us: Some(call.now_us + ALIAS_KEPT_US),
    };
    queries::set_alias(call.tx().await?, &alias).await?;
    Ok(wire::GenerateQueryResponse {
        query_statement: Some(alias.statement),
        query_alias: Some(alias.alias),
        event_data_store_owner_account_id: Some(alias.owner.to_string()),
    })
}

/// What a model writes, if one is configured and writes something that can run.
async fn written(call: &Call<'_>, store: &Store, prompt: &str) -> Option<String> {
    let model = call.service.queries.model()?;
    let mut complaint = None;
    for _ in 0..2 {
        let answer = match model.write(prompt, store, call.now_s(), complaint.as_ref()).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(%error, "the model that writes queries does not answer");
                return None;
            }
        };
        match checked(call, store, &answer).await {
            Ok(()) => return Some(answer),
            Err(failure) => complaint = Some((answer, failure.message)),
        }
    }
    tracing::info!("the model wrote no statement that can run");
    None
}

/// The nearest sample that can run over the store.
async fn drafted(call: &Call<'_>, store: &Store, prompt: &str) -> Result<String, Failure> {
    for draft in call.service.queries.library().draft(prompt, store.settings.family(), call.now_s()) {
        let statement = draft.sql.replace(TABLE, &store.id);
        match checked(call, store, &statement).await {
            Ok(()) => return Ok(statement),
            Err(failure) => tracing::warn!(sample = draft.sample, reason = failure.message, "a sample query cannot be planned"),
        }
    }
    Err(Failure::new(
        ErrorCode::GenerateResponseException,
        "No query could be made of the prompt: nothing in the library is near to it. Name what you look for (a user, an \
         address, an operation, a bucket) and the time, or look through SearchSampleQueries.",
    ))
}

async fn checked(call: &Call<'_>, store: &Store, statement: &str) -> Result<(), Failure> {
    compile(call, statement, &Scope::of(call, store.clone())).await.map(drop)
}
