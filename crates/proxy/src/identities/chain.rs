//! From the answer of STS to the identity of who uses the credentials in it: the next link in a chain of roles.
//!
//! STS keeps sourceIdentity and transitive session tags along a chain (IAM user guide, "Monitor and control actions taken
//! with assumed roles", "Chaining roles with session tags"); answers need not tell them again.

use catalog::sessions::Session;
use cloudtrail::record::{Issuer, Principal, PrincipalType, SessionContext};
use protocols::call;

use super::{Known, arn};

/// Session tags of one session: STS's quota is 50, and as many may come along (IAM user guide, "STS quotas").
const TAGS_MAX: usize = 100;

/// What is known of the credentials that `caller` had made; none if it cannot be told who uses them.
pub(super) fn session(made: &call::Session, caller: Option<&Known>, now_s: i64) -> Option<Session> {
    let by = caller.map(|caller| &*caller.principal);
    let principal = match made.made_by.as_str() {
        "GetSessionToken" => own_session(made, by?, now_s)?,
        "CreateSession" => Principal { access_key_id: Some(made.access_key_id.clone()), ..by?.clone() },
        "GetFederationToken" => federated_user(made, by, now_s)?,
        _ => role_session(made, by, now_s)?,
    };
    let came_along = caller.and_then(|caller| caller.session.as_ref()).filter(|_| made.made_by == "AssumeRole");
    let (tags, transitive_tags) = tags(made, came_along.map_or(&[][..], |session| &session.transitive_tags));
    Some(Session { principal, transitive_tags, tags, made_by: made.made_by.clone(), caller: by.cloned() })
}

/// GetSessionToken: the caller itself, with a session around it.
fn own_session(made: &call::Session, caller: &Principal, now_s: i64) -> Option<Principal> {
    let own = matches!(caller.type_, PrincipalType::IamUser | PrincipalType::Root);
    let session = SessionContext { created_s: Some(now_s), mfa: Some(made.mfa), ..SessionContext::default() };
    own.then(|| Principal { access_key_id: Some(made.access_key_id.clone()), session: Some(session), ..caller.clone() })
}

fn federated_user(made: &call::Session, caller: Option<&Principal>, now_s: i64) -> Option<Principal> {
    let session =
        SessionContext { issuer: caller.map(issuer), created_s: Some(now_s), mfa: Some(made.mfa), ..SessionContext::default() };
    let named = arn::principal(made.arn.as_deref()?)?;
    Some(Principal {
        principal_id: made.principal_id.clone(),
        access_key_id: Some(made.access_key_id.clone()),
        session: Some(session),
        ..named
    })
}

fn role_session(made: &call::Session, caller: Option<&Principal>, now_s: i64) -> Option<Principal> {
    let named = arn::principal(made.arn.as_deref()?)?;
    let is_role = named.type_ == PrincipalType::AssumedRole;
    let before = caller.and_then(|caller| caller.session.as_ref()).filter(|_| made.made_by == "AssumeRole");
    let session = SessionContext {
        issuer: is_role.then(|| role(made)),
        federated_provider: made.federated_provider.clone().filter(|_| made.made_by == "AssumeRoleWithWebIdentity"),
        created_s: Some(now_s),
        mfa: Some(made.mfa),
        source_identity: made.source_identity.clone().or_else(|| before?.source_identity.clone()),
    };
    Some(Principal {
        principal_id: made.principal_id.clone(),
        access_key_id: Some(made.access_key_id.clone()),
        session: Some(session),
        ..named
    })
}

/// The role of a session: its id stands in the session's, its ARN in the request.
fn role(made: &call::Session) -> Issuer {
    let role_arn = made.role_arn.as_deref().filter(|text| text.starts_with("arn:"));
    let either = || role_arn.into_iter().chain(made.arn.as_deref());
    Issuer {
        type_: PrincipalType::Role,
        principal_id: made.principal_id.as_deref().and_then(|id| id.split_once(':')).map(|(role, _)| role.to_owned()),
        arn: role_arn.map(str::to_owned),
        account: either().find_map(arn::account_of),
        user_name: either().find_map(arn::role_name),
    }
}

fn issuer(caller: &Principal) -> Issuer {
    Issuer {
        type_: caller.type_,
        principal_id: caller.principal_id.clone(),
        arn: caller.arn.clone(),
        account: caller.account,
        user_name: caller.user_name.clone(),
    }
}

type Tags = Vec<(String, String)>;

/// All tags of a session, and those of them that go along. What came along cannot be set anew.
fn tags(made: &call::Session, came_along: &[(String, String)]) -> (Tags, Tags) {
    let mut all = came_along.to_vec();
    for (name, value) in &made.tags {
        if !all.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            all.push((name.clone(), value.clone()));
        }
    }
    all.truncate(TAGS_MAX);
    let goes_along = |name: &String| {
        came_along.iter().any(|(known, _)| known == name) || made.transitive_tags.iter().any(|tag| tag.eq_ignore_ascii_case(name))
    };
    let transitive = all.iter().filter(|(name, _)| goes_along(name)).cloned().collect();
    (all, transitive)
}
