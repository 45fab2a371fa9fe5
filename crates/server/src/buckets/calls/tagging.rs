//! Tags of buckets and objects.

use std::collections::BTreeMap;

use catalog::buckets::Setting;
use percent_encoding::percent_decode_str;
use s3s::S3Result;
use s3s::dto::{
    DeleteBucketTaggingInput, DeleteBucketTaggingOutput, DeleteObjectTaggingInput, DeleteObjectTaggingOutput,
    GetBucketTaggingInput, GetBucketTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput, PutBucketTaggingInput,
    PutBucketTaggingOutput, PutObjectTaggingInput, PutObjectTaggingOutput, Tag,
};
use serde_json::{Value, json};

use super::{Scope, check_version};
use crate::buckets::error::Error;
use crate::buckets::limits;
use crate::buckets::objects::Place;

type Tags = BTreeMap<String, String>;

pub(super) async fn get_of_bucket(scope: &Scope, input: GetBucketTaggingInput) -> S3Result<GetBucketTaggingOutput> {
    let stored = scope.store.setting(&input.bucket, Setting::Tagging).await?;
    let stored = stored.ok_or_else(|| Error::refused("NoSuchTagSet", "The TagSet does not exist"))?;
    let tags: Tags = serde_json::from_str(&stored)
        .map_err(|error| Error::from(catalog::Error::damaged(format!("the tags of bucket {}", input.bucket), error)))?;
    Ok(GetBucketTaggingOutput { tag_set: shown(&tags) })
}

pub(super) async fn put_of_bucket(scope: &Scope, input: PutBucketTaggingInput) -> S3Result<PutBucketTaggingOutput> {
    let tags = checked(input.tagging.tag_set, limits::BUCKET_TAGS_MAX)?;
    scope.call.note("Tagging", document(&tags));
    let stored = serde_json::to_string(&tags).expect("a map of texts always renders");
    scope.store.set(&input.bucket, Setting::Tagging, Some(&stored), &scope.record()).await?;
    Ok(PutBucketTaggingOutput {})
}

pub(super) async fn delete_of_bucket(scope: &Scope, input: DeleteBucketTaggingInput) -> S3Result<DeleteBucketTaggingOutput> {
    scope.store.set(&input.bucket, Setting::Tagging, None, &scope.record()).await?;
    Ok(DeleteBucketTaggingOutput {})
}

pub(super) async fn get_of_object(scope: &Scope, input: GetObjectTaggingInput) -> S3Result<GetObjectTaggingOutput> {
    check_version(input.version_id.as_deref())?;
    let object = scope.store.object(Place { bucket: &input.bucket, key: &input.key }).await?;
    Ok(GetObjectTaggingOutput { tag_set: shown(&object.attributes.tags), version_id: None })
}

pub(super) async fn put_of_object(scope: &Scope, input: PutObjectTaggingInput) -> S3Result<PutObjectTaggingOutput> {
    check_version(input.version_id.as_deref())?;
    let tags = checked(input.tagging.tag_set, limits::OBJECT_TAGS_MAX)?;
    scope.call.note("Tagging", document(&tags));
    let place = Place { bucket: &input.bucket, key: &input.key };
    scope.store.update(place, |attributes| attributes.tags = tags, &scope.record()).await?;
    Ok(PutObjectTaggingOutput::default())
}

pub(super) async fn delete_of_object(scope: &Scope, input: DeleteObjectTaggingInput) -> S3Result<DeleteObjectTaggingOutput> {
    check_version(input.version_id.as_deref())?;
    let place = Place { bucket: &input.bucket, key: &input.key };
    scope.store.update(place, |attributes| attributes.tags.clear(), &scope.record()).await?;
    Ok(DeleteObjectTaggingOutput::default())
}

/// Tags out of an x-amz-tagging header: `Key1=Value1&Key2=Value2`, percent-encoded.
pub(super) fn from_header(header: &str) -> Result<Tags, Error> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().map(Into::into);
    let tag = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = decode(key).and_then(|key: String| Ok(Tag { key: Some(key), value: Some(decode(value)?) }));
        let message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name \
                       duplicates.";
        decoded.map_err(|_| Error::refused("InvalidArgument", message))
    };
    let tags = header.split('&').filter(|pair| !pair.is_empty()).map(tag).collect::<Result<Vec<_>, _>>()?;
    checked(tags, limits::OBJECT_TAGS_MAX)
}

fn checked(tags: Vec<Tag>, count_max: usize) -> Result<Tags, Error> {
    let invalid = |message: &'static str| Error::refused("InvalidTag", message);
    if tags.len() > count_max {
        let kind = if count_max == limits::OBJECT_TAGS_MAX { "Object" } else { "Bucket" };
        return Err(Error::refused("BadRequest", format!("{kind} tags cannot be greater than {count_max}")));
    }
    let mut checked = Tags::new();
    for tag in tags {
        let (key, value) = (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
        if key.is_empty() || key.chars().count() > limits::TAG_KEY_CHARS_MAX {
            return Err(invalid("The TagKey you have provided is invalid"));
        }
        if value.chars().count() > limits::TAG_VALUE_CHARS_MAX {
            return Err(invalid("The TagValue you have provided is invalid"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("System tags cannot be added/updated by requester"));
        }
        if checked.insert(key, value).is_some() {
            return Err(invalid("Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(checked)
}

fn shown(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect()
}

fn document(tags: &Tags) -> Value {
    let tags: Vec<_> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    json!({ "TagSet": { "Tag": tags } })
}
