//! The metrics of this process.

use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// How often metrics that are read, not counted, are brought up to date.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The handle on the metrics of this process. Metrics are one registry for the whole process; the second server in one
/// process (a test) has a handle that shows nothing.
pub(crate) fn handle() -> PrometheusHandle {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another server of this process has the metrics");
    }
    handle
}

/// Brings what is read, not counted, up to date until `stop`.
pub(crate) async fn keep(metrics: PrometheusHandle, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(UPKEEP_INTERVAL)).await.is_some() {
        metrics.run_upkeep();
    }
}
