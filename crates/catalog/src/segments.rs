//! The segment files of event history that count.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::{Catalog, Error, Tx};

/// What a segment's events have in common: how long they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Events as they happened.
    Live,
    /// Imported ones.
    Imported,
}

/// A segment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its number; no two that count at one time have the same.
    pub id: u64,
    /// Its name in the folder of event history.
    pub file: String,
    /// How long its events are kept.
    pub family: Family,
    /// How many events it has.
    pub records: u64,
    /// Its size.
    pub bytes: u64,
    /// The greatest eventTime, in seconds since 1970.
    pub newest_s: i64,
    /// The least eventTime.
    pub oldest_s: i64,
    /// Its events stand in the journal at this position or after it …
    pub first_position: u64,
    /// … and before this one.
    pub end_position: u64,
}

/// All segments, by number.
pub async fn list(catalog: &Catalog) -> Result<Vec<Segment>, Error> {
    let rows = sqlx::query("SELECT * FROM history_segments ORDER BY id").fetch_all(catalog.readers()).await?;
    rows.iter().map(segment).collect()
}

/// Makes a segment count.
pub async fn insert(tx: &mut Tx, segment: &Segment) -> Result<(), Error> {
    sqlx::query("INSERT INTO history_segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(segment.id as i64)
        .bind(&segment.file)
        .bind(segment.family.as_str())
        .bind(segment.records as i64)
        .bind(segment.bytes as i64)
        .bind(segment.newest_s)
        .bind(segment.oldest_s)
        .bind(segment.first_position as i64)
        .bind(segment.end_position as i64)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Makes a segment count no longer.
pub async fn remove(tx: &mut Tx, id: u64) -> Result<(), Error> {
    sqlx::query("DELETE FROM history_segments WHERE id = ?").bind(id as i64).execute(tx.connection()).await?;
    Ok(())
}

impl Family {
    fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Imported => "imported",
        }
    }
}

fn segment(row: &SqliteRow) -> Result<Segment, Error> {
    let number = |column: &str| row.try_get::<i64, _>(column).map(|value| value as u64);
    let family = match row.try_get("family")? {
        "live" => Family::Live,
        "imported" => Family::Imported,
        other => return Err(Error::damaged("history_segments.family", other)),
    };
    Ok(Segment {
        id: number("id")?,
        file: row.try_get("file")?,
        family,
        records: number("records")?,
        bytes: number("bytes")?,
        newest_s: row.try_get("newest_s")?,
        oldest_s: row.try_get("oldest_s")?,
        first_position: number("first_position")?,
        end_position: number("end_position")?,
    })
}

#[cfg(test)]
mod tests;
