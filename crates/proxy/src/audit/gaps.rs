//! Gaps: calls that went on although they could not be recorded are counted, and told in one record when recording works
//! again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cloudtrail::event::time_text;
use cloudtrail::record::ServiceEvent;
use pipeline::capture::recorder::RecordError;
use serde::Serialize;
use serde_json::value::to_raw_value;
use tokio_util::sync::CancellationToken;

use super::{Audit, Inner};

/// eventName of the record of a gap.
const RECORDING_GAP: &str = "RecordingGap";
/// eventSource of the record of a gap: AWS has no service of which it would be.
const EVENT_SOURCE: &str = "cloudtrail.amazonaws.com";
/// How often it is tried to record a gap.
const INTERVAL: Duration = Duration::from_secs(1);

/// The gap that is open, if there is one.
#[derive(Default)]
pub(super) struct Gaps {
    open: Mutex<Option<Gap>>,
}

/// Calls that were not recorded.
struct Gap {
    from_s: i64,
    until_s: i64,
    reads: u64,
    writes: u64,
    reason: String,
}

/// serviceEventDetails of its record.
#[derive(Serialize)]
struct Details<'a> {
    listener: String,
    upstream: String,
    from: String,
    until: String,
    calls: u64,
    reads: u64,
    writes: u64,
    reason: &'a str,
}

impl Gaps {
    /// Counts a call that was not recorded.
    pub(super) fn note(&self, read_only: bool, error: &RecordError, now_s: i64) {
        metrics::counter!("trailkeep_proxy_gap_calls_total").increment(1);
        let (reads, writes) = if read_only { (1, 0) } else { (0, 1) };
        self.merge(Gap { from_s: now_s, until_s: now_s, reads, writes, reason: error.to_string() });
    }

    fn merge(&self, gap: Gap) {
        let mut open = self.lock();
        let Some(known) = &mut *open else {
            tracing::error!(reason = gap.reason, "calls go on and are not recorded");
            *open = Some(gap);
            return;
        };
        known.from_s = known.from_s.min(gap.from_s);
        known.until_s = known.until_s.max(gap.until_s);
        known.reads += gap.reads;
        known.writes += gap.writes;
    }

    fn take(&self) -> Option<Gap> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Gap>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gap {
    fn render(&self, inner: &Inner) -> Bytes {
        let details = Details {
            listener: inner.settings.listen.to_string(),
            upstream: inner.settings.upstream.to_string(),
            from: time_text(self.from_s),
            until: time_text(self.until_s),
            calls: self.reads + self.writes,
            reads: self.reads,
            writes: self.writes,
            reason: &self.reason,
        };
        let event = ServiceEvent {
            event_id: (inner.random_uuid)(),
            event_time_s: self.until_s,
            event_source: EVENT_SOURCE.to_owned(),
            event_name: RECORDING_GAP.to_owned(),
            region: inner.settings.region.clone(),
            recipient: inner.settings.account,
            details: to_raw_value(&details).expect("texts and numbers are JSON"),
        };
        event.render()
    }
}

/// The task that records gaps.
pub struct Watch {
    audit: Audit,
}

impl Watch {
    pub(super) fn new(audit: Audit) -> Self {
        Self { audit }
    }

    /// Records gaps until `shutdown`, and tries a last time then.
    pub async fn run(self, shutdown: CancellationToken) {
        loop {
            self.look().await;
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
        self.look().await;
    }

    /// Records the gap that is open, if there is one and it can be recorded.
    pub(super) async fn look(&self) {
        let inner = &*self.audit.inner;
        if inner.ledger.ready().is_err() {
            return;
        }
        let Some(gap) = inner.gaps.take() else { return };
        let Some(event) = crate::ledger::event(&gap.render(inner), inner.settings.account, &inner.settings.region) else {
            return;
        };
        match inner.ledger.record(None, event, &inner.sender).await {
            Ok(_) => tracing::warn!(calls = gap.reads + gap.writes, "calls are recorded again; the gap is recorded too"),
            Err(_) => inner.gaps.merge(gap),
        }
    }
}
