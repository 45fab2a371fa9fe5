use catalog::federation::Federation;

use super::*;
use crate::buckets::listing::Entry;

const STORE: &str = "5d1b2c3e-0000-4000-8000-000000000001";
const OTHER: &str = "5d1b2c3e-0000-4000-8000-000000000002";
const MINE: &str = "123456789012";
const THEIRS: &str = "210987654321";

async fn lake() -> (tempfile::TempDir, Lake) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.sqlite")).await.unwrap();
    for (account, store) in [(MINE, STORE), (MINE, OTHER), (THEIRS, "theirs")] {
        for name in ["data/2026-11-20/a.parquet", "data/2026-11-20/b.parquet.tmp", "metadata/1.metadata.json", "metadata/.x.avro"]
        {
            let path = dir.path().join("lake").join(account).join(store).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
    }
    let lake = Lake::new(catalog, dir.path());
    put(&lake, MINE, STORE, Status::Enabled).await;
    put(&lake, THEIRS, "theirs", Status::Enabled).await;
    put(&lake, MINE, OTHER, Status::Enabling).await;
    (dir, lake)
}

async fn put(lake: &Lake, account: &str, store: &str, status: Status) {
    let mut tx = lake.catalog.begin().await.unwrap();
    let federation = Federation { store: store.to_owned(), account: account.to_owned(), status, role_arn: String::new() };
    federation::put(&mut tx, &federation).await.unwrap();
    tx.commit().await.unwrap();
}

fn account() -> AccountId {
    MINE.parse().unwrap()
}

async fn code(lake: &Lake, key: &str) -> &'static str {
    lake.open(key).await.map_or_else(|error| error.code(), |_| "")
}

#[tokio::test]
async fn a_file_of_a_federated_store_is_an_object() {
    let (_dir, lake) = lake().await;
    let object = lake.object(&format!("{MINE}/{STORE}/data/2026-11-20/a.parquet")).await.unwrap();
    assert_eq!(object.size, "data/2026-11-20/a.parquet".len() as u64);
    assert_eq!(code(&lake, &format!("{MINE}/{STORE}/metadata/1.metadata.json")).await, "");
    for key in [
        format!("{MINE}/{OTHER}/data/2026-11-20/a.parquet"),
        format!("{MINE}/theirs/data/2026-11-20/a.parquet"),
        format!("{MINE}/{STORE}/data/2026-11-20/b.parquet.tmp"),
        format!("{MINE}/{STORE}/data/2026-11-20/c.parquet"),
        format!("{MINE}/{STORE}/metadata/.x.avro"),
        format!("{MINE}/{STORE}/data/../metadata/1.metadata.json"),
        format!("{MINE}/{STORE}//metadata/1.metadata.json"),
        format!("{MINE}/{STORE}/data"),
        format!("{MINE}/{STORE}/"),
        format!("{MINE}/../{MINE}/{STORE}/metadata/1.metadata.json"),
        "catalog.sqlite".to_owned(),
        String::new(),
    ] {
        assert_eq!(code(&lake, &key).await, "NoSuchKey", "{key}");
    }
    put(&lake, MINE, STORE, Status::Disabling).await;
    assert_eq!(code(&lake, &format!("{MINE}/{STORE}/metadata/1.metadata.json")).await, "NoSuchKey");
}

#[tokio::test]
async fn a_listing_shows_the_federated_stores_of_the_account() {
    let (_dir, lake) = lake().await;
    let keys = async |query: Query| {
        let page = lake.list(account(), &Query { limit: query.limit.max(1), ..query }).await.unwrap();
        let shown = page.entries.into_iter().map(|entry| match entry {
            Entry::Item(object) => object.key,
            Entry::CommonPrefix(prefix) => prefix,
        });
        (shown.collect::<Vec<_>>(), page.truncated)
    };
    let (data, metadata) =
        (format!("{MINE}/{STORE}/data/2026-11-20/a.parquet"), format!("{MINE}/{STORE}/metadata/1.metadata.json"));
    let all = Query { limit: 9, ..Query::default() };
    assert_eq!(keys(all.clone()).await, (vec![data.clone(), metadata.clone()], false));
    assert_eq!(keys(Query { limit: 1, ..all.clone() }).await, (vec![data.clone()], true));
    assert_eq!(keys(Query { after: Some(data.clone()), ..all.clone() }).await, (vec![metadata.clone()], false));
    let slash = Query { delimiter: Some("/".to_owned()), ..all.clone() };
    assert_eq!(keys(slash.clone()).await, (vec![format!("{MINE}/")], false));
    let below = Query { prefix: format!("{MINE}/{STORE}/"), ..slash };
    let folders = vec![format!("{MINE}/{STORE}/data/"), format!("{MINE}/{STORE}/metadata/")];
    assert_eq!(keys(below).await, (folders, false));
    assert_eq!(keys(Query { prefix: format!("{MINE}/{STORE}/m"), ..all.clone() }).await, (vec![metadata], false));
    assert_eq!(keys(Query { prefix: THEIRS.to_owned(), ..all }).await, (vec![], false));
}

#[test]
fn nobody_writes_and_nobody_reads_what_is_anothers() {
    let code = |operation: &str, key: Option<&str>| check(operation, account(), key).map_or_else(|error| error.code(), |()| "");
    for operation in ["GetObject", "HeadObject"] {
        assert_eq!(code(operation, Some("123456789012/s/data/a.parquet")), "");
        assert_eq!(code(operation, Some("210987654321/s/data/a.parquet")), "AccessDenied");
        assert_eq!(code(operation, Some("1234567890123/s/data/a.parquet")), "AccessDenied");
    }
    for operation in ["ListObjects", "ListObjectsV2", "HeadBucket", "GetBucketLocation"] {
        assert_eq!(code(operation, None), "");
    }
    let all = super::super::operations::OPERATIONS.iter();
    for operation in all.filter(|operation| !operation.read_only || !OPERATIONS.contains(&operation.name)) {
        assert_eq!(code(operation.name, None), "AccessDenied", "{}", operation.name);
    }
}
