//! What is published of an event data store's table as Apache Iceberg: its snapshots, manifests and files.
//!
//! The files themselves lie in the table's metadata folder; what the catalog names is in force, and nothing else is.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::{Catalog, Error, Tx};

/// A published table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The number of the last metadata file.
    pub version: i64,
    /// The number of the last snapshot.
    pub sequence: i64,
    /// The name of the metadata file in force; None if nothing is published.
    pub metadata: Option<String>,
    /// When it was published.
    pub published_at_us: i64,
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its number.
    pub sequence: i64,
    /// Its id.
    pub id: i64,
    /// The id of the one before it.
    pub parent: Option<i64>,
    /// When it was made, in milliseconds.
    pub at_ms: i64,
    /// Its summary: a JSON object of texts.
    pub summary: String,
    /// The name of its manifest list.
    pub list: String,
}

/// A manifest of the last snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: i64,
    /// The number of the snapshot that wrote it.
    pub sequence: i64,
    /// The id of the snapshot that wrote it.
    pub snapshot: i64,
    /// What the manifest list says of its files, in JSON.
    pub content: String,
}

/// A data file of the last snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path below the table's folder.
    pub path: String,
    /// The name of the manifest that lists it.
    pub manifest: String,
    /// The id of the snapshot that added it.
    pub snapshot: i64,
    /// The number of the snapshot that added it.
    pub sequence: i64,
    /// The day of its events, in days since 1970.
    pub day: i32,
    /// Its rows.
    pub rows: i64,
    /// Its size.
    pub bytes: i64,
}

/// A file of the metadata folder that nothing in force names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Its name.
    pub name: String,
    /// From when on it may be removed.
    pub until_us: i64,
}

/// All that is published of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// The table.
    pub table: Table,
    /// Its snapshots, in order.
    pub snapshots: Vec<Snapshot>,
    /// The manifests of the last one.
    pub manifests: Vec<Manifest>,
    /// The files of the last one, by path.
    pub files: Vec<File>,
}

/// What a publication changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The table from then on.
    pub table: Table,
    /// New snapshots.
    pub snapshots: Vec<Snapshot>,
    /// Snapshots with lower numbers than this are forgotten.
    pub first_sequence: i64,
    /// New manifests.
    pub manifests: Vec<Manifest>,
    /// Manifests that the last snapshot does not have, by name.
    pub manifests_gone: Vec<String>,
    /// New files, each with its record in its manifest; a file that is there already moves to another manifest.
    pub files: Vec<(File, Vec<u8>)>,
    /// Files that the last snapshot does not have, by path.
    pub files_gone: Vec<String>,
    /// What is not in force any more.
    pub leftovers: Vec<Leftover>,
}

/// The table of a store; the default if it was never published.
pub async fn table(catalog: &Catalog, store: &str) -> Result<Table, Error> {
    let row = sqlx::query("SELECT version, sequence, metadata, published_at_us FROM iceberg_tables WHERE store = ?")
        .bind(store)
        .fetch_optional(catalog.readers())
        .await?;
    Ok(row.map_or_else(Table::default, |row| Table {
        version: row.get("version"),
        sequence: row.get("sequence"),
        metadata: row.get("metadata"),
        published_at_us: row.get("published_at_us"),
    }))
}

/// All that is published of a store's table. The publisher, who alone changes it, reads it once.
pub async fn published(catalog: &Catalog, store: &str) -> Result<Published, Error> {
    let snapshots = sqlx::query("SELECT * FROM iceberg_snapshots WHERE store = ? ORDER BY sequence").bind(store);
    let manifests = sqlx::query("SELECT * FROM iceberg_manifests WHERE store = ? ORDER BY name").bind(store);
    let files = sqlx::query(
        "SELECT path, manifest, snapshot, sequence, day, rows, bytes FROM iceberg_files WHERE store = ? ORDER BY path",
    )
    .bind(store);
    Ok(Published {
        table: table(catalog, store).await?,
        snapshots: snapshots.fetch_all(catalog.readers()).await?.iter().map(snapshot).collect(),
        manifests: manifests.fetch_all(catalog.readers()).await?.iter().map(manifest).collect(),
        files: files.fetch_all(catalog.readers()).await?.iter().map(file).collect(),
    })
}

/// The files that a manifest lists, each with its record there, by path.
pub async fn entries(catalog: &Catalog, store: &str, manifest: &str) -> Result<Vec<(File, Vec<u8>)>, Error> {
    let rows = sqlx::query("SELECT * FROM iceberg_files WHERE store = ? AND manifest = ? ORDER BY path")
        .bind(store)
        .bind(manifest)
        .fetch_all(catalog.readers())
        .await?;
    Ok(rows.iter().map(|row| (file(row), row.get("entry"))).collect())
}

/// Puts a publication in force.
pub async fn publish(tx: &mut Tx, store: &str, change: &Change) -> Result<(), Error> {
    put_table(tx, store, &change.table).await?;
    sqlx::query("DELETE FROM iceberg_snapshots WHERE store = ? AND sequence < ?")
        .bind(store)
        .bind(change.first_sequence)
        .execute(tx.connection())
        .await?;
    for snapshot in &change.snapshots {
        insert_snapshot(tx, store, snapshot).await?;
    }
    for name in &change.manifests_gone {
        sqlx::query("DELETE FROM iceberg_manifests WHERE store = ? AND name = ?")
            .bind(store)
            .bind(name)
            .execute(tx.connection())
            .await?;
    }
    for manifest in &change.manifests {
        insert_manifest(tx, store, manifest).await?;
    }
    for path in &change.files_gone {
        sqlx::query("DELETE FROM iceberg_files WHERE store = ? AND path = ?")
            .bind(store)
            .bind(path)
            .execute(tx.connection())
            .await?;
    }
    for (file, entry) in &change.files {
        put_file(tx, store, file, entry).await?;
    }
    for leftover in &change.leftovers {
        put_leftover(tx, store, leftover).await?;
    }
    Ok(())
}

/// Takes back all that is published of a store's table; its files are left over at once. Numbers are kept, so that
/// another publication goes on with them.
pub async fn withdraw(tx: &mut Tx, store: &str, now_us: i64) -> Result<(), Error> {
    for statement in [
        "INSERT OR REPLACE INTO iceberg_leftovers SELECT store, metadata, ?2 FROM iceberg_tables \
         WHERE store = ?1 AND metadata IS NOT NULL",
        "INSERT OR REPLACE INTO iceberg_leftovers SELECT store, list, ?2 FROM iceberg_snapshots WHERE store = ?1",
        "INSERT OR REPLACE INTO iceberg_leftovers SELECT store, name, ?2 FROM iceberg_manifests WHERE store = ?1",
        "UPDATE iceberg_leftovers SET until_us = ?2 WHERE store = ?1",
    ] {
        sqlx::query(statement).bind(store).bind(now_us).execute(tx.connection()).await?;
    }
    for statement in [
        "UPDATE iceberg_tables SET metadata = NULL WHERE store = ?",
        "DELETE FROM iceberg_snapshots WHERE store = ?",
        "DELETE FROM iceberg_manifests WHERE store = ?",
        "DELETE FROM iceberg_files WHERE store = ?",
    ] {
        sqlx::query(statement).bind(store).execute(tx.connection()).await?;
    }
    Ok(())
}

/// What is left over of a store's table.
pub async fn leftovers(catalog: &Catalog, store: &str) -> Result<Vec<Leftover>, Error> {
    let rows = sqlx::query("SELECT name, until_us FROM iceberg_leftovers WHERE store = ? ORDER BY until_us, name")
        .bind(store)
        .fetch_all(catalog.readers())
        .await?;
    Ok(rows.iter().map(|row| Leftover { name: row.get("name"), until_us: row.get("until_us") }).collect())
}

/// Forgets what was left over and is removed.
pub async fn forget_leftover(tx: &mut Tx, store: &str, name: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM iceberg_leftovers WHERE store = ? AND name = ?")
        .bind(store)
        .bind(name)
        .execute(tx.connection())
        .await?;
    Ok(())
}

async fn put_table(tx: &mut Tx, store: &str, table: &Table) -> Result<(), Error> {
    sqlx::query(
        "INSERT OR REPLACE INTO iceberg_tables (store, version, sequence, metadata, published_at_us) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(store)
    .bind(table.version)
    .bind(table.sequence)
    .bind(&table.metadata)
    .bind(table.published_at_us)
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn insert_snapshot(tx: &mut Tx, store: &str, snapshot: &Snapshot) -> Result<(), Error> {
    sqlx::query("INSERT INTO iceberg_snapshots (store, sequence, id, parent, at_ms, summary, list) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(store)
        .bind(snapshot.sequence)
        .bind(snapshot.id)
        .bind(snapshot.parent)
        .bind(snapshot.at_ms)
        .bind(&snapshot.summary)
        .bind(&snapshot.list)
        .execute(tx.connection())
        .await?;
    Ok(())
}

async fn insert_manifest(tx: &mut Tx, store: &str, manifest: &Manifest) -> Result<(), Error> {
    sqlx::query("INSERT INTO iceberg_manifests (store, name, bytes, sequence, snapshot, content) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(store)
        .bind(&manifest.name)
        .bind(manifest.bytes)
        .bind(manifest.sequence)
        .bind(manifest.snapshot)
        .bind(&manifest.content)
        .execute(tx.connection())
        .await?;
    Ok(())
}

async fn put_file(tx: &mut Tx, store: &str, file: &File, entry: &[u8]) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO iceberg_files (store, path, manifest, snapshot, sequence, day, rows, bytes, entry) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (store, path) DO UPDATE SET manifest = excluded.manifest",
    )
    .bind(store)
    .bind(&file.path)
    .bind(&file.manifest)
    .bind(file.snapshot)
    .bind(file.sequence)
    .bind(file.day)
    .bind(file.rows)
    .bind(file.bytes)
    .bind(entry)
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn put_leftover(tx: &mut Tx, store: &str, leftover: &Leftover) -> Result<(), Error> {
    sqlx::query("INSERT OR REPLACE INTO iceberg_leftovers (store, name, until_us) VALUES (?, ?, ?)")
        .bind(store)
        .bind(&leftover.name)
        .bind(leftover.until_us)
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn snapshot(row: &SqliteRow) -> Snapshot {
    Snapshot {
        sequence: row.get("sequence"),
        id: row.get("id"),
        parent: row.get("parent"),
        at_ms: row.get("at_ms"),
        summary: row.get("summary"),
        list: row.get("list"),
    }
}

fn manifest(row: &SqliteRow) -> Manifest {
    Manifest {
        name: row.get("name"),
        bytes: row.get("bytes"),
        sequence: row.get("sequence"),
        snapshot: row.get("snapshot"),
        content: row.get("content"),
    }
}

fn file(row: &SqliteRow) -> File {
    File {
        path: row.get("path"),
        manifest: row.get("manifest"),
        snapshot: row.get("snapshot"),
        sequence: row.get("sequence"),
        day: row.get("day"),
        rows: row.get("rows"),
        bytes: row.get("bytes"),
    }
}
