use cloudtrail::event_data_store::{Change, EventSize};

use super::*;

const NOW_US: i64 = 1_700_000_000_000_000;

async fn catalog() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
    (dir, catalog)
}

fn store(name: &str, id: u8) -> Store {
    let change = Change { name: Some(name.to_owned()), ..Change::default() };
    let settings = Settings::create(&change, "111111111111".parse().unwrap(), "us-east-1".parse().unwrap()).unwrap();
    let id = format!("00000000-0000-4000-8000-0000000000{id:02}");
    let arn = settings.arn("aws", &id).to_string();
    Store::new(id, arn, settings, NOW_US)
}

async fn made(catalog: &Catalog, name: &str, id: u8) -> Store {
    let mut tx = catalog.begin().await.unwrap();
    let store = store(name, id);
    let number = insert(&mut tx, &store, 7).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    Store { number, ..store }
}

async fn change(catalog: &Catalog, store: &Store) {
    let mut tx = catalog.begin().await.unwrap();
    assert!(update(&mut tx, store).await.unwrap());
    tx.commit().await.unwrap();
}

async fn rules(catalog: &Catalog, store: &Store) -> Vec<(Option<u64>, bool, bool)> {
    let versions = rules::of_store(catalog, store.number).await.unwrap();
    versions.into_iter().map(|version| (version.position, version.rule.ingesting, version.rule.multi_region)).collect()
}

#[tokio::test]
async fn a_store_is_found_as_it_was_made_and_followed_from_then_on() {
    let (_dir, catalog) = catalog().await;
    let (one, two) = (made(&catalog, "one", 1).await, made(&catalog, "two", 2).await);
    assert_eq!((one.number, two.number), (1, 2));
    assert_eq!(get(&catalog, &one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(by_number(&catalog, 2).await.unwrap(), Some(two.clone()));
    let region = "us-east-1".parse().unwrap();
    let found = of_region(&catalog, one.settings.account, &region).await.unwrap();
    assert_eq!(found, [one.clone(), two.clone()]);
    assert_eq!(of_region(&catalog, one.settings.account, &"eu-west-1".parse().unwrap()).await.unwrap(), []);
    assert_eq!(cursors::get(&catalog, &one.cursor()).await.unwrap(), Some(7));
    assert_eq!(rules(&catalog, &one).await, [(Some(7), true, true)]);
    let mut tx = catalog.begin().await.unwrap();
    assert!(insert(&mut tx, &store("one", 3), 0).await.is_err(), "the name is taken");
}

#[tokio::test]
async fn a_change_of_what_a_store_takes_applies_from_the_position_it_is_given() {
    let (_dir, catalog) = catalog().await;
    let mut store = made(&catalog, "store", 1).await;
    store.settings.retention_days = 30;
    change(&catalog, &store).await;
    assert_eq!(get(&catalog, &store.id).await.unwrap(), Some(store.clone()));
    assert_eq!(rules(&catalog, &store).await.len(), 1, "what it takes is as it was");

    store.ingests = false;
    store.status = Status::StoppingIngestion;
    change(&catalog, &store).await;
    assert_eq!(rules(&catalog, &store).await, [(Some(7), true, true), (None, false, true)]);
    assert!(rules::is_unsettled(&catalog).await.unwrap());
    let mut tx = catalog.begin().await.unwrap();
    rules::place(&mut tx, Some(store.number), 20).await.unwrap();
    rules::prune(&mut tx, store.number, 19).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(rules(&catalog, &store).await, [(Some(7), true, true), (Some(20), false, true)]);
    assert!(!rules::is_unsettled(&catalog).await.unwrap());

    let mut tx = catalog.begin().await.unwrap();
    rules::prune(&mut tx, store.number, 20).await.unwrap();
    assert!(pass(&mut tx, store.number, Status::StoppingIngestion, Status::StoppedIngestion).await.unwrap());
    assert!(!pass(&mut tx, store.number, Status::StoppingIngestion, Status::StoppedIngestion).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(rules(&catalog, &store).await, [(Some(20), false, true)]);

    store.configuration.size = EventSize::Large;
    change(&catalog, &store).await;
    let newest = rules::of_store(&catalog, store.number).await.unwrap().pop().unwrap();
    assert_eq!(newest.rule.event_bytes_max, 1 << 20);
}

#[tokio::test]
async fn a_deleted_store_goes_when_its_time_has_come_unless_it_is_restored() {
    let (_dir, catalog) = catalog().await;
    let mut store = made(&catalog, "store", 1).await;
    store.status = Status::PendingDeletion;
    store.purge_at_us = Some(NOW_US + 10);
    change(&catalog, &store).await;
    let mut tx = catalog.begin().await.unwrap();
    assert!(remove_cursor(&mut tx, &store).await.unwrap());
    assert!(!purge(&mut tx, &store, NOW_US + 9).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(cursors::get(&catalog, &store.cursor()).await.unwrap(), None);

    let deleted = store.clone();
    store.status = Status::Enabled;
    store.purge_at_us = None;
    change(&catalog, &store).await;
    let mut tx = catalog.begin().await.unwrap();
    ensure_cursor(&mut tx, &store, 90).await.unwrap();
    ensure_cursor(&mut tx, &store, 91).await.unwrap();
    assert!(!remove_cursor(&mut tx, &deleted).await.unwrap());
    assert!(!purge(&mut tx, &deleted, i64::MAX).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(cursors::get(&catalog, &store.cursor()).await.unwrap(), Some(90));

    change(&catalog, &deleted).await;
    let mut tx = catalog.begin().await.unwrap();
    set_tags(&mut tx, store.number, &[Tag { key: "team".to_owned(), value: None }]).await.unwrap();
    assert!(purge(&mut tx, &deleted, NOW_US + 10).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(all(&catalog).await.unwrap(), []);
    assert_eq!(tags(&catalog, store.number).await.unwrap(), []);
    assert_eq!(made(&catalog, "store", 2).await.number, 2, "a number is never given out again");
}

#[tokio::test]
async fn numbers_end_where_journal_entries_cannot_name_them() {
    let (_dir, catalog) = catalog().await;
    made(&catalog, "first", 1).await;
    let mut tx = catalog.begin().await.unwrap();
    let to = |seq: i64| format!("UPDATE sqlite_sequence SET seq = {seq} WHERE name = 'event_data_stores'");
    sqlx::query(sqlx::AssertSqlSafe(to(65_534))).execute(tx.connection()).await.unwrap();
    assert_eq!(insert(&mut tx, &store("last", 2), 0).await.unwrap(), Some(65_535));
    assert_eq!(insert(&mut tx, &store("more", 3), 0).await.unwrap(), None);
}

#[tokio::test]
async fn tags_are_kept_in_the_order_they_were_given() {
    let (_dir, catalog) = catalog().await;
    let store = made(&catalog, "store", 1).await;
    let tag = |key: &str, value: Option<&str>| Tag { key: key.to_owned(), value: value.map(str::to_owned) };
    let given = [tag("b", Some("2")), tag("a", None)];
    let mut tx = catalog.begin().await.unwrap();
    set_tags(&mut tx, store.number, &given).await.unwrap();
    assert_eq!(tags_in(&mut tx, store.number).await.unwrap(), given);
    set_tags(&mut tx, store.number, &given[1..]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(tags(&catalog, store.number).await.unwrap(), given[1..]);
}
