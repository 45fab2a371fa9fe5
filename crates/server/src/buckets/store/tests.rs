use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use pipeline::clock::Clock;

use super::super::content::{self, Expected, Received};
use super::super::objects::Place;
use super::*;
use crate::buckets::PutHeaders;

struct Hands(AtomicI64);

impl Clock for Hands {
    fn now_us(&self) -> i64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

struct Ground {
    dir: tempfile::TempDir,
    catalog: Catalog,
    clock: Arc<Hands>,
}

impl Ground {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
        Self { dir, catalog, clock: Arc::new(Hands(AtomicI64::new(1_000_000))) }
    }

    async fn open(&self) -> Store {
        Store::open(self.catalog.clone(), self.dir.path(), self.clock.clone(), Options::default()).await.unwrap()
    }
}

async fn make(store: &Store) {
    let bucket = Bucket { name: "b".into(), account: "123456789012".into(), region: "us-east-1".into(), created_at_us: 0 };
    store.create(&bucket, &[], &unrecorded).await.unwrap();
}

async fn receive(store: &Store, bytes: &'static [u8]) -> Received {
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(bytes))]);
    let expected = Expected { bytes_max: limits::PUT_BYTES_MAX, ..Expected::default() };
    content::receive(&store.files, stream, expected).await.unwrap()
}

#[tokio::test]
async fn a_file_whose_commit_never_came_is_invisible_and_swept_at_the_next_start() {
    let ground = Ground::new().await;
    let store = ground.open().await;
    make(&store).await;
    store.service_put("b", "kept", Bytes::from_static(b"kept"), PutHeaders::default()).await.unwrap();
    // The program ends between the file and the commit: nothing is dropped in order.
    let received = receive(&store, b"lost").await;
    let lost = store.files.path(received.placed.number());
    std::mem::forget(received);
    assert!(lost.exists());
    assert_eq!(store.sweep().await.unwrap().orphans, 0, "what was written since the start is left alone");
    assert!(store.object(Place { bucket: "b", key: "lost" }).await.is_err());

    let again = ground.open().await;
    again.sweep().await.unwrap();
    assert!(!lost.exists());
    assert_eq!(again.service_get("b", "kept").await.unwrap().unwrap().body.as_ref(), b"kept");
}

#[tokio::test]
async fn a_commit_that_fails_leaves_the_old_object_and_no_second_one() {
    let ground = Ground::new().await;
    let store = ground.open().await;
    make(&store).await;
    store.service_put("b", "k", Bytes::from_static(b"old"), PutHeaders::default()).await.unwrap();
    let received = receive(&store, b"new").await;
    let incoming = super::super::objects::Incoming {
        etag: received.etag(),
        attributes: objects::Attributes::default(),
        placed: received.placed,
        size: received.size,
        condition: super::super::objects::Condition::Absent,
        writer: super::super::lock::Writer::Caller,
    };
    let refused = store.put(Place { bucket: "b", key: "k" }, incoming, &unrecorded).await;
    assert_eq!(refused.unwrap_err().code(), "PreconditionFailed");
    assert_eq!(store.service_get("b", "k").await.unwrap().unwrap().body.as_ref(), b"old");
    assert_eq!(store.sweep().await.unwrap(), Swept::default());
    let again = ground.open().await;
    assert_eq!(again.sweep().await.unwrap(), Swept { files: 1, orphans: 0 });
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let ground = Ground::new().await;
    let store = ground.open().await;
    let body = futures_util::stream::iter([Ok(Bytes::from(vec![1; 1 << 20])), Err(std::io::Error::other("gone"))]);
    let expected = Expected { bytes_max: limits::PUT_BYTES_MAX, ..Expected::default() };
    assert_eq!(content::receive(&store.files, body, expected).await.err().unwrap().code(), "IncompleteBody");
    let body = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![1; 1 << 20]))]);
    let expected = Expected { bytes_max: 1 << 19, ..Expected::default() };
    assert_eq!(content::receive(&store.files, body, expected).await.err().unwrap().code(), "EntityTooLarge");
    let incoming = ground.dir.path().join(FOLDER).join("incoming");
    assert_eq!(std::fs::read_dir(incoming).unwrap().count(), 0);
    assert!(store.files.folders().unwrap().is_empty());
}

#[tokio::test]
async fn a_disk_without_room_takes_nothing_and_keeps_nothing() {
    let ground = Ground::new().await;
    let store = ground.open().await;
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"x"))]);
    let expected = Expected { bytes_max: 10, free_bytes_min: u64::MAX, ..Expected::default() };
    assert_eq!(content::receive(&store.files, stream, expected).await.err().unwrap().code(), "SlowDown");
    assert_eq!(std::fs::read_dir(ground.dir.path().join(FOLDER).join("incoming")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_change_and_its_record_commit_together() {
    let ground = Ground::new().await;
    let store = ground.open().await;
    let record = || Some(b"record".to_vec());
    let bucket = Bucket { name: "b".into(), account: "123456789012".into(), region: "us-east-1".into(), created_at_us: 0 };
    store.create(&bucket, &[], &record).await.unwrap();
    assert!(store.create(&bucket, &[], &record).await.is_err());
    assert_eq!(outbox::oldest(&ground.catalog, 0).await.unwrap().len(), 1);
}
