//! How soon an acknowledged event is in SQL results while events come in as fast as the server takes them, how soon a
//! query that is cancelled has ended, and what all that takes of memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::lake::{call, query};
use super::load::{Bodies, Load, Sent};
use super::records::{Records, Times};
use super::report::{Floor, Report, quantile};
use super::server::Server;
use super::wire::Link;
use super::{Bench, machine};

/// How soon an acknowledged event must be in SQL results at p99 (design, section 9), in milliseconds.
const VISIBLE_MS_MAX: f64 = 1_000.0;
/// How soon a cancelled query must have ended (issue 3, section 2), in milliseconds.
const CANCELLED_MS_MAX: f64 = 100.0;
/// Records are of the last hour: the default store takes live management events.
const SPAN_S: u64 = 3_600;
/// Events looked for at most.
const PROBES_MAX: usize = 400;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// Queries that are cancelled.
const CANCELLED: usize = 20;
/// A query that does not end by itself.
const ENDLESS: &str =
    "SELECT count(*) FROM event_data_store a, event_data_store b, event_data_store c WHERE a.eventID < b.requestID";

/// Measures.
pub(super) fn run(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let events = bench.events(1_000_000);
    let times = Times { newest_s: machine::now_s(), span_s: SPAN_S };
    let bodies = Bodies::of(Records::new(&bench.shapes, bench.seed, times, events), bench.batch);
    let server = Server::start(&bench.binary, bench.dir.path())?;
    let token = server.token()?;
    let (stop, over) = (AtomicBool::new(false), AtomicBool::new(false));
    let load = Load { address: &server.address, token: &token, connections: bench.connections, pace: None, stop: &stop };
    let (sent, mut visible) = scope(|threads| {
        let probing = threads.spawn(|| probe(&server, &token, &over));
        let sent = load.send(&bodies);
        over.store(true, Ordering::Relaxed);
        let visible = probing.join().map_err(|_| anyhow::anyhow!("the probe panicked"))?;
        anyhow::Ok((sent?, visible?))
    })?;
    tell(report, events, &sent, &mut visible, &server);
    let mut ended = cancel(&server)?;
    let mut section = report.section("lake: cancellation of a query that would not end");
    section.add("from CancelQuery until it has ended p50", quantile(&mut ended, 0.5), "ms");
    let worst = quantile(&mut ended, 1.0);
    section.add_with_floor("from CancelQuery until it has ended, worst", worst, "ms", Floor::AtMost(CANCELLED_MS_MAX));
    server.stop()?;
    Ok(())
}

fn tell(report: &mut Report, events: u64, sent: &Sent, visible: &mut [Duration], server: &Server) {
    report.check("freshness: records answered as accepted", events, sent.accepted);
    let mut section = report.section("lake: freshness at full ingest, the default event data store following");
    section.add("events a second", events as f64 / sent.seconds, "events/s");
    section.add("events looked for", visible.len() as f64, "");
    section.add("acknowledged until SQL returns it p50", quantile(visible, 0.5), "ms");
    let late = quantile(visible, 0.99);
    section.add_with_floor("acknowledged until SQL returns it, p99", late, "ms", Floor::AtMost(VISIBLE_MS_MAX));
    section.add("peak memory of the server", server.peak_mib(), "MiB");
}

/// Sends an event at a time, and asks for it with SQL until it is there: what that took from the acknowledgement on.
fn probe(server: &Server, token: &str, over: &AtomicBool) -> anyhow::Result<Vec<Duration>> {
    let mut link = Link::connect(&server.address)?;
    let headers = [("content-type", "application/x-ndjson".to_owned()), ("authorization", format!("Bearer {token}"))];
    let mut visible = Vec::new();
    while !over.load(Ordering::Relaxed) && visible.len() < PROBES_MAX {
        let name = format!("Probe{}", visible.len());
        let time = time::OffsetDateTime::from_unix_timestamp(machine::now_s())?;
        let time = time.format(&time::format_description::well_known::Rfc3339)?;
        let event = json!({ "eventTime": time, "eventSource": "probe.example.com", "eventName": name });
        let answer = link.post("/v1/events", &headers, event.to_string().as_bytes())?;
        ensure!(answer.status == 200, "the probe's event is answered {}", answer.status);
        let begun = machine::now();
        let sql = format!("SELECT eventName FROM event_data_store WHERE eventName = '{name}'");
        while query(server, &sql)?.rows.is_empty() {
            ensure!(begun.elapsed() < Duration::from_mins(1), "{name} is not found");
        }
        visible.push(begun.elapsed());
        sleep(PAUSE);
    }
    ensure!(!visible.is_empty(), "the load was over before the first probe");
    Ok(visible)
}

/// Starts queries that do not end, and cancels each: what that took.
fn cancel(server: &Server) -> anyhow::Result<Vec<Duration>> {
    let mut link = Link::connect(&server.address)?;
    let mut ended = Vec::new();
    for _ in 0..CANCELLED {
        let started = call(&mut link, server, "StartQuery", &json!({ "QueryStatement": ENDLESS }))?;
        let asked = json!({ "QueryId": started["QueryId"].as_str().context("no QueryId")? });
        let status = |link: &mut Link| -> anyhow::Result<String> {
            let told = call(link, server, "DescribeQuery", &asked)?;
            Ok(told["QueryStatus"].as_str().unwrap_or_default().to_owned())
        };
        while status(&mut link)? != "RUNNING" {
            sleep(PAUSE);
        }
        sleep(PAUSE * 5);
        let begun = machine::now();
        call(&mut link, server, "CancelQuery", &asked)?;
        while status(&mut link)? != "CANCELLED" {}
        ended.push(begun.elapsed());
    }
    Ok(ended)
}
