//! How long LookupEvents takes for the newest 50 of each attribute, over HTTP and signed, on a quiet server and while
//! events come in; and what history weighs on disk.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::import;
use super::load::{Bodies, Load, Sent};
use super::machine::Others;
use super::records::{Chance, Records, Times};
use super::report::{Floor, Report, quantile};
use super::server::Server;
use super::wire::Link;
use super::{Bench, machine};

/// What the slowest attribute's p99 may be on a quiet server (issue 2, section 5).
const P99_MS_MAX: f64 = 10.0;
/// Events on a page.
const PAGE: usize = 50;
/// Lookups by each attribute on a quiet server, and while events come in.
const QUIET_LOOKUPS: usize = 500;
const LOADED_LOOKUPS: usize = 200;
/// Records a second of a steady stream: a very busy organization's.
const STEADY_PACE: f64 = 20_000.0;
/// Records in a file: the fast way in, since it is lookups that are measured.
const RECORDS_A_FILE: u64 = 200;

/// A lookup and what it must find.
struct Question {
    /// None asks for the newest events of all.
    attribute: Option<&'static str>,
    value: String,
    region: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    events: Vec<Found>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    event_id: String,
    event_name: String,
    event_source: String,
    read_only: Option<String>,
    access_key_id: Option<String>,
    username: Option<String>,
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    resource_type: Option<String>,
    resource_name: Option<String>,
}

/// Times by attribute.
type ByAttribute = BTreeMap<&'static str, Vec<Duration>>;

/// Measures.
pub(super) fn run(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let events = bench.events(1_000_000);
    let server = Server::start(&bench.binary, bench.dir.path())?;
    let raw_bytes = fill(bench, &server, events, report)?;
    let questions = questions(bench, &server, events)?;

    let others = Others::watch()?;
    let cpu_s = server.cpu_s()?;
    let never = AtomicBool::new(false);
    let times = ask_all(&server, &questions, QUIET_LOOKUPS, &never, report)?;
    let others = others.share(server.cpu_s()? - cpu_s)?;
    tell(
        report,
        format!("lookup: newest {PAGE} of {events} events over HTTP, quiet server"),
        times,
        Some(Floor::AtMost(P99_MS_MAX)),
        others,
    );

    for (what, pace) in [("a steady stream comes in", Some(STEADY_PACE)), ("events come in at full speed", None)] {
        under_load(bench, &server, &questions, what, pace, report)?;
    }
    let peak_mib = server.peak_mib();
    let records = server.history_records()?;
    let bytes = server.stop()?;
    let mut section = report.section("lookup: memory and disk");
    section.add("peak memory of the server, all of the above", peak_mib, "MiB");
    section.add("history on disk", bytes as f64 / records as f64, "bytes/event");
    section.add("records, uncompressed", raw_bytes as f64 / events as f64, "bytes/event");
    section.add("history to records", bytes as f64 / records as f64 / (raw_bytes as f64 / events as f64), "");
    Ok(())
}

/// Imports the events; the bytes of their records.
fn fill(bench: &Bench, server: &Server, events: u64, report: &mut Report) -> anyhow::Result<u64> {
    let dir = tempfile::Builder::new().prefix("log-files-").tempdir_in(bench.dir.path())?;
    let made = import::write(dir.path(), Records::new(&bench.shapes, bench.seed, import::TIMES, events), RECORDS_A_FILE)?;
    let imported = server.import(dir.path())?;
    report.check("lookup: events imported", made.events, imported.summary.events.new);
    let mut section = report.section(format!("lookup: filling with {events} events in {} files", made.files));
    section.add("events a second", events as f64 / imported.seconds, "events/s");
    Ok(made.bytes)
}

/// Values to look up. What is in the records is known; user, key and resources are as the server names them.
fn questions(bench: &Bench, server: &Server, events: u64) -> anyhow::Result<Vec<Question>> {
    let mut records = Records::new(&bench.shapes, bench.seed, import::TIMES, events);
    let step = (events / QUIET_LOOKUPS as u64).max(1);
    let mut link = Link::connect(&server.address)?;
    let mut questions = Vec::new();
    let mut text = Vec::new();
    while records.left() > 0 {
        text.clear();
        records.append(&mut text);
        if !records.left().is_multiple_of(step) {
            continue;
        }
        let record: Value = serde_json::from_slice(&text)?;
        let member = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let region = member("awsRegion");
        let by_id = Question { attribute: Some("EventId"), value: member("eventID"), region: region.clone() };
        let (page, _) = ask(&mut link, server, &by_id)?;
        let found = page.events.into_iter().next().with_context(|| format!("event {} is not found", by_id.value))?;
        let resource = found.resources.into_iter().next();
        let (kind, name) = resource.map_or((None, None), |resource| (resource.resource_type, resource.resource_name));
        let values = [
            ("EventName", Some(found.event_name)),
            ("EventSource", Some(found.event_source)),
            ("ReadOnly", found.read_only),
            ("Username", found.username),
            ("AccessKeyId", found.access_key_id),
            ("ResourceType", kind),
            ("ResourceName", name),
        ];
        questions.push(by_id);
        questions.push(Question { attribute: None, value: String::new(), region: region.clone() });
        for (attribute, value) in values {
            let question = |value| Question { attribute: Some(attribute), value, region: region.clone() };
            questions.extend(value.filter(|value| !value.is_empty()).map(question));
        }
    }
    shuffle(&mut questions, bench.seed);
    Ok(questions)
}

fn shuffle(questions: &mut [Question], seed: u64) {
    let mut chance = Chance(seed);
    for at in (1..questions.len()).rev() {
        questions.swap(at, chance.below(at as u64 + 1) as usize);
    }
}

/// Asks up to `each` questions by each attribute, one after the other, until `stop`.
fn ask_all(
    server: &Server,
    questions: &[Question],
    each: usize,
    stop: &AtomicBool,
    report: &mut Report,
) -> anyhow::Result<ByAttribute> {
    let mut link = Link::connect(&server.address)?;
    let mut times = ByAttribute::new();
    let mut wrong = 0;
    for question in questions {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let times = times.entry(question.name()).or_default();
        if times.len() >= each {
            continue;
        }
        let (page, took) = ask(&mut link, server, question)?;
        times.push(took);
        wrong += u64::from(!question.is_answered_by(&page));
    }
    report.check("lookup: pages with wrong events", 0, wrong);
    Ok(times)
}

fn ask(link: &mut Link, server: &Server, question: &Question) -> anyhow::Result<(Page, Duration)> {
    let mut wanted = json!({ "MaxResults": PAGE });
    if let Some(attribute) = question.attribute {
        wanted["LookupAttributes"] = json!([{ "AttributeKey": attribute, "AttributeValue": question.value }]);
    }
    let body = serde_json::to_vec(&wanted)?;
    let headers = server.keys.sign(&server.address, &question.region, "LookupEvents", &body);
    let begun = machine::now();
    let answer = link.post("/", &headers, &body)?;
    let took = begun.elapsed();
    ensure!(answer.status == 200, "LookupEvents answers {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    Ok((serde_json::from_slice(&answer.body).context("the answer is not as documented")?, took))
}

impl Question {
    fn name(&self) -> &'static str {
        self.attribute.unwrap_or("(none)")
    }

    /// Whether every event has the attribute, and there is one: the value is that of an event in history.
    fn is_answered_by(&self, page: &Page) -> bool {
        let events = &page.events;
        let single = self.attribute != Some("EventId") || events.len() == 1;
        single && !events.is_empty() && events.len() <= PAGE && events.iter().all(|event| self.holds(event))
    }

    fn holds(&self, event: &Found) -> bool {
        let is = |value: &Option<String>| value.as_deref() == Some(&self.value);
        match self.attribute {
            None => true,
            Some("EventId") => event.event_id == self.value,
            Some("EventName") => event.event_name == self.value,
            Some("EventSource") => event.event_source == self.value,
            Some("ReadOnly") => is(&event.read_only),
            Some("Username") => is(&event.username),
            Some("AccessKeyId") => is(&event.access_key_id),
            Some("ResourceType") => event.resources.iter().any(|resource| is(&resource.resource_type)),
            Some(_) => event.resources.iter().any(|resource| is(&resource.resource_name)),
        }
    }
}

fn under_load(
    bench: &Bench,
    server: &Server,
    questions: &[Question],
    what: &str,
    pace: Option<f64>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let times = Times { newest_s: machine::now_s(), span_s: 3_600 };
    let seed = bench.seed + 1 + u64::from(pace.is_none());
    let bodies = Bodies::of(Records::new(&bench.shapes, seed, times, bench.events(400_000)), bench.batch);
    let token = server.token()?;
    let (stop, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    let load = Load { address: &server.address, token: &token, connections: bench.connections, pace, stop: &stop };
    let others = Others::watch()?;
    let cpu_s = server.cpu_s()?;
    let (times, sent) = scope(|threads| {
        let sending = threads.spawn(|| {
            let sent = load.send(&bodies);
            ended.store(true, Ordering::Relaxed);
            sent
        });
        let times = ask_all(server, questions, LOADED_LOOKUPS, &ended, report);
        stop.store(true, Ordering::Relaxed);
        let sent = sending.join().map_err(|_| anyhow::anyhow!("the load client panicked"))??;
        anyhow::Ok((times?, sent))
    })?;
    let others = others.share(server.cpu_s()? - cpu_s)?;
    let Sent { accepted, other, seconds, .. } = sent;
    report.check("lookup: records answered otherwise than accepted", 0, other);
    tell(report, format!("lookup: the same while {what}"), times, None, others);
    report.section(format!("lookup: the same while {what}")).add(
        "events a second meanwhile",
        accepted as f64 / seconds,
        "events/s",
    );
    Ok(())
}

fn tell(report: &mut Report, name: String, times: ByAttribute, floor: Option<Floor>, others: f64) {
    let mut section = report.section(name);
    let mut lookups = 0;
    for (attribute, mut times) in times {
        lookups += times.len();
        section.add(format!("{attribute} p50"), quantile(&mut times, 0.5), "ms");
        let p99 = quantile(&mut times, 0.99);
        match floor {
            Some(floor) => section.add_with_floor(format!("{attribute} p99"), p99, "ms", floor),
            None => section.add(format!("{attribute} p99"), p99, "ms"),
        }
    }
    section.add("lookups made", lookups as f64, "");
    section.add("taken by other processes", others * 100.0, "% of CPU");
}
