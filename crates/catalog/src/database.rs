//! The database file, its connections and transactions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, Transaction};

/// How long a statement waits for a lock held by another process (a backup, a shell) before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections for readers; SQLite readers run side by side.
const READERS_MAX: u32 = 4;

/// What can go wrong in the catalog.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or failed.
    #[error("catalog: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("catalog {path}: cannot migrate: {source}")]
    Migrate {
        /// The database file.
        path: PathBuf,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// A stored value does not have the form that was written; the database was edited or damaged.
    #[error("catalog: {what} cannot be read: {reason}")]
    Damaged {
        /// The table and key.
        what: String,
        /// Why it cannot be read.
        reason: String,
    },
}

impl Error {
    /// An [`Error::Damaged`] for a value that does not parse.
    #[expect(clippy::needless_pass_by_value, reason = "callers hand over the error they have just caught")]
    pub fn damaged(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Damaged { what: what.into(), reason: reason.to_string() }
    }
}

/// A handle on the catalog; clones share the connections.
#[derive(Clone, Debug)]
pub struct Catalog {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Catalog {
    /// Opens or creates the database at `path` and brings its schema up to date.
    ///
    /// A commit is on disk when it returns (`synchronous = FULL`).
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        sqlx::migrate!("./migrations").run(&writer).await.map_err(|source| Error::Migrate { path: path.to_owned(), source })?;
        let readers = SqlitePoolOptions::new().max_connections(READERS_MAX).connect_with(options.read_only(true)).await?;
        Ok(Self { writer, readers })
    }

    /// Begins a transaction; waits while another one is open. Dropped without [`Tx::commit`] it changes nothing.
    pub async fn begin(&self) -> Result<Tx, Error> {
        Ok(Tx { inner: self.writer.begin_with("BEGIN IMMEDIATE").await? })
    }

    /// The readers: for queries outside a transaction.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Closes every connection; waits for those in use.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// One transaction, the only writer while it is open.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Sqlite>,
}

impl Tx {
    /// The connection, to run statements on.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }

    /// Makes the changes durable and visible.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.inner.commit().await?)
    }
}
