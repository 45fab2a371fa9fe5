//! A flat table: S3's operations, by their names in the API, with what CloudTrail makes of them.
//!
//! Sources: S3 user guide, "Amazon S3 CloudTrail events"; the corpus for the spelling of what it has.

/// What an operation is about, which decides its resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The account, or a bucket that is not there yet.
    Account,
    /// A bucket.
    Bucket,
    /// Objects whose keys begin alike: a listing, a deletion of many.
    Objects,
    /// One object.
    Object,
}

/// What stands in the request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Nothing, or nothing that records tell.
    Nothing,
    /// An object's content, or that of an annotation.
    Content,
    /// An XML document.
    Document,
    /// A policy, in JSON.
    Policy,
    /// A form, with an object in it.
    Form,
}

/// An operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// Its name in the API.
    pub(super) name: &'static str,
    /// Its name in records.
    pub(super) event_name: &'static str,
    /// What it is about.
    pub(super) about: About,
    /// A management event; else a data event.
    pub(super) management: bool,
    /// Whether it changes nothing.
    pub(super) read_only: bool,
    /// What is in the request's body.
    pub(super) holds: Holds,
}

/// The operation of this name in the API.
pub(super) fn find(name: &str) -> Option<&'static Operation> {
    let at = OPERATIONS.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
    OPERATIONS.get(at)
}

#[cfg(test)]
pub(super) const fn all() -> &'static [Operation] {
    OPERATIONS
}

const fn op(name: &'static str, event_name: &'static str, kind: (About, bool, bool), holds: Holds) -> Operation {
    let (about, management, read_only) = kind;
    Operation { name, event_name, about, management, read_only, holds }
}

const ACCOUNT_READ: (About, bool, bool) = (About::Account, true, true);
const ACCOUNT_WRITE: (About, bool, bool) = (About::Account, true, false);
const BUCKET_READ: (About, bool, bool) = (About::Bucket, true, true);
const BUCKET_WRITE: (About, bool, bool) = (About::Bucket, true, false);
const KEYS_READ: (About, bool, bool) = (About::Objects, false, true);
const KEYS_WRITE: (About, bool, bool) = (About::Objects, false, false);
const OBJECT_READ: (About, bool, bool) = (About::Object, false, true);
const OBJECT_WRITE: (About, bool, bool) = (About::Object, false, false);

use Holds::{Content, Document, Form, Nothing, Policy};

/// Sorted by name.
#[rustfmt::skip]
const OPERATIONS: &[Operation] = &[
    op("AbortMultipartUpload", "AbortMultipartUpload", OBJECT_WRITE, Nothing),
    // Its body lists the parts, up to ten thousand, which records do not tell.
    op("CompleteMultipartUpload", "CompleteMultipartUpload", OBJECT_WRITE, Nothing),
    op("CopyObject", "CopyObject", OBJECT_WRITE, Nothing),
    op("CreateBucket", "CreateBucket", ACCOUNT_WRITE, Document),
    op("CreateBucketMetadataConfiguration", "CreateBucketMetadataConfiguration", BUCKET_WRITE, Document),
    op("CreateBucketMetadataTableConfiguration", "CreateBucketMetadataTableConfiguration", BUCKET_WRITE, Document),
    op("CreateMultipartUpload", "CreateMultipartUpload", OBJECT_WRITE, Nothing),
    op("CreateSession", "CreateSession", KEYS_READ, Nothing),
    op("DeleteBucket", "DeleteBucket", BUCKET_WRITE, Nothing),
    op("DeleteBucketAnalyticsConfiguration", "DeleteBucketAnalyticsConfiguration", BUCKET_WRITE, Nothing),
    op("DeleteBucketCors", "DeleteBucketCors", BUCKET_WRITE, Nothing),
    op("DeleteBucketEncryption", "DeleteBucketEncryption", BUCKET_WRITE, Nothing),
    op("DeleteBucketIntelligentTieringConfiguration", "DeleteBucketIntelligentTieringConfiguration", BUCKET_WRITE, Nothing),
    op("DeleteBucketInventoryConfiguration", "DeleteBucketInventoryConfiguration", BUCKET_WRITE, Nothing),
    op("DeleteBucketLifecycle", "DeleteBucketLifecycle", BUCKET_WRITE, Nothing),
    op("DeleteBucketMetadataConfiguration", "DeleteBucketMetadataConfiguration", BUCKET_WRITE, Nothing),
    op("DeleteBucketMetadataTableConfiguration", "DeleteBucketMetadataTableConfiguration", BUCKET_WRITE, Nothing),
    op("DeleteBucketMetricsConfiguration", "DeleteBucketMetricsConfiguration", BUCKET_WRITE, Nothing),
    op("DeleteBucketOwnershipControls", "DeleteBucketOwnershipControls", BUCKET_WRITE, Nothing),
    op("DeleteBucketPolicy", "DeleteBucketPolicy", BUCKET_WRITE, Nothing),
    op("DeleteBucketReplication", "DeleteBucketReplication", BUCKET_WRITE, Nothing),
    op("DeleteBucketTagging", "DeleteBucketTagging", BUCKET_WRITE, Nothing),
    op("DeleteBucketWebsite", "DeleteBucketWebsite", BUCKET_WRITE, Nothing),
    op("DeleteObject", "DeleteObject", OBJECT_WRITE, Nothing),
    op("DeleteObjectAnnotation", "DeleteObjectAnnotation", OBJECT_WRITE, Nothing),
    op("DeleteObjectTagging", "DeleteObjectTagging", OBJECT_WRITE, Nothing),
    op("DeleteObjects", "DeleteObjects", KEYS_WRITE, Document),
    op("DeletePublicAccessBlock", "DeleteBucketPublicAccessBlock", BUCKET_WRITE, Nothing),
    op("GetBucketAbac", "GetBucketAbac", BUCKET_READ, Nothing),
    op("GetBucketAccelerateConfiguration", "GetAccelerateConfiguration", BUCKET_READ, Nothing),
    op("GetBucketAcl", "GetBucketAcl", BUCKET_READ, Nothing),
    op("GetBucketAnalyticsConfiguration", "GetBucketAnalyticsConfiguration", BUCKET_READ, Nothing),
    op("GetBucketCors", "GetBucketCors", BUCKET_READ, Nothing),
    op("GetBucketEncryption", "GetBucketEncryption", BUCKET_READ, Nothing),
    op("GetBucketIntelligentTieringConfiguration", "GetBucketIntelligentTieringConfiguration", BUCKET_READ, Nothing),
    op("GetBucketInventoryConfiguration", "GetBucketInventoryConfiguration", BUCKET_READ, Nothing),
    op("GetBucketLifecycle", "GetBucketLifecycle", BUCKET_READ, Nothing),
    op("GetBucketLifecycleConfiguration", "GetBucketLifecycle", BUCKET_READ, Nothing),
    op("GetBucketLocation", "GetBucketLocation", BUCKET_READ, Nothing),
    op("GetBucketLogging", "GetBucketLogging", BUCKET_READ, Nothing),
    op("GetBucketMetadataConfiguration", "GetBucketMetadataConfiguration", BUCKET_READ, Nothing),
    op("GetBucketMetadataTableConfiguration", "GetBucketMetadataTableConfiguration", BUCKET_READ, Nothing),
    op("GetBucketMetricsConfiguration", "GetBucketMetricsConfiguration", BUCKET_READ, Nothing),
    op("GetBucketNotification", "GetBucketNotification", BUCKET_READ, Nothing),
    op("GetBucketNotificationConfiguration", "GetBucketNotification", BUCKET_READ, Nothing),
    op("GetBucketOwnershipControls", "GetBucketOwnershipControls", BUCKET_READ, Nothing),
    op("GetBucketPolicy", "GetBucketPolicy", BUCKET_READ, Nothing),
    op("GetBucketPolicyStatus", "GetBucketPolicyStatus", BUCKET_READ, Nothing),
    op("GetBucketReplication", "GetBucketReplication", BUCKET_READ, Nothing),
    op("GetBucketRequestPayment", "GetBucketRequestPayment", BUCKET_READ, Nothing),
    op("GetBucketTagging", "GetBucketTagging", BUCKET_READ, Nothing),
    op("GetBucketVersioning", "GetBucketVersioning", BUCKET_READ, Nothing),
    op("GetBucketWebsite", "GetBucketWebsite", BUCKET_READ, Nothing),
    op("GetObject", "GetObject", OBJECT_READ, Nothing),
    op("GetObjectAcl", "GetObjectAcl", OBJECT_READ, Nothing),
    op("GetObjectAnnotation", "GetObjectAnnotation", OBJECT_READ, Nothing),
    op("GetObjectAttributes", "GetObjectAttributes", OBJECT_READ, Nothing),
    op("GetObjectLegalHold", "GetObjectLockLegalHold", OBJECT_READ, Nothing),
    op("GetObjectLockConfiguration", "GetBucketObjectLockConfiguration", BUCKET_READ, Nothing),
    op("GetObjectRetention", "GetObjectLockRetention", OBJECT_READ, Nothing),
    op("GetObjectTagging", "GetObjectTagging", OBJECT_READ, Nothing),
    op("GetObjectTorrent", "GetObjectTorrent", OBJECT_READ, Nothing),
    op("GetPublicAccessBlock", "GetBucketPublicAccessBlock", BUCKET_READ, Nothing),
    op("HeadBucket", "HeadBucket", KEYS_READ, Nothing),
    op("HeadObject", "HeadObject", OBJECT_READ, Nothing),
    op("ListBucketAnalyticsConfigurations", "ListBucketAnalyticsConfigurations", BUCKET_READ, Nothing),
    op("ListBucketIntelligentTieringConfigurations", "ListBucketIntelligentTieringConfigurations", BUCKET_READ, Nothing),
    op("ListBucketInventoryConfigurations", "ListBucketInventoryConfigurations", BUCKET_READ, Nothing),
    op("ListBucketMetricsConfigurations", "ListBucketMetricsConfigurations", BUCKET_READ, Nothing),
    op("ListBuckets", "ListBuckets", ACCOUNT_READ, Nothing),
    op("ListDirectoryBuckets", "ListDirectoryBuckets", ACCOUNT_READ, Nothing),
    op("ListMultipartUploads", "ListMultipartUploads", KEYS_READ, Nothing),
    op("ListObjectAnnotations", "ListObjectAnnotations", OBJECT_READ, Nothing),
    op("ListObjectVersions", "ListObjectVersions", KEYS_READ, Nothing),
    op("ListObjects", "ListObjects", KEYS_READ, Nothing),
    op("ListObjectsV2", "ListObjects", KEYS_READ, Nothing),
    op("ListParts", "ListParts", OBJECT_READ, Nothing),
    // In no model: browsers post forms to a bucket.
    op("PostObject", "PostObject", OBJECT_WRITE, Form),
    op("PutBucketAbac", "PutBucketAbac", BUCKET_WRITE, Document),
    op("PutBucketAccelerateConfiguration", "PutAccelerateConfiguration", BUCKET_WRITE, Document),
    op("PutBucketAcl", "PutBucketAcl", BUCKET_WRITE, Document),
    op("PutBucketAnalyticsConfiguration", "PutBucketAnalyticsConfiguration", BUCKET_WRITE, Document),
    op("PutBucketCors", "PutBucketCors", BUCKET_WRITE, Document),
    op("PutBucketEncryption", "PutBucketEncryption", BUCKET_WRITE, Document),
    op("PutBucketIntelligentTieringConfiguration", "PutBucketIntelligentTieringConfiguration", BUCKET_WRITE, Document),
    op("PutBucketInventoryConfiguration", "PutBucketInventoryConfiguration", BUCKET_WRITE, Document),
    op("PutBucketLifecycle", "PutBucketLifecycle", BUCKET_WRITE, Document),
    op("PutBucketLifecycleConfiguration", "PutBucketLifecycle", BUCKET_WRITE, Document),
    op("PutBucketLogging", "PutBucketLogging", BUCKET_WRITE, Document),
    op("PutBucketMetricsConfiguration", "PutBucketMetricsConfiguration", BUCKET_WRITE, Document),
    op("PutBucketNotification", "PutBucketNotification", BUCKET_WRITE, Document),
    op("PutBucketNotificationConfiguration", "PutBucketNotification", BUCKET_WRITE, Document),
    op("PutBucketOwnershipControls", "PutBucketOwnershipControls", BUCKET_WRITE, Document),
    op("PutBucketPolicy", "PutBucketPolicy", BUCKET_WRITE, Policy),
    op("PutBucketReplication", "PutBucketReplication", BUCKET_WRITE, Document),
    op("PutBucketRequestPayment", "PutBucketRequestPayment", BUCKET_WRITE, Document),
    op("PutBucketTagging", "PutBucketTagging", BUCKET_WRITE, Document),
    op("PutBucketVersioning", "PutBucketVersioning", BUCKET_WRITE, Document),
    op("PutBucketWebsite", "PutBucketWebsite", BUCKET_WRITE, Document),
    op("PutObject", "PutObject", OBJECT_WRITE, Content),
    op("PutObjectAcl", "PutObjectAcl", OBJECT_WRITE, Document),
    op("PutObjectAnnotation", "PutObjectAnnotation", OBJECT_WRITE, Content),
    op("PutObjectLegalHold", "PutObjectLockLegalHold", OBJECT_WRITE, Document),
    op("PutObjectLockConfiguration", "PutBucketObjectLockConfiguration", BUCKET_WRITE, Document),
    op("PutObjectRetention", "PutObjectLockRetention", OBJECT_WRITE, Document),
    op("PutObjectTagging", "PutObjectTagging", OBJECT_WRITE, Document),
    op("PutPublicAccessBlock", "PutBucketPublicAccessBlock", BUCKET_WRITE, Document),
    op("RenameObject", "RenameObject", OBJECT_WRITE, Nothing),
    op("RestoreObject", "RestoreObject", OBJECT_WRITE, Document),
    op("SelectObjectContent", "SelectObjectContent", OBJECT_READ, Document),
    op("UpdateBucketMetadataAnnotationTableConfiguration", "UpdateBucketMetadataAnnotationTableConfiguration", BUCKET_WRITE, Document),
    op("UpdateBucketMetadataInventoryTableConfiguration", "UpdateBucketMetadataInventoryTableConfiguration", BUCKET_WRITE, Document),
    op("UpdateBucketMetadataJournalTableConfiguration", "UpdateBucketMetadataJournalTableConfiguration", BUCKET_WRITE, Document),
    op("UpdateObjectEncryption", "UpdateObjectEncryption", OBJECT_WRITE, Document),
    op("UploadPart", "UploadPart", OBJECT_WRITE, Content),
    op("UploadPartCopy", "UploadPartCopy", OBJECT_WRITE, Nothing),
    op("WriteGetObjectResponse", "WriteGetObjectResponse", (About::Account, false, false), Content),
];
