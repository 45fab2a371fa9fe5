//! Sessions: temporary credentials that were given out, by their access key, so that who uses them is known.

use cloudtrail::record::Principal;
use serde::{Deserialize, Serialize};

use crate::{Catalog, Error, Tx};

/// What is known of temporary credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who uses them, as records of their calls say.
    pub principal: Principal,
    /// Session tags that go along when it assumes another role: name and value.
    pub transitive_tags: Vec<(String, String)>,
    /// All its session tags, those that came along among them.
    pub tags: Vec<(String, String)>,
    /// The call that made it: `AssumeRole`.
    pub made_by: String,
    /// Who made that call, if that was known: the link before it in a chain of roles.
    pub caller: Option<Principal>,
}

/// Keeps what is known of the credentials with that access key until they expire.
pub async fn put(tx: &mut Tx, access_key_id: &str, session: &Session, expires_at_s: i64) -> Result<(), Error> {
    let json = serde_json::to_string(session).map_err(|error| Error::damaged(what(access_key_id), error))?;
    sqlx::query("INSERT OR REPLACE INTO sessions (access_key_id, session, expires_at_s) VALUES (?, ?, ?)")
        .bind(access_key_id)
        .bind(json)
        .bind(expires_at_s)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// What is known of the credentials with that access key.
pub async fn get(catalog: &Catalog, access_key_id: &str) -> Result<Option<Session>, Error> {
    let json: Option<String> = sqlx::query_scalar("SELECT session FROM sessions WHERE access_key_id = ?")
        .bind(access_key_id)
        .fetch_optional(catalog.readers())
        .await?;
    json.map(|json| serde_json::from_str(&json).map_err(|error| Error::damaged(what(access_key_id), error))).transpose()
}

/// Forgets credentials that expired before `before_s`; returns how many.
pub async fn purge(tx: &mut Tx, before_s: i64) -> Result<u64, Error> {
    let done = sqlx::query("DELETE FROM sessions WHERE expires_at_s < ?").bind(before_s).execute(tx.connection()).await?;
    Ok(done.rows_affected())
}

fn what(access_key_id: &str) -> String {
    format!("session {access_key_id}")
}

#[cfg(test)]
mod tests;
