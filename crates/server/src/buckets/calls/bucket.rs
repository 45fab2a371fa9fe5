//! Buckets made, removed, found and listed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use catalog::buckets::{self, Bucket, Setting};
use s3s::S3Result;
use s3s::dto::{
    self, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput,
    GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
};
use serde_json::json;

use super::{Scope, owner, settings, timestamp};
use crate::buckets::error::Error;
use crate::buckets::limits;

/// The Region whose name a location constraint never bears.
const FIRST_REGION: &str = "us-east-1";

pub(super) async fn create(scope: &Scope, input: CreateBucketInput) -> S3Result<CreateBucketOutput> {
    let constraint = input.create_bucket_configuration.and_then(|configuration| configuration.location_constraint);
    if let Some(constraint) = &constraint {
        scope.call.note("CreateBucketConfiguration", json!({ "LocationConstraint": constraint.as_str() }));
    }
    if input.object_lock_enabled_for_bucket == Some(true) {
        let message = "Trailkeep has no Object Lock; delivered log files are kept from change by buckets.lock.";
        return Err(Error::not_implemented(message).into());
    }
    let grants = [input.grant_full_control, input.grant_read, input.grant_read_acp, input.grant_write, input.grant_write_acp];
    settings::check_acl(input.acl.as_ref().map(dto::BucketCannedACL::as_str), grants.iter().any(Option::is_some))?;
    let ownership = input.object_ownership.map(|ownership| settings::check_ownership(ownership.as_str())).transpose()?;
    cloudtrail::bucket::check_new_name(&input.bucket)
        .map_err(|error| Error::refused("InvalidBucketName", format!("The specified bucket is not valid: {error}")))?;
    let bucket = Bucket {
        region: region(&scope.call.known.claim.region, constraint.as_ref(), scope)?,
        name: input.bucket,
        account: scope.call.known.account.to_string(),
        created_at_us: scope.call.known.at_us,
    };
    let ownership: Vec<_> = ownership.map(|ownership| (Setting::OwnershipControls, ownership)).into_iter().collect();
    scope.store.create(&bucket, &ownership, &scope.record()).await?;
    Ok(CreateBucketOutput { location: Some(format!("/{}", bucket.name)) })
}

/// The Region of a bucket to make: the one signed for. Only in the first Region a constraint may name another.
fn region(signed: &str, constraint: Option<&BucketLocationConstraint>, scope: &Scope) -> Result<String, Error> {
    let named = constraint.map(|constraint| if constraint.as_str() == "EU" { "eu-west-1" } else { constraint.as_str() });
    let incompatible = |what: &str| {
        let message =
            format!("The {what} location constraint is incompatible for the region specific endpoint this request was sent to.");
        Err(Error::refused("IllegalLocationConstraintException", message))
    };
    match named.filter(|name| !name.is_empty()) {
        None if signed == FIRST_REGION => Ok(signed.to_owned()),
        None => incompatible("unspecified"),
        Some(name) if name == FIRST_REGION || !scope.call.known.regions.iter().any(|region| region == name) => {
            Err(Error::refused("InvalidLocationConstraint", "The specified location-constraint is not valid"))
        }
        Some(name) if signed == FIRST_REGION || signed == name => Ok(name.to_owned()),
        Some(name) => incompatible(name),
    }
}

pub(super) async fn delete(scope: &Scope, input: DeleteBucketInput) -> S3Result<DeleteBucketOutput> {
    scope.store.remove(&input.bucket, &scope.record()).await?;
    Ok(DeleteBucketOutput {})
}

pub(super) async fn head(scope: &Scope, _: HeadBucketInput) -> S3Result<HeadBucketOutput> {
    Ok(HeadBucketOutput { bucket_region: Some(scope.bucket()?.region), ..HeadBucketOutput::default() })
}

pub(super) async fn location(scope: &Scope, _: GetBucketLocationInput) -> S3Result<GetBucketLocationOutput> {
    let region = Some(scope.bucket()?.region).filter(|region| region != FIRST_REGION);
    Ok(GetBucketLocationOutput { location_constraint: region.map(BucketLocationConstraint::from) })
}

pub(super) async fn list(scope: &Scope, input: ListBucketsInput) -> S3Result<ListBucketsOutput> {
    let account = scope.call.known.account.to_string();
    let limit = match input.max_buckets {
        None => limits::BUCKETS_PAGE_MAX,
        Some(limit @ 1..=10_000) => limit as u32,
        Some(_) => return Err(Error::refused("InvalidArgument", "max-buckets must be between 1 and 10000").into()),
    };
    let prefix = input.prefix.clone().unwrap_or_default();
    let mut after = input.continuation_token.as_deref().map(after_token).transpose()?.unwrap_or_default();
    let (mut page, mut truncated) = (Vec::new(), false);
    loop {
        let batch =
            buckets::list(&scope.store.catalog, &account, &prefix, &after, limits::PAGE_MAX).await.map_err(Error::from)?;
        let complete = batch.len() < limits::PAGE_MAX as usize;
        for bucket in batch {
            after.clone_from(&bucket.name);
            if input.bucket_region.as_ref().is_some_and(|region| *region != bucket.region) {
                continue;
            }
            if page.len() == limit as usize {
                truncated = true;
                break;
            }
            page.push(bucket);
        }
        if complete || truncated {
            break;
        }
    }
    let last = page.last().filter(|_| truncated).map(|bucket: &Bucket| URL_SAFE_NO_PAD.encode(&bucket.name));
    let buckets = page.into_iter().map(|bucket| dto::Bucket {
        bucket_region: Some(bucket.region),
        creation_date: Some(timestamp(bucket.created_at_us)),
        name: Some(bucket.name),
    });
    Ok(ListBucketsOutput {
        buckets: Some(buckets.collect()),
        continuation_token: last,
        owner: Some(owner(&account)),
        prefix: input.prefix,
    })
}

/// What a page goes on after.
pub(super) fn after_token(token: &str) -> Result<String, Error> {
    let after = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    after.ok_or_else(|| Error::refused("InvalidArgument", "The continuation token provided is incorrect"))
}
