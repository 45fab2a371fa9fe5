//! Multipart uploads.

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};

use super::*;

const PART: usize = 5 << 20;

struct Upload {
    client: Client,
    id: String,
    parts: Vec<CompletedPart>,
}

impl Upload {
    async fn begin(client: &Client, key: &str, algorithm: Option<ChecksumAlgorithm>) -> Self {
        let begun =
            client.create_multipart_upload().bucket("uploads").key(key).metadata("m", "1").set_checksum_algorithm(algorithm);
        let id = begun.send().await.unwrap().upload_id().unwrap().to_owned();
        Self { client: client.clone(), id, parts: Vec::new() }
    }

    async fn part(&mut self, key: &str, number: i32, body: Vec<u8>, algorithm: Option<ChecksumAlgorithm>) {
        let part = self.client.upload_part().bucket("uploads").key(key).upload_id(&self.id).part_number(number);
        let part = part.set_checksum_algorithm(algorithm).body(ByteStream::from(body)).send().await.unwrap();
        let completed = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(part.e_tag().map(str::to_owned))
            .set_checksum_crc32(part.checksum_crc32().map(str::to_owned))
            .set_checksum_sha256(part.checksum_sha256().map(str::to_owned))
            .set_checksum_crc64_nvme(part.checksum_crc64_nvme().map(str::to_owned));
        self.parts.push(completed.build());
    }

    async fn complete(&self, key: &str) -> Result<String, String> {
        let named = CompletedMultipartUpload::builder().set_parts(Some(self.parts.clone())).build();
        let done = self.client.complete_multipart_upload().bucket("uploads").key(key).upload_id(&self.id);
        match done.multipart_upload(named).send().await {
            Ok(done) => Ok(done.e_tag().unwrap().to_owned()),
            refused => Err(code(refused)),
        }
    }
}

#[tokio::test]
async fn parts_become_an_object() {
    let server = start().await;
    let client = server.bucket("uploads").await;
    let mut upload = Upload::begin(&client, "k", None).await;
    upload.part("k", 1, vec![b'x'; PART], None).await;
    upload.part("k", 2, vec![b'a'; PART], None).await;
    upload.parts.pop();
    upload.part("k", 2, vec![b'b'; PART], None).await;
    upload.part("k", 9, b"end".to_vec(), None).await;
    let parts = client.list_parts().bucket("uploads").key("k").upload_id(&upload.id).max_parts(2).send().await.unwrap();
    assert_eq!((parts.parts().len(), parts.is_truncated(), parts.next_part_number_marker()), (2, Some(true), Some("2")));
    assert_eq!(code(client.get_object().bucket("uploads").key("k").send().await), "NoSuchKey");

    assert!(upload.complete("k").await.unwrap().ends_with("-3\""));
    let bytes = get(&client, "uploads", "k").await;
    assert_eq!((bytes.len(), &bytes[PART - 1..=PART], &bytes[2 * PART..]), (2 * PART + 3, &b"xb"[..], &b"end"[..]));
    let second = client.get_object().bucket("uploads").key("k").part_number(2).send().await.unwrap();
    assert_eq!((second.parts_count(), second.content_length()), (Some(3), Some(PART as i64)));
    let head = client.head_object().bucket("uploads").key("k").send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["m"], "1");
    assert_eq!(server.files().len(), 1, "the parts' files are gone");
    assert_eq!(upload.complete("k").await, Err("NoSuchUpload".into()));
}

#[tokio::test]
async fn the_parts_must_be_there_in_order_and_large_enough() {
    let server = start().await;
    let client = server.bucket("uploads").await;
    let mut upload = Upload::begin(&client, "k", None).await;
    upload.part("k", 1, b"small".to_vec(), None).await;
    upload.part("k", 2, b"end".to_vec(), None).await;
    assert_eq!(upload.complete("k").await, Err("EntityTooSmall".into()));
    upload.parts.reverse();
    assert_eq!(upload.complete("k").await, Err("InvalidPartOrder".into()));
    upload.parts = vec![CompletedPart::builder().part_number(1).e_tag("\"0\"").build()];
    assert_eq!(upload.complete("k").await, Err("InvalidPart".into()));
    upload.parts.clear();
    assert_eq!(upload.complete("k").await, Err("MalformedXML".into()));
    let part = client.upload_part().bucket("uploads").key("k").upload_id(&upload.id).part_number(10_001);
    assert_eq!(code(part.body(ByteStream::from_static(b"x")).send().await), "InvalidArgument");
    let part = client.upload_part().bucket("uploads").key("other").upload_id(&upload.id).part_number(1);
    assert_eq!(code(part.body(ByteStream::from_static(b"x")).send().await), "NoSuchUpload");
}

#[tokio::test]
async fn checksums_are_of_the_parts_or_of_the_object() {
    let server = start().await;
    let client = server.bucket("uploads").await;
    for (algorithm, suffix) in
        [(ChecksumAlgorithm::Crc32, "-2"), (ChecksumAlgorithm::Sha256, "-2"), (ChecksumAlgorithm::Crc64Nvme, "=")]
    {
        let key = algorithm.as_str();
        let mut upload = Upload::begin(&client, key, Some(algorithm.clone())).await;
        upload.part(key, 1, vec![b'x'; PART], Some(algorithm.clone())).await;
        upload.part(key, 2, b"end".to_vec(), Some(algorithm.clone())).await;
        upload.complete(key).await.unwrap();
        let head = client.head_object().bucket("uploads").key(key).checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        let shown = [head.checksum_crc32(), head.checksum_sha256(), head.checksum_crc64_nvme()];
        let shown: Vec<_> = shown.into_iter().flatten().collect();
        assert!(shown.len() == 1 && shown[0].ends_with(suffix), "{key}: {shown:?}");
        // The SDK verifies what it can.
        assert_eq!(get(&client, "uploads", key).await.len(), PART + 3);
    }
    let mut upload = Upload::begin(&client, "k", Some(ChecksumAlgorithm::Sha256)).await;
    let other = client.upload_part().bucket("uploads").key("k").upload_id(&upload.id).part_number(1);
    let other = other.checksum_algorithm(ChecksumAlgorithm::Crc32).body(ByteStream::from_static(b"x"));
    assert_eq!(code(other.send().await), "InvalidRequest");
    upload.part("k", 1, b"x".to_vec(), Some(ChecksumAlgorithm::Sha256)).await;
    assert!(upload.complete("k").await.is_ok());
}

#[tokio::test]
async fn parts_are_copied_from_objects() {
    let server = start().await;
    let client = server.bucket("uploads").await;
    put(&client, "uploads", "from", "0123456789").await;
    let mut upload = Upload::begin(&client, "k", None).await;
    let copy = |range: &str| {
        let copy = client.upload_part_copy().bucket("uploads").key("k").upload_id(&upload.id).part_number(1);
        copy.copy_source("uploads/from").copy_source_range(range)
    };
    assert_eq!(code(copy("bytes=5-10").send().await), "InvalidArgument");
    assert_eq!(code(copy("bytes=5-").send().await), "InvalidArgument");
    let copied = copy("bytes=2-4").send().await.unwrap();
    let tag = copied.copy_part_result().unwrap().e_tag().unwrap().to_owned();
    upload.parts.push(CompletedPart::builder().part_number(1).e_tag(tag).build());
    upload.complete("k").await.unwrap();
    assert_eq!(get(&client, "uploads", "k").await, b"234");
}

#[tokio::test]
async fn uploads_are_listed_and_aborted() {
    let server = start().await;
    let client = server.bucket("uploads").await;
    let mut first = Upload::begin(&client, "a/1", None).await;
    first.part("a/1", 1, b"x".to_vec(), None).await;
    let second = Upload::begin(&client, "a/1", None).await;
    let third = Upload::begin(&client, "b", None).await;
    let list = || client.list_multipart_uploads().bucket("uploads");

    let page = list().max_uploads(1).send().await.unwrap();
    assert_eq!((page.uploads()[0].upload_id(), page.is_truncated()), (Some(first.id.as_str()), Some(true)));
    let next = list().set_key_marker(page.next_key_marker().map(str::to_owned));
    let next = next.set_upload_id_marker(page.next_upload_id_marker().map(str::to_owned)).send().await.unwrap();
    let ids: Vec<_> = next.uploads().iter().filter_map(|upload| upload.upload_id()).collect();
    assert_eq!(ids, [second.id.as_str(), third.id.as_str()]);
    let folded = list().delimiter("/").send().await.unwrap();
    assert_eq!((folded.common_prefixes()[0].prefix(), folded.uploads().len()), (Some("a/"), 1));

    let abort = |id: &str| client.abort_multipart_upload().bucket("uploads").key("a/1").upload_id(id);
    abort(&first.id).send().await.unwrap();
    assert_eq!(code(abort(&first.id).send().await), "NoSuchUpload");
    assert!(server.files().is_empty());
    client.delete_bucket().bucket("uploads").send().await.unwrap();
}
