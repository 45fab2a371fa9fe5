//! What S3 can tell of every bucket and Trailkeep cannot set: the answers are those of a bucket where it was never set.

use s3s::S3Result;
use s3s::dto::{
    GetBucketAccelerateConfigurationInput, GetBucketAccelerateConfigurationOutput, GetBucketCorsInput, GetBucketCorsOutput,
    GetBucketEncryptionInput, GetBucketEncryptionOutput, GetBucketLifecycleConfigurationInput,
    GetBucketLifecycleConfigurationOutput, GetBucketLoggingInput, GetBucketLoggingOutput,
    GetBucketNotificationConfigurationInput, GetBucketNotificationConfigurationOutput, GetBucketReplicationInput,
    GetBucketReplicationOutput, GetBucketRequestPaymentInput, GetBucketRequestPaymentOutput, GetBucketVersioningInput,
    GetBucketVersioningOutput, GetBucketWebsiteInput, GetBucketWebsiteOutput, GetObjectLockConfigurationInput,
    GetObjectLockConfigurationOutput, Payer, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};

use super::Scope;
use crate::buckets::error::Error;

pub(super) async fn versioning(_: &Scope, _: GetBucketVersioningInput) -> S3Result<GetBucketVersioningOutput> {
    Ok(GetBucketVersioningOutput::default())
}

/// S3 names SSE-S3 as every bucket's encryption. Here it is the disk's business.
pub(super) async fn encryption(_: &Scope, _: GetBucketEncryptionInput) -> S3Result<GetBucketEncryptionOutput> {
    let aes256 = ServerSideEncryptionByDefault {
        kms_master_key_id: None,
        sse_algorithm: ServerSideEncryption::from_static(ServerSideEncryption::AES256),
    };
    let rule =
        ServerSideEncryptionRule { apply_server_side_encryption_by_default: Some(aes256), bucket_key_enabled: Some(false) };
    let configuration = ServerSideEncryptionConfiguration { rules: vec![rule] };
    Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) })
}

pub(super) async fn lifecycle(
    _: &Scope,
    _: GetBucketLifecycleConfigurationInput,
) -> S3Result<GetBucketLifecycleConfigurationOutput> {
    Err(Error::refused("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist").into())
}

pub(super) async fn cors(_: &Scope, _: GetBucketCorsInput) -> S3Result<GetBucketCorsOutput> {
    Err(Error::refused("NoSuchCORSConfiguration", "The CORS configuration does not exist").into())
}

pub(super) async fn website(_: &Scope, _: GetBucketWebsiteInput) -> S3Result<GetBucketWebsiteOutput> {
    let message = "The specified bucket does not have a website configuration";
    Err(Error::refused("NoSuchWebsiteConfiguration", message).into())
}

pub(super) async fn replication(_: &Scope, _: GetBucketReplicationInput) -> S3Result<GetBucketReplicationOutput> {
    let message = "The replication configuration was not found";
    Err(Error::refused("ReplicationConfigurationNotFoundError", message).into())
}

pub(super) async fn logging(_: &Scope, _: GetBucketLoggingInput) -> S3Result<GetBucketLoggingOutput> {
    Ok(GetBucketLoggingOutput::default())
}

pub(super) async fn notification(
    _: &Scope,
    _: GetBucketNotificationConfigurationInput,
) -> S3Result<GetBucketNotificationConfigurationOutput> {
    Ok(GetBucketNotificationConfigurationOutput::default())
}

pub(super) async fn request_payment(_: &Scope, _: GetBucketRequestPaymentInput) -> S3Result<GetBucketRequestPaymentOutput> {
    Ok(GetBucketRequestPaymentOutput { payer: Some(Payer::from_static(Payer::BUCKET_OWNER)) })
}

pub(super) async fn accelerate(
    _: &Scope,
    _: GetBucketAccelerateConfigurationInput,
) -> S3Result<GetBucketAccelerateConfigurationOutput> {
    Ok(GetBucketAccelerateConfigurationOutput::default())
}

pub(super) async fn object_lock(_: &Scope, _: GetObjectLockConfigurationInput) -> S3Result<GetObjectLockConfigurationOutput> {
    let message = "Object Lock configuration does not exist for this bucket";
    Err(Error::refused("ObjectLockConfigurationNotFoundError", message).into())
}
