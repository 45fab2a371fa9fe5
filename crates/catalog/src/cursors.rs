//! Cursors: where each follower of the journal stands.

use crate::{Catalog, Error, Tx};

/// The first position that follower `name` has not durably handled, if it has a cursor.
pub async fn get(catalog: &Catalog, name: &str) -> Result<Option<u64>, Error> {
    let position: Option<i64> =
        sqlx::query_scalar("SELECT position FROM cursors WHERE name = ?").bind(name).fetch_optional(catalog.readers()).await?;
    Ok(position.map(|p| p as u64))
}

/// Moves (or makes) the cursor of `name`.
pub async fn set(tx: &mut Tx, name: &str, position: u64) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO cursors (name, position) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position",
    )
    .bind(name)
    .bind(position as i64)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Removes the cursor of `name`: the journal is no longer kept for it.
pub async fn remove(tx: &mut Tx, name: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM cursors WHERE name = ?").bind(name).execute(tx.connection()).await?;
    Ok(())
}

/// The lowest cursor: what the journal must still hold. None without any cursor.
pub async fn min(catalog: &Catalog) -> Result<Option<u64>, Error> {
    let position: Option<i64> = sqlx::query_scalar("SELECT MIN(position) FROM cursors").fetch_one(catalog.readers()).await?;
    Ok(position.map(|p| p as u64))
}
