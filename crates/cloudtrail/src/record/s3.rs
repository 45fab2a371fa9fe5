//! What the records of S3 calls say beyond those of other calls: bucketName, Host and key among the parameters,
//! object and bucket among the resources, and how the call was signed and what it moved.

use serde_json::value::RawValue;

use super::render::Object;
use super::{Resource, ResourceArn};
use crate::account::AccountId;

/// eventSource of S3.
pub const EVENT_SOURCE: &str = "s3.amazonaws.com";

/// What a call on a bucket or an object was about.
#[derive(Debug, Clone, Default)]
pub struct Target<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The object, or for calls that list or change many the prefix of their keys.
    pub key: Option<&'a str>,
    /// The call is about every object whose key begins with `key`.
    pub key_is_prefix: bool,
    /// The Host header.
    pub host: Option<&'a str>,
    /// Query parameters and x-amz headers worth recording, by their own names.
    pub parameters: &'a [(&'a str, &'a str)],
    /// Who owns the bucket, where there is one.
    pub owner: Option<AccountId>,
}

/// How a call was signed and what it moved.
#[derive(Debug, Clone, Default)]
pub struct Transfer<'a> {
    /// `SigV4`; none for unsigned calls.
    pub signature_version: Option<&'a str>,
    /// `AuthHeader` or `QueryString`.
    pub authentication_method: Option<&'a str>,
    /// Of the connection, if it was secured.
    pub cipher_suite: Option<&'a str>,
    /// The x-amz-id-2 header of the answer.
    pub id_2: Option<&'a str>,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
}

impl Target<'_> {
    /// requestParameters. A parameter that bears the name of one before it is left out.
    pub fn request_parameters(&self) -> Box<RawValue> {
        let mut parameters = Object::new();
        let mut names = vec!["bucketName", "Host", "key"];
        parameters.text("bucketName", self.bucket);
        parameters.optional("Host", self.host);
        parameters.optional("key", self.key.filter(|_| !self.key_is_prefix));
        for &(name, value) in self.parameters {
            if !names.contains(&name) {
                names.push(name);
                parameters.text(name, value);
            }
        }
        parameters.into_raw()
    }

    /// resources: the object or the objects, if the call was about any, then the bucket.
    pub fn resources(&self) -> Vec<Resource> {
        let bucket = format!("arn:aws:s3:::{}", self.bucket);
        let objects = self.key.map(|key| {
            let arn = format!("{bucket}/{key}");
            let arn = if self.key_is_prefix { ResourceArn::Prefix(arn) } else { ResourceArn::Whole(arn) };
            Resource { account: None, type_: Some("AWS::S3::Object".to_owned()), arn }
        });
        let type_ = Some("AWS::S3::Bucket".to_owned());
        let bucket = Resource { account: self.owner, type_, arn: ResourceArn::Whole(bucket) };
        objects.into_iter().chain([bucket]).collect()
    }
}

impl Transfer<'_> {
    /// additionalEventData.
    pub fn additional_event_data(&self) -> Box<RawValue> {
        let mut data = Object::new();
        data.optional("SignatureVersion", self.signature_version);
        data.optional("CipherSuite", self.cipher_suite);
        data.number("bytesTransferredIn", self.bytes_in);
        data.optional("AuthenticationMethod", self.authentication_method);
        data.optional("x-amz-id-2", self.id_2);
        data.number("bytesTransferredOut", self.bytes_out);
        data.into_raw()
    }
}

/// Whether an S3 operation works on objects, which makes its record a data event (S3 user guide, "Amazon S3
/// object-level actions that are tracked by AWS CloudTrail logging").
pub fn is_object_level(event_name: &str) -> bool {
    const OPERATIONS: [&str; 35] = [
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "CreateMultipartUpload",
        "DeleteObject",
        "DeleteObjectTagging",
        "DeleteObjects",
        "GetObject",
        "GetObjectAcl",
        "GetObjectAttributes",
        "GetObjectLegalHold",
        "GetObjectLockLegalHold",
        "GetObjectLockRetention",
        "GetObjectRetention",
        "GetObjectTagging",
        "GetObjectTorrent",
        "HeadBucket",
        "HeadObject",
        "ListMultipartUploads",
        "ListObjectVersions",
        "ListObjects",
        "ListObjectsV2",
        "ListParts",
        "PostObject",
        "PutObject",
        "PutObjectAcl",
        "PutObjectLegalHold",
        "PutObjectLockLegalHold",
        "PutObjectLockRetention",
        "PutObjectRetention",
        "PutObjectTagging",
        "RestoreObject",
        "SelectObjectContent",
        "UploadPart",
        "UploadPartCopy",
    ];
    OPERATIONS.contains(&event_name)
}
