//! What is told of calls.

use catalog::outbox;

use super::*;

fn told(server: &Running) -> Vec<Called> {
    std::mem::take(&mut server.calls.lock().unwrap())
}

#[tokio::test]
async fn every_call_of_a_known_caller_is_told_of() {
    let server = start().await;
    let client = server.bucket("told").await;
    put(&client, "told", "k", "hello").await;
    get(&client, "told", "k").await;
    client.list_objects_v2().bucket("told").prefix("AWSLogs/").send().await.unwrap();
    let _ = client.get_object().bucket("told").key("none").send().await;
    let _ = client.delete_bucket_lifecycle().bucket("told").send().await;
    let _ = server.client_of((OWNER.0, OWNER.1, "wrong"), "us-east-1").list_buckets().send().await;

    let calls = told(&server);
    let names: Vec<_> = calls.iter().map(|called| (called.operation, called.management, called.read_only)).collect();
    assert_eq!(
        names,
        [
            ("CreateBucket", true, false),
            ("PutObject", false, false),
            ("GetObject", false, true),
            ("ListObjects", false, true),
            ("GetObject", false, true),
            ("DeleteBucketLifecycle", true, false),
        ]
    );
    let (put, got, listed, missed) = (&calls[1], &calls[2], &calls[3], &calls[4]);
    assert_eq!((put.bytes_in, got.bytes_out), (5, 5));
    assert_eq!((put.bucket.as_deref(), put.key.as_deref(), put.key_is_prefix), (Some("told"), Some("k"), false));
    assert_eq!((listed.key.as_deref(), listed.key_is_prefix), (Some("AWSLogs/"), true));
    assert!(listed.parameters.contains(&("prefix".into(), "AWSLogs/".into())));
    assert!(listed.parameters.contains(&("list-type".into(), "2".into())));
    assert_eq!(missed.error.as_ref().map(|(code, _)| code.as_str()), Some("NoSuchKey"));
    assert_eq!(calls[5].error.as_ref().map(|(code, _)| code.as_str()), Some("NotImplemented"));
    for called in &calls {
        assert_eq!((called.account.to_string().as_str(), called.access_key.as_str()), (OWNER.0, OWNER.1));
        assert_eq!((called.request_id.len(), called.region.as_str()), (16, "us-east-1"));
        assert!(called.connection.peer.ip().is_loopback() && called.user_agent.is_some() && called.host.is_some());
    }
    assert_eq!(got.bucket_owner.map(|owner| owner.to_string()).as_deref(), Some(OWNER.0));
}

#[tokio::test]
async fn the_record_of_a_change_commits_with_it() {
    let server = start().await;
    let client = server.bucket("kept").await;
    let policy = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::kept"}}"#;
    client.put_bucket_policy().bucket("kept").policy(policy).send().await.unwrap();
    put(&client, "kept", "k", "x").await;
    let _ = client.create_bucket().bucket("kept").send().await;
    let _ = client.delete_bucket().bucket("kept").send().await;
    get(&client, "kept", "k").await;

    let waiting = outbox::oldest(&server.catalog, 0).await.unwrap();
    let records: Vec<_> = waiting.iter().map(|waiting| String::from_utf8_lossy(&waiting.record).into_owned()).collect();
    assert_eq!(records, ["CreateBucket Some(\"kept\")", "PutBucketPolicy Some(\"kept\")", "PutObject Some(\"kept\")"]);
    let recorded: Vec<_> = told(&server).iter().map(|called| called.recorded).collect();
    assert_eq!(recorded, [true, true, true, false, false, false]);
}

#[tokio::test]
async fn documents_are_told_by_the_names_records_give_them() {
    let server = start().await;
    let client = server.client_of(OWNER, "us-east-1");
    let region = aws_sdk_s3::types::BucketLocationConstraint::EuWest1;
    let configuration = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(region).build();
    client.create_bucket().bucket("documents").create_bucket_configuration(configuration).send().await.unwrap();
    let policy = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::documents"}}"#;
    client.put_bucket_policy().bucket("documents").policy(policy).send().await.unwrap();
    let calls = told(&server);
    assert_eq!(calls[0].documents[0].0, "CreateBucketConfiguration");
    assert_eq!(calls[0].documents[0].1["LocationConstraint"], "eu-west-1");
    assert_eq!(calls[1].documents[0].0, "bucketPolicy");
    assert_eq!(calls[1].documents[0].1["Statement"]["Action"], "s3:*");
    assert!(calls[1].parameters.contains(&("policy".into(), String::new())));
    assert_eq!(calls[1].bucket_region.as_deref(), Some("eu-west-1"));
}

#[tokio::test]
async fn nothing_changes_while_nothing_can_be_recorded() {
    let server = start().await;
    let client = server.bucket("ready").await;
    put(&client, "ready", "k", "hello").await;
    server.ready.store(false, Ordering::SeqCst);
    let write = client.put_object().bucket("ready").key("k").body(ByteStream::from_static(b"other"));
    assert_eq!(code(write.send().await), "ServiceUnavailable");
    assert_eq!(code(client.delete_object().bucket("ready").key("k").send().await), "ServiceUnavailable");
    assert_eq!(code(client.create_bucket().bucket("more").send().await), "ServiceUnavailable");
    assert_eq!(get(&client, "ready", "k").await, b"hello");
}
