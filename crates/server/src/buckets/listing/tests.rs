use std::collections::BTreeSet;

use catalog::buckets::{self, Bucket};
use catalog::objects::{Attributes, Object};
use proptest::prelude::*;

use super::*;

async fn with_keys(keys: &BTreeSet<String>) -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    let bucket = Bucket { name: "b".into(), account: "1".into(), region: "r".into(), created_at_us: 0 };
    buckets::insert(&mut tx, &bucket).await.unwrap();
    for (file, key) in keys.iter().enumerate() {
        let (file, attributes) = (file as i64 + 1, Attributes::default());
        let object = Object { file, size: 0, etag: String::new(), modified_at_us: 0, attributes };
        objects::put(&mut tx, "b", key, &object).await.unwrap();
    }
    tx.commit().await.unwrap();
    (dir, catalog)
}

fn name(entry: &Entry<Listed>) -> String {
    match entry {
        Entry::Item(object) => object.key.clone(),
        Entry::CommonPrefix(prefix) => format!("{prefix}…"),
    }
}

/// What a listing shows, by looking at every key.
fn model(keys: &BTreeSet<String>, query: &Query) -> Vec<String> {
    let mut shown = Vec::new();
    for key in keys.iter().filter(|key| key.starts_with(&query.prefix)) {
        let entry = query.common_prefix(key).map_or_else(|| key.clone(), |prefix| format!("{prefix}…"));
        if shown.last() != Some(&entry) {
            shown.push(entry);
        }
    }
    shown
}

async fn all_pages(catalog: &Catalog, mut query: Query) -> Vec<String> {
    let mut shown = Vec::new();
    loop {
        let page = objects(catalog, "b", &query).await.unwrap();
        assert!(page.entries.len() <= query.limit as usize);
        shown.extend(page.entries.iter().map(name));
        if !page.truncated {
            return shown;
        }
        query.after = page.entries.last().map(|entry| match entry {
            Entry::Item(object) => object.key.clone(),
            Entry::CommonPrefix(prefix) => prefix.clone(),
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn pages_show_what_a_look_at_every_key_shows(
        keys in proptest::collection::btree_set("[a-c/é]{1,5}", 0..40),
        prefix in "[a-c/]{0,2}",
        delimiter in proptest::option::of("(/|b|é|//)"),
        limit in 1_u32..6,
    ) {
        let query = Query { prefix, delimiter, after: None, limit };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shown = runtime.block_on(async {
            let (_dir, catalog) = with_keys(&keys).await;
            all_pages(&catalog, query.clone()).await
        });
        prop_assert_eq!(shown, model(&keys, &query));
    }
}

#[tokio::test]
async fn a_large_folder_is_skipped_whole() {
    let mut keys: BTreeSet<String> = (0..3_000).map(|n| format!("folder/{n:05}")).collect();
    keys.insert("zebra".to_owned());
    let (_dir, catalog) = with_keys(&keys).await;
    let query = Query { delimiter: Some("/".to_owned()), limit: 1_000, ..Query::default() };
    let page = objects(&catalog, "b", &query).await.unwrap();
    assert_eq!(page.entries.iter().map(name).collect::<Vec<_>>(), ["folder/…", "zebra"]);
    assert!(!page.truncated);
    let everything = Query { limit: 1_000, ..Query::default() };
    assert_eq!(all_pages(&catalog, everything).await.len(), 3_001);
}
