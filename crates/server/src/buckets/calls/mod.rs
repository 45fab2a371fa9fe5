//! The operations, as s3s calls them: what came over the wire in, what goes over the wire out.

mod bucket;
mod keys;
mod object;
mod read;
pub(super) mod settings;
mod tagging;
mod unset;
mod upload;
mod write;

use std::sync::Arc;

use catalog::buckets::Bucket;
use catalog::objects::Listed;
use s3s::dto;
use s3s::{S3, S3Request, S3Response, S3Result, TrailingHeaders};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::access::Call;
use super::content::Expected;
use super::error::Error;
use super::listing::{Page, Query};
use super::service::{Answering, lost};
use super::store::Store;
use super::{lake, limits};

/// s3s's view of the store.
pub(super) struct Calls {
    store: Store,
}

impl Calls {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }
}

/// A call that was let through, as an operation sees it.
struct Scope {
    store: Store,
    call: Arc<Call>,
    trailers: Option<TrailingHeaders>,
}

impl Scope {
    /// The bucket the call is about; it was there when the call was let through.
    fn bucket(&self) -> Result<Bucket, Error> {
        self.call.bucket().ok_or_else(Error::no_such_bucket)
    }

    /// The record to commit with a change.
    fn record(&self) -> impl Fn() -> Option<Vec<u8>> + Send + Sync + '_ {
        || self.call.record()
    }

    /// What holds of every body of bytes.
    fn plain_body(&self) -> Expected {
        let free_bytes_min = self.store.options.free_bytes_min;
        Expected { bytes_max: limits::PUT_BYTES_MAX, free_bytes_min, ..Expected::default() }
    }

    /// A page of what the caller may see in a bucket.
    async fn list(&self, bucket: &str, query: &Query) -> Result<Page<Listed>, Error> {
        if bucket == lake::BUCKET {
            return self.store.lake.list(self.call.known.account, query).await;
        }
        self.store.list(bucket, query).await
    }

    /// A header of the request.
    fn header(&self, name: &str) -> Option<&str> {
        self.call.known.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

fn enter<T>(calls: &Calls, request: S3Request<T>) -> S3Result<(Scope, T)> {
    let call = request.extensions.get::<Arc<Call>>().cloned().ok_or_else(lost)?;
    Ok((Scope { store: calls.store.clone(), call, trailers: request.trailing_headers }, request.input))
}

/// Writes the methods of s3s's trait out of a table: the method, what comes in, what goes out, and the function that does it.
macro_rules! operations {
    ($($method:ident: $input:ident => $output:ident = $function:path;)+) => {
        impl S3 for Calls {$(
            fn $method<'life0, 'async_trait>(
                &'life0 self,
                request: S3Request<dto::$input>,
            ) -> Answering<'async_trait, S3Result<S3Response<dto::$output>>>
            where
                'life0: 'async_trait,
                Self: 'async_trait,
            {
                Box::pin(async move {
                    let (scope, input) = enter(self, request)?;
                    $function(&scope, input).await.map(S3Response::new)
                })
            }
        )+}
    };
}

operations! {
    list_buckets: ListBucketsInput => ListBucketsOutput = bucket::list;
    create_bucket: CreateBucketInput => CreateBucketOutput = bucket::create;
    delete_bucket: DeleteBucketInput => DeleteBucketOutput = bucket::delete;
    head_bucket: HeadBucketInput => HeadBucketOutput = bucket::head;
    get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput = bucket::location;

    get_bucket_policy: GetBucketPolicyInput => GetBucketPolicyOutput = settings::get_policy;
    put_bucket_policy: PutBucketPolicyInput => PutBucketPolicyOutput = settings::put_policy;
    delete_bucket_policy: DeleteBucketPolicyInput => DeleteBucketPolicyOutput = settings::delete_policy;
    get_bucket_policy_status: GetBucketPolicyStatusInput => GetBucketPolicyStatusOutput = settings::policy_status;
    get_bucket_acl: GetBucketAclInput => GetBucketAclOutput = settings::get_acl;
    put_bucket_acl: PutBucketAclInput => PutBucketAclOutput = settings::put_acl;
    get_public_access_block: GetPublicAccessBlockInput => GetPublicAccessBlockOutput = settings::get_public_access_block;
    put_public_access_block: PutPublicAccessBlockInput => PutPublicAccessBlockOutput = settings::put_public_access_block;
    delete_public_access_block: DeletePublicAccessBlockInput => DeletePublicAccessBlockOutput = settings::delete_public_access_block;
    get_bucket_ownership_controls: GetBucketOwnershipControlsInput => GetBucketOwnershipControlsOutput = settings::get_ownership;
    put_bucket_ownership_controls: PutBucketOwnershipControlsInput => PutBucketOwnershipControlsOutput = settings::put_ownership;
    delete_bucket_ownership_controls: DeleteBucketOwnershipControlsInput => DeleteBucketOwnershipControlsOutput = settings::delete_ownership;
    get_bucket_tagging: GetBucketTaggingInput => GetBucketTaggingOutput = tagging::get_of_bucket;
    put_bucket_tagging: PutBucketTaggingInput => PutBucketTaggingOutput = tagging::put_of_bucket;
    delete_bucket_tagging: DeleteBucketTaggingInput => DeleteBucketTaggingOutput = tagging::delete_of_bucket;

    get_bucket_versioning: GetBucketVersioningInput => GetBucketVersioningOutput = unset::versioning;
    get_bucket_encryption: GetBucketEncryptionInput => GetBucketEncryptionOutput = unset::encryption;
    get_bucket_lifecycle_configuration: GetBucketLifecycleConfigurationInput => GetBucketLifecycleConfigurationOutput = unset::lifecycle;
    get_bucket_cors: GetBucketCorsInput => GetBucketCorsOutput = unset::cors;
    get_bucket_website: GetBucketWebsiteInput => GetBucketWebsiteOutput = unset::website;
    get_bucket_replication: GetBucketReplicationInput => GetBucketReplicationOutput = unset::replication;
    get_bucket_logging: GetBucketLoggingInput => GetBucketLoggingOutput = unset::logging;
    get_bucket_notification_configuration: GetBucketNotificationConfigurationInput => GetBucketNotificationConfigurationOutput = unset::notification;
    get_bucket_request_payment: GetBucketRequestPaymentInput => GetBucketRequestPaymentOutput = unset::request_payment;
    get_bucket_accelerate_configuration: GetBucketAccelerateConfigurationInput => GetBucketAccelerateConfigurationOutput = unset::accelerate;
    get_object_lock_configuration: GetObjectLockConfigurationInput => GetObjectLockConfigurationOutput = unset::object_lock;

    list_objects: ListObjectsInput => ListObjectsOutput = keys::list;
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output = keys::list_v2;
    list_object_versions: ListObjectVersionsInput => ListObjectVersionsOutput = keys::list_versions;
    delete_objects: DeleteObjectsInput => DeleteObjectsOutput = keys::delete;

    get_object: GetObjectInput => GetObjectOutput = read::get;
    head_object: HeadObjectInput => HeadObjectOutput = read::head;
    get_object_attributes: GetObjectAttributesInput => GetObjectAttributesOutput = read::attributes;
    put_object: PutObjectInput => PutObjectOutput = write::put;
    copy_object: CopyObjectInput => CopyObjectOutput = write::copy;
    delete_object: DeleteObjectInput => DeleteObjectOutput = object::delete;
    get_object_acl: GetObjectAclInput => GetObjectAclOutput = object::get_acl;
    put_object_acl: PutObjectAclInput => PutObjectAclOutput = object::put_acl;
    get_object_tagging: GetObjectTaggingInput => GetObjectTaggingOutput = tagging::get_of_object;
    put_object_tagging: PutObjectTaggingInput => PutObjectTaggingOutput = tagging::put_of_object;
    delete_object_tagging: DeleteObjectTaggingInput => DeleteObjectTaggingOutput = tagging::delete_of_object;

    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput = upload::create;
    upload_part: UploadPartInput => UploadPartOutput = upload::part;
    upload_part_copy: UploadPartCopyInput => UploadPartCopyOutput = upload::part_copy;
    complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput = upload::complete;
    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput = upload::abort;
    list_parts: ListPartsInput => ListPartsOutput = upload::list_parts;
    list_multipart_uploads: ListMultipartUploadsInput => ListMultipartUploadsOutput = upload::list;
}

/// An instant as S3 shows it.
fn timestamp(at_us: i64) -> dto::Timestamp {
    dto::Timestamp::from(instant(at_us))
}

fn instant(at_us: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_us) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// An instant in whole seconds as condition keys have it.
pub(super) fn rfc3339(at_us: i64) -> String {
    let whole = instant(at_us - at_us.rem_euclid(1_000_000));
    whole.format(&Rfc3339).expect("instants after 1970 can be written")
}

fn etag(tag: &str) -> dto::ETag {
    dto::ETag::Strong(tag.to_owned())
}

/// The canonical user of an account: its id in 64 hexadecimal digits, as S3's are.
fn owner(account: &str) -> dto::Owner {
    dto::Owner { display_name: None, id: Some(canonical_id(account)) }
}

fn canonical_id(account: &str) -> String {
    hex::encode(<s3s::crypto::Sha256 as s3s::crypto::Checksum>::checksum(format!("canonical user {account}").as_bytes()))
}

/// Objects have one version, which S3 calls null.
fn check_version(version: Option<&str>) -> Result<(), Error> {
    match version {
        None | Some("null") => Ok(()),
        Some(_) => Err(Error::refused("NoSuchVersion", "The specified version does not exist.")),
    }
}
