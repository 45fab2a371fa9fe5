//! Who calls: the roots of accounts by access key, senders by bearer token.

use std::collections::HashMap;

use aws_lc_rs::digest;
use catalog::{Catalog, tokens};
use cloudtrail::account::AccountId;

use crate::config::{Config, Credentials};

/// Someone who may call.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The account acted for.
    pub account: AccountId,
    /// How the caller proved who it is.
    pub proof: Proof,
    /// Whether this is the root of the installation.
    pub installation_root: bool,
}

/// How a caller proved who it is.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A SigV4 signature with the account root's access key.
    Signature {
        /// The key.
        access_key_id: String,
    },
    /// A bearer token.
    Token(tokens::Token),
}

impl Principal {
    /// The name under which what the caller sends is kept: the root's ARN or the token's.
    pub fn arn(&self) -> String {
        match &self.proof {
            Proof::Signature { .. } => format!("arn:aws:iam::{}:root", self.account),
            Proof::Token(token) => format!("arn:aws:cloudtrail::{}:token/{}", self.account, token.id),
        }
    }

    /// Whether the caller may send events of accounts that are not registered.
    pub fn may_adopt(&self) -> bool {
        match &self.proof {
            Proof::Signature { .. } => self.installation_root,
            Proof::Token(token) => token.adopt,
        }
    }

    /// The access key of the signature.
    pub fn access_key_id(&self) -> Option<&str> {
        match &self.proof {
            Proof::Signature { access_key_id } => Some(access_key_id),
            Proof::Token(_) => None,
        }
    }
}

/// Two roots have one access key: it would not be told whose a call is.
#[derive(Debug, thiserror::Error)]
#[error("access key {access_key_id} is that of the roots of {} and {}", accounts[0], accounts[1])]
pub struct KeyTaken {
    access_key_id: String,
    accounts: [AccountId; 2],
}

/// The roots by access key.
#[derive(Clone, Debug)]
pub struct Principals {
    roots: HashMap<String, Root>,
    default_account: AccountId,
}

#[derive(Clone)]
struct Root {
    account: AccountId,
    secret: String,
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Root").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Principals {
    /// The installation's root with its keys, and the roots of the registered accounts.
    pub fn new(config: &Config, installation_root: &Credentials) -> Result<Self, KeyTaken> {
        let others = config.accounts.iter().map(|(id, account)| (*id, &account.root));
        let mut roots = HashMap::new();
        for (account, keys) in others.chain([(config.account, installation_root)]) {
            let root = Root { account, secret: keys.secret_access_key.clone() };
            if let Some(other) = roots.insert(keys.access_key_id.clone(), root) {
                return Err(KeyTaken { access_key_id: keys.access_key_id.clone(), accounts: [other.account, account] });
            }
        }
        Ok(Self { roots, default_account: config.account })
    }

    /// The secret and the principal of an access key.
    pub fn by_access_key(&self, access_key_id: &str) -> Option<(&str, Principal)> {
        let root = self.roots.get(access_key_id)?;
        let principal = Principal {
            account: root.account,
            proof: Proof::Signature { access_key_id: access_key_id.to_owned() },
            installation_root: root.account == self.default_account,
        };
        Some((&root.secret, principal))
    }

    /// The principal of a bearer token.
    pub async fn by_token(&self, catalog: &Catalog, secret: &str) -> Result<Option<Principal>, catalog::Error> {
        let Some(token) = tokens::find(catalog, &hash(secret)).await? else { return Ok(None) };
        let account = token.account.parse().map_err(|_| catalog::Error::damaged(format!("token {}", token.id), "account"))?;
        Ok(Some(Principal { account, proof: Proof::Token(token), installation_root: false }))
    }
}

/// What is kept of a token's secret. The secret has 240 random bits, so a plain hash cannot be searched.
pub fn hash(secret: &str) -> [u8; 32] {
    let mut kept = [0; 32];
    kept.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
    kept
}
