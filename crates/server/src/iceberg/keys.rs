//! Keys for a while, with which an engine reads the files of the tables it has loaded.
//!
//! They are made of what the key's id says and of the installation's secret, so that nothing has to be kept. Such a key
//! opens one account's part of the system bucket, until its time is over or the store is not federated any more.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloudtrail::account::AccountId;

/// What ids of such keys begin with.
const PREFIX: &str = "TKLK";
/// Digits of an account's id.
const ACCOUNT_DIGITS: usize = 12;
/// How long a key is good: as long as a session of STS at most (STS API reference, AssumeRole), so that the longest query
/// does not outlive it.
pub const LIFE_S: i64 = 12 * 3_600;

/// A key for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Whose tables it opens.
    pub account: AccountId,
    /// Its id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The token that must come with it.
    pub session_token: String,
    /// When it is over.
    pub expires_at_s: i64,
}

/// Makes keys, and knows them again.
#[derive(Clone)]
pub struct Maker {
    secret: hmac::Key,
}

impl Maker {
    /// A maker of keys with the installation's secret.
    pub fn new(secret: hmac::Key) -> Self {
        Self { secret }
    }

    /// A key for an account's tables, from `now_s` on.
    pub fn make(&self, account: AccountId, now_s: i64) -> Keys {
        self.keys(account, now_s.saturating_add(LIFE_S))
    }

    /// The key of that id; None if it is none, or is over.
    pub fn find(&self, access_key_id: &str, now_s: i64) -> Option<Keys> {
        let said = access_key_id.strip_prefix(PREFIX)?;
        let (account, expires_at_s) = (said.get(..ACCOUNT_DIGITS)?.parse().ok()?, said.get(ACCOUNT_DIGITS..)?);
        let keys = self.keys(account, i64::from_str_radix(expires_at_s, 16).ok()?);
        (keys.access_key_id == access_key_id && now_s < keys.expires_at_s).then_some(keys)
    }

    fn keys(&self, account: AccountId, expires_at_s: i64) -> Keys {
        let access_key_id = format!("{PREFIX}{account}{expires_at_s:08X}");
        let part = |name: &str| {
            let tag = hmac::sign(&self.secret, format!("lake-key\0{name}\0{access_key_id}").as_bytes());
            URL_SAFE_NO_PAD.encode(tag.as_ref())
        };
        let (secret_access_key, session_token) = (part("secret"), part("token"));
        Keys { account, access_key_id, secret_access_key, session_token, expires_at_s }
    }
}

#[cfg(test)]
mod tests;
