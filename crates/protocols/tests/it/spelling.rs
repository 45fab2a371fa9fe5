//! The keys of real requestParameters and responseElements, looked up among the spellings that ours could have.
//!
//! For every operation a tree with all members is made of its shapes and spelled. What a real record has and that tree
//! has not is a key that we would not write so. The corpus is not part of the repository; without it a few records of
//! the crate `cloudtrail`'s are looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use protocols::parameters::{self, Contract, Side, Value};
use protocols::table::file::Table;
use protocols::table::{Operation, Service, ShapeId, ShapeKind};
use serde_json::Value as Json;

/// The share of keys in the corpus that have our spelling.
const SHARE_MIN: f64 = 0.985;

#[test]
fn keys_of_real_records_are_spelled_as_ours_would_be() {
    let corpus = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/events"));
    let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../cloudtrail/tests/fixtures"));
    let mut ledger = Ledger::open();
    if !corpus.is_dir() {
        eprintln!("skipped: no corpus at {}", corpus.display());
    }
    for dir in [corpus, fixtures].into_iter().filter(|dir| dir.is_dir()) {
        for record in records(dir) {
            ledger.judge(&record);
        }
    }
    ledger.print();
    assert!(ledger.known > 30, "{} keys", ledger.known);
    assert!(ledger.share() >= SHARE_MIN, "{} of {}", ledger.known, ledger.known + ledger.unknown.values().sum::<usize>());
}

fn records(dir: &Path) -> Vec<Json> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".ndjson.gz"));
    paths.sort();
    let mut records = Vec::new();
    for path in paths {
        let mut text = String::new();
        flate2::read::GzDecoder::new(fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
        records.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok()));
    }
    records
}

/// What was found, and the table to look it up in.
struct Ledger {
    table: Table,
    by_source: HashMap<String, Vec<usize>>,
    services: HashMap<usize, Service>,
    spellings: HashMap<(usize, String, bool), BTreeSet<Vec<String>>>,
    known: usize,
    /// By service, operation, side and way.
    unknown: BTreeMap<(String, String, &'static str, String), usize>,
}

impl Ledger {
    fn open() -> Self {
        let bytes = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/model/services.table")).unwrap();
        let table = Table::open(bytes).unwrap();
        let mut by_source: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, heading) in table.headings().iter().enumerate() {
            by_source.entry(heading.event_source.clone()).or_default().push(at);
        }
        Self { table, by_source, services: HashMap::new(), spellings: HashMap::new(), known: 0, unknown: BTreeMap::new() }
    }

    /// Counts the keys of a record, as the service that explains it best has them: several may have one event source.
    fn judge(&mut self, record: &Json) {
        let source = record["eventSource"].as_str().unwrap_or_default();
        if record["eventType"] != "AwsApiCall" || source == "s3.amazonaws.com" {
            return;
        }
        let candidates = self.by_source.get(source).cloned().unwrap_or_default();
        let name = record["eventName"].as_str().unwrap_or_default();
        for (member, side, label) in [("requestParameters", Side::Input, "input"), ("responseElements", Side::Output, "output")] {
            let mut ways = Vec::new();
            gather(&record[member], &mut Vec::new(), &mut ways);
            let judged = candidates.iter().filter_map(|&at| self.unknown_ways(at, name, side, &ways));
            let Some((service, operation, unknown)) = judged_best(judged) else { continue };
            self.known += ways.len() - unknown.len();
            for way in unknown {
                *self.unknown.entry((service.clone(), operation.clone(), label, way.join("."))).or_default() += 1;
            }
        }
    }

    fn unknown_ways(
        &mut self,
        at: usize,
        name: &str,
        side: Side,
        ways: &[Vec<String>],
    ) -> Option<(String, String, Vec<Vec<String>>)> {
        let table = &self.table;
        let service = self.services.entry(at).or_insert_with(|| table.read(at).unwrap());
        let operation = service.operations.iter().find(|operation| is_named(operation, name))?;
        let key = (at, operation.name.clone(), side == Side::Input);
        let spellings = self.spellings.entry(key).or_insert_with(|| spellings(service, operation, side));
        let unknown = ways.iter().filter(|way| !is_spelled(spellings, way)).cloned().collect();
        Some((service.heading.name.clone(), operation.name.clone(), unknown))
    }

    fn share(&self) -> f64 {
        let unknown: usize = self.unknown.values().sum();
        self.known as f64 / (self.known + unknown) as f64
    }

    fn print(&self) {
        for ((service, operation, side, way), count) in &self.unknown {
            println!("{count:5} {service} {operation} {side} {way}");
        }
        let unknown: usize = self.unknown.values().sum();
        println!("{} of {} keys are spelled as ours: {:.2} %", self.known, self.known + unknown, self.share() * 100.0);
    }
}

/// Event names may have the API's version behind them.
fn is_named(operation: &Operation, event_name: &str) -> bool {
    let rest = event_name.strip_prefix(operation.name.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("20"))
}

type Judged = (String, String, Vec<Vec<String>>);

fn judged_best(judged: impl Iterator<Item = Judged>) -> Option<Judged> {
    judged.min_by_key(|(.., unknown)| unknown.len())
}

/// The ways to all keys; lists are no step of them.
fn gather(value: &Json, way: &mut Vec<String>, ways: &mut Vec<Vec<String>>) {
    match value {
        Json::Object(members) => {
            for (name, value) in members {
                way.push(name.clone());
                ways.push(way.clone());
                gather(value, way, ways);
                way.pop();
            }
        }
        Json::Array(elements) => elements.iter().for_each(|element| gather(element, way, ways)),
        _ => {}
    }
}

fn is_spelled(spellings: &BTreeSet<Vec<String>>, way: &[String]) -> bool {
    if spellings.contains(way) {
        return true;
    }
    // A map's key may be any.
    spellings.iter().any(|spelled| {
        spelled.len() == way.len() && spelled.iter().zip(way).all(|(spelled, step)| spelled == "*" || spelled == step)
    })
}

fn spellings(service: &Service, operation: &Operation, side: Side) -> BTreeSet<Vec<String>> {
    let protocol = service.heading.protocols[0];
    let contract = Contract { service, operation, protocol };
    let root = if side == Side::Input { operation.input } else { operation.output };
    let mut named = root.map_or(Value::Object(Vec::new()), |root| full(service, root, &mut Vec::new()));
    if let (Value::Object(members), Side::Output, "ec2") = (&mut named, side, service.heading.name.as_str()) {
        members.insert(0, ("requestId".to_owned(), Value::text("")));
        members.insert(1, ("return".to_owned(), Value::Boolean(true)));
    }
    let mut ways = Vec::new();
    if let Some(spelled) = parameters::spell(&contract, side, named) {
        let json: Json = serde_json::from_str(spelled.render().get()).unwrap();
        gather(&json, &mut Vec::new(), &mut ways);
    }
    ways.into_iter().collect()
}

/// A tree with every member that a shape may have, a recursive shape once within itself.
fn full(service: &Service, id: ShapeId, within: &mut Vec<ShapeId>) -> Value {
    if within.iter().filter(|outer| **outer == id).count() > 1 || within.len() > 16 {
        return Value::text("");
    }
    within.push(id);
    let value = match &service.shape(id).unwrap().kind {
        ShapeKind::Structure { members, .. } => {
            let told = members.iter().map(|member| (member.name.clone(), full(service, member.shape, within)));
            Value::Object(told.collect())
        }
        ShapeKind::List { of, .. } => Value::List(vec![full(service, *of, within)]),
        ShapeKind::Map { of, .. } => Value::Object(vec![("*".to_owned(), full(service, *of, within))]),
        _ => Value::text(""),
    };
    within.pop();
    value
}
