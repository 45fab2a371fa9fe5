//! Resource policies of channels and event data stores: which are acceptable, and what they let whom do (channels.md,
//! section 4; dashboards.md, section 6).
//!
//! What must stay true: a policy that was accepted says nothing about any other resource; a foreign account needs an
//! Allow; and an explicit Deny stops everyone, the owner too.

mod legality;

use crate::account::AccountId;
use crate::policy::{Context, Decision, Malformed, Policy, Principal, Request};

/// The one thing that a channel's policy is about.
pub const PUT_AUDIT_EVENTS: &str = "cloudtrail-data:PutAuditEvents";
/// What the policy of an event data store can be about.
pub const STORE_ACTIONS: [&str; 8] = [
    START_QUERY,
    "cloudtrail:CancelQuery",
    "cloudtrail:ListQueries",
    "cloudtrail:DescribeQuery",
    "cloudtrail:GetQueryResults",
    "cloudtrail:GenerateQuery",
    "cloudtrail:GenerateQueryResultsSummary",
    "cloudtrail:GetEventDataStore",
];
/// Statements of a channel's policy (CloudTrail user guide, "CloudTrail resource-based policy examples").
pub const CHANNEL_STATEMENTS_MAX: usize = 20;
/// Principals in one of them (same page).
pub const CHANNEL_PRINCIPALS_MAX: usize = 50;

const START_QUERY: &str = "cloudtrail:StartQuery";
/// CloudTrail itself, which refreshes dashboards.
const SERVICE: &str = "cloudtrail.amazonaws.com";
/// The condition key of what a partner and its customer agreed on.
const EXTERNAL_ID: &str = "cloudtrail:ExternalId";

/// Why a policy is not acceptable. The text is the message of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// What is wrong.
    pub message: String,
}

impl Invalid {
    fn of(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl From<Malformed> for Invalid {
    fn from(malformed: Malformed) -> Self {
        Self { message: malformed.message }
    }
}

/// The policy of a channel.
#[derive(Debug, Clone)]
pub struct ChannelPolicy {
    arn: String,
    policy: Policy,
    /// The external ids of statements that allow.
    external_ids: Vec<String>,
}

impl ChannelPolicy {
    /// Reads the policy of the channel of that ARN.
    pub fn parse(arn: &str, text: &str) -> Result<Self, Invalid> {
        let policy = Policy::attached_to(arn, text)?;
        let external_ids = legality::check_channel(arn, text)?;
        Ok(Self { arn: arn.to_owned(), policy, external_ids })
    }

    /// What the policy says; [`may_put_audit_events`] asks.
    fn decide(&self, caller: &Principal, external_id: Option<&str>) -> Decision {
        let mut context = Context::default();
        if let Some(id) = external_id {
            context.add(EXTERNAL_ID, id);
        }
        let (action, resource) = (PUT_AUDIT_EVENTS.to_owned(), self.arn.clone());
        self.policy.evaluate(&Request { principal: caller.clone(), action, resource, context })
    }

    /// A policy with external ids asks one of them of every call (CloudTrail-Data API reference, PutAuditEvents).
    fn is_content_with(&self, external_id: Option<&str>) -> bool {
        self.external_ids.is_empty() || external_id.is_some_and(|given| self.external_ids.iter().any(|id| id == given))
    }
}

/// Whether `caller` may put audit events into a channel of `owner` that has that policy, or none.
///
/// The owner may unless the policy denies it; others need to be allowed.
pub fn may_put_audit_events(
    policy: Option<&ChannelPolicy>,
    owner: AccountId,
    caller: &Principal,
    external_id: Option<&str>,
) -> bool {
    let Some(policy) = policy else { return caller.account() == Some(owner) };
    match policy.decide(caller, external_id) {
        Decision::Deny => false,
        Decision::Allow => true,
        Decision::NoMatch => caller.account() == Some(owner) && policy.is_content_with(external_id),
    }
}

/// The policy of an event data store.
#[derive(Debug, Clone)]
pub struct StorePolicy {
    arn: String,
    policy: Policy,
}

impl StorePolicy {
    /// Reads the policy of the event data store of that ARN.
    pub fn parse(arn: &str, text: &str) -> Result<Self, Invalid> {
        let policy = Policy::attached_to(arn, text)?;
        legality::check_store(arn, text)?;
        Ok(Self { arn: arn.to_owned(), policy })
    }
}

/// Whether `caller` may do `action`, one of [`STORE_ACTIONS`], with a store of `owner` that has that policy, or none.
///
/// The owner may unless the policy denies it; others need to be allowed.
pub fn may_query(policy: Option<&StorePolicy>, owner: AccountId, caller: &Principal, action: &str, context: &Context) -> bool {
    let decision = policy.map_or(Decision::NoMatch, |StorePolicy { arn, policy }| {
        let (action, resource, context) = (action.to_owned(), arn.clone(), context.clone());
        policy.evaluate(&Request { principal: caller.clone(), action, resource, context })
    });
    match decision {
        Decision::Deny => false,
        Decision::Allow => true,
        Decision::NoMatch => caller.account() == Some(owner),
    }
}

#[cfg(test)]
mod tests;
