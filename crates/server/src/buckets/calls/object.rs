//! Objects deleted, and their access control.

use s3s::S3Result;
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, ETagCondition, GetObjectAclInput, GetObjectAclOutput, ObjectCannedACL,
    PutObjectAclInput, PutObjectAclOutput,
};

use super::settings::{check_acl, check_acl_document, full_control};
use super::{Scope, check_version, owner};
use crate::buckets::objects::{Condition, Place};

pub(super) async fn delete(scope: &Scope, input: DeleteObjectInput) -> S3Result<DeleteObjectOutput> {
    check_version(input.version_id.as_deref())?;
    let condition = match input.if_match {
        None => Condition::None,
        Some(ETagCondition::Any) => Condition::Matches(None),
        Some(ETagCondition::ETag(tag)) => Condition::Matches(Some(tag.into_value())),
    };
    let outcomes = scope.store.delete(&input.bucket, &[(input.key, condition)], &scope.record()).await?;
    outcomes.into_iter().collect::<Result<(), _>>()?;
    Ok(DeleteObjectOutput::default())
}

pub(super) async fn get_acl(scope: &Scope, input: GetObjectAclInput) -> S3Result<GetObjectAclOutput> {
    check_version(input.version_id.as_deref())?;
    scope.store.object(Place { bucket: &input.bucket, key: &input.key }).await?;
    let account = scope.bucket()?.account;
    let grants = Some(vec![full_control(&account)]);
    Ok(GetObjectAclOutput { grants, owner: Some(owner(&account)), request_charged: None })
}

pub(super) async fn put_acl(scope: &Scope, input: PutObjectAclInput) -> S3Result<PutObjectAclOutput> {
    check_version(input.version_id.as_deref())?;
    scope.store.object(Place { bucket: &input.bucket, key: &input.key }).await?;
    let grants = [input.grant_full_control, input.grant_read, input.grant_read_acp, input.grant_write, input.grant_write_acp];
    check_acl(input.acl.as_ref().map(ObjectCannedACL::as_str), grants.iter().any(Option::is_some))?;
    check_acl_document(scope, input.access_control_policy.as_ref())?;
    Ok(PutObjectAclOutput::default())
}
