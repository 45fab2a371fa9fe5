//! Tokens that say where a list goes on. They are signed, so that nobody makes one up, and bound to the operation, the
//! account, the Region and the arguments they were given for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Call;

/// Bytes of the hash of the arguments that are in a token.
const FINGERPRINT_BYTES: usize = 12;

#[derive(Serialize, Deserialize)]
struct Token<T> {
    #[serde(rename = "f")]
    fingerprint: String,
    #[serde(rename = "p")]
    place: T,
}

/// A token for `place`, good for lists with the arguments `bound`.
pub fn seal(call: &Call<'_>, bound: &impl Serialize, place: &impl Serialize) -> String {
    let token = Token { fingerprint: fingerprint(bound), place };
    let payload = serde_json::to_vec(&token).expect("a token is plain values");
    let tag = call.service.token_tag(&scope(call), &payload);
    format!("{}.{}", URL_SAFE_NO_PAD.encode(&payload), URL_SAFE_NO_PAD.encode(tag))
}

/// The place in a token of ours that was given for the arguments `bound`; nothing for any other text.
pub fn open<T: DeserializeOwned>(call: &Call<'_>, bound: &impl Serialize, text: &str) -> Option<T> {
    let (payload, tag) = text.split_once('.')?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    if !call.service.is_token_tag(&scope(call), &payload, &tag) {
        return None;
    }
    let token: Token<T> = serde_json::from_slice(&payload).ok()?;
    (token.fingerprint == fingerprint(bound)).then_some(token.place)
}

fn fingerprint(bound: &impl Serialize) -> String {
    let text = serde_json::to_vec(bound).expect("plain values serialise");
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text);
    hex::encode(hash.as_ref().get(..FINGERPRINT_BYTES).unwrap_or_default())
}

fn scope(call: &Call<'_>) -> String {
    format!("{} {} {}", call.operation.name(), call.account(), call.region)
}
