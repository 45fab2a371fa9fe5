//! A call as a record tells it: what the recording proxy asks this crate for, and what it is told.

use bytes::Bytes;
use cloudtrail::event::is_without_regions;
use cloudtrail::record::Resource;
use cloudtrail::region::{LEADER, partition_regions};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;

use crate::nature::Nature;
use crate::parameters::{self, Contract, Side, Unread, Value};
use crate::recognition::Recognised;
use crate::resources::{self, Place};
use crate::table::{Protocol, ShapeKind};
use crate::{answers, s3, sessions, upload};

/// The most of an answer's body that is of use. Own choice: more than 100 KB of elements are omitted.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// What is known of where requests go, besides the requests.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The one service behind the proxy, by the name of its model (`s3`), where it is said.
    pub service: Option<String>,
    /// Domains whose subdomains are buckets, lower case, without a port.
    pub bucket_domains: Vec<String>,
    /// No host names a bucket but those in these domains. Else AWS's own and those before `localhost` do, too, which a
    /// client can say to whatever service is there.
    pub only_bucket_domains: bool,
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
    /// The fields of a [`Form`](crate::upload::Form), up to its file, as far as they are in so many bytes.
    Fields {
        /// The most that is read.
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
    /// What only the answer names: a key that was made.
    pub resources: Vec<Resource>,
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
    /// All of them, or of a form's those up to its file at least; none if they were not wanted, too many, or did not all
    /// come.
    pub whole: Option<Bytes>,
}

/// A request that was read, and how to read its answer.
#[derive(Clone, Debug)]
pub struct Described {
    /// What a record tells of it.
    pub request: Request,
    /// It is a form of which not all fields could be read: who signed it may stand in the others.
    pub is_form_unread: bool,
    recognised: Recognised,
    /// The account whose the resources are.
    account: String,
    /// The input by the model's names, of calls that give out credentials. It holds secrets.
    asked: Option<Value>,
}

impl Recognised {
    /// What a record tells of the request, as far as its body is at hand.
    pub fn read(self, surroundings: &Surroundings, parts: &Parts, body: &Body) -> Described {
        let recognised = self.with_body(surroundings, parts, body);
        let nature = Nature::of(&recognised, &parts.method);
        let region = recognised.region.clone().filter(|region| is_region(region));
        let region = region.unwrap_or_else(|| surroundings.region.clone());
        let region = if is_global(&nature.event_source, &region) { LEADER.to_owned() } else { region };
        let Input { parameters, mut resources, asked } = recognised.input(surroundings, &region, parts, body);
        if resources.is_empty() && !nature.management {
            resources.extend(recognised.type_alone(Place::of(surroundings, &region)));
        }
        let request = Request {
            event_source: nature.event_source,
            event_name: nature.event_name,
            api_version: nature.api_version,
            region,
            read_only: nature.read_only,
            management: nature.management,
            parameters: parameters.filter(|parameters| !parameters.members().is_empty()).map(|value| value.render()),
            resources,
            protocol: recognised.protocol,
            recognised: recognised.operation().is_some() || recognised.is_browser_upload(),
        };
        let form = || body.whole.as_deref().and_then(|whole| upload::read(&parts.headers, whole));
        let is_form_unread = recognised.is_browser_upload() && !form().is_some_and(|form| form.is_whole());
        Described { request, is_form_unread, recognised, account: surroundings.account.clone(), asked }
    }

    fn input(&self, surroundings: &Surroundings, region: &str, parts: &Parts, body: &Body) -> Input {
        if self.is_s3() {
            let parameters = s3::parameters(self.name(), self, parts, body);
            let resources = s3::resources(self.name(), &parameters, surroundings, region);
            return Input { parameters: Some(parameters), resources, asked: None };
        }
        let Some(contract) = self.contract() else { return Input::default() };
        let whole = body.whole.as_deref();
        let named = match parameters::input_as_named(&contract, parts, &self.labels, whole) {
            Err(Unread::TooLarge) => {
                return Input { parameters: Some(Value::omitted(whole.map_or(0, <[u8]>::len))), ..Input::default() };
            }
            Err(Unread::Malformed) => parameters::input_as_named(&contract, parts, &self.labels, None).ok(),
            Ok(named) => Some(named),
        };
        let Some(named) = named else { return Input::default() };
        let (service, operation) = (contract.service.heading.name.as_str(), contract.operation.name.as_str());
        Input {
            resources: resources::of_input(service, operation, &named, Place::of(surroundings, region)),
            asked: sessions::gives(service, operation).then(|| named.clone()),
            parameters: parameters::spell(&contract, Side::Input, named),
        }
    }

    /// What a data event is about, by its type alone.
    fn type_alone(&self, place: Place<'_>) -> Option<Resource> {
        resources::of_type_alone(&self.service.as_ref()?.heading.name, self.name(), place)
    }

    fn contract(&self) -> Option<Contract<'_>> {
        let service = self.service.as_deref()?;
        let protocol = self.protocol.or_else(|| service.heading.protocols.first().copied())?;
        Some(Contract { service, operation: self.operation()?, protocol })
    }

    /// The operation's name in the API, where it is known.
    fn name(&self) -> &str {
        self.operation().map_or(&self.event_name, |operation| &operation.name)
    }

    fn is_s3(&self) -> bool {
        self.service.as_ref().is_some_and(|service| service.heading.name == s3::SERVICE)
    }
}

/// Whether events of that service are in the leader Region, wherever a call is signed for. Other partitions have leaders of
/// their own, for which their clients sign.
fn is_global(event_source: &str, region: &str) -> bool {
    is_without_regions(event_source) && partition_regions("aws").contains(&region)
}

/// Whether there is a Region of that name. Others are not believed: each would have a log of its own.
fn is_region(name: &str) -> bool {
    ["aws", "aws-cn", "aws-us-gov"].iter().any(|partition| partition_regions(partition).contains(&name))
}

/// What a request's input comes to.
#[derive(Default)]
struct Input {
    parameters: Option<Value>,
    resources: Vec<Resource>,
    asked: Option<Value>,
}

impl Described {
    /// How much of the answer's body the record needs: that of failures, of writes and of what gives out credentials.
    pub fn answer_wanted(&self, status: StatusCode, _headers: &HeaderMap) -> Wanted {
        let late = self.recognised.is_s3() && s3::fails_late(self.recognised.name());
        if !status.is_success() || late || self.output_is_told() {
            return Wanted::Whole { bytes_max: ANSWER_BYTES_MAX };
        }
        Wanted::Nothing
    }

    /// What the answer told.
    pub fn answered(&self, status: StatusCode, headers: &HeaderMap, body: &Body) -> Answer {
        let whole = body.whole.as_deref();
        let mut answer = Answer {
            error: self.failure(status, headers, whole),
            request_id: answers::request_id(self.recognised.protocol, headers, whole),
            id_2: headers.get("x-amz-id-2").and_then(|id| id.to_str().ok()).map(str::to_owned),
            ..Answer::default()
        };
        if answer.error.is_none() && status.is_success() {
            self.read_output(status, headers, whole, &mut answer);
        }
        answer
    }

    fn failure(&self, status: StatusCode, headers: &HeaderMap, body: Option<&[u8]>) -> Option<(String, Option<String>)> {
        let (s3, name) = (self.recognised.is_s3(), self.recognised.name());
        if status.is_success() {
            return body.filter(|_| s3 && s3::fails_late(name)).and_then(s3::late_failure);
        }
        let silent = body.is_none_or(<[u8]>::is_empty).then(|| s3::failure(status, self.recognised.key.is_some()));
        let silent = silent.flatten().filter(|_| s3);
        silent.or_else(|| answers::failure(self.recognised.protocol, status, headers, body))
    }

    /// Reads what the answer to a write, or to a call for credentials, says.
    fn read_output(&self, status: StatusCode, headers: &HeaderMap, body: Option<&[u8]>, answer: &mut Answer) {
        if self.recognised.is_s3() {
            answer.response_elements = s3::response_elements(self.recognised.name(), headers).map(|value| value.render());
        }
        let Some(contract) = self.recognised.contract().filter(|_| self.output_is_told()) else { return };
        let Ok(named) = parameters::output_as_named(&contract, status, headers, body) else { return };
        let (service, operation) = (contract.service.heading.name.as_str(), contract.operation.name.as_str());
        let place = Place { region: &self.request.region, account: &self.account };
        answer.session = sessions::learn(service, operation, self.asked.as_ref(), &named);
        answer.resources = resources::of_output(service, operation, &named, place);
        answer.response_elements = parameters::spell(&contract, Side::Output, named)
            .filter(|elements| !elements.members().is_empty())
            .map(|value| value.render());
    }

    /// Whether records tell what the operation answers: not of reads, not of content, and of S3 its credentials alone.
    fn output_is_told(&self) -> bool {
        let Some(contract) = self.recognised.contract() else { return false };
        let gives = sessions::gives(&contract.service.heading.name, &contract.operation.name);
        if self.recognised.is_s3() || self.request.read_only {
            return gives;
        }
        gives || !is_content(&contract)
    }
}

/// Whether the body of the answer is bytes, or events that come one after another.
fn is_content(contract: &Contract<'_>) -> bool {
    let shape = |id: crate::table::ShapeId| contract.service.shapes.get(id.0 as usize);
    let Some(output) = contract.operation.output.and_then(shape) else { return false };
    let ShapeKind::Structure { members, payload, .. } = &output.kind else { return false };
    let bytes = |at: &u16| {
        let member = members.get(usize::from(*at))?;
        Some(matches!(shape(member.shape)?.kind, ShapeKind::Blob { .. }))
    };
    members.iter().any(|member| member.event_stream) || payload.as_ref().and_then(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests;
