use super::*;

const NOW_US: i64 = 1_700_000_000_000_000;

async fn catalog() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
    (dir, catalog)
}

fn account(text: &str) -> AccountId {
    text.parse().unwrap()
}

fn start(id: &str, stores: &[&str]) -> Start {
    Start {
        id: id.to_owned(),
        owner: account("111111111111"),
        caller: account("111111111111"),
        region: "us-east-1".to_owned(),
        statement: "SELECT 1".to_owned(),
        alias: None,
        refresh_id: None,
        prompt: None,
        now_us: NOW_US,
        delivery: None,
        stores: stores.iter().map(|store| (*store).to_owned()).collect(),
    }
}

fn ended(status: Status) -> End {
    let statistics = Statistics { events_matched: 2, events_scanned: 10, bytes_scanned: 999 };
    End { status, now_us: NOW_US + 7, error: None, statistics, results: Some(Results { rows: 2, small: None }) }
}

async fn started(catalog: &Catalog, start: &Start) {
    let mut tx = catalog.begin().await.unwrap();
    insert(&mut tx, start).await.unwrap();
    tx.commit().await.unwrap();
}

async fn finish(catalog: &Catalog, id: &str, how: &End) -> bool {
    let mut tx = catalog.begin().await.unwrap();
    begin(&mut tx, id, NOW_US + 1).await.unwrap();
    let won = end(&mut tx, id, how).await.unwrap();
    tx.commit().await.unwrap();
    won
}

#[tokio::test]
async fn a_query_goes_forward_only_and_ends_once() {
    let (_dir, catalog) = catalog().await;
    started(&catalog, &start("q1", &["b", "a"])).await;
    let waiting = get(&catalog, "q1").await.unwrap().unwrap();
    assert_eq!((waiting.status, waiting.stores.len(), waiting.ended_at_us), (Status::Queued, 2, None));
    assert_eq!(open(&catalog).await.unwrap(), [waiting]);

    assert!(finish(&catalog, "q1", &ended(Status::Finished)).await);
    assert!(!finish(&catalog, "q1", &ended(Status::Cancelled)).await, "it has ended");
    let query = get(&catalog, "q1").await.unwrap().unwrap();
    assert_eq!((query.status, query.rows, query.has_results), (Status::Finished, 2, true));
    assert_eq!((query.started_at_us, query.ended_at_us), (Some(NOW_US + 1), Some(NOW_US + 7)));
    assert_eq!(query.statistics, ended(Status::Finished).statistics);
    assert_eq!(open(&catalog).await.unwrap(), []);
    assert_eq!(get(&catalog, "q2").await.unwrap(), None);
}

#[tokio::test]
async fn only_queries_that_have_not_ended_count() {
    let (_dir, catalog) = catalog().await;
    for id in ["q1", "q2", "q3"] {
        started(&catalog, &start(id, &["a"])).await;
    }
    finish(&catalog, "q2", &ended(Status::Failed)).await;
    let mut tx = catalog.begin().await.unwrap();
    assert_eq!(open_of(&mut tx, account("111111111111")).await.unwrap(), 2);
    assert_eq!(open_of(&mut tx, account("222222222222")).await.unwrap(), 0);
}

#[tokio::test]
async fn queries_of_a_store_are_listed_newest_first_page_by_page() {
    let (_dir, catalog) = catalog().await;
    for (n, id) in ["q1", "q2", "q3"].into_iter().enumerate() {
        started(&catalog, &Start { now_us: NOW_US + n as i64, ..start(id, &["a"]) }).await;
    }
    started(&catalog, &start("other", &["b"])).await;
    finish(&catalog, "q2", &ended(Status::Finished)).await;

    let all = Listing { store: "a", caller: None, status: None, from_us: 0, to_us: i64::MAX, before: i64::MAX, limit: 2 };
    let ids = async |listing: Listing<'_>| -> Vec<String> {
        list(&catalog, &listing).await.unwrap().into_iter().map(|query| query.id).collect()
    };
    assert_eq!(ids(all).await, ["q3", "q2"]);
    let last = get(&catalog, "q2").await.unwrap().unwrap().number;
    assert_eq!(ids(Listing { before: last, ..all }).await, ["q1"]);
    assert_eq!(ids(Listing { status: Some(Status::Finished), ..all }).await, ["q2"]);
    assert_eq!(ids(Listing { from_us: NOW_US + 2, ..all }).await, ["q3"]);
    assert_eq!(ids(Listing { to_us: NOW_US, ..all }).await, ["q1"]);
    assert_eq!(ids(Listing { caller: Some(account("222222222222")), ..all }).await, [""; 0]);
}

#[tokio::test]
async fn what_is_not_finished_is_not_delivered() {
    let (_dir, catalog) = catalog().await;
    let delivery = Some(("s3://results/pre".to_owned(), "arn:store".to_owned()));
    for (id, status, expected) in [
        ("q1", Status::Finished, "PENDING"),
        ("q2", Status::Failed, "FAILED"),
        ("q3", Status::TimedOut, "FAILED"),
        ("q4", Status::Cancelled, "CANCELLED"),
    ] {
        started(&catalog, &Start { delivery: delivery.clone(), ..start(id, &["a"]) }).await;
        finish(&catalog, id, &ended(status)).await;
        assert_eq!(get(&catalog, id).await.unwrap().unwrap().delivery.unwrap().status, expected);
    }
    let waiting = to_deliver(&catalog).await.unwrap();
    assert_eq!(waiting.iter().map(|query| query.id.as_str()).collect::<Vec<_>>(), ["q1"]);
    let mut tx = catalog.begin().await.unwrap();
    delivered(&mut tx, "q1", "SUCCESS", None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(to_deliver(&catalog).await.unwrap(), []);
    started(&catalog, &start("q5", &["a"])).await;
    finish(&catalog, "q5", &ended(Status::Finished)).await;
    assert_eq!(get(&catalog, "q5").await.unwrap().unwrap().delivery, None);
}

#[tokio::test]
async fn old_queries_and_names_are_removed_but_none_that_still_runs() {
    let (_dir, catalog) = catalog().await;
    started(&catalog, &start("old", &["a"])).await;
    finish(&catalog, "old", &ended(Status::Finished)).await;
    started(&catalog, &start("slow", &["a"])).await;
    started(&catalog, &Start { now_us: NOW_US + 10, ..start("new", &["a"]) }).await;
    finish(&catalog, "new", &ended(Status::Finished)).await;
    let name = |alias: &str, expires_at_us| Alias {
        owner: account("111111111111"),
        region: "us-east-1".to_owned(),
        alias: alias.to_owned(),
        statement: "SELECT ?".to_owned(),
        prompt: Some("what".to_owned()),
        created_at_us: NOW_US,
        expires_at_us,
    };
    let mut tx = catalog.begin().await.unwrap();
    set_alias(&mut tx, &name("brief", Some(NOW_US + 5))).await.unwrap();
    set_alias(&mut tx, &name("lasting", None)).await.unwrap();
    assert_eq!(remove_old(&mut tx, NOW_US + 1, NOW_US + 5).await.unwrap(), ["old"]);
    tx.commit().await.unwrap();

    let known = async |text: &str| alias(&catalog, account("111111111111"), "us-east-1", text, NOW_US).await.unwrap();
    assert_eq!(known("brief").await, None);
    assert_eq!(known("lasting").await, Some(name("lasting", None)));
    assert!(get(&catalog, "slow").await.unwrap().is_some());
    assert!(get(&catalog, "new").await.unwrap().is_some());
}

#[tokio::test]
async fn a_name_tells_its_last_query() {
    let (_dir, catalog) = catalog().await;
    for (id, refresh) in [("q1", "1000000001"), ("q2", "1000000002"), ("q3", "1000000002")] {
        let named = Start { alias: Some("w".to_owned()), refresh_id: Some(refresh.to_owned()), ..start(id, &["a"]) };
        started(&catalog, &named).await;
    }
    let last = async |refresh: Option<&str>| {
        let found = last_of_alias(&catalog, account("111111111111"), "us-east-1", "w", refresh).await.unwrap();
        found.map(|query| query.id)
    };
    assert_eq!(last(None).await.as_deref(), Some("q3"));
    assert_eq!(last(Some("1000000001")).await.as_deref(), Some("q1"));
    assert_eq!(last(Some("1000000009")).await, None);
}

#[tokio::test]
async fn small_results_are_those_of_the_end_that_won_and_go_with_their_query() {
    let (_dir, catalog) = catalog().await;
    started(&catalog, &start("q1", &[])).await;
    let with = |text: &[u8]| End { results: Some(Results { rows: 1, small: Some(text.to_vec()) }), ..ended(Status::Finished) };
    assert!(finish(&catalog, "q1", &with(b"first")).await);
    assert!(!finish(&catalog, "q1", &with(b"second")).await);
    let number = get(&catalog, "q1").await.unwrap().unwrap().number;
    assert_eq!(small_results(&catalog, number).await.unwrap(), Some(b"first".to_vec()));

    let mut tx = catalog.begin().await.unwrap();
    assert_eq!(remove_old(&mut tx, NOW_US + 1, NOW_US + 1).await.unwrap(), ["q1"]);
    tx.commit().await.unwrap();
    assert_eq!(small_results(&catalog, number).await.unwrap(), None);
}
