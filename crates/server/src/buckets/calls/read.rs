//! Objects read.

use std::ops::Range;

use catalog::objects::{Checksum, Object, PartOfObject};
use http::HeaderMap;
use http::header::{ETAG, HeaderValue};
use s3s::dto::{
    self, ChecksumMode, ChecksumType, ETagCondition, GetObjectAttributesInput, GetObjectAttributesOutput,
    GetObjectAttributesParts, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, ObjectAttributes, ObjectPart,
    StorageClass, StreamingBlob, Timestamp,
};
use s3s::{S3Error, S3Result};

use super::keys::page_limit;
use super::{Scope, check_version, etag, instant, timestamp};
use crate::buckets::checksum::Algorithm;
use crate::buckets::content;
use crate::buckets::error::Error;
use crate::buckets::objects::Place;

/// Content-Type of an object put without one (S3 API reference, PutObject).
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// The conditions of a read.
#[derive(Default)]
pub(super) struct Conditions<'a> {
    pub(super) matches: Option<&'a ETagCondition>,
    pub(super) none_match: Option<&'a ETagCondition>,
    pub(super) modified_since: Option<&'a Timestamp>,
    pub(super) unmodified_since: Option<&'a Timestamp>,
}

impl Conditions<'_> {
    /// What RFC 9110, section 13.2.2, makes of the conditions: an entity tag counts before a date.
    pub(super) fn check(&self, object: &Object) -> Result<(), Error> {
        let failed = || Error::refused("PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
        let unmodified = || Error::refused("NotModified", "Not Modified");
        let has = |condition: &ETagCondition| condition.as_etag().is_none_or(|tag| tag.value() == object.etag);
        let modified_s = object.modified_at_us.div_euclid(1_000_000);
        let after = |since: &Timestamp| modified_s > time::OffsetDateTime::from(since.clone()).unix_timestamp();
        match (self.matches, self.unmodified_since) {
            (Some(tag), _) if !has(tag) => return Err(failed()),
            (None, Some(since)) if after(since) => return Err(failed()),
            _ => {}
        }
        match (self.none_match, self.modified_since) {
            (Some(tag), _) if has(tag) => Err(unmodified()),
            (None, Some(since)) if !after(since) => Err(unmodified()),
            _ => Ok(()),
        }
    }
}

/// What of an object is asked for.
struct Selected {
    range: Range<u64>,
    partial: bool,
    parts_count: Option<i32>,
}

impl Selected {
    fn content_range(&self, size: u64) -> Option<String> {
        self.partial.then(|| format!("bytes {}-{}/{size}", self.range.start, self.range.end - 1))
    }
}

fn select(object: &Object, range: Option<&dto::Range>, part: Option<i32>) -> Result<Selected, Error> {
    let unsatisfiable = || Error::refused("InvalidRange", "The requested range is not satisfiable");
    match (range, part) {
        (Some(_), Some(_)) => {
            Err(Error::refused("InvalidRequest", "Cannot specify both Range header and partNumber query parameter"))
        }
        (Some(range), None) => {
            let range = range.check(object.size).map_err(|_| unsatisfiable())?;
            if range.is_empty() { Err(unsatisfiable()) } else { Ok(Selected { range, partial: true, parts_count: None }) }
        }
        (None, Some(part)) => select_part(object, part),
        (None, None) => Ok(Selected { range: 0..object.size, partial: false, parts_count: None }),
    }
}

fn select_part(object: &Object, number: i32) -> Result<Selected, Error> {
    let none = || Error::refused("InvalidPartNumber", "The requested partnumber is not satisfiable");
    let parts = &object.attributes.parts;
    if parts.is_empty() {
        // An object put whole is its only part.
        return if number == 1 {
            Ok(Selected { range: 0..object.size, partial: object.size > 0, parts_count: None })
        } else {
            Err(none())
        };
    }
    let index = usize::try_from(number - 1).map_err(|_| none())?;
    let part = parts.get(index).ok_or_else(none)?;
    let start = parts.iter().take(index).map(|part| part.size).sum();
    Ok(Selected { range: start..start + part.size, partial: part.size > 0, parts_count: Some(parts.len() as i32) })
}

pub(super) async fn get(scope: &Scope, input: GetObjectInput) -> S3Result<GetObjectOutput> {
    check_version(input.version_id.as_deref())?;
    let place = Place { bucket: &input.bucket, key: &input.key };
    let (object, file) = match scope.store.open_object(place).await {
        Err(error) => return Err(hide(scope, error).await),
        Ok(opened) => opened,
    };
    let conditions = Conditions {
        matches: input.if_match.as_ref(),
        none_match: input.if_none_match.as_ref(),
        modified_since: input.if_modified_since.as_ref(),
        unmodified_since: input.if_unmodified_since.as_ref(),
    };
    check_conditions(&conditions, &object)?;
    let selected = select(&object, input.range.as_ref(), input.part_number)?;
    let head = head_of(&object, &selected, input.checksum_mode.as_ref());
    let body = content::stream(file, selected.range);
    Ok(GetObjectOutput {
        body: Some(StreamingBlob::new(body)),
        accept_ranges: head.accept_ranges,
        cache_control: input.response_cache_control.or(head.cache_control),
        checksum_crc32: head.checksum_crc32,
        checksum_crc32c: head.checksum_crc32c,
        checksum_crc64nvme: head.checksum_crc64nvme,
        checksum_sha1: head.checksum_sha1,
        checksum_sha256: head.checksum_sha256,
        checksum_type: head.checksum_type,
        content_disposition: input.response_content_disposition.or(head.content_disposition),
        content_encoding: input.response_content_encoding.or(head.content_encoding),
        content_language: input.response_content_language.or(head.content_language),
        content_length: head.content_length,
        content_range: head.content_range,
        content_type: input.response_content_type.or(head.content_type),
        e_tag: head.e_tag,
        expires: input.response_expires.or(head.expires),
        last_modified: head.last_modified,
        metadata: head.metadata,
        parts_count: head.parts_count,
        tag_count: Some(object.attributes.tags.len() as i32).filter(|count| *count > 0),
        ..GetObjectOutput::default()
    })
}

pub(super) async fn head(scope: &Scope, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
    check_version(input.version_id.as_deref())?;
    let place = Place { bucket: &input.bucket, key: &input.key };
    let object = match scope.store.object(place).await {
        Err(error) => return Err(hide(scope, error).await),
        Ok(object) => object,
    };
    let conditions = Conditions {
        matches: input.if_match.as_ref(),
        none_match: input.if_none_match.as_ref(),
        modified_since: input.if_modified_since.as_ref(),
        unmodified_since: input.if_unmodified_since.as_ref(),
    };
    check_conditions(&conditions, &object)?;
    let selected = select(&object, input.range.as_ref(), input.part_number)?;
    let mut head = head_of(&object, &selected, input.checksum_mode.as_ref());
    head.cache_control = input.response_cache_control.or(head.cache_control);
    head.content_disposition = input.response_content_disposition.or(head.content_disposition);
    head.content_encoding = input.response_content_encoding.or(head.content_encoding);
    head.content_language = input.response_content_language.or(head.content_language);
    head.content_type = input.response_content_type.or(head.content_type);
    head.expires = input.response_expires.or(head.expires);
    Ok(head)
}

/// Who may not list a bucket does not learn which keys it lacks (S3 API reference, GetObject).
async fn hide(scope: &Scope, error: Error) -> S3Error {
    if error.code() != "NoSuchKey" {
        return error.into();
    }
    let bucket = match scope.bucket() {
        Ok(bucket) => bucket,
        Err(error) => return error.into(),
    };
    match scope.call.allow(&scope.store, &bucket, "s3:ListBucket", None).await {
        Ok(()) => error.into(),
        Err(denied) => denied.into(),
    }
}

fn check_conditions(conditions: &Conditions<'_>, object: &Object) -> S3Result<()> {
    conditions.check(object).map_err(|error| {
        let not_modified = error.code() == "NotModified";
        let mut error = S3Error::from(error);
        if not_modified {
            let mut headers = HeaderMap::new();
            headers.insert(ETAG, HeaderValue::from_str(&format!("\"{}\"", object.etag)).expect("entity tags are ASCII"));
            error.set_headers(headers);
        }
        error
    })
}

fn head_of(object: &Object, selected: &Selected, mode: Option<&ChecksumMode>) -> HeadObjectOutput {
    let kept = &object.attributes;
    let asked = mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED) && !selected.partial;
    let checksum = Shown::of(kept.checksum.as_ref().filter(|_| asked));
    HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        cache_control: kept.cache_control.clone(),
        checksum_crc32: checksum.crc32,
        checksum_crc32c: checksum.crc32c,
        checksum_crc64nvme: checksum.crc64nvme,
        checksum_sha1: checksum.sha1,
        checksum_sha256: checksum.sha256,
        checksum_type: checksum.kind,
        content_disposition: kept.content_disposition.clone(),
        content_encoding: kept.content_encoding.clone(),
        content_language: kept.content_language.clone(),
        content_length: Some((selected.range.end - selected.range.start) as i64),
        content_range: selected.content_range(object.size),
        content_type: Some(kept.content_type.clone().unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned())),
        e_tag: Some(etag(&object.etag)),
        expires: kept.expires_s.map(|expires_s| Timestamp::from(instant(expires_s.saturating_mul(1_000_000)))),
        last_modified: Some(timestamp(object.modified_at_us)),
        metadata: (!kept.metadata.is_empty()).then(|| kept.metadata.clone().into_iter().collect()),
        parts_count: selected.parts_count,
        ..HeadObjectOutput::default()
    }
}

/// A checksum in the members that answers have for it.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) crc32: Option<String>,
    pub(super) crc32c: Option<String>,
    pub(super) crc64nvme: Option<String>,
    pub(super) sha1: Option<String>,
    pub(super) sha256: Option<String>,
    pub(super) kind: Option<ChecksumType>,
}

impl Shown {
    pub(super) fn of(checksum: Option<&Checksum>) -> Self {
        let Some(checksum) = checksum else { return Self::default() };
        let kind = if checksum.composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
        Self { kind: Some(ChecksumType::from_static(kind)), ..Self::value(&checksum.algorithm, Some(&checksum.value)) }
    }

    pub(super) fn value(algorithm: &str, value: Option<&String>) -> Self {
        let value = value.cloned();
        match Algorithm::parse(algorithm) {
            Some(Algorithm::Crc32) => Self { crc32: value, ..Self::default() },
            Some(Algorithm::Crc32c) => Self { crc32c: value, ..Self::default() },
            Some(Algorithm::Crc64Nvme) => Self { crc64nvme: value, ..Self::default() },
            Some(Algorithm::Sha1) => Self { sha1: value, ..Self::default() },
            Some(Algorithm::Sha256) => Self { sha256: value, ..Self::default() },
            None => Self::default(),
        }
    }
}

pub(super) async fn attributes(scope: &Scope, input: GetObjectAttributesInput) -> S3Result<GetObjectAttributesOutput> {
    check_version(input.version_id.as_deref())?;
    let object = match scope.store.object(Place { bucket: &input.bucket, key: &input.key }).await {
        Err(error) => return Err(hide(scope, error).await),
        Ok(object) => object,
    };
    // s3s hands over `A,B` in one header as one name.
    let asked: Vec<&str> = input.object_attributes.iter().flat_map(|names| names.as_str().split(',')).map(str::trim).collect();
    let asks = |name: &str| asked.contains(&name);
    let checksum = object.attributes.checksum.as_ref().filter(|_| asks(ObjectAttributes::CHECKSUM));
    let after = input.part_number_marker.unwrap_or(0);
    let parts = (asks(ObjectAttributes::OBJECT_PARTS) && !object.attributes.parts.is_empty())
        .then(|| Ok::<_, Error>(page_of_parts(&object, after, page_limit(input.max_parts, "max-parts")?)))
        .transpose()?;
    Ok(GetObjectAttributesOutput {
        checksum: checksum.map(shown_checksum),
        e_tag: asks(ObjectAttributes::ETAG).then(|| etag(&object.etag)),
        last_modified: Some(timestamp(object.modified_at_us)),
        object_parts: parts,
        object_size: asks(ObjectAttributes::OBJECT_SIZE).then_some(object.size as i64),
        storage_class: asks(ObjectAttributes::STORAGE_CLASS).then(|| StorageClass::from_static(StorageClass::STANDARD)),
        ..GetObjectAttributesOutput::default()
    })
}

fn shown_checksum(checksum: &Checksum) -> dto::Checksum {
    let shown = Shown::of(Some(checksum));
    dto::Checksum {
        checksum_crc32: shown.crc32,
        checksum_crc32c: shown.crc32c,
        checksum_crc64nvme: shown.crc64nvme,
        checksum_sha1: shown.sha1,
        checksum_sha256: shown.sha256,
        checksum_type: shown.kind,
    }
}

fn page_of_parts(object: &Object, after: i32, limit: u32) -> GetObjectAttributesParts {
    let parts = &object.attributes.parts;
    let later: Vec<&PartOfObject> = parts.iter().filter(|part| part.number > after).collect();
    let page: Vec<_> = later.iter().take(limit as usize).collect();
    let truncated = page.len() < later.len();
    let algorithm = object.attributes.checksum.as_ref().map(|checksum| checksum.algorithm.as_str()).unwrap_or_default();
    let shown = page.iter().map(|part| {
        let checksum = Shown::value(algorithm, part.checksum.as_ref());
        ObjectPart {
            checksum_crc32: checksum.crc32,
            checksum_crc32c: checksum.crc32c,
            checksum_crc64nvme: checksum.crc64nvme,
            checksum_sha1: checksum.sha1,
            checksum_sha256: checksum.sha256,
            part_number: Some(part.number),
            size: Some(part.size as i64),
        }
    });
    GetObjectAttributesParts {
        is_truncated: Some(truncated),
        max_parts: Some(limit as i32),
        next_part_number_marker: page.last().map(|part| part.number),
        part_number_marker: Some(after),
        parts: Some(shown.collect()),
        total_parts_count: Some(parts.len() as i32),
    }
}

#[cfg(test)]
mod tests;
