//! A call on its way: from the client to the upstream and back, unchanged, and to its record.
//!
//! What must stay true: every call that was admitted is ended, whatever becomes of it: [`Call`](call::Call) does so when
//! it is dropped. Bodies are never held in memory but for the pieces under way, what a record needs of them, and, where
//! an answer waits for its record, what is held back of it; each of these is bounded.

mod answer;
mod call;
mod counts;
mod head;
mod held;
mod reading;
mod recording;
mod refused;
mod room;
mod sending;
#[cfg(test)]
pub(crate) mod tests;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header, request, response};
use hyper::body::{Body as _, Incoming};
use protocols::call::{Body, Wanted};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::audit::{Ending, Refusal};
use crate::listener::{Connection, HEAD_BYTES_MAX};
use crate::upstream::{Download, Failure, Upstream};
pub(crate) use answer::Answer;
use answer::{Copy, Streamed};
use call::Call;
use counts::Counts;
use held::Held;
pub(crate) use recording::Recording;
use refused::{Form, Refused};
use room::{Room, Share};
pub(crate) use sending::{Progress, Sending};

/// Carries calls to one upstream; clones are the same one.
pub(crate) struct Forwarder<R: Recording>(Arc<Inner<R>>);

struct Inner<R> {
    recording: R,
    upstream: Arc<Upstream>,
    /// What is still being recorded.
    records: TaskTracker,
    runtime: Handle,
    counts: Counts,
    /// For what is read of bodies before their calls go.
    room: Arc<Room>,
    /// Room for what is held back of answers.
    held: Arc<Semaphore>,
    /// Answers of our own, which are counted for their ids.
    refused: AtomicU64,
}

impl<R: Recording> Clone for Forwarder<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What is known of a call while it is carried.
struct Carried<R: Recording> {
    call: Call<R>,
    /// In whose form the client is told what goes wrong.
    form: Form,
    progress: Option<Arc<Progress>>,
    http2: bool,
}

impl<R: Recording> Forwarder<R> {
    /// Carries calls to `upstream`. Only within a runtime.
    pub(crate) fn new(recording: R, upstream: Arc<Upstream>) -> Self {
        Self::with_room(recording, upstream, reading::BYTES_MAX)
    }

    fn with_room(recording: R, upstream: Arc<Upstream>, bytes: usize) -> Self {
        let (records, runtime) = (TaskTracker::new(), Handle::current());
        let (room, held) = (Room::new(bytes), Arc::new(Semaphore::new(held::ALL_BYTES_MAX)));
        let counts = Counts::new();
        Self(Arc::new(Inner { recording, upstream, records, runtime, counts, room, held, refused: AtomicU64::new(0) }))
    }

    pub(crate) fn upstream(&self) -> Arc<Upstream> {
        Arc::clone(&self.0.upstream)
    }

    /// Returns when all that ended is recorded, and nothing is under way any more.
    pub(crate) async fn ended(&self) {
        self.0.records.close();
        self.0.records.wait().await;
    }

    /// Carries a call. `ambiguous` says that its head gave the length of its body twice.
    pub(crate) async fn answer(
        &self,
        connection: &Connection,
        request: Request<Incoming>,
        ambiguous: bool,
    ) -> Response<Answer<R>> {
        self.0.counts.asked();
        let answered = self.carry(connection, request, ambiguous).await;
        let response = answered.unwrap_or_else(|refused| refused.response(self.0.refused.fetch_add(1, Ordering::Relaxed)));
        self.0.counts.answered(response.status());
        response
    }

    async fn carry(
        &self,
        connection: &Connection,
        request: Request<Incoming>,
        ambiguous: bool,
    ) -> Result<Response<Answer<R>>, Refused> {
        let http2 = request.version() == Version::HTTP_2;
        let (mut head, body) = request.into_parts();
        if head_bytes(&head) > HEAD_BYTES_MAX {
            return Err(Refused::head_too_large());
        }
        if ambiguous {
            return Err(Refused::bad("The request has both Content-Length and Transfer-Encoding."));
        }
        head::request(&mut head, !body.is_end_stream())?;
        if let Some(contradiction) = protocols::signature::contradiction(&head) {
            return Err(Refused::contradictory(contradiction));
        }
        let client = connection.client(&head.headers);
        let begun = self.0.recording.begin(&client, &head);
        let form = Form::from(R::form(&begun));
        let share = Share::of(&self.0.room, client.source_ip);
        let upload = reading::read(R::wanted(&begun), &head.headers, body, share).await;
        let mut upload = upload.map_err(|fault| fault.refused(form))?;
        let whole = Body { whole: upload.whole.take() };
        let expects = head.version == Version::HTTP_11 && head::expects_continue(&head.headers);
        let sending = Sending::new(upload, expects);
        let progress = sending.progress();
        let call = if R::may_record(&begun) { self.admit(begun, whole, progress.clone()).await? } else { Call::unrecorded() };
        let mut request = Request::from_parts(head, sending);
        if let Some(progress) = progress.clone().filter(|progress| progress.is_waiting()) {
            hyper::ext::on_informational(&mut request, move |interim| {
                if interim.status() == StatusCode::CONTINUE {
                    progress.go_on();
                }
            });
        }
        let carried = Carried { call, form, progress, http2 };
        match self.0.upstream.send(request, http2).await {
            Ok((response, download)) => self.pass_on(carried, response.into_parts().0, download).await,
            Err(failure) => Err(self.fail(carried, failure).await),
        }
    }

    /// Whether the call may go on. Once it is asked for, admission runs to its end, even if the client goes away.
    async fn admit(&self, begun: R::Begun, body: Body, progress: Option<Arc<Progress>>) -> Result<Call<R>, Refused> {
        let (records, runtime) = (self.0.records.clone(), self.0.runtime.clone());
        let mut admitting = Box::pin(async move {
            let admitted = R::admit(begun, body).await?;
            Ok::<_, Refusal>(Call::new(admitted, progress, records, runtime))
        });
        let polled = poll_fn(|context| Poll::Ready(admitting.as_mut().poll(context))).await;
        let admitted = match polled {
            Poll::Ready(admitted) => admitted,
            Poll::Pending => match self.0.records.spawn_on(admitting, &self.0.runtime).await {
                Ok(admitted) => admitted,
                Err(error) => return Err(Refused::internal(&error)),
            },
        };
        admitted.map_err(|refusal| Refused::unrecorded(&refusal))
    }

    /// Passes an answer on: at once, or when its record is made.
    async fn pass_on(
        &self,
        carried: Carried<R>,
        head: response::Parts,
        mut download: Download,
    ) -> Result<Response<Answer<R>>, Refused> {
        let mut head = match head::response(head) {
            Ok(head) => head,
            Err(failure) => return Err(self.fail(carried, failure).await),
        };
        if download.has_ended() {
            poll_fn(|context| {
                download.end(context);
                Poll::Ready(())
            })
            .await;
        }
        // The client's body will not be read: so the connection cannot go on.
        if carried.progress.as_deref().is_some_and(Progress::answered) && !carried.http2 {
            head.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let wanted = carried.call.wanted(head.status, &head.headers);
        let claims_length = !carried.http2 && download.has_ended() && head.headers.contains_key(header::CONTENT_LENGTH);
        let answer = if carried.call.answer_waits() {
            self.hold(carried, &head, download, wanted).await?
        } else {
            stream(carried.call, &head, download, wanted)
        };
        Ok(Response::from_parts(head, if claims_length { answer.claiming_length() } else { answer }))
    }

    /// Holds an answer back until its record is made.
    async fn hold(
        &self,
        mut carried: Carried<R>,
        head: &response::Parts,
        download: Download,
        wanted: Wanted,
    ) -> Result<Answer<R>, Refused> {
        let held = match Held::read(&head.headers, download, &self.0.held).await {
            Ok(held) => held,
            Err(failure) => return Err(self.fail(carried, failure).await),
        };
        let ending = Ending::Answered { head: seen(head), body: held.body(wanted) };
        carried.call.end(ending, held.bytes_out(&head.headers)).await?;
        Ok(held.into())
    }

    /// Ends a call that has no answer of the upstream's.
    async fn fail(&self, mut carried: Carried<R>, failure: Failure) -> Refused {
        if let Some(fault) = carried.progress.as_deref().and_then(Progress::fault) {
            let ended = carried.call.end(Ending::ClientGone, 0).await;
            return ended.err().unwrap_or_else(|| fault.refused(carried.form));
        }
        counts::failed(&failure);
        let ending = Ending::Failed { status: Some(failure.status()), reason: failure.to_string() };
        let ended = carried.call.end(ending, 0).await;
        ended.err().unwrap_or_else(|| Refused::failed(&failure, carried.form))
    }
}

/// Passes an answer on as it comes.
fn stream<R: Recording>(call: Call<R>, head: &response::Parts, download: Download, wanted: Wanted) -> Answer<R> {
    if !call.is_open() {
        return if download.has_ended() { Answer::empty() } else { Answer::unrecorded(download) };
    }
    let mut streamed = Streamed { call, head: seen(head), copy: Copy::new(wanted), bytes_out: 0 };
    if download.has_ended() {
        streamed.end();
        return Answer::empty();
    }
    Answer::streamed(download, streamed)
}

/// The head of an answer for its record.
fn seen(head: &response::Parts) -> response::Parts {
    let mut seen = Response::new(()).into_parts().0;
    seen.status = head.status;
    seen.headers = head.headers.clone();
    seen
}

/// About how many bytes the head of a request has. The protocol's own bound is the size of a buffer, and rough.
fn head_bytes(head: &request::Parts) -> usize {
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    target + head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
}

/// The length that a body is announced with.
fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
