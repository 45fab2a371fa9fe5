//! Queries over event data stores, from the call that starts one until its results are removed, and the names under
//! which statements can be started.
//!
//! A query's status only goes forward: QUEUED, RUNNING, then one of the final ones. Functions that end a query answer
//! false when it has ended already, so that of two that would end it one wins.

use std::collections::BTreeSet;

use cloudtrail::account::AccountId;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::{Catalog, Error, Tx};

/// How far a query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It waits for its turn.
    Queued,
    /// It runs.
    Running,
    /// It has all its results.
    Finished,
    /// It ended with an error.
    Failed,
    /// Someone stopped it.
    Cancelled,
    /// It ran for too long; the rows it had by then are its results.
    TimedOut,
}

impl Status {
    const ALL: [Self; 6] = [Self::Queued, Self::Running, Self::Finished, Self::Failed, Self::Cancelled, Self::TimedOut];

    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::TimedOut => "TIMED_OUT",
        }
    }

    /// The status the API writes so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether nothing comes after it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// Where the results of a query are delivered, and how that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// `s3://bucket[/prefix]`.
    pub uri: String,
    /// The ARN that the bucket's policy is asked about.
    pub source_arn: String,
    /// DeliveryStatus as the API writes it.
    pub status: String,
}

/// What a query found on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Rows that its conditions let through.
    pub events_matched: u64,
    /// Rows it looked at.
    pub events_scanned: u64,
    /// Bytes it read.
    pub bytes_scanned: u64,
}

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Counts queries in the order in which they were started.
    pub number: i64,
    /// Its id: a UUID.
    pub id: String,
    /// The account that owns the event data stores.
    pub owner: AccountId,
    /// The account that started it.
    pub caller: AccountId,
    /// Where it was started.
    pub region: String,
    /// The SQL, parameters filled in.
    pub statement: String,
    /// The name it was started by.
    pub alias: Option<String>,
    /// The refresh of a dashboard that started it.
    pub refresh_id: Option<String>,
    /// The words that the statement was made from.
    pub prompt: Option<String>,
    /// How far it is.
    pub status: Status,
    /// When it was started by the call.
    pub created_at_us: i64,
    /// When it began to run.
    pub started_at_us: Option<i64>,
    /// When it came to its final status.
    pub ended_at_us: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it found.
    pub statistics: Statistics,
    /// Rows of its results.
    pub rows: u64,
    /// Whether its results are kept.
    pub has_results: bool,
    /// Where they are delivered, if anywhere.
    pub delivery: Option<Delivery>,
    /// The ids of the event data stores it reads.
    pub stores: BTreeSet<String>,
}

/// What a query is started with.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its id.
    pub id: String,
    /// The account that owns the event data stores.
    pub owner: AccountId,
    /// The account that starts it.
    pub caller: AccountId,
    /// Where.
    pub region: String,
    /// The SQL, parameters filled in.
    pub statement: String,
    /// The name it is started by.
    pub alias: Option<String>,
    /// The refresh of a dashboard that starts it.
    pub refresh_id: Option<String>,
    /// The words that the statement was made from.
    pub prompt: Option<String>,
    /// When.
    pub now_us: i64,
    /// Where the results go, as a URI, and the ARN that the bucket's policy is asked about.
    pub delivery: Option<(String, String)>,
    /// The ids of the event data stores it reads.
    pub stores: BTreeSet<String>,
}

/// How a query ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The final status.
    pub status: Status,
    /// When.
    pub now_us: i64,
    /// Why it failed.
    pub error: Option<String>,
    /// What it found.
    pub statistics: Statistics,
    /// Its results; without them nothing is kept.
    pub results: Option<Results>,
}

/// What a query has for results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// How many rows.
    pub rows: u64,
    /// The rows, if they are kept here and not in a file.
    pub small: Option<Vec<u8>>,
}

/// Adds a query, in the status QUEUED.
pub async fn insert(tx: &mut Tx, start: &Start) -> Result<(), Error> {
    let number = sqlx::query(
        "INSERT INTO queries (id, owner, caller, region, statement, alias, refresh_id, prompt, status, created_at_us,
         delivery_uri, delivery_source, delivery_status)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'QUEUED', ?, ?, ?, ?)",
    )
    .bind(&start.id)
    .bind(start.owner.as_str())
    .bind(start.caller.as_str())
    .bind(&start.region)
    .bind(&start.statement)
    .bind(&start.alias)
    .bind(&start.refresh_id)
    .bind(&start.prompt)
    .bind(start.now_us)
    .bind(start.delivery.as_ref().map(|(uri, _)| uri))
    .bind(start.delivery.as_ref().map(|(_, source)| source))
    .bind(start.delivery.as_ref().map(|_| "PENDING"))
    .execute(tx.connection())
    .await?
    .last_insert_rowid();
    for store in &start.stores {
        sqlx::query("INSERT INTO query_stores (query, store) VALUES (?, ?)")
            .bind(number)
            .bind(store)
            .execute(tx.connection())
            .await?;
    }
    Ok(())
}

/// How many queries of an account wait or run.
pub async fn open_of(tx: &mut Tx, caller: AccountId) -> Result<u64, Error> {
    let query = sqlx::query_scalar("SELECT COUNT(*) FROM queries WHERE caller = ? AND status IN ('QUEUED', 'RUNNING')");
    let count: i64 = query.bind(caller.as_str()).fetch_one(tx.connection()).await?;
    Ok(count as u64)
}

/// Notes that a query begins to run; false when it does not wait any more.
pub async fn begin(tx: &mut Tx, id: &str, now_us: i64) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE queries SET status = 'RUNNING', started_at_us = ? WHERE id = ? AND status = 'QUEUED'")
        .bind(now_us)
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends a query; false when it has ended before. What was to be delivered of a query that has not all its results is
/// not: the status of the delivery says so.
pub async fn end(tx: &mut Tx, id: &str, end: &End) -> Result<bool, Error> {
    let delivery = match end.status {
        Status::Cancelled => "CANCELLED",
        Status::Failed | Status::TimedOut => "FAILED",
        Status::Queued | Status::Running | Status::Finished => "PENDING",
    };
    let done = sqlx::query(
        "UPDATE queries SET status = ?, ended_at_us = ?, error = ?, events_matched = ?, events_scanned = ?,
         bytes_scanned = ?, result_rows = ?, has_results = ?,
         delivery_status = CASE WHEN delivery_status IS NULL THEN NULL ELSE ? END
         WHERE id = ? AND status IN ('QUEUED', 'RUNNING')",
    )
    .bind(end.status.as_str())
    .bind(end.now_us)
    .bind(&end.error)
    .bind(end.statistics.events_matched as i64)
    .bind(end.statistics.events_scanned as i64)
    .bind(end.statistics.bytes_scanned as i64)
    .bind(end.results.as_ref().map_or(0, |results| results.rows) as i64)
    .bind(end.results.is_some())
    .bind(delivery)
    .bind(id)
    .execute(tx.connection())
    .await?;
    let won = done.rows_affected() > 0;
    if let Some(small) = end.results.as_ref().and_then(|results| results.small.as_ref()).filter(|_| won) {
        sqlx::query("INSERT INTO query_results (query, results) SELECT number, ? FROM queries WHERE id = ?")
            .bind(small)
            .bind(id)
            .execute(tx.connection())
            .await?;
    }
    Ok(won)
}

/// The results of the query of this number, if they are kept here and not in a file.
pub async fn small_results(catalog: &Catalog, number: i64) -> Result<Option<Vec<u8>>, Error> {
    let query = sqlx::query_scalar("SELECT results FROM query_results WHERE query = ?");
    Ok(query.bind(number).fetch_optional(catalog.readers()).await?)
}

/// Notes how the delivery of a query's results ended, and why it failed.
pub async fn delivered(tx: &mut Tx, id: &str, status: &str, error: Option<&str>) -> Result<(), Error> {
    sqlx::query("UPDATE queries SET delivery_status = ?, delivery_error = ? WHERE id = ?")
        .bind(status)
        .bind(error)
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// A query for queries; SQL has to be a literal.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT q.*, (SELECT group_concat(s.store, ' ') FROM query_stores s WHERE s.query = q.number) AS stores
             FROM queries q ",
            $rest
        )
    };
}

/// The query of this id.
pub async fn get(catalog: &Catalog, id: &str) -> Result<Option<Query>, Error> {
    let query = sqlx::query(select!("WHERE q.id = ?")).bind(id);
    query.fetch_optional(catalog.readers()).await?.as_ref().map(from_row).transpose()
}

/// The query of this id, as the transaction sees it.
pub async fn get_in(tx: &mut Tx, id: &str) -> Result<Option<Query>, Error> {
    let query = sqlx::query(select!("WHERE q.id = ?")).bind(id);
    query.fetch_optional(tx.connection()).await?.as_ref().map(from_row).transpose()
}

/// The last query that was started by this name; with a refresh, the last of that refresh.
pub async fn last_of_alias(
    catalog: &Catalog,
    owner: AccountId,
    region: &str,
    alias: &str,
    refresh_id: Option<&str>,
) -> Result<Option<Query>, Error> {
    let query = sqlx::query(select!(
        "WHERE q.owner = ?1 AND q.region = ?2 AND q.alias = ?3 AND (?4 IS NULL OR q.refresh_id = ?4)
         ORDER BY q.number DESC LIMIT 1"
    ));
    let query = query.bind(owner.as_str()).bind(region).bind(alias).bind(refresh_id);
    query.fetch_optional(catalog.readers()).await?.as_ref().map(from_row).transpose()
}

/// Which queries of an event data store are listed.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// The store's id.
    pub store: &'a str,
    /// Only those of this account; of all accounts without it.
    pub caller: Option<AccountId>,
    /// Only those in this status.
    pub status: Option<Status>,
    /// Only those started at this time or later.
    pub from_us: i64,
    /// Only those started at this time or before.
    pub to_us: i64,
    /// Only those started before the query of this number.
    pub before: i64,
    /// At most so many.
    pub limit: u32,
}

/// The queries of an event data store, the newest first.
pub async fn list(catalog: &Catalog, listing: &Listing<'_>) -> Result<Vec<Query>, Error> {
    let query = sqlx::query(select!(
        "JOIN query_stores m ON m.query = q.number
         WHERE m.store = ?1 AND m.query < ?2 AND q.created_at_us >= ?3 AND q.created_at_us <= ?4
         AND (?5 IS NULL OR q.status = ?5) AND (?6 IS NULL OR q.caller = ?6)
         ORDER BY m.query DESC LIMIT ?7"
    ));
    let query = query
        .bind(listing.store)
        .bind(listing.before)
        .bind(listing.from_us)
        .bind(listing.to_us)
        .bind(listing.status.map(Status::as_str))
        .bind(listing.caller.as_ref().map(AccountId::as_str))
        .bind(listing.limit);
    query.fetch_all(catalog.readers()).await?.iter().map(from_row).collect()
}

/// The queries that have not ended, the oldest first.
pub async fn open(catalog: &Catalog) -> Result<Vec<Query>, Error> {
    let query = sqlx::query(select!("WHERE q.status IN ('QUEUED', 'RUNNING') ORDER BY q.number"));
    query.fetch_all(catalog.readers()).await?.iter().map(from_row).collect()
}

/// The queries that have finished and whose results are still to be delivered, the oldest first.
pub async fn to_deliver(catalog: &Catalog) -> Result<Vec<Query>, Error> {
    let query = sqlx::query(select!("WHERE q.delivery_status = 'PENDING' AND q.status = 'FINISHED' ORDER BY q.number"));
    query.fetch_all(catalog.readers()).await?.iter().map(from_row).collect()
}

/// Removes queries that ended and were started before that time, and names that have expired; returns the ids of the
/// queries.
pub async fn remove_old(tx: &mut Tx, before_us: i64, now_us: i64) -> Result<Vec<String>, Error> {
    sqlx::query("DELETE FROM query_aliases WHERE expires_at_us <= ?").bind(now_us).execute(tx.connection()).await?;
    let query =
        sqlx::query_scalar("DELETE FROM queries WHERE created_at_us < ? AND status NOT IN ('QUEUED', 'RUNNING') RETURNING id");
    Ok(query.bind(before_us).fetch_all(tx.connection()).await?)
}

/// A statement that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The account whose name it is.
    pub owner: AccountId,
    /// Where it is known.
    pub region: String,
    /// The name.
    pub alias: String,
    /// The SQL, which may have `?` for parameters.
    pub statement: String,
    /// The words that the statement was made from.
    pub prompt: Option<String>,
    /// When it was made.
    pub created_at_us: i64,
    /// When it is forgotten; never without it.
    pub expires_at_us: Option<i64>,
}

/// Keeps a name; what it meant before is forgotten.
pub async fn set_alias(tx: &mut Tx, alias: &Alias) -> Result<(), Error> {
    sqlx::query(
        "INSERT OR REPLACE INTO query_aliases (owner, region, alias, statement, prompt, created_at_us, expires_at_us)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(alias.owner.as_str())
    .bind(&alias.region)
    .bind(&alias.alias)
    .bind(&alias.statement)
    .bind(&alias.prompt)
    .bind(alias.created_at_us)
    .bind(alias.expires_at_us)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What a name means at that time.
pub async fn alias(catalog: &Catalog, owner: AccountId, region: &str, alias: &str, now_us: i64) -> Result<Option<Alias>, Error> {
    let query = sqlx::query(
        "SELECT * FROM query_aliases WHERE owner = ? AND region = ? AND alias = ?
         AND (expires_at_us IS NULL OR expires_at_us > ?)",
    );
    let row = query.bind(owner.as_str()).bind(region).bind(alias).bind(now_us).fetch_optional(catalog.readers()).await?;
    let found = |row: SqliteRow| Alias {
        owner,
        region: row.get("region"),
        alias: row.get("alias"),
        statement: row.get("statement"),
        prompt: row.get("prompt"),
        created_at_us: row.get("created_at_us"),
        expires_at_us: row.get("expires_at_us"),
    };
    Ok(row.map(found))
}

fn from_row(row: &SqliteRow) -> Result<Query, Error> {
    let id: String = row.get("id");
    let damaged = |column: &str| Error::damaged(format!("query {id}"), column);
    let account = |column: &str| row.get::<&str, _>(column).parse::<AccountId>().map_err(|_| damaged(column));
    let count = |column: &str| row.get::<i64, _>(column) as u64;
    let delivery = row.get::<Option<String>, _>("delivery_uri").map(|uri| Delivery {
        uri,
        source_arn: row.get::<Option<String>, _>("delivery_source").unwrap_or_default(),
        status: row.get::<Option<String>, _>("delivery_status").unwrap_or_default(),
    });
    Ok(Query {
        number: row.get("number"),
        owner: account("owner")?,
        caller: account("caller")?,
        region: row.get("region"),
        statement: row.get("statement"),
        alias: row.get("alias"),
        refresh_id: row.get("refresh_id"),
        prompt: row.get("prompt"),
        status: Status::parse(row.get("status")).ok_or_else(|| damaged("status"))?,
        created_at_us: row.get("created_at_us"),
        started_at_us: row.get("started_at_us"),
        ended_at_us: row.get("ended_at_us"),
        error: row.get("error"),
        statistics: Statistics {
            events_matched: count("events_matched"),
            events_scanned: count("events_scanned"),
            bytes_scanned: count("bytes_scanned"),
        },
        rows: count("result_rows"),
        has_results: row.get("has_results"),
        delivery,
        stores: row.get::<Option<String>, _>("stores").unwrap_or_default().split(' ').map(str::to_owned).collect(),
        id,
    })
}

#[cfg(test)]
mod tests;
