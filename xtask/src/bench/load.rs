//! The load client: requests made beforehand, sent over several connections at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::machine;
use super::records::Records;
use super::wire::Link;

/// How often a request that found no room is sent again before the measurement fails.
const TRIES_MAX: usize = 60;
/// The pause before that.
const PAUSE: Duration = Duration::from_millis(250);

/// The bodies of requests to `/v1/events`.
pub(super) struct Bodies {
    texts: Vec<Vec<u8>>,
    /// Records in a body but the last.
    pub(super) each: u64,
    pub(super) records: u64,
    /// Bytes of the records.
    pub(super) bytes: u64,
}

impl Bodies {
    /// All of `records` as NDJSON, `each` to a body.
    pub(super) fn of(mut records: Records<'_>, each: u64) -> Self {
        let mut made = Self { texts: Vec::new(), each, records: records.left(), bytes: 0 };
        while records.left() > 0 {
            let mut body = Vec::new();
            for _ in 0..each.min(records.left()) {
                records.append(&mut body);
                body.push(b'\n');
            }
            body.shrink_to_fit();
            made.bytes += body.len() as u64;
            made.texts.push(body);
        }
        made.bytes -= made.records;
        made
    }

    /// The bodies, one after the other.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.texts.iter().map(Vec::as_slice)
    }
}

/// How bodies are sent.
pub(super) struct Load<'a> {
    pub(super) address: &'a str,
    pub(super) token: &'a str,
    pub(super) connections: usize,
    /// Records a second; as fast as the server answers without it.
    pub(super) pace: Option<f64>,
    /// Ends the sending before all is sent.
    pub(super) stop: &'a AtomicBool,
}

/// What came back.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) accepted: u64,
    /// Records that were not accepted: duplicates, expired, rejected.
    pub(super) other: u64,
    /// Requests that found no room and were sent again.
    pub(super) refused: u64,
    /// From the first byte sent to the last answer.
    pub(super) seconds: f64,
    /// Of each request.
    pub(super) latencies: Vec<Duration>,
}

#[derive(Deserialize)]
struct Answer {
    accepted: u64,
    duplicates: u64,
    expired: u64,
    rejected: Vec<serde_json::Value>,
}

impl Load<'_> {
    /// Sends the bodies; returns when the last is answered.
    pub(super) fn send(&self, bodies: &Bodies) -> anyhow::Result<Sent> {
        let next = AtomicUsize::new(0);
        let sum = Mutex::new(Sent::default());
        // The main thread waits, too: the clock starts when all are connected.
        let ready = Barrier::new(self.connections + 1);
        let begun = scope(|threads| {
            let mut senders = Vec::new();
            for _ in 0..self.connections {
                senders.push(threads.spawn(|| self.run(bodies, &next, &sum, &ready)));
            }
            ready.wait();
            let begun = machine::now();
            for sender in senders {
                sender.join().map_err(|_| anyhow::anyhow!("a sender panicked"))??;
            }
            anyhow::Ok(begun)
        })?;
        let mut sent = sum.into_inner().expect("no sender panicked");
        sent.seconds = begun.elapsed().as_secs_f64();
        Ok(sent)
    }

    fn run(&self, bodies: &Bodies, next: &AtomicUsize, sum: &Mutex<Sent>, ready: &Barrier) -> anyhow::Result<()> {
        let link = Link::connect(self.address);
        ready.wait();
        let mut link = link?;
        let headers = [("content-type", "application/x-ndjson".to_owned()), ("authorization", format!("Bearer {}", self.token))];
        let begun = machine::now();
        let mut sent = Sent::default();
        while !self.stop.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(body) = bodies.texts.get(at) else { break };
            self.await_turn(at as u64 * bodies.each, begun);
            post(&mut link, &headers, body, &mut sent)?;
        }
        let mut sum = sum.lock().expect("no sender panicked");
        sum.accepted += sent.accepted;
        sum.other += sent.other;
        sum.refused += sent.refused;
        sum.latencies.append(&mut sent.latencies);
        Ok(())
    }

    fn await_turn(&self, records_before: u64, begun: Instant) {
        let due = self.pace.map(|pace| Duration::from_secs_f64(records_before as f64 / pace));
        if let Some(wait) = due.and_then(|due| due.checked_sub(begun.elapsed())) {
            sleep(wait);
        }
    }
}

/// Sends a body until there is room for it.
fn post(link: &mut Link, headers: &[(&str, String)], body: &[u8], sent: &mut Sent) -> anyhow::Result<()> {
    let begun = machine::now();
    for _ in 0..TRIES_MAX {
        let answer = link.post("/v1/events", headers, body)?;
        match answer.status {
            200 => {
                sent.latencies.push(begun.elapsed());
                let told: Answer = serde_json::from_slice(&answer.body).context("the answer is not as documented")?;
                sent.accepted += told.accepted;
                sent.other += told.duplicates + told.expired + told.rejected.len() as u64;
                return Ok(());
            }
            503 => {
                sent.refused += 1;
                sleep(PAUSE);
            }
            status => bail!("POST /v1/events answers {status}: {}", String::from_utf8_lossy(&answer.body)),
        }
    }
    bail!("the server found no room for a request {TRIES_MAX} times")
}
