//! Objects put, got, copied, deleted.

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, Delete, MetadataDirective, ObjectIdentifier, StorageClass};

use super::*;

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let server = start().await;
    let client = server.bucket("first").await;
    let put = client
        .put_object()
        .bucket("first")
        .key("a/b c+ü.txt")
        .body(ByteStream::from_static(b"hello"))
        .content_type("text/plain")
        .content_encoding("identity")
        .cache_control("no-cache")
        .metadata("Signature", "ab12")
        .metadata("umlaut", "grün")
        .send()
        .await
        .unwrap();
    assert_eq!(put.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));

    let got = client.get_object().bucket("first").key("a/b c+ü.txt").checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(got.content_type(), Some("text/plain"));
    assert_eq!(got.content_encoding(), Some("identity"));
    assert_eq!(got.cache_control(), Some("no-cache"));
    assert_eq!(got.metadata().unwrap()["signature"], "ab12");
    assert_eq!(got.last_modified(), Some(&DateTime::from_secs(NOW_US / 1_000_000)));
    assert_eq!(got.checksum_crc32(), Some("NhCmhg=="), "the SDK's default checksum, sent after the bytes");
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"hello");

    let head = client.head_object().bucket("first").key("a/b c+ü.txt").send().await.unwrap();
    assert_eq!((head.content_length(), head.e_tag()), (Some(5), put.e_tag()));
}

#[tokio::test]
async fn ranges_and_parts_of_an_object_are_read() {
    let server = start().await;
    let client = server.bucket("ranges").await;
    put(&client, "ranges", "k", "0123456789").await;
    let range = async |range: &str| {
        let got = client.get_object().bucket("ranges").key("k").range(range).send().await?;
        let shown = got.content_range().unwrap_or_default().to_owned();
        let body = got.body.collect().await.unwrap().to_vec();
        Ok::<_, SdkError<_>>((shown, String::from_utf8(body).unwrap()))
    };
    assert_eq!(range("bytes=2-4").await.unwrap(), ("bytes 2-4/10".into(), "234".into()));
    assert_eq!(range("bytes=7-").await.unwrap(), ("bytes 7-9/10".into(), "789".into()));
    assert_eq!(range("bytes=-3").await.unwrap(), ("bytes 7-9/10".into(), "789".into()));
    assert_eq!(range("bytes=5-99").await.unwrap(), ("bytes 5-9/10".into(), "56789".into()));
    assert_eq!(code(range("bytes=10-12").await), "InvalidRange");
    let whole = client.get_object().bucket("ranges").key("k").part_number(1).send().await.unwrap();
    assert_eq!(whole.content_length(), Some(10));
    assert_eq!(code(client.get_object().bucket("ranges").key("k").part_number(2).send().await), "InvalidPartNumber");
}

#[tokio::test]
async fn a_read_keeps_to_its_conditions() {
    let server = start().await;
    let client = server.bucket("conditions").await;
    put(&client, "conditions", "k", "hello").await;
    let tag = "\"5d41402abc4b2a76b9719d911017c592\"";
    let get = || client.get_object().bucket("conditions").key("k");
    let (before, at) = (DateTime::from_secs(NOW_US / 1_000_000 - 1), DateTime::from_secs(NOW_US / 1_000_000));
    assert!(get().if_match(tag).send().await.is_ok());
    assert!(get().if_match(tag).if_unmodified_since(before).send().await.is_ok(), "the tag counts, not the date");
    assert_eq!(code(get().if_match("\"x\"").send().await), "PreconditionFailed");
    assert_eq!(code(get().if_unmodified_since(before).send().await), "PreconditionFailed");
    assert_eq!(status(get().if_none_match(tag).send().await), 304);
    assert_eq!(status(get().if_modified_since(at).send().await), 304);
    assert!(get().if_modified_since(before).send().await.is_ok());
}

#[tokio::test]
async fn an_answer_says_what_the_url_asks_it_to_say() {
    let server = start().await;
    let client = server.bucket("overrides").await;
    put(&client, "overrides", "k", "hello").await;
    let got = client
        .get_object()
        .bucket("overrides")
        .key("k")
        .response_content_type("application/json")
        .response_content_disposition("attachment")
        .send()
        .await
        .unwrap();
    assert_eq!((got.content_type(), got.content_disposition()), (Some("application/json"), Some("attachment")));
}

#[tokio::test]
async fn every_checksum_algorithm_is_verified_and_kept() {
    let server = start().await;
    let client = server.bucket("sums").await;
    let algorithms = [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ];
    for algorithm in algorithms {
        let key = algorithm.as_str();
        let put = client.put_object().bucket("sums").key(key).checksum_algorithm(algorithm.clone());
        put.body(ByteStream::from_static(b"hello")).send().await.unwrap();
        // The SDK verifies the body against the checksum it is shown.
        let got = client.get_object().bucket("sums").key(key).checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        let shown =
            [got.checksum_crc32(), got.checksum_crc32_c(), got.checksum_crc64_nvme(), got.checksum_sha1(), got.checksum_sha256()];
        assert_eq!(shown.iter().flatten().count(), 1, "{key}");
        assert_eq!(got.body.collect().await.unwrap().to_vec(), b"hello");
    }
    let wrong = client.put_object().bucket("sums").key("wrong").checksum_sha256("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
    assert_eq!(code(wrong.body(ByteStream::from_static(b"other")).send().await), "BadDigest");
    let wrong = client.put_object().bucket("sums").key("wrong").content_md5("XUFAKrxLKna5cZ2REBfFkg==");
    assert_eq!(code(wrong.body(ByteStream::from_static(b"other")).send().await), "BadDigest");
    let wrong = client.put_object().bucket("sums").key("wrong").content_md5("short");
    assert_eq!(code(wrong.body(ByteStream::from_static(b"other")).send().await), "InvalidDigest");
    assert_eq!(code(client.get_object().bucket("sums").key("wrong").send().await), "NoSuchKey");
    assert_eq!(server.files().len(), 5, "nothing stays of what was refused");
}

#[tokio::test]
async fn a_write_keeps_to_its_conditions() {
    let server = start().await;
    let client = server.bucket("writes").await;
    let put = |key: &str| client.put_object().bucket("writes").key(key).body(ByteStream::from_static(b"hello"));
    assert!(put("k").if_none_match("*").send().await.is_ok());
    assert_eq!(code(put("k").if_none_match("*").send().await), "PreconditionFailed");
    assert!(put("k").if_match("\"5d41402abc4b2a76b9719d911017c592\"").send().await.is_ok());
    assert_eq!(code(put("k").if_match("\"0\"").send().await), "PreconditionFailed");
    assert_eq!(code(put("none").if_match("\"0\"").send().await), "NoSuchKey");
    assert_eq!(code(put("k").if_none_match("\"0\"").send().await), "NotImplemented");
    assert_eq!(server.files().len(), 1);
}

#[tokio::test]
async fn a_reader_keeps_the_object_that_is_replaced_under_it() {
    let server = start().await;
    let client = server.bucket("readers").await;
    let large = |byte| ByteStream::from(vec![byte; 4 << 20]);
    client.put_object().bucket("readers").key("k").body(large(b'a')).send().await.unwrap();
    let mut reading = client.get_object().bucket("readers").key("k").send().await.unwrap().body;
    let mut bytes = reading.next().await.unwrap().unwrap().to_vec();
    client.put_object().bucket("readers").key("k").body(large(b'b')).send().await.unwrap();
    assert_eq!(server.files().len(), 1, "the replaced file is gone");
    while let Some(chunk) = reading.next().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    assert!(bytes.len() == 4 << 20 && bytes.iter().all(|byte| *byte == b'a'));
}

#[tokio::test]
async fn a_copy_takes_or_replaces_metadata_and_tags() {
    let server = start().await;
    let client = server.bucket("copies").await;
    let put = client.put_object().bucket("copies").key("from ü").metadata("m", "1").tagging("t=1").content_type("text/plain");
    put.body(ByteStream::from_static(b"hello")).send().await.unwrap();
    let copy = |to: &str| client.copy_object().bucket("copies").key(to).copy_source("copies/from%20%C3%BC");

    let copied = copy("same").send().await.unwrap();
    assert_eq!(copied.copy_object_result().unwrap().e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    let head = client.head_object().bucket("copies").key("same").send().await.unwrap();
    assert_eq!((head.metadata().unwrap()["m"].as_str(), head.content_type()), ("1", Some("text/plain")));
    let tags = client.get_object_tagging().bucket("copies").key("same").send().await.unwrap();
    assert_eq!(tags.tag_set().len(), 1);

    copy("other").metadata_directive(MetadataDirective::Replace).metadata("n", "2").send().await.unwrap();
    let head = client.head_object().bucket("copies").key("other").send().await.unwrap();
    assert_eq!(head.metadata().unwrap().get("m"), None);
    assert_eq!(head.metadata().unwrap()["n"], "2");

    assert_eq!(code(copy("from ü").send().await), "InvalidRequest", "onto itself, without a change");
    assert!(copy("from ü").metadata_directive(MetadataDirective::Replace).send().await.is_ok());
    assert_eq!(code(client.copy_object().bucket("copies").key("x").copy_source("copies/none").send().await), "NoSuchKey");
    let failing = copy("x").copy_source_if_match("\"0\"");
    assert_eq!(code(failing.send().await), "PreconditionFailed");
}

#[tokio::test]
async fn objects_are_deleted_one_by_one_and_many_at_once() {
    let server = start().await;
    let client = server.bucket("deletes").await;
    for key in ["a", "b", "c", "x/<&>"] {
        put(&client, "deletes", key, "hello").await;
    }
    client.delete_object().bucket("deletes").key("a").send().await.unwrap();
    client.delete_object().bucket("deletes").key("a").send().await.unwrap();
    assert_eq!(code(client.delete_object().bucket("deletes").key("b").version_id("7").send().await), "NoSuchVersion");
    client.delete_object().bucket("deletes").key("b").version_id("null").send().await.unwrap();

    let name = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let delete = Delete::builder().objects(name("c")).objects(name("x/<&>")).objects(name("none")).build().unwrap();
    let outcome = client.delete_objects().bucket("deletes").delete(delete).send().await.unwrap();
    assert_eq!((outcome.deleted().len(), outcome.errors().len()), (3, 0));
    let quiet = Delete::builder().objects(name("none")).quiet(true).build().unwrap();
    let outcome = client.delete_objects().bucket("deletes").delete(quiet).send().await.unwrap();
    assert_eq!(outcome.deleted().len(), 0);
    assert!(server.files().is_empty());
    client.delete_bucket().bucket("deletes").send().await.unwrap();
}

#[tokio::test]
async fn what_is_not_implemented_or_over_a_limit_is_refused() {
    let server = start().await;
    let client = server.bucket("limits").await;
    let put = |key: &str| client.put_object().bucket("limits").key(key).body(ByteStream::from_static(b"hello"));
    assert_eq!(code(put("k").metadata("m", "x".repeat(2_048)).send().await), "MetadataTooLarge");
    assert_eq!(code(put("k").storage_class(StorageClass::Glacier).send().await), "InvalidStorageClass");
    assert_eq!(code(put("k").server_side_encryption("aws:kms".into()).send().await), "NotImplemented");
    assert_eq!(code(put("k").acl("public-read".into()).send().await), "AccessControlListNotSupported");
    assert_eq!(code(put("k").website_redirect_location("/x").send().await), "NotImplemented");
    assert_eq!(code(put(&"k".repeat(1_025)).send().await), "KeyTooLongError");
    assert!(put(&"ü".repeat(512)).acl("bucket-owner-full-control".into()).send().await.is_ok());
    let eleven: Vec<String> = (0..11).map(|n| format!("k{n}=v")).collect();
    assert_eq!(code(put("k").tagging(eleven.join("&")).send().await), "BadRequest");
}

#[tokio::test]
async fn attributes_and_access_of_an_object_are_told() {
    let server = start().await;
    let client = server.bucket("told").await;
    put(&client, "told", "k", "hello").await;
    let told = client.get_object_attributes().bucket("told").key("k");
    let told = told.object_attributes("ObjectSize".into()).object_attributes("ETag".into()).object_attributes("Checksum".into());
    let told = told.send().await.unwrap();
    assert_eq!((told.object_size(), told.e_tag().is_some()), (Some(5), true));
    assert_eq!(told.checksum().unwrap().checksum_crc32(), Some("NhCmhg=="));

    let acl = client.get_object_acl().bucket("told").key("k").send().await.unwrap();
    let owner = acl.owner().unwrap().id().unwrap().to_owned();
    assert_eq!(acl.grants()[0].grantee().unwrap().id(), Some(owner.as_str()));
    assert!(client.put_object_acl().bucket("told").key("k").acl("private".into()).send().await.is_ok());
    let public = client.put_object_acl().bucket("told").key("k").acl("public-read".into());
    assert_eq!(code(public.send().await), "AccessControlListNotSupported");
}
