//! Who may do what.

use aws_sdk_s3::types::{Delete, ObjectIdentifier, PublicAccessBlockConfiguration};

use super::*;

const ALLOWS_OTHER: &str = r#"{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Principal":{"AWS":"210987654321"},"Action":["s3:GetObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::walled/shared/*"},
  {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::210987654321:root"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::walled",
   "Condition":{"StringLike":{"s3:prefix":"shared/*"}}}]}"#;
const DENIES_ALL: &str = r#"{"Version":"2012-10-17","Statement":[
  {"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::walled","arn:aws:s3:::walled/*"]}]}"#;

async fn walled(server: &Running) -> (Client, Client) {
    let owner = server.bucket("walled").await;
    put(&owner, "walled", "shared/k", "shared").await;
    put(&owner, "walled", "own", "own").await;
    (owner, server.client_of(OTHER, "us-east-1"))
}

#[tokio::test]
async fn another_account_needs_the_policy() {
    let server = start().await;
    let (owner, other) = walled(&server).await;
    assert_eq!(code(other.get_object().bucket("walled").key("shared/k").send().await), "AccessDenied");
    assert_eq!(code(other.list_objects_v2().bucket("walled").send().await), "AccessDenied");
    assert_eq!(code(other.get_bucket_policy().bucket("walled").send().await), "AccessDenied");
    assert_eq!(status(other.head_bucket().bucket("walled").send().await), 403);
    assert_eq!(code(other.delete_bucket().bucket("walled").send().await), "AccessDenied");

    owner.put_bucket_policy().bucket("walled").policy(ALLOWS_OTHER).send().await.unwrap();
    assert_eq!(get(&other, "walled", "shared/k").await, b"shared");
    assert_eq!(code(other.get_object().bucket("walled").key("own").send().await), "AccessDenied");
    assert_eq!(
        code(other.get_object().bucket("walled").key("shared/none").send().await),
        "AccessDenied",
        "nobody learns which keys there are"
    );
    assert!(other.list_objects_v2().bucket("walled").prefix("shared/").send().await.is_ok());
    assert_eq!(code(other.list_objects_v2().bucket("walled").send().await), "AccessDenied");
    let write = other.put_object().bucket("walled").key("shared/new").body(ByteStream::from_static(b"x"));
    assert_eq!(code(write.send().await), "AccessDenied");
}

#[tokio::test]
async fn each_key_of_a_deletion_is_looked_at_for_itself() {
    let server = start().await;
    let (owner, other) = walled(&server).await;
    owner.put_bucket_policy().bucket("walled").policy(ALLOWS_OTHER).send().await.unwrap();
    let name = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let delete = Delete::builder().objects(name("shared/k")).objects(name("own")).build().unwrap();
    let outcome = other.delete_objects().bucket("walled").delete(delete).send().await.unwrap();
    assert_eq!(outcome.deleted()[0].key(), Some("shared/k"));
    assert_eq!((outcome.errors()[0].key(), outcome.errors()[0].code()), (Some("own"), Some("AccessDenied")));
    assert_eq!(get(&owner, "walled", "own").await, b"own");
}

#[tokio::test]
async fn a_copy_must_be_allowed_at_both_ends() {
    let server = start().await;
    let (owner, other) = walled(&server).await;
    other.create_bucket().bucket("others").send().await.unwrap();
    let copy = |key: &str| other.copy_object().bucket("others").key("k").copy_source(format!("walled/{key}"));
    assert_eq!(code(copy("shared/k").send().await), "AccessDenied");
    owner.put_bucket_policy().bucket("walled").policy(ALLOWS_OTHER).send().await.unwrap();
    assert!(copy("shared/k").send().await.is_ok());
    assert_eq!(code(copy("own").send().await), "AccessDenied");
    let back = other.copy_object().bucket("walled").key("shared/k").copy_source("others/k");
    assert_eq!(code(back.send().await), "AccessDenied");
}

#[tokio::test]
async fn the_public_access_block_outweighs_a_public_policy() {
    let server = start().await;
    let (owner, other) = walled(&server).await;
    let policy = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::walled/*"}}"#;
    owner.put_bucket_policy().bucket("walled").policy(policy).send().await.unwrap();
    assert_eq!(get(&other, "walled", "own").await, b"own");
    let block = PublicAccessBlockConfiguration::builder().restrict_public_buckets(true).block_public_policy(true).build();
    owner.put_public_access_block().bucket("walled").public_access_block_configuration(block).send().await.unwrap();
    assert_eq!(code(other.get_object().bucket("walled").key("own").send().await), "AccessDenied");
    assert_eq!(code(owner.put_bucket_policy().bucket("walled").policy(policy).send().await), "AccessDenied");
    owner.put_bucket_policy().bucket("walled").policy(ALLOWS_OTHER).send().await.unwrap();
    assert_eq!(get(&other, "walled", "shared/k").await, b"shared");
}

#[tokio::test]
async fn a_denial_binds_the_owner_but_for_the_policy_itself() {
    let server = start().await;
    let (owner, _) = walled(&server).await;
    owner.put_bucket_policy().bucket("walled").policy(DENIES_ALL).send().await.unwrap();
    assert_eq!(code(owner.get_object().bucket("walled").key("own").send().await), "AccessDenied");
    assert_eq!(code(owner.list_objects().bucket("walled").send().await), "AccessDenied");
    assert_eq!(code(owner.delete_bucket().bucket("walled").send().await), "AccessDenied");
    assert!(owner.get_bucket_policy().bucket("walled").send().await.is_ok());
    owner.delete_bucket_policy().bucket("walled").send().await.unwrap();
    assert_eq!(get(&owner, "walled", "own").await, b"own");
}

#[tokio::test]
async fn the_expected_owner_must_own_the_bucket() {
    let server = start().await;
    let (owner, _) = walled(&server).await;
    let get = |account: &str| owner.get_object().bucket("walled").key("own").expected_bucket_owner(account);
    assert!(get(OWNER.0).send().await.is_ok());
    assert_eq!(code(get(OTHER.0).send().await), "AccessDenied");
    let copy = owner.copy_object().bucket("walled").key("copy").copy_source("walled/own").expected_source_bucket_owner(OTHER.0);
    assert_eq!(code(copy.send().await), "AccessDenied");
}
