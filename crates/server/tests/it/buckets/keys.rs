//! Listings.

use super::*;

const KEYS: [&str; 9] = ["a", "b/1", "b/2", "b/c/3", "d e", "d+e", "ü/x", "z/", "z/1"];

async fn filled(server: &Running) -> Client {
    let client = server.bucket("keys").await;
    for key in KEYS {
        put(&client, "keys", key, "x").await;
    }
    client
}

#[tokio::test]
async fn version_one_goes_on_after_a_marker() {
    let server = start().await;
    let client = filled(&server).await;
    let page = client.list_objects().bucket("keys").max_keys(4).send().await.unwrap();
    let keys: Vec<_> = page.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, ["a", "b/1", "b/2", "b/c/3"]);
    assert_eq!((page.is_truncated(), page.next_marker()), (Some(true), None));
    assert!(page.contents()[0].owner().is_some());
    let page = client.list_objects().bucket("keys").marker("b/c/3").send().await.unwrap();
    let keys: Vec<_> = page.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, ["d e", "d+e", "z/", "z/1", "ü/x"]);
    assert_eq!(page.is_truncated(), Some(false));

    let page = client.list_objects().bucket("keys").delimiter("/").max_keys(2).send().await.unwrap();
    assert_eq!(page.next_marker(), Some("b/"));
    let page = client.list_objects().bucket("keys").delimiter("/").marker("b/").send().await.unwrap();
    let prefixes: Vec<_> = page.common_prefixes().iter().filter_map(|prefix| prefix.prefix()).collect();
    assert_eq!(prefixes, ["z/", "ü/"]);
}

#[tokio::test]
async fn version_two_pages_through_everything_once() {
    let server = start().await;
    let client = filled(&server).await;
    for (delimiter, expected) in [(None, KEYS.len()), (Some("/".to_owned()), 6)] {
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let page = client.list_objects_v2().bucket("keys").set_delimiter(delimiter.clone()).max_keys(2);
            let page = page.set_continuation_token(token).send().await.unwrap();
            assert_eq!(page.key_count(), Some((page.contents().len() + page.common_prefixes().len()) as i32));
            found.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
            found.extend(page.common_prefixes().iter().filter_map(|prefix| prefix.prefix().map(str::to_owned)));
            token = page.next_continuation_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        found.sort();
        found.dedup();
        assert_eq!(found.len(), expected, "{found:?}");
    }
    let within = client.list_objects_v2().bucket("keys").prefix("b/").delimiter("/").start_after("b/1").send().await.unwrap();
    assert_eq!(within.contents().iter().filter_map(|object| object.key()).collect::<Vec<_>>(), ["b/2"]);
    assert_eq!(within.common_prefixes()[0].prefix(), Some("b/c/"));
    assert!(within.contents()[0].owner().is_none());
    let owned = client.list_objects_v2().bucket("keys").fetch_owner(true).send().await.unwrap();
    assert!(owned.contents()[0].owner().is_some());
    let none = client.list_objects_v2().bucket("keys").max_keys(0).send().await.unwrap();
    assert_eq!((none.is_truncated(), none.key_count()), (Some(false), Some(0)));
    assert_eq!(code(client.list_objects_v2().bucket("keys").continuation_token("?").send().await), "InvalidArgument");
}

#[tokio::test]
async fn keys_are_encoded_when_asked() {
    let server = start().await;
    let client = filled(&server).await;
    let page =
        client.list_objects_v2().bucket("keys").encoding_type("url".into()).prefix("d").delimiter("/").send().await.unwrap();
    let keys: Vec<_> = page.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, ["d%20e", "d%2Be"]);
    let page = client.list_objects().bucket("keys").encoding_type("url".into()).prefix("ü").delimiter("/").send().await.unwrap();
    assert_eq!(page.common_prefixes()[0].prefix(), Some("%C3%BC/"));
}

#[tokio::test]
async fn versions_are_all_null() {
    let server = start().await;
    let client = filled(&server).await;
    let page = client.list_object_versions().bucket("keys").prefix("b/").send().await.unwrap();
    assert!(page.versions().iter().all(|version| version.version_id() == Some("null") && version.is_latest() == Some(true)));
    assert_eq!(page.versions().len(), 3);
}

#[tokio::test]
async fn buckets_are_listed_for_their_account() {
    let server = start().await;
    let client = server.client();
    for name in ["one-bucket", "two-bucket", "three-bucket"] {
        client.create_bucket().bucket(name).send().await.unwrap();
    }
    let listed = client.list_buckets().send().await.unwrap();
    let names: Vec<_> = listed.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(names, ["one-bucket", "three-bucket", "two-bucket"]);
    let other = server.client_of(OTHER, "us-east-1").list_buckets().send().await.unwrap();
    assert!(other.buckets().is_empty());
    assert_ne!(other.owner().unwrap().id(), listed.owner().unwrap().id());

    let page = client.list_buckets().max_buckets(2).send().await.unwrap();
    assert_eq!(page.buckets().len(), 2);
    let page = client.list_buckets().continuation_token(page.continuation_token().unwrap()).send().await.unwrap();
    assert_eq!(page.buckets()[0].name(), Some("two-bucket"));
}
