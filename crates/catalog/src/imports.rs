//! Imports: what was asked for, where each stands, and the files that failed.
//!
//! A checkpoint moves together with the counts and the failures of the files it covers, so that an import that is
//! interrupted at any moment goes on with true statistics and leaves no file out.

mod failures;

use cloudtrail::account::AccountId;
use cloudtrail::import::{Folders, Range, Status};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteExecutor};

use crate::{Catalog, Error, Tx};

pub use failures::{Failure, SOURCE, fail, failure_count, failures, succeed, to_retry};

/// What an import was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its id: a UUID.
    pub id: String,
    /// The account that asked.
    pub account: AccountId,
    /// The Region that was called.
    pub region: String,
    /// The ARN of the event data store that takes the events.
    pub store: String,
    /// Where the log files are.
    pub source: Source,
    /// The times of the events that are wanted.
    pub range: Range,
    /// Who asked.
    pub principal: String,
    /// Whether who asked may read buckets that are not of this installation.
    pub elsewhere: bool,
}

/// Where log files are, in the words of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// S3LocationUri.
    pub uri: String,
    /// S3BucketRegion.
    pub region: String,
    /// S3BucketAccessRoleArn.
    pub role: String,
}

/// How far an import is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last key that is done: it and all before it are in, or among the failures.
    pub last_key: Option<String>,
    /// The prefixes up to that key.
    pub folders: Folders,
    /// Prefixes that a listing found, which runs ahead.
    pub prefixes_found: u64,
    /// Whether there is no further key.
    pub listed: bool,
    /// Where in the journal what is in ends.
    pub position: u64,
    /// Files that are in.
    pub files_completed: u64,
    /// Events that are in.
    pub events_completed: u64,
}

/// An import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// What was asked for.
    pub request: Request,
    /// Where it stands.
    pub status: Status,
    /// When it was asked for first.
    pub created_at_us: i64,
    /// When anything of it changed last.
    pub updated_at_us: i64,
    /// How far it is.
    pub checkpoint: Checkpoint,
}

/// Adds an import that has not begun. Its account must have none that is ongoing.
pub async fn insert(tx: &mut Tx, request: &Request, now_us: i64) -> Result<(), Error> {
    let Request { id, account, region, store, source, range, principal, elsewhere } = request;
    sqlx::query(
        "INSERT INTO imports (id, account, region, store, source_uri, source_region, source_role, start_us, end_us, principal,
         elsewhere, status, created_at_us, updated_at_us, open_prefixes, listed, position, prefixes_found,
         prefixes_completed, files_completed, events_completed)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', 0, 0, 0, 0, 0, 0)",
    )
    .bind(id)
    .bind(account.as_str())
    .bind(region)
    .bind(store)
    .bind(&source.uri)
    .bind(&source.region)
    .bind(&source.role)
    .bind(range.start_us)
    .bind(range.end_us)
    .bind(principal)
    .bind(elsewhere)
    .bind(Status::Initializing.as_str())
    .bind(now_us)
    .bind(now_us)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The import of this id.
pub async fn get(catalog: &Catalog, id: &str) -> Result<Option<Import>, Error> {
    get_with(catalog.readers(), id).await
}

/// The import of this id, as the transaction sees it.
pub async fn get_in(tx: &mut Tx, id: &str) -> Result<Option<Import>, Error> {
    get_with(tx.connection(), id).await
}

async fn get_with(executor: impl SqliteExecutor<'_>, id: &str) -> Result<Option<Import>, Error> {
    let query = sqlx::query("SELECT * FROM imports WHERE id = ?").bind(id);
    query.fetch_optional(executor).await?.as_ref().map(from_row).transpose()
}

/// Whether an import into the event data store of this ARN is ongoing: it may not be changed or deleted meanwhile.
pub async fn ongoing(tx: &mut Tx, store: &str) -> Result<bool, Error> {
    let query =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM imports WHERE status IN ('INITIALIZING', 'IN_PROGRESS') AND store = ?)");
    Ok(query.bind(store).fetch_one(tx.connection()).await?)
}

/// The ongoing import of an account.
pub async fn ongoing_of(tx: &mut Tx, account: AccountId) -> Result<Option<String>, Error> {
    let query = sqlx::query_scalar("SELECT id FROM imports WHERE status IN ('INITIALIZING', 'IN_PROGRESS') AND account = ?");
    Ok(query.bind(account.as_str()).fetch_optional(tx.connection()).await?)
}

/// The ids of all ongoing imports.
pub async fn all_ongoing(catalog: &Catalog) -> Result<Vec<String>, Error> {
    let query =
        sqlx::query_scalar("SELECT id FROM imports WHERE status IN ('INITIALIZING', 'IN_PROGRESS') ORDER BY created_at_us");
    Ok(query.fetch_all(catalog.readers()).await?)
}

/// Which imports to list.
#[derive(Clone, Debug)]
pub struct Filter<'a> {
    /// Those of this account.
    pub account: AccountId,
    /// Those asked for in this Region.
    pub region: &'a str,
    /// Those into the store of this ARN.
    pub store: Option<&'a str>,
    /// Those that stand so.
    pub status: Option<Status>,
    /// Those that come after the one of this time and id.
    pub after: Option<(i64, &'a str)>,
    /// At most so many.
    pub limit: u32,
}

/// Imports, the newest first.
pub async fn list(catalog: &Catalog, filter: &Filter<'_>) -> Result<Vec<Import>, Error> {
    let (before_us, before_id) = filter.after.unwrap_or((i64::MAX, ""));
    let query = sqlx::query(
        "SELECT * FROM imports WHERE account = ?1 AND region = ?2 AND (?3 IS NULL OR store = ?3) AND (?4 IS NULL OR status = ?4)
         AND (created_at_us, id) < (?5, ?6) ORDER BY created_at_us DESC, id DESC LIMIT ?7",
    )
    .bind(filter.account.as_str())
    .bind(filter.region)
    .bind(filter.store)
    .bind(filter.status.map(Status::as_str))
    .bind(before_us)
    .bind(before_id)
    .bind(filter.limit);
    query.fetch_all(catalog.readers()).await?.iter().map(from_row).collect()
}

/// Lets an import that failed or was stopped go on where it was, and its failed files be tried again. False if there is
/// no such import.
pub async fn retry(tx: &mut Tx, id: &str, now_us: i64) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE imports SET status = ?, updated_at_us = ? WHERE id = ? AND status IN ('FAILED', 'STOPPED')")
        .bind(Status::Initializing.as_str())
        .bind(now_us)
        .bind(id)
        .execute(tx.connection())
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    failures::retry_all(tx, id, now_us).await?;
    Ok(true)
}

/// Moves an ongoing import to `status`; false if there is none of that id. With its end, what was to be tried again and
/// was not has failed.
pub async fn set_status(tx: &mut Tx, id: &str, status: Status, now_us: i64) -> Result<bool, Error> {
    if !status.is_ongoing() {
        failures::give_up(tx, id).await?;
    }
    let done = sqlx::query(
        "UPDATE imports SET status = ?, updated_at_us = ? WHERE id = ? AND status IN ('INITIALIZING', 'IN_PROGRESS')",
    )
    .bind(status.as_str())
    .bind(now_us)
    .bind(id)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends an ongoing import: it failed if a file of it has.
pub async fn finish(tx: &mut Tx, id: &str, now_us: i64) -> Result<Status, Error> {
    let status = if failures::any(tx, id).await? { Status::Failed } else { Status::Completed };
    set_status(tx, id, status, now_us).await?;
    Ok(status)
}

/// Notes how far an import is, whatever its status: what was stopped may still have come in.
pub async fn set_checkpoint(tx: &mut Tx, id: &str, checkpoint: &Checkpoint, now_us: i64) -> Result<(), Error> {
    let Checkpoint { last_key, folders, prefixes_found, listed, position, files_completed, events_completed } = checkpoint;
    let open = serde_json::to_string(folders.open()).expect("a list of texts can be written");
    sqlx::query(
        "UPDATE imports SET last_key = ?, open_prefixes = ?, listed = ?, position = ?, prefixes_found = ?,
         prefixes_completed = ?, files_completed = ?, events_completed = ?, updated_at_us = ? WHERE id = ?",
    )
    .bind(last_key)
    .bind(open)
    .bind(listed)
    .bind(*position as i64)
    .bind(folders.found().max(*prefixes_found) as i64)
    .bind(folders.completed() as i64)
    .bind(*files_completed as i64)
    .bind(*events_completed as i64)
    .bind(now_us)
    .bind(id)
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn from_row(row: &SqliteRow) -> Result<Import, Error> {
    let id: String = row.get("id");
    let damaged = |what: &str, reason: String| Error::damaged(format!("{what} of import {id}"), reason);
    let number = |column: &str| row.get::<i64, _>(column) as u64;
    let (account, status, open): (String, String, String) = (row.get("account"), row.get("status"), row.get("open_prefixes"));
    let open = serde_json::from_str(&open).map_err(|error| damaged("the open prefixes", error.to_string()))?;
    Ok(Import {
        status: Status::from_word(&status).ok_or_else(|| damaged("the status", status.clone()))?,
        created_at_us: row.get("created_at_us"),
        updated_at_us: row.get("updated_at_us"),
        checkpoint: Checkpoint {
            last_key: row.get("last_key"),
            folders: Folders::resume(open, number("prefixes_completed")),
            prefixes_found: number("prefixes_found"),
            listed: row.get("listed"),
            position: number("position"),
            files_completed: number("files_completed"),
            events_completed: number("events_completed"),
        },
        request: Request {
            account: account.parse().map_err(|_| damaged("the account", account.clone()))?,
            region: row.get("region"),
            store: row.get("store"),
            source: Source { uri: row.get("source_uri"), region: row.get("source_region"), role: row.get("source_role") },
            range: Range { start_us: row.get("start_us"), end_us: row.get("end_us") },
            principal: row.get("principal"),
            elsewhere: row.get("elsewhere"),
            id,
        },
    })
}

#[cfg(test)]
mod tests;
