//! Running statements at the server: StartQuery, DescribeQuery, GetQueryResults, CancelQuery.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use indicatif::{BinaryBytes, HumanCount};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::output::Out;
use super::page::Page;
use super::progress::Line;
use super::{header, mistake};
use crate::client::Client;
use crate::exit::{self, Failure};

/// How soon the server is asked first whether a query is done; each time it waits longer.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// The longest pause. Own choice: one does not notice half a second on a query that takes long.
const PAUSE_MAX: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Started {
    query_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    query_status: String,
    #[serde(default)]
    query_statistics: Statistics,
    error_message: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Statistics {
    events_scanned: u64,
    bytes_scanned: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Results {
    #[serde(default)]
    query_result_rows: Vec<Vec<BTreeMap<String, Option<String>>>>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stores {
    #[serde(default)]
    event_data_stores: Vec<Store>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Store {
    event_data_store_arn: String,
    #[serde(default)]
    name: String,
}

/// A store that statements can name.
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: String,
}

/// A statement at work.
struct Query<'a> {
    client: &'a Client,
    id: String,
    /// As the user wrote it.
    statement: &'a str,
}

/// Runs a statement and writes its rows. `asked` is how the user wrote it.
pub(super) async fn run(client: &Client, statement: &str, asked: &str, out: &mut Out) -> anyhow::Result<()> {
    let line = Line::start();
    let started: Started = match call(client, "StartQuery", &json!({ "QueryStatement": statement })).await {
        Ok(started) => started,
        // Places are those of the text that was sent.
        Err(error) if error.is::<Failure>() => return Err(error),
        Err(error) => bail!(mistake::told(&error.to_string(), statement)),
    };
    let query = Query { client, id: started.query_id, statement: asked };
    let interrupted = tokio::signal::ctrl_c();
    let ran = tokio::select! {
        ran = query.results(&line, out) => ran,
        _ = interrupted => {
            line.clear();
            query.cancel().await?;
            return Err(Failure::Unreachable("interrupted: the query is cancelled".to_owned()).into());
        }
    };
    if ran.is_err() && !ran.as_ref().is_err_and(anyhow::Error::is::<Failure>) {
        // Nobody wants the rows any more; it may be over by itself.
        query.cancel().await.ok();
    }
    ran
}

/// The stores that statements can name.
pub(super) async fn stores(client: &Client) -> anyhow::Result<Vec<Named>> {
    let mut named = Vec::new();
    let mut input = json!({});
    loop {
        let page: Stores = call(client, "ListEventDataStores", &input).await?;
        named.extend(page.event_data_stores.into_iter().map(|store| Named {
            id: store.event_data_store_arn.rsplit('/').next().unwrap_or_default().to_owned(),
            name: store.name,
        }));
        let Some(token) = page.next_token else { return Ok(named) };
        input = json!({ "NextToken": token });
    }
}

async fn call<T: DeserializeOwned>(client: &Client, operation: &str, input: &serde_json::Value) -> anyhow::Result<T> {
    let answer = client.operation(operation, input).await?;
    serde_json::from_slice(&answer).with_context(|| format!("the server's answer to {operation} cannot be read"))
}

impl Query<'_> {
    async fn results(&self, line: &Line, out: &mut Out) -> anyhow::Result<()> {
        let ended = self.ended(line).await?;
        let reason = ended.error_message.unwrap_or_default();
        match ended.query_status.as_str() {
            "FINISHED" => self.rows(line, out).await,
            "TIMED_OUT" => {
                self.rows(line, out).await?;
                bail!("the query ran into its time limit: these are not all rows. {reason}")
            }
            "CANCELLED" => bail!("the query was cancelled"),
            _ => bail!("the query failed: {reason}"),
        }
    }

    /// Waits for the end.
    async fn ended(&self, line: &Line) -> anyhow::Result<Described> {
        let mut pause = PAUSE_MIN;
        loop {
            let described: Described = call(self.client, "DescribeQuery", &json!({ "QueryId": self.id })).await?;
            if !matches!(described.query_status.as_str(), "QUEUED" | "RUNNING") {
                return Ok(described);
            }
            let Statistics { events_scanned, bytes_scanned } = described.query_statistics;
            let (events, bytes) = (HumanCount(events_scanned), BinaryBytes(bytes_scanned));
            line.say(format!("{}  {events} events scanned  {bytes}", described.query_status.to_lowercase()));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Fetches and writes all rows.
    async fn rows(&self, line: &Line, out: &mut Out) -> anyhow::Result<()> {
        let mut input = json!({ "QueryId": self.id });
        loop {
            let results: Results = call(self.client, "GetQueryResults", &input).await?;
            line.clear();
            if !out.is_begun() {
                let columns =
                    results.query_result_rows.first().map(|row| row.iter().flat_map(|cell| cell.keys().cloned()).collect());
                out.begin(&columns.unwrap_or_else(|| header::of(self.statement)), None)?;
            }
            let rows = results.query_result_rows.into_iter();
            let page: Page = rows.map(|row| row.into_iter().flat_map(BTreeMap::into_values).collect()).collect();
            out.write(&page)?;
            match results.next_token {
                Some(token) => input = json!({ "QueryId": self.id, "NextToken": token }),
                None => return out.finish(),
            }
        }
    }

    /// Cancels it. A second Ctrl-C meanwhile ends the program.
    async fn cancel(&self) -> anyhow::Result<()> {
        let input = json!({ "QueryId": self.id });
        let cancelled = tokio::select! {
            cancelled = self.client.operation("CancelQuery", &input) => cancelled,
            _ = tokio::signal::ctrl_c() => std::process::exit(i32::from(exit::INCONCLUSIVE)),
        };
        match cancelled {
            // It was over just before.
            Err(error) if error.to_string().starts_with("InactiveQueryException") => Ok(()),
            cancelled => cancelled.map(drop).map_err(|error| anyhow!("cannot cancel the query: {error}")),
        }
    }
}
