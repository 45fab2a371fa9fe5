//! A call under way: who makes it, the room for its record, and what becomes of the record.

use std::sync::Arc;
use std::time::Duration;

use cloudtrail::event::Event;
use cloudtrail::record::CallerIdentity;
use http::{HeaderMap, StatusCode, header, request};
use pipeline::capture::recorder::RecordError;
use protocols::call::{Answer, Body, Described, Wanted};
use protocols::signature::Signer;

use super::record::Told;
use super::{Client, Ending, Heard, Inner, OnFailure, Outcome, Refusal};
use crate::identities::Known;
use crate::ledger::{Intent, Kept, Reserved};

/// What a record takes besides its parameters: more than almost any does.
const RECORD_BYTES: usize = 8 << 10;
/// What a record takes at most, with what the journal adds to it.
const RECORD_BYTES_MAX: usize = cloudtrail::event::SIZE_MAX + 1024;
/// How long is waited before what could not be recorded is tried again; twice as long after each time.
const AGAIN_MIN: Duration = Duration::from_millis(100);
/// How long is waited at most.
const AGAIN_MAX: Duration = Duration::from_secs(10);

/// The operations that give out temporary credentials.
const GIVING: [&str; 9] = [
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "CreateSession",
    "GetCredentialsForIdentity",
    "GetFederationToken",
    "GetRoleCredentials",
    "GetSessionToken",
];

/// Whether an operation of that name gives out credentials; the answer of one that does waits until it is known whose
/// they are.
pub(super) fn gives_credentials(event_name: &str) -> bool {
    GIVING.contains(&event_name)
}

/// A call that is not over.
pub(super) struct Call {
    pub(super) inner: Arc<Inner>,
    pub(super) client: Client,
    pub(super) head: request::Parts,
    pub(super) described: Described,
    pub(super) signer: Option<Signer>,
    pub(super) identity: CallerIdentity,
    pub(super) event_id: String,
    known: Option<Known>,
    /// Whether it is recorded; if not, only credentials in its answer are remembered.
    records: bool,
    room: Option<Reserved>,
    intent: Option<Intent>,
}

impl Call {
    pub(super) fn new(inner: Arc<Inner>, heard: Heard, described: Described, body: &Body) -> Self {
        let Heard { client, head } = heard;
        let signer = Signer::of(&head, body);
        let event_id = (inner.random_uuid)();
        Self {
            inner,
            client,
            head,
            described,
            signer,
            identity: CallerIdentity::Anonymous,
            event_id,
            known: None,
            records: false,
            room: None,
            intent: None,
        }
    }

    /// Finds out who calls. That it cannot be found out is as if it could not be recorded.
    pub(super) async fn identify(&mut self) -> Result<(), Refusal> {
        let Some(signer) = &self.signer else {
            if self.head.headers.contains_key(header::AUTHORIZATION) || self.described.is_form_unread {
                self.identity = CallerIdentity::Unknown { access_key_id: None };
            }
            return Ok(());
        };
        match self.inner.identities.of_key(&signer.access_key_id).await {
            Ok(known) => self.known = known,
            Err(error) if self.passes() => tracing::error!(%error, "it cannot be told who calls"),
            Err(error) => return Err(self.refusal(&RecordError::Unavailable { reason: error.to_string() })),
        }
        self.identity = match &self.known {
            Some(known) => CallerIdentity::Principal(Arc::clone(&known.principal)),
            None => CallerIdentity::Unknown { access_key_id: Some(signer.access_key_id.clone()) },
        };
        Ok(())
    }

    /// Takes room for the record, and puts down what a write is about to do.
    pub(super) async fn admit(&mut self) -> Result<(), Refusal> {
        self.records = true;
        let bytes = self.record_bytes();
        if self.passes() {
            self.room = self.inner.ledger.reserve_now(bytes).await.ok();
            return Ok(());
        }
        let taken = self.take_room(bytes).await;
        taken.map_err(|error| {
            metrics::counter!("trailkeep_proxy_refused_total").increment(1);
            self.refusal(&error)
        })
    }

    async fn take_room(&mut self, bytes: usize) -> Result<(), RecordError> {
        self.room = Some(self.inner.ledger.reserve(bytes).await?);
        if !self.described.request.read_only {
            let record = self.event(Told::unknown()).ok_or_else(untold)?;
            self.intent = Some(self.inner.ledger.intend(&record).await?);
        }
        Ok(())
    }

    pub(super) fn answer_waits(&self) -> bool {
        let gives = gives_credentials(&self.described.request.event_name);
        let records = self.records
            && match self.inner.settings.on_failure {
                OnFailure::Refuse => !self.described.request.read_only,
                OnFailure::Strict => true,
                OnFailure::Pass => false,
            };
        gives || records
    }

    pub(super) fn answer_wanted(&self, status: StatusCode, headers: &HeaderMap) -> Wanted {
        self.described.answer_wanted(status, headers)
    }

    /// The call is over, in a way that is known or not. Returns when the record is on disk, or when it is clear that it
    /// will not be soon.
    pub(super) async fn end(mut self: Box<Self>, outcome: Option<Outcome>) -> Result<(), Refusal> {
        let answer = outcome.as_ref().map(|outcome| self.answer(outcome)).unwrap_or_default();
        let learnt = self.learn(&answer).await;
        if !self.records {
            return learnt;
        }
        let told = outcome.as_ref().map_or_else(Told::unknown, |outcome| Told::of(outcome, answer));
        let Some(event) = self.event(told) else { return self.lose(&untold()) };
        if !self.answer_waits() {
            self.room = self.room.take().map(Reserved::unhurried);
        }
        let recorded = if self.passes() { self.record_or_count(event).await } else { self.record(event).await };
        learnt.and(recorded)
    }

    fn answer(&self, outcome: &Outcome) -> Answer {
        match &outcome.ending {
            Ending::Answered { head, body } => self.described.answered(head.status, &head.headers, body),
            Ending::Failed { .. } | Ending::ClientGone => Answer::default(),
        }
    }

    /// Remembers whose the credentials in the answer are, and that it was a federated user who asked for them.
    async fn learn(&mut self, answer: &Answer) -> Result<(), Refusal> {
        let Some(session) = &answer.session else { return Ok(()) };
        if let Some(federated) = super::record::federated(session).filter(|_| self.signer.is_none()) {
            self.identity = federated;
        }
        match self.inner.identities.learn(session, self.known.as_ref()).await {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::error!(%error, access_key_id = session.access_key_id, "whose a temporary key is cannot be kept");
                let refusal = self.refusal(&RecordError::Unavailable { reason: error.to_string() });
                if self.passes() { Ok(()) } else { Err(refusal) }
            }
        }
    }

    /// Records; what cannot be recorded at once is tried again for as long as the program runs, and an answer that waits
    /// becomes a refusal meanwhile.
    async fn record(mut self: Box<Self>, event: Event) -> Result<(), Refusal> {
        let room = self.room.take();
        match self.inner.ledger.record(room, event.clone(), &self.inner.sender).await {
            Ok(kept) => {
                self.settle(kept);
                Ok(())
            }
            Err(error) => {
                let refusal = self.refusal(&error);
                let inner = Arc::clone(&self.inner);
                inner.recording.spawn(self.record_again(event, error));
                Err(refusal)
            }
        }
    }

    async fn record_again(mut self: Box<Self>, event: Event, mut error: RecordError) {
        tracing::error!(%error, event_id = self.event_id, "a call that was made is not recorded yet");
        metrics::counter!("trailkeep_proxy_late_total").increment(1);
        let mut pause = AGAIN_MIN;
        loop {
            let closing = tokio::time::timeout(pause, self.inner.closing.cancelled()).await.is_ok();
            match self.inner.ledger.record(None, event.clone(), &self.inner.sender).await {
                Ok(kept) => return self.settle(kept),
                Err(again) => error = again,
            }
            if closing {
                break;
            }
            pause = (pause * 2).min(AGAIN_MAX);
        }
        tracing::error!(%error, event_id = self.event_id, "a call that was made could not be recorded");
        metrics::counter!("trailkeep_proxy_lost_total").increment(1);
        if let Some(intent) = self.intent.take() {
            intent.leave();
        }
    }

    /// There is no record: the intent becomes one, if there is any.
    fn lose(&mut self, error: &RecordError) -> Result<(), Refusal> {
        if let Some(intent) = self.intent.take() {
            intent.leave();
        }
        if self.passes() {
            self.inner.gaps.note(self.described.request.read_only, error, self.inner.clock.now_s());
            return Ok(());
        }
        metrics::counter!("trailkeep_proxy_lost_total").increment(1);
        Err(self.refusal(error))
    }

    /// Says of the intent what there is to say.
    fn settle(&mut self, kept: Kept) {
        let intent = self.intent.take();
        if kept == Kept::Yes {
            metrics::counter!("trailkeep_proxy_recorded_total").increment(1);
            if let Some(intent) = intent {
                intent.recorded();
            }
        }
        // Of a record that nothing keeps the intent is dropped, and so taken back.
    }

    /// Records if that is possible this moment, and counts the call as part of a gap if not.
    async fn record_or_count(mut self: Box<Self>, event: Event) -> Result<(), Refusal> {
        let ledger = &self.inner.ledger;
        let recorded = match self.room.take() {
            Some(room) => ledger.record(Some(room), event, &self.inner.sender).await,
            None => match ledger.reserve_now(event.bytes().len()).await {
                Ok(room) => ledger.record(Some(room), event, &self.inner.sender).await,
                Err(error) => Err(error),
            },
        };
        match recorded {
            Ok(kept) => self.settle(kept),
            Err(error) => self.inner.gaps.note(self.described.request.read_only, &error, self.inner.clock.now_s()),
        }
        Ok(())
    }

    fn passes(&self) -> bool {
        self.inner.settings.on_failure == OnFailure::Pass
    }

    /// Whether who calls is known by an answer of STS alone.
    pub(super) fn is_learnt(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.session.is_some())
    }

    /// About how many bytes the record will have.
    fn record_bytes(&self) -> usize {
        let request = &self.described.request;
        let parameters = request.parameters.as_ref().map_or(0, |parameters| parameters.get().len());
        (RECORD_BYTES + parameters).min(RECORD_BYTES_MAX)
    }

    fn refusal(&self, error: &RecordError) -> Refusal {
        let request = &self.described.request;
        Refusal { protocol: request.protocol, event_source: request.event_source.clone(), ..Refusal::of(error) }
    }
}

/// Why a call is refused whose record would be none, which is a bug of ours.
fn untold() -> RecordError {
    RecordError::Unavailable { reason: "the call cannot be told".to_owned() }
}
