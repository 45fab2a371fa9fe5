//! Bearer tokens, by the SHA-256 of the token.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::{Catalog, Error, Tx};

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// May send events.
    Ingest,
    /// May read tables under `/iceberg/`.
    Read,
    /// May read `/metrics`.
    Metrics,
}

impl Kind {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Metrics => "metrics",
        }
    }

    fn from_stored(text: &str) -> Option<Self> {
        [Self::Ingest, Self::Read, Self::Metrics].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A token, but for its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Names the token in records and logs.
    pub id: String,
    /// What it allows.
    pub kind: Kind,
    /// The account it acts for: 12 digits.
    pub account: String,
    /// Whether it may send events of unregistered accounts.
    pub adopt: bool,
    /// When it was made.
    pub created_at_us: i64,
}

/// Adds a token under the hash of its secret.
pub async fn insert(tx: &mut Tx, token: &Token, sha256: &[u8; 32]) -> Result<(), Error> {
    sqlx::query("INSERT INTO tokens (id, sha256, kind, account, adopt, created_at_us) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(&token.id)
        .bind(sha256.as_slice())
        .bind(token.kind.as_str())
        .bind(&token.account)
        .bind(token.adopt)
        .bind(token.created_at_us)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The token whose secret hashes to `sha256`.
pub async fn find(catalog: &Catalog, sha256: &[u8; 32]) -> Result<Option<Token>, Error> {
    let row = sqlx::query("SELECT id, kind, account, adopt, created_at_us FROM tokens WHERE sha256 = ?")
        .bind(sha256.as_slice())
        .fetch_optional(catalog.readers())
        .await?;
    row.map(|row| from_row(&row)).transpose()
}

fn from_row(row: &SqliteRow) -> Result<Token, Error> {
    let id: String = row.get("id");
    let kind: String = row.get("kind");
    let kind = Kind::from_stored(&kind).ok_or_else(|| Error::damaged(format!("token {id}"), format!("kind {kind}")))?;
    Ok(Token { id, kind, account: row.get("account"), adopt: row.get("adopt"), created_at_us: row.get("created_at_us") })
}
