//! A call as a record tells it: what the recording proxy asks this crate for, and what it is told.

use bytes::Bytes;
use cloudtrail::record::Resource;
use serde_json::value::RawValue;

use crate::table::Protocol;

/// What is known of where requests go, besides the requests.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The one service behind the proxy, by the name of its model (`s3`), where it is said.
    pub service: Option<String>,
    /// Domains whose subdomains are buckets, lower case, without a port.
    pub bucket_domains: Vec<String>,
    /// The Region of requests that name none.
    pub region: String,
    /// The account whose the resources are, where a request does not say.
    pub account: String,
}

/// How much of a body is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// None of it: content, or nothing that a record tells.
    Nothing,
    /// All of it, as long as it is at most so many bytes; a larger one is not read.
    Whole {
        /// The most that is of use.
        bytes_max: usize,
    },
}

/// A request, as a record tells it.
#[derive(Clone, Debug)]
pub struct Request {
    /// `s3.amazonaws.com`.
    pub event_source: String,
    /// CloudTrail's name of the operation.
    pub event_name: String,
    /// The version of the service's API.
    pub api_version: Option<String>,
    /// The Region that was called.
    pub region: String,
    /// Whether the call can change nothing.
    pub read_only: bool,
    /// A management event; else a data event.
    pub management: bool,
    /// The input, secrets hidden; none when there is none, or it is not known.
    pub parameters: Option<Box<RawValue>>,
    /// What the call is about.
    pub resources: Vec<Resource>,
    /// The protocol it speaks, for answers of our own in its form; `None`: not known.
    pub protocol: Option<Protocol>,
    /// Whether the service and the operation stand in the table.
    pub recognised: bool,
}

/// What the answer told.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Code and message of a refusal.
    pub error: Option<(String, Option<String>)>,
    /// The output of a call that changed something, secrets hidden.
    pub response_elements: Option<Box<RawValue>>,
    /// The id that the service gave the call.
    pub request_id: Option<String>,
    /// S3's second id.
    pub id_2: Option<String>,
    /// Temporary credentials that the answer gave out (AssumeRole, GetSessionToken, …).
    pub session: Option<Session>,
}

/// Temporary credentials that were given out, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The operation that made it: `AssumeRole`.
    pub made_by: String,
    /// The temporary access key.
    pub access_key_id: String,
    /// When it ends, in seconds since 1970.
    pub expires_s: Option<i64>,
    /// `arn:aws:sts::1:assumed-role/Role/Session`; none for GetSessionToken.
    pub arn: Option<String>,
    /// `AROA…:Session`.
    pub principal_id: Option<String>,
    /// The role's ARN as it was asked for.
    pub role_arn: Option<String>,
    /// Who stands at the beginning of a chain of roles.
    pub source_identity: Option<String>,
    /// Session tags: name and value.
    pub tags: Vec<(String, String)>,
    /// Which of the tags go along a chain.
    pub transitive_tags: Vec<String>,
    /// Whether a second factor was shown.
    pub mfa: bool,
    /// Who vouched for the caller (SAML, web identity).
    pub federated_provider: Option<String>,
}

/// The bytes of a body, as far as they were wanted and came.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// All of them; none if they were not wanted, too many, or did not all come.
    pub whole: Option<Bytes>,
}
