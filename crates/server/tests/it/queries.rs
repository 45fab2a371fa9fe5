//! Queries at work, by what they leave.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic, in its helpers too")]

use std::sync::Arc;
use std::time::Duration;

use catalog::queries::{self as rows, End, Results, Start, Statistics, Status};
use lake::tables::{self, Tables};
use server::queries::{Parts, Queries};

use crate::delivery::{ACCOUNT, Site};

async fn at_work(site: &Site) -> Queries {
    let tables = tables::Parts {
        dir: site.path().join("lake"),
        catalog: site.catalog.clone(),
        accounts: site.accounts.clone(),
        clock: site.now.clone(),
        config: tables::Config::default(),
    };
    let parts = Parts {
        data_dir: site.path().to_owned(),
        catalog: site.catalog.clone(),
        tables: Tables::open(tables).unwrap(),
        jobs: Arc::new(site.parts(false).await),
        clock: site.now.clone(),
        time_limit: Duration::from_secs(60),
        strict_aws: false,
        generate: None,
    };
    Queries::start(parts).await.unwrap()
}

#[tokio::test]
async fn a_query_that_has_ended_and_is_taken_up_again_keeps_its_results() {
    let site = Site::new().await;
    let queries = at_work(&site).await;
    let account = ACCOUNT.parse().unwrap();
    let start = Start {
        id: "q1".to_owned(),
        owner: account,
        caller: account,
        region: "us-east-1".to_owned(),
        statement: "SELECT eventID FROM event_data_store".to_owned(),
        alias: None,
        refresh_id: None,
        prompt: None,
        now_us: 0,
        delivery: None,
        stores: ["gone".to_owned()].into(),
    };
    let end = End {
        status: Status::Finished,
        now_us: 1,
        error: None,
        statistics: Statistics::default(),
        results: Some(Results { rows: 1, small: None }),
    };
    let mut tx = site.catalog.begin().await.unwrap();
    rows::insert(&mut tx, &start).await.unwrap();
    assert!(rows::end(&mut tx, "q1", &end).await.unwrap());
    tx.commit().await.unwrap();
    let file = site.path().join("lake/results/q1.rows");
    std::fs::write(&file, "results").unwrap();

    queries.begin("q1");
    // It takes its turn, and comes to its end before everything has stopped.
    tokio::task::yield_now().await;
    queries.stop().await;
    assert_eq!(std::fs::read(&file).unwrap(), b"results");
    assert_eq!(rows::get(&site.catalog, "q1").await.unwrap().unwrap().status, Status::Finished);
}
