//! Keys, hashes and signatures.

use aws_lc_rs::{digest, hmac};

use super::claim::Scope;

/// Lower-case hexadecimal SHA-256.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// The signature of a canonical request.
pub(super) fn signature(secret: &str, scope: &Scope, timestamp: &str, canonical: &[u8]) -> hmac::Tag {
    let text = format!(
        "AWS4-HMAC-SHA256\n{timestamp}\n{}/{}/{}/aws4_request\n{}",
        scope.date,
        scope.region,
        scope.service,
        sha256_hex(canonical)
    );
    let mut key = mac(format!("AWS4{secret}").as_bytes(), &scope.date);
    for part in [&scope.region, &scope.service, "aws4_request"] {
        key = mac(key.as_ref(), part);
    }
    mac(key.as_ref(), &text)
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}
