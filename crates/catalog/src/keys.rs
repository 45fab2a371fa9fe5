//! The public halves of the keys that sign digests. Private ones are files, never here.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::{Catalog, Error, Tx};

/// A key of one Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The Region whose digests it signs.
    pub region: String,
    /// Names the key in digests: the lower-case hex MD5 of `public_der`.
    pub fingerprint: String,
    /// The DER of a PKCS#1 `RSAPublicKey`.
    pub public_der: Vec<u8>,
    /// The first second it is valid.
    pub valid_from_s: i64,
    /// The first second it is not valid any more.
    pub valid_until_s: i64,
}

/// Adds a key.
pub async fn insert(tx: &mut Tx, key: &Key) -> Result<(), Error> {
    sqlx::query("INSERT INTO keys (fingerprint, region, public_der, valid_from_s, valid_until_s) VALUES (?, ?, ?, ?, ?)")
        .bind(&key.fingerprint)
        .bind(&key.region)
        .bind(&key.public_der)
        .bind(key.valid_from_s)
        .bind(key.valid_until_s)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The newest key of a Region that is valid at that second.
pub async fn valid_at(catalog: &Catalog, region: &str, at_s: i64) -> Result<Option<Key>, Error> {
    let query = sqlx::query(
        "SELECT * FROM keys WHERE region = ?1 AND valid_from_s <= ?2 AND valid_until_s > ?2
         ORDER BY valid_from_s DESC, fingerprint LIMIT 1",
    );
    Ok(query.bind(region).bind(at_s).fetch_optional(catalog.readers()).await?.as_ref().map(from_row))
}

/// The keys of a Region whose validity overlaps the time from `start_s` to `end_s`, both inclusive, the oldest first.
pub async fn overlapping(catalog: &Catalog, region: &str, start_s: i64, end_s: i64) -> Result<Vec<Key>, Error> {
    let query = sqlx::query(
        "SELECT * FROM keys WHERE region = ? AND valid_from_s <= ? AND valid_until_s > ? ORDER BY valid_from_s, fingerprint",
    );
    let rows = query.bind(region).bind(end_s).bind(start_s).fetch_all(catalog.readers()).await?;
    Ok(rows.iter().map(from_row).collect())
}

fn from_row(row: &SqliteRow) -> Key {
    Key {
        region: row.get("region"),
        fingerprint: row.get("fingerprint"),
        public_der: row.get("public_der"),
        valid_from_s: row.get("valid_from_s"),
        valid_until_s: row.get("valid_until_s"),
    }
}
