//! The data files of event data stores that count.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::{Catalog, Error, Tx};

/// A data file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its number, never given again; 0 before it was inserted.
    pub id: u64,
    /// The store's UUID.
    pub store: String,
    /// Its path below the store's folder.
    pub path: String,
    /// The day of its events, in days since 1970.
    pub day: i32,
    /// Whether it was made of other files.
    pub merged: bool,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The least eventTime, in microseconds since 1970.
    pub oldest_us: i64,
    /// The greatest eventTime.
    pub newest_us: i64,
    /// Its events stand in the journal at this position or after it …
    pub first_position: u64,
    /// … and before this one.
    pub end_position: u64,
    /// Which columns it has: the version of the schema it was written with.
    pub format: u32,
    /// What its blocks sum up to, as the lake writes it.
    pub checksums: Vec<u8>,
}

/// The files of a store, by number.
pub async fn list(catalog: &Catalog, store: &str) -> Result<Vec<File>, Error> {
    let rows =
        sqlx::query("SELECT * FROM lake_files WHERE store = ? ORDER BY id").bind(store).fetch_all(catalog.readers()).await?;
    rows.iter().map(file).collect()
}

/// Makes a file count; tells its number.
pub async fn insert(tx: &mut Tx, file: &File) -> Result<u64, Error> {
    let inserted = sqlx::query(
        "INSERT INTO lake_files (store, path, day, merged, rows, bytes, oldest_us, newest_us, first_position, end_position, \
         format, checksums) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&file.store)
    .bind(&file.path)
    .bind(file.day)
    .bind(file.merged)
    .bind(file.rows as i64)
    .bind(file.bytes as i64)
    .bind(file.oldest_us)
    .bind(file.newest_us)
    .bind(file.first_position as i64)
    .bind(file.end_position as i64)
    .bind(file.format)
    .bind(&file.checksums)
    .execute(tx.connection())
    .await?;
    Ok(inserted.last_insert_rowid() as u64)
}

/// Makes a file count no longer.
pub async fn remove(tx: &mut Tx, id: u64) -> Result<(), Error> {
    sqlx::query("DELETE FROM lake_files WHERE id = ?").bind(id as i64).execute(tx.connection()).await?;
    Ok(())
}

/// Makes no file of a store count any longer.
pub async fn remove_all(tx: &mut Tx, store: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM lake_files WHERE store = ?").bind(store).execute(tx.connection()).await?;
    Ok(())
}

fn file(row: &SqliteRow) -> Result<File, Error> {
    let number = |column: &str| row.try_get::<i64, _>(column).map(|value| value as u64);
    Ok(File {
        id: number("id")?,
        store: row.try_get("store")?,
        path: row.try_get("path")?,
        day: row.try_get("day")?,
        merged: row.try_get("merged")?,
        rows: number("rows")?,
        bytes: number("bytes")?,
        oldest_us: row.try_get("oldest_us")?,
        newest_us: row.try_get("newest_us")?,
        first_position: number("first_position")?,
        end_position: number("end_position")?,
        format: row.try_get("format")?,
        checksums: row.try_get("checksums")?,
    })
}

#[cfg(test)]
mod tests;
