use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex as Lock;

use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{SessionConfig, SessionContext};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::engine::{Engine, EngineOptions};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");

fn record(n: u32, time: &str) -> String {
    let id = format!(r#""eventID":"e-{n}","eventTime":"{time}""#);
    format!(
        r#"{{{id},"eventSource":"iam.amazonaws.com","eventName":"GetRole","requestParameters":{{"n":{n}}},"resources":[{{"ARN":"a{n}"}}]}}"#
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Files in memory, and what was told of them.
#[derive(Default)]
struct Desk {
    damaged: Arc<Lock<Vec<String>>>,
    ranges: Arc<Lock<Vec<Range>>>,
}

impl Desk {
    fn table(&self, files: Vec<(&'static str, Vec<u8>)>) -> RawFiles {
        self.listing(Arc::default(), move || {
            files.iter().map(|(name, bytes)| ((*name).to_owned(), Content::Bytes(bytes.clone().into(), Box::new(())))).collect()
        })
    }

    fn listing(&self, progress: Arc<Progress>, files: impl Fn() -> Vec<(String, Content)> + Send + Sync + 'static) -> RawFiles {
        let (damaged, ranges) = (Arc::clone(&self.damaged), Arc::clone(&self.ranges));
        let list = move |range: Range, _: &Arc<Progress>| {
            ranges.lock().unwrap().push(range);
            let files = files();
            let (sender, finding) = mpsc::channel(files.len().max(1));
            for (name, content) in files {
                sender.try_send(Ok(Found { name, content })).unwrap();
            }
            finding
        };
        let damaged = move |damage: Damage| damaged.lock().unwrap().push(damage.to_string());
        RawFiles::new(Arc::new(Source { list: Box::new(list), damaged: Box::new(damaged) }), progress, true)
    }
}

async fn ask(files: RawFiles, statement: &str) -> String {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    context.register_table("files", Arc::new(files)).unwrap();
    let batches = context.sql(statement).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

fn value(shown: &str) -> String {
    shown.lines().nth(3).unwrap_or_default().trim_matches(['|', ' ']).to_owned()
}

#[tokio::test]
async fn all_forms_of_files_are_read() {
    let (one, two) = (record(1, "2026-01-01T00:00:00Z"), record(2, "2026-01-02T00:00:00Z"));
    let files = vec![
        ("a.json.gz", gzip(format!(r#"{{"Records":[{one},{two}]}}"#).as_bytes())),
        ("b.json", format!(r#"{{"Records":[{one}]}}"#).into_bytes()),
        ("c.ndjson", format!("{one}\n{two}\n").into_bytes()),
        ("d.json.gz", gzip(br#"{"Records":[]}"#)),
    ];
    let desk = Desk::default();
    assert_eq!(value(&ask(desk.table(files), "SELECT COUNT(*) FROM files").await), "5");
    assert_eq!(*desk.damaged.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_the_rest_is_there() {
    let one = record(1, "2026-01-01T00:00:00Z");
    let whole = gzip(format!(r#"{{"Records":[{one}]}}"#).as_bytes());
    let files = vec![
        ("cut.json.gz", whole[..whole.len() - 4].to_vec()),
        ("page.json", b"<html>".to_vec()),
        ("partly.ndjson", format!("{one}\n{{\"eventName\":\"x\"}}\n{one}\n").into_bytes()),
        ("whole.json.gz", whole),
    ];
    let desk = Desk::default();
    assert_eq!(value(&ask(desk.table(files), "SELECT COUNT(*) FROM files").await), "3");
    let mut damaged = desk.damaged.lock().unwrap().clone();
    damaged.sort();
    assert_eq!(damaged.len(), 3, "{damaged:?}");
    assert!(damaged[0].starts_with("cut.json.gz: TruncatedGzip: "), "{damaged:?}");
    assert!(damaged[1].starts_with("page.json: InvalidJson: "), "{damaged:?}");
    assert!(damaged[2].starts_with("partly.ndjson: record 1: MissingField: "), "{damaged:?}");
}

#[tokio::test]
async fn a_source_that_breaks_off_fails_the_query() {
    let list = |_: Range, _: &Arc<Progress>| {
        let (sender, finding) = mpsc::channel(1);
        sender.try_send(Err("cannot list s3://b/".to_owned())).ok();
        finding
    };
    let source = Source { list: Box::new(list), damaged: Box::new(|_| {}) };
    let context = SessionContext::new();
    context.register_table("files", Arc::new(RawFiles::new(Arc::new(source), Arc::default(), true))).unwrap();
    let failed = context.sql("SELECT COUNT(*) FROM files").await.unwrap().collect().await.unwrap_err();
    assert!(failed.to_string().contains("cannot list s3://b/"), "{failed}");
}

#[tokio::test]
async fn bounds_of_event_time_reach_the_listing() {
    let us = |day: i64| (20_454 + day) * 86_400_000_000; // 2026-01-01
    for (condition, start, end) in [
        (
            "eventtime >= TIMESTAMP '2026-01-01 00:00:00' AND eventtime < TIMESTAMP '2026-01-03 00:00:00'",
            Some(us(0)),
            Some(us(2)),
        ),
        ("eventtime BETWEEN TIMESTAMP '2026-01-01 00:00:00' AND TIMESTAMP '2026-01-02 00:00:00'", Some(us(0)), Some(us(1))),
        ("TIMESTAMP '2026-01-02 00:00:00' > eventtime AND eventname = 'GetRole'", None, Some(us(1))),
        ("eventtime = TIMESTAMP '2026-01-02 00:00:00'", Some(us(1)), Some(us(1))),
        ("eventname = 'GetRole'", None, None),
        ("eventtime > TIMESTAMP '2026-01-02 00:00:00' OR eventname = 'x'", None, None),
    ] {
        let desk = Desk::default();
        let files = vec![(
            "a.ndjson",
            format!("{}\n{}\n", record(1, "2026-01-02T00:00:00Z"), record(2, "2026-03-01T00:00:00Z")).into_bytes(),
        )];
        ask(desk.table(files), &format!("SELECT COUNT(*) FROM files WHERE {condition}")).await;
        let ranges = desk.ranges.lock().unwrap();
        assert_eq!(ranges.as_slice(), [Range { start_us: start, end_us: end }], "{condition}");
    }
}

#[tokio::test]
async fn columns_are_those_of_event_data_stores() {
    let record = record(7, "2026-01-01T00:00:00Z");
    let name = "AWSLogs/210987654321/CloudTrail/eu-west-1/2026/01/01/210987654321_CloudTrail_eu-west-1_20260101T0005Z_A6kvhMoVeCsc7v8U.json.gz";
    let desk = Desk::default();
    let files = vec![(name, gzip(format!(r#"{{"Records":[{record}]}}"#).as_bytes()))];
    let statement = "SELECT eventjsonchecksum, awsregion, recipientaccountid, requestparameters, eventjson FROM files";
    let shown = ask(desk.table(files), statement).await;
    let row = shown.lines().nth(3).unwrap();
    for expected in ["| eu-west-1 |", "| 210987654321 ", r#"| {"n":7} "#, r#""recipientAccountId":"210987654321""#, "= |"] {
        assert!(row.contains(expected), "{row}");
    }
}

fn engine(folder: &Path) -> Engine {
    let options = EngineOptions {
        memory_bytes: 256 << 20,
        spill_dir: folder.to_owned(),
        spill_bytes: 1 << 30,
        threads: 2,
        result_bytes: 1 << 30,
    };
    Engine::new(&options).unwrap()
}

/// The rows of a statement over the tables, joined with bars.
async fn rows(tables: &FileTables, statement: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let compiled = tables.compile(statement, 0).unwrap_or_else(|error| panic!("{statement}: {error}"));
    let mut running = engine.start(compiled, tables.providers(), None);
    let mut rows = Vec::new();
    while let Some(page) = running.next().await {
        let page = page.unwrap_or_else(|failure| panic!("{statement}: {failure}"));
        rows.extend(
            page.into_iter()
                .map(|row| row.into_iter().map(|cell| cell.unwrap_or_else(|| "NULL".to_owned())).collect::<Vec<_>>().join("|")),
        );
    }
    tokio::task::spawn_blocking(move || drop(engine)).await.unwrap();
    rows
}

/// The queries of AWS's Athena guide, word for word, on what a page's table declares.
#[tokio::test]
async fn queries_for_athena_run_on_a_declared_table() {
    let sign_in = |n: u32, result: &str| {
        format!(
            r#"{{"eventTime":"2023-06-1{n}T08:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","eventID":"s{n}","sourceIPAddress":"192.0.2.{n}","userIdentity":{{"type":"IAMUser","userName":"dana{n}"}},"responseElements":{{"ConsoleLogin":"{result}"}}}}"#
        )
    };
    let lambda = r#"{"eventTime":"2023-06-15T08:00:00Z","eventSource":"lambda.amazonaws.com","eventName":"Invoke","eventID":"l","userIdentity":{"userName":"dana"},"requestParameters":{"functionName":"my-critical-function"},"resources":[{"ARN":"arn:aws:lambda:us-east-1:123456789012:function:my-critical-function","type":"AWS::Lambda::Function"}]}"#;
    let body = format!(
        "{}\n{}\n{}\n{lambda}\n{}\n",
        sign_in(1, "Failure"),
        sign_in(2, "Success"),
        sign_in(3, "Failure"),
        lambda.replace("2023-06", "2023-05")
    );
    let desk = Desk::default();
    let mut tables = FileTables::default();
    tables.declare("cloudtrail_logs", desk.table(vec![("a.ndjson", body.into_bytes())]));
    let failed = "SELECT eventtime, useridentity.username, sourceipaddress FROM cloudtrail_logs WHERE eventsource='signin.amazonaws.com' AND eventname='ConsoleLogin' AND responseelements.ConsoleLogin='Failure' ORDER BY eventtime DESC LIMIT 10;";
    assert_eq!(rows(&tables, failed).await, ["2023-06-13T08:00:00Z|dana3|192.0.2.3", "2023-06-11T08:00:00Z|dana1|192.0.2.1"]);
    let invoked = "SELECT eventtime, useridentity.username, eventname, requestparameters FROM cloudtrail_logs WHERE eventsource='lambda.amazonaws.com' AND resources.arn LIKE '%function:my-critical-function%' AND eventtime > '2023-06-01' ORDER BY eventtime DESC;";
    assert_eq!(rows(&tables, invoked).await, [r#"2023-06-15T08:00:00Z|dana|Invoke|{"functionName":"my-critical-function"}"#]);
}

#[tokio::test]
async fn one_may_be_joined_with_the_other() {
    let desk = Desk::default();
    let one = record(1, "2026-01-01T00:00:00Z");
    let mut tables = FileTables::default();
    tables.give(desk.table(vec![("a.ndjson", format!("{one}\n{}\n", record(2, "2026-01-02T00:00:00Z")).into_bytes())]));
    tables.declare("mine", desk.table(vec![("b.ndjson", format!("{one}\n").into_bytes())]));
    let joined = "SELECT a.eventID, b.eventTime, c.eventName FROM event_data_store a JOIN mine b ON a.eventID = b.eventID JOIN cloudtrail_logs c ON c.eventID = a.eventID";
    assert_eq!(rows(&tables, joined).await, ["e-1|2026-01-01T00:00:00Z|GetRole"]);
    tables.declare("MINE", desk.table(vec![]));
    assert_eq!(rows(&tables, "SELECT COUNT(*) FROM mine").await, ["0"]);
    assert_eq!(tables.declared().collect::<Vec<_>>(), ["MINE"]);
}

#[tokio::test]
async fn the_log_files_of_the_corpus_are_rows() {
    let mut folders = vec![Path::new(CORPUS).join("logfiles/invictus")];
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { paths.push(path) }
        }
    }
    let (desk, progress) = (Desk::default(), Arc::<Progress>::default());
    let mut tables = FileTables::default();
    let listed = paths.clone();
    let list = move || listed.iter().map(|path| (path.display().to_string(), Content::Path(path.clone()))).collect();
    tables.give(desk.listing(Arc::clone(&progress), list));
    assert_eq!(rows(&tables, "SELECT COUNT(*), COUNT(DISTINCT eventID) FROM event_data_store").await.len(), 1);
    assert_eq!((progress.files(), progress.events()), (55, 2900));
    assert_eq!(*desk.damaged.lock().unwrap(), Vec::<String>::new());
    assert_eq!(rows(&tables, "SELECT COUNT(*) FROM event_data_store").await, ["2900"]);
}

mod long_files {
    use std::io::Cursor;

    use super::super::long::LongFile;
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<String>, String> {
        let mut file = LongFile::open(Cursor::new(bytes.to_vec())).unwrap();
        let mut records = Vec::new();
        loop {
            match file.next() {
                Ok(Some(record)) => records.push(String::from_utf8_lossy(record).into_owned()),
                Ok(None) => return Ok(records),
                Err(broken) => return Err(format!("{}: {}", broken.code, broken.message)),
            }
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Result<&[&str], &str>) {
        let expected = expected.map(|records| records.iter().map(|record| (*record).to_owned()).collect()).map_err(str::to_owned);
        assert_eq!(read(text.as_bytes()), expected, "{text}");
        assert_eq!(read(&gzip(text.as_bytes())), expected, "{text}, gzipped");
    }

    #[test]
    fn records_are_found_as_the_bytes_come() {
        check(
            r#"{"Records":[{"a":1},{"b":"]}\"{"} , {"c":[1,{}]}]}"#,
            Ok(&[r#"{"a":1}"#, r#"{"b":"]}\"{"}"#, r#"{"c":[1,{}]}"#]),
        );
        check("\u{feff} {\"x\":[1,2],\"Records\" : [\n1,\"two\"\n],\"y\":{}} \n", Ok(&["1", "\"two\""]));
        check("{\"a\":1}\n{\"b\":2}\n\n", Ok(&["{\"a\":1}", "{\"b\":2}"]));
        check("{\"Records\":[{\"a\":1}]}\n{\"Records\":[{\"b\":2}]}", Ok(&["{\"a\":1}", "{\"b\":2}"]));
        check(r#"{"Records":[]}"#, Ok(&[]));
        check(r#"{"Records":"none"}"#, Ok(&[r#"{"Records":"none"}"#]));
        check("", Err("Empty: the file is empty"));
        check("[1]", Err("InvalidJson: invalid JSON at byte 0: expected an object"));
        check(r#"{"Records":[{"a":1}"#, Err("InvalidJson: invalid JSON at byte 19: the text ends within \"Records\""));
        check(r#"{"Records":[{"a":"#, Err("InvalidJson: invalid JSON at byte 12: the text ends within an object or array"));
    }

    #[test]
    fn long_files_are_read_whole_in_little_memory() {
        let record = format!(r#"{{"a":"{}"}}"#, "x".repeat(1_000));
        let many = 2_000;
        let text = format!(r#"{{"Records":[{}]}}"#, vec![record.as_str(); many].join(","));
        assert_eq!(read(&gzip(text.as_bytes())).unwrap(), vec![record; many]);
        let endless = format!(r#"{{"Records":[{{"a":"{}"#, "x".repeat(6 << 20));
        assert!(read(endless.as_bytes()).unwrap_err().starts_with("TooLarge: a record at byte 12 is longer than"));
        let whole = gzip(text.as_bytes());
        assert!(read(&whole[..whole.len() - 9]).unwrap_err().starts_with("TruncatedGzip: "));
    }
}

#[tokio::test]
async fn files_over_the_limits_of_requests_are_read_too() {
    let line = record(1, "2026-01-01T00:00:00Z");
    let many = 100_001;
    let text = format!(r#"{{"Records":[{}]}}"#, vec![line.as_str(); many].join(","));
    let desk = Desk::default();
    assert_eq!(
        value(&ask(desk.table(vec![("a.json.gz", gzip(text.as_bytes()))]), "SELECT COUNT(*) FROM files").await),
        many.to_string()
    );
    assert_eq!(*desk.damaged.lock().unwrap(), Vec::<String>::new());
}
