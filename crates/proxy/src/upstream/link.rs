//! A connection of HTTP/1.1 to the upstream, driven by whoever waits for something on it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::Failure;
use super::connect::Wire;
use crate::forward::{Progress, Sending};

type Connection = http1::Connection<TokioIo<Wire>, Sending>;

/// A connection for one call at a time.
pub(crate) struct Link {
    sender: http1::SendRequest<Sending>,
    /// None when it has ended.
    connection: Option<Pin<Box<Connection>>>,
}

/// Why there is no answer; the request, if nothing of it was written.
pub(super) struct Unanswered {
    pub(super) failure: Failure,
    pub(super) unsent: Option<Request<Sending>>,
}

impl Link {
    pub(super) fn new(sender: http1::SendRequest<Sending>, connection: Connection) -> Self {
        Self { sender, connection: Some(Box::pin(connection)) }
    }

    /// Reads and writes what can be read and written. An error is told to the call on the connection.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && connection.as_mut().poll(context).is_ready()
        {
            self.connection = None;
        }
    }

    /// Whether it can take a call.
    pub(super) fn is_idle(&self) -> bool {
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Whether it is still open, nothing has come on it without being asked for, and it can take a call.
    pub(super) async fn is_good(&mut self) -> bool {
        poll_fn(|context| {
            self.drive(context);
            Poll::Ready(self.is_idle())
        })
        .await
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Sending>,
        progress: Option<&Progress>,
        timeout: Duration,
    ) -> Result<Response<Incoming>, Unanswered> {
        let answering = self.sender.try_send_request(request);
        answer(answering, Some(self), progress, timeout).await
    }
}

/// Waits for the head of an answer, and drives the connection meanwhile.
pub(super) async fn answer(
    answering: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Sending>>>>,
    mut link: Option<&mut Link>,
    progress: Option<&Progress>,
    timeout: Duration,
) -> Result<Response<Incoming>, Unanswered> {
    let mut answering = pin!(answering);
    let polling = poll_fn(|context| {
        if let Poll::Ready(answered) = answering.as_mut().poll(context) {
            return Poll::Ready(answered);
        }
        let Some(link) = &mut link else { return Poll::Pending };
        link.drive(context);
        answering.as_mut().poll(context)
    });
    match within_timeout(polling, progress, timeout).await {
        None => Err(Unanswered { failure: Failure::TimedOut("to answer"), unsent: None }),
        Some(Ok(response)) => Ok(response),
        Some(Err(mut error)) => {
            let unsent = error.take_message();
            Err(Unanswered { failure: error.into_error().into(), unsent })
        }
    }
}

/// Waits as long as the request moves, and for a time after that.
async fn within_timeout<F: Future>(waiting: F, progress: Option<&Progress>, timeout: Duration) -> Option<F::Output> {
    let mut waiting = pin!(waiting);
    let mut seen = 0;
    loop {
        let deadline = Instant::now() + timeout;
        if let Ok(output) = tokio::time::timeout_at(deadline, waiting.as_mut()).await {
            return Some(output);
        }
        let moved = progress.map_or(0, Progress::bytes);
        if moved == seen {
            return None;
        }
        seen = moved;
    }
}
