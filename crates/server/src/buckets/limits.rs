//! The limits of S3 that hold here, with their source.

/// Bytes of an object in one PUT (S3 user guide, "Uploading objects": 5 GB; the service takes 5 GiB).
pub const PUT_BYTES_MAX: u64 = 5 << 30;
/// Bytes of an object put together from parts (S3 user guide, "Multipart upload limits": 5 TiB until 2025, 50 TB since).
pub const OBJECT_BYTES_MAX: u64 = 50_000_000_000_000;
/// Bytes of a part but the last (same page).
pub const PART_BYTES_MIN: u64 = 5 << 20;
/// The highest number of a part (same page).
pub const PART_NUMBER_MAX: i32 = 10_000;
/// Entries in one page of a listing: objects, parts, uploads (S3 API reference, ListObjectsV2).
pub const PAGE_MAX: u32 = 1_000;
/// Keys in one DeleteObjects (S3 API reference, DeleteObjects).
pub const DELETE_KEYS_MAX: usize = 1_000;
/// Bytes of user metadata: names and values together (S3 user guide, "Working with object metadata").
pub const METADATA_BYTES_MAX: usize = 2 << 10;
/// Tags of an object (S3 user guide, "Categorizing your objects using tags").
pub const OBJECT_TAGS_MAX: usize = 10;
/// Tags of a bucket (AWS Billing, "Using cost allocation tags").
pub const BUCKET_TAGS_MAX: usize = 50;
/// Characters of a tag's key (S3 user guide, "Categorizing your objects using tags").
pub const TAG_KEY_CHARS_MAX: usize = 128;
/// Characters of a tag's value (same page).
pub const TAG_VALUE_CHARS_MAX: usize = 256;
/// Bytes of a bucket policy (S3 user guide, "Bucket policies": 20 KB).
pub const POLICY_BYTES_MAX: usize = 20 << 10;
/// Buckets of an account (S3 user guide, "General purpose bucket quotas": 100 until November 2024; ours is that one).
pub const BUCKETS_MAX: u32 = 100;
/// Buckets in one page of ListBuckets (S3 API reference, ListBuckets).
pub const BUCKETS_PAGE_MAX: u32 = 10_000;
/// Bytes of an XML or JSON document in a request's body (1,000 keys of 1,024 bytes, escaped, fit).
pub const DOCUMENT_BYTES_MAX: usize = 8 << 20;
/// What uploads leave free on the disk: at the same mark the journal stops taking events.
pub const UPLOAD_FREE_BYTES_MIN: u64 = 512 << 20;
/// What deliveries leave free on the disk, so that objects can still be deleted.
pub const DELIVERY_FREE_BYTES_MIN: u64 = 64 << 20;
/// How long a presigned URL may be valid, in seconds (S3 API reference, "Authenticating requests: query parameters").
pub const PRESIGNED_S_MAX: u64 = 604_800;
/// How far a request's time may be off, in seconds (S3 API reference, error RequestTimeTooSkewed).
pub const SKEW_S_MAX: u32 = 900;
/// Bytes of an object the service itself reads at once: the largest log file it would import.
pub const SERVICE_GET_BYTES_MAX: u64 = 1 << 30;
