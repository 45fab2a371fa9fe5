use crate::buckets::{self, Bucket};
use crate::{Catalog, uploads};

use super::*;

async fn catalog_with_bucket() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    let bucket = Bucket { name: "b".into(), account: "1".into(), region: "r".into(), created_at_us: 0 };
    buckets::insert(&mut tx, &bucket).await.unwrap();
    tx.commit().await.unwrap();
    (dir, catalog)
}

fn object(file: i64) -> Object {
    Object { file, size: 3, etag: "e".into(), modified_at_us: 9, attributes: Attributes::default() }
}

#[tokio::test]
async fn keys_sort_by_the_bytes_of_utf8() {
    let (_dir, catalog) = catalog_with_bucket().await;
    let mut tx = catalog.begin().await.unwrap();
    let keys = ["\u{ffff}", "a", "Z", "\u{10000}", "é", "a/b", "a\u{0}b", "a!"];
    for (file, key) in keys.iter().enumerate() {
        put(&mut tx, "b", key, &object(file as i64 + 1)).await.unwrap();
    }
    tx.commit().await.unwrap();

    let all = KeyRange { from: vec![], until: vec![0xff] };
    let listed: Vec<_> = range(&catalog, "b", &all, 100).await.unwrap().into_iter().map(|o| o.key).collect();
    let mut expected = keys.map(str::to_owned);
    expected.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    assert_eq!(listed, expected);
    let some = KeyRange { from: b"a/".to_vec(), until: b"a0".to_vec() };
    assert_eq!(range(&catalog, "b", &some, 100).await.unwrap()[0].key, "a/b");
}

#[tokio::test]
async fn an_object_comes_back_as_it_was_put_and_its_file_is_held() {
    let (_dir, catalog) = catalog_with_bucket().await;
    let mut kept = object(5);
    kept.attributes.metadata.insert("signature".into(), "aa".into());
    kept.attributes.checksum = Some(Checksum { algorithm: "CRC32".into(), value: "AAAA".into(), composite: true });
    kept.attributes.parts = vec![PartOfObject { number: 1, size: 3, checksum: None }];
    let mut tx = catalog.begin().await.unwrap();
    put(&mut tx, "b", "k", &object(4)).await.unwrap();
    put(&mut tx, "b", "k", &kept).await.unwrap();
    assert!(any(&mut tx, "b").await.unwrap());
    tx.commit().await.unwrap();

    assert_eq!(find(&catalog, "b", "k").await.unwrap(), Some(kept));
    assert!(!holds_file(&catalog, 4).await.unwrap());
    assert!(holds_file(&catalog, 5).await.unwrap());
    assert_eq!(last_file(&catalog).await.unwrap(), 5);
}

#[tokio::test]
async fn parts_are_replaced_by_number_and_go_with_the_upload() {
    let (_dir, catalog) = catalog_with_bucket().await;
    let upload = uploads::Upload {
        id: "u1".into(),
        bucket: "b".into(),
        key: "k".into(),
        account: "1".into(),
        created_at_us: 0,
        wanted: uploads::Wanted::default(),
    };
    let part = |number, file| uploads::Part { number, file, size: 1, etag: "e".into(), modified_at_us: 0, checksum: None };
    let mut tx = catalog.begin().await.unwrap();
    uploads::insert(&mut tx, &upload).await.unwrap();
    assert_eq!(uploads::put_part(&mut tx, "u1", &part(2, 10)).await.unwrap(), None);
    assert_eq!(uploads::put_part(&mut tx, "u1", &part(1, 11)).await.unwrap(), None);
    assert_eq!(uploads::put_part(&mut tx, "u1", &part(2, 12)).await.unwrap(), Some(10));
    tx.commit().await.unwrap();

    let numbers: Vec<_> = uploads::parts(&catalog, "u1", 0, 10).await.unwrap().into_iter().map(|p| (p.number, p.file)).collect();
    assert_eq!(numbers, [(1, 11), (2, 12)]);
    assert!(holds_file(&catalog, 12).await.unwrap());
    let mut tx = catalog.begin().await.unwrap();
    assert_eq!(uploads::files(&mut tx, "b").await.unwrap().len(), 2);
    uploads::remove(&mut tx, "u1").await.unwrap();
    assert_eq!(uploads::parts_in(&mut tx, "u1").await.unwrap(), []);
}
