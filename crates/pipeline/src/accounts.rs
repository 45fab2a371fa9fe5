//! The accounts of the installation.

use std::collections::BTreeMap;

use cloudtrail::account::AccountId;

/// Which accounts are registered, and which of them is the default.
///
/// Registered accounts are walls. An unregistered account is *adopted*: its events are in the default account's history
/// and trails, while keys, digests and paths carry its own id.
#[derive(Clone, Debug)]
pub struct Accounts {
    default: AccountId,
    registered: BTreeMap<AccountId, String>,
}

impl Accounts {
    /// The accounts with their names; `default` is registered whether named or not.
    pub fn new(default: AccountId, registered: impl IntoIterator<Item = (AccountId, String)>) -> Self {
        let mut registered: BTreeMap<_, _> = registered.into_iter().collect();
        registered.entry(default).or_default();
        Self { default, registered }
    }

    /// The account that owns the installation.
    pub fn default_account(&self) -> AccountId {
        self.default
    }

    /// Whether `account` is registered.
    pub fn is_registered(&self, account: AccountId) -> bool {
        self.registered.contains_key(&account)
    }

    /// The registered account in whose history and trails the events of `account` are.
    pub fn owner_of(&self, account: AccountId) -> AccountId {
        if self.is_registered(account) { account } else { self.default }
    }
}
