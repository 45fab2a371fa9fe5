//! The server: the only file that knows every part, and how they are put together and taken apart.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use api::Constraints;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use catalog::{Catalog, meta};
use cloudtrail::event::{Admission, Event, SIZE_MAX};
use cloudtrail::region::Region;
use journal::{Journal, Position};
use metrics_exporter_prometheus::PrometheusHandle;
use pipeline::accounts::Accounts;
use pipeline::capture::origin::{Origin, Route};
use pipeline::capture::recorder::{self, Recorder, Sender};
use pipeline::capture::seen;
use pipeline::clock::{SharedClock, SystemClock};
use pipeline::route::feed::Feed;
use pipeline::route::follower::{Follower, Status as FollowerStatus};
use pipeline::route::table::{SharedTable, Table};
use pipeline::route::trim::{self, Trim};
use pipeline::sinks::event_history::{self, EventHistory};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bucket_calls;
use crate::buckets;
use crate::config::{self, Config};
use crate::control::Failure;
use crate::control::call::Effect;
use crate::credentials;
use crate::delivery::{self, Delivery};
use crate::destinations::Destinations;
use crate::front;
use crate::iceberg::federation::{self, Federations};
use crate::iceberg::keys;
use crate::imports::{self, Imports};
use crate::ingestion::IngestionStatus;
use crate::lake::{self, Lake};
use crate::listener::Listener;
use crate::own_calls::OwnCalls;
use crate::principals::Principals;
use crate::proxies;
use crate::queries::{self, Queries};
use crate::registry;
use crate::throttle::Throttle;
use crate::v1;

/// The name under which the secret that signs tokens is kept.
const TOKEN_SECRET: &str = "token-secret";

/// Every part of the running program, as the parts that answer requests see them.
pub struct Service {
    /// What the program runs with.
    pub config: Config,
    /// The time.
    pub clock: SharedClock,
    /// Which accounts are walls.
    pub accounts: Accounts,
    /// Who may call.
    pub principals: Principals,
    /// What is configured and committed.
    pub catalog: Catalog,
    /// The durable log.
    pub journal: Journal,
    /// The one door for events.
    pub recorder: Recorder,
    /// The journal, decoded.
    pub feed: Feed,
    /// What LookupEvents answers from.
    pub history: EventHistory,
    /// The trails at work.
    pub delivery: Delivery,
    /// The event data stores at work.
    pub lake: Lake,
    /// The imports at work.
    pub imports: Imports,
    /// The queries at work.
    pub queries: Queries,
    /// Local buckets, over HTTP.
    pub buckets: buckets::Service,
    /// The tables that other query engines read.
    pub federations: Federations,
    /// Keys with which they read them.
    pub lake_keys: keys::Maker,
    /// The records of our own calls.
    pub own_calls: Arc<OwnCalls>,
    /// How putting events into channels fares.
    pub ingestion: Arc<IngestionStatus>,
    /// The constraints of the API's shapes.
    pub constraints: Constraints,
    /// AWS's request rates.
    pub throttle: Throttle,
    /// The metrics.
    pub metrics: PrometheusHandle,
    /// Memory for what is being taken in.
    pub room: v1::Room,
    /// Exports under way.
    pub exports: Arc<Semaphore>,
    /// Live streams open.
    pub tail_streams: Arc<Semaphore>,
    /// Ends when the program is to stop.
    pub shutdown: CancellationToken,
    token_key: hmac::Key,
    history_status: FollowerStatus,
    ready: AtomicBool,
}

impl Service {
    /// Why the program is not ready to serve, if it is not.
    pub fn unready(&self) -> Option<String> {
        if !self.ready.load(Ordering::Acquire) {
            return Some("starting".to_owned());
        }
        if self.shutdown.is_cancelled() {
            return Some("stopping".to_owned());
        }
        if let Err(error) = self.recorder.ready() {
            return Some(error.to_string());
        }
        let history = self.history.status();
        (!history.ready).then(|| "event history is catching up".to_owned())
    }

    /// A random UUID, version 4.
    pub fn random_uuid(&self) -> String {
        random_uuid()
    }

    /// What is to happen after a change was committed and recorded; `end` is the journal's position after the record.
    pub async fn after_commit(&self, effects: Vec<Effect>, end: Position) -> Result<(), Failure> {
        for effect in effects {
            let done = match &effect {
                Effect::TrailChanged(arn) => self.delivery.changed(arn).await,
                Effect::TrailStops(arn) => self.delivery.stops(arn, end).await,
                Effect::FederationChanged => {
                    self.federations.changed();
                    Ok(())
                }
                Effect::StoreChanged(number) => self.lake.changed(*number, end).await,
                Effect::ImportsChanged => self.imports.look().await,
                Effect::QueryStarted(id) => {
                    self.queries.begin(id);
                    Ok(())
                }
                Effect::QueryCancelled(id) => {
                    self.queries.cancel(id);
                    Ok(())
                }
            };
            done.map_err(Failure::internal)?;
        }
        Ok(())
    }

    /// Signs a token's payload for one scope: nobody else can make one up.
    pub fn token_tag(&self, scope: &str, payload: &[u8]) -> Vec<u8> {
        hmac::sign(&self.token_key, &scoped(scope, payload)).as_ref().to_vec()
    }

    /// Whether `tag` was made by [`Service::token_tag`] for that scope and payload.
    pub fn is_token_tag(&self, scope: &str, payload: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.token_key, &scoped(scope, payload), tag).is_ok()
    }

    /// Brings metrics up to date that are read rather than counted.
    pub fn refresh_metrics(&self) {
        let journal = self.journal.status();
        metrics::gauge!("trailkeep_journal_bytes").set(journal.bytes as f64);
        metrics::gauge!("trailkeep_journal_segments").set(journal.segments as f64);
        metrics::gauge!("trailkeep_journal_queued_bytes").set(journal.queued_bytes as f64);
        metrics::gauge!("trailkeep_journal_poisoned").set(f64::from(u8::from(journal.poisoned.is_some())));
        metrics::gauge!("trailkeep_journal_disk_full").set(f64::from(u8::from(journal.disk_full)));
        metrics::gauge!("trailkeep_journal_committed").set(journal.committed as f64);
        let history = self.history.status();
        metrics::gauge!("trailkeep_history_records").set(history.records as f64);
        metrics::gauge!("trailkeep_history_bytes").set(history.bytes as f64);
        metrics::gauge!("trailkeep_history_segments").set(history.segments as f64);
        metrics::gauge!("trailkeep_history_damaged_segments").set(history.damaged.len() as f64);
        self.lake.refresh_metrics();
        metrics::gauge!("trailkeep_history_lag").set(journal.committed.saturating_sub(history.visible) as f64);
    }

    /// How the follower of event history fares.
    pub fn history_status(&self) -> &FollowerStatus {
        &self.history_status
    }
}

fn scoped(scope: &str, payload: &[u8]) -> Vec<u8> {
    [scope.as_bytes(), b"\0", payload].concat()
}

/// The Region of what names none.
pub fn default_region() -> Region {
    config::DEFAULT_REGION.parse().expect("it is a Region")
}

/// A random UUID, version 4.
pub(crate) fn random_uuid() -> String {
    let mut bytes = [0; 16];
    fill_random(&mut bytes);
    bytes[6] = 0x40 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let text = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

fn fill_random(bytes: &mut [u8]) {
    SystemRandom::new().fill(bytes).expect("the system has random numbers: it gave some at the start");
}

/// A running server.
pub struct Server {
    service: Arc<Service>,
    address: SocketAddr,
    scheme: &'static str,
    new: bool,
    proxies: Option<proxy::running::Proxies>,
    listening: JoinHandle<()>,
    followers: TaskTracker,
    /// Stops what follows the journal, once nothing comes in any more.
    followers_stop: CancellationToken,
    upkeep: TaskTracker,
    upkeep_stop: CancellationToken,
}

impl Server {
    /// Opens everything in the data directory and begins to serve.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        // First of all: what counts takes hold of its counters when it is made.
        let metrics = registry::handle();
        let data_dir = config.data_dir.clone();
        make_private_dir(&data_dir)?;
        // The journal's lock keeps a second program out of everything else, too.
        let clock: SharedClock = Arc::new(SystemClock);
        let journal = open_journal(&data_dir, &clock).await?;
        let catalog = Catalog::open(&data_dir.join("catalog.sqlite")).await?;
        proxy::ledger::refuse_away(&catalog).await?;
        let root = credentials::ensure(&config.credentials_path(), config.root.as_ref())?;
        let token_key = token_key(&catalog).await?;
        let accounts = Accounts::new(config.account, config.accounts.iter().map(|(id, account)| (*id, account.name.clone())));
        let routes = Table {
            history_retention_us: micros(config.history_retention),
            import_retention_us: config.import_retention.map(micros),
            ..Table::default()
        }
        .shared();
        let (upkeep, upkeep_stop) = (TaskTracker::new(), CancellationToken::new());
        let (followers, followers_stop) = (TaskTracker::new(), CancellationToken::new());
        let recorder = open_recorder(&journal, &data_dir, &routes, &accounts, &clock, &upkeep, &upkeep_stop).await?;
        let new = recorder.committed() == 0;
        let feed = Feed::sharing(journal.clone(), recorder.recent());
        let own_calls = Arc::new(OwnCalls::new(catalog.clone(), recorder.clone(), Arc::clone(&clock), Arc::new(random_uuid)));
        own_calls.drain_whole().await.context("the records of calls before the last stop cannot be journaled")?;

        let (history, history_sink) = EventHistory::open(
            &data_dir.join("history"),
            &catalog,
            accounts.clone(),
            Arc::clone(&clock),
            history_config(&config),
            journal.committed(),
        )
        .await?;
        let follower = Follower::new(history_sink, feed.clone(), Arc::clone(&clock));
        let history_status = follower.status();
        followers.spawn(follower.run(followers_stop.clone()));

        let store = buckets::Store::open(
            catalog.clone(),
            &data_dir,
            Arc::clone(&clock),
            buckets::Options { lock_us: micros(config.bucket_lock), ..buckets::Options::default() },
        )
        .await?;
        let principals = Principals::new(&config, &root)?;
        let lake_keys = keys::Maker::new(token_key.clone());
        let buckets = bucket_service(&config, &principals, &lake_keys, store.clone(), &own_calls, &routes);
        let delivery = Delivery::start(delivery::Parts {
            config: config.clone(),
            data_dir: data_dir.clone(),
            catalog: catalog.clone(),
            recorder: recorder.clone(),
            journal: journal.clone(),
            feed: feed.clone(),
            routes: Arc::clone(&routes),
            accounts: accounts.clone(),
            clock: Arc::clone(&clock),
            store: store.clone(),
        })
        .await?;
        let lake = Lake::start(lake::Parts {
            config: config.clone(),
            data_dir: data_dir.clone(),
            catalog: catalog.clone(),
            journal: journal.clone(),
            feed: feed.clone(),
            routes: Arc::clone(&routes),
            accounts: accounts.clone(),
            clock: Arc::clone(&clock),
            random_uuid,
        })
        .await?;
        let queries = Queries::start(queries::Parts {
            data_dir: data_dir.clone(),
            catalog: catalog.clone(),
            tables: lake.tables().clone(),
            jobs: delivery.shared(),
            clock: Arc::clone(&clock),
            time_limit: config.queries.time_limit,
            strict_aws: config.strict_aws,
            generate: config.generate.clone(),
        })
        .await?;
        let imports = Imports::start(imports::Parts {
            catalog: catalog.clone(),
            recorder: recorder.clone(),
            routes: Arc::clone(&routes),
            clock: Arc::clone(&clock),
            destinations: Destinations::new(store.clone(), &config.s3, config.strict_aws).await,
            store,
            visible: visible(&lake),
        })
        .await?;
        let checkpoint = recorder.clone();
        let trim = Trim::new(journal.clone(), catalog.clone(), Arc::new(move || checkpoint.checkpoint()), trim::INTERVAL);
        upkeep.spawn(trim.run(upkeep_stop.clone()));

        let ingestion = Arc::new(IngestionStatus::new(catalog.clone()));
        let (writing, stop) = (Arc::clone(&ingestion), upkeep_stop.clone());
        upkeep.spawn(async move { writing.run(stop).await });

        let (federations, publishing) = Federations::new(federation::Parts {
            catalog: catalog.clone(),
            root: data_dir.join("lake"),
            clock: Arc::clone(&clock),
            watch: federation::watch(lake.tables().clone()),
            flush_interval: config.lake.flush_interval,
        });
        upkeep.spawn(publishing.run(upkeep_stop.clone()));

        let listener = Listener::bind(config.listen, config.tls.as_ref()).await?;
        let proxies = proxies::start(proxies::Parts {
            config: &config,
            accounts: accounts.clone(),
            principals: principals.clone(),
            catalog: catalog.clone(),
            journal: journal.clone(),
            recorder: recorder.clone(),
            clock: Arc::clone(&clock),
            random_uuid,
        })
        .await?;
        let (address, scheme) = (listener.address()?, listener.scheme());
        let shutdown = CancellationToken::new();
        let service = Arc::new(Service {
            clock,
            accounts,
            principals,
            catalog,
            journal,
            recorder,
            feed,
            history,
            delivery,
            lake,
            imports,
            queries,
            buckets,
            federations,
            lake_keys,
            own_calls,
            ingestion,
            constraints: Constraints::new(),
            throttle: Throttle::default(),
            metrics,
            room: v1::Room::default(),
            exports: Arc::new(Semaphore::new(v1::exports_max())),
            tail_streams: Arc::new(Semaphore::new(v1::tail_streams_max())),
            shutdown: shutdown.clone(),
            token_key,
            history_status,
            ready: AtomicBool::new(true),
            config,
        });
        let answering = Arc::clone(&service);
        let listening = tokio::spawn(
            listener.serve(shutdown, move |connection, request| front::answer(Arc::clone(&answering), connection, request)),
        );
        upkeep.spawn(registry::keep(service.metrics.clone(), upkeep_stop.clone()));
        Ok(Self { service, address, scheme, new, proxies, listening, followers, followers_stop, upkeep, upkeep_stop })
    }

    /// The URL clients use.
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        format!("{}://{address}", self.scheme)
    }

    /// Where the recording proxies are.
    pub fn proxies(&self) -> &[proxy::running::Place] {
        self.proxies.as_ref().map(proxy::running::Proxies::places).unwrap_or_default()
    }

    /// Where everything is kept.
    pub fn data_dir(&self) -> &Path {
        &self.service.config.data_dir
    }

    /// Where the credentials file is.
    pub fn credentials_path(&self) -> std::path::PathBuf {
        let path = self.service.config.credentials_path();
        std::path::absolute(&path).unwrap_or(path)
    }

    /// Whether the data directory had no events when the server started.
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// The time, in seconds.
    pub fn now_s(&self) -> i64 {
        self.service.clock.now_s()
    }

    /// The account whose root is the installation's root.
    pub fn default_account(&self) -> String {
        self.service.config.account.to_string()
    }

    /// Imports records of the default account into event history; each must be a valid event.
    pub async fn import(&self, records: Vec<Vec<u8>>) -> anyhow::Result<()> {
        let account = self.service.config.account;
        let region = default_region();
        let admit = |(ordinal, record): (usize, Vec<u8>)| {
            let admission = Admission { account, region: &region, ordinal: ordinal as u64, size_max: SIZE_MAX };
            Event::admit(&record, &admission).map_err(|rejection| anyhow::anyhow!("record {ordinal}: {}", rejection.message))
        };
        let events = records.into_iter().enumerate().map(admit).collect::<anyhow::Result<_>>()?;
        let sender = Sender { adopt: true, ..Sender::own(account) };
        let route = Route::HISTORY.with(Route::STORES);
        self.service.recorder.record(events, Origin::Import, Some(route), &sender).await?;
        Ok(())
    }

    /// Waits until everything recorded so far can be looked up.
    pub async fn settle(&self) {
        let recorded = self.service.journal.committed();
        while self.service.history.wait_visible(recorded).await.is_err() && !self.service.shutdown.is_cancelled() {
            tracing::info!("event history is still reading what was recorded");
        }
    }

    /// Lets requests under way finish, hands everything on, and closes.
    pub async fn stop(self) -> anyhow::Result<()> {
        let service = self.service;
        service.shutdown.cancel();
        if let Some(proxies) = self.proxies {
            proxies.stop().await?;
        }
        self.listening.await.context("the listener failed")?;
        service.own_calls.finish().await;
        service.queries.stop().await;
        service.delivery.stop().await;
        service.imports.stop().await;
        service.lake.stop().await;
        self.followers_stop.cancel();
        self.followers.close();
        self.followers.wait().await;
        self.upkeep_stop.cancel();
        self.upkeep.close();
        self.upkeep.wait().await;
        let journal = service.journal.clone();
        tokio::task::spawn_blocking(move || journal.close()).await.context("the journal was not closed")?;
        service.catalog.close().await;
        Ok(())
    }
}

async fn open_journal(data_dir: &Path, clock: &SharedClock) -> anyhow::Result<Journal> {
    let (dir, clock) = (data_dir.join("journal"), Arc::clone(clock));
    let open = move || Journal::open(&dir, journal::Options::default(), Arc::new(move || clock.now_us()));
    let (journal, recovery) = tokio::task::spawn_blocking(open).await.context("opening the journal failed")??;
    if recovery.torn_bytes > 0 {
        tracing::info!(
            bytes = recovery.torn_bytes,
            "the journal ended in the middle of a group that nobody was told of; it was cut off"
        );
    }
    Ok(journal)
}

async fn open_recorder(
    journal: &Journal,
    data_dir: &Path,
    routes: &SharedTable,
    accounts: &Accounts,
    clock: &SharedClock,
    upkeep: &TaskTracker,
    upkeep_stop: &CancellationToken,
) -> anyhow::Result<Recorder> {
    let (journal, dir) = (journal.clone(), data_dir.join("seen"));
    let parts = recorder::Parts {
        routes: Arc::clone(routes),
        accounts: accounts.clone(),
        clock: Arc::clone(clock),
        seen: seen::Options::default(),
        wait: recorder::WAIT,
    };
    let open = move || Recorder::open(journal, &dir, parts);
    let (recorder, keeping) = tokio::task::spawn_blocking(open).await.context("opening the recorder failed")??;
    upkeep.spawn(keeping.run(upkeep_stop.clone()));
    Ok(recorder)
}

fn history_config(config: &Config) -> event_history::Config {
    event_history::Config {
        retention_us: micros(config.history_retention),
        import_retention_us: config.import_retention.map(micros),
        regions: config.regions.iter().cloned().collect(),
        ..event_history::Config::default()
    }
}

fn bucket_service(
    config: &Config,
    principals: &Principals,
    lake_keys: &keys::Maker,
    store: buckets::Store,
    own_calls: &Arc<OwnCalls>,
    routes: &SharedTable,
) -> buckets::Service {
    let (principals, lake_keys, clock) = (principals.clone(), lake_keys.clone(), store.clock());
    let roots = move |access_key: &str| {
        if let Some(keys) = lake_keys.find(access_key, clock.now_s()) {
            let session_token = Some(keys.session_token);
            return Some(buckets::Root { secret: keys.secret_access_key, account: keys.account, session_token });
        }
        let (secret, principal) = principals.by_access_key(access_key)?;
        Some(buckets::Root { secret: secret.to_owned(), account: principal.account, session_token: None })
    };
    buckets::Service::new(
        store,
        buckets::ServiceOptions {
            roots: Arc::new(roots),
            regions: config.regions.iter().map(ToString::to_string).collect(),
            domain: None,
            audit: bucket_calls::audit(own_calls, routes, config.strict),
            random: Arc::new(fill_random),
        },
    )
}

async fn token_key(catalog: &Catalog) -> anyhow::Result<hmac::Key> {
    if let Some(secret) = meta::get(catalog, TOKEN_SECRET).await? {
        return Ok(hmac::Key::new(hmac::HMAC_SHA256, &secret));
    }
    let mut secret = [0; 32];
    SystemRandom::new().fill(&mut secret).map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
    let mut tx = catalog.begin().await?;
    meta::set(&mut tx, TOKEN_SECRET, &secret).await?;
    tx.commit().await?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &secret))
}

pub(crate) fn make_private_dir(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| format!("cannot make {}", path.display()))
}

/// How far the tables of event data stores are.
fn visible(lake: &Lake) -> imports::Visible {
    let tables = lake.tables().clone();
    Arc::new(move |store, end| {
        let tables = tables.clone();
        Box::pin(async move { tables.wait_visible(&store, end).await })
    })
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
