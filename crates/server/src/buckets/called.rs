//! What is told of every call, so that it can be recorded.

use std::pin::Pin;
use std::sync::Arc;

use cloudtrail::account::AccountId;
use serde_json::Value;

use crate::listener::Connection;

pub use super::signature::Method;

/// A call that is over, or, for the record of a change, about to succeed.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and a field of the record")]
pub struct Called {
    /// CloudTrail's name of the operation.
    pub operation: &'static str,
    /// Whether it is a management event; else it is a data event.
    pub management: bool,
    /// Whether it changes nothing.
    pub read_only: bool,
    /// The bucket.
    pub bucket: Option<String>,
    /// Who owns the bucket, where it exists.
    pub bucket_owner: Option<AccountId>,
    /// The Region of the bucket, where it exists.
    pub bucket_region: Option<String>,
    /// The object's key.
    pub key: Option<String>,
    /// Whether the call is about every object whose key begins with [`Called::key`].
    pub key_is_prefix: bool,
    /// Query parameters and x-amz headers that belong into the record.
    pub parameters: Vec<(String, String)>,
    /// Documents of the body, by the names they have in records.
    pub documents: Vec<(&'static str, Value)>,
    /// The account that calls.
    pub account: AccountId,
    /// Its access key.
    pub access_key: String,
    /// The Region that was signed for.
    pub region: String,
    /// How it was signed.
    pub method: Method,
    /// Code and message of the refusal.
    pub error: Option<(String, String)>,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// The x-amz-request-id of the answer.
    pub request_id: String,
    /// The x-amz-id-2 of the answer.
    pub id2: String,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The Host header.
    pub host: Option<String>,
    /// The connection, with the client's address.
    pub connection: Connection,
    /// When the call came.
    pub at_us: i64,
    /// Whether the record was committed with the change the call made.
    pub recorded: bool,
}

/// Something under way.
pub type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes the record of a call.
pub type Render = Arc<dyn Fn(&Called) -> Option<Vec<u8>> + Send + Sync>;

/// Who is told of calls.
#[derive(Clone)]
pub struct Audit {
    /// Whether records can be kept at the moment; if not, calls that change something are refused.
    pub ready: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Makes the record of a call that is about to change something. The bytes go into the outbox in the change's own
    /// transaction; None if nothing is to be recorded.
    pub record: Render,
    /// Is told of every call whose caller is known, before the answer goes out; the answer waits for it.
    pub called: Arc<dyn Fn(Called) -> Waiting + Send + Sync>,
}

impl Audit {
    /// Tells nobody.
    pub fn none() -> Self {
        Self { ready: Arc::new(|| true), record: Arc::new(|_| None), called: Arc::new(|_| Box::pin(async {})) }
    }
}
