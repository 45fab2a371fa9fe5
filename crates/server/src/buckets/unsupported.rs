//! The operations of S3 that are not implemented, each with what to do or expect instead. Calling one answers
//! NotImplemented with these words.

/// Names in the S3 API, and why.
#[rustfmt::skip]
pub const UNSUPPORTED: &[(&str, &str)] = &[
    ("CreateBucketMetadataTableConfiguration", METADATA_TABLES),
    ("CreateSession", DIRECTORY_BUCKETS),
    ("DeleteBucketAnalyticsConfiguration", STORAGE_ANALYSIS),
    ("DeleteBucketCors", CORS),
    ("DeleteBucketEncryption", ENCRYPTION),
    ("DeleteBucketIntelligentTieringConfiguration", STORAGE_ANALYSIS),
    ("DeleteBucketInventoryConfiguration", STORAGE_ANALYSIS),
    ("DeleteBucketLifecycle", LIFECYCLE),
    ("DeleteBucketMetadataTableConfiguration", METADATA_TABLES),
    ("DeleteBucketMetricsConfiguration", STORAGE_ANALYSIS),
    ("DeleteBucketReplication", REPLICATION),
    ("DeleteBucketWebsite", WEBSITE),
    ("GetBucketAnalyticsConfiguration", STORAGE_ANALYSIS),
    ("GetBucketIntelligentTieringConfiguration", STORAGE_ANALYSIS),
    ("GetBucketInventoryConfiguration", STORAGE_ANALYSIS),
    ("GetBucketMetadataTableConfiguration", METADATA_TABLES),
    ("GetBucketMetricsConfiguration", STORAGE_ANALYSIS),
    ("GetObjectLegalHold", OBJECT_LOCK),
    ("GetObjectRetention", OBJECT_LOCK),
    ("GetObjectTorrent", "torrents are not served"),
    ("ListBucketAnalyticsConfigurations", STORAGE_ANALYSIS),
    ("ListBucketIntelligentTieringConfigurations", STORAGE_ANALYSIS),
    ("ListBucketInventoryConfigurations", STORAGE_ANALYSIS),
    ("ListBucketMetricsConfigurations", STORAGE_ANALYSIS),
    ("ListDirectoryBuckets", DIRECTORY_BUCKETS),
    ("PostObject", "uploads from HTML forms are not taken; use PutObject or a presigned URL"),
    ("PutBucketAccelerateConfiguration", "there is no transfer acceleration"),
    ("PutBucketAnalyticsConfiguration", STORAGE_ANALYSIS),
    ("PutBucketCors", CORS),
    ("PutBucketEncryption", ENCRYPTION),
    ("PutBucketIntelligentTieringConfiguration", STORAGE_ANALYSIS),
    ("PutBucketInventoryConfiguration", STORAGE_ANALYSIS),
    ("PutBucketLifecycleConfiguration", LIFECYCLE),
    ("PutBucketLogging", "calls are recorded by trails; there are no server access logs"),
    ("PutBucketMetricsConfiguration", STORAGE_ANALYSIS),
    ("PutBucketNotificationConfiguration", "buckets send no notifications"),
    ("PutBucketReplication", REPLICATION),
    ("PutBucketRequestPayment", "the requester never pays"),
    ("PutBucketVersioning", "objects have one version; delivered log files are kept from change by buckets.lock"),
    ("PutBucketWebsite", WEBSITE),
    ("PutObjectLegalHold", OBJECT_LOCK),
    ("PutObjectLockConfiguration", OBJECT_LOCK),
    ("PutObjectRetention", OBJECT_LOCK),
    ("RestoreObject", "there is no archive to restore from"),
    ("SelectObjectContent", "query log files with the lake instead"),
    ("WriteGetObjectResponse", "there is no Object Lambda"),
];

const CORS: &str = "buckets answer no cross-origin requests";
const DIRECTORY_BUCKETS: &str = "there are no directory buckets";
const ENCRYPTION: &str = "encryption at rest is that of the disk";
const LIFECYCLE: &str = "objects stay until they are deleted";
const METADATA_TABLES: &str = "there are no metadata tables";
const OBJECT_LOCK: &str = "there is no Object Lock; delivered log files are kept from change by buckets.lock";
const REPLICATION: &str = "buckets are not replicated";
const STORAGE_ANALYSIS: &str = "storage is not analysed";
const WEBSITE: &str = "buckets serve no websites";

/// The name of an operation in the list.
pub(super) fn find(name: &str) -> Option<&'static str> {
    UNSUPPORTED.iter().map(|(operation, _)| *operation).find(|operation| *operation == name)
}

/// What a caller of the operation reads.
pub(super) fn message(name: &str) -> String {
    match UNSUPPORTED.iter().find(|(operation, _)| *operation == name) {
        Some((_, why)) => format!("Trailkeep does not implement {name}: {why}."),
        None => format!("Trailkeep does not implement {name}."),
    }
}
