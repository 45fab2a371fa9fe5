//! Buckets that forbid, that are gone, that come back.

use super::walk::walk;
use super::*;

const DENY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-audit/*"}]}"#;

#[tokio::test]
async fn a_bucket_that_forbids_delays_and_loses_nothing() {
    let mut site = Site::new().await;
    let trail = site.started("main", BUCKET).await;
    let mut work = site.at_work(&trail).await;
    site.live_until(&mut work, 4).await;
    site.record(HOME).await;
    site.live_until(&mut work, 8).await;
    let well = site.status(&trail, HOME).await;
    assert_eq!((well.latest_delivery_s, well.latest_delivery_error.as_deref()), (Some(T0 + 6), None));

    site.set_policy(BUCKET, Some(DENY)).await;
    site.record(HOME).await;
    site.live_until(&mut work, 35).await;
    assert!(!deliver(&work.jobs).await.is_empty());
    let ill = site.status(&trail, HOME).await;
    assert_eq!(ill.latest_delivery_error.as_deref(), Some("AccessDenied"));
    assert_eq!((ill.latest_delivery_s, ill.latest_delivery_attempt_s), (Some(T0 + 6), Some(T0 + 35)));
    assert_eq!(catalog::files::backlog(&site.catalog, trail.id).await.unwrap().files, 1);

    site.set_policy(BUCKET, None).await;
    assert!(deliver(&work.jobs).await.is_empty());
    let well = site.status(&trail, HOME).await;
    assert_eq!((well.latest_delivery_s, well.latest_delivery_error), (Some(T0 + 35), None));
    assert_eq!((well.latest_digest_delivery_s, well.latest_digest_delivery_error), (Some(T0 + 35), None));
    let walked = walk(&site, &trail, HOME).await;
    assert_eq!((walked.starts, walked.files.len()), (1, 2));
    assert_eq!(walked.intervals, [(20, 30), (10, 20), (0, 10), (-10, 0)]);
    assert!(Spool::open(site.path().join("spool")).unwrap().names().unwrap().is_empty());
}

#[tokio::test]
async fn a_digest_waits_for_its_files_and_keeps_the_next_ones_waiting() {
    let mut site = Site::new().await;
    let trail = site.started("main", BUCKET).await;
    let mut work = site.at_work(&trail).await;
    site.live_until(&mut work, 4).await;
    site.set_policy(BUCKET, Some(&DENY.replace("/*", "/AWSLogs/123456789012/CloudTrail/*"))).await;
    site.record(HOME).await;
    site.live_until(&mut work, 35).await;
    assert_eq!(walk(&site, &trail, HOME).await.intervals, [(-10, 0)]);
    assert_eq!(catalog::digests::waiting(&site.catalog, trail.id).await.unwrap(), 3);
    site.set_policy(BUCKET, None).await;
    deliver(&work.jobs).await;
    assert_eq!(walk(&site, &trail, HOME).await.intervals, [(20, 30), (10, 20), (0, 10), (-10, 0)]);
}

#[tokio::test]
async fn what_waits_for_a_bucket_that_is_gone_goes_to_the_one_the_trail_is_given() {
    let mut site = Site::new().await;
    let trail = site.started("main", "never-made").await;
    let mut work = site.at_work(&trail).await;
    site.live_until(&mut work, 4).await;
    site.record(HOME).await;
    site.live_until(&mut work, 12).await;
    assert_eq!(site.status(&trail, HOME).await.latest_delivery_error.as_deref(), Some("NoSuchBucket"));
    assert_eq!(site.status(&trail, HOME).await.latest_digest_delivery_error.as_deref(), Some("NoSuchBucket"));

    let settings = Settings { s3_bucket_name: BUCKET.to_owned(), s3_key_prefix: None, ..trail.settings.clone() };
    site.update(&trail, settings).await;
    work.signals.changes.fetch_add(1, Ordering::Release);
    site.live_until(&mut work, 21).await;
    assert!(deliver(&work.jobs).await.is_empty());
    let walked = walk(&site, &trail, HOME).await;
    assert_eq!((walked.starts, walked.files.len()), (1, 1));
    assert_eq!(walked.intervals, [(10, 20), (0, 10), (-10, 0)]);
}

#[tokio::test]
async fn one_trails_trouble_is_not_anothers() {
    let mut site = Site::new().await;
    let ill = site.started("ill", "never-made").await;
    let well = site.started("well", BUCKET).await;
    let (mut ill_work, mut well_work) = (site.at_work(&ill).await, site.at_work(&well).await);
    site.record(HOME).await;
    for second in 1..=3 {
        site.turn_to(second);
        for work in [&mut ill_work, &mut well_work] {
            site.follow(work).await;
            deliver(&work.jobs).await;
        }
    }
    assert_eq!(catalog::files::backlog(&site.catalog, ill.id).await.unwrap().files, 1);
    assert_eq!(catalog::files::backlog(&site.catalog, well.id).await.unwrap().files, 0);
}

#[tokio::test]
async fn a_private_key_that_is_missing_stops_its_region_alone() {
    let mut site = Site::new().await;
    let trail = site.started("main", BUCKET).await;
    let mut work = site.at_work(&trail).await;
    site.live_until(&mut work, 1).await;
    site.record(AWAY).await;
    site.live_until(&mut work, 11).await;
    for entry in std::fs::read_dir(site.path().join("keys")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with(AWAY) {
            std::fs::write(path, "not a key").unwrap();
        }
    }
    drop(work);
    let mut work = site.at_work(&trail).await;
    site.live_until(&mut work, 32).await;
    let errors = deliver(&work.jobs).await;
    let [Error::Key(error)] = errors.as_slice() else { panic!("{errors:?}") };
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert_eq!(walk(&site, &trail, HOME).await.intervals.len(), 4);
    assert_eq!(walk(&site, &trail, AWAY).await.intervals, [(0, 10)]);
}
