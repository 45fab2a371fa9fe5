//! Event data stores: what they are set to, which state they are in, and what they bear as tags.
//!
//! Which live events a store takes changes by rules (see [`rules`]), each from its position in the journal on: what was
//! acknowledged under one rule is still taken by it after a crash. The functions that change a store answer false when
//! there is none of that number.

pub mod rules;

use cloudtrail::account::AccountId;
use cloudtrail::event_data_store::{EventConfiguration, NUMBER_MAX, Settings, Status};
use cloudtrail::region::Region;
use cloudtrail::trail::Tag;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteExecutor};

use crate::{Catalog, Error, Tx, cursors};
pub use rules::Rule;

/// An event data store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// How journal entries name it; 0 before it is inserted.
    pub number: u16,
    /// The last part of its ARN, and its name in SQL.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// What it is set to.
    pub settings: Settings,
    /// How large its events may be and what they are enriched with.
    pub configuration: EventConfiguration,
    /// Which state it is in.
    pub status: Status,
    /// Whether live events are wanted once it is in none but a resting state.
    pub ingests: bool,
    /// Whether imports go here that name no store.
    pub is_default: bool,
    /// When it was made.
    pub created_at_us: i64,
    /// When it was changed last.
    pub updated_at_us: i64,
    /// When it is gone for good, while it is pending deletion.
    pub purge_at_us: Option<i64>,
}

impl Store {
    /// A store that is being made at that time.
    pub fn new(id: String, arn: String, settings: Settings, now_us: i64) -> Self {
        Self {
            number: 0,
            id,
            arn,
            settings,
            configuration: EventConfiguration::default(),
            status: Status::Created,
            ingests: true,
            is_default: false,
            created_at_us: now_us,
            updated_at_us: now_us,
            purge_at_us: None,
        }
    }

    /// The name of the cursor of what follows the journal for it.
    pub fn cursor(&self) -> String {
        cursor(&self.id)
    }
}

/// The name of the cursor of what follows the journal for the store of that id.
pub fn cursor(id: &str) -> String {
    format!("store:{id}")
}

/// Adds a store, whose name must be free in its account and Region, and which takes events from the journal position
/// `from` on. Returns its number; nothing when there are no more numbers.
pub async fn insert(tx: &mut Tx, store: &Store, from: u64) -> Result<Option<u16>, Error> {
    let number = sqlx::query(
        "INSERT INTO event_data_stores (id, arn, account, home_region, name, status, ingests, is_default, settings,
         configuration, created_at_us, updated_at_us, purge_at_us)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
         WHERE coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event_data_stores'), 0) < ?14",
    )
    .bind(&store.id)
    .bind(&store.arn)
    .bind(store.settings.account.as_str())
    .bind(store.settings.home_region.as_str())
    .bind(&store.settings.name)
    .bind(store.status.as_str())
    .bind(store.ingests)
    .bind(store.is_default)
    .bind(json(&store.settings))
    .bind(json(&store.configuration))
    .bind(store.created_at_us)
    .bind(store.updated_at_us)
    .bind(store.purge_at_us)
    .bind(i64::from(NUMBER_MAX))
    .execute(tx.connection())
    .await?;
    if number.rows_affected() == 0 {
        return Ok(None);
    }
    let number = u16::try_from(number.last_insert_rowid()).map_err(|error| Error::damaged("a store's number", error))?;
    rules::insert(tx, &Store { number, ..store.clone() }, Some(from)).await?;
    cursors::set(tx, &store.cursor(), from).await?;
    Ok(Some(number))
}

/// Makes the store what `store` says. Which live events it takes changes from the journal position on that
/// [`rules::place`] sets.
pub async fn update(tx: &mut Tx, store: &Store) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE event_data_stores SET name = ?2, status = ?3, ingests = ?4, settings = ?5, configuration = ?6,
         updated_at_us = ?7, purge_at_us = ?8 WHERE number = ?1",
    )
    .bind(i64::from(store.number))
    .bind(&store.settings.name)
    .bind(store.status.as_str())
    .bind(store.ingests)
    .bind(json(&store.settings))
    .bind(json(&store.configuration))
    .bind(store.updated_at_us)
    .bind(store.purge_at_us)
    .execute(tx.connection())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    rules::insert(tx, store, None).await?;
    Ok(true)
}

/// Has the store followed from `from` on, unless it still is: what [`remove_cursor`] took away comes back.
pub async fn ensure_cursor(tx: &mut Tx, store: &Store, from: u64) -> Result<(), Error> {
    sqlx::query("INSERT OR IGNORE INTO cursors (name, position) VALUES (?, ?)")
        .bind(store.cursor())
        .bind(from as i64)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Ends following for a store that is pending deletion; false when it has been restored.
pub async fn remove_cursor(tx: &mut Tx, store: &Store) -> Result<bool, Error> {
    let pending = by_number_in(tx, store.number).await?.is_none_or(|now| now.status == Status::PendingDeletion);
    if pending {
        cursors::remove(tx, &store.cursor()).await?;
    }
    Ok(pending)
}

/// Brings a store from one state into another; false when it is in neither the one nor there.
pub async fn pass(tx: &mut Tx, number: u16, from: Status, to: Status) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE event_data_stores SET status = ? WHERE number = ? AND status = ?")
        .bind(to.as_str())
        .bind(i64::from(number))
        .bind(from.as_str())
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes a store that is pending deletion and whose time has come; false when it has been restored meanwhile.
pub async fn purge(tx: &mut Tx, store: &Store, now_us: i64) -> Result<bool, Error> {
    let done = sqlx::query("DELETE FROM event_data_stores WHERE number = ? AND status = ? AND purge_at_us <= ?")
        .bind(i64::from(store.number))
        .bind(Status::PendingDeletion.as_str())
        .bind(now_us)
        .execute(tx.connection())
        .await?;
    let purged = done.rows_affected() > 0;
    if purged {
        cursors::remove(tx, &store.cursor()).await?;
    }
    Ok(purged)
}

/// A query for stores; SQL has to be a literal.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT number, id, arn, settings, configuration, status, ingests, is_default, created_at_us, updated_at_us,
             purge_at_us FROM event_data_stores ",
            $rest
        )
    };
}

/// The store of this id.
pub async fn get(catalog: &Catalog, id: &str) -> Result<Option<Store>, Error> {
    get_with(catalog.readers(), id).await
}

/// The store of this id, as the transaction sees it.
pub async fn get_in(tx: &mut Tx, id: &str) -> Result<Option<Store>, Error> {
    get_with(tx.connection(), id).await
}

async fn get_with(executor: impl SqliteExecutor<'_>, id: &str) -> Result<Option<Store>, Error> {
    let query = sqlx::query(select!("WHERE id = ?")).bind(id);
    query.fetch_optional(executor).await?.as_ref().map(from_row).transpose()
}

/// The store of this number.
pub async fn by_number(catalog: &Catalog, number: u16) -> Result<Option<Store>, Error> {
    by_number_with(catalog.readers(), number).await
}

/// The store of this number, as the transaction sees it.
pub async fn by_number_in(tx: &mut Tx, number: u16) -> Result<Option<Store>, Error> {
    by_number_with(tx.connection(), number).await
}

async fn by_number_with(executor: impl SqliteExecutor<'_>, number: u16) -> Result<Option<Store>, Error> {
    let query = sqlx::query(select!("WHERE number = ?")).bind(i64::from(number));
    query.fetch_optional(executor).await?.as_ref().map(from_row).transpose()
}

/// The stores of an account whose home is that Region, the oldest first.
pub async fn of_region(catalog: &Catalog, account: AccountId, region: &Region) -> Result<Vec<Store>, Error> {
    of_region_with(catalog.readers(), account, region).await
}

/// The stores of an account whose home is that Region, as the transaction sees them.
pub async fn of_region_in(tx: &mut Tx, account: AccountId, region: &Region) -> Result<Vec<Store>, Error> {
    of_region_with(tx.connection(), account, region).await
}

async fn of_region_with(executor: impl SqliteExecutor<'_>, account: AccountId, region: &Region) -> Result<Vec<Store>, Error> {
    let query = sqlx::query(select!("WHERE account = ? AND home_region = ? ORDER BY number"));
    query.bind(account.as_str()).bind(region.as_str()).fetch_all(executor).await?.iter().map(from_row).collect()
}

/// Every store, the oldest first.
pub async fn all(catalog: &Catalog) -> Result<Vec<Store>, Error> {
    let query = sqlx::query(select!("ORDER BY number"));
    query.fetch_all(catalog.readers()).await?.iter().map(from_row).collect()
}

/// The tags of a store, in the order they were given.
pub async fn tags(catalog: &Catalog, number: u16) -> Result<Vec<Tag>, Error> {
    tags_with(catalog.readers(), number).await
}

/// The tags of a store, as the transaction sees them.
pub async fn tags_in(tx: &mut Tx, number: u16) -> Result<Vec<Tag>, Error> {
    tags_with(tx.connection(), number).await
}

async fn tags_with(executor: impl SqliteExecutor<'_>, number: u16) -> Result<Vec<Tag>, Error> {
    let query = sqlx::query("SELECT key, value FROM event_data_store_tags WHERE store = ? ORDER BY place");
    let rows = query.bind(i64::from(number)).fetch_all(executor).await?;
    Ok(rows.iter().map(|row| Tag { key: row.get("key"), value: row.get("value") }).collect())
}

/// Makes `tags` the tags of a store, which must be there.
pub async fn set_tags(tx: &mut Tx, number: u16, tags: &[Tag]) -> Result<(), Error> {
    sqlx::query("DELETE FROM event_data_store_tags WHERE store = ?").bind(i64::from(number)).execute(tx.connection()).await?;
    for (place, tag) in (0_i64..).zip(tags) {
        sqlx::query("INSERT INTO event_data_store_tags (store, place, key, value) VALUES (?, ?, ?, ?)")
            .bind(i64::from(number))
            .bind(place)
            .bind(&tag.key)
            .bind(&tag.value)
            .execute(tx.connection())
            .await?;
    }
    Ok(())
}

fn from_row(row: &SqliteRow) -> Result<Store, Error> {
    let number: i64 = row.get("number");
    let status: &str = row.get("status");
    Ok(Store {
        number: u16::try_from(number).map_err(|error| Error::damaged("a store's number", error))?,
        id: row.get("id"),
        arn: row.get("arn"),
        settings: parsed(row, "settings")?,
        configuration: parsed(row, "configuration")?,
        status: Status::of(status).ok_or_else(|| Error::damaged("a store's status", status))?,
        ingests: row.get("ingests"),
        is_default: row.get("is_default"),
        created_at_us: row.get("created_at_us"),
        updated_at_us: row.get("updated_at_us"),
        purge_at_us: row.get("purge_at_us"),
    })
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("settings are written as JSON")
}

fn parsed<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, Error> {
    serde_json::from_str(row.get(column)).map_err(|error| Error::damaged(format!("a store's {column}"), error))
}

#[cfg(test)]
mod tests;
