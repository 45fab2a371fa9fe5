//! All of it at work, with the machine's clock: what the program runs.

use pipeline::clock::SystemClock;
use pipeline::route::feed::Feed;
use server::config::{Config, File};
use server::delivery::{Delivery, Parts};

use super::walk::walk;
use super::*;

async fn delivery(site: &Site) -> Delivery {
    let file = File {
        trails: server::config::TrailsFile {
            delivery_interval: Some("1s".to_owned()),
            digest_interval: Some("1s".to_owned()),
            ..server::config::TrailsFile::default()
        },
        ..File::default()
    };
    let parts = Parts {
        config: Config::new(file, site.path().to_owned(), None).unwrap(),
        data_dir: site.path().to_owned(),
        catalog: site.catalog.clone(),
        recorder: site.recorder.clone(),
        journal: site.journal.clone(),
        feed: Feed::new(site.journal.clone()),
        routes: Arc::clone(&site.routes),
        accounts: site.accounts.clone(),
        clock: Arc::new(SystemClock),
        store: site.store.clone(),
    };
    Delivery::start(parts).await.unwrap()
}

/// Waits until there are `count` objects below a prefix. How long that takes does not matter.
async fn wait_for(site: &Site, prefix: &str, count: usize) -> Vec<String> {
    loop {
        let keys = site.keys_below(BUCKET, prefix).await;
        if keys.len() >= count {
            return keys;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_trail_is_followed_from_its_start_to_its_stop_over_a_restart() {
    let clock: SharedClock = Arc::new(SystemClock);
    let now = Arc::new(Now(AtomicI64::new(clock.now_us())));
    let mut site = Site::with_clock(now, clock).await;
    site.make_bucket(BUCKET, ACCOUNT).await;
    let running = delivery(&site).await;
    let trail = site.started("main", BUCKET).await;
    running.changed(&trail.arn).await.unwrap();
    assert_eq!(site.routes.load().trails.len(), 1);
    let (files, digests) = (format!("AWSLogs/{ACCOUNT}/CloudTrail/"), format!("AWSLogs/{ACCOUNT}/CloudTrail-Digest/{HOME}/"));
    site.record(HOME).await;
    wait_for(&site, &files, 1).await;
    wait_for(&site, &digests, 2).await;
    site.record(HOME).await;
    running.stop().await;

    let running = delivery(&site).await;
    wait_for(&site, &files, 2).await;
    site.record(HOME).await;
    let now_s = SystemClock.now_s();
    let mut tx = site.catalog.begin().await.unwrap();
    trails::stop_logging(&mut tx, &trail.arn, now_s).await.unwrap();
    tx.commit().await.unwrap();
    running.stops(&trail.arn, site.journal.committed()).await.unwrap();
    assert_eq!(site.routes.load().trails.len(), 0);
    wait_for(&site, &files, 3).await;
    while catalog::runs::current(&site.catalog, &trail.arn).await.unwrap().is_some()
        || catalog::digests::waiting(&site.catalog, trail.id).await.unwrap() > 0
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let walked = walk(&site, &trail, HOME).await;
    assert_eq!((walked.starts, walked.files.len()), (1, 3));
    assert!(running.statuses().await.len() <= 1);

    let mut tx = site.catalog.begin().await.unwrap();
    trails::delete(&mut tx, &trail.arn, site.now.now_us()).await.unwrap();
    tx.commit().await.unwrap();
    running.changed(&trail.arn).await.unwrap();
    assert_eq!(trails::ids(&site.catalog).await.unwrap(), [] as [i64; 0]);
    running.stop().await;
}

#[tokio::test]
async fn what_nobody_told_of_is_noticed() {
    let clock: SharedClock = Arc::new(SystemClock);
    let now = Arc::new(Now(AtomicI64::new(clock.now_us())));
    let mut site = Site::with_clock(now, clock).await;
    site.make_bucket(BUCKET, ACCOUNT).await;
    let running = delivery(&site).await;
    site.started("main", BUCKET).await;
    site.record(HOME).await;
    wait_for(&site, &format!("AWSLogs/{ACCOUNT}/CloudTrail/"), 1).await;
    running.stop().await;
}
