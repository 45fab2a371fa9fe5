//! Proxies at work: put together over one ledger, and taken apart so that every record that can be made is made.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::Catalog;
use pipeline::clock::SharedClock;
use protocols::Protocols;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::{self, Audit, TakesAccount};
use crate::identities::{Identities, Roots, Sessions};
use crate::ledger::{Ledger, Upkeep};
use crate::listener::Listener;
use crate::settings::Settings;

/// What proxies are made of.
pub struct Parts {
    /// Each of them.
    pub settings: Vec<Settings>,
    /// Where the records of all go.
    pub ledger: Ledger,
    /// What has to run beside it.
    pub upkeep: Upkeep,
    /// Where sessions are remembered.
    pub catalog: Catalog,
    /// Trailkeep's own principals.
    pub roots: Roots,
    /// Whether records may stand in the log of an account.
    pub takes_account: TakesAccount,
    /// The time.
    pub clock: SharedClock,
    /// Makes eventIDs.
    pub random_uuid: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Where a proxy is, and what is behind it.
#[derive(Clone, Debug)]
pub struct Place {
    /// `http://127.0.0.1:9000`.
    pub url: String,
    /// `http://127.0.0.1:8333`.
    pub upstream: String,
}

/// Running proxies.
pub struct Proxies {
    places: Vec<Place>,
    audits: Vec<Audit>,
    listening: Vec<JoinHandle<()>>,
    listening_stop: CancellationToken,
    tasks: TaskTracker,
    tasks_stop: CancellationToken,
    upkeep: JoinHandle<()>,
    upkeep_stop: CancellationToken,
}

impl Proxies {
    /// Binds all, then serves.
    pub async fn start(parts: Parts) -> anyhow::Result<Self> {
        let Parts { settings, ledger, upkeep, catalog, roots, takes_account, clock, random_uuid } = parts;
        let protocols = Protocols::new().context("the table of services cannot be read")?;
        let (tasks, tasks_stop) = (TaskTracker::new(), CancellationToken::new());
        let (sessions, purge) = Sessions::open(catalog, Arc::clone(&clock));
        tasks.spawn(purge.run(tasks_stop.clone()));
        let (mut audits, mut listeners, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for settings in settings {
            let (sessions, file, roots) = (sessions.clone(), settings.identities.clone(), Arc::clone(&roots));
            let open = move || Identities::open(sessions, file, roots);
            let (identities, reload) = tokio::task::spawn_blocking(open).await??;
            tasks.spawn(reload.run(tasks_stop.clone()));
            let (audit, watch) = Audit::new(audit::Parts {
                settings: settings.clone(),
                protocols: protocols.clone(),
                ledger: ledger.clone(),
                identities,
                takes_account: Arc::clone(&takes_account),
                clock: Arc::clone(&clock),
                random_uuid: Arc::clone(&random_uuid),
            });
            tasks.spawn(watch.run(tasks_stop.clone()));
            let listener = Listener::bind(&settings, audit.clone()).await?;
            places.push(Place {
                url: format!("{}://{}", listener.scheme(), reachable(listener.address()?)),
                upstream: settings.upstream.to_string().trim_end_matches('/').to_owned(),
            });
            audits.push(audit);
            listeners.push(listener);
        }
        let (listening_stop, upkeep_stop) = (CancellationToken::new(), CancellationToken::new());
        let listening = listeners.into_iter().map(|listener| tokio::spawn(listener.serve(listening_stop.clone()))).collect();
        let upkeep = tokio::spawn(upkeep.run(upkeep_stop.clone()));
        Ok(Self { places, audits, listening, listening_stop, tasks, tasks_stop, upkeep, upkeep_stop })
    }

    /// Where they are.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Lets calls under way finish and their records be made. The ledger's journal must still be open.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.listening_stop.cancel();
        for listening in self.listening {
            listening.await.context("a proxy's listener failed")?;
        }
        for audit in &self.audits {
            audit.finish().await;
        }
        self.tasks_stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.upkeep_stop.cancel();
        self.upkeep.await.context("the upkeep of the proxies' ledger failed")
    }
}

fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}
