//! Which service and which operation a request calls, told from its head and, where the protocol needs it, its body.
//!
//! Nothing here is an error: what is not recognised still says what is known of it. What is recognised is not verified;
//! the upstream judges requests.

use std::sync::Arc;

use crate::table::{Operation, Protocol, Service};

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
}
