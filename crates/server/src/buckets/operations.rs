//! Every operation that is implemented, with what decides who may call it and how CloudTrail names it.

/// Whether an operation concerns the bucket as such, or what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A management event.
    Management,
    /// A data event.
    Data,
}

/// What an operation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The account.
    Account,
    /// A bucket that need not exist.
    NewBucket,
    /// A bucket.
    Bucket,
    /// An object.
    Object,
}

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its name in the S3 API.
    pub name: &'static str,
    /// Its name in CloudTrail records.
    pub event_name: &'static str,
    /// The action a bucket policy allows or denies.
    pub action: &'static str,
    /// Management or data event.
    pub kind: Kind,
    /// Whether it changes nothing.
    pub read_only: bool,
    /// What it is about.
    pub target: Target,
}

const fn op(
    name: &'static str,
    event_name: &'static str,
    action: &'static str,
    (kind, target, read_only): (Kind, Target, bool),
) -> Operation {
    Operation { name, event_name, action, kind, read_only, target }
}

const READS: bool = true;
const WRITES: bool = false;
const ACCOUNT_READ: (Kind, Target, bool) = (Kind::Management, Target::Account, READS);
const BUCKET_MADE: (Kind, Target, bool) = (Kind::Management, Target::NewBucket, WRITES);
const BUCKET_READ: (Kind, Target, bool) = (Kind::Management, Target::Bucket, READS);
const BUCKET_WRITE: (Kind, Target, bool) = (Kind::Management, Target::Bucket, WRITES);
const KEYS_READ: (Kind, Target, bool) = (Kind::Data, Target::Bucket, READS);
const KEYS_WRITE: (Kind, Target, bool) = (Kind::Data, Target::Bucket, WRITES);
const OBJECT_READ: (Kind, Target, bool) = (Kind::Data, Target::Object, READS);
const OBJECT_WRITE: (Kind, Target, bool) = (Kind::Data, Target::Object, WRITES);

/// The operations. Names in records: S3 user guide, "Amazon S3 CloudTrail events"; ListObjectsV2 is recorded as
/// ListObjects (event-record reference, observed).
#[rustfmt::skip]
pub const OPERATIONS: &[Operation] = &[
    op("ListBuckets", "ListBuckets", "s3:ListAllMyBuckets", ACCOUNT_READ),
    op("CreateBucket", "CreateBucket", "s3:CreateBucket", BUCKET_MADE),
    op("DeleteBucket", "DeleteBucket", "s3:DeleteBucket", BUCKET_WRITE),
    op("HeadBucket", "HeadBucket", "s3:ListBucket", KEYS_READ),
    op("GetBucketLocation", "GetBucketLocation", "s3:GetBucketLocation", BUCKET_READ),

    op("GetBucketPolicy", "GetBucketPolicy", "s3:GetBucketPolicy", BUCKET_READ),
    op("PutBucketPolicy", "PutBucketPolicy", "s3:PutBucketPolicy", BUCKET_WRITE),
    op("DeleteBucketPolicy", "DeleteBucketPolicy", "s3:DeleteBucketPolicy", BUCKET_WRITE),
    op("GetBucketPolicyStatus", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus", BUCKET_READ),
    op("GetBucketAcl", "GetBucketAcl", "s3:GetBucketAcl", BUCKET_READ),
    op("PutBucketAcl", "PutBucketAcl", "s3:PutBucketAcl", BUCKET_WRITE),
    op("GetPublicAccessBlock", "GetBucketPublicAccessBlock", "s3:GetBucketPublicAccessBlock", BUCKET_READ),
    op("PutPublicAccessBlock", "PutBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock", BUCKET_WRITE),
    op("DeletePublicAccessBlock", "DeleteBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock", BUCKET_WRITE),
    op("GetBucketOwnershipControls", "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls", BUCKET_READ),
    op("PutBucketOwnershipControls", "PutBucketOwnershipControls", "s3:PutBucketOwnershipControls", BUCKET_WRITE),
    op("DeleteBucketOwnershipControls", "DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls", BUCKET_WRITE),
    op("GetBucketTagging", "GetBucketTagging", "s3:GetBucketTagging", BUCKET_READ),
    op("PutBucketTagging", "PutBucketTagging", "s3:PutBucketTagging", BUCKET_WRITE),
    op("DeleteBucketTagging", "DeleteBucketTagging", "s3:PutBucketTagging", BUCKET_WRITE),

    // What can be asked of every bucket, and is as on a bucket where it was never set.
    op("GetBucketVersioning", "GetBucketVersioning", "s3:GetBucketVersioning", BUCKET_READ),
    op("GetBucketEncryption", "GetBucketEncryption", "s3:GetEncryptionConfiguration", BUCKET_READ),
    op("GetBucketLifecycleConfiguration", "GetBucketLifecycle", "s3:GetLifecycleConfiguration", BUCKET_READ),
    op("GetBucketCors", "GetBucketCors", "s3:GetBucketCORS", BUCKET_READ),
    op("GetBucketWebsite", "GetBucketWebsite", "s3:GetBucketWebsite", BUCKET_READ),
    op("GetBucketReplication", "GetBucketReplication", "s3:GetReplicationConfiguration", BUCKET_READ),
    op("GetBucketLogging", "GetBucketLogging", "s3:GetBucketLogging", BUCKET_READ),
    op("GetBucketNotificationConfiguration", "GetBucketNotification", "s3:GetBucketNotification", BUCKET_READ),
    op("GetBucketRequestPayment", "GetBucketRequestPayment", "s3:GetBucketRequestPayment", BUCKET_READ),
    op("GetBucketAccelerateConfiguration", "GetAccelerateConfiguration", "s3:GetAccelerateConfiguration", BUCKET_READ),
    op("GetObjectLockConfiguration", "GetBucketObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration", BUCKET_READ),

    op("ListObjects", "ListObjects", "s3:ListBucket", KEYS_READ),
    op("ListObjectsV2", "ListObjects", "s3:ListBucket", KEYS_READ),
    op("ListObjectVersions", "ListObjectVersions", "s3:ListBucketVersions", KEYS_READ),
    op("ListMultipartUploads", "ListMultipartUploads", "s3:ListBucketMultipartUploads", KEYS_READ),
    // Each key is allowed or denied for itself.
    op("DeleteObjects", "DeleteObjects", "s3:DeleteObject", KEYS_WRITE),

    op("GetObject", "GetObject", "s3:GetObject", OBJECT_READ),
    op("HeadObject", "HeadObject", "s3:GetObject", OBJECT_READ),
    op("GetObjectAttributes", "GetObjectAttributes", "s3:GetObject", OBJECT_READ),
    op("GetObjectAcl", "GetObjectAcl", "s3:GetObjectAcl", OBJECT_READ),
    op("GetObjectTagging", "GetObjectTagging", "s3:GetObjectTagging", OBJECT_READ),
    op("PutObject", "PutObject", "s3:PutObject", OBJECT_WRITE),
    op("CopyObject", "CopyObject", "s3:PutObject", OBJECT_WRITE),
    op("DeleteObject", "DeleteObject", "s3:DeleteObject", OBJECT_WRITE),
    op("PutObjectAcl", "PutObjectAcl", "s3:PutObjectAcl", OBJECT_WRITE),
    op("PutObjectTagging", "PutObjectTagging", "s3:PutObjectTagging", OBJECT_WRITE),
    op("DeleteObjectTagging", "DeleteObjectTagging", "s3:DeleteObjectTagging", OBJECT_WRITE),

    op("CreateMultipartUpload", "CreateMultipartUpload", "s3:PutObject", OBJECT_WRITE),
    op("UploadPart", "UploadPart", "s3:PutObject", OBJECT_WRITE),
    op("UploadPartCopy", "UploadPartCopy", "s3:PutObject", OBJECT_WRITE),
    op("CompleteMultipartUpload", "CompleteMultipartUpload", "s3:PutObject", OBJECT_WRITE),
    op("AbortMultipartUpload", "AbortMultipartUpload", "s3:AbortMultipartUpload", OBJECT_WRITE),
    op("ListParts", "ListParts", "s3:ListMultipartUploadParts", OBJECT_READ),
];

/// The operation of this name in the S3 API.
pub fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

/// The query parameters of the operations that s3s falls back to when it knows none of a query's words. With another
/// word the client means something else: `DELETE /bucket?notification` must not delete the bucket.
pub(super) fn fallback_parameters(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "CreateBucket" | "DeleteBucket" | "HeadBucket" | "PutObject" | "CopyObject" => &[],
        "ListBuckets" => &["bucket-region", "continuation-token", "max-buckets", "prefix"],
        "ListObjects" => &["delimiter", "encoding-type", "marker", "max-keys", "prefix"],
        "GetObject" | "HeadObject" => &[
            "partNumber",
            "response-cache-control",
            "response-content-disposition",
            "response-content-encoding",
            "response-content-language",
            "response-content-type",
            "response-expires",
            "versionId",
        ],
        "DeleteObject" => &["versionId"],
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
