//! The recording proxies of this installation: their records go into its journal. Those of a process of their own are
//! [`standalone`].

pub mod standalone;

use std::sync::Arc;

use catalog::Catalog;
use journal::Journal;
use pipeline::accounts::Accounts;
use pipeline::capture::recorder::Recorder;
use pipeline::clock::SharedClock;
use proxy::ledger::{self, Here, Ledger};
use proxy::running;

use crate::config::Config;
use crate::principals::Principals;

/// What the proxies need of the program.
pub struct Parts<'a> {
    /// What the program runs with.
    pub config: &'a Config,
    /// Which accounts are registered.
    pub accounts: Accounts,
    /// The roots of accounts.
    pub principals: Principals,
    /// What is configured and committed.
    pub catalog: Catalog,
    /// The durable log.
    pub journal: Journal,
    /// The one door for events.
    pub recorder: Recorder,
    /// The time.
    pub clock: SharedClock,
    /// Makes eventIDs.
    pub random_uuid: fn() -> String,
}

/// Starts what is configured. Without any proxy, what earlier ones left open is settled.
pub async fn start(parts: Parts<'_>) -> anyhow::Result<Option<running::Proxies>> {
    let Parts { config, accounts, principals, catalog, journal, recorder, clock, random_uuid } = parts;
    let here = Here {
        recorder,
        journal,
        catalog: catalog.clone(),
        account: config.account,
        region: crate::service::default_region(),
        wait: ledger::WAIT,
    };
    if config.proxies.is_empty() {
        Ledger::retire(here).await?;
        return Ok(None);
    }
    let (ledger, upkeep) = Ledger::here(here).await?;
    let roots = move |key: &str| principals.by_access_key(key).map(|(_, principal)| principal.account);
    let parts = running::Parts {
        settings: config.proxies.clone(),
        ledger,
        upkeep,
        catalog,
        roots: Arc::new(roots),
        // Accounts that the operator's mapping names are adopted: the proxies are the installation's own.
        takes_account: Arc::new(move |account, learnt| !learnt || accounts.is_registered(account)),
        clock,
        random_uuid: Arc::new(random_uuid),
    };
    Ok(Some(running::Proxies::start(parts).await?))
}
