//! How fast events come in over HTTP, each answered when it is on disk.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;

use super::load::{Bodies, Load};
use super::machine::Others;
use super::peer;
use super::records::{Records, Times};
use super::report::{Floor, Report, quantile};
use super::server::Server;
use super::{Bench, machine};

/// Events a second that must be reached (issue 2, section 5).
const EVENTS_A_SECOND_MIN: f64 = 50_000.0;
/// Records are of the last hour: event history keeps 90 days of live events.
const SPAN_S: u64 = 3_600;

/// Measures, and compares with DuckDB loading the same records from a file.
pub(super) fn run(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let events = bench.events(500_000);
    let times = Times { newest_s: machine::now_s(), span_s: SPAN_S };
    let bodies = Bodies::of(Records::new(&bench.shapes, bench.seed, times, events), bench.batch);
    let server = Server::start(&bench.binary, bench.dir.path())?;
    let token = server.token()?;
    let accepted_before = server.accepted()?;
    let others = Others::watch()?;
    let cpu_s = server.cpu_s()?;
    let stop = AtomicBool::new(false);
    let load = Load { address: &server.address, token: &token, connections: bench.connections, pace: None, stop: &stop };
    let mut sent = load.send(&bodies)?;
    let answered_cpu_s = server.cpu_s()? - cpu_s;
    let begun = machine::now();
    server.settle()?;
    let lag_s = begun.elapsed().as_secs_f64();
    let server_cpu_s = server.cpu_s()? - cpu_s;
    let others = others.share(server_cpu_s)?;

    report.check("ingest: records answered as accepted", events, sent.accepted);
    report.check("ingest: records answered otherwise", 0, sent.other);
    report.check("ingest: events the server counts as accepted", events, server.accepted()? - accepted_before);
    let rate = events as f64 / sent.seconds;
    let mut section = report.section(format!(
        "ingest: POST /v1/events, NDJSON, {} connections, {} records of {} bytes a request, fsynced",
        bench.connections,
        bench.batch,
        bodies.bytes / events
    ));
    section.add_with_floor("events a second", rate, "events/s", Floor::AtLeast(EVENTS_A_SECOND_MIN));
    section.add("events a second of server CPU", events as f64 / server_cpu_s, "events/s");
    section.add("server CPU until all are answered", answered_cpu_s * 1e6 / events as f64, "µs/event");
    section.add("server CPU until lookups find all", server_cpu_s * 1e6 / events as f64, "µs/event");
    section.add("lookups find all after", lag_s * 1e3, "ms");
    section.add("latency p50", quantile(&mut sent.latencies, 0.5), "ms");
    section.add("latency p99", quantile(&mut sent.latencies, 0.99), "ms");
    section.add("requests that found no room", sent.refused as f64, "");
    section.add("peak memory", server.peak_mib(), "MiB");
    section.add("taken by other processes", others * 100.0, "% of CPU");
    server.stop()?;

    let path = bench.dir.path().join("records.ndjson");
    let mut file = BufWriter::new(File::create(&path).context("cannot write the peer's input")?);
    bodies.iter().try_for_each(|body| file.write_all(body))?;
    file.flush()?;
    drop((file, bodies));
    let loaded = peer::load(bench, "ndjson", &path)?;
    std::fs::remove_file(&path)?;
    if let Some(loaded) = loaded {
        report.check("ingest: rows of DuckDB", events, loaded.rows);
        let mut section = report.section("ingest: DuckDB loading the same NDJSON from a file into a table");
        loaded.tell(&mut section);
        section.add("Trailkeep to DuckDB", rate * loaded.seconds / events as f64, "×");
        section.add("the same by CPU", loaded.cpu_s / server_cpu_s, "×");
    }
    Ok(())
}
