//! What is set on a bucket: its policy, access control, ownership.

use catalog::buckets::Setting;
use cloudtrail::policy::Policy;
use s3s::S3Result;
use s3s::dto::{
    AccessControlPolicy, BucketCannedACL, DeleteBucketOwnershipControlsInput, DeleteBucketOwnershipControlsOutput,
    DeleteBucketPolicyInput, DeleteBucketPolicyOutput, DeletePublicAccessBlockInput, DeletePublicAccessBlockOutput,
    GetBucketAclInput, GetBucketAclOutput, GetBucketOwnershipControlsInput, GetBucketOwnershipControlsOutput,
    GetBucketPolicyInput, GetBucketPolicyOutput, GetBucketPolicyStatusInput, GetBucketPolicyStatusOutput,
    GetPublicAccessBlockInput, GetPublicAccessBlockOutput, Grant, Grantee, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, Permission, PolicyStatus, PublicAccessBlockConfiguration, PutBucketAclInput, PutBucketAclOutput,
    PutBucketOwnershipControlsInput, PutBucketOwnershipControlsOutput, PutBucketPolicyInput, PutBucketPolicyOutput,
    PutPublicAccessBlockInput, PutPublicAccessBlockOutput, Type,
};
use serde_json::{Value, json};

use super::{Scope, canonical_id, owner};
use crate::buckets::error::Error;
use crate::buckets::limits;

pub(super) async fn get_policy(scope: &Scope, input: GetBucketPolicyInput) -> S3Result<GetBucketPolicyOutput> {
    Ok(GetBucketPolicyOutput { policy: Some(policy(scope, &input.bucket).await?) })
}

async fn policy(scope: &Scope, bucket: &str) -> Result<String, Error> {
    let policy = scope.store.setting(bucket, Setting::Policy).await?;
    policy.ok_or_else(|| Error::refused("NoSuchBucketPolicy", "The bucket policy does not exist"))
}

pub(super) async fn put_policy(scope: &Scope, input: PutBucketPolicyInput) -> S3Result<PutBucketPolicyOutput> {
    if input.policy.len() > limits::POLICY_BYTES_MAX {
        return Err(Error::refused("PolicyTooLarge", "Policy exceeds the maximum allowed document size.").into());
    }
    let malformed = |reason: String| Error::refused("MalformedPolicy", format!("Policies must be valid: {reason}"));
    let document: Value = serde_json::from_str(&input.policy).map_err(|error| malformed(error.to_string()))?;
    Policy::parse(&input.policy).map_err(|error| malformed(error.to_string()))?;
    check_scope(&document, &input.bucket)?;
    if is_public(&document) && blocks_public_policy(scope, &input.bucket).await? {
        let message = "Access Denied: public policies are blocked by the BlockPublicPolicy setting of the bucket";
        return Err(Error::refused("AccessDenied", message).into());
    }
    scope.call.note("bucketPolicy", document);
    scope.store.set(&input.bucket, Setting::Policy, Some(&input.policy), &scope.record()).await?;
    Ok(PutBucketPolicyOutput {})
}

async fn blocks_public_policy(scope: &Scope, bucket: &str) -> Result<bool, Error> {
    let block = scope.store.setting(bucket, Setting::PublicAccessBlock).await?.unwrap_or_default();
    Ok(serde_json::from_str::<Value>(&block).unwrap_or_default()["BlockPublicPolicy"] == true)
}

/// Every statement names whom it is about, actions of S3, and this bucket or what is in it.
fn check_scope(policy: &Value, bucket: &str) -> Result<(), Error> {
    let malformed = |message: &'static str| Err(Error::refused("MalformedPolicy", message));
    let arn = format!("arn:aws:s3:::{bucket}");
    let of_bucket = |resource: &str| {
        resource == "*"
            || resource.split(['*', '?']).next().is_some_and(|start| {
                if start.len() == resource.len() {
                    start == arn || start.strip_prefix(&arn).is_some_and(|rest| rest.starts_with('/'))
                } else {
                    arn.starts_with(start) || start.strip_prefix(&arn).is_some_and(|rest| rest.starts_with('/'))
                }
            })
    };
    for statement in one_or_many(&policy["Statement"]) {
        if statement.get("Principal").is_none() && statement.get("NotPrincipal").is_none() {
            return malformed("Missing required field Principal");
        }
        let actions = texts(&statement["Action"]).into_iter().chain(texts(&statement["NotAction"]));
        if actions.into_iter().any(|action| action != "*" && !action.to_ascii_lowercase().starts_with("s3:")) {
            return malformed("Policy has invalid action");
        }
        let resources: Vec<_> = texts(&statement["Resource"]).into_iter().chain(texts(&statement["NotResource"])).collect();
        if resources.is_empty() || !resources.into_iter().all(of_bucket) {
            return malformed("Policy has invalid resource");
        }
    }
    Ok(())
}

fn one_or_many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(many) => many.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> Vec<&str> {
    one_or_many(value).into_iter().filter_map(Value::as_str).collect()
}

pub(super) async fn delete_policy(scope: &Scope, input: DeleteBucketPolicyInput) -> S3Result<DeleteBucketPolicyOutput> {
    scope.store.set(&input.bucket, Setting::Policy, None, &scope.record()).await?;
    Ok(DeleteBucketPolicyOutput {})
}

pub(super) async fn policy_status(scope: &Scope, input: GetBucketPolicyStatusInput) -> S3Result<GetBucketPolicyStatusOutput> {
    let policy: Value = serde_json::from_str(&policy(scope, &input.bucket).await?).unwrap_or_default();
    Ok(GetBucketPolicyStatusOutput { policy_status: Some(PolicyStatus { is_public: Some(is_public(&policy)) }) })
}

/// Whether a policy opens the bucket to everyone.
fn is_public(policy: &Value) -> bool {
    one_or_many(&policy["Statement"]).into_iter().any(allows_everyone)
}

/// Whether a policy that opens the bucket to everyone counts for its owner alone (RestrictPublicBuckets).
pub(in crate::buckets) fn is_restricted(policy: &str, block: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    read(block)["RestrictPublicBuckets"] == true && is_public(&read(policy))
}

/// Whether a statement allows everyone something, without condition.
fn allows_everyone(statement: &Value) -> bool {
    let everyone = |principal: &Value| texts(principal).contains(&"*");
    let principal = &statement["Principal"];
    statement["Effect"] == "Allow" && (everyone(principal) || everyone(&principal["AWS"])) && statement.get("Condition").is_none()
}

pub(super) async fn get_acl(scope: &Scope, _: GetBucketAclInput) -> S3Result<GetBucketAclOutput> {
    let account = scope.bucket()?.account;
    Ok(GetBucketAclOutput { grants: Some(vec![full_control(&account)]), owner: Some(owner(&account)) })
}

/// What the owner of a bucket is granted on it and on all that is in it.
pub(super) fn full_control(account: &str) -> Grant {
    let grantee = Grantee {
        display_name: None,
        email_address: None,
        id: Some(canonical_id(account)),
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    Grant { grantee: Some(grantee), permission: Some(Permission::from_static(Permission::FULL_CONTROL)) }
}

pub(super) async fn put_acl(scope: &Scope, input: PutBucketAclInput) -> S3Result<PutBucketAclOutput> {
    let grants = [input.grant_full_control, input.grant_read, input.grant_read_acp, input.grant_write, input.grant_write_acp];
    check_acl(input.acl.as_ref().map(BucketCannedACL::as_str), grants.iter().any(Option::is_some))?;
    check_acl_document(scope, input.access_control_policy.as_ref())?;
    // Nothing changes, as the only access control list there is was asked for; the call is recorded all the same.
    Ok(PutBucketAclOutput {})
}

/// Refuses every access control list but the one all buckets and objects have: the owner's full control.
pub(super) fn check_acl(canned: Option<&str>, grants: bool) -> Result<(), Error> {
    match canned {
        None | Some("private" | "bucket-owner-full-control") if !grants => Ok(()),
        _ => Err(no_acls()),
    }
}

/// [`check_acl`], for a list that is sent in full.
pub(super) fn check_acl_document(scope: &Scope, list: Option<&AccessControlPolicy>) -> Result<(), Error> {
    let Some(list) = list else { return Ok(()) };
    let id = canonical_id(&scope.bucket()?.account);
    let owners = |grant: &Grant| {
        let grantee = grant.grantee.as_ref().and_then(|grantee| grantee.id.as_ref());
        grantee == Some(&id)
            && grant.permission.as_ref().is_some_and(|permission| permission.as_str() == Permission::FULL_CONTROL)
    };
    let grants = list.grants.as_deref().unwrap_or_default();
    if !grants.is_empty() && grants.iter().all(owners) { Ok(()) } else { Err(no_acls()) }
}

fn no_acls() -> Error {
    Error::refused("AccessControlListNotSupported", "The bucket does not allow ACLs")
}

pub(super) async fn get_public_access_block(
    scope: &Scope,
    input: GetPublicAccessBlockInput,
) -> S3Result<GetPublicAccessBlockOutput> {
    let stored = scope.store.setting(&input.bucket, Setting::PublicAccessBlock).await?;
    let none = "The public access block configuration was not found";
    let stored = stored.ok_or_else(|| Error::refused("NoSuchPublicAccessBlockConfiguration", none))?;
    let stored: Value = serde_json::from_str(&stored).unwrap_or_default();
    let configuration = PublicAccessBlockConfiguration {
        block_public_acls: stored["BlockPublicAcls"].as_bool(),
        block_public_policy: stored["BlockPublicPolicy"].as_bool(),
        ignore_public_acls: stored["IgnorePublicAcls"].as_bool(),
        restrict_public_buckets: stored["RestrictPublicBuckets"].as_bool(),
    };
    Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(configuration) })
}

pub(super) async fn put_public_access_block(
    scope: &Scope,
    input: PutPublicAccessBlockInput,
) -> S3Result<PutPublicAccessBlockOutput> {
    let wanted = input.public_access_block_configuration;
    let stored = json!({
        "BlockPublicAcls": wanted.block_public_acls.unwrap_or_default(),
        "BlockPublicPolicy": wanted.block_public_policy.unwrap_or_default(),
        "IgnorePublicAcls": wanted.ignore_public_acls.unwrap_or_default(),
        "RestrictPublicBuckets": wanted.restrict_public_buckets.unwrap_or_default(),
    });
    scope.call.note("PublicAccessBlockConfiguration", stored.clone());
    scope.store.set(&input.bucket, Setting::PublicAccessBlock, Some(&stored.to_string()), &scope.record()).await?;
    Ok(PutPublicAccessBlockOutput {})
}

pub(super) async fn delete_public_access_block(
    scope: &Scope,
    input: DeletePublicAccessBlockInput,
) -> S3Result<DeletePublicAccessBlockOutput> {
    scope.store.set(&input.bucket, Setting::PublicAccessBlock, None, &scope.record()).await?;
    Ok(DeletePublicAccessBlockOutput {})
}

pub(super) async fn get_ownership(
    scope: &Scope,
    input: GetBucketOwnershipControlsInput,
) -> S3Result<GetBucketOwnershipControlsOutput> {
    let stored = scope.store.setting(&input.bucket, Setting::OwnershipControls).await?;
    // A bucket made today has this rule, whether or not it was asked for.
    let ownership = stored.unwrap_or_else(|| ObjectOwnership::BUCKET_OWNER_ENFORCED.to_owned());
    let rule = OwnershipControlsRule { object_ownership: ObjectOwnership::from(ownership) };
    Ok(GetBucketOwnershipControlsOutput { ownership_controls: Some(OwnershipControls { rules: vec![rule] }) })
}

pub(super) async fn put_ownership(
    scope: &Scope,
    input: PutBucketOwnershipControlsInput,
) -> S3Result<PutBucketOwnershipControlsOutput> {
    let [rule] = &input.ownership_controls.rules[..] else {
        return Err(Error::refused("MalformedXML", crate::buckets::error::usual_message("MalformedXML")).into());
    };
    let ownership = check_ownership(rule.object_ownership.as_str())?;
    scope.call.note("OwnershipControls", json!({ "Rule": { "ObjectOwnership": ownership } }));
    scope.store.set(&input.bucket, Setting::OwnershipControls, Some(&ownership), &scope.record()).await?;
    Ok(PutBucketOwnershipControlsOutput {})
}

/// Every object belongs to the bucket's owner; a rule that would give it to who wrote it is refused.
pub(super) fn check_ownership(ownership: &str) -> Result<String, Error> {
    match ownership {
        ObjectOwnership::BUCKET_OWNER_ENFORCED | ObjectOwnership::BUCKET_OWNER_PREFERRED => Ok(ownership.to_owned()),
        _ => Err(Error::not_implemented(
            "Trailkeep implements BucketOwnerEnforced and BucketOwnerPreferred: objects belong to the bucket's owner.",
        )),
    }
}

pub(super) async fn delete_ownership(
    scope: &Scope,
    input: DeleteBucketOwnershipControlsInput,
) -> S3Result<DeleteBucketOwnershipControlsOutput> {
    scope.store.set(&input.bucket, Setting::OwnershipControls, None, &scope.record()).await?;
    Ok(DeleteBucketOwnershipControlsOutput {})
}

#[cfg(test)]
mod tests;
