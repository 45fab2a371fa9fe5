//! Digest chains, and the digests that are not delivered yet.
//!
//! An interval is *closed* when no more files can fall into it; its digest is *sealed* when all its files are delivered:
//! then its bytes and signature are final and the chain's next digest can name it. Delivered, it is forgotten here, and
//! so are its files.

use cloudtrail::account::AccountId;
use cloudtrail::digest::{Interval, Link};
use cloudtrail::region::Region;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::files::parse;
use crate::{Catalog, Error, Tx};

/// The digests of one account and Region of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its number.
    pub id: i64,
    /// The id of the trail.
    pub trail: i64,
    /// The run that files come from.
    pub run: i64,
    /// Whose events.
    pub account: AccountId,
    /// Where they were recorded.
    pub region: Region,
    /// Where the last closed interval ends and the next begins.
    pub closed_s: i64,
    /// What the next digest says of the last sealed one; none at the chain's start.
    pub link: Option<Link>,
}

/// What a sealed digest is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Where it goes.
    pub bucket: String,
    /// Its key there.
    pub key: String,
    /// Its bytes, compressed.
    pub body: Vec<u8>,
    /// Its signature, in hex.
    pub signature: String,
}

/// A digest that is not delivered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Its number.
    pub id: i64,
    /// What it covers.
    pub interval: Interval,
    /// What it is, once it is sealed.
    pub sealed: Option<Sealed>,
    /// Whether the journal has the entry of its seal.
    pub journaled: bool,
}

/// Begins a chain whose first interval begins at `start_s`; returns its number.
pub async fn begin(tx: &mut Tx, chain: &Chain) -> Result<i64, Error> {
    let done = sqlx::query("INSERT INTO chains (trail, run, account, region, closed_s, ended) VALUES (?, ?, ?, ?, ?, 0)")
        .bind(chain.trail)
        .bind(chain.run)
        .bind(chain.account.as_str())
        .bind(chain.region.as_str())
        .bind(chain.closed_s)
        .execute(tx.connection())
        .await?;
    Ok(done.last_insert_rowid())
}

/// The chains of a run that have not ended.
pub async fn open_chains(catalog: &Catalog, run: i64) -> Result<Vec<Chain>, Error> {
    let query = sqlx::query("SELECT * FROM chains WHERE run = ? AND ended = 0 ORDER BY id");
    query.bind(run).fetch_all(catalog.readers()).await?.iter().map(chain_from_row).collect()
}

/// The chain of this number.
pub async fn chain(catalog: &Catalog, id: i64) -> Result<Option<Chain>, Error> {
    let query = sqlx::query("SELECT * FROM chains WHERE id = ?").bind(id);
    query.fetch_optional(catalog.readers()).await?.as_ref().map(chain_from_row).transpose()
}

/// Closes an interval of a chain: the files that were cut before its end and are in no digest yet are in this one.
pub async fn close(tx: &mut Tx, chain: i64, interval: Interval) -> Result<(), Error> {
    let digest = sqlx::query("INSERT INTO digests (chain, start_s, end_s, journaled) VALUES (?, ?, ?, 0)")
        .bind(chain)
        .bind(interval.start_s)
        .bind(interval.end_s)
        .execute(tx.connection())
        .await?
        .last_insert_rowid();
    sqlx::query("UPDATE files SET digest = ? WHERE chain = ? AND digest IS NULL AND cut_at_s < ?")
        .bind(digest)
        .bind(chain)
        .bind(interval.end_s)
        .execute(tx.connection())
        .await?;
    sqlx::query("UPDATE chains SET closed_s = ? WHERE id = ?").bind(interval.end_s).bind(chain).execute(tx.connection()).await?;
    Ok(())
}

/// Ends a chain with the interval before `end_s`, which takes all its files that are in no digest yet. There is no such
/// interval when the chain is closed up to there and has no such files.
pub async fn end(tx: &mut Tx, chain: &Chain, end_s: i64) -> Result<Option<Interval>, Error> {
    let left: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM files WHERE chain = ? AND digest IS NULL)")
        .bind(chain.id)
        .fetch_one(tx.connection())
        .await?;
    let end_s = if left { end_s.max(chain.closed_s + 1) } else { end_s };
    let interval = (end_s > chain.closed_s).then_some(Interval { start_s: chain.closed_s, end_s });
    if let Some(interval) = interval {
        close(tx, chain.id, interval).await?;
        sqlx::query(
            "UPDATE files SET digest = (SELECT MAX(id) FROM digests WHERE chain = ?1) WHERE chain = ?1 AND digest IS NULL",
        )
        .bind(chain.id)
        .execute(tx.connection())
        .await?;
    }
    sqlx::query("UPDATE chains SET ended = 1 WHERE id = ?").bind(chain.id).execute(tx.connection()).await?;
    remove_if_over(tx, chain.id).await?;
    Ok(interval)
}

/// The chains of a trail that have a digest to be delivered.
pub async fn waiting_chains(catalog: &Catalog, trail: i64) -> Result<Vec<i64>, Error> {
    let query = sqlx::query_scalar(
        "SELECT DISTINCT chains.id FROM chains JOIN digests ON digests.chain = chains.id WHERE chains.trail = ? ORDER BY chains.id",
    );
    Ok(query.bind(trail).fetch_all(catalog.readers()).await?)
}

/// The oldest digest of a chain that is not delivered.
pub async fn oldest(catalog: &Catalog, chain: i64) -> Result<Option<Digest>, Error> {
    let query = sqlx::query("SELECT * FROM digests WHERE chain = ? ORDER BY id LIMIT 1");
    Ok(query.bind(chain).fetch_optional(catalog.readers()).await?.as_ref().map(from_row))
}

/// Whether all files of a digest are delivered.
pub async fn is_ready(catalog: &Catalog, digest: i64) -> Result<bool, Error> {
    let query = sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM files WHERE digest = ? AND spool IS NOT NULL)");
    Ok(query.bind(digest).fetch_one(catalog.readers()).await?)
}

/// Makes a digest final, and the chain's next one name it.
pub async fn seal(tx: &mut Tx, chain: i64, digest: i64, sealed: &Sealed, link: &Link) -> Result<(), Error> {
    sqlx::query("UPDATE digests SET bucket = ?, key = ?, body = ?, signature = ? WHERE id = ?")
        .bind(&sealed.bucket)
        .bind(&sealed.key)
        .bind(&sealed.body)
        .bind(&sealed.signature)
        .bind(digest)
        .execute(tx.connection())
        .await?;
    set_link(tx, chain, Some(link)).await
}

/// Notes that the journal has the entry of a digest's seal.
pub async fn journaled(tx: &mut Tx, digest: i64) -> Result<(), Error> {
    sqlx::query("UPDATE digests SET journaled = 1 WHERE id = ?").bind(digest).execute(tx.connection()).await?;
    Ok(())
}

/// Takes the seal of a digest back, which was never delivered and shall go elsewhere; `link` is what it was before.
pub async fn unseal(tx: &mut Tx, chain: i64, digest: i64, link: Option<&Link>) -> Result<(), Error> {
    sqlx::query("UPDATE digests SET bucket = NULL, key = NULL, body = NULL, signature = NULL, journaled = 0 WHERE id = ?")
        .bind(digest)
        .execute(tx.connection())
        .await?;
    set_link(tx, chain, link).await
}

async fn set_link(tx: &mut Tx, chain: i64, link: Option<&Link>) -> Result<(), Error> {
    let link = link.map(|link| serde_json::to_string(link).expect("a struct of texts is written as JSON"));
    sqlx::query("UPDATE chains SET link = ? WHERE id = ?").bind(link).bind(chain).execute(tx.connection()).await?;
    Ok(())
}

/// Forgets a digest that is delivered, and its files.
pub async fn delivered(tx: &mut Tx, chain: i64, digest: i64) -> Result<(), Error> {
    sqlx::query("DELETE FROM files WHERE digest = ?").bind(digest).execute(tx.connection()).await?;
    sqlx::query("DELETE FROM digests WHERE id = ?").bind(digest).execute(tx.connection()).await?;
    remove_if_over(tx, chain).await
}

async fn remove_if_over(tx: &mut Tx, chain: i64) -> Result<(), Error> {
    sqlx::query("DELETE FROM chains WHERE id = ?1 AND ended = 1 AND NOT EXISTS (SELECT 1 FROM digests WHERE chain = ?1)")
        .bind(chain)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// How many digests of a trail are not delivered.
pub async fn waiting(catalog: &Catalog, trail: i64) -> Result<u64, Error> {
    let query =
        sqlx::query_scalar("SELECT COUNT(*) FROM digests JOIN chains ON chains.id = digests.chain WHERE chains.trail = ?");
    Ok(query.bind(trail).fetch_one(catalog.readers()).await.map(|count: i64| count as u64)?)
}

/// Where the last digest of a trail of this ARN ended.
pub async fn last_end(catalog: &Catalog, arn: &str) -> Result<Option<i64>, Error> {
    let query = sqlx::query_scalar("SELECT end_s FROM digest_ends WHERE arn = ?");
    Ok(query.bind(arn).fetch_optional(catalog.readers()).await?)
}

/// Notes where a digest of a trail ends.
pub async fn set_last_end(tx: &mut Tx, arn: &str, end_s: i64) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO digest_ends (arn, end_s) VALUES (?, ?) ON CONFLICT (arn) DO UPDATE SET end_s = MAX(end_s, excluded.end_s)",
    )
    .bind(arn)
    .bind(end_s)
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn chain_from_row(row: &SqliteRow) -> Result<Chain, Error> {
    let link: Option<&str> = row.get("link");
    let link = link.map(serde_json::from_str).transpose();
    Ok(Chain {
        id: row.get("id"),
        trail: row.get("trail"),
        run: row.get("run"),
        account: parse(row, "account")?,
        region: parse(row, "region")?,
        closed_s: row.get("closed_s"),
        link: link.map_err(|error| Error::damaged("a digest chain's link", error))?,
    })
}

fn from_row(row: &SqliteRow) -> Digest {
    let sealed = |bucket| Sealed { bucket, key: row.get("key"), body: row.get("body"), signature: row.get("signature") };
    Digest {
        id: row.get("id"),
        interval: Interval { start_s: row.get("start_s"), end_s: row.get("end_s") },
        sealed: row.get::<Option<String>, _>("bucket").map(sealed),
        journaled: row.get("journaled"),
    }
}
