//! The records Trailkeep writes about calls it serves itself (event-record.md, sections 2, 3 and 12).
//!
//! What must stay true: a rendered record passes `Event::admit` unchanged, so that own calls are events like any
//! other; requestParameters and responseElements are always there, `null` when empty; the order of the keys is
//! CloudTrail's.

mod parameters;
mod principal;
mod render;
pub mod s3;
mod service_event;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

pub use parameters::lower_first_members;
pub use principal::{Issuer, Principal, PrincipalType, SessionContext};
pub use service_event::ServiceEvent;

use crate::account::AccountId;
use crate::region::Region;

/// The version of the record format we write.
pub const EVENT_VERSION: &str = "1.11";

/// Where userAgent, errorCode, errorMessage and requestID are cut: 1 KB (CloudTrail user guide, record contents).
pub const TEXT_BYTES_MAX: usize = 1_024;

/// From where on requestParameters and responseElements are omitted: 100 KB (same page).
pub const PARAMETERS_BYTES_MAX: usize = 102_400;

/// From where on additionalEventData is omitted: 28 KB (same page).
pub const ADDITIONAL_BYTES_MAX: usize = 28_672;

/// The most entries of resources. Own choice; calls on many objects name a prefix instead.
pub const RESOURCES_MAX: usize = 100;

/// A call that was served, and everything its record says about it.
#[derive(Debug, Clone)]
pub struct ApiCall {
    /// Unique per record.
    pub event_id: String,
    /// When the call was completed.
    pub event_time_s: i64,
    /// Who called.
    pub identity: CallerIdentity,
    /// `cloudtrail.amazonaws.com`, `s3.amazonaws.com`, …
    pub event_source: String,
    /// The operation.
    pub event_name: String,
    /// The Region that was called.
    pub region: Region,
    /// Where the call came from.
    pub source_ip: String,
    /// What the caller calls itself; cut at 1 KB.
    pub user_agent: Option<String>,
    /// The code and message the call failed with; each cut at 1 KB. An empty message is left out.
    pub error: Option<(String, String)>,
    /// The input, members beginning with a small letter. `{}` counts as none.
    pub request_parameters: Option<Box<RawValue>>,
    /// The output of a call that changed something. `{}` counts as none.
    pub response_elements: Option<Box<RawValue>>,
    /// What else there is to say.
    pub additional_event_data: Option<Box<RawValue>>,
    /// The id the answer bore; cut at 1 KB.
    pub request_id: Option<String>,
    /// Whether the call could not change anything.
    pub read_only: bool,
    /// What the call was about; empty leaves the key out.
    pub resources: Vec<Resource>,
    /// A management event; else a data event.
    pub management: bool,
    /// The version of the service's API.
    pub api_version: Option<String>,
    /// In whose log the record stands.
    pub recipient: AccountId,
    /// What the records of one call in the logs of several accounts have in common.
    pub shared_event_id: Option<String>,
    /// How the connection was secured, if it was.
    pub tls: Option<TlsDetails>,
}

/// Who made a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerIdentity {
    /// An account's own credentials.
    Root {
        /// Whose.
        account: AccountId,
        /// The key the call was signed with.
        access_key_id: String,
    },
    /// A bearer token. It is no identity AWS has: the type is `Unknown`, and the token is named by credentialId,
    /// the member in which CloudTrail names bearer tokens, and by principalId, which rules look at.
    Token {
        /// The account the token was made in.
        account: AccountId,
        /// The token's public id.
        token_id: String,
    },
    /// Another account, as the account that was called sees it.
    Account {
        /// Which.
        account: AccountId,
    },
    /// A principal of which all is known that a record says.
    Principal(Arc<Principal>),
    /// Somebody who is not known.
    Unknown {
        /// The key the call was signed with, if it can be told.
        access_key_id: Option<String>,
    },
    /// Nobody: as S3 writes unsigned calls.
    Anonymous,
    /// A service acting on its own, such as a delivery into a local bucket.
    Service {
        /// `cloudtrail.amazonaws.com`.
        invoked_by: String,
    },
}

/// An entry of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The account that owns it.
    pub account: Option<AccountId>,
    /// A type such as `AWS::S3::Bucket`.
    pub type_: Option<String>,
    /// Its ARN.
    pub arn: ResourceArn,
}

/// One thing, all whose ARN begins alike, or one of which nothing but the type is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceArn {
    /// `ARN`.
    Whole(String),
    /// `ARNPrefix`: calls that list or change many objects.
    Prefix(String),
    /// Neither: the call does not say which thing it is about, or there is no ARN for it.
    Untold,
}

impl ResourceArn {
    /// The ARN, or what it begins with.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Whole(arn) | Self::Prefix(arn) => Some(arn),
            Self::Untold => None,
        }
    }
}

/// tlsDetails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsDetails {
    /// `TLSv1.3`.
    pub version: String,
    /// The cipher suite by its OpenSSL or IANA name.
    pub cipher_suite: String,
    /// The Host header of the call.
    pub client_provided_host_header: Option<String>,
}

impl ApiCall {
    /// The record's bytes: compact, in CloudTrail's order, within all limits.
    pub fn render(&self) -> Bytes {
        render::render(self)
    }
}

#[cfg(test)]
mod tests;
