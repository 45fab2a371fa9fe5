//! Posts archives to the server, patiently.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use bytes::Bytes;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::archive::{self, Archive};
use super::progress::Progress;
use super::state::State;
use super::tally::{Outcome, Tally};
use crate::client::{Client, refused};
use crate::exit::Failure;

/// How long a server that cannot be reached is waited for, before the import has begun and after. Own choice: a restart
/// takes seconds, a wrong address never gets better.
const UNREACHABLE_FIRST: Duration = Duration::from_secs(2);
const UNREACHABLE_LATER: Duration = Duration::from_secs(30);
/// How long a server that takes nothing is waited for: it may be making room.
const BUSY: Duration = Duration::from_mins(5);
/// How long a request may take; the largest has 64 MiB.
const REQUEST_LIMIT: Duration = Duration::from_mins(5);
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// The header in which the server names where records go (docs/reference/http.md).
const DESTINATION: &str = "trailkeep-destination";

/// The way to the server.
pub(super) struct Post {
    pub(super) client: Client,
    /// Path and query to post to.
    pub(super) path: String,
    pub(super) progress: Arc<Progress>,
    /// Nothing more is sent once it is cancelled.
    pub(super) stop: CancellationToken,
}

/// What senders share.
pub(super) struct Sender {
    pub(super) post: Post,
    /// Where records go, as the server named it at first.
    pub(super) destination: Option<String>,
    pub(super) tally: Arc<Tally>,
    pub(super) state: std::sync::Mutex<State>,
}

/// What the server says of an archive.
struct Answer {
    body: Bytes,
    /// None if the server, or what is in between, does not say.
    destination: Option<String>,
}

/// An attempt that failed.
enum Failed {
    /// It may work later.
    Unreachable(String),
    Busy(String, Option<Duration>),
    /// It never will.
    Refused(anyhow::Error),
}

impl Sender {
    /// Sends what comes until there is no more, or until it is told to stop. A failure stops the others too.
    pub(super) async fn run(self: Arc<Self>, archives: Arc<Mutex<mpsc::Receiver<Archive>>>) -> anyhow::Result<()> {
        loop {
            let next = async { archives.lock().await.recv().await };
            let archive = tokio::select! {
                biased;
                () = self.post.stop.cancelled() => return Ok(()),
                archive = next => archive,
            };
            let Some(archive) = archive else { return Ok(()) };
            self.deliver(archive).await.inspect_err(|_| self.post.stop.cancel())?;
        }
    }

    async fn deliver(&self, archive: Archive) -> anyhow::Result<()> {
        let answer = self.post.persist(&archive.body, UNREACHABLE_LATER).await?;
        // What is noted as done must be where later imports believe it to be.
        anyhow::ensure!(answer.destination == self.destination, "the server, or the event data store, is another one now");
        let outcomes = outcomes(&answer.body, &archive)?;
        let mut finished = Vec::with_capacity(archive.files.len());
        for (file, outcome) in archive.files.into_iter().zip(outcomes) {
            if self.tally.answered(file.name, file.bytes, outcome) {
                finished.push(file.mark);
            }
        }
        let noted = self.state.lock().expect("nothing panics while it notes").note(&finished);
        if let Err(error) = noted {
            self.post.progress.note(&format!("finished files are no longer noted: {error}"));
        }
        Ok(())
    }
}

impl Post {
    /// Sends an archive with nothing in it: whether the server is there, and takes imports from us. Gives the name of where
    /// they go.
    pub(super) async fn greet(&self) -> anyhow::Result<Option<String>> {
        Ok(self.persist(&archive::empty(), UNREACHABLE_FIRST).await?.destination)
    }

    /// Sends until it is taken, refused, or patience ends.
    async fn persist(&self, body: &Bytes, unreachable: Duration) -> anyhow::Result<Answer> {
        let begun = Instant::now();
        let mut pause = PAUSE_MIN;
        loop {
            let (reason, patience, wanted) = match self.attempt(body).await {
                Ok(answer) => return Ok(answer),
                Err(Failed::Refused(error)) => return Err(error),
                Err(Failed::Unreachable(reason)) => (reason, unreachable, None),
                Err(Failed::Busy(reason, wanted)) => (reason, BUSY, wanted),
            };
            if begun.elapsed() >= patience {
                return Err(Failure::Unreachable(reason).into());
            }
            if pause == PAUSE_MIN {
                self.progress.note(&format!("{reason}; trying again"));
            }
            tokio::select! {
                () = self.stop.cancelled() => return Err(Failure::Unreachable(reason).into()),
                () = sleep(wanted.unwrap_or_default().clamp(pause, PAUSE_MAX)) => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn attempt(&self, body: &Bytes) -> Result<Answer, Failed> {
        let exchange = async {
            let response = self.client.send("POST", &self.path, "application/x-tar", body.clone()).await.map_err(unsent)?;
            let (status, retry_after) = (response.status(), retry_after(&response));
            let destination = text(&response, DESTINATION).map(str::to_owned);
            let body = response.bytes().await.map_err(|error| Failed::Unreachable(format!("the answer broke off: {error}")))?;
            if status.is_success() {
                return Ok(Answer { body, destination });
            }
            let error = refused(status.as_u16(), &body);
            let later = status.is_server_error() || status == reqwest::StatusCode::TOO_MANY_REQUESTS;
            Err(if later { Failed::Busy(format!("{error:#}"), retry_after) } else { Failed::Refused(error) })
        };
        let limit = || Failed::Unreachable(format!("{} does not answer", self.client.endpoint()));
        timeout(REQUEST_LIMIT, exchange).await.unwrap_or_else(|_| Err(limit()))
    }
}

fn unsent(error: anyhow::Error) -> Failed {
    match error.downcast_ref::<Failure>() {
        Some(Failure::Unreachable(reason)) => Failed::Unreachable(reason.clone()),
        _ => Failed::Refused(error),
    }
}

fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    text(response, reqwest::header::RETRY_AFTER.as_str())?.parse().ok().map(Duration::from_secs)
}

fn text<'a>(response: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// The lines of the answer: one a file, in the archive's order.
fn outcomes(answer: &[u8], archive: &Archive) -> anyhow::Result<Vec<Outcome>> {
    let lines = serde_json::Deserializer::from_slice(answer).into_iter::<Outcome>();
    let outcomes =
        lines.collect::<Result<Vec<_>, _>>().map_err(|error| anyhow!("the server's answer cannot be read: {error}"))?;
    let fits = outcomes.len() == archive.files.len()
        && outcomes.iter().zip(&archive.files).all(|(outcome, file)| outcome.file == file.label);
    anyhow::ensure!(fits, "the server's answer is not about the {} files it was sent", archive.files.len());
    Ok(outcomes)
}
