//! Objects listed, and deleted many at a time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use catalog::objects::Listed;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::S3Result;
use s3s::dto::{
    self, CommonPrefix, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, EncodingType, ListObjectVersionsInput,
    ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, ObjectStorageClass,
    ObjectVersion, ObjectVersionStorageClass,
};

use super::bucket::after_token;
use super::{Scope, check_version, etag, owner, timestamp};
use crate::buckets::error::Error;
use crate::buckets::limits;
use crate::buckets::listing::{Entry, Page, Query};
use crate::buckets::objects::Condition;

/// What stays as it is with `encoding-type=url`.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/').remove(b'*');

/// How keys are shown in a listing.
#[derive(Clone, Copy)]
pub(super) struct Encoding {
    url: bool,
}

impl Encoding {
    pub(super) fn of(asked: Option<&EncodingType>) -> Result<Self, Error> {
        match asked.map(EncodingType::as_str) {
            None => Ok(Self { url: false }),
            Some(EncodingType::URL) => Ok(Self { url: true }),
            Some(_) => Err(Error::refused("InvalidArgument", "Invalid Encoding Method specified in Request")),
        }
    }

    pub(super) fn show(self, text: &str) -> String {
        if self.url { utf8_percent_encode(text, PLAIN).to_string() } else { text.to_owned() }
    }

    pub(super) fn show_optional(self, text: Option<&String>) -> Option<String> {
        text.map(|text| self.show(text))
    }

    pub(super) fn prefixes(self, prefixes: &[String]) -> Option<Vec<CommonPrefix>> {
        let shown = prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(self.show(prefix)) });
        (!prefixes.is_empty()).then(|| shown.collect())
    }
}

/// How many entries a page may have.
pub(super) fn page_limit(asked: Option<i32>, name: &str) -> Result<u32, Error> {
    let asked = asked.map_or(Ok(limits::PAGE_MAX), u32::try_from);
    let asked = asked
        .map_err(|_| Error::refused("InvalidArgument", format!("Argument {name} must be an integer between 0 and 2147483647")))?;
    Ok(asked.min(limits::PAGE_MAX))
}

pub(super) async fn list(scope: &Scope, input: ListObjectsInput) -> S3Result<ListObjectsOutput> {
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let query = Query {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after: input.marker.clone().filter(|marker| !marker.is_empty()),
        limit: page_limit(input.max_keys, "max-keys")?,
    };
    let page = scope.list(&input.bucket, &query).await?;
    // Without a delimiter the next page goes on after the last key, which the client has (S3 API reference, ListObjects).
    let next = last(&page).filter(|_| query.delimiter.is_some()).map(|last| encoding.show(&last));
    let (truncated, account) = (page.truncated, scope.bucket()?.account);
    let (objects, prefixes) = page.split();
    Ok(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(encoding.show(&query.prefix)),
        marker: Some(encoding.show(&input.marker.unwrap_or_default())),
        max_keys: Some(query.limit as i32),
        is_truncated: Some(truncated),
        contents: Some(objects.iter().map(|object| shown(object, encoding, Some(&account))).collect()),
        common_prefixes: encoding.prefixes(&prefixes),
        delimiter: encoding.show_optional(input.delimiter.as_ref()),
        next_marker: next,
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}

pub(super) async fn list_v2(scope: &Scope, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let after = match input.continuation_token.as_deref() {
        Some(token) => Some(after_token(token)?),
        None => input.start_after.clone().filter(|after| !after.is_empty()),
    };
    let query = Query {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after,
        limit: page_limit(input.max_keys, "max-keys")?,
    };
    let page = scope.list(&input.bucket, &query).await?;
    let next = last(&page).map(|last| URL_SAFE_NO_PAD.encode(last));
    let account = scope.bucket()?.account;
    let shown_owner = input.fetch_owner.unwrap_or(false).then_some(account.as_str());
    let (count, truncated) = (page.entries.len(), page.truncated);
    let (objects, prefixes) = page.split();
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encoding.show(&query.prefix)),
        max_keys: Some(query.limit as i32),
        key_count: Some(count as i32),
        continuation_token: input.continuation_token,
        is_truncated: Some(truncated),
        next_continuation_token: next,
        contents: Some(objects.iter().map(|object| shown(object, encoding, shown_owner)).collect()),
        common_prefixes: encoding.prefixes(&prefixes),
        delimiter: encoding.show_optional(input.delimiter.as_ref()),
        encoding_type: input.encoding_type,
        start_after: encoding.show_optional(input.start_after.as_ref()),
        request_charged: None,
    })
}

/// Every object has one version, called null.
pub(super) async fn list_versions(scope: &Scope, input: ListObjectVersionsInput) -> S3Result<ListObjectVersionsOutput> {
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let query = Query {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after: input.key_marker.clone().filter(|marker| !marker.is_empty()),
        limit: page_limit(input.max_keys, "max-keys")?,
    };
    let page = scope.store.list(&input.bucket, &query).await?;
    let next = last(&page).map(|last| encoding.show(&last));
    let (truncated, account) = (page.truncated, scope.bucket()?.account);
    let (objects, prefixes) = page.split();
    let versions = objects.into_iter().map(|object| ObjectVersion {
        e_tag: Some(etag(&object.etag)),
        is_latest: Some(true),
        key: Some(encoding.show(&object.key)),
        last_modified: Some(timestamp(object.modified_at_us)),
        owner: Some(owner(&account)),
        size: Some(object.size as i64),
        storage_class: Some(ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD)),
        version_id: Some("null".to_owned()),
        ..ObjectVersion::default()
    });
    Ok(ListObjectVersionsOutput {
        versions: Some(versions.collect()),
        common_prefixes: encoding.prefixes(&prefixes),
        delimiter: encoding.show_optional(input.delimiter.as_ref()),
        encoding_type: input.encoding_type,
        is_truncated: Some(truncated),
        key_marker: Some(encoding.show(&input.key_marker.unwrap_or_default())),
        max_keys: Some(query.limit as i32),
        name: Some(input.bucket),
        next_version_id_marker: next.as_ref().map(|_| "null".to_owned()),
        next_key_marker: next,
        prefix: Some(encoding.show(&query.prefix)),
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        ..ListObjectVersionsOutput::default()
    })
}

/// What the page after this one begins after.
fn last(page: &Page<Listed>) -> Option<String> {
    page.entries.last().filter(|_| page.truncated).map(|entry| match entry {
        Entry::Item(object) => object.key.clone(),
        Entry::CommonPrefix(prefix) => prefix.clone(),
    })
}

fn shown(object: &Listed, encoding: Encoding, account: Option<&str>) -> dto::Object {
    dto::Object {
        e_tag: Some(etag(&object.etag)),
        key: Some(encoding.show(&object.key)),
        last_modified: Some(timestamp(object.modified_at_us)),
        owner: account.map(owner),
        size: Some(object.size as i64),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..dto::Object::default()
    }
}

pub(super) async fn delete(scope: &Scope, input: DeleteObjectsInput) -> S3Result<DeleteObjectsOutput> {
    let objects = input.delete.objects;
    if objects.is_empty() || objects.len() > limits::DELETE_KEYS_MAX {
        return Err(Error::refused("MalformedXML", crate::buckets::error::usual_message("MalformedXML")).into());
    }
    let bucket = scope.bucket()?;
    let (mut deletable, mut errors) = (Vec::new(), Vec::new());
    for object in objects {
        let version = check_version(object.version_id.as_deref());
        let allowed = match version {
            Ok(()) => scope.call.allow(&scope.store, &bucket, "s3:DeleteObject", Some(&object.key)).await,
            refused => refused,
        };
        let condition = object.e_tag.map_or(Condition::None, |tag| Condition::Matches(Some(tag.into_value())));
        match allowed {
            Ok(()) => deletable.push((object.key, condition)),
            Err(error) => errors.push(failure(object.key, &error)),
        }
    }
    let outcomes = scope.store.delete(&input.bucket, &deletable, &scope.record()).await?;
    let mut deleted = Vec::new();
    for ((key, _), outcome) in deletable.into_iter().zip(outcomes) {
        match outcome {
            Ok(()) => deleted.push(DeletedObject { key: Some(key), ..DeletedObject::default() }),
            Err(error) => errors.push(failure(key, &error)),
        }
    }
    let quiet = input.delete.quiet.unwrap_or(false);
    Ok(DeleteObjectsOutput {
        deleted: (!quiet).then_some(deleted),
        errors: (!errors.is_empty()).then_some(errors),
        request_charged: None,
    })
}

fn failure(key: String, error: &Error) -> dto::Error {
    dto::Error {
        code: Some(error.code().to_owned()),
        key: Some(key),
        message: Some(error.message().into_owned()),
        version_id: None,
    }
}

#[cfg(test)]
mod tests;
