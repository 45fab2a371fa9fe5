//! The lock on what trails deliver, and the service's own way in.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, MetadataDirective, ObjectIdentifier};
use bytes::Bytes;
use server::buckets::PutHeaders;

use super::*;

const KEY: &str = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/11/20/log.json.gz";
const DAY_US: i64 = 86_400 * 1_000_000;

async fn deliver(server: &Running, bytes: &'static [u8], signature: &str) -> Result<(), String> {
    let headers = PutHeaders {
        content_type: Some("application/json".into()),
        content_encoding: Some("gzip".into()),
        metadata: vec![("signature".into(), signature.into())],
        expected_owner: None,
    };
    server.store.service_put("trail", KEY, Bytes::from_static(bytes), headers).await.map_err(|error| error.code)
}

#[tokio::test]
async fn below_awslogs_only_the_service_writes() {
    let server = start().await;
    let client = server.bucket("trail").await;
    put(&client, "trail", "AWSLogs/uploaded/before", "a tree may be uploaded before a trail exists").await;
    put(&client, "trail", "from", "x").await;
    let begun = client.create_multipart_upload().bucket("trail").key(KEY).send().await.unwrap();
    let upload = begun.upload_id().unwrap();
    let part =
        || client.upload_part().bucket("trail").key(KEY).upload_id(upload).part_number(1).body(ByteStream::from_static(b"x"));
    let tag = part().send().await.unwrap().e_tag().unwrap().to_owned();
    server.protect("trail", "").await;
    deliver(&server, b"log", "s").await.unwrap();

    let write = client.put_object().bucket("trail").key(KEY).body(ByteStream::from_static(b"forged"));
    assert_eq!(code(write.send().await), "AccessDenied");
    let new = client.put_object().bucket("trail").key("AWSLogs/new").body(ByteStream::from_static(b"forged"));
    assert_eq!(code(new.send().await), "AccessDenied");
    assert_eq!(code(client.copy_object().bucket("trail").key(KEY).copy_source("trail/from").send().await), "AccessDenied");
    let onto_itself = client.copy_object().bucket("trail").key(KEY).copy_source(format!("trail/{KEY}"));
    assert_eq!(code(onto_itself.metadata_directive(MetadataDirective::Replace).send().await), "AccessDenied");
    assert_eq!(code(client.create_multipart_upload().bucket("trail").key(KEY).send().await), "AccessDenied");
    assert_eq!(code(part().send().await), "AccessDenied");
    let parts = CompletedMultipartUpload::builder().parts(CompletedPart::builder().part_number(1).e_tag(tag).build()).build();
    let complete = client.complete_multipart_upload().bucket("trail").key(KEY).upload_id(upload).multipart_upload(parts);
    assert_eq!(code(complete.send().await), "AccessDenied");
    assert_eq!(code(client.delete_object_tagging().bucket("trail").key(KEY).send().await), "AccessDenied");
    assert_eq!(get(&client, "trail", KEY).await, b"log");
    let head = client.head_object().bucket("trail").key(KEY).send().await.unwrap();
    assert_eq!((head.metadata().unwrap()["signature"].as_str(), head.content_encoding()), ("s", Some("gzip")));
    put(&client, "trail", "elsewhere", "x").await;
}

#[tokio::test]
async fn a_delivered_object_is_deleted_only_when_it_is_old_enough() {
    let server = start_with(Options { lock_us: 90 * DAY_US, ..Options::default() }).await;
    let client = server.bucket("trail").await;
    server.protect("trail", "pre/").await;
    deliver(&server, b"log", "s").await.unwrap();
    assert_eq!(code(client.delete_object().bucket("trail").key(KEY).send().await), "AccessDenied");
    let name = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let delete = Delete::builder().objects(name(KEY)).objects(name("none")).build().unwrap();
    let outcome = client.delete_objects().bucket("trail").delete(delete).send().await.unwrap();
    assert_eq!((outcome.deleted().len(), outcome.errors()[0].code()), (1, Some("AccessDenied")));
    assert_eq!(code(client.delete_bucket().bucket("trail").send().await), "BucketNotEmpty");

    server.clock.0.fetch_add(90 * DAY_US - 1, Ordering::SeqCst);
    assert_eq!(code(client.delete_object().bucket("trail").key(KEY).send().await), "AccessDenied");
    server.clock.0.fetch_add(1, Ordering::SeqCst);
    client.delete_object().bucket("trail").key(KEY).send().await.unwrap();
    client.delete_bucket().bucket("trail").send().await.unwrap();
}

#[tokio::test]
async fn a_lock_of_zero_lets_everything_be_changed() {
    let server = start_with(Options { lock_us: 0, ..Options::default() }).await;
    let client = server.bucket("trail").await;
    server.protect("trail", "").await;
    deliver(&server, b"log", "s").await.unwrap();
    put(&client, "trail", KEY, "changed").await;
    assert_eq!(get(&client, "trail", KEY).await, b"changed");
    deliver(&server, b"log", "s").await.unwrap();
    assert_eq!(get(&client, "trail", KEY).await, b"log");
    client.delete_object().bucket("trail").key(KEY).send().await.unwrap();
}

#[tokio::test]
async fn a_delivery_can_be_repeated_but_not_changed() {
    let server = start().await;
    assert_eq!(deliver(&server, b"log", "s").await, Err("NoSuchBucket".into()));
    server.bucket("trail").await;
    server.protect("trail", "").await;
    deliver(&server, b"log", "s").await.unwrap();
    let before = server.files();
    deliver(&server, b"log", "s").await.unwrap();
    assert_eq!(server.files(), before);
    assert_eq!(deliver(&server, b"other", "s").await, Err("AccessDenied".into()));
    assert_eq!(deliver(&server, b"log", "t").await, Err("AccessDenied".into()));
    let wrong = PutHeaders { expected_owner: Some(OTHER.0.into()), ..PutHeaders::default() };
    assert_eq!(server.store.service_put("trail", "k", Bytes::new(), wrong).await.unwrap_err().code, "AccessDenied");

    let got = server.store.service_get("trail", KEY).await.unwrap().unwrap();
    assert_eq!((got.body.as_ref(), got.metadata["signature"].as_str()), (&b"log"[..], "s"));
    assert_eq!(server.store.service_get("trail", "none").await.unwrap(), None);
    let listed = server.store.service_list("trail", "AWSLogs/", None, 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].key.as_str()), (1, KEY));
    assert!(server.store.service_list("trail", "AWSLogs/", Some(KEY), 10).await.unwrap().is_empty());
    assert_eq!(server.store.owner("trail").await.unwrap().map(|owner| owner.to_string()).as_deref(), Some(OWNER.0));
    assert_eq!(server.store.region("trail").await.unwrap().as_deref(), Some("us-east-1"));
    assert!(!server.store.exists("none").await.unwrap());
}

#[tokio::test]
async fn the_lock_outlives_the_server() {
    let server = start().await;
    let client = server.bucket("trail").await;
    server.protect("trail", "").await;
    deliver(&server, b"log", "s").await.unwrap();
    put(&client, "trail", "k", "kept").await;
    let again = Store::open(server.catalog.clone(), server.dir.path(), server.clock.clone(), Options::default()).await.unwrap();
    let swept = again.sweep().await.unwrap();
    assert_eq!(swept.orphans, 0);
    assert_eq!(again.service_get("trail", "k").await.unwrap().unwrap().body.as_ref(), b"kept");
    assert_eq!(code(client.delete_object().bucket("trail").key(KEY).send().await), "AccessDenied");
}
