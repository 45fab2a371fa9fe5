//! Buckets, and what is set on them.

use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration, Tag, Tagging, VersioningConfiguration,
};

use super::*;

fn in_region(name: &str) -> CreateBucketConfiguration {
    CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(name)).build()
}

#[tokio::test]
async fn a_bucket_is_made_in_the_region_that_is_signed_for() {
    let server = start().await;
    let (virginia, ireland) = (server.client(), server.client_of(OWNER, "eu-west-1"));
    let make = |client: &Client, name: &str, region: Option<&str>| {
        client.create_bucket().bucket(name).set_create_bucket_configuration(region.map(in_region)).send()
    };
    make(&virginia, "in-virginia", None).await.unwrap();
    make(&ireland, "in-ireland", Some("eu-west-1")).await.unwrap();
    make(&virginia, "in-oregon", Some("us-west-2")).await.unwrap();
    let illegal = "IllegalLocationConstraintException";
    assert_eq!(code(make(&ireland, "nowhere", None).await), illegal);
    assert_eq!(code(make(&ireland, "nowhere", Some("us-west-2")).await), illegal);
    assert_eq!(code(make(&virginia, "nowhere", Some("us-east-1")).await), "InvalidLocationConstraint");
    assert_eq!(code(make(&virginia, "nowhere", Some("mars-1")).await), "InvalidLocationConstraint");

    for (bucket, region) in [("in-virginia", None), ("in-ireland", Some("eu-west-1")), ("in-oregon", Some("us-west-2"))] {
        let told = virginia.get_bucket_location().bucket(bucket).send().await.unwrap();
        assert_eq!(told.location_constraint().map(BucketLocationConstraint::as_str).filter(|name| !name.is_empty()), region);
        let head = ireland.head_bucket().bucket(bucket).send().await.unwrap();
        assert_eq!(head.bucket_region(), Some(region.unwrap_or("us-east-1")));
    }
}

#[tokio::test]
async fn a_name_is_given_once_and_is_ours_to_refuse() {
    let server = start_with(Options { buckets_max: 2, ..Options::default() }).await;
    let client = server.bucket("taken").await;
    assert_eq!(code(client.create_bucket().bucket("taken").send().await), "BucketAlreadyOwnedByYou");
    let other = server.client_of(OTHER, "us-east-1");
    assert_eq!(code(other.create_bucket().bucket("taken").send().await), "BucketAlreadyExists");
    for name in ["console", "192.168.0.1", "xn--name", "Upper"] {
        assert_eq!(code(client.create_bucket().bucket(name).send().await), "InvalidBucketName", "{name}");
    }
    client.create_bucket().bucket("second").send().await.unwrap();
    assert_eq!(code(client.create_bucket().bucket("third").send().await), "TooManyBuckets");

    put(&client, "taken", "k", "x").await;
    assert_eq!(code(client.delete_bucket().bucket("taken").send().await), "BucketNotEmpty");
    client.delete_object().bucket("taken").key("k").send().await.unwrap();
    client.delete_bucket().bucket("taken").send().await.unwrap();
    assert_eq!(status(client.head_bucket().bucket("taken").send().await), 404);
    other.create_bucket().bucket("taken").send().await.unwrap();
}

#[tokio::test]
async fn a_policy_is_kept_as_it_was_sent_or_refused() {
    let server = start().await;
    let client = server.bucket("policies").await;
    let put = |policy: &str| client.put_bucket_policy().bucket("policies").policy(policy).send();
    assert_eq!(code(client.get_bucket_policy().bucket("policies").send().await), "NoSuchBucketPolicy");
    let policy = r#"{ "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::policies/*"}] }"#;
    put(policy).await.unwrap();
    assert_eq!(client.get_bucket_policy().bucket("policies").send().await.unwrap().policy(), Some(policy));
    let public = client.get_bucket_policy_status().bucket("policies").send().await.unwrap();
    assert_eq!(public.policy_status().unwrap().is_public(), Some(true));

    for refused in [
        "not json",
        "{}",
        r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::policies"}}"#,
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::elsewhere/*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::policies-not/*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"ec2:*","Resource":"arn:aws:s3:::policies/*"}}"#,
        r#"{"Statement":{"Effect":"Perhaps","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::policies/*"}}"#,
    ] {
        assert_eq!(code(put(refused).await), "MalformedPolicy", "{refused}");
    }
    client.delete_bucket_policy().bucket("policies").send().await.unwrap();
    assert_eq!(code(client.get_bucket_policy().bucket("policies").send().await), "NoSuchBucketPolicy");
}

#[tokio::test]
async fn tags_and_the_public_access_block_are_kept() {
    let server = start().await;
    let client = server.bucket("settings").await;
    assert_eq!(code(client.get_bucket_tagging().bucket("settings").send().await), "NoSuchTagSet");
    let tag = |key: &str| Tag::builder().key(key).value("v").build().unwrap();
    let tags = |tags: Vec<Tag>| Tagging::builder().set_tag_set(Some(tags)).build().unwrap();
    client.put_bucket_tagging().bucket("settings").tagging(tags(vec![tag("a"), tag("b")])).send().await.unwrap();
    assert_eq!(client.get_bucket_tagging().bucket("settings").send().await.unwrap().tag_set().len(), 2);
    let twice = client.put_bucket_tagging().bucket("settings").tagging(tags(vec![tag("a"), tag("a")]));
    assert_eq!(code(twice.send().await), "InvalidTag");
    client.delete_bucket_tagging().bucket("settings").send().await.unwrap();
    assert_eq!(code(client.get_bucket_tagging().bucket("settings").send().await), "NoSuchTagSet");

    put(&client, "settings", "k", "x").await;
    client.put_object_tagging().bucket("settings").key("k").tagging(tags(vec![tag("a")])).send().await.unwrap();
    assert_eq!(client.get_object_tagging().bucket("settings").key("k").send().await.unwrap().tag_set()[0].key(), "a");
    client.delete_object_tagging().bucket("settings").key("k").send().await.unwrap();
    assert!(client.get_object_tagging().bucket("settings").key("k").send().await.unwrap().tag_set().is_empty());

    let get = || client.get_public_access_block().bucket("settings").send();
    assert_eq!(code(get().await), "NoSuchPublicAccessBlockConfiguration");
    let block = PublicAccessBlockConfiguration::builder().block_public_acls(true).build();
    client.put_public_access_block().bucket("settings").public_access_block_configuration(block).send().await.unwrap();
    let kept = get().await.unwrap();
    let kept = kept.public_access_block_configuration().unwrap();
    assert_eq!((kept.block_public_acls(), kept.block_public_policy()), (Some(true), Some(false)));
    client.delete_public_access_block().bucket("settings").send().await.unwrap();
    assert_eq!(code(get().await), "NoSuchPublicAccessBlockConfiguration");
}

#[tokio::test]
async fn what_was_never_set_answers_as_s3_does() {
    let server = start().await;
    let client = server.bucket("unset").await;
    assert_eq!(client.get_bucket_versioning().bucket("unset").send().await.unwrap().status(), None);
    let encryption = client.get_bucket_encryption().bucket("unset").send().await.unwrap();
    let rule = &encryption.server_side_encryption_configuration().unwrap().rules()[0];
    assert_eq!(rule.apply_server_side_encryption_by_default().unwrap().sse_algorithm().as_str(), "AES256");
    let ownership = client.get_bucket_ownership_controls().bucket("unset").send().await.unwrap();
    assert_eq!(ownership.ownership_controls().unwrap().rules()[0].object_ownership().as_str(), "BucketOwnerEnforced");
    assert_eq!(client.get_bucket_acl().bucket("unset").send().await.unwrap().grants().len(), 1);
    assert!(client.put_bucket_acl().bucket("unset").acl("private".into()).send().await.is_ok());
    let public = client.put_bucket_acl().bucket("unset").acl("public-read".into());
    assert_eq!(code(public.send().await), "AccessControlListNotSupported");
    assert_eq!(code(client.get_bucket_lifecycle_configuration().bucket("unset").send().await), "NoSuchLifecycleConfiguration");
    assert_eq!(code(client.get_bucket_cors().bucket("unset").send().await), "NoSuchCORSConfiguration");
    assert_eq!(code(client.get_bucket_website().bucket("unset").send().await), "NoSuchWebsiteConfiguration");
    assert_eq!(code(client.get_bucket_replication().bucket("unset").send().await), "ReplicationConfigurationNotFoundError");
    assert_eq!(code(client.get_object_lock_configuration().bucket("unset").send().await), "ObjectLockConfigurationNotFoundError");
    assert!(client.get_bucket_logging().bucket("unset").send().await.unwrap().logging_enabled().is_none());

    let enabled = VersioningConfiguration::builder().status("Enabled".into()).build();
    let refused = client.put_bucket_versioning().bucket("unset").versioning_configuration(enabled).send().await;
    let message = refused.as_ref().unwrap_err().message().unwrap_or_default().to_owned();
    assert!(message.contains("PutBucketVersioning") && message.contains("one version"), "{message}");
    assert_eq!(code(refused), "NotImplemented");
    assert_eq!(code(client.delete_bucket_lifecycle().bucket("unset").send().await), "NotImplemented");
    assert!(client.head_bucket().bucket("unset").send().await.is_ok());
}
