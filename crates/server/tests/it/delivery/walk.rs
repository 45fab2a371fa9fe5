//! The walk of `aws cloudtrail validate-logs` (log-files.md §7), and what it does not look at.

use std::io::Read as _;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use server::buckets::ServiceObject;

use super::*;

/// What the digests of one account and Region say, newest first.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Start and end of each, counted from [`T0`].
    pub(super) intervals: Vec<(i64, i64)>,
    /// Those without a predecessor.
    pub(super) starts: usize,
    /// The log files.
    pub(super) files: Vec<String>,
    /// The buckets they were found in.
    pub(super) buckets: Vec<String>,
}

/// Walks from the newest digest of a Region back to the chain's start; panics at anything that is not as it should be.
pub(super) async fn walk(site: &Site, trail: &Trail, region: &str) -> Walked {
    let bucket = trails::get(&site.catalog, &trail.arn).await.unwrap().unwrap().settings.s3_bucket_name;
    let prefix = format!("AWSLogs/{ACCOUNT}/CloudTrail-Digest/{region}/");
    let mut keys = site.keys_below(&bucket, &prefix).await;
    keys.sort();
    let mut walked = Walked::default();
    let mut next = keys.pop().map(|key| (bucket, key));
    let mut signature = None;
    while let Some((bucket, key)) = next {
        let object = site.store.service_get(&bucket, &key).await.unwrap().expect("the digest is there");
        let document = check_digest(site, region, (&bucket, &key), &object, signature.as_deref()).await;
        for file in document["logFiles"].as_array().unwrap() {
            walked.files.push(check_file(site, file).await);
        }
        let second = |name: &str| seconds(document[name].as_str().unwrap()) - T0;
        walked.intervals.push((second("digestStartTime"), second("digestEndTime")));
        walked.buckets.push(bucket);
        let text = |name: &str| document[name].as_str().map(str::to_owned);
        next = text("previousDigestS3Bucket").zip(text("previousDigestS3Object"));
        signature = text("previousDigestSignature");
        walked.starts += usize::from(next.is_none());
        keys.retain(|other| *other != key);
    }
    assert!(walked.intervals.windows(2).all(|pair| pair[0].0 == pair[1].1), "no gap: {:?}", walked.intervals);
    walked
}

async fn check_digest(
    site: &Site,
    region: &str,
    (bucket, key): (&str, &str),
    object: &ServiceObject,
    said: Option<&str>,
) -> serde_json::Value {
    let content = unpack(&object.body);
    let document: serde_json::Value = serde_json::from_slice(&content).unwrap();
    assert_eq!((document["digestS3Bucket"].as_str(), document["digestS3Object"].as_str()), (Some(bucket), Some(key)));
    let end = document["digestEndTime"].as_str().unwrap();
    let stamp: String = end.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    assert!(key.ends_with(&format!("_{stamp}.json.gz")), "{key} ends with {stamp}");
    assert_eq!(object.metadata["signature-algorithm"], "SHA256withRSA");
    assert_eq!(object.content_encoding.as_deref(), Some("gzip"));
    let signature = &object.metadata["signature"];
    assert!(said.is_none_or(|said| said == signature), "the successor says another signature");

    let fingerprint = document["digestPublicKeyFingerprint"].as_str().unwrap();
    let all = catalog::keys::overlapping(&site.catalog, region, seconds(end), seconds(end)).await.unwrap();
    let public = &all.iter().find(|key| key.fingerprint == fingerprint).expect("ListPublicKeys has the key").public_der;
    let previous = document["previousDigestSignature"].as_str().unwrap_or("null");
    let to_sign = format!("{end}\n{bucket}/{key}\n{}\n{previous}", hex::encode(digest(&SHA256, &content)));
    let verified =
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).verify(to_sign.as_bytes(), &hex::decode(signature).unwrap());
    assert!(verified.is_ok(), "{key}: the signature is not valid");
    document
}

async fn check_file(site: &Site, file: &serde_json::Value) -> String {
    let text = |name: &str| file[name].as_str().unwrap().to_owned();
    let (bucket, key) = (text("s3Bucket"), text("s3Object"));
    let object = site.store.service_get(&bucket, &key).await.unwrap().expect("the log file is there");
    assert_eq!(hex::encode(digest(&SHA256, &unpack(&object.body))), text("hashValue"));
    key
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    let mut reader = flate2::bufread::GzDecoder::new(packed);
    reader.read_to_end(&mut content).unwrap();
    assert!(reader.into_inner().is_empty(), "one gzip member");
    content
}

/// `YYYY-MM-DDTHH:MM:SSZ` in seconds since 1970.
fn seconds(text: &str) -> i64 {
    time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap().unix_timestamp()
}
