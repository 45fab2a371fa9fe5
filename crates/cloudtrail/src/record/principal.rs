//! userIdentity of principals and of sessions (event-record.md, section 4).

use serde::{Deserialize, Serialize};

use super::render::Object;
use crate::account::AccountId;
use crate::event::time_text;

/// The kind of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrincipalType {
    /// An account's own credentials.
    Root,
    /// An IAM user.
    #[serde(rename = "IAMUser")]
    IamUser,
    /// A session of a role.
    AssumedRole,
    /// A role itself.
    Role,
    /// A session made by GetFederationToken.
    FederatedUser,
    /// Who calls AssumeRoleWithSAML.
    #[serde(rename = "SAMLUser")]
    SamlUser,
    /// Who calls AssumeRoleWithWebIdentity.
    WebIdentityUser,
    /// A service.
    #[serde(rename = "AWSService")]
    AwsService,
}

/// A principal or a session, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Its kind.
    #[serde(rename = "type")]
    pub type_: PrincipalType,
    /// `AIDA…`, `AROA…:Session`, `ACCOUNT:NAME`; a root's account.
    pub principal_id: Option<String>,
    /// Its ARN.
    pub arn: Option<String>,
    /// Whose it is.
    pub account: Option<AccountId>,
    /// The key that signed.
    pub access_key_id: Option<String>,
    /// A user's or a role's name; of a root the account's alias.
    pub user_name: Option<String>,
    /// What is known of the session, if it is one.
    pub session: Option<SessionContext>,
    /// Who vouched for a SAML user or a web identity.
    pub identity_provider: Option<String>,
}

/// sessionContext.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionContext {
    /// Who issued the session; none for GetSessionToken.
    pub issuer: Option<Issuer>,
    /// Who vouched for a web identity that became a role.
    pub federated_provider: Option<String>,
    /// When the session was made, in seconds since 1970.
    pub created_s: Option<i64>,
    /// Whether a second factor was shown, if that is known.
    pub mfa: Option<bool>,
    /// Who stands at the beginning of a chain of roles.
    pub source_identity: Option<String>,
}

/// sessionIssuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// `Role`, `IAMUser` or `Root`.
    #[serde(rename = "type")]
    pub type_: PrincipalType,
    /// `AROA…`, `AIDA…`.
    pub principal_id: Option<String>,
    /// Its ARN.
    pub arn: Option<String>,
    /// Whose it is.
    pub account: Option<AccountId>,
    /// Its name.
    pub user_name: Option<String>,
}

impl PrincipalType {
    /// As records spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "Root",
            Self::IamUser => "IAMUser",
            Self::AssumedRole => "AssumedRole",
            Self::Role => "Role",
            Self::FederatedUser => "FederatedUser",
            Self::SamlUser => "SAMLUser",
            Self::WebIdentityUser => "WebIdentityUser",
            Self::AwsService => "AWSService",
        }
    }
}

impl Principal {
    /// A principal of that kind of which nothing is known.
    pub fn new(type_: PrincipalType) -> Self {
        Self {
            type_,
            principal_id: None,
            arn: None,
            account: None,
            access_key_id: None,
            user_name: None,
            session: None,
            identity_provider: None,
        }
    }

    pub(super) fn write(&self, identity: &mut Object) {
        identity.text("type", self.type_.as_str());
        identity.optional("principalId", self.principal_id.as_deref());
        identity.optional("arn", self.arn.as_deref());
        identity.optional("accountId", self.account.as_ref().map(AccountId::as_str));
        identity.optional("accessKeyId", self.access_key_id.as_deref());
        identity.optional("userName", self.user_name.as_deref());
        identity.optional("identityProvider", self.identity_provider.as_deref());
        if let Some(session) = &self.session {
            identity.object("sessionContext", session.written());
        }
    }
}

impl SessionContext {
    fn written(&self) -> Object {
        let mut context = Object::new();
        if let Some(issuer) = &self.issuer {
            context.object("sessionIssuer", issuer.written());
        }
        if let Some(provider) = &self.federated_provider {
            let mut federation = Object::new();
            federation.text("federatedProvider", provider);
            federation.raw("attributes", "{}");
            context.object("webIdFederationData", federation);
        }
        let mut attributes = Object::new();
        attributes.optional("creationDate", self.created_s.map(time_text).as_deref());
        attributes.optional("mfaAuthenticated", self.mfa.map(|mfa| if mfa { "true" } else { "false" }));
        if self.created_s.is_some() || self.mfa.is_some() {
            context.object("attributes", attributes);
        }
        context.optional("sourceIdentity", self.source_identity.as_deref());
        context
    }
}

impl Issuer {
    fn written(&self) -> Object {
        let mut issuer = Object::new();
        issuer.text("type", self.type_.as_str());
        issuer.optional("principalId", self.principal_id.as_deref());
        issuer.optional("arn", self.arn.as_deref());
        issuer.optional("accountId", self.account.as_ref().map(AccountId::as_str));
        issuer.optional("userName", self.user_name.as_deref());
        issuer
    }
}
