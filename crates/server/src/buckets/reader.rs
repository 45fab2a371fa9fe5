//! Reading a bucket on behalf of an account: what imports do. The same rules as for a call of the account's root.

use catalog::buckets::Setting;
use cloudtrail::account::AccountId;
use cloudtrail::policy::{Context, Decision, Policy, Principal, Request};

use super::calls::settings;
use super::error::Error;
use super::store::{Store, owner};

/// What an account may read in a bucket, as things stood when it was asked for.
#[derive(Debug)]
pub struct Reader {
    bucket: String,
    account: AccountId,
    owns: bool,
    policy: Option<Policy>,
}

impl Store {
    /// What `account` may read in a bucket.
    pub async fn reader(&self, bucket: &str, account: AccountId) -> Result<Reader, Error> {
        let owns = owner(&self.find(bucket).await?)? == account;
        let mut text = self.policy(bucket).await?;
        if let (false, Some(policy)) = (owns, &text) {
            let block = self.setting(bucket, Setting::PublicAccessBlock).await?;
            if block.is_some_and(|block| settings::is_restricted(policy, &block)) {
                text = None;
            }
        }
        let damaged = |error| catalog::Error::damaged(format!("the policy of bucket {bucket}"), error);
        let policy = text.map(|text| Policy::parse(&text).map_err(damaged)).transpose()?;
        Ok(Reader { bucket: bucket.to_owned(), account, owns, policy })
    }
}

impl Reader {
    /// Whether the account may list what begins with `prefix`.
    pub fn may_list(&self, prefix: &str) -> Result<(), Error> {
        let mut context = self.context();
        context.add("s3:prefix", prefix);
        self.may("s3:ListBucket", format!("arn:aws:s3:::{}", self.bucket), context)
    }

    /// Whether the account may read an object.
    pub fn may_get(&self, key: &str) -> Result<(), Error> {
        self.may("s3:GetObject", format!("arn:aws:s3:::{}/{key}", self.bucket), self.context())
    }

    fn may(&self, action: &str, resource: String, context: Context) -> Result<(), Error> {
        let Some(policy) = &self.policy else { return if self.owns { Ok(()) } else { Err(self.denied(action, &resource)) } };
        let request = Request { principal: Principal::Root(self.account), action: action.to_owned(), resource, context };
        match policy.evaluate(&request) {
            Decision::Allow => Ok(()),
            Decision::NoMatch if self.owns => Ok(()),
            Decision::NoMatch | Decision::Deny => Err(self.denied(action, &request.resource)),
        }
    }

    fn denied(&self, action: &str, resource: &str) -> Error {
        let who = self.arn();
        let message = format!("User: {who} is not authorized to perform: {action} on resource: \"{resource}\"");
        Error::refused("AccessDenied", message)
    }

    fn arn(&self) -> String {
        format!("arn:aws:iam::{}:root", self.account)
    }

    fn context(&self) -> Context {
        let mut context = Context::default();
        context.add("aws:SecureTransport", "true");
        context.add("aws:PrincipalArn", self.arn());
        context.add("aws:PrincipalAccount", self.account.as_str());
        context.add("aws:PrincipalType", "Account");
        context.add("aws:userid", self.account.as_str());
        context
    }
}
