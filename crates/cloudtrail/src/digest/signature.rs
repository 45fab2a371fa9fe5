//! Signing and verifying: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2), a deterministic signature. The
//! keys come from elsewhere.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};

use crate::md5;

/// The size of the keys we make (log-files.md §6). Larger ones are verified too.
pub const KEY_BITS: usize = 2048;

/// Signs the bytes.
pub fn sign(key: &KeyPair, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    // This padding has no chance in it: the source is an argument of the interface and is never asked.
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
        .expect("a key of 2048 bits or more signs any message");
    signature
}

/// Whether the signature is that key's over those bytes. The key is the DER of a PKCS#1 `RSAPublicKey`, as
/// ListPublicKeys gives it.
pub fn verify(public_key_der: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key_der).verify(message, signature).is_ok()
}

/// The public half of a key as the DER of a PKCS#1 `RSAPublicKey`.
pub fn public_key_der(key: &KeyPair) -> Vec<u8> {
    key.public_key().as_ref().to_vec()
}

/// A key's fingerprint in digests: the lower-case hex MD5 of its PKCS#1 DER.
pub fn fingerprint(public_key_der: &[u8]) -> String {
    md5::hex(public_key_der)
}
