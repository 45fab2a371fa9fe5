//! Files of an import that failed.

use cloudtrail::import::FailureStatus;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::{Catalog, Error, Tx};

/// The key that stands for the source itself, when it could not be read any further.
pub const SOURCE: &str = "";

/// A file that failed, or did once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its place among the failures of all imports, in the order in which they came; 0 before it is noted.
    pub place: i64,
    /// Its key; [`SOURCE`] for the source itself.
    pub key: String,
    /// What became of it.
    pub status: FailureStatus,
    /// The kind of reason.
    pub error_type: String,
    /// The reason in words.
    pub error_message: String,
    /// Events of it that are in nevertheless.
    pub events: u64,
    /// When it was tried last.
    pub updated_at_us: i64,
}

/// Notes a file that failed, or failed again.
pub async fn fail(tx: &mut Tx, import: &str, failure: &Failure) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO import_failures (import, key, status, error_type, error_message, events, updated_at_us)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (import, key) DO UPDATE SET status = excluded.status, error_type = excluded.error_type,
         error_message = excluded.error_message, events = excluded.events, updated_at_us = excluded.updated_at_us",
    )
    .bind(import)
    .bind(&failure.key)
    .bind(failure.status.as_str())
    .bind(&failure.error_type)
    .bind(&failure.error_message)
    .bind(failure.events as i64)
    .bind(failure.updated_at_us)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Notes that what failed once is in after all.
pub async fn succeed(tx: &mut Tx, import: &str, key: &str, now_us: i64) -> Result<(), Error> {
    sqlx::query("UPDATE import_failures SET status = ?1, updated_at_us = ?2 WHERE import = ?3 AND key = ?4 AND status <> ?1")
        .bind(FailureStatus::Succeeded.as_str())
        .bind(now_us)
        .bind(import)
        .bind(key)
        .execute(tx.connection())
        .await?;
    Ok(())
}

pub(super) async fn retry_all(tx: &mut Tx, import: &str, now_us: i64) -> Result<(), Error> {
    sqlx::query("UPDATE import_failures SET status = ?, updated_at_us = ? WHERE import = ? AND status = ?")
        .bind(FailureStatus::Retry.as_str())
        .bind(now_us)
        .bind(import)
        .bind(FailureStatus::Failed.as_str())
        .execute(tx.connection())
        .await?;
    Ok(())
}

pub(super) async fn give_up(tx: &mut Tx, import: &str) -> Result<(), Error> {
    sqlx::query("UPDATE import_failures SET status = ? WHERE import = ? AND status = ?")
        .bind(FailureStatus::Failed.as_str())
        .bind(import)
        .bind(FailureStatus::Retry.as_str())
        .execute(tx.connection())
        .await?;
    Ok(())
}

pub(super) async fn any(tx: &mut Tx, import: &str) -> Result<bool, Error> {
    let query =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM import_failures WHERE import = ? AND status IN ('FAILED', 'RETRY'))");
    Ok(query.bind(import).fetch_one(tx.connection()).await?)
}

/// How many files are not in.
pub async fn failure_count(catalog: &Catalog, import: &str) -> Result<u64, Error> {
    let query = sqlx::query_scalar("SELECT COUNT(*) FROM import_failures WHERE import = ? AND status IN ('FAILED', 'RETRY')");
    Ok(query.bind(import).fetch_one(catalog.readers()).await.map(|count: i64| count as u64)?)
}

/// Files that failed, in the order in which they did, after that place.
pub async fn failures(catalog: &Catalog, import: &str, after: i64, limit: u32) -> Result<Vec<Failure>, Error> {
    let query = sqlx::query("SELECT * FROM import_failures WHERE import = ? AND place > ? ORDER BY place LIMIT ?");
    let rows = query.bind(import).bind(after).bind(limit).fetch_all(catalog.readers()).await?;
    rows.iter().map(|row| from_row(import, row)).collect()
}

/// Files that are to be tried again, in the same order, after that place; not the source itself.
pub async fn to_retry(catalog: &Catalog, import: &str, after: i64, limit: u32) -> Result<Vec<Failure>, Error> {
    let query = sqlx::query(
        "SELECT * FROM import_failures WHERE import = ? AND status = 'RETRY' AND place > ? AND key <> '' ORDER BY place LIMIT ?",
    );
    let rows = query.bind(import).bind(after).bind(limit).fetch_all(catalog.readers()).await?;
    rows.iter().map(|row| from_row(import, row)).collect()
}

fn from_row(import: &str, row: &SqliteRow) -> Result<Failure, Error> {
    let status: String = row.get("status");
    Ok(Failure {
        place: row.get("place"),
        key: row.get("key"),
        status: FailureStatus::from_word(&status)
            .ok_or_else(|| Error::damaged(format!("a failure of import {import}"), format!("status {status}")))?,
        error_type: row.get("error_type"),
        error_message: row.get("error_message"),
        events: row.get::<i64, _>("events") as u64,
        updated_at_us: row.get("updated_at_us"),
    })
}
