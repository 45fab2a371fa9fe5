//! Local buckets, through the AWS SDK and raw HTTP.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, in its helpers too")]

mod keys;
mod lock;
mod objects;
mod records;
mod settings;
mod signing;
mod uploads;
mod walls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use catalog::Catalog;
use pipeline::clock::Clock;
use server::buckets::called::{Audit, Called};
use server::buckets::{Options, Root, Service, ServiceOptions, Store};
use server::listener::Listener;
use tokio_util::sync::CancellationToken;

/// The account most buckets belong to, and its root's keys.
const OWNER: (&str, &str, &str) = ("123456789012", "AKIAOWNER00000000000", "owner-secret");
/// Another account of the same installation.
const OTHER: (&str, &str, &str) = ("210987654321", "AKIAOTHER00000000000", "other-secret");
/// 2026-11-20T10:00:00Z: what the server takes for now. Signatures are checked against the real time.
const NOW_US: i64 = 1_795_168_800_000_000;

/// A clock that the test turns.
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A server with buckets alone.
struct Running {
    dir: tempfile::TempDir,
    address: SocketAddr,
    store: Store,
    catalog: Catalog,
    clock: Arc<Hands>,
    calls: Arc<Mutex<Vec<Called>>>,
    ready: Arc<AtomicBool>,
    shutdown: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

async fn start() -> Running {
    start_with(Options::default()).await
}

async fn start_with(options: Options) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
    let clock = Arc::new(Hands(AtomicI64::new(NOW_US)));
    let store = Store::open(catalog.clone(), dir.path(), clock.clone(), options).await.unwrap();
    let (calls, ready) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(true)));
    let service = Service::new(store.clone(), service_options(Arc::clone(&calls), Arc::clone(&ready)));
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    let address = listener.address().unwrap();
    let shutdown = CancellationToken::new();
    tokio::spawn(listener.serve(shutdown.clone(), move |connection, request| {
        let service = service.clone();
        async move { service.call(&connection, request).await }
    }));
    Running { dir, address, store, catalog, clock, calls, ready, shutdown }
}

fn service_options(calls: Arc<Mutex<Vec<Called>>>, ready: Arc<AtomicBool>) -> ServiceOptions {
    let chance = AtomicU8::new(0);
    let audit = Audit {
        ready: Arc::new(move || ready.load(Ordering::SeqCst)),
        record: Arc::new(|called| Some(format!("{} {:?}", called.operation, called.bucket).into_bytes())),
        called: Arc::new(move |called| {
            calls.lock().unwrap().push(called);
            Box::pin(async {})
        }),
    };
    ServiceOptions {
        roots: Arc::new(|access_key| {
            let (account, _, secret) = [OWNER, OTHER].into_iter().find(|(_, key, _)| *key == access_key)?;
            Some(Root { secret: secret.to_owned(), account: account.parse().unwrap(), session_token: None })
        }),
        regions: ["us-east-1", "eu-west-1", "us-west-2"].map(str::to_owned).to_vec(),
        domain: Some("s3.localhost".to_owned()),
        audit,
        random: Arc::new(move |bytes| bytes.fill_with(|| chance.fetch_add(1, Ordering::SeqCst))),
    }
}

impl Running {
    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn client(&self) -> Client {
        self.client_of(OWNER, "us-east-1")
    }

    fn client_of(&self, (_, key, secret): (&str, &str, &str), region: &str) -> Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.url())
            .region(Region::new(region.to_owned()))
            .credentials_provider(Credentials::new(key, secret, None, None, "test"))
            .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
            .force_path_style(true);
        Client::from_conf(config.build())
    }

    /// A client with one bucket of its own.
    async fn bucket(&self, name: &str) -> Client {
        let client = self.client();
        client.create_bucket().bucket(name).send().await.unwrap();
        client
    }

    /// Notes that a trail delivers to a bucket.
    async fn protect(&self, bucket: &str, prefix: &str) {
        let mut tx = self.catalog.begin().await.unwrap();
        Store::protect(&mut tx, bucket, prefix).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The files that hold objects' bytes, and those being written.
    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.dir.path().join("buckets")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() { folders.push(entry) } else { found.push(entry) }
            }
        }
        found
    }
}

/// The code of the error that a call must end with.
fn code<T: std::fmt::Debug, E, R>(outcome: Result<T, SdkError<E, R>>) -> String
where
    SdkError<E, R>: ProvideErrorMetadata + std::fmt::Debug,
{
    let error = outcome.expect_err("the call is refused");
    error.code().map_or_else(|| format!("{error:?}"), str::to_owned)
}

/// The status of the error that a call must end with, where there is no document to say more.
fn status<T: std::fmt::Debug, E: std::fmt::Debug>(outcome: Result<T, SdkError<E>>) -> u16 {
    outcome.expect_err("the call is refused").raw_response().expect("there is an answer").status().as_u16()
}

async fn put(client: &Client, bucket: &str, key: &str, body: &str) {
    client.put_object().bucket(bucket).key(key).body(ByteStream::from(body.as_bytes().to_vec())).send().await.unwrap();
}

async fn get(client: &Client, bucket: &str, key: &str) -> Vec<u8> {
    let got = client.get_object().bucket(bucket).key(key).send().await.unwrap();
    got.body.collect().await.unwrap().to_vec()
}
