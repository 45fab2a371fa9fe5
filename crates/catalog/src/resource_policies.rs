//! Policies attached to channels and event data stores, as they were given; at most one to a resource.

use sqlx::SqliteExecutor;

use crate::{Catalog, Error, Tx};

/// Attaches a policy to the resource of that ARN in the place of the one it has.
pub async fn put(tx: &mut Tx, arn: &str, policy: &str, now_us: i64) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO resource_policies (arn, policy, updated_at_us) VALUES (?1, ?2, ?3)
         ON CONFLICT (arn) DO UPDATE SET policy = ?2, updated_at_us = ?3",
    )
    .bind(arn)
    .bind(policy)
    .bind(now_us)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes the policy away from the resource of that ARN; false when it has none.
pub async fn remove(tx: &mut Tx, arn: &str) -> Result<bool, Error> {
    let done = sqlx::query("DELETE FROM resource_policies WHERE arn = ?").bind(arn).execute(tx.connection()).await?;
    Ok(done.rows_affected() > 0)
}

/// The policy of the resource of that ARN.
pub async fn get(catalog: &Catalog, arn: &str) -> Result<Option<String>, Error> {
    get_with(catalog.readers(), arn).await
}

/// The policy of the resource of that ARN, as the transaction sees it.
pub async fn get_in(tx: &mut Tx, arn: &str) -> Result<Option<String>, Error> {
    get_with(tx.connection(), arn).await
}

async fn get_with(executor: impl SqliteExecutor<'_>, arn: &str) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar("SELECT policy FROM resource_policies WHERE arn = ?").bind(arn).fetch_optional(executor).await?)
}

#[cfg(test)]
mod tests;
