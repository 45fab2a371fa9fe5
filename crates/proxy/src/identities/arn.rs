//! What the ARN of a principal tells of it.

use cloudtrail::account::AccountId;
use cloudtrail::arn::Arn;
use cloudtrail::record::{Issuer, Principal, PrincipalType, SessionContext};

/// The principal that an ARN names; none if it is no principal's.
pub(super) fn principal(text: &str) -> Option<Principal> {
    let arn: Arn = text.parse().ok()?;
    let account = account(&arn);
    let resource = arn.resource.as_str();
    let named = match (arn.service.as_str(), resource.split_once('/')) {
        ("iam", None) if resource == "root" => {
            Principal { principal_id: account.map(|account| account.to_string()), ..Principal::new(PrincipalType::Root) }
        }
        ("iam", Some(("user", path))) => named(PrincipalType::IamUser, last(path)),
        ("iam", Some(("role", path))) => named(PrincipalType::Role, last(path)),
        ("sts", Some(("federated-user", name))) if !name.is_empty() => Principal::new(PrincipalType::FederatedUser),
        ("sts", Some(("assumed-role", session))) => assumed_role(session, account)?,
        _ => return None,
    };
    if named.user_name.as_deref() == Some("") {
        return None;
    }
    Some(Principal { arn: Some(text.to_owned()), account, ..named })
}

/// The account of an ARN, where it is one.
pub(super) fn account_of(text: &str) -> Option<AccountId> {
    account(&text.parse().ok()?)
}

/// The name of a role, from its ARN or from that of a session of it.
pub(super) fn role_name(text: &str) -> Option<String> {
    let arn: Arn = text.parse().ok()?;
    match arn.resource.split_once('/')? {
        ("role", path) => Some(last(path).to_owned()),
        ("assumed-role", session) => Some(session.split_once('/')?.0.to_owned()),
        _ => None,
    }
}

fn account(arn: &Arn) -> Option<AccountId> {
    arn.account.parse().ok()
}

fn named(type_: PrincipalType, name: &str) -> Principal {
    Principal { user_name: Some(name.to_owned()), ..Principal::new(type_) }
}

/// `ROLE/SESSION`. The role's path is not in it, and so its ARN is not known.
fn assumed_role(session: &str, account: Option<AccountId>) -> Option<Principal> {
    let (role, name) = session.split_once('/')?;
    if role.is_empty() || name.is_empty() {
        return None;
    }
    let user_name = Some(role.to_owned());
    let issuer = Issuer { type_: PrincipalType::Role, principal_id: None, arn: None, account, user_name };
    let session = SessionContext { issuer: Some(issuer), ..SessionContext::default() };
    Some(Principal { session: Some(session), ..Principal::new(PrincipalType::AssumedRole) })
}

fn last(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
