//! Who called: from an access key to an identity.
//!
//! A key is looked for in the operator's [mapping], among Trailkeep's own principals, and among the [sessions] that were
//! learnt from answers of STS. What is in none of them is unknown, and is recorded as such: nothing is guessed.

mod arn;
mod chain;
pub mod mapping;
pub mod sessions;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use cloudtrail::account::AccountId;
use cloudtrail::record::{Principal, PrincipalType};
use protocols::call;
use tokio_util::sync::CancellationToken;

use mapping::{Mapping, MappingError};
pub use sessions::Sessions;

/// How often it is looked whether the mapping's file has changed. Own choice.
const RELOAD_INTERVAL: Duration = Duration::from_secs(5);

/// Tells of which account a key is the root's, among Trailkeep's own principals.
pub type Roots = Arc<dyn Fn(&str) -> Option<AccountId> + Send + Sync>;

/// Knows whose keys are whose; clones are the same one.
#[derive(Clone)]
pub struct Identities {
    mapping: Arc<ArcSwap<Mapping>>,
    roots: Roots,
    sessions: Sessions,
}

/// Somebody known.
#[derive(Clone, Debug)]
pub struct Known {
    /// Who.
    pub principal: Arc<Principal>,
    /// What else is known of the session, if it is one that was learnt.
    pub session: Option<Arc<catalog::sessions::Session>>,
}

/// The task that reads the mapping again when its file changes.
pub struct Reload {
    mapping: Arc<ArcSwap<Mapping>>,
    file: Option<PathBuf>,
    changed_at: Option<SystemTime>,
}

impl Identities {
    /// Knows the keys of the mapping in `file`, those that `roots` knows, and the sessions. Blocks.
    pub fn open(sessions: Sessions, file: Option<PathBuf>, roots: Roots) -> Result<(Self, Reload), MappingError> {
        let changed_at = file.as_deref().and_then(mapping::changed_at);
        let read = file.as_deref().map(Mapping::read).transpose()?.unwrap_or_default();
        let mapping = Arc::new(ArcSwap::from_pointee(read));
        Ok((Self { mapping: Arc::clone(&mapping), roots, sessions }, Reload { mapping, file, changed_at }))
    }

    /// Whose key it is, if anybody's.
    pub async fn of_key(&self, access_key_id: &str) -> Result<Option<Known>, catalog::Error> {
        if let Some(principal) = self.mapping.load().get(access_key_id) {
            return Ok(Some(Known { principal, session: None }));
        }
        if let Some(account) = (self.roots)(access_key_id) {
            return Ok(Some(Known { principal: Arc::new(root(account, access_key_id)), session: None }));
        }
        let session = self.sessions.get(access_key_id).await?;
        Ok(session.map(|session| Known { principal: session.principal(), session: Some(session.stored()) }))
    }

    /// Remembers for whom temporary credentials were made, and by whom. Returns when that is on disk.
    pub async fn learn(&self, made: &call::Session, caller: Option<&Known>) -> Result<(), catalog::Error> {
        let now_s = self.sessions.now_s();
        let Some(session) = chain::session(made, caller, now_s) else { return Ok(()) };
        self.sessions.put(&made.access_key_id, session, made.expires_s).await
    }
}

fn root(account: AccountId, access_key_id: &str) -> Principal {
    Principal {
        principal_id: Some(account.to_string()),
        arn: Some(format!("arn:aws:iam::{account}:root")),
        account: Some(account),
        access_key_id: Some(access_key_id.to_owned()),
        ..Principal::new(PrincipalType::Root)
    }
}

impl Reload {
    /// Reads the mapping when its file has changed, until `shutdown`. A file that cannot be read leaves what was read
    /// before in force.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(RELOAD_INTERVAL) => {}
            }
            let looked = tokio::task::spawn_blocking(move || {
                self.look();
                self
            });
            match looked.await {
                Ok(looked) => self = looked,
                Err(_) => return,
            }
        }
    }

    /// Looks once. Blocks.
    fn look(&mut self) {
        let Some(file) = &self.file else { return };
        let changed_at = mapping::changed_at(file);
        if changed_at == self.changed_at {
            return;
        }
        self.changed_at = changed_at;
        match Mapping::read(file) {
            Ok(mapping) => {
                tracing::info!(file = %file.display(), identities = mapping.len(), "identities were read again");
                self.mapping.store(Arc::new(mapping));
            }
            Err(error) => tracing::error!(%error, "identities were not read again; those read before stay in force"),
        }
    }
}

#[cfg(test)]
mod tests;
