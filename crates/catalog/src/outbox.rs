//! The outbox: records of calls that changed something, on their way into the journal.
//!
//! A record is pushed in the transaction of the change, so that there is no change without its record, and removed once
//! the journal has it. A record that was journaled but not removed is sent again; its eventID makes it a duplicate.

use sqlx::Row as _;

use crate::{Catalog, Error, Tx};

/// Records read at a time.
pub const PAGE: u32 = 256;

/// A record waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its place: records leave in this order.
    pub id: i64,
    /// The record's bytes.
    pub record: Vec<u8>,
}

/// Adds a record to the transaction that makes the change it tells of; returns its place.
pub async fn push(tx: &mut Tx, record: &[u8]) -> Result<i64, Error> {
    let done = sqlx::query("INSERT INTO outbox (record) VALUES (?)").bind(record).execute(tx.connection()).await?;
    Ok(done.last_insert_rowid())
}

/// The oldest records waiting behind place `after`, at most [`PAGE`].
pub async fn oldest(catalog: &Catalog, after: i64) -> Result<Vec<Waiting>, Error> {
    let query = sqlx::query("SELECT id, record FROM outbox WHERE id > ? ORDER BY id LIMIT ?");
    let rows = query.bind(after).bind(PAGE).fetch_all(catalog.readers()).await?;
    Ok(rows.iter().map(|row| Waiting { id: row.get("id"), record: row.get("record") }).collect())
}

/// Removes every record up to and with place `id`.
pub async fn remove_through(tx: &mut Tx, id: i64) -> Result<(), Error> {
    sqlx::query("DELETE FROM outbox WHERE id <= ?").bind(id).execute(tx.connection()).await?;
    Ok(())
}
