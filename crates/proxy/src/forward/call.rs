//! A call that was admitted, and its end.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, StatusCode};
use protocols::call::Wanted;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::{Progress, Recording, Refused};
use crate::audit::{Ending, Outcome, Refusal};

/// A call that was admitted. Dropped before its end, its client has gone away.
pub(super) struct Call<R: Recording> {
    /// None when the call has ended, and if it has no record.
    open: Option<Open<R>>,
}

struct Open<R: Recording> {
    admitted: R::Admitted,
    progress: Option<Arc<Progress>>,
    records: TaskTracker,
    runtime: Handle,
}

impl<R: Recording> Call<R> {
    pub(super) fn new(admitted: R::Admitted, progress: Option<Arc<Progress>>, records: TaskTracker, runtime: Handle) -> Self {
        Self { open: Some(Open { admitted, progress, records, runtime }) }
    }

    /// A call that has no record.
    pub(super) fn unrecorded() -> Self {
        Self { open: None }
    }

    /// Whether its record is still to be made.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn answer_waits(&self) -> bool {
        self.open.as_ref().is_some_and(|open| R::answer_waits(&open.admitted))
    }

    pub(super) fn wanted(&self, status: StatusCode, headers: &HeaderMap) -> Wanted {
        self.open.as_ref().map_or(Wanted::Nothing, |open| R::answer_wanted(&open.admitted, status, headers))
    }

    /// Ends it, and returns when it is recorded, if its answer waits for that, or else at once. Recording goes on if the
    /// client goes away meanwhile.
    pub(super) async fn end(&mut self, ending: Ending, bytes_out: u64) -> Result<(), Refused> {
        let waits = self.answer_waits();
        let recorded = match self.record(ending, bytes_out) {
            Recorded::Done(recorded) => recorded,
            Recorded::UnderWay(recording) if waits => match recording.await {
                Ok(recorded) => recorded,
                Err(error) => return Err(Refused::internal(&error)),
            },
            Recorded::UnderWay(_) => return Ok(()),
        };
        if waits { recorded.map_err(|refusal| Refused::unrecorded(&refusal)) } else { Ok(()) }
    }

    /// Ends it; it is recorded by and by.
    pub(super) fn record(&mut self, ending: Ending, bytes_out: u64) -> Recorded {
        let Some(open) = self.open.take() else { return Recorded::Done(Ok(())) };
        let Open { admitted, progress, records, runtime } = open;
        let bytes_in = progress.as_deref().map_or(0, Progress::bytes);
        let _within = runtime.enter();
        let mut recording = Box::pin(R::end(admitted, Outcome { ending, bytes_in, bytes_out }));
        // Most often it is done, or handed over, at once, and needs no task here.
        match recording.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(recorded) => Recorded::Done(recorded),
            Poll::Pending => Recorded::UnderWay(records.spawn(recording)),
        }
    }
}

/// How far the record of a call is.
pub(super) enum Recorded {
    Done(Result<(), Refusal>),
    UnderWay(JoinHandle<Result<(), Refusal>>),
}

impl<R: Recording> Drop for Call<R> {
    fn drop(&mut self) {
        // Nobody waits for it.
        drop(self.record(Ending::ClientGone, 0));
    }
}
