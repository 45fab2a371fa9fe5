//! Which service and which operation a request calls, told from its head and, where the protocol needs it, its body.
//!
//! Nothing here is an error: what is not recognised still says what is known of it. What is recognised is not verified;
//! the upstream judges requests.

use std::sync::Arc;

use http::request::Parts;

use crate::call::{Body, Surroundings, Wanted};
use crate::table::{Member, Operation, Place, Protocol, Service, ShapeKind};

mod known;

mod cues;
mod host;
mod scope;

pub mod form;
mod routes;

mod decision;

pub use host::is_of_aws;
pub use known::Protocols;

/// The largest body of a request that is read for its parameters, or its Action (ours: parameters of more than 100 KB
/// are left out of records, but secrets and content within count only until they are hidden).
pub const BODY_BYTES_MAX: usize = 4 << 20;
/// How much of an upload by a browser is read at most for the key and who signed it (ours: fifty times S3's own limit of
/// what stands before the file, which is 20 KB).
pub const UPLOAD_BYTES_MAX: usize = 1 << 20;

/// What a request calls.
#[derive(Clone, Debug, Default)]
pub struct Recognised {
    /// The service, where it is known.
    pub service: Option<Arc<Service>>,
    /// The operation's place in [`Service::operations`], where it is known.
    pub operation: Option<usize>,
    /// The protocol that the request speaks.
    pub protocol: Option<Protocol>,
    /// What stands in the path in place of the labels of the operation's template, by the label's name (which is the
    /// member's name on the wire), decoded. Of S3 with a virtual host `Bucket` is among them all the same.
    pub labels: Vec<(String, String)>,
    /// `s3.amazonaws.com`: the service's; else what the signature, the target or the host let it seem.
    pub event_source: String,
    /// The operation's name in the API; else what the target or the action says, else method and path.
    pub event_name: String,
    /// The version of the API: the model's, else the one that the request names.
    pub api_version: Option<String>,
    /// The Region of the signature's scope.
    pub region: Option<String>,
    /// The bucket, if the service is S3.
    pub bucket: Option<String>,
    /// The object's key, if the service is S3, decoded.
    pub key: Option<String>,
    /// How the bucket was addressed, if there is one.
    pub addressing: Option<Addressing>,
    /// Set where the body of a form is yet to say which operation it is.
    pub(crate) pending: Option<Protocols>,
    /// The request names several operations, and it is for the service to choose.
    pub(crate) is_ambiguous: bool,
}

/// Where a request names its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// In the path.
    Path,
    /// In the host name.
    VirtualHost,
}

impl Recognised {
    /// The operation, where it is known.
    pub fn operation(&self) -> Option<&Operation> {
        self.service.as_ref()?.operations.get(self.operation?)
    }

    /// An upload by a browser: a form with the file in it, which S3's model has no operation for.
    pub fn is_browser_upload(&self) -> bool {
        self.operation.is_none() && self.bucket.is_some() && self.event_name == "PostObject"
    }

    /// The protocol in which a client is told what goes wrong: EC2 has its own errors even where a form was not read yet.
    pub fn form(&self) -> Option<Protocol> {
        let unread = matches!(self.protocol, None | Some(Protocol::Query));
        if unread && self.event_source == "ec2.amazonaws.com" { Some(Protocol::Ec2) } else { self.protocol }
    }

    /// How much of the request's body is needed to know the operation and its parameters.
    pub fn wanted(&self) -> Wanted {
        if self.pending.is_some() || self.is_form() {
            return Wanted::Whole { bytes_max: BODY_BYTES_MAX };
        }
        if self.is_browser_upload() {
            return Wanted::Fields { bytes_max: UPLOAD_BYTES_MAX };
        }
        if self.has_parameters_in_body() { Wanted::Whole { bytes_max: BODY_BYTES_MAX } } else { Wanted::Nothing }
    }

    /// The same with what the body of the request says, once it is there.
    #[must_use]
    pub fn with_body(mut self, surroundings: &Surroundings, parts: &Parts, body: &Body) -> Self {
        let Some(protocols) = self.pending.take() else { return self.or_ambiguous(parts, body) };
        match protocols.by_body(surroundings, parts, body) {
            Some(recognised) => Self { region: self.region, ..recognised }.or_ambiguous(parts, body),
            None => self,
        }
    }

    /// A form that names several operations is for none of them in particular.
    fn or_ambiguous(self, parts: &Parts, body: &Body) -> Self {
        let form = body.whole.as_deref().and_then(|body| std::str::from_utf8(body).ok());
        let texts = parts.uri.query().into_iter().chain(form).filter(|_| self.is_form());
        let Some(actions) = form::actions(texts, decision::FORM_PAIRS_MAX) else { return self };
        let event_name = decision::clean(&actions.join("|"));
        Self { operation: None, event_name, is_ambiguous: true, ..self }
    }

    fn is_form(&self) -> bool {
        matches!(self.protocol, Some(Protocol::Query | Protocol::Ec2))
    }

    fn has_parameters_in_body(&self) -> bool {
        let input = self.operation().and_then(|operation| operation.input);
        let (Some(service), Some(input)) = (&self.service, input) else { return false };
        let Some(ShapeKind::Structure { members, payload, .. }) = service.shape(input).map(|shape| &shape.kind) else {
            return false;
        };
        let by_place = matches!(self.protocol, Some(Protocol::RestJson | Protocol::RestXml));
        match payload.filter(|_| by_place) {
            Some(at) => members.get(usize::from(at)).is_some_and(|member| is_told(service, member)),
            None => members.iter().any(|member| !by_place || member.place == Place::Body),
        }
    }
}

/// Whether a record tells what is in a payload: not if it is content.
fn is_told(service: &Service, payload: &Member) -> bool {
    let kind = service.shape(payload.shape).map(|shape| &shape.kind);
    !payload.event_stream && !matches!(kind, None | Some(ShapeKind::Blob { .. }))
}

#[cfg(test)]
mod tests;
