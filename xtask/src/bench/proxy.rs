//! What the recording proxy costs: 1 KiB GETs and 1 MiB PUTs over 1 and 64 connections, to an upstream directly, through
//! nginx, and through Trailkeep with every call recorded, and with calls about objects not recorded.
//!
//! Needs nginx and wrk on the path (Debian: `nginx-light`, `wrk`); without them nothing is measured, and it is said so.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::report::{Floor, Report};
use super::server::Server;
use super::wire::Link;
use super::{Bench, machine};

/// What Trailkeep may add to a GET at the median (design, section 9), in milliseconds.
const ADDED_MS_MAX: f64 = 0.3;
/// The share of nginx's requests a second that must be reached (design, section 9).
const OF_NGINX_MIN: f64 = 0.7;
/// Rounds of each measurement, the ways in turn; the median counts.
const ROUNDS: usize = 3;
/// How long a round is, usually and with `--quick`, in seconds.
const ROUND_S: u64 = 5;
const QUICK_ROUND_S: u64 = 2;
/// How long a server may take to be there.
const READY_LIMIT: Duration = Duration::from_secs(20);
/// The pause between two looks.
const GLANCE: Duration = Duration::from_millis(10);
/// What wrk runs.
const SCRIPT: &str = include_str!("proxy.lua");
/// Whose key signs; nobody checks the signature.
const IDENTITIES: &str = r#"[[identity]]
access_key_id = "AKIABENCHEXAMPLE0001"
arn = "arn:aws:iam::123456789012:user/bench"
account = "123456789012"
user_name = "bench"
"#;
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIABENCHEXAMPLE0001/20261201/us-east-1/s3/aws4_request, \
                             SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
                             Signature=0000000000000000000000000000000000000000000000000000000000000000";

/// A kind of request.
struct Kind {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    body_bytes: usize,
}

const KINDS: [Kind; 2] = [
    Kind { name: "1 KiB GET", method: "GET", path: "/bench/get/1k", body_bytes: 0 },
    Kind { name: "1 MiB PUT", method: "PUT", path: "/bench/put/1m", body_bytes: 1 << 20 },
];
const CONNECTIONS: [usize; 2] = [1, 64];

/// What wrk told.
#[derive(Clone, Deserialize)]
struct Told {
    requests: u64,
    seconds: f64,
    p50_us: f64,
    p99_us: f64,
    errors: u64,
}

/// A way to the upstream.
struct Way {
    name: &'static str,
    port: u16,
}

/// An nginx; it is stopped when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Killed, it would leave its workers behind.
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

/// A server with a proxy, and what it had before the load.
struct Recording {
    server: Server,
    resident_mib: f64,
    accepted: u64,
    answered: u64,
}

/// Measures.
pub(super) fn run(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for (program, flag) in [("nginx", "-v"), ("wrk", "-v")] {
        let known = Command::new(program).arg(flag).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if known.is_err() {
            eprintln!("bench: no {program}, so the proxy is not measured; Debian's packages are nginx-light and wrk");
            report.about("proxy", format!("not measured: {program} is not installed"));
            return Ok(());
        }
    }
    let dir = tempfile::Builder::new().prefix("proxy-").tempdir_in(bench.dir.path())?;
    let [upstream, nginx, all, management] = ports()?;
    let _upstream = nginx_at(&dir.path().join("upstream"), upstream, UPSTREAM)?;
    let _nginx = nginx_at(&dir.path().join("proxy"), nginx, &PROXY.replace("UPSTREAM", &upstream.to_string()))?;
    let mut all_recording = record(bench, dir.path(), all, upstream, true)?;
    let mut management_recording = record(bench, dir.path(), management, upstream, false)?;
    let ways = [
        Way { name: "direct", port: upstream },
        Way { name: "nginx", port: nginx },
        Way { name: "Trailkeep, objects recorded", port: all },
        Way { name: "Trailkeep, objects not recorded", port: management },
    ];
    let script = dir.path().join("load.lua");
    fs::write(&script, SCRIPT)?;
    for kind in &KINDS {
        for connections in CONNECTIONS {
            let told = measure(bench, &ways, kind, connections, &script, report)?;
            all_recording.answered += told.iter().filter(|(way, _)| *way == 2).map(|(_, told)| told.requests).sum::<u64>();
            tell(report, kind, connections, &ways, &told);
        }
    }
    all_recording.close("objects recorded", true, report)?;
    management_recording.answered = 0;
    management_recording.close("objects not recorded", false, report)
}

/// Starts a server with a proxy, and has it keep data events if they are recorded.
fn record(bench: &Bench, dir: &Path, port: u16, upstream: u16, data_events: bool) -> anyhow::Result<Recording> {
    let folder = dir.join(format!("trailkeep-{port}"));
    fs::create_dir(&folder)?;
    let identities = folder.join("identities.toml");
    fs::write(&identities, IDENTITIES)?;
    let config = folder.join("trailkeep.toml");
    fs::write(
        &config,
        format!(
            "[[proxy]]\nlisten = \"127.0.0.1:{port}\"\nupstream = \"http://127.0.0.1:{upstream}\"\nservice = \"s3\"\n\
             record_data_events = {data_events}\non_failure = \"refuse\"\nidentities = {:?}\n",
            identities.display().to_string()
        ),
    )?;
    let server = Server::start_with(&bench.binary, &folder, Some(&config))?;
    await_port(port)?;
    if data_events {
        keep_data_events(&server)?;
    }
    let resident_mib = resident_mib(server.process())?;
    let accepted = server.accepted()?;
    Ok(Recording { server, resident_mib, accepted, answered: 0 })
}

impl Recording {
    /// Tells of memory, and checks that what was answered was recorded.
    fn close(self, name: &str, data_events: bool, report: &mut Report) -> anyhow::Result<()> {
        let (now_mib, peak_mib) = (resident_mib(self.server.process())?, self.server.peak_mib());
        if data_events {
            self.server.settle()?;
            let recorded = self.server.accepted()? - self.accepted;
            // Calls under way when wrk ends are recorded, too, and answered to nobody.
            if recorded < self.answered {
                report.wrong(format!("proxy: {} calls were answered, and only {recorded} recorded", self.answered));
            }
        }
        let mut section = report.section(format!("proxy: memory of Trailkeep, {name}"));
        section.add("before", self.resident_mib, "MiB");
        section.add("after", now_mib, "MiB");
        section.add("at most", peak_mib, "MiB");
        self.server.stop()?;
        Ok(())
    }
}

/// An event data store that keeps what the load makes.
fn keep_data_events(server: &Server) -> anyhow::Result<()> {
    let fields = json!([
        { "Field": "eventCategory", "Equals": ["Data"] }, { "Field": "resources.type", "Equals": ["AWS::S3::Object"] },
    ]);
    let store = json!({ "Name": "objects", "AdvancedEventSelectors": [{ "FieldSelectors": fields }] });
    let made = call(server, "CreateEventDataStore", &store)?;
    let named = json!({ "EventDataStore": made["EventDataStoreArn"] });
    let begun = machine::now();
    while begun.elapsed() < READY_LIMIT {
        if call(server, "GetEventDataStore", &named)?["Status"] == "ENABLED" {
            return Ok(());
        }
        sleep(GLANCE);
    }
    bail!("the event data store does not begin")
}

fn call(server: &Server, operation: &str, input: &Value) -> anyhow::Result<Value> {
    let body = serde_json::to_vec(input)?;
    let mut link = Link::connect(&server.address)?;
    let answer = link.post("/", &server.keys.sign(&server.address, "us-east-1", operation, &body), &body)?;
    ensure!(answer.status == 200, "{operation} answers {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    Ok(serde_json::from_slice(&answer.body)?)
}

/// All rounds of a kind of request: the way by its place in `ways`, and what wrk told.
fn measure(
    bench: &Bench,
    ways: &[Way],
    kind: &Kind,
    connections: usize,
    script: &Path,
    report: &mut Report,
) -> anyhow::Result<Vec<(usize, Told)>> {
    let quick = bench.events.is_some();
    let (rounds, seconds) = if quick { (1, QUICK_ROUND_S) } else { (ROUNDS, ROUND_S) };
    let mut all = Vec::new();
    for round in 0..=rounds {
        for (at, way) in ways.iter().enumerate() {
            // The first round warms connections and caches, and is short.
            let told = load(way.port, kind, connections, if round == 0 { 1 } else { seconds }, script)?;
            report.check(&format!("proxy: {}, {connections} connections, {}: failures", kind.name, way.name), 0, told.errors);
            if round > 0 {
                all.push((at, told));
            }
        }
    }
    Ok(all)
}

fn load(port: u16, kind: &Kind, connections: usize, seconds: u64, script: &Path) -> anyhow::Result<Told> {
    let threads = machine::cores().min(connections).to_string();
    let mut command = Command::new("wrk");
    command.args(["--threads", &threads, "--connections", &connections.to_string(), "--duration", &format!("{seconds}s")]);
    command.args(["--timeout", "30s", "--script"]).arg(script).arg(format!("http://127.0.0.1:{port}{}", kind.path));
    command.env("METHOD", kind.method).env("BODY_BYTES", kind.body_bytes.to_string()).env("AUTHORIZATION", AUTHORIZATION);
    let output = command.output().context("cannot run wrk")?;
    ensure!(output.status.success(), "wrk ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with('{')).with_context(|| format!("wrk told nothing: {text}"))?;
    Ok(serde_json::from_str(line)?)
}

fn tell(report: &mut Report, kind: &Kind, connections: usize, ways: &[Way], told: &[(usize, Told)]) {
    let of = |way: usize, value: fn(&Told) -> f64| {
        let mut values: Vec<f64> = told.iter().filter(|(at, _)| *at == way).map(|(_, told)| value(told)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let rate: fn(&Told) -> f64 = |told| told.requests as f64 / told.seconds;
    let p50: fn(&Told) -> f64 = |told| told.p50_us / 1e3;
    let p99: fn(&Told) -> f64 = |told| told.p99_us / 1e3;
    let mut section = report.section(format!("proxy: {} over {connections} connections, upstream nginx", kind.name));
    for (at, way) in ways.iter().enumerate() {
        section.add(format!("{}: requests a second", way.name), of(at, rate), "requests/s");
        section.add(format!("{}: latency p50", way.name), of(at, p50), "ms");
        section.add(format!("{}: latency p99", way.name), of(at, p99), "ms");
        if at == 1 {
            section.add("nginx: added to direct at the median", of(at, p50) - of(0, p50), "ms");
        }
        if at >= 2 {
            let (share, added) = (of(at, rate) / of(1, rate), of(at, p50) - of(0, p50));
            section.add_with_floor(format!("{}: requests to nginx's", way.name), share, "×", Floor::AtLeast(OF_NGINX_MIN));
            let name = format!("{}: added to direct at the median", way.name);
            // With one connection nothing waits for a processor but the call itself.
            match (kind.method, connections) {
                ("GET", 1) => section.add_with_floor(name, added, "ms", Floor::AtMost(ADDED_MS_MAX)),
                _ => section.add(name, added, "ms"),
            }
        }
    }
}

/// The upstream: a file to read, and a folder to write to.
const UPSTREAM: &str = "
    location /bench/get/ { root DIR; }
    location /bench/put/ { root DIR; dav_methods PUT; create_full_put_path on; }";

/// nginx as a reverse proxy: connections to the upstream are kept, and bodies streamed, as Trailkeep does.
const PROXY: &str = "
    location / {
      proxy_pass http://kept;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_set_header Host $http_host;
      proxy_request_buffering off;
    }
  }
  upstream kept {
    server 127.0.0.1:UPSTREAM;
    keepalive 64;
    keepalive_requests 1000000000;";

/// Starts nginx with a server that has these locations.
fn nginx_at(dir: &Path, port: u16, locations: &str) -> anyhow::Result<Running> {
    fs::create_dir_all(dir.join("bench/get"))?;
    fs::create_dir_all(dir.join("bench/put"))?;
    fs::write(dir.join("bench/get/1k"), vec![b'x'; 1 << 10])?;
    let shown = dir.display().to_string();
    let config = format!(
        "daemon off; worker_processes auto; pid {shown}/pid; error_log {shown}/log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 1h;
  client_max_body_size 64m; client_body_buffer_size 2m;
  client_body_temp_path {shown}/body; proxy_temp_path {shown}/proxy; fastcgi_temp_path {shown}/f; uwsgi_temp_path {shown}/u;
  scgi_temp_path {shown}/s;
  server {{
    listen 127.0.0.1:{port};{}
  }}
}}
",
        locations.replace("DIR", &shown)
    );
    // Workers run as the user who starts them; as root nginx would choose one who may not read the folder.
    let config = if is_root() { format!("user root;\n{config}") } else { config };
    let path = dir.join("nginx.conf");
    fs::write(&path, config)?;
    let mut command = Command::new("nginx");
    command.arg("-e").arg(dir.join("log")).arg("-p").arg(dir).arg("-c").arg(&path).stdin(Stdio::null());
    let running = Running(command.spawn().context("nginx does not start")?);
    await_port(port).with_context(|| fs::read_to_string(dir.join("log")).unwrap_or_default())?;
    Ok(running)
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"))
}

/// Ports that are free.
fn ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let mut ports = [0; N];
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

fn await_port(port: u16) -> anyhow::Result<()> {
    let begun = machine::now();
    while begun.elapsed() < READY_LIMIT {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        sleep(GLANCE);
    }
    bail!("nothing answers at port {port}")
}

/// What a process has in memory, in MiB.
fn resident_mib(process: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).context("the process is gone")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).context("/proc is not as known")?;
    let kib: f64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).context("/proc is not as known")?;
    Ok(kib / 1_024.0)
}
