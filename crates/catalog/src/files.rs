//! Log files, from their cut until the digest that lists them is delivered.

use cloudtrail::account::AccountId;
use cloudtrail::region::Region;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::{Catalog, Error, Tx};

/// A log file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its number: files are delivered in this order. 0 before it is inserted.
    pub id: i64,
    /// The id of the trail.
    pub trail: i64,
    /// The digest chain that lists it; none when it was cut without validation.
    pub chain: Option<i64>,
    /// Whose events.
    pub account: AccountId,
    /// Where they were recorded.
    pub region: Region,
    /// The bucket it goes to.
    pub bucket: String,
    /// Its key there.
    pub key: String,
    /// The name of the file on disk while it waits; none once it is delivered.
    pub spool: Option<String>,
    /// Its size, compressed.
    pub bytes: u64,
    /// The SHA-256 of its content before compression.
    pub sha256: [u8; 32],
    /// How many events it holds.
    pub events: u64,
    /// The newest eventTime in it.
    pub newest_s: i64,
    /// The oldest.
    pub oldest_s: i64,
    /// When it was cut.
    pub cut_at_s: i64,
}

/// Files of a trail that go to one bucket and are of one account and Region: they go one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    /// The bucket.
    pub bucket: String,
    /// Whose events.
    pub account: AccountId,
    /// Where they were recorded.
    pub region: Region,
}

/// What waits on disk for a trail's bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Files.
    pub files: u64,
    /// Their size, compressed.
    pub bytes: u64,
    /// When the oldest of them was cut.
    pub oldest_cut_s: Option<i64>,
}

/// Adds a file; returns its number.
pub async fn insert(tx: &mut Tx, file: &File) -> Result<i64, Error> {
    let done = sqlx::query(
        "INSERT INTO files (trail, chain, account, region, bucket, key, spool, bytes, sha256, events, newest_s, oldest_s, cut_at_s)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(file.trail)
    .bind(file.chain)
    .bind(file.account.as_str())
    .bind(file.region.as_str())
    .bind(&file.bucket)
    .bind(&file.key)
    .bind(&file.spool)
    .bind(file.bytes as i64)
    .bind(file.sha256.as_slice())
    .bind(file.events as i64)
    .bind(file.newest_s)
    .bind(file.oldest_s)
    .bind(file.cut_at_s)
    .execute(tx.connection())
    .await?;
    Ok(done.last_insert_rowid())
}

/// The lanes of a trail in which files wait.
pub async fn lanes(catalog: &Catalog, trail: i64) -> Result<Vec<Lane>, Error> {
    let query = sqlx::query("SELECT DISTINCT bucket, account, region FROM files WHERE trail = ? AND spool IS NOT NULL");
    let rows = query.bind(trail).fetch_all(catalog.readers()).await?;
    rows.iter()
        .map(|row| Ok(Lane { bucket: row.get("bucket"), account: parse(row, "account")?, region: parse(row, "region")? }))
        .collect()
}

/// The oldest file that waits in a lane of a trail.
pub async fn oldest(catalog: &Catalog, trail: i64, lane: &Lane) -> Result<Option<File>, Error> {
    let query = sqlx::query(
        "SELECT * FROM files WHERE trail = ? AND bucket = ? AND account = ? AND region = ? AND spool IS NOT NULL
         ORDER BY id LIMIT 1",
    );
    let query = query.bind(trail).bind(&lane.bucket).bind(lane.account.as_str()).bind(lane.region.as_str());
    query.fetch_optional(catalog.readers()).await?.as_ref().map(from_row).transpose()
}

/// Marks a file as delivered. One that no digest is to list is forgotten.
pub async fn delivered(tx: &mut Tx, id: i64) -> Result<(), Error> {
    sqlx::query("UPDATE files SET spool = NULL WHERE id = ?").bind(id).execute(tx.connection()).await?;
    sqlx::query("DELETE FROM files WHERE id = ? AND chain IS NULL").bind(id).execute(tx.connection()).await?;
    Ok(())
}

/// Sends a file that waits elsewhere.
pub async fn redirect(tx: &mut Tx, id: i64, bucket: &str, key: &str) -> Result<(), Error> {
    sqlx::query("UPDATE files SET bucket = ?, key = ? WHERE id = ? AND spool IS NOT NULL")
        .bind(bucket)
        .bind(key)
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// What waits for a trail.
pub async fn backlog(catalog: &Catalog, trail: i64) -> Result<Backlog, Error> {
    let query = sqlx::query(
        "SELECT COUNT(*) AS files, coalesce(SUM(bytes), 0) AS bytes, MIN(cut_at_s) AS oldest_cut_s FROM files
         WHERE trail = ? AND spool IS NOT NULL",
    );
    let row = query.bind(trail).fetch_one(catalog.readers()).await?;
    let unsigned = |column: &str| row.get::<i64, _>(column) as u64;
    Ok(Backlog { files: unsigned("files"), bytes: unsigned("bytes"), oldest_cut_s: row.get("oldest_cut_s") })
}

/// Whether a file of this name on disk is waited for.
pub async fn is_spooled(catalog: &Catalog, spool: &str) -> Result<bool, Error> {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM files WHERE spool = ?)");
    Ok(query.bind(spool).fetch_one(catalog.readers()).await?)
}

/// The files that a digest lists, in the order of their cuts.
pub async fn of_digest(catalog: &Catalog, digest: i64) -> Result<Vec<File>, Error> {
    let query = sqlx::query("SELECT * FROM files WHERE digest = ? ORDER BY id");
    query.bind(digest).fetch_all(catalog.readers()).await?.iter().map(from_row).collect()
}

fn from_row(row: &SqliteRow) -> Result<File, Error> {
    let sha256: Vec<u8> = row.get("sha256");
    Ok(File {
        id: row.get("id"),
        trail: row.get("trail"),
        chain: row.get("chain"),
        account: parse(row, "account")?,
        region: parse(row, "region")?,
        bucket: row.get("bucket"),
        key: row.get("key"),
        spool: row.get("spool"),
        bytes: row.get::<i64, _>("bytes") as u64,
        sha256: sha256.try_into().map_err(|_| Error::damaged("a file's sha256", "it does not have 32 bytes"))?,
        events: row.get::<i64, _>("events") as u64,
        newest_s: row.get("newest_s"),
        oldest_s: row.get("oldest_s"),
        cut_at_s: row.get("cut_at_s"),
    })
}

/// A text column that has a type of its own.
pub(crate) fn parse<T: std::str::FromStr<Err: ToString>>(row: &SqliteRow, column: &str) -> Result<T, Error> {
    row.get::<&str, _>(column).parse().map_err(|error: T::Err| Error::damaged(column, error))
}
