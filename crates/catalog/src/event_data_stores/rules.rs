//! Which live events a store takes, and from where in the journal on.

use cloudtrail::selectors::AdvancedEventSelector;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Store, json, parsed};
use crate::{Catalog, Error, Tx};

/// Which live events a store takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Whether it takes any.
    pub ingesting: bool,
    /// Whether from all Regions.
    pub multi_region: bool,
    /// How large they may be.
    pub event_bytes_max: usize,
    /// Which of them.
    pub selectors: Vec<AdvancedEventSelector>,
}

impl Rule {
    /// What a store takes that is as `store` says.
    pub fn of(store: &Store) -> Self {
        Self {
            ingesting: store.ingests && store.status.is_active(),
            multi_region: store.settings.multi_region,
            event_bytes_max: store.configuration.size.bytes_max(),
            selectors: store.settings.selectors.clone(),
        }
    }
}

/// A rule of a store and where it begins to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub version: i64,
    /// From where in the journal on it applies; not yet without it.
    pub position: Option<u64>,
    /// What it says.
    pub rule: Rule,
}

/// The rules of a store, in order. There is at least one with a position.
pub async fn of_store(catalog: &Catalog, number: u16) -> Result<Vec<Version>, Error> {
    let query = sqlx::query("SELECT version, position, rule FROM event_data_store_rules WHERE store = ? ORDER BY version");
    query.bind(i64::from(number)).fetch_all(catalog.readers()).await?.iter().map(from_row).collect()
}

/// Lets the rules that have no position yet apply from `position` on: those of one store, or of all.
pub async fn place(tx: &mut Tx, number: Option<u16>, position: u64) -> Result<(), Error> {
    sqlx::query("UPDATE event_data_store_rules SET position = ?1 WHERE position IS NULL AND (?2 IS NULL OR store = ?2)")
        .bind(position as i64)
        .bind(number.map(i64::from))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Whether a rule waits for its position.
pub async fn is_unsettled(catalog: &Catalog) -> Result<bool, Error> {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM event_data_store_rules WHERE position IS NULL)");
    Ok(query.fetch_one(catalog.readers()).await?)
}

/// Removes the rules that nobody will ask for any more, who begins to read the journal at `position`.
pub async fn prune(tx: &mut Tx, number: u16, position: u64) -> Result<(), Error> {
    sqlx::query(
        "DELETE FROM event_data_store_rules WHERE store = ?1 AND version <
         (SELECT MAX(version) FROM event_data_store_rules WHERE store = ?1 AND position <= ?2)",
    )
    .bind(i64::from(number))
    .bind(position as i64)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Adds what `store` says as its newest rule, unless it is that already.
pub(super) async fn insert(tx: &mut Tx, store: &Store, position: Option<u64>) -> Result<(), Error> {
    let newest =
        sqlx::query("SELECT version, position, rule FROM event_data_store_rules WHERE store = ? ORDER BY version DESC LIMIT 1");
    let newest = newest.bind(i64::from(store.number)).fetch_optional(tx.connection()).await?;
    let newest = newest.as_ref().map(from_row).transpose()?;
    let rule = Rule::of(store);
    if newest.as_ref().is_some_and(|version| version.rule == rule) {
        return Ok(());
    }
    sqlx::query("INSERT INTO event_data_store_rules (store, version, position, rule) VALUES (?, ?, ?, ?)")
        .bind(i64::from(store.number))
        .bind(newest.map_or(1, |version| version.version + 1))
        .bind(position.map(|position| position as i64))
        .bind(json(&rule))
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn from_row(row: &SqliteRow) -> Result<Version, Error> {
    Ok(Version {
        version: row.get("version"),
        position: row.get::<Option<i64>, _>("position").map(|position| position as u64),
        rule: parsed(row, "rule")?,
    })
}
