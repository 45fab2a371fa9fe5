use crate::Catalog;

use super::*;

async fn catalog() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
    (dir, catalog)
}

fn bucket(name: &str, account: &str) -> Bucket {
    Bucket { name: name.to_owned(), account: account.to_owned(), region: "us-east-1".to_owned(), created_at_us: 7 }
}

#[tokio::test]
async fn a_page_of_buckets_is_of_one_account_and_begins_after_the_marker() {
    let (_dir, catalog) = catalog().await;
    let mut tx = catalog.begin().await.unwrap();
    for name in ["a-one", "b-two", "b-three", "c-four"] {
        insert(&mut tx, &bucket(name, "111111111111")).await.unwrap();
    }
    insert(&mut tx, &bucket("b-other", "222222222222")).await.unwrap();
    assert_eq!(count(&mut tx, "111111111111").await.unwrap(), 4);
    tx.commit().await.unwrap();

    let names = |buckets: Vec<Bucket>| buckets.into_iter().map(|b| b.name).collect::<Vec<_>>();
    assert_eq!(names(list(&catalog, "111111111111", "b-", "", 10).await.unwrap()), ["b-three", "b-two"]);
    assert_eq!(names(list(&catalog, "111111111111", "", "b-three", 10).await.unwrap()), ["b-two", "c-four"]);
    assert_eq!(names(list(&catalog, "111111111111", "", "", 1).await.unwrap()), ["a-one"]);
}

#[tokio::test]
async fn settings_go_with_the_bucket_and_protection_stays() {
    let (_dir, catalog) = catalog().await;
    let mut tx = catalog.begin().await.unwrap();
    insert(&mut tx, &bucket("logs", "111111111111")).await.unwrap();
    set(&mut tx, "logs", Setting::Policy, Some("{}")).await.unwrap();
    protect(&mut tx, "logs", "pre/").await.unwrap();
    protect(&mut tx, "logs", "pre/").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(setting(&catalog, "logs", Setting::Policy).await.unwrap().as_deref(), Some("{}"));

    let mut tx = catalog.begin().await.unwrap();
    remove(&mut tx, "logs").await.unwrap();
    insert(&mut tx, &bucket("logs", "222222222222")).await.unwrap();
    assert_eq!(setting_in(&mut tx, "logs", Setting::Policy).await.unwrap(), None);
    assert_eq!(protected_in(&mut tx, "logs").await.unwrap(), ["pre/"]);
}
