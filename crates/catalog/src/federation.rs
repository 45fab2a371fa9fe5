//! Federation of event data stores: whether a store's table is published for other query engines.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::{Catalog, Error, Tx};

/// How far a store is with its federation. A store without [`Federation`] is not federated: DISABLED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was asked for; the table is not published yet.
    Enabling,
    /// The table is published and kept up to date.
    Enabled,
    /// It was asked to end; what was published is not removed yet.
    Disabling,
}

impl Status {
    const ALL: [Self; 3] = [Self::Enabling, Self::Enabled, Self::Disabling];

    /// As stored, and as CloudTrail writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabling => "ENABLING",
            Self::Enabled => "ENABLED",
            Self::Disabling => "DISABLING",
        }
    }

    fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// What CloudTrail calls a store that is not federated.
pub const DISABLED: &str = "DISABLED";

/// The federation of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Federation {
    /// The store's UUID.
    pub store: String,
    /// The account that owns the store.
    pub account: String,
    /// How far it is.
    pub status: Status,
    /// The role that was named for it.
    pub role_arn: String,
}

/// All federations, by store.
pub async fn all(catalog: &Catalog) -> Result<Vec<Federation>, Error> {
    let rows = sqlx::query("SELECT store, account, status, role_arn FROM federations ORDER BY store")
        .fetch_all(catalog.readers())
        .await?;
    rows.iter().map(from_row).collect()
}

/// The federation of a store; None if it is DISABLED.
pub async fn find(catalog: &Catalog, store: &str) -> Result<Option<Federation>, Error> {
    let row = sqlx::query("SELECT store, account, status, role_arn FROM federations WHERE store = ?")
        .bind(store)
        .fetch_optional(catalog.readers())
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// The federation of a store, inside a transaction.
pub async fn find_in(tx: &mut Tx, store: &str) -> Result<Option<Federation>, Error> {
    let row = sqlx::query("SELECT store, account, status, role_arn FROM federations WHERE store = ?")
        .bind(store)
        .fetch_optional(tx.connection())
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// Puts down a federation, in place of what is there.
pub async fn put(tx: &mut Tx, federation: &Federation) -> Result<(), Error> {
    sqlx::query("INSERT OR REPLACE INTO federations (store, account, status, role_arn) VALUES (?, ?, ?, ?)")
        .bind(&federation.store)
        .bind(&federation.account)
        .bind(federation.status.as_str())
        .bind(&federation.role_arn)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Moves a federation from one status to another; false if it does not have the first.
pub async fn step(tx: &mut Tx, store: &str, from: Status, to: Status) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE federations SET status = ? WHERE store = ? AND status = ?")
        .bind(to.as_str())
        .bind(store)
        .bind(from.as_str())
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends a federation.
pub async fn remove(tx: &mut Tx, store: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM federations WHERE store = ?").bind(store).execute(tx.connection()).await?;
    Ok(())
}

fn from_row(row: &SqliteRow) -> Result<Federation, Error> {
    let store: String = row.get("store");
    let status: String = row.get("status");
    let status = Status::from_stored(&status)
        .ok_or_else(|| Error::damaged(format!("the federation of event data store {store}"), format!("status {status}")))?;
    Ok(Federation { status, account: row.get("account"), role_arn: row.get("role_arn"), store })
}
