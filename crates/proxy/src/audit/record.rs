//! The record of a call (event-record.md).
//!
//! AWS has no words for what happens between a client and a proxy; ours stand in `docs/reference/recording.md`.

use std::sync::Arc;

use cloudtrail::account::AccountId;
use cloudtrail::event::{Event, NAME_CHARS_MAX};
use cloudtrail::record::{ApiCall, CallerIdentity, Principal, PrincipalType, Resource, ResourceArn};
use http::{StatusCode, header};
use protocols::call::{Answer, Session};
use protocols::s3;
use serde_json::value::RawValue;

use super::call::Call;
use super::{Ending, Outcome};

/// errorCode of a call of which it is not known what came of it.
const OUTCOME_UNKNOWN: &str = "TrailkeepOutcomeUnknown";
/// errorCode of a call that the upstream could not be reached for.
const UPSTREAM_UNAVAILABLE: &str = "TrailkeepUpstreamUnavailable";
/// errorCode of a call that the upstream did not answer in time.
const UPSTREAM_TIMEOUT: &str = "TrailkeepUpstreamTimeout";
/// errorCode of a call whose answer broke off.
const UPSTREAM_DISCONNECTED: &str = "TrailkeepUpstreamDisconnected";
/// errorCode of a call whose client went away.
const CLIENT_DISCONNECTED: &str = "TrailkeepClientDisconnected";

const OUTCOME_UNKNOWN_MESSAGE: &str =
    "The proxy stopped before it knew what came of the call. It may have been carried out, in part or not at all.";
const CLIENT_DISCONNECTED_MESSAGE: &str =
    "The client went away before the call was over. It may have been carried out, in part or not at all.";

/// eventName or eventSource of a call whose own cannot be told.
const UNTOLD: &str = "Untold";

/// Whether a text can stand in any record.
fn is_plain(text: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// What there is to tell of how a call ended.
#[derive(Default)]
pub(super) struct Told {
    error: Option<(String, String)>,
    response_elements: Option<Box<RawValue>>,
    resources: Vec<Resource>,
    request_id: Option<String>,
    id_2: Option<String>,
    /// Bytes in and out, where anything is known.
    moved: Option<(u64, u64)>,
}

impl Told {
    /// Nothing is known.
    pub(super) fn unknown() -> Self {
        Self { error: Some(failed(OUTCOME_UNKNOWN, OUTCOME_UNKNOWN_MESSAGE)), ..Self::default() }
    }

    /// What is known of an outcome, with what the answer told.
    pub(super) fn of(outcome: &Outcome, answer: Answer) -> Self {
        let error = match &outcome.ending {
            Ending::Answered { head, .. } => refused(head.status, &answer),
            Ending::Failed { status, reason } => Some(failed(failure(*status), reason)),
            Ending::ClientGone => Some(failed(CLIENT_DISCONNECTED, CLIENT_DISCONNECTED_MESSAGE)),
        };
        Self {
            error,
            response_elements: answer.response_elements,
            resources: answer.resources,
            request_id: answer.request_id,
            id_2: answer.id_2,
            moved: Some((outcome.bytes_in, outcome.bytes_out)),
        }
    }
}

fn failed(code: &str, message: &str) -> (String, String) {
    (code.to_owned(), message.to_owned())
}

fn failure(status: Option<StatusCode>) -> &'static str {
    match status {
        Some(StatusCode::GATEWAY_TIMEOUT) => UPSTREAM_TIMEOUT,
        Some(_) => UPSTREAM_UNAVAILABLE,
        None => UPSTREAM_DISCONNECTED,
    }
}

/// The error of the answer. One without a readable error is named by its status.
fn refused(status: StatusCode, answer: &Answer) -> Option<(String, String)> {
    match &answer.error {
        Some((code, message)) => Some((code.clone(), message.clone().unwrap_or_default())),
        None if status.is_client_error() || status.is_server_error() => Some(failed(&format!("Http{}", status.as_u16()), "")),
        None => None,
    }
}

/// Who asked for credentials by another's word, where nobody signed.
pub(super) fn federated(session: &Session) -> Option<CallerIdentity> {
    let type_ = match session.made_by.as_str() {
        "AssumeRoleWithSAML" => PrincipalType::SamlUser,
        "AssumeRoleWithWebIdentity" => PrincipalType::WebIdentityUser,
        _ => return None,
    };
    let provider = session.federated_provider.clone()?;
    let principal = Principal { identity_provider: Some(provider), ..Principal::new(type_) };
    Some(CallerIdentity::Principal(Arc::new(principal)))
}

/// A resource by its type alone.
fn untold(resource: Resource) -> Resource {
    Resource { arn: ResourceArn::Untold, ..resource }
}

impl Call {
    /// The record as an event. Should what strangers said make it none, it is told without that: a call that cannot be
    /// told whole is told all the same.
    pub(super) fn event(&self, told: Told) -> Option<Event> {
        let call = self.api_call(told);
        let event = |call: &ApiCall| crate::ledger::event(&call.render(), call.recipient, &call.region);
        event(&call).or_else(|| event(&self.bare(call)))
    }

    /// The same record with nothing in it that is not short and plain.
    fn bare(&self, call: ApiCall) -> ApiCall {
        let access_key_id = self.signer.as_ref().map(|signer| signer.access_key_id.clone());
        let code = call.error.map(|(code, _)| code).filter(|code| is_plain(code));
        ApiCall {
            identity: CallerIdentity::Unknown { access_key_id },
            event_source: Some(call.event_source).filter(|source| is_plain(source)).unwrap_or_else(|| UNTOLD.to_owned()),
            event_name: Some(call.event_name).filter(|name| is_plain(name)).unwrap_or_else(|| UNTOLD.to_owned()),
            user_agent: None,
            error: code.map(|code| (code, String::new())),
            request_parameters: None,
            response_elements: None,
            additional_event_data: None,
            request_id: call.request_id.filter(|id| is_plain(id)),
            // Without a type no selector takes a data event.
            resources: call.resources.into_iter().filter(|resource| resource.type_.is_some()).map(untold).collect(),
            api_version: None,
            tls: None,
            ..call
        }
    }

    fn api_call(&self, told: Told) -> ApiCall {
        let request = &self.described.request;
        let text = |name| self.head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let is_s3 = s3::is_source(&request.event_source);
        let moved = told.moved.filter(|_| is_s3);
        ApiCall {
            event_id: self.event_id.clone(),
            event_time_s: self.inner.clock.now_s(),
            identity: self.identity.clone(),
            event_source: request.event_source.clone(),
            event_name: request.event_name.clone(),
            region: request.region.parse().unwrap_or_else(|_| self.inner.settings.region.clone()),
            source_ip: self.client.source_ip.to_canonical().to_string(),
            user_agent: text(header::USER_AGENT).map(|agent| if is_s3 { s3::user_agent(&agent) } else { agent }),
            error: told.error,
            request_parameters: request.parameters.clone(),
            response_elements: told.response_elements,
            additional_event_data: moved.map(|(bytes_in, bytes_out)| {
                s3::additional_event_data(&s3::Moved {
                    signer: self.signer.as_ref(),
                    cipher_suite: self.client.tls.as_ref().map(|tls| tls.cipher_suite.as_str()),
                    id_2: told.id_2.as_deref(),
                    bytes_in,
                    bytes_out,
                })
            }),
            request_id: told.request_id.or_else(|| told.moved.map(|_| (self.inner.random_uuid)())),
            read_only: request.read_only,
            resources: request.resources.iter().cloned().chain(told.resources).collect(),
            management: request.management,
            api_version: request.api_version.clone(),
            recipient: self.recipient(),
            shared_event_id: None,
            tls: self.client.tls.clone(),
        }
    }

    /// The account of who called, if its log may have the record; else the proxy's.
    fn recipient(&self) -> AccountId {
        let account = match &self.identity {
            // An account that only an answer of STS names has no log of its own unless it is registered: whoever the
            // upstream lets in could make up any number of them.
            CallerIdentity::Principal(principal) => principal.account.filter(|account| self.may_have_log(*account)),
            _ => None,
        };
        account.unwrap_or(self.inner.settings.account)
    }

    fn may_have_log(&self, account: AccountId) -> bool {
        (self.inner.takes_account)(account, self.is_learnt())
    }
}
