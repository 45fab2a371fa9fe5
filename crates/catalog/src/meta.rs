//! Small facts about the installation, by name.

use crate::{Catalog, Error, Tx};

/// The value of `name`.
pub async fn get(catalog: &Catalog, name: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(sqlx::query_scalar("SELECT value FROM meta WHERE name = ?").bind(name).fetch_optional(catalog.readers()).await?)
}

/// Sets the value of `name`.
pub async fn set(tx: &mut Tx, name: &str, value: &[u8]) -> Result<(), Error> {
    sqlx::query("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(name)
        .bind(value)
        .execute(tx.connection())
        .await?;
    Ok(())
}
