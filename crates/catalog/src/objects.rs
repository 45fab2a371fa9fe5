//! The key index of local buckets: which object has which key, and the file that holds its bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteExecutor};

use crate::{Catalog, Error, Tx};

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The number of the file that holds its bytes.
    pub file: i64,
    /// Its bytes.
    pub size: u64,
    /// The entity tag, without quotes.
    pub etag: String,
    /// When it was put.
    pub modified_at_us: i64,
    /// Everything that listings do not show.
    pub attributes: Attributes,
}

/// What else is kept of an object: the headers it is answered with, tags, checksums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attributes {
    /// Content-Type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Content-Encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// Content-Language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// Content-Disposition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// Cache-Control.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// Expires, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<i64>,
    /// User metadata: names in lower case, without `x-amz-meta-`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The checksum of the whole object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// The parts a multipart upload was completed with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartOfObject>,
}

/// A checksum as S3 shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// `CRC32`, `CRC32C`, `CRC64NVME`, `SHA1` or `SHA256`.
    pub algorithm: String,
    /// Base64; a composite one ends with `-` and the number of parts.
    pub value: String,
    /// Whether it is one of the parts' checksums, not of the bytes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub composite: bool,
}

/// A part that an object was put together from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartOfObject {
    /// Its number.
    pub number: i32,
    /// Its bytes.
    pub size: u64,
    /// Its checksum in base64, of the object's algorithm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// An object as listings show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub size: u64,
    /// The entity tag, without quotes.
    pub etag: String,
    /// When it was put.
    pub modified_at_us: i64,
}

/// A range of keys, as bytes, because its ends need not be UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key.
    pub from: Vec<u8>,
    /// The first key beyond.
    pub until: Vec<u8>,
}

/// The object with this key.
pub async fn find(catalog: &Catalog, bucket: &str, key: &str) -> Result<Option<Object>, Error> {
    find_with(catalog.readers(), bucket, key).await
}

/// The object with this key, as the transaction sees it.
pub async fn find_in(tx: &mut Tx, bucket: &str, key: &str) -> Result<Option<Object>, Error> {
    find_with(tx.connection(), bucket, key).await
}

async fn find_with(executor: impl SqliteExecutor<'_>, bucket: &str, key: &str) -> Result<Option<Object>, Error> {
    let row = sqlx::query("SELECT file, size, etag, modified_at_us, attributes FROM objects WHERE bucket = ? AND key = ?")
        .bind(bucket)
        .bind(key.as_bytes())
        .fetch_optional(executor)
        .await?;
    row.map(|row| from_row(bucket, key, &row)).transpose()
}

/// Gives a key to an object; an object that had it is replaced.
pub async fn put(tx: &mut Tx, bucket: &str, key: &str, object: &Object) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO objects (bucket, key, file, size, etag, modified_at_us, attributes) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (bucket, key) DO UPDATE SET file = excluded.file, size = excluded.size, etag = excluded.etag,
             modified_at_us = excluded.modified_at_us, attributes = excluded.attributes",
    )
    .bind(bucket)
    .bind(key.as_bytes())
    .bind(object.file)
    .bind(object.size as i64)
    .bind(&object.etag)
    .bind(object.modified_at_us)
    .bind(render(&object.attributes))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Removes the object with this key, if there is one.
pub async fn remove(tx: &mut Tx, bucket: &str, key: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM objects WHERE bucket = ? AND key = ?")
        .bind(bucket)
        .bind(key.as_bytes())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Whether a bucket holds an object.
pub async fn any(tx: &mut Tx, bucket: &str) -> Result<bool, Error> {
    let found: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM objects WHERE bucket = ?)")
        .bind(bucket)
        .fetch_one(tx.connection())
        .await?;
    Ok(found)
}

/// The first objects of a range, in order of keys, at most `limit`.
pub async fn range(catalog: &Catalog, bucket: &str, range: &KeyRange, limit: u32) -> Result<Vec<Listed>, Error> {
    let rows = sqlx::query(
        "SELECT key, size, etag, modified_at_us FROM objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?",
    )
    .bind(bucket)
    .bind(&range.from)
    .bind(&range.until)
    .bind(limit)
    .fetch_all(catalog.readers())
    .await?;
    rows.iter().map(|row| listed(bucket, row)).collect()
}

/// Whether an object or a part holds its bytes in this file.
pub async fn holds_file(catalog: &Catalog, file: i64) -> Result<bool, Error> {
    let held: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM objects WHERE file = ?1) OR EXISTS (SELECT 1 FROM parts WHERE file = ?1)",
    )
    .bind(file)
    .fetch_one(catalog.readers())
    .await?;
    Ok(held)
}

/// The highest number of a file in use.
pub async fn last_file(catalog: &Catalog) -> Result<i64, Error> {
    let last: i64 = sqlx::query_scalar(
        "SELECT MAX(COALESCE((SELECT MAX(file) FROM objects), 0), COALESCE((SELECT MAX(file) FROM parts), 0))",
    )
    .fetch_one(catalog.readers())
    .await?;
    Ok(last)
}

pub(crate) fn render<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("maps with text keys, numbers and texts always render")
}

pub(crate) fn key(bucket: &str, row: &SqliteRow) -> Result<String, Error> {
    String::from_utf8(row.get("key")).map_err(|error| Error::damaged(format!("a key of bucket {bucket}"), error))
}

fn from_row(bucket: &str, key: &str, row: &SqliteRow) -> Result<Object, Error> {
    let attributes: String = row.get("attributes");
    let attributes =
        serde_json::from_str(&attributes).map_err(|error| Error::damaged(format!("object {bucket}/{key}"), error))?;
    Ok(Object {
        file: row.get("file"),
        size: row.get::<i64, _>("size") as u64,
        etag: row.get("etag"),
        modified_at_us: row.get("modified_at_us"),
        attributes,
    })
}

fn listed(bucket: &str, row: &SqliteRow) -> Result<Listed, Error> {
    Ok(Listed {
        key: key(bucket, row)?,
        size: row.get::<i64, _>("size") as u64,
        etag: row.get("etag"),
        modified_at_us: row.get("modified_at_us"),
    })
}

#[cfg(test)]
mod tests;
