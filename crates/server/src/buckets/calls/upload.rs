//! Multipart uploads.

use catalog::objects::Attributes;
use catalog::uploads::{Part, Upload, Wanted};
use s3s::S3Result;
use s3s::dto::{
    self, AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CopyPartResult, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload,
    StorageClass, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};

use super::keys::{Encoding, page_limit};
use super::read::{Conditions, Shown};
use super::write::{
    Described, Wishes, check_copied, check_length, checked_metadata, condition, describe, expected, seconds, sent_checksum,
    source, without_chunking,
};
use super::{Scope, canonical_id, etag, owner, tagging, timestamp};
use crate::buckets::checksum::Algorithm;
use crate::buckets::content::{self, Expected};
use crate::buckets::error::Error;
use crate::buckets::limits;
use crate::buckets::listing::{Entry, Query};
use crate::buckets::lock::Writer;
use crate::buckets::objects::Place;
use crate::buckets::uploads::{Completion, Named};

pub(super) async fn create(scope: &Scope, mut input: CreateMultipartUploadInput) -> S3Result<CreateMultipartUploadOutput> {
    cloudtrail::bucket::check_key(&input.key).map_err(|error| Error::refused("KeyTooLongError", error.to_string()))?;
    let described = describe!(input);
    if described.tagged {
        scope.call.allow(&scope.store, &scope.bucket()?, "s3:PutObjectTagging", Some(&input.key)).await?;
    }
    let algorithm = input.checksum_algorithm.as_ref().map(parse_algorithm).transpose()?;
    let composite = composite(algorithm, input.checksum_type.as_ref().map(ChecksumType::as_str))?;
    let wanted = Wanted {
        attributes: described.attributes,
        checksum_algorithm: algorithm.map(|algorithm| algorithm.as_str().to_owned()),
        composite,
    };
    let place = Place { bucket: &input.bucket, key: &input.key };
    let account = scope.call.known.account.to_string();
    let upload = scope.store.begin_upload(place, &account, wanted, &scope.record()).await?;
    Ok(CreateMultipartUploadOutput {
        upload_id: Some(upload.id),
        checksum_type: algorithm.map(|_| checksum_type(composite)),
        checksum_algorithm: algorithm.map(|algorithm| ChecksumAlgorithm::from_static(algorithm.as_str())),
        bucket: Some(input.bucket),
        key: Some(input.key),
        server_side_encryption: input.server_side_encryption,
        ..CreateMultipartUploadOutput::default()
    })
}

fn parse_algorithm(name: &ChecksumAlgorithm) -> Result<Algorithm, Error> {
    let message = "Checksum algorithm provided is unsupported. Please try again with any of the valid types: \
                   [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]";
    Algorithm::parse(name.as_str()).ok_or_else(|| Error::refused("InvalidRequest", message))
}

/// Whether the object's checksum will be one of its parts' checksums.
fn composite(algorithm: Option<Algorithm>, asked: Option<&str>) -> Result<bool, Error> {
    let Some(algorithm) = algorithm else {
        return match asked {
            None => Ok(false),
            Some(_) => Err(Error::refused(
                "InvalidRequest",
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    match asked {
        None => Ok(algorithm.composite_by_default()),
        Some(ChecksumType::FULL_OBJECT) if algorithm.allows_full() => Ok(false),
        Some(ChecksumType::COMPOSITE) if algorithm != Algorithm::Crc64Nvme => Ok(true),
        Some(other) => {
            let message = format!("The {other} checksum type cannot be used with the {} checksum algorithm.", algorithm.as_str());
            Err(Error::refused("InvalidRequest", message))
        }
    }
}

fn checksum_type(composite: bool) -> ChecksumType {
    ChecksumType::from_static(if composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT })
}

fn check_number(number: i32) -> Result<(), Error> {
    if (1..=limits::PART_NUMBER_MAX).contains(&number) {
        return Ok(());
    }
    Err(Error::refused("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"))
}

fn algorithm_of(upload: &Upload) -> Option<Algorithm> {
    upload.wanted.checksum_algorithm.as_deref().and_then(Algorithm::parse)
}

pub(super) async fn part(scope: &Scope, input: UploadPartInput) -> S3Result<UploadPartOutput> {
    check_number(input.part_number)?;
    check_length(input.content_length)?;
    let upload = scope.store.upload(Place { bucket: &input.bucket, key: &input.key }, &input.upload_id).await?;
    scope.store.lock(&input.bucket).await?.check_write(&input.key, Writer::Caller)?;
    let sent = sent_checksum([
        input.checksum_crc32,
        input.checksum_crc32c,
        input.checksum_crc64nvme,
        input.checksum_sha1,
        input.checksum_sha256,
    ])?;
    let wanted = algorithm_of(&upload);
    let expected = expected(scope, input.content_md5.as_ref(), sent, wanted)?;
    if let (Some(wanted), Some(sent)) = (wanted, expected.algorithm)
        && wanted != sent
    {
        let message = format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            wanted.as_str().to_lowercase(),
            sent.as_str().to_lowercase()
        );
        return Err(Error::refused("InvalidRequest", message).into());
    }
    let checked = expected.algorithm.is_some();
    let body = input.body.ok_or_else(|| Error::refused("IncompleteBody", "The request has no body"))?;
    let received = content::receive(&scope.store.files, body, expected).await?;
    let checksum = Shown::of(Some(&received.checksum).filter(|_| checked));
    let part = scope.store.put_part(&upload.id, input.part_number, received, &scope.record()).await?;
    Ok(UploadPartOutput {
        checksum_crc32: checksum.crc32,
        checksum_crc32c: checksum.crc32c,
        checksum_crc64nvme: checksum.crc64nvme,
        checksum_sha1: checksum.sha1,
        checksum_sha256: checksum.sha256,
        e_tag: Some(etag(&part.etag)),
        ..UploadPartOutput::default()
    })
}

pub(super) async fn part_copy(scope: &Scope, input: UploadPartCopyInput) -> S3Result<UploadPartCopyOutput> {
    check_number(input.part_number)?;
    let upload = scope.store.upload(Place { bucket: &input.bucket, key: &input.key }, &input.upload_id).await?;
    scope.store.lock(&input.bucket).await?.check_write(&input.key, Writer::Caller)?;
    let conditions = Conditions {
        matches: input.copy_source_if_match.as_ref(),
        none_match: input.copy_source_if_none_match.as_ref(),
        modified_since: input.copy_source_if_modified_since.as_ref(),
        unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
    };
    let (_, _, object, file) = source(scope, &input.copy_source, conditions).await?;
    let range = match input.copy_source_range.as_deref() {
        None => 0..object.size,
        Some(range) => copied_range(range, object.size)?,
    };
    check_copied(range.end - range.start)?;
    let algorithm = algorithm_of(&upload);
    let expected = Expected { algorithm, ..scope.plain_body() };
    let received = content::receive(&scope.store.files, content::stream(file, range), expected).await?;
    let checksum = Shown::of(Some(&received.checksum).filter(|_| algorithm.is_some()));
    let part = scope.store.put_part(&upload.id, input.part_number, received, &scope.record()).await?;
    let result = CopyPartResult {
        checksum_crc32: checksum.crc32,
        checksum_crc32c: checksum.crc32c,
        checksum_crc64nvme: checksum.crc64nvme,
        checksum_sha1: checksum.sha1,
        checksum_sha256: checksum.sha256,
        e_tag: Some(etag(&part.etag)),
        last_modified: Some(timestamp(part.modified_at_us)),
    };
    Ok(UploadPartCopyOutput { copy_part_result: Some(result), ..UploadPartCopyOutput::default() })
}

/// `bytes=first-last`, both given and within the object (S3 API reference, UploadPartCopy).
fn copied_range(text: &str, size: u64) -> Result<std::ops::Range<u64>, Error> {
    let Ok(dto::Range::Int { first, last: Some(last) }) = dto::Range::parse(text) else {
        let message = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
                       zero-based offsets of the first and last bytes to copy";
        return Err(Error::refused("InvalidArgument", message));
    };
    let range = first..last + 1;
    if range.end > size {
        let message = format!("Range specified is not valid for source object of size: {size}");
        return Err(Error::refused("InvalidArgument", message));
    }
    Ok(range)
}

pub(super) async fn complete(scope: &Scope, input: CompleteMultipartUploadInput) -> S3Result<CompleteMultipartUploadOutput> {
    let place = Place { bucket: &input.bucket, key: &input.key };
    let upload = scope.store.upload(place, &input.upload_id).await?;
    let sent = sent_checksum([
        input.checksum_crc32,
        input.checksum_crc32c,
        input.checksum_crc64nvme,
        input.checksum_sha1,
        input.checksum_sha256,
    ])?;
    let wanted_size = input.mpu_object_size.map(u64::try_from).transpose();
    let completion = Completion {
        parts: input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default().into_iter().map(named).collect(),
        checksum: sent.filter(|(algorithm, _)| algorithm_of(&upload) == Some(*algorithm)).map(|(_, value)| value),
        size: wanted_size.map_err(|_| Error::refused("InvalidRequest", "Value for x-amz-mp-object-size header is invalid."))?,
        condition: condition(input.if_match, input.if_none_match)?,
    };
    let object = scope.store.complete_upload(&upload, &completion, &scope.record()).await?;
    let checksum = Shown::of(object.attributes.checksum.as_ref());
    let host = scope.call.known.host.as_deref().unwrap_or_default();
    let scheme = if scope.call.known.connection.tls.is_some() { "https" } else { "http" };
    Ok(CompleteMultipartUploadOutput {
        location: Some(format!("{scheme}://{host}/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        checksum_crc32: checksum.crc32,
        checksum_crc32c: checksum.crc32c,
        checksum_crc64nvme: checksum.crc64nvme,
        checksum_sha1: checksum.sha1,
        checksum_sha256: checksum.sha256,
        checksum_type: checksum.kind,
        e_tag: Some(etag(&object.etag)),
        ..CompleteMultipartUploadOutput::default()
    })
}

fn named(part: CompletedPart) -> Named {
    let checksum = [part.checksum_crc32, part.checksum_crc32c, part.checksum_crc64nvme, part.checksum_sha1, part.checksum_sha256];
    Named {
        number: part.part_number.unwrap_or_default(),
        etag: part.e_tag.map(dto::ETag::into_value).unwrap_or_default(),
        checksum: checksum.into_iter().flatten().next(),
    }
}

pub(super) async fn abort(scope: &Scope, input: AbortMultipartUploadInput) -> S3Result<AbortMultipartUploadOutput> {
    let upload = scope.store.upload(Place { bucket: &input.bucket, key: &input.key }, &input.upload_id).await?;
    scope.store.abort_upload(&upload.id, &scope.record()).await?;
    Ok(AbortMultipartUploadOutput::default())
}

pub(super) async fn list_parts(scope: &Scope, input: ListPartsInput) -> S3Result<ListPartsOutput> {
    let upload = scope.store.upload(Place { bucket: &input.bucket, key: &input.key }, &input.upload_id).await?;
    let after = input.part_number_marker.unwrap_or(0);
    let limit = page_limit(input.max_parts, "max-parts")?;
    let mut parts = scope.store.parts(&upload.id, after, limit + 1).await?;
    let truncated = parts.len() > limit as usize;
    parts.truncate(limit as usize);
    let algorithm = upload.wanted.checksum_algorithm.clone().unwrap_or_default();
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        checksum_algorithm: algorithm_of(&upload).map(|algorithm| ChecksumAlgorithm::from_static(algorithm.as_str())),
        checksum_type: algorithm_of(&upload).map(|_| checksum_type(upload.wanted.composite)),
        initiator: Some(Initiator { display_name: None, id: Some(canonical_id(&upload.account)) }),
        owner: Some(owner(&scope.bucket()?.account)),
        part_number_marker: Some(after),
        next_part_number_marker: parts.last().map(|part| part.number),
        max_parts: Some(limit as i32),
        is_truncated: Some(truncated),
        parts: Some(parts.iter().map(|part| shown_part(part, &algorithm)).collect()),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        ..ListPartsOutput::default()
    })
}

fn shown_part(part: &Part, algorithm: &str) -> dto::Part {
    let checksum = Shown::value(algorithm, part.checksum.as_ref());
    dto::Part {
        checksum_crc32: checksum.crc32,
        checksum_crc32c: checksum.crc32c,
        checksum_crc64nvme: checksum.crc64nvme,
        checksum_sha1: checksum.sha1,
        checksum_sha256: checksum.sha256,
        e_tag: Some(etag(&part.etag)),
        last_modified: Some(timestamp(part.modified_at_us)),
        part_number: Some(part.number),
        size: Some(part.size as i64),
    }
}

pub(super) async fn list(scope: &Scope, input: ListMultipartUploadsInput) -> S3Result<ListMultipartUploadsOutput> {
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let query = Query {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after: input.key_marker.clone().filter(|marker| !marker.is_empty()),
        limit: page_limit(input.max_uploads, "max-uploads")?,
    };
    let after_id = input.upload_id_marker.clone().filter(|id| !id.is_empty() && query.after.is_some());
    let page = scope.store.list_uploads(&input.bucket, &query, after_id).await?;
    let (next_key, next_id) = match page.entries.last().filter(|_| page.truncated) {
        Some(Entry::Item(upload)) => (Some(upload.key.clone()), Some(upload.id.clone())),
        Some(Entry::CommonPrefix(prefix)) => (Some(prefix.clone()), None),
        None => (None, None),
    };
    let (truncated, account) = (page.truncated, scope.bucket()?.account);
    let (uploads, prefixes) = page.split();
    Ok(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        common_prefixes: encoding.prefixes(&prefixes),
        delimiter: encoding.show_optional(input.delimiter.as_ref()),
        encoding_type: input.encoding_type,
        is_truncated: Some(truncated),
        key_marker: Some(encoding.show(&input.key_marker.unwrap_or_default())),
        max_uploads: Some(query.limit as i32),
        next_key_marker: encoding.show_optional(next_key.as_ref()),
        next_upload_id_marker: next_id,
        prefix: Some(encoding.show(&query.prefix)),
        upload_id_marker: input.upload_id_marker,
        uploads: Some(uploads.into_iter().map(|upload| shown_upload(&upload, encoding, &account)).collect()),
        ..ListMultipartUploadsOutput::default()
    })
}

fn shown_upload(upload: &Upload, encoding: Encoding, account: &str) -> MultipartUpload {
    MultipartUpload {
        checksum_algorithm: algorithm_of(upload).map(|algorithm| ChecksumAlgorithm::from_static(algorithm.as_str())),
        checksum_type: algorithm_of(upload).map(|_| checksum_type(upload.wanted.composite)),
        initiated: Some(timestamp(upload.created_at_us)),
        initiator: Some(Initiator { display_name: None, id: Some(canonical_id(&upload.account)) }),
        key: Some(encoding.show(&upload.key)),
        owner: Some(owner(account)),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        upload_id: Some(upload.id.clone()),
    }
}
