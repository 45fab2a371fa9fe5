use super::*;

fn file(store: &str, path: &str) -> File {
    File {
        id: 0,
        store: store.to_owned(),
        path: path.to_owned(),
        day: 20_778,
        merged: false,
        rows: 3,
        bytes: 4_096,
        oldest_us: -1,
        newest_us: 7,
        first_position: 10,
        end_position: 20,
        format: 1,
        checksums: vec![1, 2, 3, 4],
    }
}

#[tokio::test]
async fn files_are_listed_by_store_until_they_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.sqlite")).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    let first = insert(&mut tx, &file("a", "data/1.parquet")).await.unwrap();
    insert(&mut tx, &file("a", "data/2.parquet")).await.unwrap();
    insert(&mut tx, &file("b", "data/1.parquet")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(list(&catalog, "a").await.unwrap()[0], File { id: first, ..file("a", "data/1.parquet") });

    let mut tx = catalog.begin().await.unwrap();
    remove(&mut tx, first).await.unwrap();
    remove_all(&mut tx, "b").await.unwrap();
    tx.commit().await.unwrap();
    let paths: Vec<String> = list(&catalog, "a").await.unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(paths, ["data/2.parquet"]);
    assert_eq!(list(&catalog, "b").await.unwrap(), []);
}

#[tokio::test]
async fn a_path_counts_once_in_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.sqlite")).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    insert(&mut tx, &file("a", "data/1.parquet")).await.unwrap();
    assert!(insert(&mut tx, &file("a", "data/1.parquet")).await.is_err());
}
