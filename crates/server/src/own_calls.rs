//! Trailkeep's records of the calls it serves.
//!
//! What must stay true: there is no change without its record. The record of a change goes into the outbox in the
//! change's own transaction; [`OwnCalls::drain`] carries the outbox into the journal before the answer goes out, and
//! again at start. What the journal has is removed from the outbox behind the answer's back, a commit less to wait for;
//! a record that was journaled but not yet removed is a duplicate the second time.

use std::sync::Arc;

use api::Operation;
use bytes::Bytes;
use catalog::{Catalog, outbox};
use cloudtrail::account::AccountId;
use cloudtrail::event::{Admission, Event, SIZE_MAX};
use cloudtrail::record::{ApiCall, CallerIdentity, TlsDetails, lower_first_members};
use cloudtrail::region::Region;
use http::header;
use journal::Position;
use pipeline::capture::origin::Origin;
use pipeline::capture::recorder::{RecordError, Recorder, Sender};
use pipeline::clock::SharedClock;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_util::task::TaskTracker;

use crate::listener::Connection;
use crate::principals::{Principal, Proof};

/// Members of inputs that are instants: records show them as ISO 8601 text.
const INSTANTS: [&str; 4] = ["StartTime", "EndTime", "StartEventTime", "EndEventTime"];

/// Who makes a call, from where.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account in whose log the call is.
    pub account: AccountId,
    /// Who it is.
    pub identity: CallerIdentity,
    /// The address.
    pub source_ip: String,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// How the connection is secured.
    pub tls: Option<TlsDetails>,
    /// The id of the answer.
    pub request_id: String,
}

impl Caller {
    /// The caller of a request that was authenticated.
    pub fn new(principal: &Principal, connection: &Connection, parts: &http::request::Parts, request_id: &str) -> Self {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self {
            account: principal.account,
            identity: identity(principal),
            source_ip: connection.peer.ip().to_canonical().to_string(),
            user_agent: text(header::USER_AGENT),
            tls: connection.tls.as_ref().map(|(version, suite)| TlsDetails {
                version: version.clone(),
                cipher_suite: suite.clone(),
                client_provided_host_header: text(header::HOST),
            }),
            request_id: request_id.to_owned(),
        }
    }
}

fn identity(principal: &Principal) -> CallerIdentity {
    match &principal.proof {
        Proof::Signature { access_key_id } => {
            CallerIdentity::Root { account: principal.account, access_key_id: access_key_id.clone() }
        }
        Proof::Token(token) => CallerIdentity::Token { account: principal.account, token_id: token.id.clone() },
    }
}

/// A call that is over.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    /// What was called.
    pub operation: Operation,
    /// Where.
    pub region: &'a Region,
    /// The input as it came in; `None` when it could not be read.
    pub parameters: Option<&'a Value>,
    /// The output, or code and message of the error.
    pub outcome: Result<&'a Value, (&'a str, &'a str)>,
}

/// Makes and keeps the records.
pub struct OwnCalls {
    catalog: Catalog,
    recorder: Recorder,
    clock: SharedClock,
    /// The place in the outbox up to which the journal has everything.
    drained: Mutex<i64>,
    /// The place up to which that is removed from the outbox; held while more is.
    removed: Arc<Mutex<i64>>,
    waiting: TaskTracker,
    random_uuid: Arc<dyn Fn() -> String + Send + Sync>,
}

impl OwnCalls {
    /// Records through `recorder`; `random_uuid` makes eventIDs.
    pub fn new(
        catalog: Catalog,
        recorder: Recorder,
        clock: SharedClock,
        random_uuid: Arc<dyn Fn() -> String + Send + Sync>,
    ) -> Self {
        Self {
            catalog,
            recorder,
            clock,
            drained: Mutex::new(0),
            removed: Arc::default(),
            waiting: TaskTracker::new(),
            random_uuid,
        }
    }

    /// Whether a record could be kept at the moment.
    pub fn ready(&self) -> Result<(), RecordError> {
        self.recorder.ready()
    }

    /// The record of a call of CloudTrail's API.
    pub fn render(&self, caller: &Caller, finished: &Finished<'_>) -> Bytes {
        let read_only = finished.operation.is_read_only();
        let output = finished.outcome.ok().filter(|_| !read_only);
        self.render_call(
            caller,
            ApiCall {
                event_source: "cloudtrail.amazonaws.com".to_owned(),
                event_name: finished.operation.name().to_owned(),
                region: finished.region.clone(),
                error: finished.outcome.err().map(|(code, message)| (error_code(code), message.to_owned())),
                request_parameters: finished.parameters.and_then(members),
                response_elements: output.and_then(members),
                read_only,
                api_version: Some(finished.operation.service().api_version().to_owned()),
                ..self.blank(caller)
            },
        )
    }

    /// The record of any call: `call` with everything the caller determines filled in.
    pub fn render_call(&self, caller: &Caller, call: ApiCall) -> Bytes {
        ApiCall {
            identity: caller.identity.clone(),
            source_ip: caller.source_ip.clone(),
            user_agent: caller.user_agent.clone(),
            request_id: Some(caller.request_id.clone()),
            recipient: caller.account,
            tls: caller.tls.clone(),
            ..call
        }
        .render()
    }

    /// A call of which nothing is known but the caller, the time and the eventID.
    pub fn blank(&self, caller: &Caller) -> ApiCall {
        ApiCall {
            event_id: (self.random_uuid)(),
            event_time_s: self.clock.now_s(),
            identity: caller.identity.clone(),
            event_source: String::new(),
            event_name: String::new(),
            region: crate::service::default_region(),
            source_ip: String::new(),
            user_agent: None,
            error: None,
            request_parameters: None,
            response_elements: None,
            additional_event_data: None,
            request_id: None,
            read_only: true,
            resources: Vec::new(),
            management: true,
            api_version: None,
            recipient: caller.account,
            shared_event_id: None,
            tls: None,
        }
    }

    /// Records a call of CloudTrail's API that changed nothing.
    pub async fn record(&self, caller: &Caller, finished: &Finished<'_>, wait: bool) -> Result<(), RecordError> {
        self.keep(caller.account, self.render(caller, finished), wait).await
    }

    /// Records a call that changed nothing: with the next group commit, or, to `wait` for it, before this returns.
    pub async fn keep(&self, account: AccountId, record: Bytes, wait: bool) -> Result<(), RecordError> {
        let recorder = self.recorder.clone();
        let Some(event) = admit(&record, account) else { return Ok(()) };
        let recording = async move { send(&recorder, account, event).await.map(drop) };
        if wait {
            return recording.await;
        }
        self.waiting.spawn(async move {
            if let Err(error) = recording.await {
                tracing::error!(%error, "a call that was answered could not be recorded");
                metrics::counter!("trailkeep_own_calls_lost_total").increment(1);
            }
        });
        Ok(())
    }

    /// Carries everything in the outbox into the journal; returns the journal position after it.
    pub async fn drain(&self) -> Result<Position, RecordError> {
        let mut drained = self.drained.lock().await;
        let carried = self.carry(&mut drained).await;
        // If another removal is under way, what is left is removed with what comes next.
        if let Ok(removed) = Arc::clone(&self.removed).try_lock_owned()
            && *removed < *drained
        {
            let removing = remove(self.catalog.clone(), removed, *drained);
            self.waiting.spawn(async move {
                removing.await.unwrap_or_else(|error| tracing::warn!(%error, "records stay in the outbox for now"));
            });
        }
        carried
    }

    /// Carries what the last run of the program left in the outbox into the journal, and removes it.
    pub async fn drain_whole(&self) -> anyhow::Result<()> {
        let mut drained = self.drained.lock().await;
        self.carry(&mut drained).await?;
        let removed = Arc::clone(&self.removed).lock_owned().await;
        Ok(remove(self.catalog.clone(), removed, *drained).await?)
    }

    /// Carries everything behind the place `drained` into the journal, and moves the place.
    async fn carry(&self, drained: &mut i64) -> Result<Position, RecordError> {
        let mut end = self.recorder.committed();
        loop {
            let page = outbox::oldest(&self.catalog, *drained).await;
            let page = page.map_err(|error| RecordError::Unavailable { reason: error.to_string() })?;
            let Some(last) = page.last().map(|waiting| waiting.id) else { return Ok(end) };
            for waiting in page {
                let Some(account) = recipient(&waiting.record) else { continue };
                let Some(event) = admit(&waiting.record, account) else { continue };
                end = end.max(send(&self.recorder, account, event).await?);
            }
            *drained = last;
        }
    }

    /// Waits for what is still to be done for calls that were answered already.
    pub async fn finish(&self) {
        self.waiting.close();
        self.waiting.wait().await;
    }
}

/// Removes from the outbox what the journal has, and moves the place.
async fn remove(catalog: Catalog, mut removed: OwnedMutexGuard<i64>, through: i64) -> Result<(), catalog::Error> {
    let mut tx = catalog.begin().await?;
    outbox::remove_through(&mut tx, through).await?;
    tx.commit().await?;
    *removed = through;
    Ok(())
}

async fn send(recorder: &Recorder, account: AccountId, event: Event) -> Result<Position, RecordError> {
    let sender = Sender::own(account);
    recorder.record(vec![event], Origin::Own, None, &sender).await.map(|outcome| outcome.end)
}

/// Our own record as an event. One that is refused is a bug of ours: it is logged, and nothing waits for it for ever.
fn admit(record: &[u8], account: AccountId) -> Option<Event> {
    let region = crate::service::default_region();
    let admission = Admission { account, region: &region, ordinal: 0, size_max: SIZE_MAX };
    match Event::admit(record, &admission) {
        Ok(event) => Some(event),
        Err(rejection) => {
            tracing::error!(?rejection, "a record of our own is not a record");
            None
        }
    }
}

fn recipient(record: &[u8]) -> Option<AccountId> {
    #[derive(serde::Deserialize)]
    struct Recipient {
        #[serde(rename = "recipientAccountId")]
        account: AccountId,
    }
    serde_json::from_slice::<Recipient>(record).map(|recipient| recipient.account).ok()
}

/// An input or output as it stands in a record.
fn members(value: &Value) -> Option<Box<RawValue>> {
    let mut value = value.clone();
    if let Some(object) = value.as_object_mut() {
        for name in INSTANTS {
            if let Some(instant) = object.get_mut(name)
                && let Some(seconds) = instant.as_f64()
            {
                *instant = Value::String(cloudtrail::event::time_text(seconds.floor() as i64));
            }
        }
    }
    lower_first_members(&value.to_string(), |_| false)
}

/// CloudTrail writes AccessDenied, not AccessDeniedException; all other codes as they are.
fn error_code(code: &str) -> String {
    if code == "AccessDeniedException" { "AccessDenied".to_owned() } else { code.to_owned() }
}
