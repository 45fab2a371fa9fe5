//! Carrying the journal to one sink, at least once and in order.
//!
//! A follower begins at its sink's cursor, gives it one batch after the other and never skips one: what fails for now is
//! given again, what fails for good stops this follower alone, and its status says why.

mod status;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use journal::Position;
use tokio_util::sync::CancellationToken;

pub use status::{Problem, Status};

use crate::clock::SharedClock;
use crate::route::batch::{Batch, Item};
use crate::route::feed::{Feed, FeedError};
use crate::route::pace::Runner;

/// The pause after a first failure; it doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A tick is not awaited longer than this without a look at the clock, which may have been set.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// The shortest time between two ticks, whatever the sink asks for.
const TICK_US_MIN: i64 = 1_000;

/// Why a sink could not take what it was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// It may work later: the same call is made again, after a while.
    #[error("{0}")]
    Retry(String),
    /// It will not work: the follower stands still until someone looks at it.
    #[error("{0}")]
    Fatal(String),
}

impl From<catalog::Error> for SinkError {
    fn from(error: catalog::Error) -> Self {
        match error {
            catalog::Error::Database(_) => Self::Retry(error.to_string()),
            _ => Self::Fatal(error.to_string()),
        }
    }
}

/// What a follower feeds.
///
/// A call that failed is made again as a whole, and after a crash the journal is given again from the cursor: a sink must
/// come to the same result however often it sees an entry. It moves its own cursor, in the catalog transaction that makes
/// its output count.
pub trait Sink: Send + 'static {
    /// The name, in metrics, status and logs.
    fn name(&self) -> String;

    /// The first position that it has not durably handled.
    fn cursor(&mut self) -> impl Future<Output = Result<Position, SinkError>> + Send;

    /// Takes the next batch. It need not be durable when this returns.
    fn write(&mut self, batch: &Arc<Batch>) -> impl Future<Output = Result<(), SinkError>> + Send;

    /// Does what is due; tells when to call it again, in microseconds since 1970.
    fn tick(&mut self, now_us: i64) -> impl Future<Output = Result<i64, SinkError>> + Send;

    /// Winds up before the end: called once, after the last write.
    fn finish(&mut self) -> impl Future<Output = Result<(), SinkError>> + Send;
}

/// The task that feeds one sink.
pub struct Follower<S: Sink> {
    sink: S,
    feed: Feed,
    clock: SharedClock,
    status: Status,
    runner: Runner,
}

/// Why a follower stops.
enum Halt {
    Shutdown,
    Fatal(String),
}

/// What wakes a follower.
enum Wake {
    Tick,
    Batch(Result<Arc<Batch>, FeedError>),
}

impl<S: Sink> Follower<S> {
    /// A follower of `feed` for `sink`; it does nothing before [`run`](Self::run).
    pub fn new(sink: S, feed: Feed, clock: SharedClock) -> Self {
        let status = Status::new(sink.name());
        let runner = feed.pace().join();
        Self { sink, feed, clock, status, runner }
    }

    /// What it does; stays readable while it runs and after.
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Follows until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let name = self.sink.name();
        match self.follow(&shutdown).await {
            Halt::Shutdown => {
                if let Err(error) = self.sink.finish().await {
                    tracing::warn!(follower = name, %error, "did not finish; the journal is read again at the next start");
                }
            }
            Halt::Fatal(reason) => {
                tracing::error!(follower = name, reason, "stopped for good");
                self.status.at(self.status.position(), self.feed.committed());
                self.status.halted(reason, self.clock.now_us());
                self.runner.rests();
                shutdown.cancelled().await;
            }
        }
    }

    async fn follow(&mut self, shutdown: &CancellationToken) -> Halt {
        match self.follow_until_halt(shutdown).await {
            Ok(never) => match never {},
            Err(halt) => halt,
        }
    }

    async fn follow_until_halt(&mut self, shutdown: &CancellationToken) -> Result<std::convert::Infallible, Halt> {
        let mut position = self.cursor(shutdown).await?;
        let mut due_us = self.clock.now_us();
        let feed = self.feed.clone();
        let mut fetch = pin!(feed.next(position));
        loop {
            self.status.at(position, feed.committed());
            self.runner.at(position);
            let wake = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Err(Halt::Shutdown),
                () = until(&self.clock, due_us) => Wake::Tick,
                batch = &mut fetch => Wake::Batch(batch),
            };
            match wake {
                Wake::Tick => due_us = self.tick(shutdown).await?,
                Wake::Batch(Ok(batch)) => {
                    self.write(&batch, shutdown).await?;
                    position = batch.end;
                    fetch.set(feed.next(position));
                }
                Wake::Batch(Err(error)) => {
                    self.feed_failed(error, shutdown).await?;
                    fetch.set(feed.next(position));
                }
            }
        }
    }

    async fn cursor(&mut self, shutdown: &CancellationToken) -> Result<Position, Halt> {
        let mut pause = PAUSE_MIN;
        loop {
            match self.sink.cursor().await {
                Ok(position) => return Ok(position),
                Err(error) => self.pause(error, &mut pause, shutdown).await?,
            }
        }
    }

    async fn write(&mut self, batch: &Arc<Batch>, shutdown: &CancellationToken) -> Result<(), Halt> {
        self.status.behind_since(batch.items.first().map(Item::accepted_at_us));
        let mut pause = PAUSE_MIN;
        while let Err(error) = self.sink.write(batch).await {
            self.pause(error, &mut pause, shutdown).await?;
        }
        self.status.recovered();
        self.status.behind_since(None);
        Ok(())
    }

    async fn tick(&mut self, shutdown: &CancellationToken) -> Result<i64, Halt> {
        let mut pause = PAUSE_MIN;
        loop {
            let now_us = self.clock.now_us();
            match self.sink.tick(now_us).await {
                Ok(due_us) => {
                    self.status.recovered();
                    self.status.measure(now_us);
                    return Ok(due_us.max(now_us + TICK_US_MIN));
                }
                Err(error) => self.pause(error, &mut pause, shutdown).await?,
            }
        }
    }

    async fn feed_failed(&mut self, error: FeedError, shutdown: &CancellationToken) -> Result<(), Halt> {
        let mut pause = PAUSE_MAX;
        match error {
            // The journal closes while the program winds up.
            FeedError::Closed => shutdown.cancelled().await,
            error if error.is_passing() => self.pause(SinkError::Retry(error.to_string()), &mut pause, shutdown).await?,
            error => return Err(Halt::Fatal(error.to_string())),
        }
        Ok(())
    }

    /// Waits before the next attempt, twice as long as before the last one.
    async fn pause(&mut self, error: SinkError, pause: &mut Duration, shutdown: &CancellationToken) -> Result<(), Halt> {
        let reason = match error {
            SinkError::Retry(reason) => reason,
            SinkError::Fatal(reason) => return Err(Halt::Fatal(reason)),
        };
        tracing::warn!(follower = self.status.name(), reason, "tries again in {pause:?}");
        self.status.at(self.status.position(), self.feed.committed());
        self.status.retrying(reason, self.clock.now_us());
        self.runner.rests();
        tokio::select! {
            () = shutdown.cancelled() => return Err(Halt::Shutdown),
            () = tokio::time::sleep(*pause) => {}
        }
        *pause = (*pause * 2).min(PAUSE_MAX);
        Ok(())
    }
}

/// Sleeps until the clock says `due_us`.
async fn until(clock: &SharedClock, due_us: i64) {
    loop {
        let left_us = due_us - clock.now_us();
        if left_us <= 0 {
            return;
        }
        tokio::time::sleep(Duration::from_micros(left_us as u64).min(SLEEP_MAX)).await;
    }
}
