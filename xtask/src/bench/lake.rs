//! How long SQL over an event data store takes, and what it weighs on disk, against DuckDB (its table, Parquet, and the
//! log files as they are), chdb and PostgreSQL with the same records on the same machine in the same run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{scope, sleep};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::records::Records;
use super::report::Report;
use super::server::{Server, bytes_in};
use super::wire::Link;
use super::{Bench, import, machine};

/// What the peers run.
const SCRIPT: &str = include_str!("lake_peer.py");
/// Which there are, each left out when it is not installed. The first is there for any number of events, and reads the log
/// files; the others read NDJSON, and only as many events as are usual.
const PEERS: [&str; 3] = ["duckdb", "chdb", "postgres"];
/// Events if the caller does not say how many. Beyond them PostgreSQL would need more disk than all others together, and
/// reading log files as they are takes DuckDB half a minute a query already.
const USUAL_EVENTS: u64 = 1_000_000;
/// Each query is run so often; the least time counts, for every engine alike.
const ROUNDS: usize = 3;
/// Records in a file: the fast way in.
const RECORDS_A_FILE: u64 = 200;
/// Queries at once; as many as an account may have (CloudTrail Lake quotas).
const AT_ONCE: usize = 10;
/// How often it is looked whether a query has ended.
const GLANCE: Duration = Duration::from_millis(2);
/// How long a query, and the store to catch up, may take.
const LIMIT: Duration = Duration::from_mins(10);
/// The Region the store is in.
const REGION: &str = "us-east-1";

/// What is asked for.
struct Needles {
    user: String,
    event_id: String,
    since: &'static str,
    until: &'static str,
}

/// What a peer came to.
#[derive(Deserialize)]
struct Peer {
    engine: String,
    load_s: f64,
    bytes: u64,
    rows: u64,
    ms: BTreeMap<String, f64>,
}

/// A query that has ended.
pub(super) struct Ended {
    id: String,
    took: Duration,
    pub(super) rows: Vec<Value>,
}

/// Measures.
pub(super) fn run(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let events = bench.events(USUAL_EVENTS);
    let peers = if events <= USUAL_EVENTS { &PEERS[..] } else { &PEERS[..1] };
    let files = tempfile::Builder::new().prefix("log-files-").tempdir_in(bench.dir.path())?;
    let records = || Records::new(&bench.shapes, bench.seed, import::TIMES, events);
    let made = import::write(files.path(), records(), RECORDS_A_FILE)?;
    let (ndjson, needles) = write_ndjson(bench.dir.path(), records(), peers.len() > 1)?;

    let server = Server::start(&bench.binary, bench.dir.path())?;
    let begun = machine::now();
    server.import(files.path())?;
    let found = settle(&server, events)?;
    report.check("lake: rows of the store", events, found);
    let load_s = begun.elapsed().as_secs_f64();
    let (mut ours, mut running) = (BTreeMap::new(), BTreeMap::new());
    for (name, sql) in queries(&needles) {
        let mut least: Option<Ended> = None;
        for _ in 0..ROUNDS {
            let ended = query(&server, &sql).with_context(|| format!("{name}: {sql}"))?;
            if least.as_ref().is_none_or(|least| ended.took < least.took) {
                least = Some(ended);
            }
        }
        let least = least.context("no round was run")?;
        if name == "needle" {
            report.check("lake: rows of the needle", 1, least.rows.len() as u64);
        }
        ours.insert(name.to_owned(), least.took.as_secs_f64() * 1e3);
        running.insert(name, running_ms(&server, &least.id)?);
    }
    let at_once_ms = at_once(&server, &needles)?;
    let (peak_mib, bytes) = (server.peak_mib(), bytes_in(&server.data_dir().join("lake"))?);
    server.stop()?;

    let mut section = report.section(format!("lake: {events} events, {} MiB of records", made.bytes >> 20));
    section.add("events a second, imported and in SQL", events as f64 / load_s, "events/s");
    section.add("lake on disk, every byte of the records included", bytes as f64 / events as f64, "bytes/event");
    section.add("peak memory of the server", peak_mib, "MiB");
    section.add(format!("{AT_ONCE} queries at once, until all have ended"), at_once_ms, "ms");
    for (name, ms) in &ours {
        section.add(name.as_str(), *ms, "ms");
        section.add("  of it, running", running.get(name.as_str()).copied().unwrap_or_default(), "ms");
    }
    for engine in peers {
        for peer in ask_peer(bench, engine, &ndjson, files.path(), &needles)? {
            report.check(&format!("lake: rows of {}", peer.engine), events, peer.rows);
            tell(report, &peer, &ours);
        }
    }
    Ok(())
}

fn tell(report: &mut Report, peer: &Peer, ours: &BTreeMap<String, f64>) {
    let mut section = report.section(format!("lake: {}", peer.engine));
    if peer.load_s > 0.0 {
        section.add("events a second, loaded", peer.rows as f64 / peer.load_s, "events/s");
    }
    section.add("bytes on disk", peer.bytes as f64 / peer.rows as f64, "bytes/event");
    for (name, ms) in &peer.ms {
        section.add(name.as_str(), *ms, "ms");
        if let Some(ours) = ours.get(name) {
            section.add(format!("  its time to ours: {name}"), ms / ours, "×");
        }
    }
}

/// The measured queries; the peers' script has the same by the same names.
fn queries(needles: &Needles) -> Vec<(&'static str, String)> {
    let Needles { user, event_id, since, until } = needles;
    let table = "event_data_store";
    let user = user.replace('\'', "''");
    vec![
        (
            "count by eventName",
            format!("SELECT eventName, count(*) AS n FROM {table} GROUP BY eventName ORDER BY n DESC LIMIT 20"),
        ),
        (
            "user and time",
            format!(
                "SELECT eventTime, eventName, sourceIPAddress FROM {table} WHERE userIdentity.userName = '{user}' \
                 AND eventTime BETWEEN '{since}' AND '{until}' ORDER BY eventTime"
            ),
        ),
        (
            "denied by address",
            format!(
                "SELECT sourceIPAddress, count(*) AS n FROM {table} WHERE errorCode LIKE '%AccessDenied%' \
                 GROUP BY sourceIPAddress ORDER BY n DESC LIMIT 20"
            ),
        ),
        (
            "nested LIKE",
            format!("SELECT count(*) AS n FROM {table} WHERE element_at(requestParameters, 'policyArn') LIKE '%policy%'"),
        ),
        ("distinct", format!("SELECT count(DISTINCT sourceIPAddress), count(DISTINCT userIdentity.arn) FROM {table}")),
        (
            "top errors",
            format!(
                "SELECT errorCode, eventSource, count(*) AS n FROM {table} WHERE errorCode IS NOT NULL \
                 GROUP BY errorCode, eventSource ORDER BY n DESC LIMIT 20"
            ),
        ),
        (
            "unnest resources",
            format!(
                "SELECT r.type AS kind, count(*) AS n FROM {table} CROSS JOIN UNNEST(resources) AS t(r) \
                 GROUP BY r.type ORDER BY n DESC LIMIT 20"
            ),
        ),
        ("needle", format!("SELECT * FROM {table} WHERE eventID = '{event_id}'")),
        (
            "newest 50 of a user",
            format!("SELECT * FROM {table} WHERE userIdentity.userName = '{user}' ORDER BY eventTime DESC LIMIT 50"),
        ),
    ]
}

/// All records as NDJSON, if they are `wanted`, and what to ask for: a user and an event from the middle.
fn write_ndjson(dir: &Path, mut records: Records<'_>, wanted: bool) -> anyhow::Result<(TempDir, Needles)> {
    let folder = tempfile::Builder::new().prefix("ndjson-").tempdir_in(dir)?;
    let mut file = BufWriter::new(File::create(folder.path().join("events.ndjson"))?);
    let middle = records.left() / 2;
    let mut needles = None;
    let mut text = Vec::new();
    while records.left() > 0 {
        text.clear();
        records.append(&mut text);
        if needles.is_none() && records.left() <= middle {
            needles = needle(&serde_json::from_slice(&text)?);
        }
        if wanted {
            text.push(b'\n');
            file.write_all(&text)?;
        } else if needles.is_some() {
            break;
        }
    }
    file.flush()?;
    Ok((folder, needles.context("no record of the second half has a user")?))
}

fn needle(record: &Value) -> Option<Needles> {
    let user = record["userIdentity"]["userName"].as_str()?.to_owned();
    let event_id = record["eventID"].as_str()?.to_owned();
    Some(Needles { user, event_id, since: "2025-06-10T00:00:00Z", until: "2025-06-17T00:00:00Z" })
}

/// Waits until the store has all events; how many it has. What is asked is recorded there, too, at its own time.
fn settle(server: &Server, events: u64) -> anyhow::Result<u64> {
    let begun = machine::now();
    let mut found = 0;
    while found < events && begun.elapsed() < LIMIT {
        let ended = query(server, "SELECT count(*) AS n FROM event_data_store WHERE eventTime < '2026-01-01 00:00:00'")?;
        found = ended.rows.first().and_then(|row| row[0]["n"].as_str()).and_then(|n| n.parse().ok()).context("no count")?;
        sleep(GLANCE);
    }
    Ok(found)
}

/// So many of the measured queries at once, in milliseconds.
fn at_once(server: &Server, needles: &Needles) -> anyhow::Result<f64> {
    let texts: Vec<String> = queries(needles).into_iter().map(|(_, sql)| sql).cycle().take(AT_ONCE).collect();
    let begun = machine::now();
    scope(|scope| {
        let asked: Vec<_> = texts.iter().map(|sql| scope.spawn(|| query(server, sql))).collect();
        for thread in asked {
            thread.join().map_err(|_| anyhow::anyhow!("a query's thread ended badly"))??;
        }
        anyhow::Ok(())
    })?;
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}

/// Runs a query as a client does: StartQuery, then GetQueryResults until it has ended and all rows are there.
pub(super) fn query(server: &Server, sql: &str) -> anyhow::Result<Ended> {
    let mut link = Link::connect(&server.address)?;
    let begun = machine::now();
    let started = call(&mut link, server, "StartQuery", &json!({ "QueryStatement": sql }))?;
    let id = started["QueryId"].as_str().context("no QueryId")?.to_owned();
    let mut asked = json!({ "QueryId": id });
    let mut rows = Vec::new();
    loop {
        let mut page = call(&mut link, server, "GetQueryResults", &asked)?;
        match page["QueryStatus"].as_str().unwrap_or_default() {
            "QUEUED" | "RUNNING" if begun.elapsed() < LIMIT => sleep(GLANCE),
            "FINISHED" => {
                if let Value::Array(more) = page["QueryResultRows"].take() {
                    rows.extend(more);
                }
                match page["NextToken"].as_str() {
                    Some(token) => asked["NextToken"] = token.into(),
                    None => return Ok(Ended { id, took: begun.elapsed(), rows }),
                }
            }
            other => bail!("the query is {other}: {}", page["ErrorMessage"]),
        }
    }
}

/// How long a query ran, in milliseconds, without being started and fetched.
fn running_ms(server: &Server, id: &str) -> anyhow::Result<f64> {
    let told = call(&mut Link::connect(&server.address)?, server, "DescribeQuery", &json!({ "QueryId": id }))?;
    told["QueryStatistics"]["ExecutionTimeInMillis"].as_f64().context("no ExecutionTimeInMillis")
}

pub(super) fn call(link: &mut Link, server: &Server, operation: &str, input: &Value) -> anyhow::Result<Value> {
    let body = serde_json::to_vec(input)?;
    let answer = link.post("/", &server.keys.sign(&server.address, REGION, operation, &body), &body)?;
    ensure!(answer.status == 200, "{operation} answers {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    Ok(serde_json::from_slice(&answer.body)?)
}

/// Has a peer load the records and run the queries.
fn ask_peer(bench: &Bench, engine: &str, ndjson: &TempDir, files: &Path, needles: &Needles) -> anyhow::Result<Vec<Peer>> {
    let folder = tempfile::Builder::new().prefix("peer-").tempdir_in(bench.dir.path())?;
    let Needles { user, event_id, since, until } = needles;
    let values = json!({ "user": user, "eventID": event_id, "since": since, "until": until });
    let raw = bench.events(USUAL_EVENTS) <= USUAL_EVENTS;
    let asked = json!({ "values": values, "rounds": ROUNDS, "raw": raw });
    let mut command = Command::new("python3");
    command.args(["-c", SCRIPT, engine]).arg(ndjson.path().join("events.ndjson")).arg(files).arg(folder.path());
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot run python3")?;
    process.stdin.take().context("python3 has no stdin")?.write_all(asked.to_string().as_bytes())?;
    let output = process.wait_with_output()?;
    ensure!(output.status.success(), "{engine} ended with {}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("the figures of {engine} cannot be read"))
}
