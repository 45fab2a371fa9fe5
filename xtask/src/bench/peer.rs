//! The peer: DuckDB, from PyPI, in a process of its own.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::Bench;
use super::report::Section;

/// What the peer runs.
const SCRIPT: &str = include_str!("duckdb.py");

/// What a load came to; the script measures itself, so that starting Python does not count.
#[derive(Deserialize)]
pub(super) struct Loaded {
    version: String,
    pub(super) rows: u64,
    pub(super) seconds: f64,
    pub(super) cpu_s: f64,
    peak_mib: f64,
    bytes: u64,
}

impl Loaded {
    /// Adds the peer's own figures.
    pub(super) fn tell(&self, section: &mut Section<'_>) {
        section.add(format!("events a second (DuckDB {})", self.version), self.rows as f64 / self.seconds, "events/s");
        section.add("CPU", self.cpu_s * 1e6 / self.rows as f64, "µs/event");
        section.add("peak memory", self.peak_mib, "MiB");
        section.add("bytes on disk", self.bytes as f64 / self.rows as f64, "bytes/event");
    }
}

/// Has the peer load `input`, which is `kind`: `ndjson` or `log-files`. None if it is not installed.
pub(super) fn load(bench: &Bench, kind: &str, input: &Path) -> anyhow::Result<Option<Loaded>> {
    let known = Command::new("python3").args(["-c", "import duckdb"]).stderr(Stdio::null()).status();
    if !known.is_ok_and(|status| status.success()) {
        eprintln!("bench: no DuckDB for python3, so no ratio; `make bench` installs it");
        return Ok(None);
    }
    let dir = tempfile::Builder::new().prefix("duckdb-").tempdir_in(bench.dir.path())?;
    let mut command = Command::new("python3");
    command.arg("-").arg(kind).arg(input).arg(dir.path().join("peer.db"));
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot run python3")?;
    process.stdin.take().context("python3 has no stdin")?.write_all(SCRIPT.as_bytes())?;
    let output = process.wait_with_output()?;
    ensure!(output.status.success(), "DuckDB ended with {}", output.status);
    Ok(Some(serde_json::from_slice(&output.stdout).context("DuckDB's figures cannot be read")?))
}
