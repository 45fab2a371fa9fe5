//! A chain: the digests of one trail, account and Region, each naming the one before.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;

use super::{Document, HASH_ALGORITHM, Interval, LogFile, SIGNATURE_ALGORITHM, key, string_to_sign};
use crate::log_file::{Place, utc};
use crate::region::Region;

/// Where a chain stands: all that the next digest needs to know of those before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Where the next digest's interval begins.
    pub next_start_s: i64,
    /// The digest before it; none at the chain's start.
    pub previous: Option<Link>,
}

/// What a digest says about its predecessor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The bucket it was written to, which may no longer be the trail's.
    pub bucket: String,
    /// Its key.
    pub object: String,
    /// The SHA-256 of its content, in hex.
    pub sha256: String,
    /// Its signature, in hex.
    pub signature: String,
}

/// What the digests of a chain have in common now; all of it may change from one digest to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Where they are written.
    pub bucket: String,
    /// Whose events, where recorded, below which prefix.
    pub place: Place,
    /// The trail's name.
    pub trail: String,
    /// The trail's home Region.
    pub home: Region,
    /// The key that signs.
    pub fingerprint: String,
}

/// A digest that waits for its signature. Its bytes are final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// What it says.
    pub document: Document,
    /// Its content: written once, never again.
    pub bytes: Vec<u8>,
    /// The SHA-256 of the content, in hex.
    pub sha256: String,
    /// What is to be signed.
    pub string_to_sign: String,
    end_s: i64,
}

impl Chain {
    /// A chain that begins at that second: validation was switched on, or logging started. The first digest covers
    /// the interval before.
    pub fn start(activation_s: i64, length_s: i64) -> Self {
        Self { next_start_s: Interval::nth(activation_s, length_s, 0).start_s, previous: None }
    }

    /// The interval of the next digest.
    pub fn next_interval(&self, length_s: i64) -> Interval {
        Interval::nth(self.next_start_s, length_s, 1)
    }

    /// The interval of the digest that a file cut at that second belongs to; for a time before the next digest's
    /// start it is the next digest's, since a file is never left out.
    pub fn interval_of(&self, cut_at_s: i64, length_s: i64) -> Interval {
        Interval::containing(self.next_start_s, length_s, cut_at_s.max(self.next_start_s))
    }

    /// The intervals that are over, oldest first. Each gets its digest, also when the program was away for many of
    /// them: a missing one would be reported as a gap.
    pub fn due(&self, now_s: i64, length_s: i64) -> impl Iterator<Item = Interval> + use<> {
        let after = move |last: &Interval| {
            let next = Interval::nth(last.end_s, length_s, 1);
            // Where seconds end, at i64::MAX, so do intervals.
            (next.end_s > last.end_s).then_some(next)
        };
        let first = self.next_interval(length_s);
        std::iter::successors(Some(first), after).take_while(move |interval| interval.end_s <= now_s)
    }

    /// The interval of the last digest of a chain whose trail stops logging; none when the chain ends there already.
    pub fn final_interval(&self, stopped_s: i64) -> Option<Interval> {
        (stopped_s > self.next_start_s).then_some(Interval { start_s: self.next_start_s, end_s: stopped_s })
    }

    /// The next digest: from where the chain stands to `end_s`, listing those files.
    pub fn next(&self, series: &Series, files: Vec<LogFile>, end_s: i64) -> Unsigned {
        let object = key(&series.place, &series.trail, &series.home, end_s);
        let previous = |field: fn(&Link) -> &String| self.previous.as_ref().map(|link| field(link).clone());
        let document = Document {
            aws_account_id: series.place.account.to_string(),
            digest_start_time: instant(self.next_start_s),
            digest_end_time: instant(end_s),
            digest_s3_bucket: series.bucket.clone(),
            digest_s3_object: object,
            digest_public_key_fingerprint: series.fingerprint.clone(),
            digest_signature_algorithm: SIGNATURE_ALGORITHM.to_owned(),
            // These texts are all of one form, which sorts by time.
            newest_event_time: files.iter().filter_map(|file| file.newest_event_time.clone()).max(),
            oldest_event_time: files.iter().filter_map(|file| file.oldest_event_time.clone()).min(),
            previous_digest_s3_bucket: previous(|link| &link.bucket),
            previous_digest_s3_object: previous(|link| &link.object),
            previous_digest_hash_value: previous(|link| &link.sha256),
            previous_digest_hash_algorithm: self.previous.as_ref().map(|_| HASH_ALGORITHM.to_owned()),
            previous_digest_signature: previous(|link| &link.signature),
            log_files: files,
        };
        Unsigned::of(document, end_s)
    }
}

impl Unsigned {
    fn of(document: Document, end_s: i64) -> Self {
        let bytes = serde_json::to_vec(&document).expect("a struct of texts is written as JSON");
        let sha256 = hex::encode(digest(&SHA256, &bytes));
        let string_to_sign = string_to_sign(&document, &sha256);
        Self { document, bytes, sha256, string_to_sign, end_s }
    }

    /// Where the chain stands once this digest is signed.
    pub fn signed(&self, signature: &[u8]) -> Chain {
        let link = Link {
            bucket: self.document.digest_s3_bucket.clone(),
            object: self.document.digest_s3_object.clone(),
            sha256: self.sha256.clone(),
            signature: hex::encode(signature),
        };
        Chain { next_start_s: self.end_s, previous: Some(link) }
    }
}

impl LogFile {
    /// The entry of a file that was delivered. `sha256` is of its content before compression; the times are the
    /// newest and oldest eventTime in it.
    pub fn delivered(bucket: &str, object: &str, sha256: &[u8; 32], newest_s: i64, oldest_s: i64) -> Self {
        Self {
            s3_bucket: bucket.to_owned(),
            s3_object: object.to_owned(),
            hash_value: hex::encode(sha256),
            hash_algorithm: HASH_ALGORITHM.to_owned(),
            newest_event_time: Some(instant(newest_s)),
            oldest_event_time: Some(instant(oldest_s)),
        }
    }
}

/// `YYYY-MM-DDTHH:MM:SSZ`.
fn instant(at_s: i64) -> String {
    utc(at_s).format(&Rfc3339).expect("the years 1 to 9999 are written")
}
