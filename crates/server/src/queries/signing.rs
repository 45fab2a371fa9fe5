//! What makes delivered results checkable: AWS's `result_sign.json`, and a manifest of ours.
//!
//! AWS's file signs the hashes alone. `trailkeep_manifest.json` signs names, hashes, the SQL, the query's id and its
//! times too, with the same key.

use aws_lc_rs::digest::{SHA256, digest};
use cloudtrail::event::time_text;
use serde::Serialize;

use crate::jobs::keys::Signer;

/// The name of AWS's file.
pub(super) const SIGN_FILE: &str = "result_sign.json";
/// The name of ours.
pub(super) const MANIFEST_FILE: &str = "trailkeep_manifest.json";
/// What the text that is signed for the manifest begins with; it changes with the form of the text.
const MANIFEST_VERSION: &str = "trailkeep-query-results-1";
const HASH_ALGORITHM: &str = "SHA-256";
const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";

/// A file that was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ResultFile {
    /// The hash of its bytes, compressed as they are: lower-case hex.
    #[serde(rename = "fileHashValue")]
    hash: String,
    #[serde(rename = "fileName")]
    name: String,
}

impl ResultFile {
    pub(super) fn new(name: String, bytes: &[u8]) -> Self {
        Self { hash: hex::encode(digest(&SHA256, bytes)), name }
    }
}

/// What is signed.
pub(super) struct Signed<'a> {
    pub(super) region: &'a str,
    pub(super) query_id: &'a str,
    pub(super) statement: &'a str,
    pub(super) stores: Vec<&'a str>,
    pub(super) rows: u64,
    pub(super) started_s: i64,
    pub(super) completed_s: i64,
    pub(super) files: &'a [ResultFile],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignFile<'a> {
    version: &'static str,
    region: &'a str,
    files: &'a [ResultFile],
    hash_algorithm: &'static str,
    signature_algorithm: &'static str,
    query_complete_time: String,
    hash_signature: String,
    public_key_fingerprint: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    version: &'static str,
    region: &'a str,
    query_id: &'a str,
    query_statement: &'a str,
    event_data_stores: &'a [&'a str],
    rows: u64,
    query_start_time: String,
    query_complete_time: String,
    files: &'a [ResultFile],
    hash_algorithm: &'static str,
    signature_algorithm: &'static str,
    signature: String,
    public_key_fingerprint: &'a str,
}

impl Signed<'_> {
    /// `result_sign.json`: what is signed are the hashes, in order, with a blank between them (api.md, section 3.3).
    pub(super) fn sign_file(&self, signer: &Signer) -> Vec<u8> {
        let hashes: Vec<&str> = self.files.iter().map(|file| file.hash.as_str()).collect();
        json(&SignFile {
            version: "1.0",
            region: self.region,
            files: self.files,
            hash_algorithm: HASH_ALGORITHM,
            signature_algorithm: SIGNATURE_ALGORITHM,
            query_complete_time: time_text(self.completed_s),
            hash_signature: hex::encode(signer.sign(hashes.join(" ").as_bytes())),
            public_key_fingerprint: &signer.fingerprint,
        })
    }

    /// `trailkeep_manifest.json`.
    pub(super) fn manifest(&self, signer: &Signer) -> Vec<u8> {
        json(&Manifest {
            version: MANIFEST_VERSION,
            region: self.region,
            query_id: self.query_id,
            query_statement: self.statement,
            event_data_stores: &self.stores,
            rows: self.rows,
            query_start_time: time_text(self.started_s),
            query_complete_time: time_text(self.completed_s),
            files: self.files,
            hash_algorithm: HASH_ALGORITHM,
            signature_algorithm: SIGNATURE_ALGORITHM,
            signature: hex::encode(signer.sign(self.manifest_text().as_bytes())),
            public_key_fingerprint: &signer.fingerprint,
        })
    }

    /// What is signed for the manifest: a line for each fact, none of which can have a line break in it; the statement
    /// by its hash, and a line for each file.
    fn manifest_text(&self) -> String {
        let mut lines = vec![
            MANIFEST_VERSION.to_owned(),
            self.region.to_owned(),
            self.query_id.to_owned(),
            hex::encode(digest(&SHA256, self.statement.as_bytes())),
            self.stores.join(" "),
            self.rows.to_string(),
            time_text(self.started_s),
            time_text(self.completed_s),
        ];
        lines.extend(self.files.iter().map(|file| format!("{} {}", file.hash, file.name)));
        lines.join("\n")
    }
}

fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("plain values are written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_of_the_manifest_is_in_what_is_signed() {
        let files =
            [ResultFile::new("result_1.csv.gz".to_owned(), b"one"), ResultFile::new("result_2.csv.gz".to_owned(), b"two")];
        let signed = |statement, rows, completed_s, files| Signed {
            region: "us-east-1",
            query_id: "q",
            statement,
            stores: vec!["a", "b"],
            rows,
            started_s: 1_700_000_000,
            completed_s,
            files,
        };
        let text = signed("SELECT 1", 2, 1_700_000_009, &files).manifest_text();
        let swapped = [files[1].clone(), files[0].clone()];
        for other in [
            signed("SELECT 2", 2, 1_700_000_009, &files),
            signed("SELECT 1", 3, 1_700_000_009, &files),
            signed("SELECT 1", 2, 1_700_000_010, &files),
            signed("SELECT 1", 2, 1_700_000_009, &swapped),
            signed("SELECT 1", 2, 1_700_000_009, &files[..1]),
        ] {
            assert_ne!(other.manifest_text(), text);
        }
        assert_eq!(text.lines().count(), 10);
    }
}
