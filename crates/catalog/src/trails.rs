//! Trails: what they are set to, select and bear as tags, and whether they log.
//!
//! What a trail is set to changes by versions: whoever follows the journal for it goes on with the version it has until
//! it comes to the position from which the next one applies. What a trail did while it logged is in [`runs`].
//! The functions that change a trail answer false when there is none of that ARN.

use cloudtrail::account::AccountId;
use cloudtrail::selectors::Selectors;
use cloudtrail::trail::{Settings, Tag};
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteExecutor};

use crate::{Catalog, Error, Tx, buckets, runs};

/// A trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// Tells it from an earlier trail of the same ARN; 0 before it is inserted.
    pub id: i64,
    /// Its ARN.
    pub arn: String,
    /// Counts the changes of settings and selectors.
    pub version: i64,
    /// What it is set to.
    pub settings: Settings,
    /// Which events it wants.
    pub selectors: Selectors,
    /// When it was made.
    pub created_at_us: i64,
    /// When its settings or selectors were changed last.
    pub updated_at_us: i64,
    /// Whether it is started.
    pub logging: bool,
    /// When it was started last.
    pub start_logging_s: Option<i64>,
    /// When it was stopped last.
    pub stop_logging_s: Option<i64>,
}

impl Trail {
    /// A trail that was made at that time and never started.
    pub fn new(arn: String, settings: Settings, selectors: Selectors, now_us: i64) -> Self {
        Self {
            id: 0,
            arn,
            version: 1,
            settings,
            selectors,
            created_at_us: now_us,
            updated_at_us: now_us,
            logging: false,
            start_logging_s: None,
            stop_logging_s: None,
        }
    }
}

/// Adds a trail, whose name must be free in its account and home Region; returns its id. Its bucket is locked below
/// `AWSLogs/` from now on, if it is a local one.
pub async fn insert(tx: &mut Tx, trail: &Trail) -> Result<i64, Error> {
    let id = sqlx::query(
        "INSERT INTO trails (arn, account, home_region, name, version, created_at_us, updated_at_us, logging, deleted)
         VALUES (?, ?, ?, ?, 1, ?, ?, 0, 0)",
    )
    .bind(&trail.arn)
    .bind(trail.settings.account.as_str())
    .bind(trail.settings.home_region.as_str())
    .bind(&trail.settings.name)
    .bind(trail.created_at_us)
    .bind(trail.updated_at_us)
    .execute(tx.connection())
    .await?
    .last_insert_rowid();
    insert_version(tx, id, 1, trail).await?;
    Ok(id)
}

/// Makes settings and selectors those of `trail`, from the journal position on that [`place_versions`] sets.
pub async fn update(tx: &mut Tx, trail: &Trail) -> Result<bool, Error> {
    let Some(now) = get_in(tx, &trail.arn).await? else { return Ok(false) };
    let version = now.version + 1;
    sqlx::query("UPDATE trails SET version = ?, updated_at_us = ? WHERE id = ?")
        .bind(version)
        .bind(trail.updated_at_us)
        .bind(now.id)
        .execute(tx.connection())
        .await?;
    insert_version(tx, now.id, version, trail).await?;
    prune_versions(tx, now.id).await?;
    Ok(true)
}

/// Makes `selectors` those of the trail, as [`update`] does.
pub async fn set_selectors(tx: &mut Tx, arn: &str, selectors: &Selectors, now_us: i64) -> Result<bool, Error> {
    let Some(trail) = get_in(tx, arn).await? else { return Ok(false) };
    update(tx, &Trail { selectors: selectors.clone(), updated_at_us: now_us, ..trail }).await
}

/// Starts logging with the journal position `from`. A trail that logs already goes on as it does.
pub async fn start_logging(tx: &mut Tx, arn: &str, now_s: i64, from: u64) -> Result<bool, Error> {
    let Some(trail) = get_in(tx, arn).await? else { return Ok(false) };
    if trail.logging {
        return Ok(true);
    }
    runs::begin(tx, &trail, now_s, from).await?;
    sqlx::query("UPDATE trails SET logging = 1, start_logging_s = ? WHERE id = ?")
        .bind(now_s)
        .bind(trail.id)
        .execute(tx.connection())
        .await?;
    Ok(true)
}

/// Stops logging at the journal position that [`runs::stop_at`] sets. A trail that does not log is left as it is.
pub async fn stop_logging(tx: &mut Tx, arn: &str, now_s: i64) -> Result<bool, Error> {
    let Some(trail) = get_in(tx, arn).await? else { return Ok(false) };
    if trail.logging {
        runs::stop(tx, trail.id, now_s).await?;
        sqlx::query("UPDATE trails SET logging = 0, stop_logging_s = ? WHERE id = ?")
            .bind(now_s)
            .bind(trail.id)
            .execute(tx.connection())
            .await?;
    }
    Ok(true)
}

/// Deletes a trail: it stops logging, its name is free, and [`sweep`] removes it once everything is delivered.
pub async fn delete(tx: &mut Tx, arn: &str, now_us: i64) -> Result<bool, Error> {
    let Some(trail) = get_in(tx, arn).await? else { return Ok(false) };
    stop_logging(tx, arn, now_us.div_euclid(1_000_000)).await?;
    sqlx::query("DELETE FROM trail_tags WHERE trail = ?").bind(trail.id).execute(tx.connection()).await?;
    sqlx::query("UPDATE trails SET deleted = 1 WHERE id = ?").bind(trail.id).execute(tx.connection()).await?;
    sweep(tx, trail.id).await?;
    Ok(true)
}

/// Removes a deleted trail for which nothing is left to be done; tells whether it did.
pub async fn sweep(tx: &mut Tx, trail: i64) -> Result<bool, Error> {
    let done = sqlx::query(
        "DELETE FROM trails WHERE id = ?1 AND deleted = 1
         AND NOT EXISTS (SELECT 1 FROM trail_runs WHERE trail = ?1)
         AND NOT EXISTS (SELECT 1 FROM files WHERE trail = ?1 AND spool IS NOT NULL)
         AND NOT EXISTS (SELECT 1 FROM digests JOIN chains ON chains.id = digests.chain WHERE chains.trail = ?1)",
    )
    .bind(trail)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A query for trails; SQL has to be a literal.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT t.id, t.arn, t.version, v.settings, v.selectors, t.created_at_us, t.updated_at_us, t.logging,
             t.start_logging_s, t.stop_logging_s
             FROM trails t JOIN trail_versions v ON v.trail = t.id AND v.version = t.version ",
            $rest
        )
    };
}

/// The trail of this ARN.
pub async fn get(catalog: &Catalog, arn: &str) -> Result<Option<Trail>, Error> {
    get_with(catalog.readers(), arn).await
}

/// The trail of this ARN, as the transaction sees it.
pub async fn get_in(tx: &mut Tx, arn: &str) -> Result<Option<Trail>, Error> {
    get_with(tx.connection(), arn).await
}

async fn get_with(executor: impl SqliteExecutor<'_>, arn: &str) -> Result<Option<Trail>, Error> {
    let query = sqlx::query(select!("WHERE t.arn = ? AND t.deleted = 0")).bind(arn);
    query.fetch_optional(executor).await?.as_ref().map(from_row).transpose()
}

/// The trail of this id, deleted or not.
pub async fn by_id(catalog: &Catalog, id: i64) -> Result<Option<Trail>, Error> {
    let query = sqlx::query(select!("WHERE t.id = ?")).bind(id);
    query.fetch_optional(catalog.readers()).await?.as_ref().map(from_row).transpose()
}

/// The trails of an account, in order of home Region and name.
pub async fn of_account(catalog: &Catalog, account: AccountId) -> Result<Vec<Trail>, Error> {
    of_account_with(catalog.readers(), account).await
}

/// The trails of an account, as the transaction sees them.
pub async fn of_account_in(tx: &mut Tx, account: AccountId) -> Result<Vec<Trail>, Error> {
    of_account_with(tx.connection(), account).await
}

async fn of_account_with(executor: impl SqliteExecutor<'_>, account: AccountId) -> Result<Vec<Trail>, Error> {
    let query = sqlx::query(select!("WHERE t.account = ? AND t.deleted = 0 ORDER BY t.home_region, t.name"));
    query.bind(account.as_str()).fetch_all(executor).await?.iter().map(from_row).collect()
}

/// Every trail that logs, for routing.
pub async fn all_for_routing(catalog: &Catalog) -> Result<Vec<Trail>, Error> {
    let query = sqlx::query(select!("WHERE t.logging = 1 AND t.deleted = 0 ORDER BY t.id"));
    query.fetch_all(catalog.readers()).await?.iter().map(from_row).collect()
}

/// The ids of all trails that there is or may be something to do for, deleted ones too.
pub async fn ids(catalog: &Catalog) -> Result<Vec<i64>, Error> {
    Ok(sqlx::query_scalar("SELECT id FROM trails ORDER BY id").fetch_all(catalog.readers()).await?)
}

/// The ids of the trails of this ARN that there is or may be something to do for, the oldest first.
pub async fn ids_of(catalog: &Catalog, arn: &str) -> Result<Vec<i64>, Error> {
    Ok(sqlx::query_scalar("SELECT id FROM trails WHERE arn = ? ORDER BY id").bind(arn).fetch_all(catalog.readers()).await?)
}

/// Lets the versions that have no position yet apply from `position` on: those of one trail, or of all.
pub async fn place_versions(tx: &mut Tx, arn: Option<&str>, position: u64) -> Result<(), Error> {
    sqlx::query(
        "UPDATE trail_versions SET position = ?1
         WHERE position IS NULL AND (?2 IS NULL OR trail IN (SELECT id FROM trails WHERE arn = ?2))",
    )
    .bind(position as i64)
    .bind(arn)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Whether a change of a trail waits for its position: a version, or the stop of a run.
pub async fn is_unsettled(catalog: &Catalog) -> Result<bool, Error> {
    let query = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM trail_runs WHERE stop_s IS NOT NULL AND stop_position IS NULL)
         OR EXISTS (SELECT 1 FROM trail_versions WHERE position IS NULL AND version > 1)",
    );
    Ok(query.fetch_one(catalog.readers()).await?)
}

/// A version of a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub version: i64,
    /// What the trail is set to.
    pub settings: Settings,
    /// Which events it wants.
    pub selectors: Selectors,
    /// From where in the journal on it applies; not yet without it.
    pub position: Option<u64>,
}

/// The versions of a trail from number `from` on, in order.
pub async fn versions(catalog: &Catalog, trail: i64, from: i64) -> Result<Vec<Version>, Error> {
    let query = sqlx::query(
        "SELECT version, settings, selectors, position FROM trail_versions WHERE trail = ? AND version >= ? ORDER BY version",
    );
    let rows = query.bind(trail).bind(from).fetch_all(catalog.readers()).await?;
    let version = |row: &SqliteRow| {
        Ok(Version {
            version: row.get("version"),
            settings: json(row, "settings")?,
            selectors: json(row, "selectors")?,
            position: row.get::<Option<i64>, _>("position").map(|position| position as u64),
        })
    };
    rows.iter().map(version).collect()
}

/// Removes the versions that no run uses and none will.
pub(crate) async fn prune_versions(tx: &mut Tx, trail: i64) -> Result<(), Error> {
    sqlx::query(
        "DELETE FROM trail_versions WHERE trail = ?1
         AND version < (SELECT version FROM trails WHERE id = ?1)
         AND version < coalesce((SELECT MIN(version) FROM trail_runs WHERE trail = ?1), version + 1)",
    )
    .bind(trail)
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn insert_version(tx: &mut Tx, id: i64, version: i64, trail: &Trail) -> Result<(), Error> {
    let text = |value: Result<String, serde_json::Error>| value.expect("settings and selectors are written as JSON");
    sqlx::query("INSERT INTO trail_versions (trail, version, settings, selectors) VALUES (?, ?, ?, ?)")
        .bind(id)
        .bind(version)
        .bind(text(serde_json::to_string(&trail.settings)))
        .bind(text(serde_json::to_string(&trail.selectors)))
        .execute(tx.connection())
        .await?;
    let prefix = trail.settings.s3_key_prefix.as_ref().map(|prefix| format!("{prefix}/")).unwrap_or_default();
    buckets::protect(tx, &trail.settings.s3_bucket_name, &prefix).await
}

/// The tags of the trail of this ARN, in the order they were given.
pub async fn tags(catalog: &Catalog, arn: &str) -> Result<Vec<Tag>, Error> {
    tags_with(catalog.readers(), arn).await
}

/// The tags of a trail, as the transaction sees them.
pub async fn tags_in(tx: &mut Tx, arn: &str) -> Result<Vec<Tag>, Error> {
    tags_with(tx.connection(), arn).await
}

async fn tags_with(executor: impl SqliteExecutor<'_>, arn: &str) -> Result<Vec<Tag>, Error> {
    let query = sqlx::query(
        "SELECT g.key, g.value FROM trail_tags g JOIN trails t ON t.id = g.trail
         WHERE t.arn = ? AND t.deleted = 0 ORDER BY g.place",
    );
    let rows = query.bind(arn).fetch_all(executor).await?;
    Ok(rows.iter().map(|row| Tag { key: row.get("key"), value: row.get("value") }).collect())
}

/// Makes `tags` the tags of a trail.
pub async fn set_tags(tx: &mut Tx, arn: &str, tags: &[Tag]) -> Result<bool, Error> {
    let Some(trail) = get_in(tx, arn).await? else { return Ok(false) };
    sqlx::query("DELETE FROM trail_tags WHERE trail = ?").bind(trail.id).execute(tx.connection()).await?;
    for (place, tag) in (0_i64..).zip(tags) {
        sqlx::query("INSERT INTO trail_tags (trail, place, key, value) VALUES (?, ?, ?, ?)")
            .bind(trail.id)
            .bind(place)
            .bind(&tag.key)
            .bind(&tag.value)
            .execute(tx.connection())
            .await?;
    }
    Ok(true)
}

fn from_row(row: &SqliteRow) -> Result<Trail, Error> {
    Ok(Trail {
        id: row.get("id"),
        arn: row.get("arn"),
        version: row.get("version"),
        settings: json(row, "settings")?,
        selectors: json(row, "selectors")?,
        created_at_us: row.get("created_at_us"),
        updated_at_us: row.get("updated_at_us"),
        logging: row.get("logging"),
        start_logging_s: row.get("start_logging_s"),
        stop_logging_s: row.get("stop_logging_s"),
    })
}

fn json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, Error> {
    serde_json::from_str(row.get(column)).map_err(|error| Error::damaged(format!("a trail's {column}"), error))
}

#[cfg(test)]
mod tests;
