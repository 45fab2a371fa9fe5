//! userIdentity: who made a call (event-record.md, section 4).

use std::borrow::Cow;

use crate::json::Json;

/// userIdentity as the record has it. Members that are not there, or are no strings, are `None`; an empty string
/// stays one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    /// `Root`, `IAMUser`, `AssumedRole`, …; absent in some service events.
    pub type_: Option<Cow<'a, str>>,
    /// The unique id of the identity.
    pub principal_id: Option<Cow<'a, str>>,
    /// The ARN of who called.
    pub arn: Option<Cow<'a, str>>,
    /// The account that owns the identity.
    pub account_id: Option<Cow<'a, str>>,
    /// The key the call was signed with.
    pub access_key_id: Option<Cow<'a, str>>,
    /// The friendly name; which types have one is in section 4.2.
    pub user_name: Option<Cow<'a, str>>,
    /// The AWS service that called on the identity's behalf.
    pub invoked_by: Option<Cow<'a, str>>,
    /// Who issued a federated identity.
    pub identity_provider: Option<Cow<'a, str>>,
    /// sessionContext.sessionIssuer: the role or user a session was made from.
    pub session_issuer: Option<Issuer<'a>>,
    /// sessionContext.sourceIdentity: who began a chain of roles.
    pub source_identity: Option<Cow<'a, str>>,
    /// sessionContext.attributes.mfaAuthenticated.
    pub mfa_authenticated: Option<bool>,
}

/// Who issued the credentials of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Issuer<'a> {
    /// `Role`, `IAMUser` or `Root`.
    pub type_: Option<Cow<'a, str>>,
    /// Its unique id.
    pub principal_id: Option<Cow<'a, str>>,
    /// Its ARN.
    pub arn: Option<Cow<'a, str>>,
    /// The account that owns it.
    pub account_id: Option<Cow<'a, str>>,
    /// Its friendly name.
    pub user_name: Option<Cow<'a, str>>,
}

impl<'a> Identity<'a> {
    /// Reads a userIdentity value.
    pub fn of(value: Json<'a>) -> Self {
        let mut identity = Self::default();
        for (key, value) in value.members() {
            match key.as_ref() {
                "type" => identity.type_ = value.string(),
                "principalId" => identity.principal_id = value.string(),
                "arn" => identity.arn = value.string(),
                "accountId" => identity.account_id = value.string(),
                "accessKeyId" => identity.access_key_id = value.string(),
                "userName" => identity.user_name = value.string(),
                "invokedBy" => identity.invoked_by = value.string(),
                "identityProvider" => identity.identity_provider = value.string(),
                "sessionContext" => identity.read_session(value),
                _ => {}
            }
        }
        identity
    }

    fn read_session(&mut self, context: Json<'a>) {
        for (key, value) in context.members() {
            match key.as_ref() {
                "sessionIssuer" => self.session_issuer = Some(Issuer::of(value)),
                "sourceIdentity" => self.source_identity = value.string(),
                "attributes" => self.mfa_authenticated = value.get("mfaAuthenticated").and_then(Json::boolean),
                _ => {}
            }
        }
    }
}

impl<'a> Issuer<'a> {
    fn of(value: Json<'a>) -> Self {
        let mut issuer = Self::default();
        for (key, value) in value.members() {
            match key.as_ref() {
                "type" => issuer.type_ = value.string(),
                "principalId" => issuer.principal_id = value.string(),
                "arn" => issuer.arn = value.string(),
                "accountId" => issuer.account_id = value.string(),
                "userName" => issuer.user_name = value.string(),
                _ => {}
            }
        }
        issuer
    }
}
