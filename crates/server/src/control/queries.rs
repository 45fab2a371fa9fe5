//! Queries over event data stores: starting, watching, reading and cancelling them.
//!
//! StartQuery answers what is wrong with a statement before there is a query: syntax, names, types. A query runs only
//! over event data stores of which each was authorised for the caller.

mod stores;

use api::cloudtrail as wire;
use api::{ErrorCode, Timestamp};
use catalog::queries::{self, End, Listing, Query, Start, Statistics, Status};
use cloudtrail::account::AccountId;
use lake::samples::Sample;
use lake::sql;
use serde::Serialize;

use super::call::Effect;
use super::{Call, Failure, next_token};
use crate::destinations::{PreflightError, Sender};
use crate::queries::{KEPT_S, Place, Row};
pub(super) use stores::{Scope, compile, usable};
use stores::{named, owner_argument, scope};

/// Queries of an account that wait or run at a time (CloudTrail quotas).
const OPEN_MAX: u64 = 10;
/// Rows on a page, and queries in a list, unless fewer are asked for (API reference, GetQueryResults and ListQueries).
const PAGE: u32 = 1_000;
/// Bytes of rows on a page: it ends before what would make it longer. Own choice.
const PAGE_BYTES_MAX: usize = 4 << 20;

/// StartQuery.
pub async fn start(call: &mut Call<'_>, input: wire::StartQueryRequest) -> Result<wire::StartQueryResponse, Failure> {
    let owner = owner_argument(input.event_data_store_owner_account_id.as_deref())?;
    let asked = asked(call, owner, &input).await?;
    let scope = scope(call, owner).await?;
    let compiled = compile(call, &asked.statement, &scope).await?;
    let stores = scope.stores_of(&compiled)?;
    let owner = stores.first().map_or_else(|| call.account(), |store| store.settings.account);
    let source_arn = stores.first().map(|store| store.arn.clone()).unwrap_or_default();
    if let Some(uri) = &input.delivery_s3_uri {
        check_delivery(call, uri, &source_arn, owner).await?;
    }
    let start = Start {
        id: call.service.random_uuid(),
        owner,
        caller: call.account(),
        region: call.region.to_string(),
        statement: asked.statement,
        alias: input.query_alias,
        refresh_id: None,
        prompt: asked.prompt,
        now_us: call.now_us,
        delivery: input.delivery_s3_uri.map(|uri| (uri, source_arn)),
        stores: stores.iter().map(|store| store.id.clone()).collect(),
    };
    let account = call.account();
    let tx = call.tx().await?;
    if queries::open_of(tx, account).await? >= OPEN_MAX {
        return Err(Failure::new(
            ErrorCode::MaxConcurrentQueriesException,
            format!(
                "You are already running the maximum number of concurrent queries: {OPEN_MAX}. Try again when one has ended."
            ),
        ));
    }
    queries::insert(tx, &start).await?;
    call.after_commit(Effect::QueryStarted(start.id.clone()));
    Ok(wire::StartQueryResponse { query_id: Some(start.id), event_data_store_owner_account_id: Some(owner.to_string()) })
}

/// The SQL that is to run, and the words it was made from.
struct Asked {
    statement: String,
    prompt: Option<String>,
}

/// The statement that is given or named, with the parameters in it (lake-sql.md, R12).
async fn asked(call: &Call<'_>, owner: Option<AccountId>, input: &wire::StartQueryRequest) -> Result<Asked, Failure> {
    let asked = match (&input.query_statement, &input.query_alias) {
        (Some(statement), None) => Asked { statement: statement.clone(), prompt: None },
        (None, Some(alias)) => by_alias(call, owner, alias).await?,
        _ => return Err(invalid("Specify either QueryStatement or QueryAlias.")),
    };
    let parameters = match &input.query_parameters {
        Some(parameters) => parameters.as_slice(),
        // A statement that is given as it is may have a `?` in a text; one that has a name asks for its parameters.
        None if input.query_alias.is_none() => return Ok(asked),
        None => &[],
    };
    let statement = sql::with_parameters(&asked.statement, parameters).map_err(|error| stores::refused(&error))?;
    Ok(Asked { statement, ..asked })
}

/// What a name means: a statement that GenerateQuery made, or a sample query.
async fn by_alias(call: &Call<'_>, owner: Option<AccountId>, alias: &str) -> Result<Asked, Failure> {
    let owner = owner.unwrap_or_else(|| call.account());
    let known = queries::alias(call.catalog(), owner, call.region.as_str(), alias, call.now_us).await?;
    if let Some(known) = known {
        return Ok(Asked { statement: known.statement, prompt: known.prompt });
    }
    let sample = call.service.queries.library().by_alias(alias).map(Sample::parameterised);
    let statement = sample.ok_or_else(|| invalid(format!("There is no query with the alias {alias}.")))?;
    Ok(Asked { statement, prompt: None })
}

/// Tries the place where results are to go, as deliveries will use it.
async fn check_delivery(call: &Call<'_>, uri: &str, source_arn: &str, account: AccountId) -> Result<(), Failure> {
    let place = Place::parse(uri)?;
    let (bucket, sender) = (&place.bucket, Sender { source_arn, account });
    let tried = call.service.queries.preflight(bucket, &place.root(account), sender).await;
    tried.map_err(|error| match error {
        PreflightError::NoSuchBucket => {
            Failure::new(ErrorCode::S3BucketDoesNotExistException, format!("S3 bucket {bucket} does not exist!"))
        }
        PreflightError::AccessDenied => Failure::new(
            ErrorCode::InsufficientS3BucketPolicyException,
            format!("Incorrect S3 bucket policy is detected for bucket: {bucket}"),
        ),
        PreflightError::Unreachable(reason) => Failure::new(
            ErrorCode::InsufficientS3BucketPolicyException,
            format!("S3 bucket {bucket} cannot be reached: {reason}"),
        ),
    })
}

/// DescribeQuery: by its id, or the last one that was started by a name.
pub async fn describe(call: &mut Call<'_>, input: wire::DescribeQueryRequest) -> Result<wire::DescribeQueryResponse, Failure> {
    let owner = owner_argument(input.event_data_store_owner_account_id.as_deref())?;
    let query = match (&input.query_id, &input.query_alias) {
        (Some(id), None) => queries::get(call.catalog(), id).await?,
        (None, Some(alias)) => {
            let owner = owner.unwrap_or_else(|| call.account());
            let refresh = input.refresh_id.as_deref();
            queries::last_of_alias(call.catalog(), owner, call.region.as_str(), alias, refresh).await?
        }
        _ => return Err(invalid("Specify either QueryId or QueryAlias.")),
    };
    let query = seen(call, query, owner, input.event_data_store.as_deref()).await?;
    let statistics = call.service.queries.statistics(&query);
    Ok(wire::DescribeQueryResponse {
        query_id: Some(query.id.clone()),
        query_string: Some(query.statement.clone()),
        query_status: Some(query.status.as_str().to_owned()),
        query_statistics: Some(described(&query, statistics, call.now_us)),
        error_message: query.error.clone(),
        delivery_s3_uri: query.delivery.as_ref().map(|delivery| delivery.uri.clone()),
        delivery_status: query.delivery.as_ref().map(|delivery| delivery.status.clone()),
        prompt: query.prompt.clone(),
        event_data_store_owner_account_id: Some(query.owner.to_string()),
    })
}

fn described(query: &Query, statistics: Statistics, now_us: i64) -> wire::QueryStatisticsForDescribeQuery {
    let ran_us = query.started_at_us.map(|started_us| query.ended_at_us.unwrap_or(now_us) - started_us);
    wire::QueryStatisticsForDescribeQuery {
        events_matched: Some(statistics.events_matched as i64),
        events_scanned: Some(statistics.events_scanned as i64),
        bytes_scanned: Some(statistics.bytes_scanned as i64),
        execution_time_in_millis: Some(ran_us.map_or(0, |us| i32::try_from(us.max(0) / 1_000).unwrap_or(i32::MAX))),
        creation_time: Some(Timestamp::from_s(query.created_at_us.div_euclid(1_000_000))),
    }
}

/// The answer to GetQueryResults. Its rows can have nulls, which the generated shape cannot.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QueryResults {
    query_status: &'static str,
    query_statistics: wire::QueryStatistics,
    query_result_rows: Vec<Vec<Cell>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

/// A column's name and its text: a map with one entry.
struct Cell {
    column: String,
    value: Option<String>,
}

impl Serialize for Cell {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(&self.column, &self.value)])
    }
}

/// GetQueryResults. A query that still runs has no rows; one that ran for too long has those that it had by then.
pub async fn results(call: &mut Call<'_>, input: wire::GetQueryResultsRequest) -> Result<QueryResults, Failure> {
    let owner = owner_argument(input.event_data_store_owner_account_id.as_deref())?;
    let query = queries::get(call.catalog(), &input.query_id).await?;
    let query = seen(call, query, owner, input.event_data_store.as_deref()).await?;
    let bad_token = || Failure::new(ErrorCode::InvalidNextTokenException, "The specified token is not valid for this query.");
    let from = match &input.next_token {
        Some(token) => next_token::open::<u64>(call, &query.id, token).ok_or_else(bad_token)?,
        None => 0,
    };
    let rows_max = input.max_query_results.map_or(PAGE as usize, |max| max as usize);
    let has_rows = query.has_results && matches!(query.status, Status::Finished | Status::TimedOut);
    let (columns, page) = if has_rows {
        call.service.queries.page(&query, from, rows_max, PAGE_BYTES_MAX).await.map_err(Failure::internal)?
    } else {
        Default::default()
    };
    let statistics = call.service.queries.statistics(&query);
    let next_token = page.next.map(|next| next_token::seal(call, &query.id, &next));
    Ok(QueryResults {
        query_status: query.status.as_str(),
        query_statistics: wire::QueryStatistics {
            results_count: Some(i32::try_from(page.rows.len()).unwrap_or(i32::MAX)),
            total_results_count: Some(i32::try_from(query.rows).unwrap_or(i32::MAX)),
            bytes_scanned: Some(statistics.bytes_scanned as i64),
        },
        query_result_rows: page.rows.into_iter().map(|row| cells(&columns, row)).collect(),
        next_token,
        error_message: query.error.clone(),
    })
}

fn cells(columns: &[String], row: Row) -> Vec<Cell> {
    columns.iter().zip(row).map(|(column, value)| Cell { column: column.clone(), value }).collect()
}

/// ListQueries: those of the last seven days, the newest first.
pub async fn list(call: &mut Call<'_>, input: wire::ListQueriesRequest) -> Result<wire::ListQueriesResponse, Failure> {
    let store = named(call, &input.event_data_store, None).await?;
    let status = match &input.query_status {
        Some(text) => Some(Status::parse(text).ok_or_else(|| {
            Failure::new(ErrorCode::InvalidQueryStatusException, format!("{text} is not a status of queries."))
        })?),
        None => None,
    };
    let (start, end) = (input.start_time.map(Timestamp::s), input.end_time.map(Timestamp::s));
    if start.zip(end).is_some_and(|(start, end)| end < start) {
        return Err(Failure::new(ErrorCode::InvalidDateRangeException, "The end time must not be before the start time."));
    }
    let bound = (&store.id, &input.query_status, start, end);
    let bad_token = || Failure::new(ErrorCode::InvalidNextTokenException, "The specified token is not valid for this list.");
    let before = match &input.next_token {
        Some(token) => next_token::open::<i64>(call, &bound, token).ok_or_else(bad_token)?,
        None => i64::MAX,
    };
    let limit = input.max_results.map_or(PAGE, |max| max as u32);
    let us = |seconds: i64| seconds.saturating_mul(1_000_000);
    let listing = Listing {
        store: &store.id,
        caller: None,
        status,
        from_us: us(start.unwrap_or(0).max(call.now_s() - KEPT_S)),
        to_us: end.map_or(i64::MAX, |end| us(end.saturating_add(1)) - 1),
        before,
        limit: limit + 1,
    };
    let mut found = queries::list(call.catalog(), &listing).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| more).map(|query| query.number);
    let query = |query: Query| wire::Query {
        creation_time: Some(Timestamp::from_s(query.created_at_us.div_euclid(1_000_000))),
        query_status: Some(query.status.as_str().to_owned()),
        query_id: Some(query.id),
    };
    Ok(wire::ListQueriesResponse {
        next_token: last.map(|last| next_token::seal(call, &bound, &last)),
        queries: Some(found.into_iter().map(query).collect()),
    })
}

/// CancelQuery.
pub async fn cancel(call: &mut Call<'_>, input: wire::CancelQueryRequest) -> Result<wire::CancelQueryResponse, Failure> {
    let owner = owner_argument(input.event_data_store_owner_account_id.as_deref())?;
    let query = queries::get(call.catalog(), &input.query_id).await?;
    let query = seen(call, query, owner, input.event_data_store.as_deref()).await?;
    let statistics = call.service.queries.statistics(&query);
    let end = End { status: Status::Cancelled, now_us: call.now_us, error: None, statistics, results: None };
    if !queries::end(call.tx().await?, &query.id, &end).await? {
        return Err(Failure::new(
            ErrorCode::InactiveQueryException,
            format!("The query {} has ended already and cannot be cancelled.", query.id),
        ));
    }
    call.after_commit(Effect::QueryCancelled(query.id.clone()));
    Ok(wire::CancelQueryResponse {
        query_id: query.id,
        query_status: Status::Cancelled.as_str().to_owned(),
        event_data_store_owner_account_id: Some(query.owner.to_string()),
    })
}

/// The query, if the caller may see it: it was started here, and each of its event data stores lets the caller.
async fn seen(call: &Call<'_>, query: Option<Query>, owner: Option<AccountId>, store: Option<&str>) -> Result<Query, Failure> {
    let unknown =
        || Failure::new(ErrorCode::QueryIdNotFoundException, "The query does not exist, or its results are not kept any more.");
    let asked = match store {
        Some(text) => Some(named(call, text, owner).await?.id),
        None => None,
    };
    let query = query.filter(|query| {
        query.region == call.region.as_str()
            && owner.is_none_or(|owner| owner == query.owner)
            && asked.as_ref().is_none_or(|store| query.stores.contains(store))
    });
    let query = query.ok_or_else(unknown)?;
    for store in &query.stores {
        let known = catalog::event_data_stores::get(call.catalog(), store).await?;
        let concerns = [query.owner, query.caller].contains(&call.account());
        match known {
            Some(store) => stores::admitted(call, &store).await.map_err(|failure| if concerns { failure } else { unknown() })?,
            None if concerns => return Err(stores::inactive(store)),
            None => return Err(unknown()),
        }
    }
    Ok(query)
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::InvalidParameterException, message)
}
