//! Who makes a request, and whom a statement means.

use super::Malformed;
use super::document::Json;
use crate::account::AccountId;
use crate::arn::Arn;

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Nobody known.
    Anonymous,
    /// The root of an account.
    Root(AccountId),
    /// A user.
    User {
        /// The user's account.
        account: AccountId,
        /// `arn:aws:iam::{account}:user/{path}{name}`.
        arn: String,
    },
    /// A session of a role.
    Session {
        /// The role's account.
        account: AccountId,
        /// `arn:aws:sts::{account}:assumed-role/{role}/{session}`.
        arn: String,
        /// `arn:aws:iam::{account}:role/{path}{role}`.
        role_arn: String,
    },
    /// A service on its own behalf, such as `cloudtrail.amazonaws.com`.
    Service(String),
}

/// Whom a statement means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    Everyone,
    /// All of an account, its root as well.
    Account(AccountId),
    /// A user, a role or a session.
    Arn(String),
    Service(String),
    /// An identity provider or a canonical user: nobody who can call here is one.
    Other,
}

impl Principal {
    /// Whether `Principal` means this one.
    pub(super) fn is(&self, named: &Named) -> bool {
        match named {
            Named::Account(account) => self.account() == Some(*account),
            other => self.is_exactly(other),
        }
    }

    /// Whether `NotPrincipal` leaves this one out. An account there stands for its root alone: its users have to be
    /// named too (IAM user guide, "NotPrincipal").
    pub(super) fn is_exactly(&self, named: &Named) -> bool {
        match (named, self) {
            (Named::Everyone, _) => true,
            (Named::Account(account), Self::Root(root)) => account == root,
            (Named::Arn(named), Self::User { arn, .. }) => arn == named,
            (Named::Arn(named), Self::Session { arn, role_arn, .. }) => arn == named || role_arn == named,
            (Named::Service(named), Self::Service(name)) => name.eq_ignore_ascii_case(named),
            _ => false,
        }
    }

    /// The account it belongs to.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Root(account) | Self::User { account, .. } | Self::Session { account, .. } => Some(*account),
            Self::Anonymous | Self::Service(_) => None,
        }
    }
}

/// Reads `Principal` or `NotPrincipal`.
pub(super) fn parse(json: &Json) -> Result<Vec<Named>, Malformed> {
    let members = match json {
        Json::Text(text) if text == "*" => return Ok(vec![Named::Everyone]),
        Json::Object(members) if !members.is_empty() => members,
        _ => return Err(invalid()),
    };
    let mut named = Vec::new();
    for (kind, values) in members {
        for value in values.one_or_many() {
            named.push(one(kind, value.text().ok_or_else(invalid)?)?);
        }
    }
    if named.is_empty() { Err(invalid()) } else { Ok(named) }
}

fn one(kind: &str, text: &str) -> Result<Named, Malformed> {
    match kind {
        "AWS" => aws(text),
        "Service" if is_host(text) => Ok(Named::Service(text.to_owned())),
        "Federated" | "CanonicalUser" if !text.is_empty() && !text.contains(['*', '?']) => Ok(Named::Other),
        _ => Err(invalid()),
    }
}

/// `*`, an account, or the ARN of one. Wildcards within an ARN are no principal.
fn aws(text: &str) -> Result<Named, Malformed> {
    if text == "*" {
        return Ok(Named::Everyone);
    }
    if let Ok(account) = text.parse() {
        return Ok(Named::Account(account));
    }
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    let account: AccountId = arn.account.parse().map_err(|_| invalid())?;
    let (kind, name) = arn.resource.split_once('/').unwrap_or((&arn.resource, ""));
    match (arn.service.as_str(), kind) {
        _ if !arn.region.is_empty() || text.contains(['*', '?']) => Err(invalid()),
        ("iam", "root") if name.is_empty() => Ok(Named::Account(account)),
        ("iam", "user" | "role") | ("sts", "assumed-role" | "federated-user") if !name.is_empty() => {
            Ok(Named::Arn(text.to_owned()))
        }
        _ => Err(invalid()),
    }
}

fn is_host(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}

fn invalid() -> Malformed {
    Malformed::of("Invalid principal in policy")
}
