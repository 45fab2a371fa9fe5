//! Runs of trails: what is between a StartLogging and the StopLogging or DeleteTrail that ends it.
//!
//! A run reads the journal behind a cursor of its own. Runs of one ARN follow each other: what one has delivered the next
//! does not, and the next begins its work when the one before has ended.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::trails::{self, Trail};
use crate::{Catalog, Error, Tx, cursors};

/// A run that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// The id of its trail.
    pub trail: i64,
    /// The trail's ARN.
    pub arn: String,
    /// The version of the trail that applies at the cursor.
    pub version: i64,
    /// When logging was started.
    pub start_s: i64,
    /// When logging was stopped; it goes on without it.
    pub stop_s: Option<i64>,
    /// What is before this position is still delivered; not known yet without it.
    pub stop_position: Option<u64>,
    /// The second from which the intervals of digests are counted; there are no digests without it.
    pub activation_s: Option<i64>,
    /// The latest second that a cut or the end of an interval bears.
    pub clock_s: i64,
}

impl Run {
    /// The name of its cursor.
    pub fn cursor(&self) -> String {
        cursor(&self.arn, self.id)
    }
}

fn cursor(arn: &str, run: i64) -> String {
    format!("trail/{arn}#{run}")
}

/// Begins a run of a trail with the journal position `from`, or where the run before it stops.
pub(crate) async fn begin(tx: &mut Tx, trail: &Trail, now_s: i64, from: u64) -> Result<(), Error> {
    stop_at(tx, &trail.arn, from).await?;
    let stopped: Option<i64> =
        sqlx::query_scalar("SELECT MAX(r.stop_position) FROM trail_runs r JOIN trails t ON t.id = r.trail WHERE t.arn = ?")
            .bind(&trail.arn)
            .fetch_one(tx.connection())
            .await?;
    let id = sqlx::query("INSERT INTO trail_runs (trail, version, start_s, clock_s) VALUES (?, ?, ?, ?)")
        .bind(trail.id)
        .bind(trail.version)
        .bind(now_s)
        .bind(now_s)
        .execute(tx.connection())
        .await?
        .last_insert_rowid();
    cursors::set(tx, &cursor(&trail.arn, id), from.max(stopped.unwrap_or(0) as u64)).await
}

/// Ends the active run of a trail, if it has one.
pub(crate) async fn stop(tx: &mut Tx, trail: i64, now_s: i64) -> Result<(), Error> {
    sqlx::query("UPDATE trail_runs SET stop_s = ? WHERE trail = ? AND stop_s IS NULL")
        .bind(now_s)
        .bind(trail)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Lets the stopped runs of an ARN that have no position yet end at `position`.
pub async fn stop_at(tx: &mut Tx, arn: &str, position: u64) -> Result<(), Error> {
    sqlx::query(
        "UPDATE trail_runs SET stop_position = ? WHERE stop_s IS NOT NULL AND stop_position IS NULL
         AND trail IN (SELECT id FROM trails WHERE arn = ?)",
    )
    .bind(position as i64)
    .bind(arn)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// [`stop_at`] for every ARN: what a start does with runs that were stopped just before the program ended.
pub async fn stop_all_at(tx: &mut Tx, position: u64) -> Result<(), Error> {
    sqlx::query("UPDATE trail_runs SET stop_position = ? WHERE stop_s IS NOT NULL AND stop_position IS NULL")
        .bind(position as i64)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The oldest run of an ARN that has not ended: the one whose turn it is.
pub async fn current(catalog: &Catalog, arn: &str) -> Result<Option<Run>, Error> {
    let query =
        sqlx::query("SELECT r.*, t.arn FROM trail_runs r JOIN trails t ON t.id = r.trail WHERE t.arn = ? ORDER BY r.id LIMIT 1");
    Ok(query.bind(arn).fetch_optional(catalog.readers()).await?.as_ref().map(from_row))
}

/// The run of this number, if it has not ended.
pub async fn get(catalog: &Catalog, id: i64) -> Result<Option<Run>, Error> {
    let query = sqlx::query("SELECT r.*, t.arn FROM trail_runs r JOIN trails t ON t.id = r.trail WHERE r.id = ?");
    Ok(query.bind(id).fetch_optional(catalog.readers()).await?.as_ref().map(from_row))
}

/// The ARNs that have runs which have not ended.
pub async fn arns(catalog: &Catalog) -> Result<Vec<String>, Error> {
    let query = sqlx::query_scalar("SELECT DISTINCT t.arn FROM trail_runs r JOIN trails t ON t.id = r.trail ORDER BY t.arn");
    Ok(query.fetch_all(catalog.readers()).await?)
}

/// Lets another version of the trail apply from the cursor on.
pub async fn adopt(tx: &mut Tx, run: &Run, version: i64) -> Result<(), Error> {
    sqlx::query("UPDATE trail_runs SET version = ? WHERE id = ?").bind(version).bind(run.id).execute(tx.connection()).await?;
    trails::prune_versions(tx, run.trail).await
}

/// Sets or clears the second from which intervals of digests are counted.
pub async fn activate(tx: &mut Tx, run: i64, activation_s: Option<i64>) -> Result<(), Error> {
    sqlx::query("UPDATE trail_runs SET activation_s = ? WHERE id = ?")
        .bind(activation_s)
        .bind(run)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Notes the latest second that a cut or the end of an interval bears.
pub async fn set_clock(tx: &mut Tx, run: i64, clock_s: i64) -> Result<(), Error> {
    sqlx::query("UPDATE trail_runs SET clock_s = MAX(clock_s, ?) WHERE id = ?")
        .bind(clock_s)
        .bind(run)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Ends a run that has handled everything before `position`; the next one of its ARN begins there at the earliest.
pub async fn end(tx: &mut Tx, run: &Run, position: u64) -> Result<(), Error> {
    cursors::remove(tx, &run.cursor()).await?;
    sqlx::query("DELETE FROM trail_runs WHERE id = ?").bind(run.id).execute(tx.connection()).await?;
    let next =
        sqlx::query_scalar("SELECT r.id FROM trail_runs r JOIN trails t ON t.id = r.trail WHERE t.arn = ? ORDER BY r.id LIMIT 1");
    if let Some(next) = next.bind(&run.arn).fetch_optional(tx.connection()).await? {
        sqlx::query("UPDATE cursors SET position = MAX(position, ?) WHERE name = ?")
            .bind(position as i64)
            .bind(cursor(&run.arn, next))
            .execute(tx.connection())
            .await?;
    }
    trails::prune_versions(tx, run.trail).await?;
    trails::sweep(tx, run.trail).await.map(drop)
}

fn from_row(row: &SqliteRow) -> Run {
    Run {
        id: row.get("id"),
        trail: row.get("trail"),
        arn: row.get("arn"),
        version: row.get("version"),
        start_s: row.get("start_s"),
        stop_s: row.get("stop_s"),
        stop_position: row.get::<Option<i64>, _>("stop_position").map(|position| position as u64),
        activation_s: row.get("activation_s"),
        clock_s: row.get("clock_s"),
    }
}
