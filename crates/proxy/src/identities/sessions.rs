//! The sessions that were learnt: kept in the catalog, and the latest of them in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use catalog::{Catalog, sessions};
use cloudtrail::record::Principal;
use pipeline::clock::SharedClock;
use tokio_util::sync::CancellationToken;

/// Keys that are remembered in memory, those that nobody knows among them. Own choice: about 10 MB at most.
pub const CACHED_MAX: usize = 10_000;
/// How long a session is kept that does not say when it ends: the longest there is (GetSessionToken, 36 hours).
const LIFE_MAX_S: i64 = 36 * 3_600;
/// How long a session is remembered after its end, so that calls refused for its end are told whose they were.
const KEPT_AFTER_END_S: i64 = 86_400;
/// How often what has ended is forgotten. Own choice.
const PURGE_INTERVAL: Duration = Duration::from_mins(10);

/// The sessions that were learnt by all proxies of one catalog; clones are the same one.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    catalog: Catalog,
    clock: SharedClock,
    cached: Mutex<Cached>,
}

/// What is in memory.
#[derive(Default)]
struct Cached {
    by_key: HashMap<String, Option<Learnt>>,
    /// How many sessions were learnt: what was read from the catalog before another one was may be out of date.
    learnt: u64,
}

/// A session that was learnt.
#[derive(Clone, Debug)]
pub struct Learnt {
    principal: Arc<Principal>,
    stored: Arc<sessions::Session>,
}

/// The task that forgets sessions that have ended.
pub struct Purge {
    sessions: Sessions,
}

impl Learnt {
    fn new(stored: sessions::Session) -> Self {
        Self { principal: Arc::new(stored.principal.clone()), stored: Arc::new(stored) }
    }

    /// Who uses the credentials.
    pub fn principal(&self) -> Arc<Principal> {
        Arc::clone(&self.principal)
    }

    /// All that is kept.
    pub fn stored(&self) -> Arc<sessions::Session> {
        Arc::clone(&self.stored)
    }
}

impl Sessions {
    /// The sessions in `catalog`. The [`Purge`] has to run beside them.
    pub fn open(catalog: Catalog, clock: SharedClock) -> (Self, Purge) {
        let inner = Inner { catalog, clock, cached: Mutex::default() };
        let sessions = Self { inner: Arc::new(inner) };
        (sessions.clone(), Purge { sessions })
    }

    /// The session with that key.
    pub async fn get(&self, access_key_id: &str) -> Result<Option<Learnt>, catalog::Error> {
        let learnt = {
            let cached = self.cached();
            if let Some(known) = cached.by_key.get(access_key_id) {
                return Ok(known.clone());
            }
            cached.learnt
        };
        let found = sessions::get(&self.inner.catalog, access_key_id).await?.map(Learnt::new);
        let mut cached = self.cached();
        if cached.learnt == learnt {
            cached.insert(access_key_id, found.clone());
        }
        Ok(found)
    }

    pub(super) async fn put(
        &self,
        access_key_id: &str,
        session: sessions::Session,
        expires_s: Option<i64>,
    ) -> Result<(), catalog::Error> {
        let ends_s = expires_s.unwrap_or_else(|| self.now_s() + LIFE_MAX_S);
        let mut tx = self.inner.catalog.begin().await?;
        sessions::put(&mut tx, access_key_id, &session, ends_s.saturating_add(KEPT_AFTER_END_S)).await?;
        tx.commit().await?;
        let mut cached = self.cached();
        cached.learnt += 1;
        cached.insert(access_key_id, Some(Learnt::new(session)));
        Ok(())
    }

    pub(super) fn now_s(&self) -> i64 {
        self.inner.clock.now_s()
    }

    /// Forgets what has ended long enough ago.
    pub(super) async fn purge(&self) -> Result<(), catalog::Error> {
        let mut tx = self.inner.catalog.begin().await?;
        let purged = sessions::purge(&mut tx, self.now_s()).await?;
        tx.commit().await?;
        if purged > 0 {
            self.cached().by_key.clear();
        }
        Ok(())
    }

    fn cached(&self) -> MutexGuard<'_, Cached> {
        self.inner.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cached {
    /// When it is full, all of it goes at once: that is seldom, and the catalog knows everything.
    fn insert(&mut self, access_key_id: &str, learnt: Option<Learnt>) {
        if self.by_key.len() >= CACHED_MAX {
            self.by_key.clear();
        }
        self.by_key.insert(access_key_id.to_owned(), learnt);
    }
}

impl Purge {
    /// Forgets sessions that have ended, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        loop {
            if let Err(error) = self.sessions.purge().await {
                tracing::warn!(%error, "sessions that have ended were not forgotten");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(PURGE_INTERVAL) => {}
            }
        }
    }
}
