//! Multipart uploads under way in local buckets, and their parts.

use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteExecutor};

use crate::objects::{self, KeyRange};
use crate::{Catalog, Error, Tx};

/// An upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: String,
    /// The bucket.
    pub bucket: String,
    /// The key the object will have.
    pub key: String,
    /// The account that began it: 12 digits.
    pub account: String,
    /// When it began.
    pub created_at_us: i64,
    /// What was said of the object when it began.
    pub wanted: Wanted,
}

/// What the object of an upload will be like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Its headers, metadata and tags.
    pub attributes: objects::Attributes,
    /// The algorithm its parts are checked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum_algorithm: Option<String>,
    /// Whether the object's checksum is one of the parts' checksums.
    #[serde(default)]
    pub composite: bool,
}

/// A part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its number.
    pub number: i32,
    /// The number of the file that holds its bytes.
    pub file: i64,
    /// Its bytes.
    pub size: u64,
    /// The entity tag, without quotes.
    pub etag: String,
    /// When it was put.
    pub modified_at_us: i64,
    /// Its checksum in base64, of the upload's algorithm.
    pub checksum: Option<String>,
}

/// Begins an upload.
pub async fn insert(tx: &mut Tx, upload: &Upload) -> Result<(), Error> {
    sqlx::query("INSERT INTO uploads (id, bucket, key, account, created_at_us, attributes) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(&upload.id)
        .bind(&upload.bucket)
        .bind(upload.key.as_bytes())
        .bind(&upload.account)
        .bind(upload.created_at_us)
        .bind(objects::render(&upload.wanted))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The upload with this id.
pub async fn find(catalog: &Catalog, id: &str) -> Result<Option<Upload>, Error> {
    find_with(catalog.readers(), id).await
}

/// The upload with this id, as the transaction sees it.
pub async fn find_in(tx: &mut Tx, id: &str) -> Result<Option<Upload>, Error> {
    find_with(tx.connection(), id).await
}

async fn find_with(executor: impl SqliteExecutor<'_>, id: &str) -> Result<Option<Upload>, Error> {
    let query = sqlx::query("SELECT id, bucket, key, account, created_at_us, attributes FROM uploads WHERE id = ?").bind(id);
    query.fetch_optional(executor).await?.map(|row| from_row(&row)).transpose()
}

/// Ends an upload: it and its parts are forgotten.
pub async fn remove(tx: &mut Tx, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM uploads WHERE id = ?").bind(id).execute(tx.connection()).await?;
    Ok(())
}

/// The uploads of a bucket with keys in a range, in order of key and id, at most `limit`. With `after`, the uploads for
/// the first key of the range whose ids come no later are left out.
pub async fn range(
    catalog: &Catalog,
    bucket: &str,
    range: &KeyRange,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Upload>, Error> {
    let rows = sqlx::query(
        "SELECT id, bucket, key, account, created_at_us, attributes FROM uploads
         WHERE bucket = ?1 AND key >= ?2 AND key < ?3 AND (?4 IS NULL OR key > ?2 OR id > ?4) ORDER BY key, id LIMIT ?5",
    )
    .bind(bucket)
    .bind(&range.from)
    .bind(&range.until)
    .bind(after)
    .bind(limit)
    .fetch_all(catalog.readers())
    .await?;
    rows.iter().map(from_row).collect()
}

/// The files of every upload of a bucket.
pub async fn files(tx: &mut Tx, bucket: &str) -> Result<Vec<i64>, Error> {
    let query =
        sqlx::query_scalar("SELECT parts.file FROM parts JOIN uploads ON uploads.id = parts.upload WHERE uploads.bucket = ?");
    Ok(query.bind(bucket).fetch_all(tx.connection()).await?)
}

/// Ends every upload of a bucket.
pub async fn remove_all(tx: &mut Tx, bucket: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM uploads WHERE bucket = ?").bind(bucket).execute(tx.connection()).await?;
    Ok(())
}

/// Adds a part; returns the file of the part it replaces.
pub async fn put_part(tx: &mut Tx, upload: &str, part: &Part) -> Result<Option<i64>, Error> {
    let replaced = sqlx::query_scalar("SELECT file FROM parts WHERE upload = ? AND number = ?")
        .bind(upload)
        .bind(part.number)
        .fetch_optional(tx.connection())
        .await?;
    sqlx::query(
        "INSERT INTO parts (upload, number, file, size, etag, modified_at_us, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (upload, number) DO UPDATE SET file = excluded.file, size = excluded.size, etag = excluded.etag,
             modified_at_us = excluded.modified_at_us, checksum = excluded.checksum",
    )
    .bind(upload)
    .bind(part.number)
    .bind(part.file)
    .bind(part.size as i64)
    .bind(&part.etag)
    .bind(part.modified_at_us)
    .bind(&part.checksum)
    .execute(tx.connection())
    .await?;
    Ok(replaced)
}

/// The parts of an upload with numbers above `after`, in order, at most `limit`.
pub async fn parts(catalog: &Catalog, upload: &str, after: i32, limit: u32) -> Result<Vec<Part>, Error> {
    parts_with(catalog.readers(), upload, after, limit).await
}

/// Every part of an upload in order, as the transaction sees it.
pub async fn parts_in(tx: &mut Tx, upload: &str) -> Result<Vec<Part>, Error> {
    parts_with(tx.connection(), upload, 0, u32::MAX).await
}

async fn parts_with(executor: impl SqliteExecutor<'_>, upload: &str, after: i32, limit: u32) -> Result<Vec<Part>, Error> {
    let rows = sqlx::query(
        "SELECT number, file, size, etag, modified_at_us, checksum FROM parts
         WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
    )
    .bind(upload)
    .bind(after)
    .bind(limit)
    .fetch_all(executor)
    .await?;
    Ok(rows.iter().map(part).collect())
}

fn from_row(row: &SqliteRow) -> Result<Upload, Error> {
    let (id, bucket): (String, String) = (row.get("id"), row.get("bucket"));
    let wanted: String = row.get("attributes");
    let wanted = serde_json::from_str(&wanted).map_err(|error| Error::damaged(format!("upload {id}"), error))?;
    let key = objects::key(&bucket, row)?;
    Ok(Upload { id, bucket, key, account: row.get("account"), created_at_us: row.get("created_at_us"), wanted })
}

fn part(row: &SqliteRow) -> Part {
    Part {
        number: row.get("number"),
        file: row.get("file"),
        size: row.get::<i64, _>("size") as u64,
        etag: row.get("etag"),
        modified_at_us: row.get("modified_at_us"),
        checksum: row.get("checksum"),
    }
}
