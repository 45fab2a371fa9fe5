//! Records of changes on their way from the outbox into the journal.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic, in its helpers too")]

use std::sync::Arc;

use catalog::{Catalog, outbox};
use server::own_calls::OwnCalls;

use crate::delivery::{ACCOUNT, Site};

fn own_calls(site: &Site) -> OwnCalls {
    OwnCalls::new(site.catalog.clone(), site.recorder.clone(), site.now.clone(), Arc::new(|| "no uuid".to_owned()))
}

/// A change that is committed with its record.
async fn change(catalog: &Catalog, id: &str) {
    let record = format!(
        r#"{{"eventVersion":"1.11","eventTime":"2026-11-20T10:00:00Z","eventSource":"cloudtrail.amazonaws.com","eventName":"CreateTrail","awsRegion":"us-east-1","eventID":"{id}","recipientAccountId":"{ACCOUNT}","managementEvent":true}}"#
    );
    let mut tx = catalog.begin().await.unwrap();
    outbox::push(&mut tx, record.as_bytes()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn waiting(catalog: &Catalog) -> usize {
    outbox::oldest(catalog, 0).await.unwrap().len()
}

#[tokio::test]
async fn a_record_is_journaled_once_though_it_is_removed_later() {
    let site = Site::new().await;
    let own_calls = own_calls(&site);
    change(&site.catalog, "one").await;
    // Nothing can be removed while somebody else writes.
    let other = site.catalog.begin().await.unwrap();
    let end = own_calls.drain().await.unwrap();
    assert_eq!((end, site.recorder.committed()), (1, 1));
    assert_eq!(own_calls.drain().await.unwrap(), end, "it is not sent again");
    assert_eq!((site.recorder.committed(), waiting(&site.catalog).await), (1, 1));
    drop(other);
    change(&site.catalog, "two").await;
    assert!(own_calls.drain().await.unwrap() > end);
    own_calls.finish().await;
    own_calls.drain().await.unwrap();
    own_calls.finish().await;
    assert_eq!(waiting(&site.catalog).await, 0, "what one removal leaves the next one takes");
}

#[tokio::test]
async fn what_the_last_run_left_is_journaled_and_removed_before_anything_else() {
    let site = Site::new().await;
    for id in ["one", "two"] {
        change(&site.catalog, id).await;
    }
    // The last run had sent the first one, and was killed before it removed it.
    let interrupted = own_calls(&site);
    interrupted.drain().await.unwrap();
    let committed = site.recorder.committed();
    change(&site.catalog, "three").await;
    drop(interrupted);
    own_calls(&site).drain_whole().await.unwrap();
    assert_eq!(waiting(&site.catalog).await, 0);
    assert_eq!(site.recorder.committed(), committed + 1, "what is sent twice is a duplicate");
}
