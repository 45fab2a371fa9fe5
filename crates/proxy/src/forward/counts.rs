//! What is counted of calls.

use std::sync::OnceLock;

use http::StatusCode;
use metrics::Counter;

use crate::upstream::Failure;

/// Status codes that have a counter at hand.
const STATUSES: std::ops::Range<usize> = 100..600;

/// Counters, looked up once.
pub(super) struct Counts {
    requests: Counter,
    responses: Vec<OnceLock<Counter>>,
}

impl Counts {
    pub(super) fn new() -> Self {
        let requests = metrics::counter!("trailkeep_proxy_requests_total");
        Self { requests, responses: STATUSES.map(|_| OnceLock::new()).collect() }
    }

    /// A request came.
    pub(super) fn asked(&self) {
        self.requests.increment(1);
    }

    /// It was answered.
    pub(super) fn answered(&self, status: StatusCode) {
        let counter = || metrics::counter!("trailkeep_proxy_responses_total", "status" => status.as_str().to_owned());
        let place = usize::from(status.as_u16()).checked_sub(STATUSES.start).and_then(|at| self.responses.get(at));
        match place {
            Some(place) => place.get_or_init(counter).increment(1),
            None => counter().increment(1),
        }
    }
}

/// The upstream gave no answer.
pub(super) fn failed(failure: &Failure) {
    metrics::counter!("trailkeep_proxy_upstream_errors_total", "kind" => failure.kind()).increment(1);
    tracing::debug!(%failure, "the upstream failed");
}
