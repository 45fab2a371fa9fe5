use super::*;

#[tokio::test]
async fn a_resource_has_one_policy_as_it_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    put(&mut tx, "arn:a", "{ }", 1).await.unwrap();
    put(&mut tx, "arn:a", "{\n}", 2).await.unwrap();
    put(&mut tx, "arn:b", "{}", 3).await.unwrap();
    assert_eq!(get_in(&mut tx, "arn:a").await.unwrap().as_deref(), Some("{\n}"));
    assert!(remove(&mut tx, "arn:b").await.unwrap() && !remove(&mut tx, "arn:b").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(get(&catalog, "arn:a").await.unwrap().as_deref(), Some("{\n}"));
    assert_eq!(get(&catalog, "arn:b").await.unwrap(), None);
}
