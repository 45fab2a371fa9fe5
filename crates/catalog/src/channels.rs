//! Channels: where they lead, what they bear as tags, and how putting events into them fares.
//!
//! The functions that change a channel answer false when there is none of that ARN.

use cloudtrail::account::AccountId;
use cloudtrail::channel::{Destination, SourceConfig};
use cloudtrail::region::Region;
use cloudtrail::trail::Tag;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteExecutor};

use crate::{Catalog, Error, Tx, resource_policies};

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its ARN.
    pub arn: String,
    /// Whose it is.
    pub account: AccountId,
    /// Where it was made, and where alone it is seen.
    pub region: Region,
    /// The name, unique in its account and Region.
    pub name: String,
    /// Where its events come from.
    pub source: String,
    /// What a service-linked channel takes; an integration has none.
    pub source_config: Option<SourceConfig>,
    /// Where its events go, in the order given.
    pub destinations: Vec<Destination>,
    /// When it was made.
    pub created_at_us: i64,
    /// When it was changed last.
    pub updated_at_us: i64,
}

impl Channel {
    /// Whether it belongs to a service, which alone can change it.
    pub fn is_service_linked(&self) -> bool {
        self.source_config.is_some()
    }
}

/// Adds a channel, whose name must be free in its account and Region.
pub async fn insert(tx: &mut Tx, channel: &Channel) -> Result<(), Error> {
    let config = channel.source_config.as_ref().map(|config| serde_json::to_string(config).expect("selectors are JSON"));
    let done = sqlx::query(
        "INSERT INTO channels (arn, account, region, name, source, source_config, created_at_us, updated_at_us)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&channel.arn)
    .bind(channel.account.as_str())
    .bind(channel.region.as_str())
    .bind(&channel.name)
    .bind(&channel.source)
    .bind(config)
    .bind(channel.created_at_us)
    .bind(channel.updated_at_us)
    .execute(tx.connection())
    .await?;
    insert_destinations(tx, done.last_insert_rowid(), &channel.destinations).await
}

/// Makes name and destinations those of `channel`.
pub async fn update(tx: &mut Tx, channel: &Channel) -> Result<bool, Error> {
    let Some(id) = id_in(tx, &channel.arn).await? else { return Ok(false) };
    sqlx::query("UPDATE channels SET name = ?, updated_at_us = ? WHERE id = ?")
        .bind(&channel.name)
        .bind(channel.updated_at_us)
        .bind(id)
        .execute(tx.connection())
        .await?;
    sqlx::query("DELETE FROM channel_destinations WHERE channel = ?").bind(id).execute(tx.connection()).await?;
    insert_destinations(tx, id, &channel.destinations).await?;
    Ok(true)
}

/// Removes a channel, and the policy that is attached to it. Events that came through it stay where they are.
pub async fn delete(tx: &mut Tx, arn: &str) -> Result<bool, Error> {
    resource_policies::remove(tx, arn).await?;
    let done = sqlx::query("DELETE FROM channels WHERE arn = ?").bind(arn).execute(tx.connection()).await?;
    Ok(done.rows_affected() > 0)
}

async fn insert_destinations(tx: &mut Tx, id: i64, destinations: &[Destination]) -> Result<(), Error> {
    for (place, destination) in (0_i64..).zip(destinations) {
        sqlx::query("INSERT INTO channel_destinations (channel, place, type, location) VALUES (?, ?, ?, ?)")
            .bind(id)
            .bind(place)
            .bind(destination.type_.as_str())
            .bind(&destination.location)
            .execute(tx.connection())
            .await?;
    }
    Ok(())
}

async fn id_in(tx: &mut Tx, arn: &str) -> Result<Option<i64>, Error> {
    Ok(sqlx::query_scalar("SELECT id FROM channels WHERE arn = ?").bind(arn).fetch_optional(tx.connection()).await?)
}

/// A query for channels; SQL has to be a literal.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT arn, account, region, name, source, source_config, created_at_us, updated_at_us,
             (SELECT json_group_array(json_object('type_', type, 'location', location)) FROM
              (SELECT type, location FROM channel_destinations WHERE channel = channels.id ORDER BY place)) AS destinations
             FROM channels ",
            $rest
        )
    };
}

/// The channel of this ARN.
pub async fn get(catalog: &Catalog, arn: &str) -> Result<Option<Channel>, Error> {
    get_with(catalog.readers(), arn).await
}

/// The channel of this ARN, as the transaction sees it.
pub async fn get_in(tx: &mut Tx, arn: &str) -> Result<Option<Channel>, Error> {
    get_with(tx.connection(), arn).await
}

async fn get_with(executor: impl SqliteExecutor<'_>, arn: &str) -> Result<Option<Channel>, Error> {
    let query = sqlx::query(select!("WHERE arn = ?")).bind(arn);
    query.fetch_optional(executor).await?.as_ref().map(from_row).transpose()
}

/// The channels of an account in a Region, service-linked ones among them, in order of name.
pub async fn of_region(catalog: &Catalog, account: AccountId, region: &Region) -> Result<Vec<Channel>, Error> {
    of_region_with(catalog.readers(), account, region).await
}

/// The channels of an account in a Region, as the transaction sees them.
pub async fn of_region_in(tx: &mut Tx, account: AccountId, region: &Region) -> Result<Vec<Channel>, Error> {
    of_region_with(tx.connection(), account, region).await
}

async fn of_region_with(executor: impl SqliteExecutor<'_>, account: AccountId, region: &Region) -> Result<Vec<Channel>, Error> {
    let query = sqlx::query(select!("WHERE account = ? AND region = ? ORDER BY name"));
    query.bind(account.as_str()).bind(region.as_str()).fetch_all(executor).await?.iter().map(from_row).collect()
}

/// Whether a channel leads to the event data store of that ARN, which then cannot be deleted.
pub async fn lead_to(tx: &mut Tx, store_arn: &str) -> Result<bool, Error> {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM channel_destinations WHERE location = ?)");
    Ok(query.bind(store_arn).fetch_one(tx.connection()).await?)
}

/// The tags of a channel, in the order they were given.
pub async fn tags(catalog: &Catalog, arn: &str) -> Result<Vec<Tag>, Error> {
    tags_with(catalog.readers(), arn).await
}

/// The tags of a channel, as the transaction sees them.
pub async fn tags_in(tx: &mut Tx, arn: &str) -> Result<Vec<Tag>, Error> {
    tags_with(tx.connection(), arn).await
}

async fn tags_with(executor: impl SqliteExecutor<'_>, arn: &str) -> Result<Vec<Tag>, Error> {
    let query = sqlx::query(
        "SELECT g.key, g.value FROM channel_tags g JOIN channels c ON c.id = g.channel WHERE c.arn = ? ORDER BY g.place",
    );
    let rows = query.bind(arn).fetch_all(executor).await?;
    Ok(rows.iter().map(|row| Tag { key: row.get("key"), value: row.get("value") }).collect())
}

/// Makes `tags` the tags of a channel.
pub async fn set_tags(tx: &mut Tx, arn: &str, tags: &[Tag]) -> Result<bool, Error> {
    let Some(id) = id_in(tx, arn).await? else { return Ok(false) };
    sqlx::query("DELETE FROM channel_tags WHERE channel = ?").bind(id).execute(tx.connection()).await?;
    for (place, tag) in (0_i64..).zip(tags) {
        sqlx::query("INSERT INTO channel_tags (channel, place, key, value) VALUES (?, ?, ?, ?)")
            .bind(id)
            .bind(place)
            .bind(&tag.key)
            .bind(&tag.value)
            .execute(tx.connection())
            .await?;
    }
    Ok(true)
}

/// How putting events into a channel fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ingestion {
    /// When someone tried last.
    pub attempt_s: i64,
    /// The eventID of the last event tried.
    pub attempt_event_id: Option<String>,
    /// When an event was taken last.
    pub success_s: Option<i64>,
    /// The eventID of the last event taken.
    pub success_event_id: Option<String>,
    /// Why the last event refused was refused.
    pub error_code: Option<String>,
}

impl Ingestion {
    /// What is known after `later`: what that does not tell stays as it was.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        Self {
            attempt_s: later.attempt_s,
            attempt_event_id: later.attempt_event_id.or(self.attempt_event_id),
            success_s: later.success_s.or(self.success_s),
            success_event_id: later.success_event_id.or(self.success_event_id),
            error_code: later.error_code.or(self.error_code),
        }
    }
}

/// How putting events into a channel fares, if anyone tried.
pub async fn ingestion(catalog: &Catalog, arn: &str) -> Result<Option<Ingestion>, Error> {
    let query = sqlx::query("SELECT i.* FROM channel_ingestion i JOIN channels c ON c.id = i.channel WHERE c.arn = ?");
    let row = query.bind(arn).fetch_optional(catalog.readers()).await?;
    Ok(row.map(|row| Ingestion {
        attempt_s: row.get("attempt_s"),
        attempt_event_id: row.get("attempt_event_id"),
        success_s: row.get("success_s"),
        success_event_id: row.get("success_event_id"),
        error_code: row.get("error_code"),
    }))
}

/// Notes how putting events into a channel fared since it was noted last.
pub async fn note_ingestion(tx: &mut Tx, arn: &str, later: &Ingestion) -> Result<bool, Error> {
    let Some(id) = id_in(tx, arn).await? else { return Ok(false) };
    sqlx::query(
        "INSERT INTO channel_ingestion (channel, attempt_s, attempt_event_id, success_s, success_event_id, error_code)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (channel) DO UPDATE SET attempt_s = ?2, attempt_event_id = coalesce(?3, attempt_event_id),
         success_s = coalesce(?4, success_s), success_event_id = coalesce(?5, success_event_id),
         error_code = coalesce(?6, error_code)",
    )
    .bind(id)
    .bind(later.attempt_s)
    .bind(&later.attempt_event_id)
    .bind(later.success_s)
    .bind(&later.success_event_id)
    .bind(&later.error_code)
    .execute(tx.connection())
    .await?;
    Ok(true)
}

fn from_row(row: &SqliteRow) -> Result<Channel, Error> {
    let damaged = |column: &str, error: &dyn std::fmt::Display| Error::damaged(format!("a channel's {column}"), error);
    let config: Option<&str> = row.get("source_config");
    Ok(Channel {
        arn: row.get("arn"),
        account: row.get::<&str, _>("account").parse().map_err(|error| damaged("account", &error))?,
        region: row.get::<&str, _>("region").parse().map_err(|error| damaged("region", &error))?,
        name: row.get("name"),
        source: row.get("source"),
        source_config: config.map(serde_json::from_str).transpose().map_err(|error| damaged("source_config", &error))?,
        destinations: serde_json::from_str(row.get("destinations")).map_err(|error| damaged("destinations", &error))?,
        created_at_us: row.get("created_at_us"),
        updated_at_us: row.get("updated_at_us"),
    })
}

#[cfg(test)]
mod tests;
