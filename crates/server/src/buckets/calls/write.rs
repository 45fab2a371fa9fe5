//! Objects written: put and copied.

use std::collections::BTreeMap;

use catalog::objects::{Attributes, Object};
use s3s::S3Result;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, ETagCondition, Metadata, MetadataDirective, ObjectCannedACL,
    PutObjectInput, PutObjectOutput, ServerSideEncryption, StorageClass, TaggingDirective, Timestamp,
};

use super::read::{Conditions, Shown};
use super::settings::check_acl;
use super::{Scope, check_version, etag, tagging, timestamp};
use crate::buckets::checksum::Algorithm;
use crate::buckets::content::{self, Expected};
use crate::buckets::error::Error;
use crate::buckets::limits;
use crate::buckets::lock::Writer;
use crate::buckets::objects::{Condition, Incoming, Place};

/// What the inputs of PutObject, CopyObject and CreateMultipartUpload say of the object in the same members.
pub(super) struct Described {
    pub(super) attributes: Attributes,
    /// Whether tags were given.
    pub(super) tagged: bool,
}

/// Takes what an input says of the object to be, and refuses what is not implemented.
macro_rules! describe {
    ($input:ident) => {{
        let grants = [&$input.grant_full_control, &$input.grant_read, &$input.grant_read_acp, &$input.grant_write_acp];
        let wishes = Wishes {
            acl: $input.acl.as_ref(),
            grants: grants.iter().any(|grant| grant.is_some()),
            encryption: $input.server_side_encryption.as_ref(),
            kms_key: $input.ssekms_key_id.is_some() || $input.ssekms_encryption_context.is_some(),
            storage_class: $input.storage_class.as_ref(),
            object_lock: $input.object_lock_mode.is_some()
                || $input.object_lock_legal_hold_status.is_some()
                || $input.object_lock_retain_until_date.is_some(),
            absent: [
                ($input.sse_customer_algorithm.is_some(), "encryption with keys of the customer"),
                ($input.sse_customer_key.is_some(), "encryption with keys of the customer"),
                ($input.website_redirect_location.is_some(), "website redirects"),
            ],
        };
        wishes.check()?;
        let attributes = Attributes {
            content_type: $input.content_type.take(),
            content_encoding: without_chunking($input.content_encoding.take()),
            content_language: $input.content_language.take(),
            content_disposition: $input.content_disposition.take(),
            cache_control: $input.cache_control.take(),
            expires_s: $input.expires.take().map(seconds),
            metadata: checked_metadata($input.metadata.take())?,
            tags: $input.tagging.as_deref().map(tagging::from_header).transpose()?.unwrap_or_default(),
            ..Attributes::default()
        };
        Described { attributes, tagged: $input.tagging.is_some() }
    }};
}
pub(super) use describe;

/// What an input wishes that is there in one form only, or not at all.
pub(super) struct Wishes<'a> {
    pub(super) acl: Option<&'a ObjectCannedACL>,
    pub(super) grants: bool,
    pub(super) encryption: Option<&'a ServerSideEncryption>,
    pub(super) kms_key: bool,
    pub(super) storage_class: Option<&'a StorageClass>,
    pub(super) object_lock: bool,
    /// What is not there at all, and whether it is wished.
    pub(super) absent: [(bool, &'static str); 3],
}

impl Wishes<'_> {
    pub(super) fn check(&self) -> Result<(), Error> {
        check_acl(self.acl.map(ObjectCannedACL::as_str), self.grants)?;
        let refused = |what: &str| Err(Error::not_implemented(format!("Trailkeep does not implement {what}.")));
        if let Some((_, what)) = self.absent.iter().find(|(wished, _)| *wished) {
            return refused(what);
        }
        if self.kms_key || self.encryption.is_some_and(|encryption| encryption.as_str() != ServerSideEncryption::AES256) {
            return refused("encryption with KMS");
        }
        if self.object_lock {
            return Err(Error::refused("InvalidRequest", "Bucket is missing Object Lock Configuration"));
        }
        match self.storage_class.map(StorageClass::as_str) {
            None | Some(StorageClass::STANDARD) => Ok(()),
            Some(_) => Err(Error::refused("InvalidStorageClass", "Trailkeep has one storage class, STANDARD")),
        }
    }
}

/// Content-Encoding without what was only for the way: `aws-chunked`.
pub(super) fn without_chunking(encoding: Option<String>) -> Option<String> {
    let encoding = encoding?;
    let kept: Vec<_> = encoding.split(',').map(str::trim).filter(|part| !part.is_empty() && *part != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

pub(super) fn seconds(at: Timestamp) -> i64 {
    time::OffsetDateTime::from(at).unix_timestamp()
}

pub(super) fn checked_metadata(metadata: Option<Metadata>) -> Result<BTreeMap<String, String>, Error> {
    let metadata: BTreeMap<_, _> = metadata.unwrap_or_default().into_iter().collect();
    let bytes: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > limits::METADATA_BYTES_MAX {
        return Err(Error::refused("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size"));
    }
    Ok(metadata)
}

/// The condition of a write.
pub(super) fn condition(matches: Option<ETagCondition>, none_match: Option<ETagCondition>) -> Result<Condition, Error> {
    match (matches, none_match) {
        (None, None) => Ok(Condition::None),
        (None, Some(ETagCondition::Any)) => Ok(Condition::Absent),
        (Some(ETagCondition::Any), None) => Ok(Condition::Matches(None)),
        (Some(ETagCondition::ETag(tag)), None) => Ok(Condition::Matches(Some(tag.into_value()))),
        _ => Err(Error::not_implemented("A header you provided implies functionality that is not implemented")),
    }
}

/// The checksum a client sends ahead or names; more than one is refused.
pub(super) fn sent_checksum(values: [Option<String>; 5]) -> Result<Option<(Algorithm, String)>, Error> {
    let mut sent = Algorithm::ALL.into_iter().zip(values).filter_map(|(algorithm, value)| Some((algorithm, value?)));
    let first = sent.next();
    if sent.next().is_some() {
        let message = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
        return Err(Error::refused("InvalidRequest", message));
    }
    Ok(first)
}

/// What the bytes of a body must turn out to be, from the headers about it.
pub(super) fn expected(
    scope: &Scope,
    md5: Option<&String>,
    sent: Option<(Algorithm, String)>,
    named: Option<Algorithm>,
) -> Result<Expected, Error> {
    if let Some((algorithm, value)) = sent.as_ref().filter(|(algorithm, value)| !algorithm.is_value(value)) {
        tracing::debug!(%value, "not a checksum");
        return Err(Error::refused("InvalidRequest", format!("Value for {} header is invalid.", algorithm.header())));
    }
    let trailed = scope.header("x-amz-trailer").and_then(|trailer| {
        let names = |algorithm: &Algorithm| trailer.split(',').any(|name| name.trim().eq_ignore_ascii_case(algorithm.header()));
        Algorithm::ALL.into_iter().find(names)
    });
    let (algorithm, value) = match sent {
        Some((algorithm, value)) => (Some(algorithm), Some(value)),
        None => (trailed.or(named), None),
    };
    Ok(Expected {
        md5: md5.map(|md5| content::parse_md5(md5)).transpose()?,
        algorithm,
        trailers: scope.trailers.clone().filter(|_| trailed.is_some() && value.is_none()),
        value,
        ..scope.plain_body()
    })
}

/// Refuses a body that says it is too large before a byte of it is read.
pub(super) fn check_length(length: Option<i64>) -> Result<(), Error> {
    if length.is_some_and(|length| u64::try_from(length).is_ok_and(|length| length > limits::PUT_BYTES_MAX)) {
        return Err(Error::refused("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"));
    }
    Ok(())
}

pub(super) async fn put(scope: &Scope, mut input: PutObjectInput) -> S3Result<PutObjectOutput> {
    cloudtrail::bucket::check_key(&input.key).map_err(|error| Error::refused("KeyTooLongError", error.to_string()))?;
    if input.write_offset_bytes.is_some() {
        return Err(Error::not_implemented("Trailkeep does not implement appending to objects.").into());
    }
    let described = describe!(input);
    check_length(input.content_length)?;
    let sent = sent_checksum([
        input.checksum_crc32,
        input.checksum_crc32c,
        input.checksum_crc64nvme,
        input.checksum_sha1,
        input.checksum_sha256,
    ])?;
    let named = input.checksum_algorithm.as_ref().and_then(|algorithm| Algorithm::parse(algorithm.as_str()));
    let expected = expected(scope, input.content_md5.as_ref(), sent, named)?;
    let condition = condition(input.if_match, input.if_none_match)?;
    let bucket = scope.bucket()?;
    if described.tagged {
        scope.call.allow(&scope.store, &bucket, "s3:PutObjectTagging", Some(&input.key)).await?;
    }
    // Asked again when the key is given; here so that nobody sends bytes in vain.
    scope.store.lock(&input.bucket).await?.check_write(&input.key, Writer::Caller)?;

    let body = input.body.ok_or_else(|| Error::refused("IncompleteBody", "The request has no body"))?;
    let received = content::receive(&scope.store.files, body, expected).await?;
    let incoming = Incoming {
        etag: received.etag(),
        attributes: Attributes { checksum: Some(received.checksum), ..described.attributes },
        placed: received.placed,
        size: received.size,
        condition,
        writer: Writer::Caller,
    };
    let object = scope.store.put(Place { bucket: &input.bucket, key: &input.key }, incoming, &scope.record()).await?;
    let checksum = Shown::of(object.attributes.checksum.as_ref());
    Ok(PutObjectOutput {
        checksum_crc32: checksum.crc32,
        checksum_crc32c: checksum.crc32c,
        checksum_crc64nvme: checksum.crc64nvme,
        checksum_sha1: checksum.sha1,
        checksum_sha256: checksum.sha256,
        checksum_type: checksum.kind,
        e_tag: Some(etag(&object.etag)),
        server_side_encryption: input.server_side_encryption,
        ..PutObjectOutput::default()
    })
}

/// The object a copy is made of, and its bytes.
pub(super) async fn source(
    scope: &Scope,
    source: &CopySource,
    conditions: Conditions<'_>,
) -> Result<(String, String, Object, std::fs::File), Error> {
    let CopySource::Bucket { bucket, key, version_id } = source else {
        return Err(Error::not_implemented("Trailkeep has no access points to copy from."));
    };
    check_version(version_id.as_deref())?;
    let found = scope.store.find(bucket).await?;
    scope.call.check_owner("x-amz-source-expected-bucket-owner", &found)?;
    scope.call.allow(&scope.store, &found, "s3:GetObject", Some(key)).await?;
    let (object, file) = match scope.store.open_object(Place { bucket, key }).await {
        Err(error) if error.code() == "NoSuchKey" => {
            scope.call.allow(&scope.store, &found, "s3:ListBucket", None).await?;
            return Err(error);
        }
        opened => opened?,
    };
    // For a copy there is no "not modified": a condition that does not hold fails.
    conditions
        .check(&object)
        .map_err(|_| Error::refused("PreconditionFailed", "At least one of the pre-conditions you specified did not hold"))?;
    Ok((bucket.to_string(), key.to_string(), object, file))
}

pub(super) async fn copy(scope: &Scope, mut input: CopyObjectInput) -> S3Result<CopyObjectOutput> {
    cloudtrail::bucket::check_key(&input.key).map_err(|error| Error::refused("KeyTooLongError", error.to_string()))?;
    let described = describe!(input);
    let replaces = directive(input.metadata_directive.as_ref().map(MetadataDirective::as_str))?;
    let retags = directive(input.tagging_directive.as_ref().map(TaggingDirective::as_str))?;
    let conditions = Conditions {
        matches: input.copy_source_if_match.as_ref(),
        none_match: input.copy_source_if_none_match.as_ref(),
        modified_since: input.copy_source_if_modified_since.as_ref(),
        unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
    };
    let (bucket, key, object, file) = source(scope, &input.copy_source, conditions).await?;
    if (&bucket, &key) == (&input.bucket, &input.key) && !replaces {
        let message = "This copy request is illegal because it is trying to copy an object to itself without changing the \
                       object's metadata, storage class, website redirect location or encryption attributes.";
        return Err(Error::refused("InvalidRequest", message).into());
    }
    check_copied(object.size)?;
    if retags && described.tagged {
        scope.call.allow(&scope.store, &scope.bucket()?, "s3:PutObjectTagging", Some(&input.key)).await?;
    }
    scope.store.lock(&input.bucket).await?.check_write(&input.key, Writer::Caller)?;

    let kept = object.attributes.checksum.as_ref().and_then(|checksum| Algorithm::parse(&checksum.algorithm));
    let named = input.checksum_algorithm.as_ref().and_then(|algorithm| Algorithm::parse(algorithm.as_str()));
    let expected = Expected { algorithm: named.or(kept), ..scope.plain_body() };
    let received = content::receive(&scope.store.files, content::stream(file, 0..object.size), expected).await?;
    let tags = if retags { described.attributes.tags.clone() } else { object.attributes.tags.clone() };
    let attributes = if replaces { described.attributes } else { Attributes { parts: Vec::new(), ..object.attributes } };
    let incoming = Incoming {
        etag: received.etag(),
        attributes: Attributes { checksum: Some(received.checksum), tags, ..attributes },
        placed: received.placed,
        size: received.size,
        condition: condition_of_copy(scope)?,
        writer: Writer::Caller,
    };
    let copied = scope.store.put(Place { bucket: &input.bucket, key: &input.key }, incoming, &scope.record()).await?;
    let checksum = Shown::of(copied.attributes.checksum.as_ref());
    let result = CopyObjectResult {
        checksum_crc32: checksum.crc32,
        checksum_crc32c: checksum.crc32c,
        checksum_crc64nvme: checksum.crc64nvme,
        checksum_sha1: checksum.sha1,
        checksum_sha256: checksum.sha256,
        checksum_type: checksum.kind,
        e_tag: Some(etag(&copied.etag)),
        last_modified: Some(timestamp(copied.modified_at_us)),
    };
    let encryption = input.server_side_encryption;
    Ok(CopyObjectOutput { copy_object_result: Some(result), server_side_encryption: encryption, ..CopyObjectOutput::default() })
}

/// If-Match and If-None-Match of a copy, which s3s does not hand over.
fn condition_of_copy(scope: &Scope) -> Result<Condition, Error> {
    let parse = |name: &str| scope.header(name).map(|value| ETagCondition::parse_http_header(value.as_bytes())).transpose();
    let invalid = |_| Error::refused("InvalidArgument", "Invalid entity tag");
    condition(parse("if-match").map_err(invalid)?, parse("if-none-match").map_err(invalid)?)
}

/// Whether a directive says to replace.
fn directive(directive: Option<&str>) -> Result<bool, Error> {
    match directive {
        None | Some(MetadataDirective::COPY) => Ok(false),
        Some(MetadataDirective::REPLACE) => Ok(true),
        Some(_) => Err(Error::refused("InvalidArgument", "Unknown directive.")),
    }
}

pub(super) fn check_copied(size: u64) -> Result<(), Error> {
    if size > limits::PUT_BYTES_MAX {
        let message = "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120";
        return Err(Error::refused("InvalidRequest", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
