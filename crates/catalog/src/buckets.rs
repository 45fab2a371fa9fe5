//! Local buckets: their owners, their settings, and the prefixes trails deliver under.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteExecutor};

use crate::{Catalog, Error, Tx};

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name, unique in the installation.
    pub name: String,
    /// The account that owns it: 12 digits.
    pub account: String,
    /// The Region it was made in.
    pub region: String,
    /// When it was made.
    pub created_at_us: i64,
}

/// What can be set on a bucket; each is a document the server writes and reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The bucket policy, as it was sent.
    Policy,
    /// Tags.
    Tagging,
    /// The public access block.
    PublicAccessBlock,
    /// Who owns what others upload.
    OwnershipControls,
}

impl Setting {
    fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Tagging => "tagging",
            Self::PublicAccessBlock => "public_access_block",
            Self::OwnershipControls => "ownership_controls",
        }
    }
}

/// Adds a bucket; its name must be free.
pub async fn insert(tx: &mut Tx, bucket: &Bucket) -> Result<(), Error> {
    sqlx::query("INSERT INTO buckets (name, account, region, created_at_us) VALUES (?, ?, ?, ?)")
        .bind(&bucket.name)
        .bind(&bucket.account)
        .bind(&bucket.region)
        .bind(bucket.created_at_us)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The bucket of this name.
pub async fn find(catalog: &Catalog, name: &str) -> Result<Option<Bucket>, Error> {
    find_with(catalog.readers(), name).await
}

/// The bucket of this name, as the transaction sees it.
pub async fn find_in(tx: &mut Tx, name: &str) -> Result<Option<Bucket>, Error> {
    find_with(tx.connection(), name).await
}

async fn find_with(executor: impl SqliteExecutor<'_>, name: &str) -> Result<Option<Bucket>, Error> {
    let query = sqlx::query("SELECT name, account, region, created_at_us FROM buckets WHERE name = ?").bind(name);
    Ok(query.fetch_optional(executor).await?.map(|row| from_row(&row)))
}

/// The buckets of an account whose names begin with `prefix` and come after `after`, in order of names, at most `limit`.
pub async fn list(catalog: &Catalog, account: &str, prefix: &str, after: &str, limit: u32) -> Result<Vec<Bucket>, Error> {
    // Names are ASCII: `~` comes after every character they may have.
    let rows = sqlx::query(
        "SELECT name, account, region, created_at_us FROM buckets
         WHERE account = ? AND name >= ? AND name < ? AND name > ? ORDER BY name LIMIT ?",
    )
    .bind(account)
    .bind(prefix)
    .bind(format!("{prefix}~"))
    .bind(after)
    .bind(limit)
    .fetch_all(catalog.readers())
    .await?;
    Ok(rows.iter().map(from_row).collect())
}

/// How many buckets an account has.
pub async fn count(tx: &mut Tx, account: &str) -> Result<u32, Error> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM buckets WHERE account = ?").bind(account).fetch_one(tx.connection()).await?)
}

/// Removes a bucket and its settings. It must hold no object and no upload.
pub async fn remove(tx: &mut Tx, name: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM buckets WHERE name = ?").bind(name).execute(tx.connection()).await?;
    Ok(())
}

/// What is set on a bucket.
pub async fn setting(catalog: &Catalog, bucket: &str, setting: Setting) -> Result<Option<String>, Error> {
    setting_with(catalog.readers(), bucket, setting).await
}

/// What is set on a bucket, as the transaction sees it.
pub async fn setting_in(tx: &mut Tx, bucket: &str, setting: Setting) -> Result<Option<String>, Error> {
    setting_with(tx.connection(), bucket, setting).await
}

async fn setting_with(executor: impl SqliteExecutor<'_>, bucket: &str, setting: Setting) -> Result<Option<String>, Error> {
    let query = sqlx::query_scalar("SELECT value FROM bucket_settings WHERE bucket = ? AND name = ?");
    Ok(query.bind(bucket).bind(setting.as_str()).fetch_optional(executor).await?)
}

/// Sets or, with None, clears a setting of a bucket.
pub async fn set(tx: &mut Tx, bucket: &str, setting: Setting, value: Option<&str>) -> Result<(), Error> {
    let query = match value {
        Some(value) => sqlx::query(
            "INSERT INTO bucket_settings (bucket, name, value) VALUES (?, ?, ?)
             ON CONFLICT (bucket, name) DO UPDATE SET value = excluded.value",
        )
        .bind(bucket)
        .bind(setting.as_str())
        .bind(value),
        None => sqlx::query("DELETE FROM bucket_settings WHERE bucket = ? AND name = ?").bind(bucket).bind(setting.as_str()),
    };
    query.execute(tx.connection()).await?;
    Ok(())
}

/// Notes that a trail delivers below `{prefix}AWSLogs/` of a bucket; `prefix` is empty or ends with a slash.
/// Noting it twice changes nothing.
pub async fn protect(tx: &mut Tx, bucket: &str, prefix: &str) -> Result<(), Error> {
    sqlx::query("INSERT INTO protected_prefixes (bucket, prefix) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(bucket)
        .bind(prefix)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The prefixes of a bucket that trails deliver or have delivered under.
pub async fn protected(catalog: &Catalog, bucket: &str) -> Result<Vec<String>, Error> {
    protected_with(catalog.readers(), bucket).await
}

/// [`protected`], as the transaction sees it.
pub async fn protected_in(tx: &mut Tx, bucket: &str) -> Result<Vec<String>, Error> {
    protected_with(tx.connection(), bucket).await
}

async fn protected_with(executor: impl SqliteExecutor<'_>, bucket: &str) -> Result<Vec<String>, Error> {
    let query = sqlx::query_scalar("SELECT prefix FROM protected_prefixes WHERE bucket = ? ORDER BY prefix");
    Ok(query.bind(bucket).fetch_all(executor).await?)
}

fn from_row(row: &SqliteRow) -> Bucket {
    Bucket {
        name: row.get("name"),
        account: row.get("account"),
        region: row.get("region"),
        created_at_us: row.get("created_at_us"),
    }
}

#[cfg(test)]
mod tests;
