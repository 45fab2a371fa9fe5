//! Whether a call may go, and the record of it: the seam between carrying calls and recording them.
//!
//! For each request [`forward`](crate::forward) calls [`Audit::begin`] with the head; reads as much of the body as
//! [`Begun::wanted`] says; asks for [`Begun::admit`]; carries the call; and ends it with [`Admitted::end`], whose future
//! the answer waits for where [`Admitted::answer_waits`] says so.

mod call;
mod gaps;
mod record;

use std::net::IpAddr;
use std::sync::Arc;

use cloudtrail::account::AccountId;
use cloudtrail::record::TlsDetails;
use http::{HeaderMap, StatusCode, request, response};
use pipeline::capture::recorder::RecordError;
use pipeline::clock::SharedClock;
use protocols::Protocols;
use protocols::call::{Body, Request, Surroundings, Wanted};
use protocols::nature::Nature;
use protocols::recognition::Recognised;
use protocols::table::Protocol;
use smol_str::{SmolStr, format_smolstr};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::identities::Identities;
use crate::ledger::Ledger;
use crate::settings::{DataEvents, OnFailure, Settings};
use call::Call;
use gaps::Gaps;
pub use gaps::Watch;

/// When who was refused because nothing can be recorded may come back.
const UNAVAILABLE_RETRY_AFTER_S: u32 = 5;

/// Who is at the other end of the connection, proxies that are trusted taken into account.
#[derive(Clone, Debug)]
pub struct Client {
    /// The address.
    pub source_ip: IpAddr,
    /// How the connection is secured, if it is.
    pub tls: Option<TlsDetails>,
}

/// Tells whether records may stand in the log of an account; told, too, whether the account is known by an answer of STS
/// alone.
pub type TakesAccount = Arc<dyn Fn(AccountId, bool) -> bool + Send + Sync>;

/// What an audit is made of.
pub struct Parts {
    /// What the proxy is told.
    pub settings: Settings,
    /// The operations of all services.
    pub protocols: Protocols,
    /// Where records go.
    pub ledger: Ledger,
    /// Whose keys are whose.
    pub identities: Identities,
    /// Whether records may stand in the log of that account; if not, they stand in that of the settings.
    pub takes_account: TakesAccount,
    /// The time.
    pub clock: SharedClock,
    /// Makes eventIDs.
    pub random_uuid: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Decides and records; clones are the same one.
#[derive(Clone)]
pub struct Audit {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    surroundings: Surroundings,
    sender: SmolStr,
    protocols: Protocols,
    ledger: Ledger,
    identities: Identities,
    takes_account: TakesAccount,
    clock: SharedClock,
    random_uuid: Arc<dyn Fn() -> String + Send + Sync>,
    gaps: Gaps,
    /// Records of calls that are over.
    recording: TaskTracker,
    /// Set when what cannot be recorded is given up.
    closing: CancellationToken,
}

impl Audit {
    /// The audit of one proxy. The [`Watch`] has to run beside it.
    pub fn new(parts: Parts) -> (Self, Watch) {
        let Parts { settings, protocols, ledger, identities, takes_account, clock, random_uuid } = parts;
        let inner = Inner {
            surroundings: Surroundings {
                service: settings.service.clone(),
                bucket_domains: settings.bucket_domains.clone(),
                only_bucket_domains: !settings.upstream.host().is_some_and(protocols::recognition::is_of_aws),
                region: settings.region.to_string(),
                account: settings.account.to_string(),
            },
            sender: format_smolstr!("proxy {}", settings.listen),
            settings,
            protocols,
            ledger,
            identities,
            takes_account,
            clock,
            random_uuid,
            gaps: Gaps::default(),
            recording: TaskTracker::new(),
            closing: CancellationToken::new(),
        };
        let audit = Self { inner: Arc::new(inner) };
        (audit.clone(), Watch::new(audit))
    }

    /// Looks at the head of a request.
    pub fn begin(&self, client: &Client, head: &request::Parts) -> Begun {
        let recognised = self.inner.protocols.recognise(&self.inner.surroundings, head);
        let nature = Nature::of(&recognised, &head.method);
        let heard = self.inner.may_record(&nature).then(|| Box::new(Heard { client: client.clone(), head: head.clone() }));
        Begun { inner: Arc::clone(&self.inner), recognised, heard }
    }

    /// Waits for the records of calls that are over. Those that cannot be recorded are given up; intents of writes become
    /// records at the next start.
    pub async fn finish(&self) {
        self.inner.closing.cancel();
        self.inner.recording.close();
        self.inner.recording.wait().await;
    }
}

impl Inner {
    /// Whether a call of that nature may have to be recorded, or gives out credentials that are to be known.
    fn may_record(&self, nature: &Nature) -> bool {
        nature.management || self.hears_data() || call::gives_credentials(&nature.event_name)
    }

    /// Whether the call is recorded, if anything that is configured keeps it.
    fn records(&self, request: &Request) -> bool {
        let arns = request.resources.iter().filter_map(|resource| resource.arn.as_str());
        request.management || (self.hears_data() && self.settings.record_data_events.cover(arns))
    }

    fn hears_data(&self) -> bool {
        self.settings.record_data_events != DataEvents::None && self.ledger.keeps_data_events()
    }
}

/// A request whose head was looked at.
pub struct Begun {
    inner: Arc<Inner>,
    recognised: Recognised,
    /// What its record needs of the request; none if there is to be no record.
    heard: Option<Box<Heard>>,
}

struct Heard {
    client: Client,
    head: request::Parts,
}

impl Begun {
    /// How much of its body is to be read before [`Begun::admit`].
    pub fn wanted(&self) -> Wanted {
        if self.heard.is_some() { self.recognised.wanted() } else { Wanted::Nothing }
    }

    /// In whose form the client is told what goes wrong: the protocol, and the service (`s3.amazonaws.com`).
    pub fn form(&self) -> (Option<Protocol>, &str) {
        (self.recognised.form(), &self.recognised.event_source)
    }

    /// Whether the call may have a record. One that has none may go on at once.
    pub fn may_record(&self) -> bool {
        self.heard.is_some()
    }

    /// Whether the call may go on: there is room for its record, and of a write the intent is on disk.
    pub async fn admit(self, body: Body) -> Result<Admitted, Refusal> {
        let Self { inner, recognised, heard } = self;
        let Some(heard) = heard else { return Ok(Admitted { call: None }) };
        let described = recognised.read(&inner.surroundings, &heard.head, &body);
        let records = inner.records(&described.request);
        if !records && !call::gives_credentials(&described.request.event_name) {
            return Ok(Admitted { call: None });
        }
        let mut call = Box::new(Call::new(inner, *heard, described, &body));
        call.identify().await?;
        if records {
            call.admit().await?;
        }
        Ok(Admitted { call: Some(call) })
    }
}

/// A call that may go on. Dropped without [`Admitted::end`], its outcome is recorded as unknown.
pub struct Admitted {
    /// None if there is to be no record.
    call: Option<Box<Call>>,
}

impl Admitted {
    /// Whether the answer may only go out when [`Admitted::end`] has returned.
    pub fn answer_waits(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.answer_waits())
    }

    /// How much of the answer's body the record needs.
    pub fn wanted(&self, status: StatusCode, headers: &HeaderMap) -> Wanted {
        self.call.as_ref().map_or(Wanted::Nothing, |call| call.answer_wanted(status, headers))
    }

    /// The call is over. Returns when its record is on disk if the answer waits for it, at once if not.
    pub async fn end(mut self, outcome: Outcome) -> Result<(), Refusal> {
        let Some(call) = self.call.take() else { return Ok(()) };
        let (waits, inner) = (call.answer_waits(), Arc::clone(&call.inner));
        // In a task of its own, for who called may go away while it is recorded.
        let recorded = inner.recording.spawn(call.end(Some(outcome)));
        if !waits {
            return Ok(());
        }
        recorded.await.unwrap_or_else(|error| Err(Refusal::of(&RecordError::Unavailable { reason: error.to_string() })))
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let Some(call) = self.call.take() else { return };
        // Without a runtime the program is ending; an intent becomes a record at the next start.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let inner = Arc::clone(&call.inner);
        inner.recording.spawn_on(call.end(None), &runtime);
    }
}

/// How a call ended.
#[derive(Debug)]
pub struct Outcome {
    /// What came of it.
    pub ending: Ending,
    /// Bytes of the request's body that went to the upstream.
    pub bytes_in: u64,
    /// Bytes of the answer's body; as announced where the answer waits and is too large to be held back.
    pub bytes_out: u64,
}

/// What came of a call.
#[derive(Debug)]
pub enum Ending {
    /// The upstream answered.
    Answered {
        /// The head of the answer.
        head: response::Parts,
        /// Its body, as far as it was wanted.
        body: Body,
    },
    /// The upstream did not answer, or not whole: the client saw this status (502, 504) or a broken connection.
    Failed {
        /// The status that the client saw, if any.
        status: Option<StatusCode>,
        /// What happened.
        reason: String,
    },
    /// The client went away before the request was whole, or before the answer.
    ClientGone,
}

/// Why a call may not go on, or its answer not out.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// For the log and the client.
    pub reason: String,
    /// When the client may come back.
    pub retry_after_s: u32,
    /// In whose form it is said; S3's without one known.
    pub protocol: Option<Protocol>,
    /// The service: `s3.amazonaws.com`.
    pub event_source: String,
}

impl Refusal {
    fn of(error: &RecordError) -> Self {
        let retry_after_s = match error {
            RecordError::Busy { retry_after_s } => *retry_after_s,
            RecordError::Unavailable { .. } => UNAVAILABLE_RETRY_AFTER_S,
        };
        Self { reason: error.to_string(), retry_after_s, protocol: None, event_source: String::new() }
    }
}

#[cfg(test)]
mod tests;
