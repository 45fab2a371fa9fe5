//! Digest chains, verified by the walk.

use super::walk::walk;
use super::*;

#[tokio::test]
async fn digests_of_two_regions_verify_over_restarts() {
    let mut site = Site::new().await;
    let trail = site.started("main", BUCKET).await;
    let mut work = site.at_work(&trail).await;
    site.follow(&mut work).await;
    deliver(&work.jobs).await;
    for second in [1, 12, 13, 31, 47] {
        site.live_until(&mut work, second).await;
        site.record(HOME).await;
        site.record(AWAY).await;
        if second % 2 == 1 {
            // The program ends without a word, and starts again later.
            drop(work);
            site.turn_to(site.second() + 3);
            work = site.at_work(&trail).await;
        }
    }
    site.live_until(&mut work, 65).await;

    let home = walk(&site, &trail, HOME).await;
    assert_eq!(home.starts, 1);
    assert_eq!(home.intervals, [(50, 60), (40, 50), (30, 40), (20, 30), (10, 20), (0, 10), (-10, 0)]);
    let away = walk(&site, &trail, AWAY).await;
    assert_eq!((away.starts, away.intervals.len()), (1, 6));
    let delivered: Vec<_> = [HOME, AWAY].map(|region| format!("AWSLogs/{ACCOUNT}/CloudTrail/{region}/")).into();
    for (prefix, walked) in delivered.iter().zip([home, away]) {
        let mut listed = walked.files;
        listed.sort();
        assert_eq!(listed, site.keys_below(BUCKET, prefix).await, "every file is in one digest");
    }
    assert_eq!(site.status(&trail, HOME).await.latest_digest_delivery_s, Some(T0 + 60));
    assert_eq!(site.status(&trail, AWAY).await.latest_digest_delivery_error, None);
}

#[tokio::test]
async fn a_crash_between_seal_and_delivery_gives_the_same_digest() {
    let site = Site::new().await;
    let trail = site.started("main", BUCKET).await;
    let mut work = site.at_work(&trail).await;
    site.follow(&mut work).await;
    let lane = work.jobs.lanes().await.unwrap().remove(0);
    let mut bodies = Vec::new();
    for _ in 0..3 {
        // Sealed, journaled, delivered: the program ends after each.
        assert_eq!(site.jobs(&trail, false).await.step(&lane).await.unwrap(), Step::Done);
        let chain = catalog::digests::waiting_chains(&site.catalog, trail.id).await.unwrap();
        if let [chain] = chain.as_slice() {
            let digest = catalog::digests::oldest(&site.catalog, *chain).await.unwrap().unwrap();
            bodies.push(digest.sealed.unwrap().body);
        }
        site.turn_to(site.second() + 100);
    }
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
    let keys = site.keys_below(BUCKET, &format!("AWSLogs/{ACCOUNT}/CloudTrail-Digest/")).await;
    let object = site.store.service_get(BUCKET, &keys[0]).await.unwrap().unwrap();
    assert_eq!(object.body, bodies[0]);
    let frames = site.journal.read(0, 1 << 20).unwrap();
    let entries: Vec<serde_json::Value> = frames.iter().map(|f| serde_json::from_slice(&f.payload).unwrap()).collect();
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0]["type"].as_str(), entries[0]["key"].as_str()), (Some("digest"), Some(keys[0].as_str())));
}

#[tokio::test]
async fn a_stop_ends_the_chain_and_a_start_begins_another() {
    let mut site = Site::new().await;
    let trail = site.started("main", BUCKET).await;
    let mut work = site.at_work(&trail).await;
    site.live_until(&mut work, 4).await;
    site.record(HOME).await;
    site.stop(&trail).await;
    work.signals.changes.fetch_add(1, Ordering::Release);
    site.live_until(&mut work, 5).await;
    assert!(work.signals.ended.is_cancelled());
    let first = walk(&site, &trail, HOME).await;
    assert_eq!((first.intervals, first.starts, first.files.len()), (vec![(0, 4), (-10, 0)], 1, 1));

    let mut tx = site.catalog.begin().await.unwrap();
    trails::start_logging(&mut tx, &trail.arn, site.now.now_s(), site.journal.committed()).await.unwrap();
    tx.commit().await.unwrap();
    let mut work = site.at_work(&trail).await;
    site.live_until(&mut work, 16).await;
    let second = walk(&site, &trail, HOME).await;
    assert_eq!((second.intervals, second.starts), (vec![(5, 15), (-5, 5)], 1));
}

#[tokio::test]
async fn the_chain_goes_on_when_the_bucket_changes() {
    let mut site = Site::new().await;
    site.make_bucket("elsewhere", ACCOUNT).await;
    let trail = site.started("main", BUCKET).await;
    let mut work = site.at_work(&trail).await;
    site.live_until(&mut work, 5).await;
    site.record(HOME).await;
    site.live_until(&mut work, 12).await;
    site.update(&trail, Settings { s3_bucket_name: "elsewhere".to_owned(), ..trail.settings.clone() }).await;
    work.signals.changes.fetch_add(1, Ordering::Release);
    site.live_until(&mut work, 31).await;
    let walked = walk(&site, &trail, HOME).await;
    assert_eq!(walked.starts, 1);
    assert_eq!(walked.buckets, ["elsewhere", "elsewhere", BUCKET, BUCKET]);
    assert_eq!(walked.files.len(), 1);
}
