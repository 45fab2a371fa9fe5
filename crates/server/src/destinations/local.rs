//! Buckets of this installation: what their policies say to a trail.

use cloudtrail::log_file::ACL;
use cloudtrail::policy::{Context, Decision, Policy, Principal, Request};

use super::{Object, PutError, Sender, failed};
use crate::buckets::{PutHeaders, Store};

/// Who knocks at the bucket.
const SERVICE: &str = "cloudtrail.amazonaws.com";

/// What is to be done with a bucket.
pub(super) struct Action<'a> {
    bucket: &'a str,
    name: &'static str,
    resource: String,
    writes: bool,
}

impl<'a> Action<'a> {
    pub(super) fn put(object: &Object<'a>) -> Self {
        let resource = format!("arn:aws:s3:::{}/{}", object.bucket, object.key);
        Self { bucket: object.bucket, name: "s3:PutObject", resource, writes: true }
    }

    pub(super) fn get_acl(bucket: &'a str) -> Self {
        Self { bucket, name: "s3:GetBucketAcl", resource: format!("arn:aws:s3:::{bucket}"), writes: false }
    }
}

/// Asks the bucket's policy. Within one account a trail is let in unless the policy denies it; under `strict_aws`, and
/// into another account's bucket, only if the policy allows it.
pub(super) async fn check(store: &Store, strict_aws: bool, action: &Action<'_>, sender: Sender<'_>) -> Result<(), PutError> {
    let failed = |error| failed(&error);
    let policy = store.policy(action.bucket).await.map_err(failed)?;
    let decision = match policy {
        Some(text) => {
            let policy = Policy::parse(&text).map_err(|error| PutError::coded("InternalError", error.to_string()))?;
            policy.evaluate(&request(action, sender))
        }
        None => Decision::NoMatch,
    };
    let own = store.owner(action.bucket).await.map_err(failed)? == Some(sender.account);
    match decision {
        Decision::Allow => Ok(()),
        Decision::NoMatch if own && !strict_aws => Ok(()),
        Decision::NoMatch | Decision::Deny => {
            let message = format!("the policy of bucket {} does not let {SERVICE} do {}", action.bucket, action.name);
            Err(PutError::coded(PutError::ACCESS_DENIED, message))
        }
    }
}

fn request(action: &Action<'_>, sender: Sender<'_>) -> Request {
    let mut context = Context::default();
    context.add("aws:SourceArn", sender.source_arn);
    context.add("aws:SourceAccount", sender.account.as_str());
    context.add("aws:SecureTransport", "true");
    context.add("aws:PrincipalIsAWSService", "true");
    context.add("aws:PrincipalServiceName", SERVICE);
    if action.writes {
        context.add("s3:x-amz-acl", ACL);
        context.add("s3:x-amz-server-side-encryption", "AES256");
    }
    Request {
        principal: Principal::Service(SERVICE.to_owned()),
        action: action.name.to_owned(),
        resource: action.resource.clone(),
        context,
    }
}

pub(super) async fn put(store: &Store, object: &Object<'_>) -> Result<(), PutError> {
    let (content_type, content_encoding) = object.content();
    let headers = PutHeaders {
        content_type: Some(content_type.to_owned()),
        content_encoding: content_encoding.map(str::to_owned),
        metadata: object.metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        expected_owner: None,
    };
    let put = store.service_put(object.bucket, object.key, object.body.clone(), headers).await;
    put.map_err(|error| PutError { code: Some(error.code), message: error.message })
}
