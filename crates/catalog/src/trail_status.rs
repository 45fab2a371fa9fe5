//! How the deliveries of a trail fare in each Region, as GetTrailStatus shows it.

use sqlx::Row as _;

use crate::{Catalog, Error, Tx};

/// The deliveries of one trail in one Region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// When a log file was delivered last.
    pub latest_delivery_s: Option<i64>,
    /// Why the last delivery failed: the code of S3. A success clears it.
    pub latest_delivery_error: Option<String>,
    /// When a delivery was attempted last.
    pub latest_delivery_attempt_s: Option<i64>,
    /// When a digest was delivered last.
    pub latest_digest_delivery_s: Option<i64>,
    /// Why the last delivery of a digest failed. A success clears it.
    pub latest_digest_delivery_error: Option<String>,
}

/// What was delivered, or was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A log file.
    File,
    /// A digest.
    Digest,
}

/// The status of the trail of this ARN in a Region.
pub async fn get(catalog: &Catalog, arn: &str, region: &str) -> Result<Status, Error> {
    let query = sqlx::query(
        "SELECT s.* FROM trail_status s JOIN trails t ON t.id = s.trail WHERE t.arn = ? AND t.deleted = 0 AND s.region = ?",
    );
    let row = query.bind(arn).bind(region).fetch_optional(catalog.readers()).await?;
    Ok(row.map_or_else(Status::default, |row| Status {
        latest_delivery_s: row.get("latest_delivery_s"),
        latest_delivery_error: row.get("latest_delivery_error"),
        latest_delivery_attempt_s: row.get("latest_delivery_attempt_s"),
        latest_digest_delivery_s: row.get("latest_digest_delivery_s"),
        latest_digest_delivery_error: row.get("latest_digest_delivery_error"),
    }))
}

/// Notes a delivery.
pub async fn delivered(tx: &mut Tx, trail: i64, region: &str, object: Object, at_s: i64) -> Result<(), Error> {
    let query = match object {
        Object::File => sqlx::query(
            "INSERT INTO trail_status (trail, region, latest_delivery_s, latest_delivery_attempt_s) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (trail, region) DO UPDATE
             SET latest_delivery_s = ?3, latest_delivery_attempt_s = ?3, latest_delivery_error = NULL",
        ),
        Object::Digest => sqlx::query(
            "INSERT INTO trail_status (trail, region, latest_digest_delivery_s) VALUES (?1, ?2, ?3)
             ON CONFLICT (trail, region) DO UPDATE SET latest_digest_delivery_s = ?3, latest_digest_delivery_error = NULL",
        ),
    };
    query.bind(trail).bind(region).bind(at_s).execute(tx.connection()).await?;
    Ok(())
}

/// Notes an attempt that failed. Without a code (the bucket did not answer) the error stays what it was.
pub async fn failed(tx: &mut Tx, trail: i64, region: &str, object: Object, code: Option<&str>, at_s: i64) -> Result<(), Error> {
    let query = match object {
        Object::File => sqlx::query(
            "INSERT INTO trail_status (trail, region, latest_delivery_error, latest_delivery_attempt_s) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (trail, region) DO UPDATE
             SET latest_delivery_error = coalesce(?3, latest_delivery_error), latest_delivery_attempt_s = ?4",
        ),
        Object::Digest => sqlx::query(
            "INSERT INTO trail_status (trail, region, latest_digest_delivery_error) VALUES (?1, ?2, ?3)
             ON CONFLICT (trail, region) DO UPDATE
             SET latest_digest_delivery_error = coalesce(?3, latest_digest_delivery_error)",
        ),
    };
    query.bind(trail).bind(region).bind(code).bind(at_s).execute(tx.connection()).await?;
    Ok(())
}
